//! Claims between servers: epochs, races, many calls at once, and a ledger that somebody else has.

use std::{fs::File, thread};

use serde_json::json;

use super::Server;
use crate::cli::Room;

#[test]
fn the_server_keeps_epochs_and_a_stale_one_writes_nothing() {
    let room = Room::new();
    room.done("work-order create --title Work");
    let mut first = Server::start(&room, &["--agent", "dev"]);
    first.tool("next", json!({}));
    // Another session of the same agent has no claim, and takes it up only with its epoch.
    let mut second = Server::start(&room, &["--agent", "dev"]);
    assert_eq!(
        second.refusal("comment", json!({ "order": "WO-001", "text": "x" }))["rule"],
        "stale_epoch"
    );
    assert_eq!(
        second.refusal("claim", json!({ "order": "WO-001", "epoch": 7 }))["rule"],
        "stale_epoch"
    );
    second.tool("claim", json!({ "order": "WO-001", "epoch": 1 }));
    second.tool("comment", json!({ "order": "WO-001", "text": "mine too" }));
    // Somebody breaks the hold, and another agent has the order now.
    room.done("work-order release WO-001 --force --reason gone");
    let mut other = Server::start(&room, &["--agent", "other"]);
    assert_eq!(other.tool("next", json!({}))["lease"]["epoch"], 2);
    let before = room.records();
    for (tool, arguments) in [
        ("progress", json!({ "order": "WO-001", "note": "late" })),
        ("comment", json!({ "order": "WO-001", "text": "late" })),
        ("complete", json!({ "order": "WO-001" })),
    ] {
        let refused = first.refusal(tool, arguments);
        assert_eq!(refused["rule"], "stale_epoch", "{tool}");
        assert!(
            refused["mend"][0].as_str().unwrap().contains("Stop"),
            "{refused}"
        );
    }
    assert_eq!(room.records(), before);
    other.tool("complete", json!({ "order": "WO-001" }));
    // What a supervisor says in the environment is the claim.
    room.done("work-order create --title More");
    room.done("work-order claim WO-002 --agent dev");
    let room = room
        .set("OBEYA_EPOCH", "WO-002:1")
        .set("OBEYA_AGENT", "dev");
    let mut told = Server::start(&room, &[]);
    told.tool("complete", json!({ "order": "WO-002" }));
    [first, second, other, told]
        .into_iter()
        .for_each(Server::leaves);
}

#[test]
fn two_servers_race_and_each_order_has_one_winner() {
    let room = Room::new();
    let script: String = (0..3)
        .map(|n| format!("work-order create --title T{n}\n"))
        .collect();
    assert_eq!(room.run_with(["shell"], script.as_bytes()).code, 0);
    let servers = [
        Server::start(&room, &["--agent", "a"]),
        Server::start(&room, &["--agent", "b"]),
    ];
    let run = |mut server: Server| {
        thread::spawn(move || {
            let mut won = vec![];
            loop {
                let answer = server.call("next", json!({}));
                let body = &answer["structuredContent"];
                if answer["isError"] == true {
                    assert_eq!(body["refusal"]["rule"], "nothing_ready", "{answer}");
                    server.leaves();
                    return won;
                }
                won.push(body["id"].as_str().unwrap().to_owned());
            }
        })
    };
    let mut won: Vec<String> = servers
        .map(run)
        .into_iter()
        .flat_map(|ran| ran.join().unwrap())
        .collect();
    won.sort();
    assert_eq!(won, ["WO-001", "WO-002", "WO-003"]);
}

#[test]
fn many_calls_at_once_are_all_answered() {
    let room = Room::new();
    let mut server = Server::start(&room, &["--agent", "dev"]);
    let ids: Vec<u64> = (0..100)
        .map(|n| {
            server.send(
                "tools/call",
                json!({ "name": "create", "arguments": { "title": format!("T{n}") } }),
            )
        })
        .collect();
    for id in ids {
        let answer = server.answer(id);
        assert_eq!(answer["result"]["isError"], false, "{answer}");
    }
    assert_eq!(
        server.tool("show", json!({ "status": "ready" }))["total"],
        100
    );
    server.leaves();
}

#[test]
fn a_ledger_that_is_locked_is_said_and_used_again_once_it_is_free() {
    let room = Room::new();
    let mut server = Server::start(&room, &["--agent", "dev"]);
    server.tool("create", json!({ "title": "before" }));
    let turn = File::options()
        .read(true)
        .write(true)
        .open(room.path().join(".obeya/write.lock"))
        .unwrap();
    turn.lock().unwrap();
    let error = server.error("create", json!({ "title": "meanwhile" }));
    assert_eq!(error["kind"], "busy", "{error}");
    assert!(!error["mend"].as_array().unwrap().is_empty(), "{error}");
    turn.unlock().unwrap();
    server.tool("create", json!({ "title": "after" }));
    assert_eq!(
        server.tool("show", json!({ "status": "ready" }))["total"],
        2
    );
    server.leaves();
}
