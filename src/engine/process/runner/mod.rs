//! The process between a host and an agent, or a caller and a gate: `obeya runner`, which nobody types.
//!
//! It outlives its host by as long as it takes to end what it runs, and nothing of what it runs outlives it: it adopts
//! whatever the agent forks (as the child subreaper of Linux), and when the agent is over, or the host says so, or the
//! host's pipe ends because the host was killed, it ends the whole tree: TERM, a grace, KILL. Output goes into
//! `Segments` from here, so that a flood reaches neither the host nor the disk.

mod capture;
mod messages;
mod tree;

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::{
    io::Errno,
    process::{WaitOptions, getpid, wait},
};
use tokio::signal::unix::{SignalKind, signal};

use self::capture::{Capture, Speech};
pub use self::{
    messages::{Ended, Said, Spec, Stream, Told},
    tree::{Identity, marked},
};
use super::segments::Segments;

/// How long what an agent left behind may take to end after it: it has no business any more.
const STRAY_GRACE: Duration = Duration::from_millis(500);
/// How often a tree that is to be gone is killed again: something may fork meanwhile.
const AGAIN: Duration = Duration::from_millis(50);
/// How long output is waited for once nothing is left that could write it.
const DRAIN: Duration = Duration::from_secs(2);
/// The longest line that the host sends: an order with the longest description there may be.
const TOLD_LIMIT: u64 = 8 << 20;
/// How much may wait for an agent that does not read, in bytes: every message that it may have in hand as often as it is
/// given out, and the longest order.
const UNREAD_LIMIT: usize = 16 << 20;

/// The folder, in that of the output, of what is kept apart.
pub(super) const STDOUT: &str = "stdout";

/// What the runner waits for.
enum News {
    Stop,
    HostGone,
    /// A process beneath this one is over.
    Gone(i32, Ended),
    /// None is left.
    AllGone,
}

/// Runs one agent as the host says on standard input, and returns the exit code.
pub fn run() -> u8 {
    let mut speech = Speech::new();
    let mut host = BufReader::new(io::stdin());
    let spec = match receive::<Spec>(&mut host) {
        Some(spec) => spec,
        None => return 2,
    };
    match begin(spec, host, &speech) {
        Ok(ended) => speech.say(&Said::Ended(ended)),
        Err(said) => speech.say(&said),
    }
    0
}

fn receive<T: serde::de::DeserializeOwned>(from: &mut impl io::BufRead) -> Option<T> {
    let mut line = String::new();
    from.take(TOLD_LIMIT).read_line(&mut line).ok()?;
    serde_json::from_str(&line).ok()
}

fn begin(spec: Spec, host: BufReader<io::Stdin>, speech: &Speech) -> Result<Ended, Said> {
    tree::adopt();
    let keep = |folder: PathBuf| {
        let failed = |error| {
            let folder = folder.display();
            Said::Failed(format!("its output cannot be kept in {folder}: {error}"))
        };
        Segments::create(&folder).map_err(failed)
    };
    let segments = keep(spec.output.clone())?;
    let apart = match spec.stream {
        Stream::Apart => Some(keep(spec.output.join(STDOUT))?),
        Stream::Text | Stream::Lines => None,
    };
    let (sender, news) = mpsc::channel();
    listen_to_signals(sender.clone());
    let mut child = spawn(&spec)?;
    let pid = i32::try_from(child.id()).unwrap_or(0);
    let capture = Capture::new(speech.clone(), segments, spec.stream);
    let readers = [
        child
            .stdout
            .take()
            .map(|out| capture.clone().read(out, apart.is_none(), apart)),
        child
            .stderr
            .take()
            .map(|out| capture.clone().read(out, false, None)),
    ];
    speech
        .clone()
        .say(&Said::Started(Identity::of(pid).unwrap_or(Identity {
            pid,
            start: String::new(),
        })));
    listen_to_host(host, &mut child, spec.input, spec.stream, sender.clone());
    // Whatever is adopted later is waited for here too; the agent is there already, so that "none left" is the end.
    thread::spawn(move || reap(&sender));
    let mut ended = watch(&news, pid, Duration::from_millis(spec.grace_ms));
    let deadline = Instant::now() + DRAIN;
    for reader in readers.into_iter().flatten() {
        while !reader.is_finished() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
        }
    }
    let (bytes, last) = capture.over();
    (ended.output, ended.last) = (bytes, last);
    Ok(ended)
}

