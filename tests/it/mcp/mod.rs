//! The server for models, as a program over pipes: what its tools do and refuse, and what it survives.

mod claims;
pub(crate) mod client;
mod hostile;

use serde_json::json;

use self::client::Server;
use crate::cli::Room;

/// A room with a gate that passes once there is a file.
fn gated() -> Room {
    let path = std::env::var("PATH").unwrap();
    let room = Room::new().set("PATH", &path);
    room.write(
        "obeya.toml",
        "[gates.build]\ncommand = [\"sh\", \"-c\", \"echo looking; test -e built\"]\n\
         on_fail = { severity = \"low\" }\n",
    );
    room
}

#[test]
fn a_client_is_greeted_and_told_what_there_is() {
    let room = Room::new();
    let mut server = Server::start(&room, &[]);
    let hello = server.greeting.clone();
    assert_eq!(hello["serverInfo"]["name"], "obeya");
    assert_eq!(hello["protocolVersion"], "2025-06-18");
    for sort in ["tools", "resources", "prompts"] {
        assert!(hello["capabilities"][sort].is_object(), "{hello}");
    }
    let listed = server.ask("tools/list", json!({}));
    let tools = listed["tools"].as_array().unwrap();
    let names: Vec<_> = tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "next", "claim", "show", "progress", "comment", "create", "deps", "gates", "complete",
            "andon", "messages", "why"
        ]
    );
    // What a model reads before every task: `.ci/mcp` counts its tokens.
    assert!(
        listed.to_string().len() <= 9_000,
        "{}",
        listed.to_string().len()
    );
    let resources = server.ask("resources/list", json!({}));
    assert_eq!(resources["resources"][0]["uri"], "obeya://board");
    let templates = server.ask("resources/templates/list", json!({}));
    assert_eq!(
        templates["resourceTemplates"][0]["uriTemplate"],
        "obeya://order/{id}"
    );
    let prompts = server.ask("prompts/list", json!({}));
    let names: Vec<_> = prompts["prompts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|prompt| &prompt["name"])
        .collect();
    assert_eq!(names, ["pick-up", "hand-over"]);
    server.leaves();
}

#[test]
fn an_order_goes_from_the_pull_to_its_receipt_through_its_gate() {
    let room = gated();
    room.done("work-order create --title Build --description \"Make it stand\"");
    room.done("work-order create --title Paint --depends-on WO-001");
    let mut server = Server::start(&room, &["--agent", "dev", "--role", "developer"]);

    let got = server.tool("next", json!({}));
    assert_eq!(
        (&got["id"], &got["holder"], &got["lease"]["epoch"]),
        (&json!("WO-001"), &json!("agent:dev"), &json!(1))
    );
    assert_eq!(got["description"], "Make it stand");
    assert!(got["next"].as_str().unwrap().contains("progress"), "{got}");
    let known = room.done("agent status dev --json").json();
    assert_eq!(known["role"], "developer");

    let shown = server.tool(
        "progress",
        json!({ "order": "WO-001", "note": "walls up", "stage": "right" }),
    );
    assert_eq!(shown["stage"], "code");
    server.tool(
        "comment",
        json!({ "order": "WO-001", "text": "north wall is crooked" }),
    );
    let refused = server.refusal("complete", json!({ "order": "WO-001" }));
    assert_eq!(refused["rule"], "gate_closed");
    assert!(
        refused["mend"][0].as_str().unwrap().contains("gates"),
        "{refused}"
    );

    let failed = server.tool("gates", json!({ "order": "WO-001", "run": "all" }));
    assert_eq!(failed["gates"][0]["standing"], "failed");
    let said = server.tool("gates", json!({ "order": "WO-001", "log": "build" }));
    assert!(
        said["output"].as_str().unwrap().contains("looking"),
        "{said}"
    );
    room.write("built", "");
    let passed = server.tool("gates", json!({ "order": "WO-001", "run": "build" }));
    assert_eq!(passed["gates"][0]["standing"], "passed", "{passed}");

    let done = server.tool(
        "complete",
        json!({ "order": "WO-001", "note": "it stands", "sku": "house-1" }),
    );
    assert_eq!(done["order"]["status"], "completed");
    assert_eq!(done["ready_now"], json!(["WO-002"]));
    assert_eq!(server.tool("next", json!({}))["id"], "WO-002");
    let given = server.tool(
        "complete",
        json!({ "order": "WO-002", "outcome": "release", "note": "no paint" }),
    );
    assert_eq!(given["order"]["status"], "queued");
    server.leaves();

    let receipt = room.done("receipt verify WO-001 --json").json();
    assert_eq!(receipt["verified"], true, "{receipt}");
    let log = room.done("ledger log --json").json();
    let by_mcp =
        |entry: &serde_json::Value| entry["door"] == "mcp" && entry["actor"]["name"] == "dev";
    assert!(
        log["events"].as_array().unwrap().iter().any(by_mcp),
        "{log}"
    );
}

