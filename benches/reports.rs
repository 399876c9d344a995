//! What reports cost on a long history: `cargo bench --bench reports`.
//!
//! A year in which 100,000 orders were created, started, moved and completed, 5,000 open ones, and each report asked of
//! it as a console asks. The yardstick is the page of a list that such a ledger shows. `OBEYA_BENCH_QUICK=1` makes a
//! tenth of it.
#![expect(clippy::unwrap_used, reason = "a benchmark may fail")]

#[path = "support/submission.rs"]
mod submission;

use std::{
    env,
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use obeya::{
    domain::{
        command::{Command, Destination, NewOrder, Sla},
        event::Event,
        id::OrderId,
        order::Bucket,
        query::{Query, filter::Filter},
        time::{DAY, HOUR, Timestamp},
    },
    engine::{Clock as _, Engine, Handle, HeldClock, Reply, Writer},
    ledger::{Home, SqliteLedger},
    link,
};
use submission::submission;

/// Orders that go through the line together.
const ROUND: usize = 200;
/// How long ago the year began.
const YEAR: i64 = 365 * DAY;

/// Submits all at once and returns the orders that they are about.
fn all(handle: &Handle, commands: impl IntoIterator<Item = Command>) -> Vec<OrderId> {
    let (sender, replies) = mpsc::channel();
    for command in commands {
        let sender = sender.clone();
        handle.submit_then(submission(command), move |reply| {
            sender.send(reply).unwrap();
        });
    }
    drop(sender);
    let mut ids = vec![];
    for reply in replies {
        let Reply::Done(outcome) = reply else {
            panic!("{reply:?}")
        };
        ids.extend(
            outcome
                .records
                .iter()
                .filter_map(|record| match record.event() {
                    Some(Event::OrderCreated { id, .. }) => Some(id),
                    _ => None,
                }),
        );
    }
    ids
}

fn create(n: usize) -> Command {
    let mut order = NewOrder::task(format!("Make the importer keep every label of item {n}"));
    order.bucket = Bucket::ALL[n % Bucket::ALL.len()];
    order.labels = vec![format!("team-{}", n % 10), "importer".into()];
    Command::CreateOrder { order }
}

/// Makes the year.
fn live(handle: &Handle, clock: &HeldClock, closed: usize, open: usize) {
    let wide = |bucket: &Bucket| Command::SetBucket {
        bucket: *bucket,
        wip_limit: Some(10_000),
        sla: Some(Sla::Hours(720)),
    };
    all(handle, Bucket::ALL.iter().map(wide));
    let rounds = closed / ROUND;
    for round in 0..rounds {
        let ids = all(handle, (0..ROUND).map(|n| create(round * ROUND + n)));
        let each = |make: fn(OrderId) -> Command| ids.iter().copied().map(make);
        clock.advance(HOUR);
        all(handle, each(|id| Command::StartOrder { id }));
        clock.advance(HOUR);
        all(
            handle,
            each(|id| Command::MoveOrder {
                id,
                to: Destination::Right,
            }),
        );
        clock.advance(HOUR * (round as i64 % 9));
        all(
            handle,
            each(|id| Command::CompleteOrder {
                id,
                sku: None,
                note: None,
            }),
        );
        clock.advance((YEAR / rounds as i64 - 6 * HOUR).max(0));
    }
    for part in 0..open / ROUND {
        let ids = all(handle, (0..ROUND).map(|n| create(part * ROUND + n)));
        let first = ids.into_iter().take(10);
        all(handle, first.map(|id| Command::StartOrder { id }));
    }
}

fn main() {
    let scale = if env::var_os("OBEYA_BENCH_QUICK").is_some() {
        10
    } else {
        1
    };
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let home = Home::new(folder.path().join("ledger")).unwrap();
    link::init(&home).unwrap();
    let clock = HeldClock::at(link::now());
    let ledger = SqliteLedger::open(&home).unwrap();
    let writer = Writer::new(Box::new(ledger), Arc::new(clock.clone()), Some(&home));
    let engine = Engine::start(writer).unwrap();
    let handle = engine.handle();
    let begun = Instant::now();
    live(&handle, &clock, 100_000 / scale, 5_000 / scale);
    let state = handle.state();
    println!(
        "{} records, {} completed, {} open; made in {:.1} s",
        state.head.seq,
        state.counts.completed,
        state.open_count(),
        begun.elapsed().as_secs_f64()
    );
    let mut reader = handle.reader().unwrap();
    let now = clock.now();
    let ago = |days: i64| now.plus(-days * DAY);
    let filter = Filter::default();
    let label = Filter {
        label: Some("team-3".into()),
        ..Filter::default()
    };
    let forecast = |since: Timestamp, filter: &Filter| Query::Forecast {
        since,
        filter: filter.clone(),
        trials: None,
        seed: None,
    };
    let (f, l, limit) = (|| filter.clone(), || label.clone(), Some(10_000));
    let questions = [
        (
            "yardstick: the first 50 open orders",
            serde_json::from_str(r#"{"work_orders":{}}"#).unwrap(),
        ),
        (
            "velocity, 365 days",
            Query::Velocity {
                since: ago(365),
                filter: f(),
            },
        ),
        (
            "flow, 30 days",
            Query::Flow {
                since: ago(30),
                filter: f(),
            },
        ),
        (
            "flow, 365 days (the newest 100,000 records by stage)",
            Query::Flow {
                since: ago(365),
                filter: f(),
            },
        ),
        (
            "flow, 30 days, one label",
            Query::Flow {
                since: ago(30),
                filter: l(),
            },
        ),
        (
            "SLA, 30 days, one label",
            Query::Sla {
                since: ago(30),
                filter: l(),
                limit: None,
            },
        ),
        (
            "cycle times, 30 days, 10,000 points",
            Query::CycleTimes {
                since: ago(30),
                filter: f(),
                limit,
            },
        ),
        (
            "cycle times, 365 days, 10,000 points",
            Query::CycleTimes {
                since: ago(365),
                filter: f(),
                limit,
            },
        ),
        (
            "ageing, 180 days",
            Query::Ageing {
                since: ago(180),
                filter: f(),
                limit: None,
            },
        ),
        ("forecast, 56 days", forecast(ago(56), &filter)),
        ("forecast, 56 days, one label", forecast(ago(56), &label)),
        (
            "risk, 180 days",
            Query::Risk {
                since: ago(180),
                filter: f(),
                limit: None,
            },
        ),
        (
            "handover, 8 hours",
            Query::Handover {
                since: now.plus(-8 * HOUR),
                limit: None,
            },
        ),
    ];
    for (name, query) in questions {
        let mut best = Duration::MAX;
        for _ in 0..3 {
            let begun = Instant::now();
            reader.ask(&handle, &query).unwrap().unwrap();
            best = best.min(begun.elapsed());
        }
        println!("{name:<56} {:>9.1} ms", best.as_secs_f64() * 1e3);
    }
}
