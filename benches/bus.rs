//! What the bus costs beside what it is made of: `cargo bench --bench bus`.
//!
//! Durable messages stand beside raw inserts into the same tables, in groups as large as ours can get, in turns within one loop. Fan-out
//! stands beside a bare tokio broadcast of the same messages to as many receivers; ours includes that every message is
//! on disk before anybody hears of it.
#![expect(clippy::unwrap_used, reason = "a benchmark may fail")]

use std::{
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use obeya::{
    domain::{
        command::Role,
        message::{Address, Draft, Message, Topic},
        order::Actor,
        time::Timestamp,
    },
    engine::bus::{Broker, Bus, Caller},
    ledger::{Home, Identity, SqliteLedger},
};
use rusqlite::{Connection, params};
use tokio::{runtime::Builder, sync::broadcast, task::JoinSet};
use uuid::Uuid;

/// How many messages wait at once; the yardstick commits as many at a time, which ours can at best.
const WAITING: usize = 200;
/// Below the room of a channel, so that nobody reads from the file.
const HEARD: usize = 1_000;

fn home(folder: &tempfile::TempDir, name: &str) -> Home {
    let home = Home::new(folder.path().join(name)).unwrap();
    let identity = Identity {
        uuid: Uuid::nil(),
        incarnation: 1,
        created: Timestamp(0),
    };
    SqliteLedger::create(&home, identity).unwrap();
    home
}

fn topic() -> Address {
    Topic::CoordinationEvents.into()
}

fn draft(n: usize) -> Draft {
    let body = format!(
        "{{\"event\":\"progress\",\"work_order\":\"WO-{:06}\",\"step\":{n},\"note\":\"the importer keeps every label\"}}",
        n % 5_000
    );
    Draft::new(topic(), Actor::agent("agent-7"), body)
}

fn caller() -> Caller {
    Caller {
        actor: Actor::agent("agent-7"),
        role: Role::Agent,
    }
}

/// Sends `count` messages with at most `WAITING` of them under way, and returns when all are durable.
fn ours(bus: &Bus, count: usize) {
    let caller = caller();
    let (sender, done) = mpsc::channel();
    for n in 0..count {
        if n >= WAITING {
            done.recv().unwrap();
        }
        let sender = sender.clone();
        bus.publish_then(&caller, draft(n), move |sent| {
            sender.send(sent.unwrap().unwrap()).unwrap();
        });
    }
    for _ in 0..count.min(WAITING) {
        done.recv().unwrap();
    }
}

fn raw(db: &Connection, count: usize) {
    let run = |sql: &str| db.prepare_cached(sql).unwrap().execute([]).unwrap();
    for group in 0..count / WAITING {
        run("BEGIN IMMEDIATE");
        let mut put = db
            .prepare_cached("INSERT INTO messages (address, time, sender_kind, sender, body) VALUES (?1, ?2, ?3, ?4, ?5)")
            .unwrap();
        for n in 0..WAITING {
            let draft = draft(group * WAITING + n);
            put.execute(params![
                "coordination_events",
                1_700_000_000_000_000_i64,
                draft.sender.kind.word(),
                draft.sender.name,
                draft.body,
            ])
            .unwrap();
        }
        run("COMMIT");
    }
}

fn timed(act: impl FnOnce()) -> Duration {
    let start = Instant::now();
    act();
    start.elapsed()
}

fn durable(rounds: usize, count: usize) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let bus = Bus::start(Broker::open(&home(&folder, "ours")).unwrap()).unwrap();
    let other = home(&folder, "raw");
    drop(Broker::open(&other).unwrap());
    let db = Connection::open(other.messages()).unwrap();
    db.execute_batch("PRAGMA synchronous=FULL").unwrap();
    let (mut one, mut two) = (Duration::ZERO, Duration::ZERO);
    for round in 0..rounds {
        if round % 2 == 0 {
            one += timed(|| ours(&bus, count));
        }
        two += timed(|| raw(&db, count));
        if round % 2 == 1 {
            one += timed(|| ours(&bus, count));
        }
    }
    let rate = |time: Duration| (rounds * count) as f64 / time.as_secs_f64();
    println!(
        "durable messages, {WAITING} waiting      {:>9.0} /s",
        rate(one)
    );
    println!(
        "raw inserts in groups of {WAITING}        {:>9.0} /s",
        rate(two)
    );
    let share = 100.0 * rate(one) / rate(two);
    let word = if share >= 60.0 {
        "reached"
    } else {
        "NOT REACHED"
    };
    println!("  durable publishes are {share:.0} % of raw grouped inserts; aim 60 %: {word}");
}

fn fan_out(receivers: usize) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let bus = Bus::start(Broker::open(&home(&folder, "ours")).unwrap()).unwrap();
    let runtime = Builder::new_current_thread().build().unwrap();
    let mut listeners: Vec<_> = (0..receivers)
        .map(|_| bus.listen(topic()).unwrap())
        .collect();
    let one = timed(|| {
        let sending = bus.clone();
        let thread = std::thread::spawn(move || ours(&sending, HEARD));
        runtime.block_on(async {
            let mut all = JoinSet::new();
            for mut listener in listeners.drain(..) {
                all.spawn(async move {
                    for _ in 0..HEARD {
                        std::hint::black_box(listener.next().await.unwrap());
                    }
                });
            }
            while let Some(done) = all.join_next().await {
                done.unwrap();
            }
        });
        thread.join().unwrap();
    });
    let sender = broadcast::Sender::new(1_024);
    let mut listeners: Vec<_> = (0..receivers).map(|_| sender.subscribe()).collect();
    let two = timed(|| {
        let thread = std::thread::spawn(move || {
            for n in 0..HEARD {
                let message = Message {
                    seq: n as u64,
                    time: Timestamp(0),
                    draft: draft(n),
                };
                sender.send(Arc::new(message)).unwrap();
            }
        });
        runtime.block_on(async {
            let mut all = JoinSet::new();
            for mut listener in listeners.drain(..) {
                all.spawn(async move {
                    for _ in 0..HEARD {
                        std::hint::black_box(listener.recv().await.unwrap());
                    }
                });
            }
            while let Some(done) = all.join_next().await {
                done.unwrap();
            }
        });
        thread.join().unwrap();
    });
    let rate = |time: Duration| (receivers * HEARD) as f64 / time.as_secs_f64();
    println!(
        "fan-out to {receivers:>5}: {:>11.0} deliveries/s, bare broadcast {:>11.0} /s: {:.0} %",
        rate(one),
        rate(two),
        100.0 * rate(one) / rate(two)
    );
}

fn main() {
    let quick = std::env::var_os("OBEYA_BENCH_QUICK").is_some();
    let (rounds, count) = if quick { (4, 2_000) } else { (10, 10_000) };
    durable(rounds, count);
    for receivers in [1, 100, 1_000] {
        fan_out(receivers);
    }
}
