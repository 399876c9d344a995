//! The ledger on real files, and the one in memory beside it.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::{path::Path, time::Duration};

use obeya::{
    domain::{
        archive::{
            AlertQuery, ArchiveChange, ArchiveCursor, ArchiveQuery, ArchivedAlert, ArchivedOrder,
            ReceiptRow,
        },
        id::{AlertId, OrderId},
        record::{ActorKind, Door, Hash, Head, Record, Seq, Stored},
        time::Timestamp,
    },
    ledger::{
        Append, Batch, Fault, FaultKind, Home, Identity, Ledger, Snapshot, SqliteLedger,
        memory::{Injection, MemoryLedger},
        verify::{Wrong, verify},
    },
};
use uuid::Uuid;

mod both;
mod damage;
mod restore;
mod syscalls;

use both::{archive_changes, readings};

const PATIENCE: Duration = Duration::from_secs(20);

fn identity() -> Identity {
    Identity {
        uuid: Uuid::from_u128(0x0BE7A),
        incarnation: 1,
        created: Timestamp(1_000),
    }
}

/// A new ledger in a folder that lives as long as the first value.
fn fresh() -> (tempfile::TempDir, Home, SqliteLedger) {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::new(folder.path().join("ledger")).unwrap();
    let ledger = SqliteLedger::create(&home, identity()).unwrap();
    let home = ledger.home().clone();
    (folder, home, ledger)
}

/// A sealed record after `head`, of a command of its own, with every field its own.
fn record(head: Head) -> Record {
    let n = head.seq + 1;
    let odd = n % 2 == 1;
    let mut record = Record {
        seq: n,
        time: Timestamp(1_000_000 * n as i64),
        occurred_at: Timestamp(-5 - n as i64),
        command: Uuid::from_u128(0xC0_0000 + u128::from(n)),
        n: 0,
        command_hash: Hash::of(&n.to_be_bytes()),
        causation: odd.then(|| Uuid::from_u128(0xCA_0000 + u128::from(n))),
        correlation: (!odd).then(|| Uuid::from_u128(0xC1_0000 + u128::from(n))),
        actor_kind: if odd {
            ActorKind::Agent.into()
        } else {
            ActorKind::Person.into()
        },
        actor: format!("ana-{n} \u{1f980}"),
        door: if odd { Door::Cli } else { Door::Import }.into(),
        uid: u32::MAX - n as u32,
        subject: format!("WO-{:03}", n % 3),
        kind: "order_created".into(),
        version: u16::MAX - n as u16,
        body: format!("{{\"title\":\"\u{0}é {n}\"}}").into(),
        hash: Hash::ZERO,
    };
    record.hash = record.seal(&head.hash);
    record
}

/// `count` sealed records after `head`.
fn batch(mut head: Head, count: usize) -> Batch {
    let mut batch = Batch::default();
    for _ in 0..count {
        let next = record(head);
        head = Head {
            seq: next.seq,
            hash: next.hash,
        };
        batch.records.push(next);
    }
    batch
}

/// Appends `count` records in a turn.
fn append(ledger: &mut dyn Ledger, count: usize) -> Head {
    let head = ledger.begin(PATIENCE).unwrap();
    let outcome = ledger.append(head, &batch(head, count));
    ledger.end();
    match outcome {
        Append::Appended(head) => head,
        other => panic!("{other:?}"),
    }
}

#[test]
fn handles_race_for_turns_and_every_append_follows_the_one_before() {
    let (_folder, home, mut ledger) = fresh();
    let memory = MemoryLedger::new(identity());
    let turns = |ledger: &mut dyn Ledger| {
        for _ in 0..50 {
            append(ledger, 2);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let mut memory = memory.clone();
            let mut file = SqliteLedger::open(&home).unwrap();
            scope.spawn(move || turns(&mut memory));
            scope.spawn(move || turns(&mut file));
        }
    });
    for ledger in [&mut ledger as &mut dyn Ledger, &mut memory.clone()] {
        let verdict = verify(|after, limit| ledger.read(after, limit), None, &mut |_| {}).unwrap();
        assert_eq!((verdict.head.seq, verdict.bad), (400, None));
        assert_eq!(verdict.head, ledger.head().unwrap());
    }
}

#[test]
fn who_holds_on_to_a_moment_reads_nothing_newer() {
    let (_folder, home, mut ledger) = fresh();
    let head = append(&mut ledger, 3);
    let mut held = SqliteLedger::open(&home).unwrap();
    held.hold().unwrap();
    let later = append(&mut ledger, 3);
    assert_eq!(held.head().unwrap(), head);
    assert_eq!(held.read(0, 100).unwrap().len(), 3);
    assert_eq!(SqliteLedger::open(&home).unwrap().head().unwrap(), later);
}

