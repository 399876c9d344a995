//! Talks to the agent as obeya does.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
};

use serde_json::{json, Value};

#[test]
fn it_works_on_one_order_after_another_and_ends_with_its_input() {
    let mut agent = Command::new(env!("CARGO_BIN_EXE_agent"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = agent.stdin.take().unwrap();
    let mut lines = BufReader::new(agent.stdout.take().unwrap()).lines();
    let mut say = |message: Value| writeln!(input, "{message}").unwrap();
    let mut hear = |kind: &str| loop {
        let line = lines.next().expect("it ended early").unwrap();
        let message: Value = serde_json::from_str(&line).unwrap();
        if message["type"] == kind {
            return message;
        }
    };
    say(json!({ "type": "hello", "protocol": 1, "agent": "test" }));
    hear("hello");
    say(json!({ "type": "something new" }));
    for id in ["WO-001", "WO-002"] {
        say(
            json!({ "type": "execute", "id": id, "epoch": 1, "prompt": "do it", "order": { "id": id, "title": "Try" } }),
        );
        hear("progress");
        let result = hear("result");
        assert_eq!(
            (&result["id"], &result["result"]),
            (&json!(id), &json!("done"))
        );
    }
    say(json!({ "type": "message", "message": 7, "address": "work_order_events", "body": "news" }));
    assert_eq!(hear("ack")["message"], 7);
    drop(input);
    assert!(agent.wait().unwrap().success());
}