fn spawn(spec: &Spec) -> Result<Child, Said> {
    let none = || Said::Missing("there is no command".into());
    let (program, arguments) = spec.argv.split_first().ok_or_else(none)?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(&spec.cwd)
        .env_clear()
        .envs(spec.env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A group of its own, which a signal reaches whole.
        .process_group(0);
    command.spawn().map_err(|error| {
        let cwd = spec.cwd.display();
        match error.kind() {
            io::ErrorKind::NotFound if !spec.cwd.is_dir() => Said::Missing(format!(
                "its folder {cwd} is not there: make it, or change cwd in obeya.toml"
            )),
            io::ErrorKind::NotFound => Said::Missing(missing(program)),
            io::ErrorKind::PermissionDenied => {
                Said::Missing(format!("'{program}' may not be run in {cwd}: {error}"))
            }
            _ => Said::Failed(format!("'{program}' cannot be started in {cwd}: {error}")),
        }
    })
}

/// Returns that a program is not there, and how to mend that.
pub fn missing(program: &str) -> String {
    format!(
        "'{program}' is not installed, or not on the PATH: install it, or write its whole path in the command of obeya.toml"
    )
}

/// Hands on what the host says. The first input of an agent that takes one order is its whole input.
fn listen_to_host(
    mut host: BufReader<io::Stdin>,
    child: &mut Child,
    first: Option<String>,
    stream: Stream,
    news: Sender<News>,
) {
    let (input, lines) = mpsc::channel::<String>();
    let unread = Arc::new(AtomicUsize::new(first.as_ref().map_or(0, String::len)));
    let read = Arc::clone(&unread);
    if let Some(first) = first {
        let _ = input.send(first);
    }
    let mut input = (stream == Stream::Lines).then_some(input);
    if let Some(mut stdin) = child.stdin.take() {
        // An agent that does not read holds up this thread and nothing else.
        thread::spawn(move || {
            for line in lines {
                let length = line.len();
                if stdin
                    .write_all(line.as_bytes())
                    .and_then(|()| stdin.flush())
                    .is_err()
                {
                    return;
                }
                read.fetch_sub(length, Ordering::Relaxed);
            }
        });
    }
    thread::spawn(move || {
        while let Some(told) = receive::<Told>(&mut host) {
            match told {
                // Nobody reads its input any more, or nobody ever did.
                Told::Input(line) if deaf(&unread, line.len()) => drop(news.send(News::Stop)),
                Told::Input(line) => {
                    let sent = input.as_ref().map(|input| input.send(line));
                    if sent.is_some_and(|sent| sent.is_err()) {
                        input = None;
                    }
                }
                Told::Stop => drop(news.send(News::Stop)),
            }
        }
        let _ = news.send(News::HostGone);
    });
}

/// Counts what an agent has yet to read, and returns whether that is more than it may be.
fn deaf(unread: &AtomicUsize, more: usize) -> bool {
    unread
        .fetch_add(more, Ordering::Relaxed)
        .saturating_add(more)
        > UNREAD_LIMIT
}

/// A runner that is told to end by the system ends what it runs first.
fn listen_to_signals(news: Sender<News>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let Ok(runtime) = runtime else { return };
    let signals = {
        let _inside = runtime.enter();
        [
            SignalKind::interrupt(),
            SignalKind::terminate(),
            SignalKind::hangup(),
        ]
        .map(signal)
    };
    let [Ok(mut interrupt), Ok(mut terminate), Ok(mut hang_up)] = signals else {
        return;
    };
    thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hang_up.recv() => {}
            }
        });
        let _ = news.send(News::Stop);
    });
}

fn reap(news: &Sender<News>) {
    loop {
        let sent = match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) => {
                let status = std::process::ExitStatus::from_raw(status.as_raw());
                let ended = Ended {
                    code: status.code(),
                    signal: status.signal(),
                    ..Ended::default()
                };
                news.send(News::Gone(pid.as_raw_nonzero().get(), ended))
            }
            Err(Errno::INTR) | Ok(None) => continue,
            Err(_) => return drop(news.send(News::AllGone)),
        };
        if sent.is_err() {
            return;
        }
    }
}

/// How far the end of the tree has come.
#[derive(Clone, Copy)]
enum End {
    /// Nobody has asked for it.
    NotYet,
    /// It was asked to end; it is killed then.
    Asked(Instant),
    /// It is being killed.
    Killing,
}

/// Waits until nothing of the tree is left, and returns how the agent itself ended.
fn watch(news: &Receiver<News>, pid: i32, grace: Duration) -> Ended {
    let own = getpid().as_raw_nonzero().get();
    let mut ended = None;
    let mut told = false;
    let mut strays = 0;
    let mut end = End::NotYet;
    let ask = |end: &mut End, grace: Duration| {
        if matches!(end, End::NotYet) {
            tree::signal(own, pid, false);
            *end = End::Asked(Instant::now() + grace);
        }
    };
    loop {
        let patience = match end {
            End::NotYet => Duration::from_secs(3_600),
            End::Asked(until) => until.saturating_duration_since(Instant::now()),
            End::Killing => AGAIN,
        };
        match news.recv_timeout(patience) {
            Ok(News::Stop | News::HostGone) => {
                told = true;
                ask(&mut end, grace);
            }
            Ok(News::Gone(gone, how)) if gone == pid => {
                ended = Some(how);
                strays = tree::descendants(own).len();
                match end {
                    End::NotYet => ask(&mut end, STRAY_GRACE),
                    // What is left when the agent has ended needs no longer grace than its own.
                    End::Asked(until) => end = End::Asked(until.min(Instant::now() + STRAY_GRACE)),
                    End::Killing => {}
                }
            }
            Ok(News::Gone(..)) => {}
            Ok(News::AllGone) | Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => match end {
                End::NotYet => {}
                End::Asked(_) | End::Killing => {
                    end = End::Killing;
                    tree::signal(own, pid, true);
                }
            },
        }
    }
    Ended {
        told,
        killed: matches!(end, End::Killing),
        strays,
        ..ended.unwrap_or_default()
    }
}
