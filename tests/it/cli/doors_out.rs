//! What goes out: tables, drawings, the manual, and the events as they come.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

use super::{Room, golden};

/// Returns a ledger with an epic, orders in every status, and a title that spreadsheets and drawings could misread.
fn room() -> Room {
    let room = Room::new();
    for line in [
        "wo create --title Payments --kind epic",
        "wo create --title \"=SUM(A1), and more\" --bucket security --priority 9 --epic EPIC-001 --label api,web --estimate 4h --assignee maria --description \"One line,\nand 'another'\"",
        "wo create --title Second --depends-on WO-001 --kind bug --epic EPIC-001",
        "wo create --title \"a']; x-->y\" --depends-on WO-002",
        "wo create --title Alone",
        "wo create --title Gone",
        "wo start WO-001",
        "wo complete WO-001",
        "wo start WO-002",
        "wo cancel WO-005 --reason no",
    ] {
        room.done(line);
    }
    room
}

#[test]
fn a_table_of_all_orders_or_of_an_epic() {
    let room = room();
    let table = room.done("export csv").out;
    golden!("export_csv", &table);
    let epic = room.done("export csv EPIC-001").out;
    let ids: Vec<_> = epic
        .lines()
        .filter_map(|line| line.split(',').next())
        .collect();
    assert!(ids.starts_with(&["id", "EPIC-001", "WO-002"]), "{epic}");
    assert!(!epic.contains("Alone"));
    // It goes into another ledger, and the quote before the formula goes away again.
    let other = Room::new();
    other.write("orders.csv", &table);
    let report = other.done("import csv orders.csv --json").json();
    assert_eq!(report["added"], 6, "{report}");
    let first = other.done("wo show csv:WO-001 --json").json();
    assert_eq!(
        (&first["title"], &first["status"]),
        (&"=SUM(A1), and more".into(), &"completed".into())
    );
    assert_eq!(first["labels"], serde_json::json!(["api", "web"]));
    let second = other.done("wo show csv:WO-002 --json").json();
    assert_eq!(second["depends_on"][0]["title"], "=SUM(A1), and more");
    assert_eq!(second["parent_order"]["title"], "Payments");
    // A file is told by its name, and a link that cannot be followed is an error.
    let said = room.done("export csv --output orders.csv --json").json();
    assert_eq!(said["output"], "orders.csv");
    assert_eq!(
        fs::read_to_string(room.path().join("orders.csv")).unwrap(),
        table
    );
    assert_eq!(room.line("export csv WO-099").code, 1);
    assert_eq!(room.line("export csv --output nowhere/orders.csv").code, 3);
}

