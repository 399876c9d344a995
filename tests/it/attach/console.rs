//! Consoles in real terminals, attached to a server that is a process of its own: they cannot be told from others but by
//! the name in the corner.

use std::time::{Duration, Instant};

use super::served::Served;
use crate::{
    cli::Room,
    support::pty::{Pty, Start},
};

fn room() -> Room {
    let room = Room::new();
    room.done("work-order create --title \"The first of all\" --bucket features");
    room
}

/// Runs a line in the console's own `:`.
fn types(pty: &mut Pty, line: &str) {
    pty.keys(":").settle();
    pty.keys(line).settle();
    pty.keys("<enter>");
}

#[test]
fn the_main_job_is_done_by_two_consoles_on_one_engine() {
    let served = Served::over(room());
    let mut ana = served.console("ana", "operator");
    let mut bo = served.console("bo", "operator");
    ana.shows("prod ● live");
    bo.keys("2").shows("The first of all");

    // Created by one, seen by the other at once.
    types(
        &mut ana,
        "work-order create --title \"Made by ana\" --bucket features --priority 1",
    );
    ana.shows("WO-002");
    let made = Instant::now();
    bo.shows("Made by ana");
    assert!(
        bo.heard.saturating_duration_since(made) < Duration::from_secs(1),
        "{:?}",
        bo.heard.saturating_duration_since(made)
    );

    // Pulled, moved, and the step taken back: by whom, the token says.
    ana.keys("<esc>2").shows("queued").keys("n");
    ana.shows("started by ana").shows("design 1");
    bo.shows("design 1");
    ana.settle().keys(">").shows("code 1");
    bo.shows("code 1");
    ana.keys("u").shows("design 1");
    bo.shows("design 1").shows("code 0");

    // The cord, on every screen.
    types(
        &mut bo,
        "andon trigger --reason \"tests are flaky\" --severity critical",
    );
    ana.shows("CRITICAL ALERT-001 tests are flaky");
    let own = "ALERT-001 resolved";
    ana.keys("<esc>4").shows("ALERT-001").settle();
    ana.keys("r").shows("Resolve ALERT-001");
    ana.keys("the fixture was shared<enter>").shows(own);
    bo.hides("CRITICAL").shows("no alerts");

    // Completed, with its receipt.
    ana.keys("2").settle();
    let started = served
        .room
        .done("work-order list --json --status in_progress")
        .json();
    let mine = started["work_orders"][0]["id"].as_str().unwrap().to_owned();
    types(
        &mut ana,
        &format!("work-order complete {mine} --sku SKU-0815"),
    );
    bo.shows("done 1");
    let receipt = served
        .room
        .done(&format!("receipt show {mine} --json"))
        .json();
    assert_eq!(receipt["completed_by"]["name"], "ana");

    // The past, its questions too, and back.
    ana.keys("<esc><esc>1").shows("Completed 1").settle();
    ana.keys("[").shows("earlier").shows("Completed 0").settle();
    ana.keys("<esc>").hides("earlier").shows("Completed 1");

    // What lies beside the ledger.
    bo.keys("<esc>8").settle().keys("l").settle();
    served
        .room
        .done("bus publish quality_gate_events \"it is green\"");
    bo.shows("it is green");
    assert_eq!(ana.keys("q").end(), Ok(0));
    assert_eq!(bo.keys("q").end(), Ok(0));
    served.room.done("ledger verify");
}

#[test]
fn a_server_that_dies_is_said_waited_for_and_come_back_to_without_loss() {
    let mut served = Served::over(room());
    let mut ana = served.console("ana", "operator");
    ana.keys("2").shows("The first of all").settle();
    served.kill();
    ana.shows("DOWN").shows("as of").shows("next try");
    // What is known stays, and can be gone through; nothing is queued.
    ana.keys("j").shows("The first of all");
    ana.keys("n").shows("the engine cannot be reached");
    types(&mut ana, "work-order create --title \"Into the void\"");
    ana.shows("nothing was sent").keys("<esc><esc>").settle();
    let (records, sent) = (served.room.records(), ana.bytes.len());
    served
        .room
        .done("work-order create --title \"Made meanwhile\" --bucket features");
    served.begin();
    ana.hides("DOWN").shows("live").shows("Made meanwhile");
    assert!(ana.bytes.len() > sent);
    assert!(!ana.text().contains("Into the void"));
    assert!(served.room.records() > records);
    ana.keys("n").shows("started by ana");
    assert_eq!(ana.keys("q").end(), Ok(0));
    served.room.done("ledger verify");
}