#[test]
fn every_tool_answers_and_refuses() {
    let room = Room::new();
    room.done("work-order create --title One");
    room.done("work-order create --title Two --depends-on WO-001");
    let mut server = Server::start(&room, &["--agent", "dev"]);
    let nobody = json!({ "order": "WO-009" });
    for tool in ["claim", "show", "deps", "gates", "complete", "why"] {
        assert_eq!(
            server.refusal(tool, nobody.clone())["rule"],
            "not_found",
            "{tool}"
        );
    }
    assert_eq!(
        server.refusal("claim", json!({ "order": "WO-002" }))["rule"],
        "blocked"
    );
    assert_eq!(
        server.refusal("progress", json!({ "order": "WO-001", "note": " " }))["rule"],
        "invalid"
    );
    assert_eq!(
        server.refusal("progress", json!({ "order": "WO-001", "note": "x" }))["rule"],
        "stale_epoch"
    );
    assert_eq!(
        server.refusal("create", json!({ "title": "" }))["rule"],
        "invalid"
    );
    assert_eq!(
        server.refusal("create", json!({ "title": "x", "priority": 11 }))["rule"],
        "invalid"
    );
    assert_eq!(
        server.refusal("comment", json!({ "order": "WO-001", "text": "" }))["rule"],
        "invalid"
    );
    assert_eq!(
        server.refusal("deps", json!({ "order": "WO-001", "add": ["WO-002"] }))["rule"],
        "cycle"
    );
    assert_eq!(
        server.refusal("gates", json!({ "order": "WO-001", "run": "no such" }))["rule"],
        "not_found"
    );
    let scope = json!({ "reason": "x", "severity": "low", "hold": "the moon" });
    assert_eq!(server.refusal("andon", scope)["rule"], "invalid");
    assert_eq!(
        server.refusal("messages", json!({ "action": "ack", "seqs": [7] }))["rule"],
        "invalid"
    );
    assert_eq!(
        server.refusal(
            "messages",
            json!({ "action": "reply", "seqs": [7], "body": "x" })
        )["rule"],
        "invalid"
    );
    assert_eq!(
        server.refusal("show", json!({ "status": "ready", "after": "x" }))["rule"],
        "invalid"
    );

    let made = server.tool("create", json!({
        "title": "Three", "description": "d", "kind": "bug", "bucket": "security", "priority": 9,
        "labels": ["x"], "depends_on": ["WO-001"],
    }));
    assert_eq!(
        (&made["order"]["id"], &made["order"]["bucket"]),
        (&json!("WO-003"), &json!("security"))
    );
    assert!(made["next"].as_str().unwrap().contains("why"), "{made}");
    let freed = server.tool("deps", json!({ "order": "WO-003", "remove": ["WO-001"] }));
    assert_eq!(freed["depends_on"], json!([]));
    let why = server.tool("why", json!({ "order": "WO-002" }));
    assert!(
        why["reasons"][0].as_str().unwrap().contains("WO-001"),
        "{why}"
    );
    assert_eq!(
        server.tool("claim", json!({ "order": "WO-001", "lease_minutes": 30 }))["id"],
        "WO-001"
    );
    assert_eq!(
        server.refusal("claim", json!({ "order": "WO-001" }))["rule"],
        "already_started"
    );
    let board = server.tool("show", json!({}));
    assert_eq!(
        (&board["you_hold"][0]["id"], &board["first_ready"][0]["id"]),
        (&json!("WO-001"), &json!("WO-003"))
    );

    let alert = server.tool("andon", json!({
        "reason": "the build is red", "severity": "high", "hold": "order:WO-001", "fingerprint": "red", "order": "WO-001",
    }));
    assert_eq!(alert["alert"]["holds"], "order:WO-001");
    let held = server.refusal("complete", json!({ "order": "WO-001" }));
    assert_eq!(held["rule"], "held");
    assert_eq!(server.tool("andon", json!({}))["total"], 1);
    let unknown = server.refusal("andon", json!({ "recovered": "blue" }));
    let mend = unknown["mend"][0].as_str().unwrap();
    assert!(mend.contains("andon") && mend.contains("fingerprint"));
    let listed = server.tool("andon", json!({}));
    assert_eq!(listed["alerts"][0]["fingerprint"], "red", "{listed}");
    server.tool("andon", json!({ "recovered": "red" }));

    let address = json!({ "action": "send", "address": "@dev", "body": "hello" });
    let seq = server.tool("messages", address)["sent"].clone();
    let read = server.tool("messages", json!({ "action": "read" }));
    assert_eq!(
        (&read["messages"][0]["body"], &read["messages"][0]["seq"]),
        (&json!("hello"), &seq)
    );
    assert_eq!(
        server.tool("messages", json!({ "action": "ack", "seqs": [seq] }))["acknowledged"],
        1
    );

    for (tool, arguments, word) in [
        ("next", json!({ "bucket": "x" }), "unknown field"),
        ("claim", json!({}), "missing field"),
        (
            "create",
            json!({ "title": "x", "bucket": "sea" }),
            "unknown variant",
        ),
        (
            "gates",
            json!({ "order": "WO-001", "run": true }),
            "run: invalid type: boolean `true`, expected a string. It is: A gate to run",
        ),
        (
            "create",
            json!({ "title": "x", "labels": "ui", "description": "d" }),
            "labels: invalid type",
        ),
        (
            "next",
            json!({ "labels": ["a"], "lease_minutes": -1 }),
            "lease_minutes: invalid value",
        ),
        ("andon", json!({ "reason": "x" }), "severity"),
        ("messages", json!({ "action": "send" }), "address"),
        (
            "gates",
            json!({ "order": "WO-001", "run": "a", "log": "b" }),
            "not both",
        ),
    ] {
        let error = server.error(tool, arguments);
        assert_eq!(error["kind"], "usage", "{tool}");
        assert!(
            error["message"].as_str().unwrap().contains(word),
            "{tool}: {error}"
        );
        assert!(!error["mend"].as_array().unwrap().is_empty(), "{tool}");
    }
    server.leaves();
}

