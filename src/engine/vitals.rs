//! Whether an engine is well: how long its commits take, and when its loop last came round.
//!
//! These are of a process that runs, not of the ledger: they begin at nothing with each, and nobody decides by them.

use super::Handle;
use crate::domain::time::Timestamp;
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// The upper bounds of what commits take, in microseconds: from a disk that lies to one that is about to fail.
pub const COMMIT_BOUNDS: [i64; 14] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 5_000_000,
];

/// How long ago an engine's loop may have come round last. At rest it does so every five seconds; another process may have
/// the turn for ten, and is no reason to end this one.
const PROGRESS: Duration = Duration::from_secs(15);

/// How an engine does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vitals {
    /// Whether this process is the host.
    pub hosting: bool,
    /// How long ago the engine's loop last came round: at rest it does so every five seconds, and at work after each commit.
    pub tick_age: Duration,
    /// How long ago the earliest thing fell due that is still not recorded; nothing where this process is not the host.
    pub overdue: Duration,
    /// How many commands wait for their turn.
    pub waiting: usize,
    /// How many commits took how long.
    pub commits: Commits,
}

impl Vitals {
    /// Returns whether the engine's loop stands still: its process may be there, and nothing that is asked of it is done.
    pub fn is_stuck(&self) -> bool {
        self.tick_age > PROGRESS
    }
}

/// How long commits took: from handing the records to the ledger until they were durable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commits {
    /// How many took at most as long as each of [`COMMIT_BOUNDS`], and longer than the one before it.
    pub within: [u64; COMMIT_BOUNDS.len()],
    /// How many took longer than the last bound.
    pub beyond: u64,
    /// All of them together.
    pub sum: Duration,
}

/// What an engine's thread notes while it works, and others read.
#[derive(Debug)]
pub(super) struct Meter {
    began: Instant,
    /// When the loop last came round, in microseconds since `began`.
    tick: AtomicU64,
    within: [AtomicU64; COMMIT_BOUNDS.len()],
    beyond: AtomicU64,
    sum: AtomicU64,
}

impl Default for Meter {
    fn default() -> Self {
        Meter {
            began: Instant::now(),
            tick: AtomicU64::default(),
            within: Default::default(),
            beyond: AtomicU64::default(),
            sum: AtomicU64::default(),
        }
    }
}

impl Meter {
    /// Notes that the loop comes round.
    pub(super) fn tick(&self) {
        self.tick
            .store(micros(self.began.elapsed()), Ordering::Relaxed);
    }

    /// Notes a commit that took so long.
    pub(super) fn committed(&self, took: Duration) {
        let took = micros(took);
        let place = COMMIT_BOUNDS.partition_point(|bound| bound.unsigned_abs() < took);
        let count = self.within.get(place).unwrap_or(&self.beyond);
        count.fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(took, Ordering::Relaxed);
    }

    /// Returns how long ago the loop came round.
    pub(super) fn tick_age(&self) -> Duration {
        let tick = Duration::from_micros(self.tick.load(Ordering::Relaxed));
        self.began.elapsed().saturating_sub(tick)
    }

    /// Returns how long commits took so far.
    pub(super) fn commits(&self) -> Commits {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Commits {
            within: self.within.each_ref().map(read),
            beyond: read(&self.beyond),
            sum: Duration::from_micros(read(&self.sum)),
        }
    }
}

impl Handle {
    /// Returns how the engine does. It waits for nothing that the engine's thread may be busy with.
    pub fn vitals(&self) -> Vitals {
        let (meter, prompt, waiting) = self.gauges();
        let due = self.state().next_due;
        let overdue = match prompt {
            // What stands before all time is to be looked at, and nobody knows since when.
            true if due > Timestamp(i64::MIN) => self.now().since(due),
            _ => 0,
        };
        Vitals {
            hosting: prompt,
            tick_age: meter.tick_age(),
            overdue: Duration::from_micros(overdue.unsigned_abs()),
            waiting,
            commits: meter.commits(),
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_that_stands_still_is_found_out() {
        let after = |seconds| Vitals {
            hosting: true,
            tick_age: Duration::from_secs(seconds),
            overdue: Duration::ZERO,
            waiting: 0,
            commits: Commits::default(),
        };
        assert!(!after(10).is_stuck() && after(16).is_stuck());
    }

    #[test]
    fn a_commit_is_counted_once_at_its_bound() {
        let meter = Meter::default();
        for took in [0, 100, 101, 5_000_000, 5_000_001] {
            meter.committed(Duration::from_micros(took));
        }
        let commits = meter.commits();
        assert_eq!((commits.within[0], commits.within[1]), (2, 1));
        assert_eq!(
            (commits.within[COMMIT_BOUNDS.len() - 1], commits.beyond),
            (1, 1)
        );
        assert_eq!(commits.sum, Duration::from_micros(10_000_202));
        assert!(COMMIT_BOUNDS.is_sorted());
    }
}
