//! The demo: a line of orders, people and agents that move, on a ledger of its own.
//!
//! [`build`] makes the demo's ledger as it stands after ten days of work, under a held clock: the same seed and the same
//! end give the same records, but for the ids that the engine gives to its own acts, and so for the hashes. [`fixed`] is
//! the one that tests and pictures use; a [`Simulator`] plays on any [`Operator`](crate::link::Operator), so it plays on a
//! ledger in memory too: [`ACTS`] acts, [`STEP`] apart, to end at [`END`]. [`Demo`] is such a ledger that ends now.
//! From there on only people are played, by a thread that goes on until the demo is dropped: its agents are processes that
//! whoever hosts the ledger runs through gates, as its `workshop` says.
//!
//! Absent on purpose: a way onto any ledger that was there before.

mod random;
mod script;
mod shift;
mod simulator;
mod workshop;

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use uuid::Uuid;

pub use self::simulator::Simulator;
use crate::{
    domain::time::{DAY, Timestamp},
    link::{self, Cold, Fault, HeldClock, Home, LEDGER_FOLDER},
};

/// The seed where nobody names one.
pub const SEED: u64 = 7;
/// When the history of [`fixed`] ends: 2026-02-12, 16:00 UTC.
pub const END: Timestamp = Timestamp(1_770_912_000_000_000);

/// How long the demo's history is.
const HISTORY: i64 = 10 * DAY;
/// How many acts it has: enough for a velocity and for every report to have something to say, and so close together that
/// hardly a lease lapses.
pub const ACTS: i64 = 720;
/// How much time lies between two of them: 20 minutes.
pub const STEP: i64 = HISTORY / ACTS;
/// How long somebody waits between two acts at speed 1: a newcomer sees a card move about once a second.
const PAUSE: Duration = Duration::from_millis(600);
/// How long an agent takes for one of its steps at speed 1, of which an order has six or seven.
const AGENT_PAUSE: Duration = Duration::from_millis(2_000);
/// The highest speed: beyond it nobody sees anything.
pub const MAX_SPEED: u32 = 100;

/// Makes the demo's ledger in a folder that has none, with a history that ends at `end`, and returns those who made it,
/// so that they can go on. `uid` is the user that records name.
///
/// # Errors
///
/// There is a ledger already, or the folder cannot be written.
pub fn build(home: &Home, seed: u64, end: Timestamp, uid: u32) -> Result<Simulator, Fault> {
    let clock = HeldClock::at(end.plus(-ACTS * STEP));
    let name = Uuid::from_u128(u128::from(seed));
    link::init_at(home, name, Arc::new(clock.clone()))?;
    let mut line = Cold::open_at(home, Arc::new(clock.clone()))?;
    let mut simulator = Simulator::new(seed, uid);
    for _ in 0..ACTS {
        clock.advance(STEP);
        simulator
            .act(&mut line)
            .map_err(|failure| failure.fault().clone())?;
    }
    Ok(simulator)
}

/// Makes the documented demo ledger: seed [`SEED`], ended at [`END`], by the user 0.
///
/// # Errors
///
/// As of [`build`].
pub fn fixed(home: &Home) -> Result<Simulator, Fault> {
    build(home, SEED, END, 0)
}

/// A demo that goes on until it is dropped. Its ledger is removed then, unless it was to be kept.
#[derive(Debug)]
pub struct Demo {
    home: Home,
    /// What is removed at the end.
    scratch: Option<PathBuf>,
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Demo {
    /// Makes a ledger in `out`, where it is kept, or in a temporary folder that only this user can enter.
    ///
    /// # Errors
    ///
    /// There is a ledger already, or the folder cannot be written.
    pub fn prepare(out: Option<&Path>, seed: u64, speed: u32) -> Result<(Demo, Simulator), Fault> {
        let (folder, scratch) = match out {
            Some(out) => (out.to_owned(), None),
            None => {
                let scratch = scratch()?;
                (scratch.join("demo"), Some(scratch))
            }
        };
        let home = Home::new(folder.join(LEDGER_FOLDER))?;
        let demo = Demo {
            home,
            scratch,
            stop: None,
            thread: None,
        };
        // From here on a failure removes what was made.
        let mut simulator = build(&demo.home, seed, link::now(), link::uid())?;
        let mut line = link::open(&demo.home)?;
        simulator
            .hand_over(line.as_mut())
            .map_err(|failure| failure.fault().clone())?;
        let pause = AGENT_PAUSE / speed.clamp(1, MAX_SPEED);
        std::env::current_exe()
            .and_then(|program| workshop::write(demo.home.project(), &program, pause))
            .map_err(|error| Fault::io(demo.home.project(), "making the workshop", &error))?;
        if let Err(fault) = link::trust(&demo.home) {
            tracing::warn!(%fault, "the demo's agents run only under `obeya host`");
        }
        Ok((demo, simulator))
    }

    /// Lets people go on, `speed` times as fast as they look. Agents go on where somebody hosts the ledger.
    ///
    /// # Errors
    ///
    /// The system has no thread left.
    pub fn go(&mut self, mut simulator: Simulator, speed: u32) -> Result<(), Fault> {
        let pause = PAUSE / speed.clamp(1, MAX_SPEED);
        let home = self.home.clone();
        let (stop, stopped) = mpsc::channel();
        let thread = thread::Builder::new().name("demo".into()).spawn(move || {
            // Whoever holds the other end drops it at the end of the demo.
            while stopped.recv_timeout(pause) == Err(mpsc::RecvTimeoutError::Timeout) {
                let acted = link::open(&home).map(|mut line| simulator.act(line.as_mut()));
                match acted {
                    Ok(Ok(())) => {}
                    Ok(Err(failure)) => {
                        tracing::warn!(fault = %failure.fault(), "the demo missed an act")
                    }
                    Err(fault) => tracing::warn!(%fault, "the demo found no engine"),
                }
            }
        });
        let thread =
            thread.map_err(|error| Fault::io(self.home.path(), "starting the demo", &error));
        (self.thread, self.stop) = (Some(thread?), Some(stop));
        Ok(())
    }

    /// Returns the ledger's folder.
    pub fn ledger(&self) -> &Path {
        self.home.path()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has nothing more to write, which is all that is asked here.
            let _ = thread.join();
        }
        let Some(scratch) = &self.scratch else { return };
        link::distrust(&self.home);
        if let Err(error) = fs::remove_dir_all(scratch) {
            tracing::warn!(folder = %scratch.display(), %error, "the demo's ledger was not removed");
        }
    }
}

/// Makes a folder that was not there before.
fn scratch() -> Result<PathBuf, Fault> {
    let folder = std::env::temp_dir().join(format!("obeya-demo-{}", Uuid::now_v7().simple()));
    let made: io::Result<()> = fs::DirBuilder::new().mode(0o700).create(&folder);
    made.map_err(|error| {
        Fault::io(&folder, "creating", &error).mend("Set TMPDIR to a folder that can be written.")
    })?;
    Ok(folder)
}
