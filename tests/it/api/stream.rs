//! The stream of records: nothing lost, nothing twice.

use std::time::Duration;

use obeya::{
    domain::{
        command::{Command, ImportItem, Role, Submission},
        event::ImportedItem,
        order::{Actor, Bucket, Kind, Priority},
        time::Timestamp,
    },
    link::{self, Reply},
    server::Pace,
    testing::submission,
};
use serde_json::json;

use super::support::{Engine, Wedge};

#[test]
fn a_reader_that_comes_back_gets_what_it_missed_once() {
    let mut engine = Engine::start();
    let ana = engine.client("ana", Role::Operator);
    let create = |ana: &super::support::Client, n: usize| {
        for n in 0..n {
            ana.post(
                "/api/work-orders",
                &json!({ "title": format!("order {n}") }),
            )
            .done();
        }
    };
    let from = engine.head();
    let mut stream = ana.stream(None);
    create(&ana, 5);
    let mut seen = vec![];
    for _ in 0..3 {
        let (id, sort, record) = stream.next();
        assert_eq!(
            (&record["seq"], &record["kind"]),
            (&json!(id), &json!(sort))
        );
        seen.push(id);
    }
    // The reader goes, more happens, the server ends and comes back on another port.
    drop(stream);
    create(&ana, 4);
    engine.serve();
    let mut ana = ana;
    ana.address = engine.address();
    create(&ana, 3);
    let mut stream = ana.stream(seen.last().copied());
    create(&ana, 2);
    let head = engine.head();
    while seen.last() != Some(&head) {
        seen.push(stream.next().0);
    }
    let all: Vec<_> = (from + 1..=head).collect();
    assert_eq!(seen, all, "without loss or repeat");
    // Two at once are told the same, and whoever is behind the feed reads from the ledger.
    let (mut one, mut two) = (ana.stream(Some(0)), ana.stream(Some(head)));
    create(&ana, 1);
    let last = engine.head();
    let all: Vec<_> = (1..=last).map(|_| one.next().0).collect();
    assert_eq!(all, (1..=last).collect::<Vec<_>>());
    assert_eq!(two.next().0, head + 1);
    ana.send("GET", "/api/stream", &[("Last-Event-ID", "x")], b"")
        .problem(400);
}

#[test]
fn a_token_that_is_taken_back_ends_its_stream() {
    let pace = Pace::default();
    assert!(pace.beat < GONE);
    let engine = Engine::paced(Pace {
        beat: Duration::from_millis(100),
        ..pace
    });
    let root = engine.client("root", Role::Admin);
    let mut stream = engine.client("wall", Role::Viewer).stream(Some(0));
    stream.alive();
    root.send("DELETE", "/api/tokens/wall", &[], b"").done();
    stream.ended(GONE);
    let row = engine.noted(|row| row.outcome.is_denied());
    assert_eq!(
        (row.token.as_deref(), row.what.as_str()),
        (Some("wall"), "GET /api/stream")
    );
}

#[test]
fn a_commit_that_is_not_kept_for_readers_reaches_them_all_the_same() {
    let engine = Engine::start();
    let ana = engine.client("ana", Role::Operator);
    let (mut stream, from) = (ana.stream(None), engine.head());
    let mut beside = link::open(&engine.home).unwrap();
    let reply = beside.submit(&import(MOST_OF_A_COMMIT + 100));
    assert!(matches!(reply, Reply::Done(_)), "{reply:?}");
    ana.post("/api/work-orders", &json!({ "title": "after it" }))
        .done();
    let all: Vec<_> = (from + 1..=engine.head()).collect();
    assert!(all.len() > MOST_OF_A_COMMIT);
    let seen: Vec<_> = all.iter().map(|_| stream.next().0).collect();
    assert_eq!(seen, all);
}

#[test]
fn a_commit_that_is_on_the_ledger_and_not_among_the_news_yet_is_told_once() {
    let mut engine = Engine::start();
    let from = engine.head();
    let wedge = Wedge::of(&engine);
    // The news of this server come after what the wedge holds up.
    engine.serve();
    let ana = engine.client("ana", Role::Operator);
    // Who reads the ledger has a handle of its own, which only the engine's thread gives.
    ana.get("/api/events").done();
    let unheard = ana.say("POST", "/api/work-orders", &[], br#"{"title":"x"}"#);
    wedge.reached();
    let mut stream = ana.stream(Some(from));
    let mut seen = vec![stream.next().0];
    wedge.free();
    ana.post("/api/work-orders", &json!({ "title": "y" }))
        .done();
    let all: Vec<_> = (from + 1..=engine.head()).collect();
    while seen.len() < all.len() {
        seen.push(stream.next().0);
    }
    assert_eq!(seen, all);
    drop(unheard);
}

/// How soon a stream ends whose token opens nothing any more, as docs/api.md says.
const GONE: Duration = Duration::from_secs(10);
/// How many records of one commit are kept for readers.
const MOST_OF_A_COMMIT: usize = 4_096;

fn import(count: usize) -> Submission {
    let item = |n: usize| ImportItem {
        external: format!("bd-{n}"),
        digest: n as u64,
        outcome: None,
        item: ImportedItem {
            title: format!("item {n}"),
            description: None,
            kind: Kind::Task,
            bucket: Bucket::Features,
            priority: Priority::DEFAULT,
            labels: vec![],
            assignee: None,
            estimate: None,
            created: Timestamp(1_700_000_000_000_000),
            links: vec![],
            closed: None,
            baseline: Default::default(),
        },
        parent: None,
        depends_on: vec![],
        comments: vec![],
    };
    let command = Command::Import {
        source: "beads".into(),
        items: (0..count).map(item).collect(),
    };
    submission(Actor::person("ana"), command)
}