#[test]
fn a_viewers_console_changes_nothing_and_says_so() {
    let served = Served::over(room());
    for (name, role, flag) in [
        ("wall", "viewer", None),
        ("ana", "operator", Some("--read-only")),
    ] {
        let mut start = served.start(name, role).size(140, 45);
        if let Some(flag) = flag {
            start = start.argument(flag);
        }
        let mut pty = start.go();
        pty.shows("Orders by status").shows("live read-only");
        let records = served.room.records();
        pty.keys("2").shows("The first of all").settle();
        pty.keys("n").shows("this console only observes");
        types(&mut pty, "work-order create --title \"By a viewer\"");
        pty.shows("viewer").settle();
        types(&mut pty, "andon trigger --reason x");
        pty.settle();
        assert_eq!(served.room.records(), records, "{name} wrote");
        pty.keys("<esc><esc>q").end().unwrap();
    }
}

#[test]
fn a_context_names_the_console_and_dresses_it() {
    let served = Served::over(room());
    let file = served.token("ana", "operator").display().to_string();
    let elsewhere = Room::empty();
    elsewhere.done(&format!(
        "context add plant --url {} --token-file {file} --theme nord --read-only",
        served.address
    ));
    let mut pty = Start::console(elsewhere.path())
        .set("COLORTERM", "truecolor")
        .argument("--context")
        .argument("plant")
        .size(140, 45)
        .go();
    pty.shows("plant ● live read-only");
    // The ground of nord, as themes/nord.toml has it.
    let ground = b"48;2;46;52;64";
    assert!(pty.bytes.windows(ground.len()).any(|part| part == ground));
    assert_eq!(pty.keys("q").end(), Ok(0));
}

#[test]
fn an_idle_attached_console_writes_nothing() {
    let served = Served::over(room());
    let mut ana = served.console("ana", "operator");
    ana.settle();
    let ticks = ana.ticks();
    // Two beats of the engine come meanwhile.
    let bytes = ana.listen(Duration::from_secs(11));
    // A minute may have begun meanwhile, and with it an older age.
    assert!(bytes <= 64, "{bytes} bytes");
    assert!(ana.ticks() - ticks <= 5, "it works while nothing happens");
}

#[test]
fn who_is_not_wanted_hears_why_on_the_terminal() {
    let served = Served::over(room());
    let file = served.token("gone", "operator");
    served.room.done("token revoke gone");
    let mut pty = Start::console(served.room.path())
        .argument("--attach")
        .argument(&served.address)
        .argument("--token-file")
        .argument(file.to_str().unwrap())
        .go();
    assert_eq!(pty.end(), Ok(3));
    assert!(pty.text().contains("revoked"), "{}", pty.text());
}

#[test]
fn another_ledger_at_the_same_address_is_begun_anew_with() {
    let mut served = Served::over(room());
    let mut ana = served.console("ana", "operator");
    ana.keys("2").shows("The first of all").settle();
    served.kill();
    ana.shows("DOWN");
    let (ledger, access) = (
        served.room.path().join(".obeya"),
        served.room.path().join("kept"),
    );
    std::fs::create_dir(&access).unwrap();
    for file in std::fs::read_dir(&ledger).unwrap().flatten() {
        let name = file.file_name();
        if name.to_string_lossy().starts_with("access.db") {
            std::fs::copy(file.path(), access.join(name)).unwrap();
        }
    }
    std::fs::remove_dir_all(&ledger).unwrap();
    served.room.done("init");
    served
        .room
        .done("work-order create --title \"Of another line\" --bucket features");
    for file in std::fs::read_dir(&access).unwrap().flatten() {
        std::fs::copy(file.path(), ledger.join(file.file_name())).unwrap();
    }
    served.begin();
    ana.shows("another ledger stands in its place")
        .shows("Of another line");
    assert!(!ana.text().contains("The first of all"));
}

#[test]
fn a_wall_outlives_its_engine() {
    let mut served = Served::over(room());
    let mut wall = served.start("wall", "viewer").argument("--wall").go();
    wall.shows("In progress").shows("last event").shows("prod");
    let records = served.room.records();
    wall.keys("no!:x").settle();
    assert_eq!(served.room.records(), records);
    served.kill();
    wall.shows("LOST");
    served
        .room
        .done("andon trigger --reason \"the belt broke\" --severity critical");
    served.begin();
    wall.hides("LOST").shows("HOLDS line");
    assert_eq!(wall.keys("q").end(), Ok(0));
}
