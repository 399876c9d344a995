//! What a new user tries by the README and gets wrong: each answer says what is the matter and what to do.

use super::Room;

/// Asserts that a line is refused or misread with this code, and that what it says has these words.
fn says(room: &Room, line: &str, code: i32, wanted: &[&str]) {
    let said = room.line(line);
    assert_eq!(said.code, code, "{line}: {}{}", said.out, said.err);
    for words in wanted {
        assert!(
            said.err.contains(words),
            "{line}: {words:?} is not in {}",
            said.err
        );
    }
}

#[test]
fn read_only_is_a_viewer_wherever_it_stands() {
    let room = Room::empty();
    says(&room, "--read-only init", 1, &["viewer"]);
    assert!(!room.path().join(".obeya").exists(), "it made a ledger");
    room.done("init");
    room.done("wo create --title \"There already\" --bucket features");
    room.done("ledger backup copy.db");
    let records = room.records();
    for line in [
        "--read-only wo create --title x --bucket features",
        "wo create --title x --bucket features --read-only",
        "wo --read-only start WO-001",
        "--read-only --as admin wo start WO-001",
        "--read-only agent register ann",
        "--read-only ledger restore copy.db",
        "--read-only bus publish coordination_events hello",
    ] {
        says(&room, line, 1, &["viewer"]);
    }
    let said = room.run_with(["--read-only", "shell"], b"wo start WO-001 --as admin\n");
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    assert_eq!(room.records(), records, "something was written");
    assert_eq!(room.done("--read-only wo list --json").json()["total"], 1);
}

#[test]
fn what_is_not_there_is_looked_for_among_its_kind() {
    let room = Room::new();
    for (line, way) in [
        ("andon ack ALERT-042", "obeya andon list --all"),
        ("andon show ALERT-042", "obeya andon list --all"),
        ("agent pause nobody", "obeya agent list"),
        (
            "receipt show WO-999",
            "obeya work-order list --status completed",
        ),
        ("wo show WO-999", "obeya work-order list --all"),
        ("wo show \"my agent\"", "obeya work-order list --all"),
    ] {
        let said = room.line(line);
        assert_eq!(said.code, 1, "{line}: {}", said.err);
        let lifts: Vec<_> = said.err.lines().skip(1).map(str::trim).collect();
        assert_eq!(lifts, [format!("to lift it: {way}")], "{line}");
        room.done(way.trim_start_matches("obeya "));
    }
    says(&room, "ledger restore nofile", 3, &["no such backup file"]);
}

#[test]
fn a_bucket_that_takes_nothing_is_opened_by_its_limit() {
    let room = Room::new();
    room.done("wo create --title x --bucket features");
    room.done("bucket set features --wip 0");
    says(&room, "wo next", 1, &["obeya bucket set features --wip 1"]);
    let said = room.line("wo start WO-001");
    assert!(!said.err.contains("complete or release"), "{}", said.err);
    room.done("bucket set features --wip 1");
    room.done("wo next");
    room.done("wo create --title y --bucket features");
    says(&room, "wo next", 1, &["complete or release an order"]);
}

#[test]
fn a_table_says_what_it_needs() {
    let room = Room::new();
    room.write("plain.csv", "title\nx\n");
    let said = room.line("import csv plain.csv --skip-invalid");
    assert!(said.err.contains("no column is called id"), "{}", said.err);
    assert!(!said.err.contains("--skip-invalid"), "{}", said.err);
    let taken = ["column 'title' was given to id", "--map title=COLUMN"];
    says(&room, "import csv plain.csv --map id=title", 2, &taken);
    room.write("half.csv", "key;what\n1;x\n");
    says(
        &room,
        "import csv half.csv",
        2,
        &["key, what", "parted by semicolons"],
    );
    room.write("semi.csv", "id;title;labels\n1;\"a; b\";x\n2;c, d;\n");
    room.done("import csv semi.csv");
    let orders = room.done("wo list --json").json();
    assert_eq!(orders["total"], 2, "{orders}");
    let titles = orders.to_string();
    assert!(
        titles.contains("a; b") && titles.contains("c, d"),
        "{titles}"
    );
    says(
        &room,
        "import beads semi.csv",
        2,
        &["no JSON", "one JSON object a line"],
    );
}

#[test]
fn small_words_are_understood() {
    let room = Room::new();
    says(&room, "metrics velocity abc", 2, &["a number of days"]);
    says(&room, "metrics velocity 0", 2, &["a number of days"]);
    room.done("wo create --title x --bucket features");
    room.done("wo create --title y --bucket features");
    let forecast = room.done("report forecast").out;
    assert!(
        forecast.contains("no whole day has passed yet"),
        "{forecast}"
    );
    room.done("deps add WO-001 WO-002");
    says(&room, "deps add WO-001", 2, &["--depends-on"]);
    room.done("deps remove WO-001 --depends-on WO-002");
}