#[test]
fn words_of_a_newer_version_are_kept_as_they_are() {
    let (_folder, _home, mut file) = fresh();
    let head = append(&mut file, 1);
    let mut newer = record(head);
    newer.door = Stored::Newer("websocket".into());
    newer.actor_kind = Stored::Newer("team".into());
    newer.hash = newer.seal(&head.hash);
    file.begin(PATIENCE).unwrap();
    let batch = Batch {
        records: vec![newer.clone()],
        archive: vec![],
    };
    assert!(matches!(file.append(head, &batch), Append::Appended(_)));
    file.end();
    assert_eq!(file.record(2).unwrap(), Some(newer));
    let verdict = verify(|after, limit| file.read(after, limit), None, &mut |_| {}).unwrap();
    assert_eq!((verdict.head.seq, verdict.bad), (2, None));
}

#[test]
fn what_does_not_follow_the_head_is_not_written() {
    let (_folder, _home, mut file) = fresh();
    let mut memory = MemoryLedger::new(identity());
    for ledger in [&mut file as &mut dyn Ledger, &mut memory] {
        let first = append(ledger, 1);
        let second = append(ledger, 1);
        let late = batch(first, 1);
        let misuse =
            |append| matches!(append, Append::NotApplied(f) if f.kind == FaultKind::Misuse);
        assert!(misuse(ledger.append(second, &late)), "without the turn");
        assert_eq!(ledger.begin(PATIENCE).unwrap(), second);
        assert_eq!(ledger.begin(PATIENCE).unwrap_err().kind, FaultKind::Misuse);
        assert_eq!(ledger.append(first, &late), Append::Conflict(second));
        assert!(misuse(ledger.append(second, &late)), "another seq");
        assert!(misuse(ledger.append(second, &Batch::default())), "nothing");
        ledger.end();
        ledger.end();
        assert_eq!(ledger.head().unwrap(), second);
    }
}

#[test]
fn a_command_is_written_once() {
    let (_folder, _home, mut file) = fresh();
    let mut memory = MemoryLedger::new(identity());
    for ledger in [&mut file as &mut dyn Ledger, &mut memory] {
        append(ledger, 1);
        let head = ledger.begin(PATIENCE).unwrap();
        let mut again = batch(head, 2);
        again.records[1].command = ledger.record(1).unwrap().unwrap().command;
        let outcome = ledger.append(head, &again);
        assert!(matches!(outcome, Append::NotApplied(fault) if fault.kind == FaultKind::Duplicate));
        again.records[1].command = again.records[0].command;
        assert!(matches!(ledger.append(head, &again), Append::NotApplied(_)));
        assert_eq!(ledger.head().unwrap(), head);
        again.records[1].n = 1;
        assert!(matches!(ledger.append(head, &again), Append::Appended(_)));
        assert_eq!(
            ledger.by_command(again.records[0].command).unwrap(),
            again.records
        );
        ledger.end();
    }
}

#[test]
fn others_hear_of_an_append_and_see_that_something_changed() {
    let (_folder, home, mut file) = fresh();
    let mut memory = MemoryLedger::new(identity());
    let others: [Box<dyn Ledger>; 2] = [
        Box::new(SqliteLedger::open(&home).unwrap()),
        Box::new(memory.clone()),
    ];
    for (ledger, mut other) in [&mut file as &mut dyn Ledger, &mut memory]
        .into_iter()
        .zip(others)
    {
        let (ring, rung) = std::sync::mpsc::channel();
        let watch = other
            .watch(Box::new(move || ring.send(()).unwrap_or_default()))
            .unwrap();
        other.head().unwrap();
        assert!(!other.changed().unwrap());
        append(ledger, 1);
        assert!(rung.recv_timeout(PATIENCE).is_ok());
        assert!(other.changed().unwrap() && other.changed().unwrap());
        assert_eq!(other.head().unwrap(), ledger.head().unwrap());
        assert!(!other.changed().unwrap() && !ledger.changed().unwrap());
        drop(watch);
        assert!(
            rung.iter().count() < 100,
            "the ring is taken down with its watch"
        );
    }
}

#[test]
fn a_snapshot_counts_only_for_the_ledger_it_was_taken_of() {
    let (_folder, home, mut file) = fresh();
    let mut memory = MemoryLedger::new(identity());
    for ledger in [&mut file as &mut dyn Ledger, &mut memory] {
        let first = append(ledger, 3);
        let second = append(ledger, 2);
        let at = |head| Snapshot {
            head,
            incarnation: 1,
            format: 2,
            bytes: b"state".into(),
        };
        ledger.put_snapshot(&at(first)).unwrap();
        ledger.put_snapshot(&at(second)).unwrap();
        let mut seq = |format, before| -> Option<Seq> {
            ledger
                .latest_snapshot(format, before)
                .unwrap()
                .map(|found| found.head.seq)
        };
        assert_eq!(
            [seq(2, None), seq(2, Some(4)), seq(2, Some(2)), seq(1, None)],
            [Some(5), Some(3), None, None]
        );
        assert_eq!(ledger.latest_snapshot(2, None).unwrap(), Some(at(second)));
        // Of this ledger by its name, but of a record that is another one now.
        ledger
            .put_snapshot(&at(Head {
                seq: 4,
                hash: Hash::of(b"other"),
            }))
            .unwrap();
        ledger
            .put_snapshot(&Snapshot {
                incarnation: 2,
                ..at(second)
            })
            .unwrap();
        let found = ledger.latest_snapshot(2, None).unwrap().unwrap();
        assert_eq!(found, at(first));
    }
    assert_eq!(std::fs::read_dir(home.snapshots()).unwrap().count(), 1);
}

