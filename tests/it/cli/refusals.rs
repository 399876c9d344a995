//! What is not done: exit codes, and words that say what, why and what next.

use super::{Room, golden};

#[test]
fn refusals_are_data() {
    let room = Room::new();
    room.done("wo create --title First --bucket security");
    room.done("wo create --title Second --depends-on WO-001");
    room.done("agent register rust-dev");
    room.done("agent pause rust-dev");
    room.done("wo create --title Third");
    room.done("andon trigger --reason red --severity critical");
    golden!(
        "refusals",
        super::transcript(
            &room,
            &[
                "work-order show WO-999",
                "work-order start WO-002",
                "work-order start WO-001",
                "work-order next",
                "work-order next --agent rust-dev",
                "deps add WO-001 --depends-on WO-002",
                "work-order complete WO-002",
                "andon resolve ALERT-009 --resolution x",
                "bucket set features --wip 99999",
                "stage set queued",
                "work-order cancel WO-001 --reason x --actor agent:a",
                "work-order create --title x --as viewer",
                "receipt show WO-001",
            ]
        )
    );
}

#[test]
fn a_refusal_says_what_and_what_would_lift_it() {
    let room = Room::new();
    room.done("wo create --title First");
    room.done("wo create --title Second --depends-on WO-001");
    let said = room.line("wo start WO-002");
    assert_eq!((said.code, said.out.as_str()), (1, ""));
    insta::assert_snapshot!(said.err, @r"
    refused: WO-002 waits for WO-001 (open)
      to lift it: obeya work-order complete WO-001
    ");
}

#[test]
fn an_agent_writes_only_with_its_epoch() {
    let room = Room::new();
    room.done("wo create --title First");
    room.done("wo claim WO-001 --agent a");
    let code = |line: &str| room.line(line).code;
    assert_eq!(code("wo comment WO-001 hello --actor agent:a"), 1);
    assert_eq!(code("wo comment WO-001 hello --actor agent:a --epoch 2"), 1);
    assert_eq!(code("wo comment WO-001 hello --actor agent:a --epoch 1"), 0);
    assert_eq!(code("wo heartbeat WO-001 --agent a"), 2);
    assert_eq!(code("wo heartbeat WO-001 --agent a --epoch 7"), 1);
    let agent = Room {
        environment: vec![
            ("OBEYA_AGENT", "a".into()),
            ("OBEYA_EPOCH", "WO-001:1".into()),
        ],
        ..room
    };
    // What one claim's number says, it says of that order alone.
    agent.done("wo create --title Second");
    agent.done("wo comment WO-002 hello");
    agent.done("wo heartbeat WO-001");
    assert_eq!(agent.line("wo heartbeat WO-002").code, 2);
    assert_eq!(agent.line("wo complete WO-001").code, 0);
    let done = agent.done("wo show WO-001 --json").json();
    let by = &done["timeline"].as_array().unwrap().last().unwrap()["actor"];
    assert_eq!(*by, serde_json::json!({ "kind": "agent", "name": "a" }));
}

#[test]
fn bad_words_are_usage_errors() {
    let room = Room::new();
    room.write("broken.jsonl", "{\"id\":\"bd-1\"\n");
    for (line, wanted) in [
        ("wo", "Usage"),
        ("wo frobnicate", "unrecognized subcommand"),
        ("wo create", "--title"),
        ("wo create --title x --bucket nowhere", "technical_debt"),
        ("wo create --title x --priority 11", "1 to 10"),
        ("wo create --title x --estimate soon", "duration"),
        ("wo edit WO-001", "nothing to change"),
        ("wo list --after nonsense", "place in a list"),
        ("wo release WO-001 --force", "--reason"),
        ("andon trigger --reason x --severity awful", "critical"),
        (
            "andon trigger --reason x --severity low --hold moon",
            "scope",
        ),
        ("andon resolve 7 --resolution x", "ALERT-001"),
        ("report velocity --since someday", "7 days ago"),
        ("bucket set features", "--wip"),
        ("ledger verify --anchor x", "SEQ:HASH"),
        ("import beads broken.jsonl", "line 1, column"),
        ("wo show WO-001 --command-id 7", "command-id"),
        ("completions tcsh", "possible values"),
    ] {
        let said = room.line(line);
        assert_eq!(said.code, 2, "{line}: {}{}", said.out, said.err);
        assert!(said.err.contains(wanted), "{line}: {}", said.err);
        let json = room.line(&format!("{line} --json"));
        assert_eq!(json.code, 2, "{line}");
        if line != "wo" {
            assert!(
                json.json()["error"]["message"].is_string(),
                "{line}: {}",
                json.out
            );
        }
    }
    for epoch in ["x", "1", "WO-001", "WO-001:x"] {
        let said = Room::new().set("OBEYA_EPOCH", epoch).line("wo list");
        assert_eq!(said.code, 2, "{epoch}");
        assert!(said.err.contains("WO-001:3"), "{epoch}: {}", said.err);
    }
}

#[test]
fn without_a_ledger_nothing_is_written_anywhere() {
    let room = Room::empty();
    for line in [
        "wo create --title x",
        "wo list",
        "ledger stats",
        "doctor",
        "import beads x",
    ] {
        let said = room.line(line);
        assert_eq!(said.code, 3, "{line}: {}", said.err);
        assert!(said.err.contains("obeya init"), "{line}: {}", said.err);
    }
    let json = room.line("wo list --json");
    assert_eq!(
        (json.code, json.json()["error"]["kind"].as_str()),
        (3, Some("no_ledger"))
    );
    assert_eq!(std::fs::read_dir(room.path()).unwrap().count(), 0);
    let said = room.line("wo list --ledger nowhere");
    assert_eq!(said.code, 3, "{}", said.err);
}

#[test]
fn a_second_init_changes_nothing() {
    let room = Room::new();
    let before = room.records();
    let said = room.line("init");
    assert_eq!(said.code, 3, "{}", said.err);
    assert_eq!(room.records(), before);
}

#[test]
fn a_command_id_is_applied_once() {
    let room = Room::new();
    let id = "--command-id 0190b6e0-0000-7000-8000-000000000001";
    assert_eq!(
        room.done(&format!("wo create --title First {id}")).out,
        "WO-001\n"
    );
    assert_eq!(
        room.done(&format!("wo create --title First {id}")).out,
        "WO-001\n"
    );
    let other = room.line(&format!("wo create --title Other {id} --json"));
    assert_eq!(
        (other.code, other.json()["refusal"]["rule"].as_str()),
        (1, Some("command_reused"))
    );
    assert_eq!(room.done("wo list --json").json()["total"], 1);
}