#[test]
fn drawings_of_what_waits_for_what() {
    let room = room();
    insta::assert_snapshot!(room.done("export mermaid").out, @r##"
    graph TD
        WO001["#61;SUM#40;A1#41;, and more"]:::completed --> WO002[Second]:::in_progress
        WO002 --> WO003["a'#93;#59; x--#gt;y"]:::queued
        WO002 --> EPIC001[Payments]:::queued
        WO004[Alone]:::queued

        classDef completed fill:#90ee90
        classDef in_progress fill:#ffff00
        classDef queued fill:#add8e6
    "##);
    insta::assert_snapshot!(room.done("export dot EPIC-001").out, @r##"
    digraph orders {
        node [shape=box, style=filled, fillcolor=white, fontname="sans-serif"]
        "WO-001" [label="WO-001\n=SUM(A1), and more", fillcolor="#90ee90"]
        "WO-002" [label="WO-002\nSecond", fillcolor="#ffff00"]
        "WO-001" -> "WO-002"
    }
    "##);
    let all = room.done("export dot --all").out;
    assert!(
        all.contains("WO-005") && !room.done("export dot").out.contains("WO-005"),
        "{all}"
    );
    room.done("export mermaid EPIC-001 --output epic.mmd");
    let file = fs::read_to_string(room.path().join("epic.mmd")).unwrap();
    assert_eq!(
        file,
        room.done("deps diagram EPIC-001").out,
        "one epic is drawn in one way"
    );
}

/// Returns the words of every `OBEYA_…` in the sources.
fn variables(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            variables(&path, found);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        for part in text.split("\"OBEYA_").skip(1) {
            let name: String = part
                .chars()
                .take_while(|c| c.is_ascii_uppercase() || *c == '_')
                .collect();
            found.push(format!("OBEYA_{name}"));
        }
    }
}

#[test]
fn the_manual_holds_every_command_variable_and_code() {
    let room = Room::empty();
    let page = room.done("man").out;
    assert!(page.contains(".TH obeya 1"), "{}", &page[..200]);
    let sections: Vec<_> = page
        .lines()
        .filter_map(|line| line.strip_prefix(".SH "))
        .collect();
    let wanted = [
        "NAME",
        "SYNOPSIS",
        "DESCRIPTION",
        "OPTIONS",
        "EVERYWHERE",
        "COMMANDS",
        "\"EXIT STATUS\"",
        "ENVIRONMENT",
        "FILES",
        "EXAMPLES",
    ];
    assert_eq!(sections, wanted);
    for words in [
        "obeya work\\-order create",
        "obeya import taskwarrior",
        "obeya export dot",
        "obeya andon trigger",
        "obeya watch",
        "obeya demo",
        "\\-\\-date\\-format",
        "critical",
        "\\-\\-command\\-id",
    ] {
        assert!(page.contains(words), "{words}");
    }
    let mut found = vec![];
    variables(
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")),
        &mut found,
    );
    found.retain(|name| !["OBEYA_BEADS_FILE", "OBEYA_FUZZ"].contains(&name.as_str()));
    assert!(found.len() > 8, "{found:?}");
    for name in found {
        assert!(page.contains(&name), "{name} is not in the manual");
    }
    assert_eq!(page, room.done("man").out, "it is the same every time");
    // Where there is a formatter, it has nothing to complain of.
    room.write("obeya.1", &page);
    let formatted = Command::new("groff")
        .args(["-man", "-ww", "-Tutf8", "obeya.1"])
        .current_dir(room.path())
        .output();
    match formatted {
        Ok(output) => {
            let complaints = String::from_utf8_lossy(&output.stderr);
            assert!(
                output.status.success() && complaints.is_empty(),
                "{complaints}"
            );
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let words: Vec<&str> = text.split_whitespace().collect();
            assert!(words.join(" ").contains("Refused by a rule"));
        }
        Err(error) => eprintln!("skipped: no groff ({error})"),
    }
}

/// A watch, and its lines.
fn watch(room: &Room, arguments: &str) -> (Child, std::io::Lines<BufReader<ChildStdout>>) {
    let mut child = room
        .command(super::words(&format!("watch {arguments}")))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}

fn tell(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

#[test]
fn a_watch_follows_everything_in_plain_sentences() {
    let room = room();
    for (signal, since) in [(Signal::TERM, "1h"), (Signal::INT, "2020-01-01")] {
        let (mut child, mut lines) = watch(&room, &format!("--plain --since {since} --kind order"));
        let first = lines.next().unwrap().unwrap();
        let (time, rest) = first.split_once(' ').unwrap();
        assert!(time.len() == 20 && time.ends_with('Z'), "{first}");
        assert_eq!(
            rest,
            "maria: EPIC-001 created in features, priority 5: Payments"
        );
        room.done("andon trigger --reason \"not asked for\" --severity low");
        room.done("wo comment WO-004 \"hello there\"");
        let news = lines.map_while(Result::ok).find(|line| {
            assert!(
                !line.contains("not asked for") && !line.contains('\u{1b}'),
                "{line}"
            );
            line.contains("hello there")
        });
        assert!(
            news.unwrap()
                .ends_with("maria: WO-004 comment: hello there")
        );
        tell(&child, signal);
        let ended = child.wait().unwrap();
        assert_eq!(ended.code(), Some(0), "{signal:?}");
    }
}

#[test]
fn a_watch_ends_when_nobody_reads_it() {
    let room = room();
    // Nothing happens on the ledger, so that only the closed pipe can tell.
    let (mut child, mut lines) = watch(&room, "--json --since 1h");
    let first: serde_json::Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(
        (&first["seq"], &first["event"]),
        (&1.into(), &"ledger_created".into())
    );
    drop(lines);
    let ended = child.wait().unwrap();
    assert_eq!(ended.code(), Some(0));
}

#[test]
fn a_watch_says_what_it_does_not_know() {
    let room = room();
    for (line, wanted) in [
        ("watch --kind nonsense", "order_completed"),
        ("watch --since someday", "7 days ago"),
        ("watch --dry-run", "beforehand"),
    ] {
        let said = room.line(line);
        assert!(
            said.code == 2 && said.err.contains(wanted),
            "{line}: {}",
            said.err
        );
    }
    assert_eq!(Room::empty().line("watch --plain").code, 3);
}
