//! What the system tells the program.

use std::{io, time::Duration};

use rustix::process::Signal as Number;
use tokio::{
    signal::unix::{self, SignalKind, signal},
    time::{Interval, MissedTickBehavior, interval},
};

/// How often it is checked that the terminal is still there. A hang-up usually comes as a signal;
/// where it does not (nohup, some containers) a dead terminal would otherwise burn a core.
const WATCH: Duration = Duration::from_secs(5);

/// What the system tells the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Suspend to the shell (SIGTSTP).
    Suspend,
    /// The program runs again (SIGCONT).
    Continue,
    /// End the program: the reason, in words.
    Quit(&'static str),
}

/// Listens to signals and watches the terminal.
#[derive(Debug)]
pub(super) struct Signals {
    suspend: unix::Signal,
    resume: unix::Signal,
    hang_up: unix::Signal,
    terminate: unix::Signal,
    interrupt: unix::Signal,
    quit: unix::Signal,
    watch: Interval,
}

impl Signals {
    /// Begins to listen; must run within a tokio runtime.
    pub(super) fn new() -> io::Result<Self> {
        let numbered = |number: Number| signal(SignalKind::from_raw(number.as_raw()));
        let mut watch = interval(WATCH);
        watch.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Signals {
            suspend: numbered(Number::TSTP)?,
            resume: numbered(Number::CONT)?,
            hang_up: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            watch,
        })
    }

    /// Waits for the next signal. Nothing is lost if the wait is given up.
    pub(super) async fn next(&mut self) -> Signal {
        loop {
            tokio::select! {
                biased;
                _ = self.hang_up.recv() => return Signal::Quit("the terminal hung up"),
                _ = self.terminate.recv() => return Signal::Quit("told to terminate"),
                _ = self.interrupt.recv() => return Signal::Quit("interrupted"),
                _ = self.quit.recv() => return Signal::Quit("told to quit"),
                _ = self.suspend.recv() => return Signal::Suspend,
                _ = self.resume.recv() => return Signal::Continue,
                _ = self.watch.tick() => {
                    if !rustix::termios::isatty(rustix::stdio::stdout()) {
                        return Signal::Quit("the terminal is gone");
                    }
                }
            }
        }
    }
}
