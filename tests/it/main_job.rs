//! The main job by keys alone, in a real terminal, on a real project's backlog where one is at hand.

use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    cli::Room,
    support::pty::{Pty, Start},
};

/// Names a beads file to drive instead.
const VARIABLE: &str = "OBEYA_BEADS_FILE";

/// A backlog in the form that beads exports, for where no real one is: an epic, a chain, a second bucket, one done.
const SMALL: &str = r#"
{"id":"bd-1","title":"Release 1.2","status":"open","issue_type":"epic","priority":1,"created_at":"2026-01-05T09:00:00Z","updated_at":"2026-01-05T09:00:00Z"}
{"id":"bd-2","title":"Bump the version","description":"In **every** manifest.","status":"open","issue_type":"task","priority":2,"created_at":"2026-01-05T09:01:00Z","updated_at":"2026-01-05T09:01:00Z","dependencies":[{"issue_id":"bd-2","depends_on_id":"bd-1","type":"parent-child"}]}
{"id":"bd-3","title":"Tag the release","status":"open","issue_type":"task","priority":2,"created_at":"2026-01-05T09:02:00Z","updated_at":"2026-01-05T09:02:00Z","dependencies":[{"issue_id":"bd-3","depends_on_id":"bd-1","type":"parent-child"},{"issue_id":"bd-3","depends_on_id":"bd-2","type":"blocks"}]}
{"id":"bd-4","title":"Announce it","status":"open","issue_type":"task","priority":3,"created_at":"2026-01-05T09:03:00Z","updated_at":"2026-01-05T09:03:00Z","dependencies":[{"issue_id":"bd-4","depends_on_id":"bd-3","type":"blocks"}]}
{"id":"bd-5","title":"Crash on an empty file","status":"open","issue_type":"bug","priority":0,"created_at":"2026-01-05T09:04:00Z","updated_at":"2026-01-05T09:04:00Z"}
{"id":"bd-6","title":"Faster start","status":"open","issue_type":"feature","priority":2,"created_at":"2026-01-05T09:05:00Z","updated_at":"2026-01-05T09:05:00Z"}
{"id":"bd-7","title":"Write the changelog","status":"closed","issue_type":"task","priority":2,"created_at":"2026-01-02T09:00:00Z","updated_at":"2026-01-03T09:00:00Z","closed_at":"2026-01-03T09:00:00Z"}
"#;

/// Returns the lines of a backlog.
fn backlog() -> String {
    let beside =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data/beads-issues.jsonl");
    let path = std::env::var_os(VARIABLE).map_or(beside, PathBuf::from);
    fs::read_to_string(path).unwrap_or_else(|_| SMALL.trim_start().to_owned())
}

/// What the ledger says of an order.
fn order(room: &Room, id: &str) -> Value {
    room.done(&format!("work-order show {id} --json")).json()
}

/// The ids of the open orders of which something is true.
fn ids(orders: &[Value], wanted: impl Fn(&Value) -> bool) -> Vec<String> {
    let ids = orders.iter().filter(|order| wanted(order));
    ids.map(|order| order["id"].as_str().unwrap().to_owned())
        .collect()
}

/// Goes to an order by its id.
fn go_to(pty: &mut Pty, id: &str) {
    pty.keys("<ctrl-p>").shows("Go to an order");
    pty.keys(id).shows(&format!("› {id}")).settle();
    pty.keys("<enter>").hides("Go to an order").shows(id);
}

