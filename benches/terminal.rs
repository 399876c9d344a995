//! The whole program in a real terminal, on 100,000 orders of which 5,000 are open: `cargo bench --bench terminal`.
//!
//! The first frame, what a key costs while nothing else happens and while another process writes 1,000 events a second,
//! and the memory at the end. The yardstick of a key is the terminal alone: `cat` in the same terminal, whose echo is
//! waited for in the same way. At the end the same first frame in a console that is attached to a server of that ledger over
//! loopback. `OBEYA_BENCH_QUICK=1` makes a short run.
#![expect(clippy::unwrap_used, reason = "a benchmark may fail")]

#[path = "support/backlog.rs"]
mod backlog;
#[expect(dead_code, reason = "the tests use the rest of it")]
#[path = "../tests/it/support/pty.rs"]
mod pty;
#[path = "support/quantile.rs"]
mod quantile;
#[path = "support/submission.rs"]
mod submission;

use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use backlog::backlog;
use obeya::{
    domain::command,
    link::{self, Home, LEDGER_FOLDER, Reply},
};
use pty::{Pty, Start};
use quantile::p50_p99;
use submission::submission;

const ORDERS: usize = 100_000;
const OPEN: usize = 5_000;
/// Events a second that another process writes.
const RATE: u64 = 1_000;
/// Callers that share the rate: each waits for its own answer, as agents do.
const CALLERS: u64 = 10;
const SIZE: (u16, u16) = (200, 60);

