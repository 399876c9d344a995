//! One command that its caller waits for, through a runner: nothing that it forks outlives it, by whatever way it ends.

use std::{
    fs,
    io::{self, BufRead as _, BufReader, Write as _},
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio},
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    End, GLANCE, GRACE, Kept, Ran,
    host::{RUN_VARIABLE, sweep_now},
    program,
    runner::{Ended, Identity, STDOUT, Said, Spec, Stream, Told},
    segments,
};

/// How long a runner that was told to end may take beyond the grace: it kills by itself, so this is for one that cannot.
const LAST_GRACE: Duration = Duration::from_secs(5);
/// How often it is looked whether a runner has ended that nobody hears any more.
const LOOK: Duration = Duration::from_millis(20);

/// What is noted of a run, so that whoever comes after a caller that was killed can end it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::engine) struct Mark {
    /// The run's name, which every process of it has in its environment.
    run: String,
    /// The process between the caller and the command.
    runner: Option<Identity>,
}

impl Mark {
    /// Sees that nothing of the run is left. Its runner ends it by itself once its caller is gone, and is given the time
    /// to: it alone knows of those that have cleared their environment.
    pub(in crate::engine) fn end(&self) {
        let until = Instant::now() + GRACE + LAST_GRACE;
        if let Some(runner) = &self.runner {
            while runner.is_alive() && Instant::now() < until {
                thread::sleep(LOOK);
            }
            runner.kill();
        }
        sweep_now(&self.run);
    }
}

/// Runs a command to its end, or until `timeout` is over or `stop` is set. What it writes lies in `folder` meanwhile, which
/// is this run's alone. `started` is told of the run before the command is.
///
/// # Errors
///
/// It could not be started, in words; or its runner was killed, and the run with it.
pub(in crate::engine) fn run_whole(
    command: &Command,
    folder: &Path,
    timeout: Duration,
    stop: &AtomicBool,
    started: impl FnOnce(&Mark),
) -> Result<Ran, String> {
    let run = Uuid::now_v7().simple().to_string();
    let spec = spec(command, folder, &run)?;
    // What a run left that was killed is nobody's.
    let _ = fs::remove_dir_all(folder);
    let mut runner = Runner::start(&run)?;
    started(&Mark {
        run: run.clone(),
        runner: runner.identity.clone(),
    });
    let began = Instant::now();
    runner.say(&spec);
    let heard = runner.wait(began + timeout, stop);
    let took = began.elapsed();
    let ran = match heard {
        // A runner that was told to end by somebody else was stopped too: how its command took that is no verdict.
        Heard::Ended(ended, why) => Ok(Ran {
            end: match why.or(ended.told.then_some(End::Stopped)) {
                Some(why) => why,
                None => End::Exited(status(&ended)),
            },
            took,
            stdout: kept(&folder.join(STDOUT)),
            all: kept(folder),
        }),
        Heard::Failed(why) => Err(why),
        Heard::Nothing => {
            let left = sweep_now(&run);
            Err(format!("its runner was killed; {left} processes were left"))
        }
    };
    // What is left of it is small and in the ledger's own folder.
    let _ = fs::remove_dir_all(folder);
    ran
}

/// What a runner said last.
enum Heard {
    /// Nothing is left of the run, and why it was ended if it did not by itself.
    Ended(Ended, Option<End>),
    Failed(String),
    /// It was killed.
    Nothing,
}

/// A runner, and the two ends of its pipes.
struct Runner {
    child: Child,
    identity: Option<Identity>,
    input: ChildStdin,
    said: Receiver<Said>,
}

