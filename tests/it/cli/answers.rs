//! The documented JSON of every command, what is printed as text, and what is written where.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use super::{Room, golden, shape, transcript};

#[test]
fn work_orders() {
    let room = Room::new();
    golden!(
        "work_orders",
        transcript(
            &room,
            &[
                "work-order create --title \"Payments\" --kind epic --description \"Pay by card\"",
                "work-order create --title \"First\" --bucket security --priority 9 --epic EPIC-001 --label api,web --estimate 4h --assignee maria",
                "work-order create --title \"Second\" --depends-on WO-001 --kind bug",
                "work-order list",
                "work-order list --bucket security --limit 1 --sort age",
                "work-order show WO-001",
                "work-order status WO-002",
                "work-order edit WO-002 --priority 3 --label slow --title \"Second, renamed\"",
                "work-order start WO-001",
                "work-order comment WO-001 \"half way\"",
                "work-order link WO-001 related https://example.org/1",
                "work-order unlink WO-001 related https://example.org/1",
                "work-order move WO-001 right",
                "work-order why WO-002",
                "work-order complete WO-001 --sku sku-1 --note \"as agreed\"",
                "work-order next --agent rust-dev",
                "work-order heartbeat WO-002 --agent rust-dev --epoch 1 --note \"testing\"",
                "work-order release WO-002 --force --reason \"wrong hands\"",
                "work-order claim WO-002 --agent rust-dev --lease 5m",
                "work-order cancel WO-002 --reason \"Duplicate\"",
                "work-order reopen WO-002 --reason \"no duplicate\"",
                "work-order list --all",
                "work-order list --status completed",
            ]
        )
    );
    // It has what it waits for already, and so it ends.
    let said = room.done("work-order watch WO-001 --until completed");
    assert!(said.out.starts_with("WO-001 is completed"), "{}", said.out);
}

#[test]
fn dependencies() {
    let room = Room::new();
    for title in ["Design", "Code", "Test"] {
        room.run(["wo", "create", "--title", title, "--estimate", "2h"]);
    }
    golden!(
        "dependencies",
        transcript(
            &room,
            &[
                "deps add WO-002 --depends-on WO-001",
                "deps add WO-003 --depends-on WO-002",
                "deps show WO-003",
                "deps show WO-001 --blocks",
                "deps path WO-003 WO-001",
                "deps order",
                "deps order --layers",
                "deps order --critical",
                "deps diagram WO-002",
                "deps remove WO-003 --depends-on WO-002",
            ]
        )
    );
    golden!("tree", room.done("deps show WO-002").out);
}

#[test]
fn andon() {
    let room = Room::new();
    room.done("wo create --title First --bucket security");
    golden!(
        "andon",
        transcript(
            &room,
            &[
                "andon preview bucket:security",
                "andon trigger --reason \"tests red\" --severity high --hold bucket:security --fingerprint ci",
                "andon trigger --reason \"tests red\" --severity high --hold bucket:security --fingerprint ci",
                "andon list",
                "andon ack ALERT-001",
                "andon snooze ALERT-001 --for 30m",
                "andon correct ALERT-001 WO-001",
                "andon recover --fingerprint ci",
                "andon show ALERT-001",
                "andon resolve ALERT-001 --resolution \"fixed the build\"",
                "andon list --all",
            ]
        )
    );
    let said = room.done("andon trigger --reason slow --severity high");
    assert!(said.out.contains("holds nothing"), "{}", said.out);
}

#[test]
fn settings_and_agents() {
    let room = Room::new();
    golden!(
        "settings_and_agents",
        transcript(
            &room,
            &[
                "bucket list",
                "bucket set features --wip 3 --sla none",
                "stage list",
                "stage set review --wip 2 --position 2",
                "stage set review --remove",
                "agent register rust-dev --role developer --bucket features,security --kind bug",
                "agent pause rust-dev --reason lunch",
                "agent status rust-dev",
                "agent resume rust-dev",
                "agent list",
                "agent unregister rust-dev",
            ]
        )
    );
}

#[test]
fn receipts() {
    let room = Room::new();
    for number in 1..=2 {
        room.done("wo create --title Done");
        room.done(&format!("wo start WO-00{number}"));
        room.done(&format!("wo complete WO-00{number} --sku sku-{number}"));
    }
    golden!(
        "receipts",
        transcript(
            &room,
            &[
                "receipt show WO-002",
                "receipt verify WO-001",
                "receipt chain WO-002",
            ]
        )
    );
}

