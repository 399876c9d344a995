//! Processes: started, bounded, and gone at the end with all that they started.
//!
//! `runner` is the process between this one and what is run, and `host` its other end where a host listens to many at
//! once; `whole` is one command that its caller waits for, through a runner too; `segments` and `output` are what is kept
//! of what they write. [`run`] is for git alone, which is asked often and leaves its group never: a runner for each of its
//! short answers would cost more than they do.

mod host;
mod output;
pub mod runner;
pub(super) mod segments;
mod whole;

use std::{
    io::{self, Read},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

pub(super) use self::{
    host::{Process, RUN_VARIABLE, sweep},
    output::Kept,
    whole::{Mark, run_whole},
};

/// How long processes that were asked to end have until they are killed.
const GRACE: Duration = Duration::from_secs(2);
/// How long the pipes may stay open once the group is gone: something may have left the group with them.
const LEFT_OPEN: Duration = Duration::from_secs(1);
/// How often it is seen whether the run is to be given up.
const GLANCE: Duration = Duration::from_millis(50);

/// What of a caller's environment every command has: enough to find programs and to speak the user's language.
const ENVIRONMENT: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
    "CARGO_HOME",
    "RUSTUP_HOME",
];

/// Gives a process what it may have of this one's environment.
pub(super) fn environment(process: &mut Command, more: &[String]) {
    let names = ENVIRONMENT
        .iter()
        .copied()
        .chain(more.iter().map(String::as_str));
    process.env_clear();
    process.envs(names.filter_map(|name| Some((name, std::env::var_os(name)?))));
}

static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// What ended a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It ended by itself.
    Exited(ExitStatus),
    /// It took too long and was ended.
    TimedOut,
    /// Whoever ran it gave up, and it was ended.
    Stopped,
}

/// What a command came to.
pub(super) struct Ran {
    pub(super) end: End,
    pub(super) took: Duration,
    /// What it wrote to standard output.
    pub(super) stdout: Kept,
    /// All that it wrote, as it came.
    pub(super) all: Kept,
}

/// Returns obeya itself, which has the runner in it.
///
/// # Errors
///
/// The system does not tell.
pub(crate) fn program() -> io::Result<PathBuf> {
    match PROGRAM.get() {
        Some(program) => Ok(program.clone()),
        None => std::env::current_exe(),
    }
}

/// Says which program is obeya itself, where this one is another that has it as a library. The first to say so is right.
pub fn set_program(program: PathBuf) {
    PROGRAM.get_or_init(|| program);
}

/// Runs a command to its end, or until `timeout` is over or `stop` is set.
///
/// # Errors
///
/// It could not be started.
pub(super) fn run(command: &mut Command, timeout: Duration, stop: &AtomicBool) -> io::Result<Ran> {
    use std::os::unix::process::CommandExt as _;
    let began = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()?;
    let group = Group::of(&child);
    let all = Arc::new(Mutex::new(Kept::default()));
    let stdout = Arc::new(Mutex::new(Kept::default()));
    let (closed, closes) = mpsc::channel();
    let streams: [(Option<Box<dyn Read + Send>>, Vec<_>); 2] = [
        (
            child.stdout.take().map(|pipe| Box::new(pipe) as _),
            vec![Arc::clone(&all), Arc::clone(&stdout)],
        ),
        (
            child.stderr.take().map(|pipe| Box::new(pipe) as _),
            vec![Arc::clone(&all)],
        ),
    ];
    let pipes = streams
        .into_iter()
        .filter_map(|(pipe, into)| Some((pipe?, into)));
    let readers = pipes
        .map(|(pipe, into)| follow(pipe, into, closed.clone()))
        .filter(Result::is_ok)
        .count();
    let end = wait(&child, &group, began + timeout, stop);
    let took = began.elapsed();
    // Nothing that it started outlives it; only now is the group's number given up.
    group.signal(Signal::KILL);
    let status = child.wait()?;
    let patience = Instant::now() + LEFT_OPEN;
    for _ in 0..readers {
        let left = patience.saturating_duration_since(Instant::now());
        if closes.recv_timeout(left).is_err() {
            break;
        }
    }
    let taken = |kept: &Mutex<Kept>| {
        std::mem::take(&mut *kept.lock().unwrap_or_else(PoisonError::into_inner))
    };
    Ok(Ran {
        end: end.unwrap_or(End::Exited(status)),
        took,
        stdout: taken(&stdout),
        all: taken(&all),
    })
}

/// Waits until the command ends; returns why it was ended if it did not by itself. It is not reaped: its number stays
/// the group's.
fn wait(child: &Child, group: &Group, deadline: Instant, stop: &AtomicBool) -> Option<End> {
    let mut ended: Option<(End, Instant)> = None;
    // The first glances come fast, so that short commands are not waited for.
    let mut pause = Duration::from_millis(1);
    loop {
        if has_ended(child) {
            return ended.map(|(why, _)| why);
        }
        let now = Instant::now();
        match ended {
            None => {
                let stopped = stop.load(Ordering::Relaxed).then_some(End::Stopped);
                let why = stopped.or((now >= deadline).then_some(End::TimedOut));
                if let Some(why) = why {
                    group.signal(Signal::TERM);
                    ended = Some((why, now + GRACE));
                }
            }
            Some((_, patience)) if now >= patience => group.signal(Signal::KILL),
            Some(_) => {}
        }
        thread::sleep(pause);
        pause = (pause * 2).min(GLANCE);
    }
}

fn has_ended(child: &Child) -> bool {
    let Some(pid) = pid_of(child.id()) else {
        return true;
    };
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    // Who cannot be waited for is gone.
    !matches!(waitid(WaitId::Pid(pid), look), Ok(None))
}

fn pid_of(number: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(number).ok()?)
}

/// A group of processes.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        Group(pid_of(child.id()))
    }

    /// Sends a signal to whoever is still there.
    fn signal(&self, signal: Signal) {
        if let Some(pid) = self.0 {
            // A group that is gone needs no signal.
            let _ = kill_process_group(pid, signal);
        }
    }
}

/// Reads a pipe to its end on a thread of its own.
fn follow(
    mut pipe: Box<dyn Read + Send>,
    into: Vec<Arc<Mutex<Kept>>>,
    closed: mpsc::Sender<()>,
) -> io::Result<()> {
    let read = move || {
        let mut buffer = vec![0; 64 << 10];
        loop {
            match pipe.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    for kept in &into {
                        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                        kept.push(buffer.get(..count).unwrap_or_default());
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        // Nobody may be waiting any more.
        let _ = closed.send(());
    };
    thread::Builder::new()
        .name("output".into())
        .spawn(read)
        .map(drop)
}
