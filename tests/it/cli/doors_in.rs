//! What comes in from other systems: each with a file in the form that the system itself writes.

use std::fs;

use super::{Room, golden, transcript};

/// Returns a file of this folder.
fn file(name: &str) -> String {
    let path = format!("{}/tests/it/cli/files/{name}", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(path).unwrap()
}

fn room_with(name: &str) -> Room {
    let room = Room::new();
    room.write(name, &file(name));
    room
}

/// Imports a file twice and says how the orders stand.
fn told(room: &Room, import: &str, orders: &[&str]) -> String {
    let mut lines = vec![
        format!("{import} --dry-run"),
        import.to_owned(),
        import.to_owned(),
    ];
    let shown = |order: &&str| format!("work-order show {order}");
    lines.extend(orders.iter().map(shown));
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    transcript(room, &lines)
}

#[test]
fn issues_of_github() {
    let room = room_with("github.json");
    let orders = ["acme/shop#41", "github:acme/shop#42", "github:acme/shop#38"];
    golden!(
        "import_github",
        told(&room, "import github github.json", &orders)
    );
    let seen = room.records();
    assert_eq!(room.done("import github github.json").code, 0);
    assert_eq!(room.records(), seen, "a second import appends nothing");

    // Closed there, and another one renamed there and here.
    room.done("work-order edit acme/shop#42 --title Ours");
    let newer = file("github.json")
        .replace(
            r#""closedAt":null,"createdAt":"2025-11-03"#,
            r#""closedAt":"2025-11-09T00:00:00Z","createdAt":"2025-11-03"#,
        )
        .replacen(r#""state":"OPEN""#, r#""state":"CLOSED""#, 1)
        .replace("signing keys", "keys of all sorts");
    room.write("newer.json", &newer);
    let report = room.done("import github newer.json --json").json();
    assert_eq!(
        (&report["updated"], &report["unchanged"]),
        (&1.into(), &3.into()),
        "{report}"
    );
    let order = room
        .done("work-order status github:acme/shop#41 --json")
        .json();
    assert_eq!(order["status"], "completed");
    let order = room.done("work-order status acme/shop#42 --json").json();
    assert_eq!(order["title"], "Ours");
    let kept = report["notes"].as_array().unwrap();
    assert!(
        kept.iter()
            .any(|note| note["kind"] == "kept" && note["text"] == "title"),
        "{report}"
    );
}

#[test]
fn tasks_of_taskwarrior() {
    let room = room_with("taskwarrior.json");
    let orders = [
        "a360fc44-315c-4366-b70c-ea7e7520b749",
        "b5f1d8a3-09aa-4f19-9d3a-0f0f9f0c1a22",
        "taskwarrior:d0000000-0000-4000-8000-000000000004",
    ];
    golden!(
        "import_taskwarrior",
        told(&room, "import taskwarrior taskwarrior.json", &orders)
    );
    // Older versions write objects one a line, and what a task waits for as one text.
    let old = "{\"description\":\"a\",\"entry\":\"20140928T211124Z\",\"status\":\"waiting\",\"uuid\":\"u-1\"}\n\
               {\"depends\":\"u-1,b5f1d8a3-09aa-4f19-9d3a-0f0f9f0c1a22\",\"description\":\"b\",\"entry\":\"20140928T211124Z\",\"status\":\"pending\",\"uuid\":\"u-2\"}\n";
    room.write("old.json", old);
    room.done("import taskwarrior old.json");
    let order = room.done("work-order status u-2 --json").json();
    assert_eq!(order["waits_for"].as_array().unwrap().len(), 2, "{order}");
}

#[test]
fn tables() {
    let room = room_with("table.csv");
    let orders = ["csv:PAY-1", "PAY-2", "PAY-3"];
    golden!("import_csv", told(&room, "import csv table.csv", &orders));

    // Other names, other dates, no dates at all, and ids of two tables side by side.
    room.write(
        "other.csv",
        "Nr,Was,Wann,Ende\n1,Eins,03.09.2025,04.09.2025\n2,Zwei,,\n",
    );
    let import = "import csv other.csv --map id=Nr --map title=Was --map created_at=Wann --map closed_at=Ende \
                  --date-format %d.%m.%Y --source liste";
    let report = room.done(&format!("{import} --json")).json();
    assert_eq!(
        (&report["added"], &report["notes"]),
        (&2.into(), &serde_json::json!([]))
    );
    let order = room.done("work-order status liste:1 --json").json();
    assert_eq!(
        (&order["status"], &order["closed_at"]),
        (&"completed".into(), &"2025-09-04T00:00:00Z".into())
    );
    let seen = room.records();
    assert_eq!(
        room.done(&format!("{import} --json")).json()["unchanged"],
        2
    );
    assert_eq!(room.records(), seen);
    assert!(
        room.done("work-order status liste:2 --json").json()["age_seconds"]
            .as_i64()
            .unwrap()
            < 600
    );
}

#[test]
fn what_an_export_wrote_comes_in_elsewhere() {
    let here = Room::new();
    for line in [
        "wo create --title Payments --kind epic --description \"Pay by card\"",
        "wo create --title First --bucket security --priority 9 --epic EPIC-001 --label api,web --estimate 4h --assignee maria",
        "wo create --title Second --depends-on WO-001 --kind bug",
        "wo create --title Third",
        "wo create --title Fourth",
        "wo link WO-001 related https://example.org/1",
        "wo comment WO-002 \"half way\"",
        "wo start WO-001",
        "wo complete WO-001 --sku sku-1",
        "wo start WO-003",
        "wo cancel WO-004 --reason \"no need\"",
        "agent register rust-dev",
    ] {
        here.done(line);
    }
    let there = Room::new();
    for form in ["json", "jsonl"] {
        there.write(form, &here.done(&format!("export {form}")).out);
    }
    let report = there.done("import json json --json").json();
    assert_eq!(report["added"], 5, "{report}");
    assert_eq!(report["left_out"]["agents"], 1, "{report}");
    let seen = there.records();
    let again = there.done("import json jsonl --json").json();
    assert_eq!(
        (&again["unchanged"], there.records()),
        (&5.into(), seen),
        "{again}"
    );

    let fields = [
        "title",
        "kind",
        "bucket",
        "priority",
        "assignee",
        "created_at",
        "closed_at",
        "estimate_minutes",
        "description",
        "comments",
        "cancel_reason",
        "blocked",
    ];
    for id in ["EPIC-001", "WO-001", "WO-002", "WO-003", "WO-004"] {
        let ours = here.done(&format!("wo show {id} --json")).json();
        let theirs = there.done(&format!("wo show obeya:{id} --json")).json();
        for field in fields {
            let gained = field == "description" && id == "WO-001";
            assert!(
                gained || ours[field] == theirs[field],
                "{id} {field}: {ours} {theirs}"
            );
        }
    }
    let first = there.done("wo show obeya:WO-001 --json").json();
    assert_eq!(
        first["description"],
        "## In obeya\n\n- sku: sku-1\n- receipt: 1"
    );
    assert_eq!(
        (&first["status"], &first["parent_order"]["title"]),
        (&"completed".into(), &"Payments".into())
    );
    assert_eq!(first["links"][0]["target"], "https://example.org/1");
    let third = there.done("wo status obeya:WO-003 --json").json();
    assert_eq!(
        (&third["status"], &third["labels"][0]),
        (&"queued".into(), &"obeya:in_progress".into())
    );

    // What changed at home since then, and only that.
    here.done("wo complete WO-003");
    here.done("wo edit WO-002 --priority 2");
    there.write("newer", &here.done("export jsonl").out);
    let newer = there.done("import json newer --json").json();
    assert_eq!(
        (&newer["updated"], &newer["unchanged"]),
        (&2.into(), &3.into()),
        "{newer}"
    );
    let third = there.done("wo status obeya:WO-003 --json").json();
    assert_eq!(third["status"], "completed");
}

#[test]
fn broken_records_say_where_they_are() {
    let room = room_with("github.json");
    let cases = [
        (
            "github",
            "[{\"number\":1,\n\"title\":7}]",
            "record 1, line 2, column 9: invalid type",
        ),
        (
            "github",
            "[{\"title\":\"t\",\"createdAt\":\"2025-01-01T00:00:00Z\"}]",
            "record 1, line 1: it has no url",
        ),
        (
            "github",
            "{\"a\":1",
            "line 1, column 7: the file ends inside a record",
        ),
        (
            "github",
            "[{}",
            "line 1, column 4: the file ends inside a list",
        ),
        (
            "github",
            "nonsense",
            "line 1, column 1: this is no JSON object",
        ),
        (
            "taskwarrior",
            "[]\n{\"uuid\":\"u\",\"description\":\"x\",\"entry\":\"yesterday\"}",
            "'yesterday' is not a date",
        ),
        ("taskwarrior", "{\"description\":\"x\"}", "it has no uuid"),
        (
            "json",
            "{\"work_orders\":[\n{\"id\":7}]}",
            "record 1, line 2",
        ),
        ("json", "[{}]", "stands in no list with a name"),
        (
            "json",
            "{\"work_orders\" []}",
            "line 1, column 16: here a colon is wanted",
        ),
        ("csv", "title\nx\n", "line 1: no column is called id"),
        (
            "csv",
            "id,title\n1,a\n2,b,c\n3,\n",
            "record 2, line 3: it has 3 cells",
        ),
        (
            "csv",
            "id,title,created\n1,a,soon\n",
            "record 1, line 2: 'soon' is not a date",
        ),
        ("csv", "id,title,priority\n1,a,11\n", "1 to 10"),
    ];
    for (source, text, wanted) in cases {
        room.write("broken", text);
        let said = room.line(&format!("import {source} broken"));
        assert_eq!(said.code, 2, "{source} {text}: {}{}", said.out, said.err);
        assert!(said.err.contains(wanted), "{source} {text}: {}", said.err);
        let json = room.line(&format!("import {source} broken --json")).json();
        assert_eq!(json["error"]["kind"], "broken_file", "{json}");
    }
    assert_eq!(room.done("wo list --all --json").json()["total"], 0);

    // The whole records come in and the others are listed, if that is asked for.
    room.write("broken.csv", "id,title\n1,a\n2\n,c\n1,again\n");
    let report = room
        .done("import csv broken.csv --skip-invalid --json")
        .json();
    assert_eq!(
        (
            &report["added"],
            report["invalid"].as_array().unwrap().len()
        ),
        (&1.into(), 2),
        "{report}"
    );
    assert_eq!(report["invalid"][0]["record"], 2);
    assert_eq!(report["notes"][0]["text"], "record 1, and again record 4");
    // What parts the records must be whole all the same.
    room.write("torn.json", "[{\"uuid\":\"u\"");
    assert_eq!(
        room.line("import taskwarrior torn.json --skip-invalid")
            .code,
        2
    );
}

#[test]
fn options_that_do_not_fit_are_said() {
    let room = room_with("table.csv");
    for (line, wanted) in [
        ("import csv table.csv --map colour=Summary", "field"),
        (
            "import csv table.csv --map title=Nowhere",
            "no column 'Nowhere'",
        ),
        ("import csv table.csv --map nowhere.toml", "nowhere.toml"),
        ("import github table.csv --date-format %d", "date-format"),
        ("import csv nowhere.csv", "nowhere.csv"),
        ("import csv table.csv --source a:b", "colon"),
    ] {
        let said = room.line(line);
        assert!(
            said.code != 0 && said.err.contains(wanted),
            "{line}: {} {}",
            said.code,
            said.err
        );
    }
    assert_eq!(room.done("wo list --all --json").json()["total"], 0);
    // Words of one's own.
    room.write("words.toml", "[kind]\nspike = \"chore\"\n");
    room.done("import csv table.csv --map words.toml");
    assert_eq!(
        room.done("wo status csv:PAY-4 --json").json()["kind"],
        "chore"
    );
}

#[test]
fn an_endless_record_does_not_fill_the_memory() {
    let room = Room::new();
    let long = "x".repeat(12 << 20);
    room.write("quote.csv", &format!("id,title\n1,\"{long}"));
    let said = room.line("import csv quote.csv");
    assert!(
        said.code == 2 && said.err.contains("longer than"),
        "{}",
        said.err
    );
    room.write("long.json", &format!("[{{\"uuid\":\"{long}\"}},{{\"uuid\":\"u\",\"description\":\"d\",\"entry\":\"20250101T000000Z\"}}]"));
    let said = room.line("import taskwarrior long.json --skip-invalid --json");
    assert_eq!(
        (&said.json()["added"], &said.json()["invalid"][0]["record"]),
        (&1.into(), &1.into())
    );
}
