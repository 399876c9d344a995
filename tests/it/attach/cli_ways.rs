//! What goes on through a way, or is too much for one: the door for models, an agent's output, a large import, and a watch that
//! was let in without a token.

use std::{fs, io::Write as _};

use obeya::domain::command::Role;
use serde_json::json;

use super::{
    cli_faults::Going,
    served::Served,
    support::{Engine, until},
};
use crate::{cli::Room, mcp::client::Server};

#[test]
fn who_needs_no_token_needs_none_of_a_server_that_was_started_anew() {
    let mut served = Served::over(Room::new());
    let watch = Going::start(
        &served.room,
        &format!("watch --plain --since 1h --attach {}", served.address),
    );
    served.room.done("work-order create --title before");
    watch.hears("before");
    served.kill();
    served.begin();
    served.room.done("work-order create --title after");
    watch.hears("after");
}

#[test]
fn a_model_works_on_an_engine_elsewhere_and_goes_on_after_it_was_away() {
    let mut served = Served::over(Room::new());
    served.room.done("work-order create --title Build");
    let room = Room::empty();
    let attached = |name: &str, role: &str| {
        let file = served.token(name, role).display().to_string();
        Server::start(&room, &["--attach", &served.address, "--token-file", &file])
    };
    let mut looking = attached("wall", "viewer");
    let shown = looking.tool("show", json!({}));
    assert_eq!(shown["first_ready"][0]["title"], "Build", "{shown}");
    let refused = looking.refusal("create", json!({ "title": "No" }));
    assert_eq!(refused["rule"], "role", "{refused}");
    let mut dev = attached("dev", "agent");
    let got = dev.tool("next", json!({}));
    assert_eq!(got["holder"], "agent:dev", "{got}");
    served.kill();
    served.begin();
    dev.tool("progress", json!({ "order": "WO-001", "note": "walls up" }));
    let done = dev.tool("complete", json!({ "order": "WO-001", "sku": "house-1" }));
    assert_eq!(done["order"]["status"], "completed", "{done}");
    dev.leaves();
    looking.leaves();
    served.room.done("receipt verify WO-001");
}

#[test]
fn an_agents_output_is_followed_from_elsewhere_from_run_to_run() {
    let path = std::env::var("PATH").unwrap();
    let room = Room::new().set("PATH", &path);
    room.write(
        "dev.sh",
        "echo at work\nuntil [ -e go ]; do sleep 0.05; done\necho finished\necho '{\"result\": \"done\"}'\n",
    );
    room.write(
        "obeya.toml",
        "[agents.dev]\ncommand = [\"sh\", \"dev.sh\"]\nlease = \"1m\"\n",
    );
    room.done("work-order create --title Build");
    let mut served = Served::over(room);
    let file = served.token("wall", "viewer").display().to_string();
    let elsewhere = Room::empty();
    let place = format!("--attach {} --token-file {file}", served.address);
    let printed = || elsewhere.line(&format!("agent logs dev {place}")).out;
    until("the agent is at work", || printed().contains("at work"));
    let logs = Going::start(&elsewhere, &format!("agent logs dev -f {place}"));
    logs.hears("at work");
    // With its host the agent ends, and the next host gives its order out again.
    served.kill();
    served.begin();
    logs.hears("at work");
    served.room.write("go", "");
    logs.hears("finished");
    assert!(printed().contains("finished"));
}

#[test]
fn an_import_that_no_engine_elsewhere_takes_at_once_is_refused_whole() {
    let engine = Engine::start();
    let room = Room::empty();
    let token = engine.token_file(room.path(), "maria", Role::Operator);
    let mut file = fs::File::create(room.path().join("big.csv")).unwrap();
    writeln!(file, "id,title,description").unwrap();
    let description = "word ".repeat(12_000);
    for row in 0..700 {
        writeln!(file, "{row},title {row},{description}").unwrap();
    }
    drop(file);
    let before = engine.session.watching().state().head;
    let said = room.line(&format!(
        "import csv big.csv --attach ws://{} --token-file {token}",
        engine.address()
    ));
    assert_eq!(said.code, 3, "{}{}", said.out, said.err);
    assert!(
        said.err.contains("an engine elsewhere takes"),
        "{}",
        said.err
    );
    assert!(said.err.contains("in parts"), "{}", said.err);
    assert_eq!(engine.session.watching().state().head, before);
}

#[test]
fn what_a_program_is_to_be_told_has_the_token_that_the_environment_named() {
    let engine = Engine::start();
    let room = Room::empty();
    let token = engine.token_file(room.path(), "dev", Role::Agent);
    let room = room.set("OBEYA_TOKEN_FILE", &token);
    let place = format!("--attach ws://{}", engine.address());
    let told = room.done(&format!("mcp config codex {place}")).out;
    assert!(
        told.contains("--token-file") && told.contains(&token),
        "{told}"
    );
}

#[test]
fn a_token_is_not_left_unused_on_a_ledger_here() {
    let room = Room::new();
    room.write("token", "obeya_1\n");
    for flag in ["--token-file token", "--ca cert.pem"] {
        let said = room.line(&format!("work-order create --title here {flag}"));
        assert_eq!(said.code, 3, "{}{}", said.out, said.err);
        assert!(said.err.contains("--attach or --context"), "{}", said.err);
    }
    assert!(!room.done("work-order list").out.contains("here"));
}