#[test]
fn reports_and_dashboard() {
    let room = Room::new();
    for line in [
        "wo create --title Payments --kind epic",
        "wo create --title First --bucket security --epic EPIC-001",
        "wo create --title Second --epic EPIC-001 --depends-on WO-001 --estimate 2h",
        "wo start WO-001",
        "wo complete WO-001",
        "wo create --title Third --bucket security",
        "wo start WO-003",
        "wo claim WO-002 --agent rust-dev",
        "wo create --title Fourth --depends-on WO-003",
        "andon trigger --reason \"tests red\" --severity low",
    ] {
        room.done(line);
    }
    let mut text = String::new();
    for line in [
        "report progress EPIC-001",
        "report velocity --since \"7 days ago\"",
        "report sla --bucket security",
        "report flow --since 1d",
        "report lead-time",
        "report cycle-time --kind task",
        "report ageing --bucket security",
        "report forecast EPIC-001",
        "report risk --limit 2",
        "report handover --since 8h",
        "dashboard summary",
        "dashboard metrics",
        "ledger stats",
    ] {
        let json = room.done(&format!("{line} --json")).json();
        let shape = serde_json::to_string_pretty(&shape(&json)).unwrap();
        text.push_str(&format!("$ obeya {line}\n{shape}\n\n"));
    }
    golden!("reports", text);
    let velocity = room.done("report velocity --json").json();
    assert_eq!(velocity["completed"], 1);
    assert_eq!(
        room.done("report progress EPIC-001 --json").json()["percent"],
        50
    );
    // An epic's ID stands for --epic, and a filter narrows as it does in a list.
    let forecast = |words: &str| room.done(&format!("report forecast {words} --json")).json();
    assert_eq!(forecast("EPIC-001"), forecast("--epic EPIC-001"));
    assert_eq!(forecast("--trials 7 --seed 3")["seed"], 3);
    assert_eq!(forecast("--bucket security")["remaining"], 1);
    assert_eq!(room.line("report forecast EPIC-009").code, 1);
    assert_eq!(
        room.line("report forecast EPIC-001 --epic EPIC-001").code,
        2
    );
    assert_eq!(room.line("report forecast --trials 0").code, 2);
    let metrics = room.done("dashboard metrics").out;
    assert!(
        metrics
            .lines()
            .any(|line| line.starts_with("# TYPE obeya_")),
        "{metrics}"
    );
}

/// Returns a text in which the words that a slow machine changes, like 12s and 23h, are one word.
fn without_spans(text: &str) -> String {
    let span = |word: &str| {
        let digits = word.trim_end_matches(['s', 'm', 'h', 'd']);
        digits.len() + 1 == word.len() && digits.parse::<u32>().is_ok()
    };
    let mut lines = String::new();
    for line in text.lines() {
        let mut shown: Vec<&str> = vec![];
        for word in line.split_whitespace() {
            let word = if span(word) { "[span]" } else { word };
            // One unit or two.
            if word != "[span]" || shown.last() != Some(&word) {
                shown.push(word);
            }
        }
        lines.push_str(&shown.join(" "));
        lines.push('\n');
    }
    lines
}

#[test]
fn reports_fit_the_terminal() {
    let room = Room::new().set("COLUMNS", "60");
    for line in [
        "wo create --title \"A title that is far too long for a narrow terminal\" --bucket security",
        "wo create --title Second --depends-on WO-001",
        "wo claim WO-001 --agent an-agent-with-a-long-name",
        "wo create --title Mend",
        "andon trigger --reason \"the gate leaks and nobody knows for how long\" --severity high",
        "andon correct ALERT-001 WO-003",
        "wo start WO-003",
        "andon ack ALERT-001",
        "wo create --title Fourth --kind bug",
        "wo start WO-004",
        "wo complete WO-004 --note \"as agreed\"",
    ] {
        room.done(line);
    }
    let mut text = String::new();
    for line in [
        "report velocity",
        "report sla --bucket security",
        "report flow",
        "report lead-time --bucket features",
        "report cycle-time",
        "report ageing",
        "report forecast --label none",
        "report forecast",
        "report risk",
        "report handover",
    ] {
        let said = room.done(line).out;
        // What is there to be copied whole is not cut, and is another one in every ledger.
        let (anchor, lines): (Vec<&str>, Vec<&str>) =
            said.lines().partition(|line| line.contains("--anchor"));
        assert_eq!(anchor.len(), usize::from(line.contains("handover")));
        for line in &lines {
            assert!(line.chars().count() <= 60, "{line}");
        }
        let said = lines.join("\n") + "\n";
        // Elsewhere figures depend on how quick the machine was.
        if line.contains("forecast") || line.contains("handover") {
            text.push_str(&format!("$ obeya {line}\n{}\n", without_spans(&said)));
        }
    }
    golden!("report_texts", text);
}

#[test]
fn the_ledger_itself() {
    let room = Room::new();
    room.done("wo create --title First");
    golden!(
        "ledger",
        transcript(
            &room,
            &[
                "ledger head",
                "ledger verify",
                "ledger log WO-001",
                "ledger log --after 8 --limit 1",
                "ledger backup saved.db",
                "ledger restore saved.db",
                "ledger backup saved.db",
            ]
        )
        .replace(&room.path().display().to_string(), "[folder]")
    );
    let head = room.done("ledger head").out;
    room.done(&format!("ledger verify --anchor {}", head.trim()));
    let other = format!("ledger verify --anchor 3:{}", "0".repeat(64));
    assert_eq!(room.line(&other).code, 1);
    let doctor = room.done("doctor --json").json();
    assert_eq!(doctor["ok"], true);
}

