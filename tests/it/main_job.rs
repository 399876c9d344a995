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
    let stage = |id: &str| {
        order(&room, id)["work_order"]["stage"]
            .as_str()
            .map(str::to_owned)
    };
    let first = stage(&mine);
    pty.keys(">").shows("moved");
    let second = stage(&mine);
    assert_ne!(first, second);
    pty.settle().keys("<").wait_for("it is back", |screen| {
        screen
            .contents()
            .contains(&format!("moved to {}", first.as_deref().unwrap()))
    });
    assert_eq!(stage(&mine), first);
    pty.keys(">").settle();

    // What an order blocks, and why another does not move.
    let blocked = ids(&orders, |o| o["blocked"] == true && o["kind"] != "epic");
    let waiting = order(&room, &blocked[0])["work_order"].clone();
    let needed = waiting["waits_for"][0].as_str().unwrap().to_owned();
    go_to(&mut pty, &needed);
    pty.keys("<esc>")
        .keys("t")
        .shows(&format!("{needed} and what it waits for"));
    pty.keys("u")
        .shows(&format!("{needed} and what waits for it"))
        .shows(&blocked[0]);
    go_to(&mut pty, &blocked[0]);
    pty.keys("w").shows("is not moving").shows(&needed);
    pty.keys("<esc>");
}

#[test]
fn a_card_made_elsewhere_is_on_the_screen_at_once() {
    let room = Room::new();
    room.write("issues.jsonl", &backlog());
    room.done("import beads issues.jsonl");
    let mut pty = Start::console(room.path()).size(140, 45).go();
    pty.shows("Orders by status")
        .keys("2")
        .shows("queued")
        .settle();
    let mut worst = Duration::ZERO;
    for number in 1..=10 {
        let title = format!("made elsewhere {number}.");
        room.done(&format!(
            "work-order create --title \"{title}\" --priority 10"
        ));
        let done = Instant::now();
        pty.keys("G").keys("g").keys("g");
        pty.shows(&title);
        worst = worst.max(pty.heard.saturating_duration_since(done));
    }
    println!("on the screen {worst:?} after the command's end, at worst of ten");
    assert!(worst < Duration::from_millis(500), "{worst:?}");
}