impl Runner {
    fn start(run: &str) -> Result<Runner, String> {
        let program = program().map_err(|error| format!("obeya itself is not found: {error}"))?;
        let failed =
            |error: io::Error| format!("'{} runner' cannot be started: {error}", program.display());
        let mut child = Command::new(&program)
            .arg("runner")
            .env(RUN_VARIABLE, run)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // A key that interrupts the caller must not reach what it runs before the caller does.
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("the runner has no pipes".into());
        };
        let said = listen(output).map_err(failed)?;
        let pid = i32::try_from(child.id()).ok();
        Ok(Runner {
            identity: pid.and_then(Identity::of),
            child,
            input,
            said,
        })
    }

    fn say(&mut self, message: &impl Serialize) {
        let Ok(mut line) = serde_json::to_string(message) else {
            return;
        };
        line.push('\n');
        // A runner that is gone is heard of on the other pipe.
        let _ = self.input.write_all(line.as_bytes());
        let _ = self.input.flush();
    }

    /// Listens until nothing is left of the run; tells it to end where it is to.
    fn wait(&mut self, deadline: Instant, stop: &AtomicBool) -> Heard {
        let mut ended: Option<(End, Instant)> = None;
        loop {
            match self.said.recv_timeout(GLANCE) {
                Ok(Said::Ended(how)) => return Heard::Ended(how, ended.map(|(why, _)| why)),
                Ok(Said::Failed(why) | Said::Missing(why)) => return Heard::Failed(why),
                Ok(Said::Started(_) | Said::Alive | Said::Line(_)) => {}
                Err(RecvTimeoutError::Disconnected) => return Heard::Nothing,
                Err(RecvTimeoutError::Timeout) => {}
            }
            let now = Instant::now();
            match ended {
                None => {
                    let stopped = stop.load(Ordering::Relaxed).then_some(End::Stopped);
                    let why = stopped.or((now >= deadline).then_some(End::TimedOut));
                    if let Some(why) = why {
                        self.say(&Told::Stop);
                        ended = Some((why, now + GRACE + LAST_GRACE));
                    }
                }
                Some((_, patience)) if now >= patience => return Heard::Nothing,
                Some(_) => {}
            }
        }
    }
}

impl Drop for Runner {
    /// One that has said its last ends by itself; any other is given up.
    fn drop(&mut self) {
        let until = Instant::now() + GRACE;
        while matches!(self.child.try_wait(), Ok(None)) {
            if Instant::now() >= until {
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Hears a runner on a thread of its own, which ends with the pipe.
fn listen(output: ChildStdout) -> io::Result<Receiver<Said>> {
    let (sender, said) = mpsc::channel();
    let listen = move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let Ok(heard) = serde_json::from_str(&line) else {
                continue;
            };
            if sender.send(heard).is_err() {
                return;
            }
        }
    };
    thread::Builder::new()
        .name("runner".into())
        .spawn(listen)
        .map(|_| said)
}

/// Returns a command as a runner is told it.
fn spec(command: &Command, folder: &Path, run: &str) -> Result<Spec, String> {
    let text = |what: &std::ffi::OsStr| {
        let text = what.to_str().map(str::to_owned);
        text.ok_or_else(|| format!("{} is no UTF-8", what.display()))
    };
    let argv = std::iter::once(command.get_program()).chain(command.get_args());
    let given = command
        .get_envs()
        .filter_map(|(name, value)| Some((text(name).ok()?, text(value?).ok()?)));
    let mark = (RUN_VARIABLE.to_owned(), run.to_owned());
    Ok(Spec {
        argv: argv.map(text).collect::<Result<_, _>>()?,
        cwd: command
            .get_current_dir()
            .map_or_else(|| PathBuf::from("."), Path::to_owned),
        env: given.chain([mark]).collect(),
        input: None,
        stream: Stream::Apart,
        grace_ms: u64::try_from(GRACE.as_millis()).unwrap_or(u64::MAX),
        output: folder.to_owned(),
    })
}

/// Returns how it ended as the system would say it.
fn status(ended: &Ended) -> ExitStatus {
    let raw = match (ended.code, ended.signal) {
        (Some(code), _) => (code & 0xff) << 8,
        (None, signal) => signal.unwrap_or_default() & 0x7f,
    };
    ExitStatus::from_raw(raw)
}

/// Returns the beginning and the end of what lies in a folder.
fn kept(folder: &Path) -> Kept {
    let mut kept = Kept::default();
    let pieces = segments::read(folder, 0).map_or_else(|_| vec![], |(pieces, _)| pieces);
    for piece in pieces {
        kept.skip(piece.missing);
        kept.push(&piece.bytes);
    }
    kept
}
