//! The stream of records: nothing lost, nothing twice.

use std::time::{Duration, Instant};

use obeya::{
    domain::{
        command::{Command, ImportItem, Role, Submission},
        event::ImportedItem,
        order::{Actor, Bucket, Kind, Priority},
        record::Door,
        time::Timestamp,
    },
    link::{self, Reply},
    server::Pace,
};
use serde_json::json;
use uuid::Uuid;

use super::support::Engine;

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
    assert!(
        pace.beat < Duration::from_secs(10),
        "as docs/protocol.md has it"
    );
    let engine = Engine::paced(Pace {
        beat: Duration::from_millis(100),
        ..pace
    });
    let root = engine.client("root", Role::Admin);
    let mut stream = engine.client("wall", Role::Viewer).stream(Some(0));
    stream.alive();
    root.send("DELETE", "/api/tokens/wall", &[], b"").done();
    let begun = Instant::now();
    stream.ended();
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "{:?}",
        begun.elapsed()
    );
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
    Submission {
        id: Uuid::now_v7(),
        actor: Actor::person("ana"),
        role: Role::Operator,
        door: Door::Cli,
        uid: 0,
        epoch: None,
        causation: None,
        correlation: None,
        dry_run: false,
        until: None,
        as_of: None,
        command: Command::Import {
            source: "beads".into(),
            items: (0..count).map(item).collect(),
        },
    }
}