#[test]
fn lists_are_bounded_and_say_that_there_is_more() {
    let room = Room::new();
    let script: String = (0..45)
        .map(|n| format!("work-order create --title T{n}\n"))
        .collect();
    assert_eq!(room.run_with(["shell"], script.as_bytes()).code, 0);
    let mut server = Server::start(&room, &[]);
    let (mut seen, mut after) = (vec![], json!(null));
    loop {
        let arguments = match &after {
            serde_json::Value::Null => json!({ "status": "ready" }),
            after => json!({ "status": "ready", "after": after }),
        };
        let page = server.tool("show", arguments);
        assert_eq!(page["total"], 45);
        let orders = page["orders"].as_array().unwrap();
        assert!(orders.len() <= 20);
        seen.extend(
            orders
                .iter()
                .map(|order| order["id"].as_str().unwrap().to_owned()),
        );
        after = page["after"].clone();
        if after.is_null() {
            break;
        }
        assert!(page["next"].as_str().unwrap().contains("more"), "{page}");
    }
    let all: std::collections::BTreeSet<_> = seen.iter().collect();
    assert_eq!((seen.len(), all.len()), (45, 45));

    let long = "x".repeat(50_000);
    server.tool("create", json!({ "title": "long", "description": long }));
    let shown = server.tool("show", json!({ "order": "WO-046" }));
    assert!(shown.to_string().len() < 10_000);
    assert!(
        shown["more"]
            .as_str()
            .unwrap()
            .contains("obeya://order/WO-046"),
        "{}",
        shown["more"]
    );
    let whole = server.ask("resources/read", json!({ "uri": "obeya://order/WO-046" }));
    assert!(
        whole["contents"][0]["text"]
            .as_str()
            .unwrap()
            .contains(&long)
    );
    server.leaves();
}

