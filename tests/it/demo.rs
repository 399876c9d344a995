//! The demo: one story for a seed, a ledger of its own, and nothing of it left.

use std::{collections::BTreeSet, fs, sync::Arc, time::Duration};

use obeya::{
    demo,
    domain::{
        event::Event,
        query::{Answer, Query, events::Entry},
        record::{ActorKind, Record, Stored},
        time::DAY,
    },
    link::{self, Cold, Follower, HeldClock, Home, Observer as _},
};
use tempfile::TempDir;

use crate::{
    cli::Room,
    support::{
        demo as played,
        pty::{PATIENCE, Start},
    },
};

fn home() -> (TempDir, Home) {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::new(folder.path().join(".obeya")).unwrap();
    (folder, home)
}

/// Returns every record of a ledger.
fn all(home: &Home) -> Vec<Record> {
    let mut follower = Follower::open(home, Some(0)).unwrap();
    let mut records = vec![];
    loop {
        let page = follower.next(Duration::ZERO).unwrap();
        if page.is_empty() {
            return records;
        }
        records.extend(page);
    }
}

#[test]
fn it_plays_in_memory_too_and_there_every_hash_is_the_same() {
    let (one, two) = (played::play(false), played::play(false));
    assert_eq!(one.state.head, two.state.head);
    assert_eq!(one.state.state_hash(), two.state.state_hash());
    assert!(one.records.len() > 600, "{}", one.records.len());
}

#[test]
fn the_same_seed_makes_the_same_ledger() {
    let ((_one, first), (_two, second), (_three, other)) = (home(), home(), home());
    demo::fixed(&first).unwrap();
    demo::fixed(&second).unwrap();
    demo::build(&other, demo::SEED + 1, demo::END, 0).unwrap();
    // The ids of the engine's own acts are its own, and so are the hashes; everything that is told is the same.
    let told = |home: &Home| -> Vec<_> {
        let records = all(home).into_iter();
        records
            .map(|record| (record.time, record.actor.clone(), Entry::of(&record).text))
            .collect()
    };
    assert!(told(&first) == told(&second), "two ledgers of one seed");
    assert!(told(&first) != told(&other), "another seed");
    let verified = link::verify(&first, None, &mut |_| {}).unwrap();
    assert!(
        verified.bad.is_none() && verified.head.seq > 600,
        "{verified:?}"
    );

    // Everything that a newcomer is to see has happened in it.
    let records = all(&first);
    let kinds: BTreeSet<&str> = records.iter().map(|record| record.kind.as_str()).collect();
    for kind in [
        "agent_registered",
        "order_created",
        "order_started",
        "order_moved",
        "order_commented",
        "order_completed",
        "alert_raised",
        "alert_acknowledged",
        "alert_resolved",
    ] {
        assert!(kinds.contains(kind), "{kind}: {kinds:?}");
    }
    assert!(records.iter().all(|record| record.time <= demo::END));
    let clock = HeldClock::at(demo::END);
    let mut line = Cold::open_at(&first, Arc::new(clock)).unwrap();
    let since = demo::END.plus(-10 * DAY);
    let Ok(Answer::Velocity(velocity)) = line
        .ask(&Query::Velocity {
            since,
            filter: Default::default(),
        })
        .unwrap()
    else {
        panic!("another answer")
    };
    assert!(velocity.completed >= 40, "{velocity:?}");
    let Ok(Answer::Agents(agents)) = line
        .ask(&Query::Agents {
            limit: None,
            after: None,
        })
        .unwrap()
    else {
        panic!("another answer")
    };
    assert!(agents.total == 4 && agents.active >= 2, "{agents:?}");
    let stats = link::stats(&first).unwrap();
    assert!(stats.open >= 8 && stats.receipts >= 40, "{}", stats.open);
}

#[test]
fn without_a_terminal_it_says_what_to_do() {
    let room = Room::empty();
    let said = room.line("demo");
    assert!(
        said.code == 2 && said.err.contains("obeya demo --out DIR"),
        "{}",
        said.err
    );
    for (line, wanted) in [
        ("demo --ledger x", "leave --ledger, --attach"),
        ("demo --speed 0", "speed"),
        ("demo --dry-run", "beforehand"),
    ] {
        let said = room.line(line);
        assert!(
            said.code == 2 && said.err.contains(wanted),
            "{line}: {}",
            said.err
        );
    }
    assert_eq!(fs::read_dir(room.path()).unwrap().count(), 0);
    let said = room.done("demo --out here --seed 3");
    assert!(said.out.contains("here/.obeya"), "{}", said.out);
    let summary = room
        .done("dashboard summary --ledger here/.obeya --json")
        .json();
    assert!(summary.is_object());
    let alerts = room
        .done("andon list --all --ledger here/.obeya --json")
        .json();
    let clock = |alert: &serde_json::Value| {
        alert["reason"]
            .as_str()
            .is_some_and(|text| text.contains("clock"))
    };
    assert!(
        !alerts["alerts"].as_array().unwrap().iter().any(clock),
        "{alerts}"
    );
    let before = room.done("ledger head --ledger here/.obeya").out;
    assert_eq!(
        room.line("demo --out here").code,
        3,
        "what is there is not touched"
    );
    assert_eq!(room.done("ledger head --ledger here/.obeya").out, before);
}

#[test]
fn the_console_shows_a_line_that_moves_and_nothing_is_left() {
    let room = Room::new();
    let before = room.records();
    let temporary = tempfile::tempdir().unwrap();
    let mut pty = Start::console(room.path())
        .argument("demo")
        .argument("--speed")
        .argument("5")
        .set("TMPDIR", &temporary.path().display().to_string())
        .go();
    pty.shows("Orders by status").shows("demo");
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 1);
    // Cards move without anybody touching a key, and the screen follows.
    let scratch = fs::read_dir(temporary.path())
        .unwrap()
        .flatten()
        .next()
        .unwrap();
    let home = Home::new(scratch.path().join("demo/.obeya")).unwrap();
    let mut follower = Follower::open(&home, None).unwrap();
    for _ in 0..3 {
        let records = follower.next(PATIENCE).unwrap();
        let text: String = Entry::of(&records[0]).text.chars().take(20).collect();
        pty.shows(&text);
    }
    // Who moves them are processes, and what they call done has passed the gates.
    let evidence = 'seen: loop {
        let records = follower.next(PATIENCE).unwrap();
        assert!(!records.is_empty(), "no agent completed anything");
        for record in records {
            if let Event::OrderCompleted { evidence, .. } = record.decode().unwrap() {
                assert_eq!(record.actor_kind, Stored::Known(ActorKind::Agent));
                break 'seen evidence;
            }
        }
    };
    let gates: Vec<_> = evidence.iter().map(|seen| &*seen.gate).collect();
    assert!(gates.starts_with(&["compilation", "coverage"]), "{gates:?}");
    drop(follower);
    pty.keys("q");
    assert_eq!(pty.end(), Ok(0));
    // An agent that went on would make its folders again.
    assert_eq!(
        fs::read_dir(temporary.path()).unwrap().count(),
        0,
        "it is removed"
    );
    assert_eq!(
        room.records(),
        before,
        "the ledger of this folder is not touched"
    );
}
