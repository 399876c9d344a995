//! What the ledger costs beside SQLite itself: `cargo bench --bench ledger`.
//!
//! Both sides write the same records into the same tables on the same disk, in turns within one loop, so that both see
//! the same machine. The yardstick is a prepared statement in a transaction; ours adds the writers' turn, the check of
//! the head and the doorbell.
#![expect(clippy::unwrap_used, reason = "a benchmark may fail")]

#[path = "support/raw.rs"]
mod raw;

use std::time::{Duration, Instant};

use obeya::{
    domain::{
        record::{ActorKind, Door, Hash, Head, Record},
        time::Timestamp,
    },
    ledger::{Append, Batch, Home, Identity, Ledger, SqliteLedger},
};
use raw::insert;
use rusqlite::Connection;
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_secs(10);
const SINGLES: usize = 4000;
const GROUPS: usize = 400;
const GROUP: usize = 100;
const COLD: usize = 300;

fn record(head: Head) -> Record {
    let seq = head.seq + 1;
    let body = format!(
        "{{\"order_created\":{{\"id\":\"WO-{seq:06}\",\"title\":\"Make the importer keep every label of {seq}\",\
         \"bucket\":\"features\",\"kind\":\"task\",\"priority\":6,\"labels\":[\"importer\",\"labels\"],\
         \"description\":\"What has no counterpart keeps its original word as a label.\"}}}}"
    );
    let mut record = Record {
        seq,
        time: Timestamp(1_700_000_000_000_000 + seq as i64),
        occurred_at: Timestamp(1_700_000_000_000_000 + seq as i64),
        // In the order of their making, as version 7 ids are.
        command: Uuid::from_u128((u128::from(seq) << 80) | u128::from_be_bytes([7; 16]) >> 48),
        n: 0,
        command_hash: Hash::of(body.as_bytes()),
        causation: None,
        correlation: None,
        actor_kind: ActorKind::Agent.into(),
        actor: "agent-7".into(),
        door: Door::Cli.into(),
        uid: 1000,
        subject: format!("WO-{:06}", seq % 5000),
        kind: "order_created".into(),
        version: 1,
        body: body.into(),
        hash: Hash::ZERO,
    };
    record.hash = record.seal(&head.hash);
    record
}

/// The next records after a head, which moves on.
fn batch(head: &mut Head, count: usize) -> Batch {
    let mut batch = Batch::default();
    for _ in 0..count {
        let next = record(*head);
        *head = Head {
            seq: next.seq,
            hash: next.hash,
        };
        batch.records.push(next);
    }
    batch
}

fn ours(ledger: &mut SqliteLedger, batch: &Batch) {
    let head = ledger.begin(PATIENCE).unwrap();
    assert!(matches!(ledger.append(head, batch), Append::Appended(_)));
    ledger.end();
}

fn timed(act: impl FnOnce()) -> Duration {
    let start = Instant::now();
    act();
    start.elapsed()
}

struct Times(Vec<Duration>);

impl Times {
    fn micros(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort();
        sorted[((sorted.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6
    }

    fn mean(&self) -> f64 {
        self.0.iter().sum::<Duration>().as_secs_f64() * 1e6 / self.0.len() as f64
    }
}

/// Runs both sides in turns, each as often first as second; returns the times of the ledger and of the yardstick.
fn race(rounds: usize, count: usize) -> (Times, Times) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let make = |name| {
        let identity = Identity {
            uuid: Uuid::nil(),
            incarnation: 1,
            created: Timestamp(0),
        };
        SqliteLedger::create(&Home::new(folder.path().join(name)).unwrap(), identity).unwrap()
    };
    let mut ledger = make("ours");
    let yardstick = make("raw");
    let db = Connection::open(yardstick.home().database()).unwrap();
    db.execute_batch("PRAGMA synchronous=FULL").unwrap();
    let (mut head, mut one, mut other) = (Head::default(), Times(Vec::new()), Times(Vec::new()));
    for round in 0..rounds {
        let batch = batch(&mut head, count);
        if round % 2 == 0 {
            one.0.push(timed(|| ours(&mut ledger, &batch)));
        }
        other.0.push(timed(|| insert(&db, &batch.records)));
        if round % 2 == 1 {
            one.0.push(timed(|| ours(&mut ledger, &batch)));
        }
    }
    (one, other)
}

/// Opens, appends one and closes, as a program that is called for one command does.
fn cold() -> (Times, Times) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let home = Home::new(folder.path().join("ours")).unwrap();
    let identity = Identity {
        uuid: Uuid::nil(),
        incarnation: 1,
        created: Timestamp(0),
    };
    let mut ledger = SqliteLedger::create(&home, identity).unwrap();
    let home = ledger.home().clone();
    let mut head = Head::default();
    ours(&mut ledger, &batch(&mut head, 20_000));
    drop(ledger);
    let (mut alone, mut read) = (Times(Vec::new()), Times(Vec::new()));
    for _ in 0..COLD {
        let next = batch(&mut head, 1);
        alone.0.push(timed(|| {
            ours(&mut SqliteLedger::open(&home).unwrap(), &next)
        }));
        read.0.push(timed(|| {
            let _ = SqliteLedger::open(&home).unwrap().head().unwrap();
        }));
    }
    (alone, read)
}

fn main() {
    println!(
        "{:<34} {:>9} {:>9} {:>9}",
        "times in µs", "p50", "p99", "mean"
    );
    let line = |name: &str, times: &Times| {
        println!(
            "{name:<34} {:>9.1} {:>9.1} {:>9.1}",
            times.micros(0.5),
            times.micros(0.99),
            times.mean()
        );
    };
    let (one, other) = race(SINGLES, 1);
    line("one record, ledger", &one);
    line("one record, raw commit", &other);
    let ratio = one.micros(0.5) / other.micros(0.5);
    println!("  ratio of p50: {ratio:.2} (at most 1.3)");
    let (group, raw) = race(GROUPS, GROUP);
    line("group of 100, ledger", &group);
    line("group of 100, raw inserts", &raw);
    println!(
        "  {:.0} records a second, {:.0} % of the raw rate (at least 60 %)",
        GROUP as f64 * 1e6 / group.mean(),
        100.0 * raw.mean() / group.mean()
    );
    let (alone, read) = cold();
    line("open, append one, close", &alone);
    line("open, read the head, close", &read);
}