#[test]
fn a_backlog_is_driven_by_keys_alone() {
    let room = Room::new();
    room.write("issues.jsonl", &backlog());
    room.done("import beads issues.jsonl");
    let all = room.done("work-order list --limit 500 --json").json();
    let orders = all["work_orders"].as_array().unwrap().clone();

    // What is there is seen at once.
    let mut pty = Start::console(room.path()).size(140, 45).go();
    pty.shows("Orders by status")
        .shows("● host")
        .shows("Completed");
    let queued = format!("Queued {}", ids(&orders, |o| o["kind"] != "epic").len());
    pty.shows(&queued);

    // The readiest order is pulled: it is in the first stage, and this person's.
    pty.keys("2")
        .shows("queued")
        .keys("n")
        .shows("started by maria");
    let started = room
        .done("work-order list --json --status in_progress")
        .json();
    let mine = started["work_orders"][0]["id"].as_str().unwrap().to_owned();
    pty.shows(&format!("{mine} started by maria"));

    // It moves across the board, and a step too far is taken back.
    let stage = |id: &str| order(&room, id)["stage"].as_str().map(str::to_owned);
    let first = stage(&mine);
    pty.shows("design 1")
        .keys(">")
        .shows("code 1")
        .shows("design 0");
    assert_ne!(stage(&mine), first);
    pty.settle().keys("<").shows("design 1").shows("code 0");
    assert_eq!(stage(&mine), first);
    pty.keys(">").shows("code 1").settle();

    // What an order blocks, and why another does not move.
    let blocked = ids(&orders, |o| o["blocked"] == true && o["kind"] != "epic");
    let (waiting, needed) = blocked
        .iter()
        .find_map(|id| {
            let waits = order(&room, id)["waits_for"][0].as_str()?.to_owned();
            let ready = order(&room, &waits)["ready"] == true && waits != mine;
            ready.then(|| (id.clone(), waits))
        })
        .expect("some order waits for a ready one");
    go_to(&mut pty, &needed);
    pty.keys("t");
    pty.shows(&format!("{needed} and what it waits for"));
    pty.keys("f")
        .shows(&format!("{needed} and what waits for it"));
    pty.shows(&waiting);
    go_to(&mut pty, &waiting);
    pty.keys("w").shows("Why it is not moving");
    pty.shows(&format!("waits for {needed}")).keys("<esc>");

    // The cord is pulled on a bucket, once it is seen what that would stop.
    let bucket = order(&room, &needed)["bucket"].as_str().unwrap().to_owned();
    pty.keys("!").shows("what is wrong");
    pty.keys("tests are flaky<tab><tab>").shows("[default]");
    let scope = format!("[bucket:{bucket}]");
    for _ in 0..20 {
        if pty.text().contains(&scope) {
            break;
        }
        pty.keys("<right>").settle();
    }
    pty.shows(&scope).keys("<ctrl-s>");
    pty.shows(&format!("Holding bucket:{bucket} would stop"));
    pty.shows("ready: cannot start");
    // Enter is not yes.
    let records = room.records();
    pty.keys("<enter>").settle();
    assert_eq!(room.records(), records);
    pty.keys("y").shows("ALERT-001 raised").shows("1 high");

    // Nothing starts there, and the console says what would lift that.
    go_to(&mut pty, &needed);
    pty.keys("s");
    pty.shows(&format!("{needed} is held by ALERT-001"));
    pty.shows("lifted by");
    assert_eq!(order(&room, &needed)["status"], "queued");

    // It is resolved, and things start again.
    pty.keys("<esc><esc>").keys("4").shows("ALERT-001");
    pty.shows("What it stops")
        .keys("r")
        .shows("Resolve ALERT-001");
    pty.keys("the fixture was shared<enter>");
    pty.shows("ALERT-001 resolved").shows("no alerts");
    pty.keys("2");
    go_to(&mut pty, &needed);
    pty.keys("s").shows(&format!("{needed} started by maria"));

    // The first order is completed, and its receipt read.
    go_to(&mut pty, &mine);
    pty.keys("c").shows(&format!("Complete {mine}"));
    pty.keys("SKU-0815<enter>")
        .shows("completed (SKU-0815), receipt 1");
    // The pane grows by the receipt when the answer comes: only then is its end the end.
    pty.keys("G").shows("Receipt");
    pty.keys("G").shows("by        maria");
    let receipt = room.done(&format!("receipt show {mine} --json")).json();
    let hash = receipt["hash"].as_str().unwrap();
    pty.shows(&hash[..16]);
    assert_eq!(order(&room, &mine)["status"], "completed");

    // What came in closed has no receipt and says so.
    let closed = room
        .done("work-order list --json --all --status completed --limit 5")
        .json();
    let closed = closed["work_orders"].as_array().unwrap();
    let old = ids(closed, |o| o["receipt"].is_null());
    go_to(&mut pty, &old[0]);
    pty.keys("G").shows("none: completed elsewhere");
    assert_eq!(pty.keys("q").end(), Ok(0));
    room.done("ledger verify");
}

#[test]
fn a_card_made_elsewhere_is_on_the_screen_at_once() {
    let room = Room::new();
    room.write("issues.jsonl", &backlog());
    room.done("import beads issues.jsonl");
    let mut pty = Start::console(room.path()).size(200, 60).go();
    pty.shows("Orders by status")
        .keys("2")
        .shows("queued")
        .settle();
    let mut worst = Duration::ZERO;
    // So few that the queue's first screen holds them all.
    for number in 1..=5 {
        let title = format!("made elsewhere {number}.");
        room.done(&format!(
            "work-order create --title \"{title}\" --priority 10"
        ));
        let done = Instant::now();
        pty.shows(&title);
        worst = worst.max(pty.heard.saturating_duration_since(done));
    }
    println!("on the screen at most {worst:?} after the command's end");
    assert!(worst < Duration::from_millis(500), "{worst:?}");
}
