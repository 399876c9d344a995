//! `obeya shell` with lines from a pipe, and the nouns that came with it.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::Stdio,
};

use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, TestRng, TestRunner},
};
use serde_json::Value;

use super::{Room, Said};

fn script(room: &Room, arguments: &[&str], text: &str) -> Said {
    let arguments = ["shell"].iter().chain(arguments);
    room.run_with(arguments, text.as_bytes())
}

#[test]
fn the_owners_lines_work_one_after_another() {
    let room = Room::new();
    let said = script(
        &room,
        &["--stop-on-error"],
        "# A morning.\n\
         wo create --title 'Payments' --kind epic\r\n\
         wo create --title \"Take # a payment\" --parent EPIC-001   # the first\n\
         \n\
         wo list\n\
         wo show WO-001\n\
         agent register erlang_otp_developer\n\
         agents status erlang_otp_developer\n\
         agents list\n\
         wo start WO-001\n\
         deps graph EPIC-001\n\
         gates list\n\
         metrics summary\n\
         metrics velocity 7\n\
         debug trace-work-order WO-001\n\
         debug trace-agent erlang_otp_developer\n\
         debug dump-state\n\
         help\n\
         help wo show\n\
         obeya receipt chain --help\n\
         exit\n\
         nonsense\n",
    );
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
    for wanted in [
        "EPIC-001\nWO-001\n",
        "Take # a payment",
        "graph TD",
        "in progress",
        "completed from",
        "order_started by cli, command",
        "\"state_hash\":",
        "Usage: work-order show",
    ] {
        assert!(said.out.contains(wanted), "{wanted}: {}", said.out);
    }
    assert!(!said.out.contains("  shell"));
}

#[test]
fn a_mistake_is_told_in_one_line_with_where_the_shell_tells_more() {
    let room = Room::new();
    let said = script(
        &room,
        &[],
        "exit 3\nquit now\nnonsense\nwo show\nwo list --nonsense\nwo list\n",
    );
    let wanted = [
        "line 1: error: exit takes no arguments: leave '3' out",
        "line 2: error: quit takes no arguments: leave 'now' out",
        "line 3: error: unrecognized subcommand 'nonsense'; help lists what can be typed",
        "line 4: error: the following required arguments were not provided: <ID>; help work-order tells more",
        "line 5: error: unexpected argument '--nonsense' found; help work-order tells more",
    ];
    assert_eq!(said.err.lines().collect::<Vec<_>>(), wanted);
    assert_eq!(said.code, 2);
}

#[test]
fn a_script_is_not_swallowed_as_a_file() {
    let room = Room::new();
    let text = "wo create --title One --description-file /dev/stdin\n\
        import csv /dev/stdin\n\
        wo create --title Two --description-file -\n\
        wo create --title Three\n";
    let said = script(&room, &[], text);
    let errors: Vec<&str> = said.err.lines().collect();
    assert_eq!(errors.len(), 3, "{}", said.err);
    for (line, error) in (1..).zip(errors) {
        assert!(error.starts_with(&format!("line {line}: ")), "{error}");
        assert!(error.contains("no place in obeya shell"), "{error}");
    }
    assert_eq!(said.out, "WO-001\n", "only the last was done");
    // A plain file is read, and outside of the shell standard input too.
    let arguments = ["wo", "create", "--title", "Four", "--description-file", "-"];
    let said = room.run_with(arguments, b"From a pipe.");
    assert_eq!(
        (said.code, said.out.as_str()),
        (0, "WO-002\n"),
        "{}",
        said.err
    );
    let shown = script(&room, &[], "wo show WO-002\n").out;
    assert!(shown.contains("From a pipe."), "{shown}");
}

#[test]
fn errors_have_their_line_and_end_nothing() {
    let room = Room::new();
    let text = b"wo create --title One\n\
        nonsense\n\
        wo show WO-009\n\
        bad \xff\n\
        \"open\n\
        shell\n\
        demo --out here\n\
        watch --plain\n\
        obeya\n\
        --wall\n\
        wo list --ledger elsewhere\n\
        wo comment WO-001 -\n\
        import beads -\n\
        wo list\n";
    let said = room.run_with(["shell"], text);
    assert_eq!(said.code, 2, "{}", said.err);
    for (line, wanted) in [
        (2, "unrecognized"),
        (3, "refused: there is no WO-009"),
        (4, "byte 5"),
        (5, "not closed"),
        (6, "no place in obeya shell"),
        (7, "no place in obeya shell"),
        (8, "no place in obeya shell"),
        (9, "no place in obeya shell"),
        (10, "no place in obeya shell"),
        (11, "stays with its ledger"),
        (12, "no place in obeya shell"),
        (13, "no place in obeya shell"),
    ] {
        let head = format!("line {line}: ");
        let found = said.err.lines().find(|text| text.starts_with(&head));
        assert!(
            found.is_some_and(|text| text.contains(wanted)),
            "{head}{wanted}: {}",
            said.err
        );
    }
    assert!(said.out.contains("WO-001    5  ready"), "{}", said.out);
    // The worst of the codes, or the first where it ends there.
    assert_eq!(script(&room, &[], "wo show WO-9\nwo list\n").code, 1);
    assert_eq!(
        script(&room, &[], "wo show WO-9\nnonsense\nwo show WO-9").code,
        2
    );
    let said = script(&room, &["-e"], "wo show WO-9\nwo create --title Two\n");
    assert_eq!((said.code, said.out.as_str()), (1, ""));
    let long = format!(
        "wo create --title {}\nwo list --json\n",
        "x".repeat(300 << 10)
    );
    let said = script(&room, &[], &long);
    assert_eq!(said.code, 2);
    assert!(
        said.err
            .starts_with("line 1: error: a line has at most 256 KiB\n"),
        "{}",
        said.err
    );
    assert!(said.out.contains("\"total\":1"), "{}", said.out);
}