#[test]
fn a_lost_archive_is_noticed_and_rebuilt() {
    let (_folder, home, mut ledger) = fresh();
    let head = ledger.begin(PATIENCE).unwrap();
    let mut first = batch(head, 2);
    first.archive = archive_changes();
    assert!(matches!(ledger.append(head, &first), Append::Appended(_)));
    ledger.end();
    let before = readings(&mut ledger);
    assert_eq!(ledger.archive_watermark().unwrap(), Some(2));
    let raw = rusqlite::Connection::open(home.database()).unwrap();
    raw.execute_batch("DROP TABLE archive_forms").unwrap();
    assert_eq!(ledger.archive_watermark().unwrap(), None);
    assert!(ledger.archived(&[OrderId::work(1)]).is_err());
    let head = ledger.begin(PATIENCE).unwrap();
    let grown = ledger.rebuild_archive(Head::default(), &mut archive_changes().into_iter());
    assert_eq!(grown.unwrap_err().kind, FaultKind::Busy);
    ledger
        .rebuild_archive(head, &mut archive_changes().into_iter())
        .unwrap();
    ledger.end();
    assert_eq!(readings(&mut ledger), before);
}

#[test]
fn the_ledger_in_memory_fails_as_ordered() {
    let mut ledger = MemoryLedger::new(identity());
    let mut outcome = |injection| {
        ledger.inject(injection);
        let head = ledger.begin(PATIENCE).unwrap();
        let outcome = ledger.append(head, &batch(head, 1));
        ledger.end();
        (outcome, ledger.head().unwrap().seq - head.seq)
    };
    let (full, grown) = outcome(Injection::CommitFails(FaultKind::DiskFull));
    assert!(matches!(full, Append::NotApplied(f) if f.kind == FaultKind::DiskFull) && grown == 0);
    assert!(matches!(
        outcome(Injection::AnswerLost),
        (Append::Unknown(_), 1)
    ));
    assert!(matches!(
        outcome(Injection::SyncFails),
        (Append::Unknown(_), 0)
    ));
    let rival = Injection::Rival(batch(Head::default(), 3));
    assert!(matches!(outcome(rival), (Append::Conflict(head), 3) if head.seq == 4));
    assert!(matches!(
        outcome(Injection::SlowTurn(Duration::from_millis(1))),
        (Append::Appended(_), 1)
    ));
    let verdict = verify(|after, limit| ledger.read(after, limit), None, &mut |_| {}).unwrap();
    assert_eq!((verdict.head.seq, verdict.bad), (5, None));

    let by_chance = |seed| {
        let mut ledger = MemoryLedger::new(identity());
        ledger.chaos(seed, 4);
        let mut appended = Vec::new();
        for _ in 0..50 {
            let head = ledger.begin(PATIENCE).unwrap();
            appended.push(matches!(
                ledger.append(head, &batch(head, 1)),
                Append::Appended(_)
            ));
            ledger.end();
        }
        appended
    };
    assert_eq!(by_chance(7), by_chance(7));
    assert_ne!(by_chance(7), by_chance(8));
    assert!(by_chance(7).contains(&true) && by_chance(7).contains(&false));
}

fn files_are_private(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let mode = path.metadata().unwrap().permissions().mode() & 0o777;
        let name = path.file_name().unwrap().to_str().unwrap();
        let wanted = if path.is_dir() { 0o700 } else { 0o600 };
        assert!(mode == wanted || name == ".gitignore", "{name}: {mode:o}");
    }
}

#[test]
fn a_ledger_is_made_once_and_for_its_owner_alone() {
    let (_folder, home, mut ledger) = fresh();
    let head = append(&mut ledger, 1);
    ledger
        .put_snapshot(&Snapshot {
            head,
            incarnation: 1,
            format: 1,
            bytes: vec![1],
        })
        .unwrap();
    files_are_private(&home.snapshots());
    files_are_private(home.path());
    files_are_private(home.path().parent().unwrap());
    assert_eq!(
        std::fs::read_to_string(home.path().join(".gitignore")).unwrap(),
        "*\n"
    );
    let again = SqliteLedger::create(&home, identity()).err().unwrap();
    assert_eq!(again.kind, FaultKind::Exists);
    let racing = Home::new(home.path().join("other")).unwrap();
    let made = std::thread::scope(|scope| {
        let make = || SqliteLedger::create(&racing, identity()).is_ok();
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(make)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .filter(|made| *made)
            .count()
    });
    assert_eq!(made, 1);
}
