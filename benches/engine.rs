//! What the engine costs beside SQLite itself, and what it gives to many: `cargo bench --bench engine`.
//!
//! Each figure is measured in turns with its yardstick where it has one: a raw commit of the very same records into the
//! same tables on the same disk. `OBEYA_BENCH_QUICK=1` makes a short run.
#![expect(clippy::unwrap_used, reason = "a benchmark may fail")]

#[path = "support/raw.rs"]
mod raw;

use std::{
    env,
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, Command as Process, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use obeya::{
    domain::{
        command::{Command, ImportItem, NewOrder, Role, Submission},
        event::ImportedItem,
        order::{Actor, Bucket, Kind, Priority},
        record::Record,
        time::Timestamp,
    },
    engine::{Engine, Handle, SystemClock, Writer, load},
    ledger::{Home, Ledger as _, SqliteLedger},
    link::{self, Client, Cold, Operator as _, Reply, Session, Watching},
    testing,
};
use raw::insert;
use rusqlite::Connection;
use rustix::time::{ClockId, clock_gettime};
use tempfile::TempDir;

const ROLE: &str = "OBEYA_BENCH_ROLE";
const LEDGER: &str = "OBEYA_BENCH_LEDGER";
const GROUP: usize = 100;
const PROCESSES: usize = 8;

fn quick() -> bool {
    env::var_os("OBEYA_BENCH_QUICK").is_some()
}

fn scaled(full: usize) -> usize {
    if quick() { full / 10 } else { full }
}

fn made() -> (TempDir, Home) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let home = Home::new(folder.path().join("ledger")).unwrap();
    link::init(&home).unwrap();
    let home = Home::new(home.path()).unwrap();
    (folder, home)
}

fn writer(home: &Home) -> Writer {
    let ledger = SqliteLedger::open(home).unwrap();
    Writer::new(Box::new(ledger), Arc::new(SystemClock::new()), Some(home))
}

fn submission(command: Command) -> Submission {
    Submission {
        role: Role::Admin,
        uid: 1000,
        ..testing::submission(Actor::agent("agent-7"), command)
    }
}

fn create(n: usize) -> Submission {
    let mut order = NewOrder::task(format!("Make the importer keep every label of item {n}"));
    order.description = Some("What has no counterpart keeps its original word as a label.".into());
    order.labels = vec!["importer".into(), "labels".into()];
    submission(Command::CreateOrder { order })
}

fn records(reply: Reply) -> Vec<Record> {
    match reply {
        Reply::Done(outcome) => outcome.records,
        other => panic!("{other:?}"),
    }
}

fn raw(home: &Home) -> Connection {
    let db = Connection::open(home.database()).unwrap();
    db.execute_batch("PRAGMA synchronous=FULL; DELETE FROM records;")
        .unwrap();
    db.set_prepared_statement_cache_capacity(16);
    db
}

fn timed<T>(act: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let made = act();
    (made, start.elapsed())
}

/// Returns a quantile in microseconds.
fn quantile(times: &mut [Duration], share: f64) -> f64 {
    times.sort_unstable();
    let at = ((times.len() - 1) as f64 * share) as usize;
    times[at].as_secs_f64() * 1e6
}

fn line(what: &str, figure: &str, beside: &str) {
    println!("{what:<52} {figure:>22}   {beside}");
}

/// One command alone beside one raw commit of the same bytes, in turns.
fn alone() {
    let (_folder, home) = made();
    let (_other, yardstick) = made();
    let mut writer = writer(&home);
    let db = raw(&yardstick);
    for n in 0..1_000 {
        insert(&db, &records(writer.submit(&create(n))));
    }
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for n in 0..scaled(4_000) {
        let order = create(n);
        let (reply, time) = timed(|| writer.submit(&order));
        ours.push(time);
        let records = records(reply);
        theirs.push(timed(|| insert(&db, &records)).1);
    }
    let (own, yard) = (quantile(&mut ours, 0.5), quantile(&mut theirs, 0.5));
    line(
        "one command alone, p50 (p99)",
        &format!("{own:.0} ({:.0}) µs", quantile(&mut ours, 0.99)),
        &format!(
            "raw commit {yard:.0} ({:.0}) µs: {:.2} times; goal at most 1.3",
            quantile(&mut theirs, 0.99),
            own / yard
        ),
    );
}