/// Returns the milliseconds from each of so many keys to the moment at which its own mark stands on the screen.
fn answers(pty: &mut Pty, rounds: usize) -> Vec<f64> {
    (0..rounds)
        .map(|round| {
            // Letters that make a growing line nobody else writes; after twenty the line is emptied again.
            let typed = round % 20;
            let line: String = ('a'..='t').take(typed + 1).collect();
            if typed == 0 {
                pty.keys("<ctrl-u>").hides("za");
                pty.keys("z").shows("z");
            }
            let start = Instant::now();
            pty.keys(&line[typed..]).shows(&format!("z{line}"));
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect()
}

/// Returns the memory that the program has resident, in MiB.
fn resident(pty: &Pty) -> f64 {
    let path = format!("/proc/{}/status", pty.pid.as_raw_nonzero());
    let status = fs::read_to_string(path).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: f64 = line
        .unwrap()
        .split_whitespace()
        .next()
        .unwrap()
        .parse()
        .unwrap();
    kib / 1024.0
}

/// Writes [`RATE`] comments a second until it is told to stop, and counts them.
fn write(home: &Home, stop: &AtomicBool, written: &AtomicU64, caller: u64) {
    let mut line = link::open(home).unwrap();
    let pause =
        Duration::from_secs(1) * u32::try_from(CALLERS).unwrap() / u32::try_from(RATE).unwrap();
    let mut due = Instant::now();
    let mut n = caller;
    while !stop.load(Ordering::Relaxed) {
        let comment = command::Command::CommentOrder {
            id: format!("WO-{:03}", n % OPEN as u64 + 1).parse().unwrap(),
            text: "the first half is in".into(),
        };
        n += CALLERS;
        if let Reply::Failed(failure) = line.submit(&submission(comment)) {
            panic!("{failure:?}");
        }
        written.fetch_add(1, Ordering::Relaxed);
        due += pause;
        thread::sleep(due.saturating_duration_since(Instant::now()));
    }
}

/// A server of the ledger in a folder, and where it listens.
struct Served {
    server: Child,
    address: String,
}

impl Served {
    fn start(folder: &Path) -> Served {
        let mut server = obeya(folder, &["serve", "--json", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(server.stdout.take().unwrap()).lines();
        let url = said.find_map(|line| {
            let line: serde_json::Value = serde_json::from_str(&line.unwrap()).ok()?;
            Some(line["serving"]["url"].as_str()?.to_owned())
        });
        // A server whose words nobody takes ends.
        thread::spawn(move || said.for_each(drop));
        let address = url.unwrap();
        Served { server, address }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn obeya(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_obeya"));
    command.args(arguments).current_dir(folder);
    command.env_clear().env("HOME", folder).env("USER", "bench");
    command
}

/// Returns the milliseconds from the start of a console that is attached over loopback to its first whole frame.
fn attached(folder: &Path, rounds: usize) -> Vec<f64> {
    let served = Served::start(folder);
    let create = ["token", "create", "--name", "bench", "--role", "operator"];
    let made = obeya(folder, &create).output().unwrap();
    let token = folder.join("token");
    fs::write(&token, made.stdout).unwrap();
    fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).unwrap();
    let elsewhere = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let first = (0..rounds).map(|_| {
        let start = Instant::now();
        let mut console = Start::console(elsewhere.path())
            .argument("--attach")
            .argument(&served.address)
            .argument("--token-file")
            .argument(token.to_str().unwrap())
            .size(SIZE.0, SIZE.1)
            .go();
        console
            .shows("Orders by status")
            .shows("quit")
            .shows("live");
        let time = start.elapsed().as_secs_f64() * 1e3;
        console.keys("q").end().unwrap();
        time
    });
    first.collect()
}

fn figures(what: &str, times: Vec<f64>) {
    let (p50, p99) = p50_p99(times);
    println!("{what:<52} p50 {p50:>8.2} ms   p99 {p99:>8.2} ms");
}

fn main() {
    let rounds = if env::var_os("OBEYA_BENCH_QUICK").is_some() {
        100
    } else {
        1_000
    };
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let home = Home::new(folder.path().join(LEDGER_FOLDER)).unwrap();
    link::init(&home).unwrap();
    let home = Home::new(home.path()).unwrap();
    let reply = link::open(&home)
        .unwrap()
        .submit(&submission(backlog(ORDERS, OPEN)));
    assert!(matches!(reply, Reply::Done(_)), "{reply:?}");
    println!("{ORDERS} orders, {OPEN} open, {}x{}", SIZE.0, SIZE.1);

    let mut cat = Start::program("cat", folder.path())
        .size(SIZE.0, SIZE.1)
        .go();
    figures(
        "yardstick: the terminal's own echo, over cat",
        answers(&mut cat, rounds),
    );
    drop(cat);

    let open = |path: &Path| {
        let start = Instant::now();
        let mut console = Start::console(path).size(SIZE.0, SIZE.1).go();
        console.shows("Orders by status").shows("quit");
        (start.elapsed().as_secs_f64() * 1e3, console)
    };
    let mut first = vec![];
    let mut processor = vec![];
    for _ in 0..rounds / 50 {
        let (time, mut console) = open(folder.path());
        first.push(time);
        processor.push(console.ticks() as f64 * 10.0);
        console.keys("q").end().unwrap();
    }
    figures("start to the first whole frame", first);
    figures("processor time to it, in ticks of 10 ms", processor);

    let (_, mut console) = open(folder.path());
    console.keys("2/");
    figures(
        "key to its letter on the board, nothing else happens",
        answers(&mut console, rounds),
    );
    let (stop, written) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        for caller in 0..CALLERS {
            let (home, stop, written) = (&home, &stop, &written);
            scope.spawn(move || write(home, stop, written, caller));
        }
        // The rate counts once every caller is at it.
        while written.load(Ordering::Relaxed) < 10 * CALLERS {
            thread::sleep(Duration::from_millis(10));
        }
        let (start, before) = (Instant::now(), written.load(Ordering::Relaxed));
        let times = answers(&mut console, rounds);
        let events = written.load(Ordering::Relaxed) - before;
        let rate = events as f64 / start.elapsed().as_secs_f64();
        stop.store(true, Ordering::Relaxed);
        figures(&format!("the same under {rate:.0} events a second"), times);
    });
    println!("resident memory at the end: {:.1} MiB", resident(&console));
    console.keys("<esc>q").end().unwrap();
    figures(
        "start to the first whole frame, attached over loopback",
        attached(folder.path(), rounds / 50),
    );
}
