//! The page of the dashboard, and the owner's command that serves it.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::support::{Client, Engine};
use crate::cli::Room;

#[test]
fn the_page_is_for_anybody_and_has_nothing_of_the_line_in_it() {
    let engine = Engine::start();
    let page = engine.stranger().get("/");
    assert_eq!(page.status, 200);
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    let policy = &page.headers["content-security-policy"];
    for part in [
        "default-src 'none'",
        "script-src 'sha256-",
        "connect-src 'self'",
        "frame-ancestors 'none'",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert!(page.body.contains("/api/stream"));
}

/// A process that ends with the test, whatever comes of that.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_owners_command_serves_the_dashboard() {
    let room = Room::new();
    room.done("work-order create --title x");
    let made = room
        .done("token create --name wall --role viewer --json")
        .json();
    let mut command = Command::new(env!("CARGO_BIN_EXE_obeya"));
    command.args(["dashboard", "start", "--port", "0", "--json"]);
    command
        .current_dir(room.path())
        .env("HOME", room.path())
        .env_remove("OBEYA_LEDGER");
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut serving = Serving(child);
    let mut said = String::new();
    BufReader::new(serving.0.stdout.take().unwrap())
        .read_line(&mut said)
        .unwrap();
    let said: Value = serde_json::from_str(&said).unwrap();
    let url = said["serving"]["url"].as_str().unwrap();
    let client = Client {
        address: url.strip_prefix("http://").unwrap().parse().unwrap(),
        token: made["secret"].as_str().map(str::to_owned),
    };
    assert_eq!(client.get("/api/dashboard/summary").done()["queued"], 1);
    assert_eq!(
        client.get("/health/live").done()["status"],
        json!("healthy")
    );
    let pid = Pid::from_child(&serving.0);
    kill_process(pid, Signal::TERM).unwrap();
    assert_eq!(serving.0.wait().unwrap().code(), Some(0));
}
