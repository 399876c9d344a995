//! From files to a state: snapshots, restores, a lost archive, a newer version's events.

use std::{fs, path::Path, time::Duration};

use obeya::{
    domain::{
        archive::ArchiveQuery,
        command::Command,
        query::{Answer, Query},
        record::{Head, Stored},
        refusal::Refusal,
    },
    engine::{SystemClock, load},
    ledger::{Append, Batch, Home, SqliteLedger},
    link,
};

use super::*;

fn open(home: &Home) -> Writer {
    let ledger = SqliteLedger::open(home).unwrap();
    Writer::new(Box::new(ledger), Arc::new(SystemClock::new()), Some(home))
}

fn made(folder: &Path) -> Home {
    let home = Home::new(folder.join("ledger")).unwrap();
    link::init(&home).unwrap();
    Home::new(home.path()).unwrap()
}

fn all(home: &Home) -> Vec<Record> {
    SqliteLedger::open(home)
        .unwrap()
        .read(0, usize::MAX)
        .unwrap()
}

/// Creates orders, starts and completes every third.
fn work(writer: &mut Writer, count: usize) {
    for n in 0..count {
        let id = subject(&done(writer.submit(&create(&format!("order {n}")))));
        if n % 3 == 0 {
            done(writer.submit(&person(Command::StartOrder { id })));
            done(writer.submit(&complete(id)));
        }
    }
}

#[test]
fn a_snapshot_and_its_tail_equal_the_replay() {
    let shop = Shop::new();
    let mut writer = shop.writer();
    work(&mut writer, 500);
    let format = obeya::domain::snapshot::SNAPSHOT_FORMAT;
    let snapshot = shop.ledger.clone().latest_snapshot(format, None).unwrap();
    let snapshot = snapshot.expect("written on the way");
    assert!(snapshot.head.seq < writer.state().head.seq);
    let mut cold = shop.writer();
    cold.catch_up().unwrap();
    let expected = replayed(&shop.records());
    assert_eq!(cold.state().state_hash(), expected);
    assert_eq!(writer.state().state_hash(), expected);
    let loaded = load(&mut shop.ledger.clone()).unwrap();
    assert_eq!(loaded.state_hash(), expected);
}

#[test]
fn a_snapshot_that_cannot_be_read_is_passed_over() {
    let shop = Shop::new();
    work(&mut shop.writer(), 500);
    let format = obeya::domain::snapshot::SNAPSHOT_FORMAT;
    let mut ledger = shop.ledger.clone();
    let whole = ledger.latest_snapshot(format, None).unwrap().unwrap();
    let expected = replayed(&shop.records());
    // Damage that no checksum sees: another program version's bytes, for example.
    for at in (0..whole.bytes.len()).step_by(whole.bytes.len() / 97) {
        let mut torn = whole.clone();
        torn.bytes[at] ^= 0x55;
        let readable = State::from_snapshot(torn.bytes.clone()).is_some_and(|state| {
            let _ = (state.orders().count(), state.days().count());
            !state.is_damaged()
        });
        if readable {
            continue;
        }
        ledger.put_snapshot(&torn).unwrap();
        assert_eq!(load(&mut ledger).unwrap().state_hash(), expected);
        let engine = shop.engine();
        assert_eq!(engine.handle().state().state_hash(), expected);
        drop(engine);
        let mut writer = shop.writer();
        let Ok(Ok(Answer::WorkOrders(_))) = writer.ask(&Query::WorkOrders {
            filter: Default::default(),
            all: false,
            sort: Default::default(),
            limit: None,
            after: None,
        }) else {
            panic!()
        };
        assert_eq!(writer.state().state_hash(), expected);
        let mut writer = shop.writer();
        let mut dry = next();
        dry.dry_run = true;
        done(writer.submit(&dry));
    }
}

#[test]
fn an_engine_that_ends_leaves_a_snapshot_for_those_who_come_after() {
    let shop = Shop::new();
    let engine = shop.engine();
    let handle = engine.handle();
    for n in 0..700 {
        done(handle.submit(create(&format!("order {n}"))));
    }
    drop(engine);
    let format = obeya::domain::snapshot::SNAPSHOT_FORMAT;
    let snapshot = shop.ledger.clone().latest_snapshot(format, None).unwrap();
    assert_eq!(
        snapshot.map(|kept| kept.head.seq),
        shop.records().last().map(|last| last.seq)
    );
}

#[test]
fn torn_snapshot_files_are_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let home = made(folder.path());
    work(&mut open(&home), 350);
    let files: Vec<_> = fs::read_dir(home.snapshots())
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    assert!(!files.is_empty());
    let expected = replayed(&all(&home));
    for file in files {
        let bytes = fs::read(&file).unwrap();
        fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    }
    let mut writer = open(&home);
    writer.catch_up().unwrap();
    assert_eq!(writer.state().state_hash(), expected);
}

#[test]
fn after_a_restore_every_handle_loads_anew() {
    let folder = tempfile::tempdir().unwrap();
    let home = made(folder.path());
    let mut writer = open(&home);
    work(&mut writer, 6);
    let copy = folder.path().join("copy.db");
    link::backup(&home, &copy, &mut |_| {}).unwrap();
    let saved = writer.state().head;
    work(&mut writer, 9);
    let engine = Engine::start(open(&home)).unwrap();
    let handle = engine.handle();
    let mut reader = handle.reader().unwrap();
    assert_eq!(handle.state().head, writer.state().head);

    let restored = link::restore(&home, &copy, &mut |_| {}).unwrap();
    assert_eq!(restored.head, saved);
    let first = &all(&home)[saved.seq as usize];
    assert_eq!(
        (first.seq, first.kind.as_str()),
        (saved.seq + 1, "ledger_restored")
    );
    let expected = replayed(&all(&home));
    writer.catch_up().unwrap();
    assert_eq!(writer.state().state_hash(), expected);
    assert_eq!(writer.state().incarnation, 2);
    // The doorbell tells the engine; its own next command finds out at the latest.
    done(handle.submit(create("in the second life")));
    assert_eq!(handle.state().state_hash(), replayed(&all(&home)));
    let query = Query::Log {
        after: None,
        limit: Some(1_000),
    };
    let answer = format!("{:?}", reader.ask(&handle, &query).unwrap().unwrap());
    assert!(answer.contains("in the second life"), "{answer}");
}

