//! A jump anywhere into 1,000,000 records: `cargo bench --bench past`.
//!
//! The first way back builds the ladder of snapshots and is timed by itself. The yardstick of a jump is what it would be
//! without one: the whole replay, from the same ledger. `OBEYA_BENCH_QUICK=1` takes 100,000 records.
#![expect(clippy::unwrap_used, reason = "a benchmark may fail")]

#[path = "support/backlog.rs"]
mod backlog;
#[path = "support/quantile.rs"]
mod quantile;
#[path = "support/submission.rs"]
mod submission;

use std::{
    env,
    sync::mpsc,
    time::{Duration, Instant},
};

use backlog::backlog;
use obeya::{
    domain::{command::Command, id::OrderId, moment::Moment, record::Seq},
    engine::Reply,
    link::{self, Home, Session},
};
use quantile::p50_p99;
use submission::submission;

const ORDERS: usize = 100_000;
const OPEN: usize = 5_000;
const RECORDS: usize = 1_000_000;
/// Commands that wait at once while the ledger is made.
const WAITING: usize = 1_000;

fn main() {
    let quick = env::var_os("OBEYA_BENCH_QUICK").is_some();
    let (records, orders) = if quick {
        (RECORDS / 10, ORDERS / 10)
    } else {
        (RECORDS, ORDERS)
    };
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let home = Home::new(folder.path().join("ledger")).unwrap();
    link::init(&home).unwrap();
    let home = Home::new(home.path()).unwrap();
    let session = Session::open(&home).unwrap();
    let submit = |command: Command, tell: mpsc::Sender<Reply>| {
        session.submit_then(submission(command), move |reply| tell.send(reply).unwrap());
    };
    let (tell, replies) = mpsc::channel();
    submit(backlog(orders, OPEN), tell.clone());
    assert!(matches!(replies.recv().unwrap(), Reply::Done(_)));
    let imported = session.watching().state().head.seq as usize;
    let mut told = imported;
    while told < records {
        for n in 0..WAITING {
            let id: OrderId = format!("WO-{:03}", (told + n) % OPEN + 1).parse().unwrap();
            let text = "the first half is in".into();
            submit(Command::CommentOrder { id, text }, tell.clone());
        }
        for _ in 0..WAITING {
            let reply = replies.recv().unwrap();
            assert!(matches!(reply, Reply::Done(_)), "{reply:?}");
        }
        told += WAITING;
    }
    let watching = session.watching();
    let head = watching.state().head.seq;
    println!("{head} records, of which {imported} of an import");

    let jump = |seq: Seq| {
        let start = Instant::now();
        let stood = watching.stand(Moment::After(seq), &mut |_, _| {}).unwrap();
        // A moment is between two commands: the rest of a command comes with it.
        assert!(stood.state.head.seq >= seq);
        start.elapsed()
    };
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let mut steps = 0;
    let start = Instant::now();
    watching
        .stand(Moment::After(1), &mut |_, _| steps += 1)
        .unwrap();
    watching
        .stand(Moment::After(head), &mut |_, _| steps += 1)
        .unwrap();
    println!(
        "the first way through all of it, told in {steps} steps: {:.0} ms",
        ms(start.elapsed())
    );
    // A stride that is prime to the length goes everywhere, and never to a neighbour.
    let rounds: u64 = if quick { 30 } else { 200 };
    let stride = head * 618 / 1_000;
    let times = (1..=rounds)
        .map(|round| ms(jump((round * stride) % head + 1)))
        .collect();
    let (p50, p99) = p50_p99(times);
    println!("a jump: p50 {p50:.1} ms, p99 {p99:.1} ms");
    let start = Instant::now();
    let verified = link::verify(&home, None, &mut |_| {}).unwrap();
    assert!(verified.bad.is_none());
    println!(
        "yardstick: reading and checking every record, {:.0} ms",
        ms(start.elapsed())
    );
}