/// Keeps `waiting` commands in flight until `count` are answered; returns their records in order.
fn in_flight(handle: &Handle, count: usize, waiting: usize) -> Vec<Record> {
    let replies = Arc::new(Mutex::new(Vec::new()));
    let caller = thread::current();
    let submit = |n| {
        let (replies, caller) = (Arc::clone(&replies), caller.clone());
        handle.submit_then(create(n), move |reply| {
            replies.lock().unwrap().push(reply);
            caller.unpark();
        });
    };
    (0..waiting).for_each(submit);
    let (mut all, mut submitted) = (Vec::with_capacity(count), waiting);
    while all.len() < count {
        let answered = std::mem::take(&mut *replies.lock().unwrap());
        if answered.is_empty() {
            thread::park();
        }
        for reply in answered {
            if submitted < count {
                submit(submitted);
                submitted += 1;
            }
            all.extend(records(reply));
        }
    }
    all
}

/// Commands of which 100 wait while 100 are written, beside raw inserts in groups of 100, in turns.
fn grouped() {
    let (_folder, home) = made();
    let (_other, yardstick) = made();
    let engine = Engine::start(writer(&home)).unwrap();
    let handle = engine.handle();
    let db = raw(&yardstick);
    insert(&db, &in_flight(&handle, 1_000, 2 * GROUP));
    let commits = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&commits);
    let _listening = handle.subscribe(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
    });
    let (mut own, mut yard) = (Duration::ZERO, Duration::ZERO);
    let (mut own_used, mut yard_used) = (0.0, 0.0);
    let (rounds, count) = (10, scaled(4_000));
    for _ in 0..rounds {
        let before = processor();
        let (records, time) = timed(|| in_flight(&handle, count, 2 * GROUP));
        (own, own_used) = (own + time, own_used + processor() - before);
        let before = processor();
        let insert_all = || {
            for group in records.chunks(GROUP) {
                insert(&db, group);
            }
        };
        (yard, yard_used) = (yard + timed(insert_all).1, yard_used + processor() - before);
    }
    let rate = |time: Duration| (rounds * count) as f64 / time.as_secs_f64();
    line(
        "100 commands waiting",
        &format!("{:.0} /s", rate(own)),
        &format!(
            "{:.0} in a commit; raw inserts in groups of 100 {:.0} /s: {:.0} % ({:.0} % by processor time); goal at least 60 %",
            (rounds * count) as f64 / commits.load(Ordering::Relaxed) as f64,
            rate(yard),
            100.0 * rate(own) / rate(yard),
            100.0 * yard_used / own_used
        ),
    );
}

/// Eight processes submit over the host's socket.
fn over_the_socket() {
    let (_folder, home) = made();
    let session = Session::open(&home).unwrap();
    let mut children: Vec<_> = (0..PROCESSES).map(|_| start(&home, "client")).collect();
    let mut times = Vec::new();
    let mut counts = Vec::new();
    for child in &mut children {
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let own: Vec<Duration> = lines
            .map(|line| Duration::from_nanos(line.unwrap().parse().unwrap()))
            .collect();
        counts.push(own.len() as f64);
        times.extend(own);
        child.wait().unwrap();
    }
    let total: f64 = counts.iter().sum();
    let squares: f64 = counts.iter().map(|count| count * count).sum();
    let written = session.watching().state().counts.queued[Bucket::Features.index()];
    assert_eq!(
        f64::from(written),
        total,
        "each acknowledged command is there"
    );
    line(
        "8 processes over the socket",
        &format!("{:.0} /s", total / seconds().as_secs_f64()),
        &format!(
            "p50 {:.0} µs, p99 {:.0} µs, worst {:.1} ms, fairness {:.3}",
            quantile(&mut times, 0.5),
            quantile(&mut times, 0.99),
            quantile(&mut times, 1.0) / 1e3,
            total * total / (PROCESSES as f64 * squares)
        ),
    );
}

fn seconds() -> Duration {
    Duration::from_secs(if quick() { 1 } else { 4 })
}

