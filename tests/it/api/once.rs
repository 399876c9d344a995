//! What has no record of its own to be known by is done once under a key too: runs of gates, and errands about agents.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Child, Stdio},
    thread,
};

use super::support::Client;
use crate::{cli::Room, gates::room};

/// A server that is a process of its own, and somebody at its API.
struct Served {
    child: Child,
    ana: Client,
}

impl Served {
    fn over(room: &Room) -> Served {
        let secret = room.done("token create --name ana --role operator").out;
        let mut child = room
            .command(["serve", "--json", "--listen", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let url = lines.find_map(|line| {
            let line: serde_json::Value = serde_json::from_str(&line.unwrap()).ok()?;
            Some(line["serving"]["url"].as_str()?.to_owned())
        });
        thread::spawn(move || lines.for_each(drop));
        let address = url.unwrap().trim_start_matches("ws://").parse().unwrap();
        let token = Some(secret.trim_end().to_owned());
        let ana = Client { address, token };
        Served { child, ana }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_gate_is_run_once_under_a_key() {
    let room = room("echo run >> runs; sleep 0.3", "");
    let served = Served::over(&room);
    let path = "/api/work-orders/WO-001/gates/build/run";
    let run = |key: &str| {
        let key = [("Idempotency-Key", key)];
        served.ana.say("POST", path, &key, b"")
    };
    let runs = || fs::read_to_string(room.path().join("runs")).unwrap_or_default();
    // One caller hangs up, one asks meanwhile, and one afterwards.
    let key = [("Idempotency-Key", "try 1")];
    let hung_up = run("try 1");
    while runs().is_empty() {
        thread::sleep(std::time::Duration::from_millis(5));
    }
    drop(hung_up);
    let meanwhile = served.ana.send("POST", path, &key, b"");
    let after = served.ana.send("POST", path, &key, b"");
    for answer in [&meanwhile, &after] {
        assert_eq!(answer.headers["idempotency-replayed"], "true");
        assert_eq!(answer.done()["records"][0]["kind"], "gate_recorded");
    }
    assert_eq!(meanwhile.body, after.body);
    assert_eq!(runs(), "run\n");
    // Another key is another run, and the same one for something else is a mistake.
    let another = served
        .ana
        .send("POST", path, &[("Idempotency-Key", "try 2")], b"");
    assert!(!another.headers.contains_key("idempotency-replayed"));
    assert_eq!(runs(), "run\nrun\n");
    let other = path.replace("build", "lint");
    let other = served.ana.send("POST", &other, &key, b"").problem(422);
    assert_eq!(other["type"], "urn:obeya:problem:command-reused");
    // What was refused is tried again.
    let none = path.replace("build", "none");
    for _ in 0..2 {
        let refused = served
            .ana
            .send("POST", &none, &[("Idempotency-Key", "try 3")], b"");
        refused.problem(404);
    }
}
