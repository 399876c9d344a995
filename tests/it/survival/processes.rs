//! Other processes: this test binary again. The test `worker` does what a variable says, and nothing without it.

use std::{
    env,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdout, Command as Process, Stdio},
    thread,
    time::{Duration, Instant},
};

use obeya::{
    domain::{
        agent::PullFilter,
        command::{Command, NewOrder, Submission},
        order::Actor,
    },
    ledger::{Ledger as _, SqliteLedger},
    link::{self, Home, Outcome, Reply, Session},
    testing::submission,
};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

pub(super) const ROLE: &str = "OBEYA_TEST_ROLE";
pub(super) const LEDGER: &str = "OBEYA_TEST_LEDGER";
/// Orders that are raced for, and processes that race.
pub(super) const ORDERS: u64 = 200;
pub(super) const RACERS: usize = 8;
/// Fewer than the racers, so that the limit is hit all the time.
pub(super) const LIMIT: u32 = 5;
pub(super) const KILLS: usize = 200;

pub(super) fn create(title: &str) -> Submission {
    let order = NewOrder::task(title);
    submission(Actor::person("ada"), Command::CreateOrder { order })
}

#[track_caller]
pub(super) fn done(reply: Reply) -> Outcome {
    match reply {
        Reply::Done(outcome) => outcome,
        other => panic!("{other:?}"),
    }
}

pub(super) fn made(folder: &Path) -> Home {
    let home = Home::new(folder.join("ledger")).unwrap();
    link::init(&home).unwrap();
    Home::new(home.path()).unwrap()
}

// The other processes.

#[test]
fn worker() {
    let (Ok(role), Ok(ledger)) = (env::var(ROLE), env::var(LEDGER)) else {
        return;
    };
    let home = Home::new(ledger).unwrap();
    match role.as_str() {
        "race" => race(&home),
        "write" => write(&home),
        "host" => host(&home),
        "hold" => {
            let mut ledger = SqliteLedger::open(&home).unwrap();
            ledger.begin(Duration::from_secs(10)).unwrap();
            say("HELD");
            thread::park();
        }
        other => panic!("{other}"),
    }
}

pub(super) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("\n{line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

/// Pulls and completes until every order is done; each call opens the ledger anew, as a command line does.
pub(super) fn race(home: &Home) {
    let name = format!("racer-{}", std::process::id());
    loop {
        let pull = Command::PullNext {
            filter: PullFilter::default(),
            lease_seconds: None,
        };
        let start = Instant::now();
        let reply = link::open(home)
            .unwrap()
            .submit(&submission(Actor::agent(&name), pull));
        let waited = start.elapsed().as_micros();
        let Reply::Done(pulled) = reply else {
            assert!(matches!(reply, Reply::Refused(_)), "{reply:?}");
            say(&format!("WAITED {waited}"));
            if link::stats(home).unwrap().completed == ORDERS {
                return;
            }
            continue;
        };
        let id = pulled.records[0].subject.parse().unwrap();
        let mut finish = submission(
            Actor::agent(&name),
            Command::CompleteOrder {
                id,
                sku: None,
                note: None,
            },
        );
        finish.epoch = Some(1);
        say(&format!("WON {id} {waited}"));
        done(link::open(home).unwrap().submit(&finish));
    }
}

/// Creates orders until it is killed, and says so of each that was acknowledged.
pub(super) fn write(home: &Home) {
    let limit = env::var("OBEYA_TEST_COUNT").map_or(usize::MAX, |n| n.parse().unwrap());
    for n in 0..limit {
        let order = create(&format!("order {n} of {}", std::process::id()));
        let outcome = done(link::open(home).unwrap().submit(&order));
        say(&format!("ACK {} {}", order.id, outcome.records[0].seq));
    }
}

/// Hosts whenever nobody else does, until it is killed.
pub(super) fn host(home: &Home) {
    let session = Session::open(home).unwrap();
    say("OPEN");
    loop {
        session.stand().unwrap();
        thread::park_timeout(Duration::from_millis(20));
    }
}

/// Another process, ended at the latest when the test is.
pub(super) struct Other {
    pub(super) child: Child,
    pub(super) lines: BufReader<ChildStdout>,
}

impl Other {
    pub(super) fn start(home: &Home, role: &str) -> Other {
        Other::from(Process::new(env::current_exe().unwrap()), home, role)
    }

    pub(super) fn from(mut process: Process, home: &Home, role: &str) -> Other {
        let mut child = process
            .args([
                "--exact",
                "survival::processes::worker",
                "--nocapture",
                "--test-threads=1",
            ])
            .env(ROLE, role)
            .env(LEDGER, home.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Other { child, lines }
    }

    /// Returns the words of the next line that begins with `first`; none at the end.
    pub(super) fn heard(&mut self, first: &str) -> Option<Vec<String>> {
        let mut line = String::new();
        loop {
            line.clear();
            if self.lines.read_line(&mut line).ok()? == 0 {
                return None;
            }
            // A line that was cut off by a kill says nothing.
            let whole = line.strip_suffix('\n').unwrap_or_default();
            let words: Vec<_> = whole.split(' ').map(str::to_owned).collect();
            if words[0] == first {
                return Some(words);
            }
        }
    }

    pub(super) fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).unwrap();
        if signal == Signal::STOP {
            // A signal is sent before it is heeded: until every thread stands still, one that idles may yet take a turn.
            waitid(WaitId::Pid(pid), WaitIdOptions::STOPPED).unwrap();
        }
    }

    pub(super) fn kill(mut self, first: &str) -> Vec<Vec<String>> {
        self.signal(Signal::KILL);
        let rest = std::iter::from_fn(|| self.heard(first)).collect();
        self.child.wait().unwrap();
        rest
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

// The tests.