fn start(home: &Home, role: &str) -> Child {
    Process::new(env::current_exe().unwrap())
        .env(ROLE, role)
        .env(LEDGER, home.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn client(home: &Home) {
    let mut client = Client::connect(home).unwrap().unwrap();
    let mut times = Vec::new();
    let end = Instant::now() + seconds();
    while Instant::now() < end {
        let order = create(times.len());
        let (reply, time) = timed(|| client.submit(&order));
        records(reply);
        times.push(time);
    }
    let mut out = std::io::stdout().lock();
    for time in times {
        writeln!(out, "{}", time.as_nanos()).unwrap();
    }
}

/// Nanoseconds of a clock that all processes share.
fn now() -> i64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec * 1_000_000_000 + now.tv_nsec
}

/// How long after a commit by another process a watching console has its records.
fn noticing() {
    let (_folder, home) = made();
    let watching = Watching::open(&home).unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&seen);
    let _listening = watching.subscribe(move |news| {
        let now = now();
        let mut told = told.lock().unwrap();
        told.extend(news.records.iter().map(|record| (record.seq, now)));
    });
    let mut other = start(&home, "writer");
    let mut lines = BufReader::new(other.stdout.take().unwrap()).lines();
    let mut times = Vec::new();
    let mut committed = Vec::new();
    while let Some(Ok(line)) = lines.next() {
        let (seq, at) = line.split_once(' ').unwrap();
        committed.push((seq.parse::<u64>().unwrap(), at.parse::<i64>().unwrap()));
    }
    other.wait().unwrap();
    while seen.lock().unwrap().len() < committed.len() {
        thread::park_timeout(Duration::from_millis(10));
    }
    for ((seq, at), (seen, when)) in committed.iter().zip(seen.lock().unwrap().iter()) {
        assert_eq!(seq, seen);
        times.push(Duration::from_nanos(u64::try_from(when - at).unwrap_or(0)));
    }
    line(
        "noticing another process's commit, p50 (p99)",
        &format!(
            "{:.0} ({:.0}) µs",
            quantile(&mut times, 0.5),
            quantile(&mut times, 0.99)
        ),
        "after its writer was told",
    );
}

fn write_now_and_then(home: &Home) {
    let mut cold = Cold::open(home).unwrap();
    let mut out = std::io::stdout().lock();
    for n in 0..scaled(500) {
        let seq = records(cold.submit(&create(n)))[0].seq;
        writeln!(out, "{seq} {}", now()).unwrap();
        thread::sleep(Duration::from_millis(5));
    }
}

fn item(n: usize) -> ImportItem {
    let created = Timestamp(1_700_000_000_000_000 + n as i64 * 1_000_000);
    ImportItem {
        external: format!("bd-{n}"),
        digest: n as u64,
        item: ImportedItem {
            title: format!("Make the importer keep every label of item {n}"),
            description: Some("What has no counterpart keeps its original word.".into()),
            kind: Kind::Task,
            bucket: Bucket::Features,
            priority: Priority::DEFAULT,
            labels: vec!["importer".into()],
            assignee: None,
            estimate: None,
            created,
            links: vec![],
            closed: None,
            baseline: Default::default(),
        },
        outcome: None,
        parent: None,
        depends_on: (n % 3 == 2)
            .then(|| format!("bd-{}", n - 1))
            .into_iter()
            .collect(),
        comments: vec![],
    }
}

/// Seconds of processor time that this process has used: on a busy machine the clock on the wall measures the others.
fn processor() -> f64 {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    used.tv_sec as f64 + used.tv_nsec as f64 / 1e9
}

/// A hundred thousand items in one command, and the replay of what they left.
fn bulk() {
    let (_folder, home) = made();
    let count = scaled(100_000);
    let command = Command::Import {
        source: "beads".into(),
        items: (0..count).map(item).collect(),
    };
    let mut cold = Cold::open(&home).unwrap();
    let order = submission(command);
    let before = processor();
    let (written, time) = timed(|| records(cold.import("importing", &order).0));
    let spent = processor() - before;
    line(
        "import in one command",
        &format!("{:.0} items/s", count as f64 / time.as_secs_f64()),
        &format!(
            "{:.0} by processor time; {count} items, {} records; goal at least 40,000",
            count as f64 / spent,
            written.len()
        ),
    );
    drop((cold, order, written));
    for file in std::fs::read_dir(home.snapshots()).unwrap() {
        std::fs::remove_file(file.unwrap().path()).unwrap();
    }
    let mut ledger = SqliteLedger::open(&home).unwrap();
    let records = ledger.head().unwrap().seq;
    let before = processor();
    let (state, time) = timed(|| load(&mut ledger).unwrap());
    line(
        "replay, verified",
        &format!("{:.0} records/s", records as f64 / time.as_secs_f64()),
        &format!(
            "{:.0} by processor time; {records} records, {} open orders",
            records as f64 / (processor() - before),
            state.open_count()
        ),
    );
}

fn main() {
    if let (Ok(role), Ok(ledger)) = (env::var(ROLE), env::var(LEDGER)) {
        let home = Home::new(ledger).unwrap();
        return match role.as_str() {
            "client" => client(&home),
            _ => write_now_and_then(&home),
        };
    }
    let wanted: Vec<String> = env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with('-'))
        .collect();
    let parts: [(&str, fn()); 5] = [
        ("alone", alone),
        ("grouped", grouped),
        ("socket", over_the_socket),
        ("noticing", noticing),
        ("bulk", bulk),
    ];
    for (name, part) in parts {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            part();
        }
    }
}