#[test]
fn an_engine_hears_of_a_restore_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let home = made(folder.path());
    work(&mut open(&home), 3);
    let copy = folder.path().join("copy.db");
    link::backup(&home, &copy, &mut |_| {}).unwrap();
    work(&mut open(&home), 3);
    let engine = Engine::start(open(&home)).unwrap();
    let (heard, news) = std::sync::mpsc::channel();
    let _listening = engine.handle().subscribe(move |news| {
        let _ = heard.send((news.state.incarnation, news.state.head.seq));
    });
    link::restore(&home, &copy, &mut |_| {}).unwrap();
    let end = all(&home).len() as u64;
    loop {
        let (life, seq) = news.recv_timeout(Duration::from_secs(20)).unwrap();
        if (life, seq) == (2, end) {
            break;
        }
    }
}

#[test]
fn a_lost_archive_is_rebuilt_before_anybody_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let home = made(folder.path());
    work(&mut open(&home), 60);
    let archive = |home: &Home| {
        let mut ledger = SqliteLedger::open(home).unwrap();
        let query = ArchiveQuery {
            limit: 1_000,
            ..ArchiveQuery::default()
        };
        let rows = ledger.archive_page(&query).unwrap();
        (rows, ledger.receipts(0, 1_000).unwrap())
    };
    let whole = archive(&home);
    assert_eq!(whole.0.len(), 20);
    let lose = |sql: &str| {
        let db = rusqlite::Connection::open(home.database()).unwrap();
        db.execute_batch(sql).unwrap();
    };
    lose("DROP TABLE archive_forms; DELETE FROM receipts;");
    let question = Query::WorkOrder {
        order: "WO-001".into(),
    };
    let answer = open(&home).ask(&question).unwrap().unwrap();
    assert!(format!("{answer:?}").contains("order 0"));
    assert_eq!(archive(&home), whole);

    lose("DELETE FROM meta WHERE name = 'archive'; DELETE FROM archive;");
    let reopened = person(Command::ReopenOrder {
        id: OrderId::work(1),
        reason: None,
    });
    done(open(&home).submit(&reopened));
    assert_eq!(archive(&home).0.len(), 19);

    lose("DELETE FROM meta WHERE name = 'archive'; DELETE FROM archive_forms;");
    drop(Engine::start(open(&home)).unwrap());
    assert_eq!(archive(&home).0.len(), 19);
}

#[test]
fn what_only_a_newer_version_knows_makes_this_one_only_read() {
    let event = |record: &mut Record| {
        record.kind = "order_sublimated".into();
        record.body = r#"{"order_sublimated":{"id":"WO-001"}}"#.into();
    };
    let door = |record: &mut Record| record.door = Stored::Newer("websocket".into());
    let actor = |record: &mut Record| record.actor_kind = Stored::Newer("team".into());
    only_reads(event, "order_sublimated");
    only_reads(door, "order_started (door websocket)");
    only_reads(actor, "order_started (actor team)");
}

fn only_reads(change: impl Fn(&mut Record), unknown: &str) {
    let shop = Shop::new();
    let mut writer = shop.writer();
    let id = subject(&done(writer.submit(&create("leased"))));
    done(writer.submit(&claim(id, 60)));
    let mut newer = shop.records().pop().unwrap();
    let head = Head {
        seq: newer.seq,
        hash: newer.hash,
    };
    newer.seq += 1;
    newer.command = Uuid::now_v7();
    change(&mut newer);
    newer.hash = newer.seal(&head.hash);
    let mut ledger = shop.ledger.clone();
    ledger.begin(Duration::ZERO).unwrap();
    let batch = Batch {
        records: vec![newer],
        archive: vec![],
    };
    assert!(matches!(ledger.append(head, &batch), Append::Appended(_)));
    ledger.end();
    // A lease is over by now, but not for this version to say.
    shop.clock.advance(3_600 * SECOND);
    let before = shop.records();
    let only_reads = |reply: Reply| match reply {
        Reply::Refused(Refusal::NewerLedger { kind, .. }) => assert_eq!(kind, unknown),
        other => panic!("{unknown}: {other:?}"),
    };
    for mut writer in [writer, shop.writer()] {
        only_reads(writer.submit(&create("not here")));
        writer.settle().unwrap();
        let limit = Some(1);
        let log = writer.ask(&Query::Log { after: None, limit }).unwrap();
        assert!(format!("{log:?}").contains("cannot read"), "{log:?}");
    }
    let engine = shop.engine();
    only_reads(engine.handle().submit(create("nor here")));
    assert_eq!(shop.records(), before);
    assert!(engine.handle().state().unknown.is_some());
}

#[test]
fn a_ledger_whose_making_was_cut_short_is_made_to_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::new(folder.path().join("ledger")).unwrap();
    let identity = Identity {
        uuid: Uuid::from_u128(9),
        incarnation: 1,
        created: NOON,
    };
    drop(SqliteLedger::create(&home, identity).unwrap());
    assert!(link::init(&home).unwrap().seq > 0);
    assert_eq!(link::stats(&home).unwrap().uuid, identity.uuid);
    assert!(link::init(&home).is_err(), "there is one now");
}
