//! Text from strangers, narrow terminals and readers that go away.

use std::process::Stdio;

use super::Room;

const HOSTILE: &str =
    "\u{1b}]0;owned\u{7}red\u{1b}[31m \u{202e}gnirts\u{2066} a\nb\r\u{9b}2J\u{200b}end";

fn harmless(text: &str) -> bool {
    let bad = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}')
    };
    !text.contains(bad)
}

#[test]
fn no_title_drives_a_terminal() {
    let room = Room::new();
    let said = room.run([
        "wo",
        "create",
        "--title",
        HOSTILE,
        "--description",
        HOSTILE,
        "--label",
        HOSTILE,
        "--assignee",
        HOSTILE,
        "--source",
        HOSTILE,
    ]);
    assert_eq!(said.code, 0, "{}", said.err);
    room.run(["wo", "comment", "WO-001", HOSTILE]);
    room.run([
        "andon",
        "trigger",
        "--reason",
        HOSTILE,
        "--severity",
        "low",
        "--fingerprint",
        HOSTILE,
    ]);
    for line in [
        "wo list",
        "wo list --json",
        "wo show WO-001",
        "wo show WO-001 --json",
        "wo status WO-001",
        "deps show WO-001",
        "deps diagram WO-001",
        "andon list",
        "andon show ALERT-001",
        "ledger log",
        "dashboard summary",
        "export json",
        "export csv",
        "export mermaid",
        "export dot",
        "wo list --color always",
    ] {
        let said = room.done(line);
        let plain = said
            .out
            .replace("\u{1b}[0m", "")
            .replace("\u{1b}[2m", "")
            .replace("\u{1b}[32m", "");
        assert!(harmless(&plain), "{line}: {plain:?}");
    }
    // What is quoted back is cleaned as well.
    for arguments in [
        ["wo", "show", HOSTILE],
        ["wo", HOSTILE, "x"],
        ["stage", "set", HOSTILE],
    ] {
        let said = room.run(arguments);
        assert!(
            said.code != 0 && harmless(&said.err),
            "{arguments:?}: {:?}",
            said.err
        );
    }
}

#[test]
fn long_texts_are_refused_with_few_words() {
    let room = Room::new();
    let long = "x".repeat(100_000);
    let said = room.run(["wo", "create", "--title", &long]);
    assert_eq!(said.code, 1);
    assert!(
        said.err.len() < 300 && said.err.contains("300"),
        "{}",
        said.err
    );
    let megabytes = vec![b'y'; 10 << 20];
    let said = room.run_with(
        ["wo", "create", "--title", "x", "--description", "-"],
        &megabytes,
    );
    assert_eq!(said.code, 2, "{}", said.err);
    let said = room.run_with(
        ["wo", "create", "--title", "x", "--description", "-"],
        &megabytes[..100_000],
    );
    assert_eq!(said.code, 1, "{}", said.err);
    let said = room.run_with(
        ["wo", "create", "--title", "x", "--description", "-"],
        b"\xff\xfe",
    );
    assert_ne!(said.code, 0);
    assert_eq!(room.done("wo list --json").json()["total"], 0);
}

#[test]
fn lists_fit_the_terminal() {
    let room = Room::new();
    let long = "日本語 and words ".repeat(12);
    room.run([
        "wo",
        "create",
        "--title",
        &long,
        "--bucket",
        "technical_debt",
    ]);
    room.run(["wo", "create", "--title", &long, "--depends-on", "WO-001"]);
    room.run([
        "andon",
        "trigger",
        "--severity",
        "high",
        "--reason",
        &long,
        "--hold",
        "bucket:security",
    ]);
    room.run([
        "agent",
        "register",
        "an-agent-with-a-rather-long-name",
        "--role",
        "developer",
    ]);
    for width in [20, 40, 80, 200] {
        let columns = width.to_string();
        for line in [
            "wo list",
            "wo list --all",
            "andon list",
            "agent list",
            "bucket list",
            "stage list",
            "deps show WO-002",
            "deps order",
            "ledger log",
            "report sla",
            "report lead-time",
            "dashboard summary",
        ] {
            let output = room
                .command(super::words(line))
                .env("COLUMNS", &columns)
                .output()
                .unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            assert!(output.status.success() && !text.is_empty(), "{line}");
            for row in text.lines() {
                assert!(obeya::text::width(row) <= width, "{line} at {width}: {row}");
            }
        }
    }
    let wide = room.done("wo list").out;
    assert!(wide.contains(long.trim()), "a pipe gets everything: {wide}");
}

#[test]
fn colours_are_only_for_terminals() {
    let room = Room::new();
    room.done("wo create --title First");
    assert!(!room.done("wo list").out.contains('\u{1b}'));
    assert!(room.done("wo list --color always").out.contains('\u{1b}'));
    assert!(!room.done("wo list --color never").out.contains('\u{1b}'));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let room = Room::new();
    let issues: String = (0..400)
        .map(|n| format!("{{\"id\":\"bd-{n}\",\"title\":\"{}\",\"status\":\"open\",\"created_at\":\"2026-01-01T00:00:00Z\"}}\n", "t".repeat(200)))
        .collect();
    room.write("issues.jsonl", &issues);
    room.done("import beads issues.jsonl");
    let mut child = room
        .command(["export", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
}
