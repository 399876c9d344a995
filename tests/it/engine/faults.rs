//! What is said after a fault is true, and what is not committed is seen by nobody.

use obeya::{
    domain::command::Command,
    engine::{Failure, Reply},
    ledger::{Append, Batch, FaultKind, Ledger, memory::Injection},
};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use super::*;

#[test]
fn a_commit_that_fails_leaves_nothing_and_says_so() {
    let shop = Shop::new();
    let mut writer = shop.writer();
    let (before, state) = (shop.records(), {
        writer.catch_up().unwrap();
        writer.state().state_hash()
    });
    shop.ledger
        .inject(Injection::CommitFails(FaultKind::DiskFull));
    let order = create("lost");
    match writer.submit(&order) {
        Reply::Failed(Failure::NotApplied(fault)) => assert_eq!(fault.kind, FaultKind::DiskFull),
        other => panic!("{other:?}"),
    }
    assert_eq!(shop.records(), before);
    assert_eq!(writer.state().state_hash(), state, "the version is dropped");
    assert!(
        !done(writer.submit(&order)).repeated,
        "nothing remembers it"
    );
    assert_eq!(writer.state().state_hash(), replayed(&shop.records()));
}

#[test]
fn a_lost_answer_is_unknown_and_the_retry_gets_the_first_one() {
    let shop = Shop::new();
    for same_writer in [true, false] {
        let mut writer = shop.writer();
        shop.ledger.inject(Injection::AnswerLost);
        let order = create("there after all");
        let reply = writer.submit(&order);
        assert!(
            matches!(reply, Reply::Failed(Failure::Unknown(_))),
            "{reply:?}"
        );
        let there = shop.records();
        let again = match same_writer {
            true => done(writer.submit(&order)),
            false => done(shop.writer().submit(&order)),
        };
        assert!(again.repeated);
        assert_eq!(again.records, there[there.len() - 1..]);
        assert_eq!(shop.records(), there, "nothing is written twice");
    }
}

#[test]
fn a_failed_sync_is_unknown_and_the_retry_writes_it() {
    let shop = Shop::new();
    let mut writer = shop.writer();
    shop.ledger.inject(Injection::SyncFails);
    let order = create("gone");
    let reply = writer.submit(&order);
    assert!(
        matches!(reply, Reply::Failed(Failure::Unknown(_))),
        "{reply:?}"
    );
    let before = shop.records().len();
    assert!(!done(writer.submit(&order)).repeated);
    assert_eq!(shop.records().len(), before + 1);
}

#[test]
fn a_rival_that_slips_in_has_the_command_decided_anew() {
    let shop = Shop::new();
    let id = subject(&done(shop.writer().submit(&create("wanted by two"))));
    // What a rival would write is made on a copy of the books.
    let rival = {
        let mut apart = MemoryLedger::new(shop.ledger.identity());
        let head = apart.begin(Duration::ZERO).unwrap();
        let records = shop.records();
        let batch = Batch {
            records,
            archive: vec![],
        };
        assert!(matches!(apart.append(head, &batch), Append::Appended(_)));
        apart.end();
        let clock = Arc::new(shop.clock.clone());
        let mut writer = Writer::new(Box::new(apart), clock, None);
        done(writer.submit(&claim(id, 60))).records
    };
    shop.ledger.inject(Injection::Rival(Batch {
        records: rival,
        archive: vec![],
    }));
    let mut writer = shop.writer();
    let reply = writer.submit(&person(Command::StartOrder { id }));
    assert!(matches!(reply, Reply::Refused(_)), "one winner: {reply:?}");
    assert_eq!(writer.state().state_hash(), replayed(&shop.records()));
}

#[test]
fn nobody_sees_what_is_not_committed() {
    let shop = Shop::new();
    let engine = shop.engine();
    let handle = engine.handle();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (told, books, watched) = (
        Arc::clone(&seen),
        Mutex::new(shop.ledger.clone()),
        handle.clone(),
    );
    let _listening = handle.subscribe(move |news| {
        // At the moment of the call the ledger has every record of this version, and the handle shows it.
        let head = books.lock().unwrap().head().unwrap();
        assert!(head.seq >= news.state.head.seq);
        assert_eq!(watched.state().head, news.state.head);
        told.lock().unwrap().push(news.clone());
    });
    let before = handle.state().state_hash();
    for injection in [
        Injection::CommitFails(FaultKind::Io),
        Injection::SyncFails,
        Injection::AnswerLost,
    ] {
        shop.ledger.inject(injection);
        let reply = handle.submit(create("perhaps"));
        assert!(matches!(reply, Reply::Failed(_)), "{reply:?}");
    }
    drop(handle.submit(person(Command::StartOrder {
        id: "WO-404".parse().unwrap(),
    })));
    let first = create("for certain");
    let outcome = done(handle.submit(first.clone()));
    assert_ne!(handle.state().state_hash(), before);
    assert_eq!(handle.state().state_hash(), replayed(&shop.records()));
    drop(engine);
    let news = seen.lock().unwrap();
    let records: Vec<Record> = news.iter().flat_map(|news| news.records.to_vec()).collect();
    assert_eq!(
        records,
        shop.records()[shop.records().len() - records.len()..]
    );
    assert_eq!(records.len(), 2, "the one whose answer was lost, too");
    assert_eq!(records[1..], outcome.records);
}

#[test]
fn chaos_never_makes_an_answer_untrue() {
    let shop = Shop::new();
    shop.ledger.chaos(7, 3);
    let mut writers = [shop.writer(), shop.writer(), shop.writer()];
    let (mut applied, mut failed) = (Vec::new(), Vec::new());
    let mut unknown = 0;
    for round in 0..600 {
        let order = create(&format!("order {round}"));
        match writers[round % 3].submit(&order) {
            Reply::Done(outcome) => applied.push((order.id, outcome.records)),
            Reply::Failed(Failure::NotApplied(_)) => failed.push(order.id),
            Reply::Failed(Failure::Unknown(_)) => {
                unknown += 1;
                // Whoever does not know asks until somebody does.
                let records = loop {
                    if let Reply::Done(outcome) = writers[(round + 1) % 3].submit(&order) {
                        break outcome.records;
                    }
                };
                applied.push((order.id, records));
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(failed.len() > 30 && unknown > 60 && applied.len() > 300);
    let mut ledger = shop.ledger.clone();
    for (id, records) in &applied {
        assert_eq!(&ledger.by_command(*id).unwrap(), records);
    }
    for id in &failed {
        assert_eq!(ledger.by_command(*id).unwrap(), []);
    }
    for writer in &mut writers {
        writer.catch_up().unwrap();
        assert_eq!(writer.state().state_hash(), replayed(&shop.records()));
    }
}