#[test]
fn imports_and_exports() {
    let room = Room::new();
    room.write("issues.jsonl", concat!(
        r#"{"id":"bd-1","title":"One","status":"open","priority":0,"issue_type":"bug","created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z"}"#, "\n",
        r#"{"id":"bd-2","title":"Two","status":"closed","priority":2,"issue_type":"task","created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-02T00:00:00Z","closed_at":"2026-01-02T00:00:00Z"}"#, "\n",
    ));
    golden!(
        "import",
        transcript(
            &room,
            &[
                "import beads issues.jsonl --dry-run",
                "import beads issues.jsonl",
                "import beads issues.jsonl",
                "work-order status beads:bd-1",
                "work-order start beads:bd-1",
            ]
        )
    );
    let whole = room.done("export json").json();
    assert_eq!(whole["work_orders"].as_array().unwrap().len(), 2);
    let lines = room.done("export jsonl").out;
    let orders = lines
        .lines()
        .filter(|line| line.starts_with("{\"work_order\":"));
    assert_eq!(orders.count(), 2, "{lines}");
    room.done("export json --output all.json");
    let file = std::fs::read_to_string(room.path().join("all.json")).unwrap();
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&file).unwrap()["agents"],
        serde_json::json!([])
    );
}

#[test]
fn a_dry_run_shows_the_events_and_writes_nothing() {
    let room = Room::new();
    let before = room.records();
    golden!(
        "dry_run",
        transcript(
            &room,
            &["work-order create --title First --label a --dry-run"]
        )
    );
    let said = room.done("work-order create --title First --dry-run");
    assert!(
        said.out.contains("1 event would be written"),
        "{}",
        said.out
    );
    assert!(said.out.contains("{\"order_created\":{"), "{}", said.out);
    assert_eq!(room.records(), before);
    for line in [
        "init",
        "ledger backup x.db",
        "ledger restore x.db",
        "export json --output x",
    ] {
        assert_eq!(room.line(&format!("{line} --dry-run")).code, 2, "{line}");
    }
}

#[test]
fn a_create_prints_its_id_and_a_list_its_open_orders() {
    let room = Room::new();
    assert_eq!(room.done("wo create --title First").out, "WO-001\n");
    assert_eq!(
        room.run_with(
            ["wo", "create", "--title", "Second", "--description", "-"],
            b"from stdin"
        )
        .out,
        "WO-002\n"
    );
    assert!(room.done("wo show WO-002").out.contains("from stdin"));
    room.done("wo cancel WO-001 --reason no");
    insta::assert_snapshot!(room.done("wo list").out, @r"
    ID      PRI  STATUS  BUCKET    KIND  AGE  SLA  TITLE
    WO-002    5  ready   features  task   0s  ok   Second
    ");
    assert!(room.done("wo list --all").out.contains("WO-001"));
    let page = room.done("wo list --all --limit 1 --json").json();
    assert_eq!(page["total"], 2);
    let next = page["next"].as_str().unwrap();
    let rest = room
        .done(&format!("wo list --all --after {next} --json"))
        .json();
    assert_eq!(rest["work_orders"][0]["id"], "WO-001");
}

#[test]
fn a_watch_follows_the_ledger_and_ends_where_it_should() {
    let room = Room::new();
    room.done("wo create --title First");
    let mut watch = room
        .command([
            "wo",
            "watch",
            "WO-001",
            "--until",
            "in_progress",
            "--timeout",
            "60s",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "WO-001 is queued: First");
    room.done("wo comment WO-001 hello");
    room.done("wo start WO-001");
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    assert!(
        rest.len() == 2 && rest[0].contains("hello") && rest[1].contains("started"),
        "{rest:?}"
    );
    assert_eq!(watch.wait().unwrap().code(), Some(0));
    let said = room.line("wo watch --all --timeout 0s");
    assert_eq!((said.code, said.out.as_str()), (1, ""));
}

#[test]
fn nothing_is_logged_where_there_is_nothing_to_say() {
    let room = Room::new();
    room.done("wo create --title First");
    let logs = || {
        std::fs::read_dir(room.path().join(".obeya/logs"))
            .unwrap()
            .count()
    };
    assert_eq!(logs(), 0);
    room.line("wo start WO-009");
    assert_eq!(logs(), 0, "a refusal is an answer");
}

#[test]
fn completions_know_every_noun() {
    let room = Room::empty();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = room.done(&format!("completions {shell}")).out;
        assert!(
            script.contains("work-order") && script.contains("snooze"),
            "{shell}"
        );
    }
}