#[test]
fn resources_and_prompts_are_read() {
    let room = Room::new();
    room.done("work-order create --title Sweep");
    let mut server = Server::start(&room, &["--agent", "dev"]);
    let board = server.ask("resources/read", json!({ "uri": "obeya://board" }));
    let board: serde_json::Value =
        serde_json::from_str(board["contents"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(board["ready"]["first"][0]["id"], "WO-001");
    for uri in [
        "obeya://order/WO-009",
        "obeya://nothing",
        "file:///etc/passwd",
    ] {
        let error = server.protocol_error("resources/read", json!({ "uri": uri }));
        assert_eq!(error["code"], -32002, "{uri}");
    }
    let text = |answer: serde_json::Value| {
        let text = answer["messages"][0]["content"]["text"].as_str().unwrap();
        text.to_owned()
    };
    let prompt = json!({ "name": "pick-up", "arguments": { "order": "WO-001" } });
    assert!(text(server.ask("prompts/get", prompt)).contains("WO-001: Sweep"));
    let hand_over = json!({ "name": "hand-over" });
    assert!(text(server.ask("prompts/get", hand_over.clone())).contains("nothing to hand over"));
    server.tool("next", json!({}));
    assert!(text(server.ask("prompts/get", hand_over)).contains("WO-001: Sweep"));
    let error = server.protocol_error("prompts/get", json!({ "name": "sing" }));
    assert_eq!(error["code"], -32602);
    server.leaves();
}

#[test]
fn a_read_only_server_offers_only_what_reads_and_a_dry_run_writes_nothing() {
    let room = Room::new();
    room.done("work-order create --title Work");
    let before = room.records();
    let mut reader = Server::start(&room, &["--read-only"]);
    let listed = reader.ask("tools/list", json!({}));
    let tools = listed["tools"].as_array().unwrap();
    let names: Vec<_> = tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["show", "deps", "gates", "andon", "messages", "why"]);
    assert!(
        tools
            .iter()
            .all(|tool| tool["annotations"]["readOnlyHint"] == true)
    );
    assert_eq!(reader.tool("show", json!({}))["ready"], 1);
    assert_eq!(
        reader.tool("why", json!({ "order": "WO-001" }))["order"],
        "WO-001"
    );
    assert_eq!(reader.tool("andon", json!({}))["total"], 0);
    assert_eq!(reader.tool("messages", json!({}))["messages"], json!([]));
    assert_eq!(reader.ask("prompts/list", json!({}))["prompts"], json!([]));
    for (tool, arguments) in [
        ("next", json!({})),
        ("create", json!({ "title": "x" })),
        ("complete", json!({ "order": "WO-001" })),
    ] {
        assert_eq!(reader.refusal(tool, arguments)["rule"], "role", "{tool}");
    }
    assert_eq!(
        reader.error("andon", json!({ "reason": "x", "severity": "low" }))["kind"],
        "usage"
    );
    reader.leaves();

    let mut dry = Server::start(&room, &["--dry-run", "--agent", "dev"]);
    let shown = dry.tool("next", json!({}));
    assert_eq!(
        (&shown["dry_run"], &shown["events"][0]["subject"]),
        (&json!(true), &json!("WO-001"))
    );
    assert_eq!(dry.tool("create", json!({ "title": "x" }))["dry_run"], true);
    assert_eq!(
        dry.error("messages", json!({ "action": "read" }))["kind"],
        "usage"
    );
    dry.leaves();
    assert_eq!(room.records(), before);
}
