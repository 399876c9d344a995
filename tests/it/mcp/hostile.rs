//! What no client should do, and what clients do all the same.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::{Server, gated};
use crate::{cli::Room, gates::wait_for};

fn text_of_order(server: &mut Server, id: &str) -> Value {
    server.tool("show", json!({ "order": id }))
}

#[test]
fn what_is_no_request_is_survived() {
    let room = Room::new();
    let mut server = Server::silent(&room, &["--agent", "dev"]);
    // Before it is greeted.
    server.raw(
        b"\n\r\n{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n{]\n\xff\xfe\n",
    );
    server.raw(b"{\"jsonrpc\":\"2.0\",\"id\":99,\"result\":{}}\n");
    let early = server.protocol_error("tools/list", json!({}));
    assert_eq!(early["code"], -32602);
    let hello = json!({ "protocolVersion": "1999-01-01", "capabilities": {}, "clientInfo": { "name": "x", "version": "1" } });
    let greeting = server.ask("initialize", hello);
    assert!(
        greeting["protocolVersion"].as_str().unwrap() >= "2025",
        "{greeting}"
    );

    // After it was.
    for line in [
        &b"not json at all"[..],
        b"{\"jsonrpc\":\"2.0\",\"id\":",
        b"\x00\x01\x02\xff",
        b"{\"a\":{\"a\":{\"a\":[[[[[[]]]]]]}}}}}}}",
        b"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":12345}}",
        b"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/unheard\"}",
        b"{\"jsonrpc\":\"2.0\",\"id\":98,\"result\":{}}",
    ] {
        server.raw(line);
        server.raw(b"\n");
    }
    server.raw(&vec![b'['; 100_000]);
    server.raw(b"\n");
    let board = server.tool("show", json!({}));
    assert_eq!(board["ready"], 0);
    let unknown = server.protocol_error("work/steal", json!({}));
    assert_eq!(unknown["code"], -32601);
    let unknown = server.protocol_error("tools/call", json!({ "name": "rm", "arguments": {} }));
    assert_eq!(unknown["code"], -32602);
    // JSON that is no request is told so, without a number that nobody gave.
    server.raw(b"{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"tools/list\"}\n");
    let told = server.hear();
    assert_eq!(
        (&told["error"]["code"], &told["id"]),
        (&json!(-32600), &Value::Null)
    );
    server.leaves();
}

#[test]
fn a_line_that_never_ends_is_thrown_away_and_takes_no_memory() {
    let room = Room::new();
    let mut server = Server::start(&room, &["--agent", "dev"]);
    let chunk = vec![b'x'; 1 << 20];
    for _ in 0..64 {
        server.raw(&chunk);
    }
    server.raw(b"\n");
    server.tool("create", json!({ "title": "still here" }));
    let status = fs::read_to_string(format!("/proc/{}/status", server.child.id())).unwrap();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < 64 << 10, "{peak} KiB");
    server.leaves();
}

#[test]
fn hostile_text_is_data() {
    let room = Room::new();
    let mut server = Server::start(&room, &["--agent", "dev"]);
    let title = "\u{1b}[31mred\u{202e}";
    let body = "a\u{1b}]0;owned\u{7}b\nsecond";
    server.call("create", json!({ "title": title, "description": body }));
    server.tool("create", json!({ "title": "plain", "description": body }));
    let board = server.tool("show", json!({ "status": "ready" }));
    let last = board["total"].as_u64().unwrap();
    let shown = text_of_order(&mut server, &format!("WO-{last:03}"));
    let shown = shown["description"].as_str().unwrap();
    assert!(
        shown.contains("second") && !shown.contains(['\u{1b}', '\u{7}', '\u{202e}']),
        "{shown:?}"
    );
    for name in ["../../etc", "WO-001; rm -rf /", "", "\u{0}"] {
        server.refusal("show", json!({ "order": name }));
    }
    server.leaves();
}

#[test]
fn a_client_that_goes_away_or_a_signal_ends_it() {
    let room = Room::new();
    // Before it said a word.
    Server::silent(&room, &[]).leaves();
    let mut server = Server::start(&room, &[]);
    server.tool("show", json!({}));
    server.leaves();
    // In the middle of a line, with an answer on its way.
    let mut server = Server::start(&room, &[]);
    server.send("tools/call", json!({ "name": "show", "arguments": {} }));
    server.raw(b"{\"jsonrpc\":\"2.0\",\"id\":5,\"meth");
    server.leaves();
    for signal in [Signal::TERM, Signal::INT] {
        let mut server = Server::start(&room, &[]);
        let pid = Pid::from_child(&server.child);
        kill_process(pid, signal).unwrap();
        assert_eq!(server.ended(), Some(0));
    }
}

#[test]
fn a_gate_that_runs_for_a_client_ends_with_it_and_leaves_no_verdict() {
    let room = gated();
    let script = "echo $$ > pid; exec sleep 600";
    room.write(
        "obeya.toml",
        &format!("[gates.slow]\ncommand = [\"sh\", \"-c\", \"{script}\"]\n"),
    );
    room.done("work-order create --title Work");
    let mut server = Server::start(&room, &["--agent", "dev"]);
    server.tool("next", json!({}));
    server.send(
        "tools/call",
        json!({ "name": "gates", "arguments": { "order": "WO-001", "run": "all" } }),
    );
    let file = room.path().join("pid");
    let pid = wait_for("the gate", || {
        fs::read_to_string(&file).ok()?.trim().parse::<i32>().ok()
    });
    // Meanwhile the others are served, and a second run is refused.
    assert_eq!(
        server.tool("gates", json!({ "order": "WO-001" }))["gates"][0]["standing"],
        "running"
    );
    assert_eq!(
        server.refusal("gates", json!({ "order": "WO-001", "run": "slow" }))["rule"],
        "invalid"
    );
    server.tool(
        "progress",
        json!({ "order": "WO-001", "note": "waiting for the gate" }),
    );
    kill_process(Pid::from_child(&server.child), Signal::TERM).unwrap();
    assert_eq!(server.ended(), Some(0));
    wait_for("its end", || {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let state = stat
            .rsplit_once(')')
            .map(|(_, rest)| rest.trim_start().to_owned());
        state
            .is_none_or(|state| state.starts_with(['Z', 'X']))
            .then_some(())
    });
    let gates = room.done("quality-gate status WO-001 --json").json();
    assert_eq!(gates["gates"][0]["standing"]["state"], "missing", "{gates}");
}

#[test]
fn programs_of_a_project_that_nobody_trusts_are_not_run() {
    let room = gated();
    room.done("work-order create --title Work");
    let mut server = Server::start(&room, &["--agent", "dev"]);
    server.tool("next", json!({}));
    // As in a clone that brings its own ledger.
    fs::remove_dir_all(room.path().join(".local")).unwrap();
    let refused = server.refusal("gates", json!({ "order": "WO-001", "run": "all" }));
    assert!(
        refused["message"].as_str().unwrap().contains("obeya host"),
        "{refused}"
    );
    server.leaves();
}

#[test]
fn there_is_no_server_without_a_ledger() {
    let room = Room::empty();
    let said = room.line("mcp");
    assert_eq!((said.code, said.out.as_str()), (3, ""));
    assert!(said.err.contains("no ledger"), "{}", said.err);
    let said = room.line("mcp --ledger nowhere");
    assert_eq!((said.code, said.out.as_str()), (3, ""));
}