#[test]
fn a_session_says_who_acts_and_how_it_answers() {
    let room = Room::new();
    let said = script(
        &room,
        &["--json", "--actor", "agent:rust-dev"],
        "wo create --title One\nwo show WO-7\nwo list\n",
    );
    let lines: Vec<Value> = said
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["id"], "WO-001");
    assert_eq!((&lines[1]["line"], &lines[1]["refusal"]["rule"]).0, 2);
    assert_eq!(lines[2]["total"], 1);
    let log = room.done("ledger log WO-001 --json").json();
    assert_eq!(log["events"][0]["actor"]["name"], "rust-dev");

    // A dry session writes nothing, and a viewer's stays one.
    let before = room.records();
    let said = script(&room, &["--dry-run"], "wo create --title Two\n");
    assert!(said.out.starts_with("dry run: 1 event"), "{}", said.out);
    let said = script(
        &room,
        &["--as", "viewer"],
        "wo create --title Two --as admin\n",
    );
    assert!(said.code == 1 && said.err.contains("role"), "{}", said.err);
    assert_eq!(room.records(), before);
    let said = script(&room, &["--epoch", "3"], "wo list\n");
    assert!(
        said.code == 2 && said.err.contains("belong to one command"),
        "{}",
        said.err
    );
}

#[test]
fn what_others_write_is_seen_by_the_next_line() {
    let room = Room::new();
    let mut child = room
        .command(["shell"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut answer = |line: &str| {
        input.write_all(line.as_bytes()).unwrap();
        let mut text = String::new();
        output.read_line(&mut text).unwrap();
        text
    };
    assert_eq!(answer("wo create --title Mine\n"), "WO-001\n");
    room.done("wo create --title Theirs");
    assert!(answer("wo list --json\n").contains("Theirs"));
    // A ledger that is replaced is the next line's ledger.
    room.done("ledger backup copy.db");
    room.done("wo create --title Lost");
    assert!(answer("wo list --json\n").contains("\"total\":3"));
    assert!(answer("ledger restore copy.db --json\n").contains("incarnation"));
    assert!(answer("wo list --json\n").contains("\"total\":2"));
    assert_eq!(answer("wo create --title Again\n"), "WO-003\n");
    drop(input);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_dump_is_whole_and_says_which_state_it_is() {
    let room = Room::new();
    for line in [
        "wo create --title Epic --kind epic",
        "wo create --title One --parent EPIC-001",
        "agent register rust-dev",
        "wo claim WO-001 --agent rust-dev",
        "andon trigger --reason broken --severity high",
    ] {
        room.done(line);
    }
    let dump = room.done("debug dump-state").json();
    let stats = room.done("ledger stats --json").json();
    assert_eq!(dump["state_hash"], stats["state_hash"]);
    assert_eq!(
        (&dump["seq"], &dump["head"]),
        (&stats["head"]["seq"], &stats["head"])
    );
    assert_eq!(dump["work_orders"][0]["id"], "WO-001");
    assert_eq!(dump["epics"][0]["children"][0], "WO-001");
    assert_eq!(dump["alerts"][0]["reason"], "broken");
    assert_eq!(dump["agents"][0]["name"], "rust-dev");
    assert_eq!(dump["days"].as_array().map(Vec::len), Some(1));

    let trace = room.done("debug trace-agent rust-dev --json").json();
    let touches: Vec<&str> = trace["records"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|row| row["touch"].as_str())
        .collect();
    assert_eq!(touches, ["own", "act"]);
    assert!(
        trace["records"][1]["command"]
            .as_str()
            .is_some_and(|id| id.len() == 36)
    );
    assert_eq!(room.line("debug trace-agent nobody").code, 1);
    assert_eq!(room.line("debug trace-work-order WO-9").code, 1);
}

#[test]
fn no_line_brings_it_down() {
    let room = Room::new();
    // Nothing here leaves the session or writes outside its ledger.
    let word = "wo|work-order|deps|andon|agents|metrics|debug|report|help|list|show|graph|create|next\
        |--title|--json|--bucket|--help|--limit|--|-e|=|#|WO-001|EPIC-1|ALERT-1|999999999999\
        |summary|velocity|trace-work-order|trace-agent|dump-state|'|\"|\\\\|\\PC{0,8}|[\\x00-\\x09\\x0b-\\x1f]";
    let line = prop::collection::vec(word, 0..7).prop_map(|words| words.join(" "));
    let rng = TestRng::deterministic_rng(prop::test_runner::RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut text = String::new();
    for _ in 0..1_500 {
        let line = line.new_tree(&mut runner).unwrap().current();
        text.push_str(&line.replace('\n', " "));
        text.push('\n');
    }
    text.push_str("wo create --title the-last\n");
    let said = script(&room, &[], &text);
    assert_eq!(said.code, 2, "{}", said.err);
    assert!(!said.err.contains("panicked"), "{}", said.err);
    assert!(said.out.ends_with('\n') && room.done("wo list --json").out.contains("the-last"));
}
