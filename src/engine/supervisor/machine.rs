//! When an agent may run: restarts as OTP has them, as a pure machine.
//!
//! [`Machine`] is one agent with its slots, each of which runs one process at a time. Events go in with their time, and
//! what is to be done comes out; there is no clock, no process and no chance but a seed in here.
//!
//! * A run that crashed is followed by a pause that doubles with each crash in a row, with jitter.
//! * More than [`INTENSITY`] crashes within [`PERIOD`] park the agent: it stays down until somebody spawns it, and one
//!   alert says so. A success in between ends the row, but the crashes before it still count: what works now and then
//!   and crashes all the same must not go on for ever.
//! * An agent whose program is not there is parked at once: no pause installs it.
//! * An agent that its provider throttles has not crashed.

use std::collections::VecDeque;

use crate::{
    config::line::{Mode, Restart},
    domain::time::{SECOND, Timestamp},
};

/// How many crashes within [`PERIOD`] an agent may have; OTP's own tree would be asked for the same.
pub(super) const INTENSITY: usize = 10;
/// The window in which crashes are counted: a minute, in microseconds.
pub(super) const PERIOD: i64 = 60 * SECOND;
/// The pause after the first crash, in microseconds. Ten doublings of it fit into [`PERIOD`], so that an agent that
/// never comes up is parked within a minute and a half.
pub(super) const FIRST_PAUSE: i64 = SECOND / 20;
/// The longest pause between two starts, in microseconds.
pub(super) const LONGEST_PAUSE: i64 = 30 * SECOND;

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It did what it was for.
    Well,
    /// It said itself that the work failed: a pause follows, and nothing is counted against the agent.
    Failed,
    /// It crashed, hung, or lied.
    Crashed(String),
    /// What it runs is not there, and another try changes nothing.
    Missing(String),
    /// Its provider takes no more until then.
    Throttled {
        /// Who throttles.
        source: String,
        /// Until when.
        until: Timestamp,
    },
    /// It was told to end.
    Stopped,
}

/// What happens to an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A run began in a slot.
    Began(usize),
    /// A run shows that it does what it is for.
    Healthy(usize),
    /// The run of a slot is over.
    Ended(usize, Ending),
    /// A run goes on, and its provider takes no more until then.
    Throttled {
        /// Who throttles.
        source: String,
        /// Until when.
        until: Timestamp,
    },
    /// It is to pull nothing; what runs goes on.
    Pause,
    /// It is to pull again.
    Resume,
    /// It is to run, though it was stopped or parked.
    Spawn,
    /// It is to end.
    Stop,
    /// It is to run this many times at once.
    Scale(usize),
}

/// What is to be done now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// End the run of this slot.
    End(usize),
    /// The agent was given up: raise one alert with this reason.
    Park(String),
}

/// Why an agent as a whole runs nothing new.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Standing {
    /// It may run.
    #[default]
    Up,
    /// Somebody stopped it.
    Stopped,
    /// It crashed too often, or must not be started again.
    Parked(String),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Slot {
    /// It may run.
    #[default]
    Free,
    /// It waits after a crash.
    Pausing(Timestamp),
    /// A run goes on.
    Running {
        /// It was told to end.
        ending: bool,
    },
    /// Its run ended well and is not to be repeated.
    Done,
}

/// One agent.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    restart: Restart,
    mode: Mode,
    standing: Standing,
    paused: bool,
    throttled: Option<(String, Timestamp)>,
    wanted: usize,
    slots: Vec<Slot>,
    crashes: VecDeque<Timestamp>,
    row: u32,
    seed: u64,
}

impl Machine {
    /// Returns an agent that may run in `count` slots. The seed tells agents that crash together apart.
    pub(super) fn new(mode: Mode, restart: Restart, count: usize, seed: u64) -> Self {
        Machine {
            restart,
            mode,
            standing: Standing::Up,
            paused: false,
            throttled: None,
            wanted: count,
            slots: vec![Slot::Free; count],
            crashes: VecDeque::new(),
            row: 0,
            seed,
        }
    }

    /// Takes over another way of running.
    pub(super) fn set(&mut self, mode: Mode, restart: Restart) {
        (self.mode, self.restart) = (mode, restart);
    }

    /// Returns why the agent as a whole runs nothing new, if it does not.
    pub(super) fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Returns whether it was paused.
    pub(super) fn is_paused(&self) -> bool {
        self.paused
    }

    /// Returns who throttles it and until when, if somebody does.
    pub(super) fn throttled(&self, now: Timestamp) -> Option<(&str, Timestamp)> {
        let (source, until) = self.throttled.as_ref()?;
        (*until > now).then_some((source, *until))
    }

    /// Returns in how many slots it is to run.
    pub(super) fn wanted(&self) -> usize {
        self.wanted
    }

    /// Returns how many runs go on.
    #[cfg(test)]
    pub(super) fn running(&self) -> usize {
        let running = |slot: &&Slot| matches!(slot, Slot::Running { .. });
        self.slots.iter().filter(running).count()
    }

    /// Returns whether every slot has ended well for good.
    pub(super) fn is_done(&self) -> bool {
        !self.slots.is_empty() && self.slots.iter().all(|slot| *slot == Slot::Done)
    }

    /// Returns how many crashes count at this time.
    pub(super) fn crashes(&self, now: Timestamp) -> usize {
        self.crashes.iter().filter(|at| counts(**at, now)).count()
    }

    /// Returns the first slot in which a run may begin now.
    pub(super) fn open(&self, now: Timestamp) -> Option<usize> {
        if self.standing != Standing::Up || self.paused || self.throttled(now).is_some() {
            return None;
        }
        let free = |slot: &Slot| match slot {
            Slot::Free => true,
            Slot::Pausing(until) => !is_ahead(*until, now),
            Slot::Running { .. } | Slot::Done => false,
        };
        self.slots.iter().take(self.wanted).position(free)
    }

    /// Returns when time alone may open a slot, if it will.
    pub(super) fn wakes(&self, now: Timestamp) -> Option<Timestamp> {
        if self.standing != Standing::Up || self.paused {
            return None;
        }
        let throttled = self.throttled(now).map(|(_, until)| until);
        let pauses = self.slots.iter().take(self.wanted);
        let first = pauses.filter_map(|slot| match slot {
            Slot::Pausing(until) if is_ahead(*until, now) => Some(*until),
            _ => None,
        });
        throttled.or_else(|| first.min())
    }

    /// Takes an event in, and returns what is to be done.
    pub(super) fn step(&mut self, now: Timestamp, event: Event) -> Vec<Action> {
        match event {
            Event::Began(slot) => {
                if let Some(slot) = self.slots.get_mut(slot) {
                    *slot = Slot::Running { ending: false };
                }
            }
            Event::Healthy(_) => self.row = 0,
            Event::Ended(slot, ending) => return self.ended(now, slot, ending),
            Event::Throttled { source, until } => self.throttled = Some((source, until)),
            Event::Pause => self.paused = true,
            Event::Resume => self.paused = false,
            Event::Spawn => self.spawn(),
            Event::Stop => {
                self.standing = Standing::Stopped;
                return self.end_from(0);
            }
            Event::Scale(count) => {
                self.wanted = count;
                if self.slots.len() < count {
                    self.slots.resize(count, Slot::Free);
                }
                let ends = self.end_from(count);
                self.trim();
                return ends;
            }
        }
        vec![]
    }

    /// What was held against it is forgotten: somebody has looked.
    fn spawn(&mut self) {
        self.standing = Standing::Up;
        self.throttled = None;
        self.crashes.clear();
        self.row = 0;
        for slot in &mut self.slots {
            if !matches!(slot, Slot::Running { .. }) {
                *slot = Slot::Free;
            }
        }
    }

    fn end_from(&mut self, first: usize) -> Vec<Action> {
        let mut ends = vec![];
        for (at, slot) in self.slots.iter_mut().enumerate().skip(first) {
            if let Slot::Running { ending } = slot
                && !std::mem::replace(ending, true)
            {
                ends.push(Action::End(at));
            }
        }
        ends
    }

    /// Forgets slots that are no longer wanted, once nothing runs in them.
    fn trim(&mut self) {
        while self.slots.len() > self.wanted
            && !matches!(self.slots.last(), Some(Slot::Running { .. }) | None)
        {
            self.slots.pop();
        }
    }

    fn ended(&mut self, now: Timestamp, slot: usize, ending: Ending) -> Vec<Action> {
        let Some(Slot::Running { ending: told }) = self.slots.get(slot).cloned() else {
            return vec![];
        };
        let (next, actions) = match ending {
            // What ends otherwise than it should after it was told to has not crashed by itself.
            _ if told => (Slot::Free, vec![]),
            Ending::Stopped => (Slot::Free, vec![]),
            Ending::Well => {
                self.row = 0;
                // A process for one order has done its part; one that was to stay has left.
                let next = match (self.mode, self.restart) {
                    (Mode::Stdio, Restart::Transient | Restart::Temporary) => Slot::Done,
                    _ => Slot::Free,
                };
                (next, vec![])
            }
            Ending::Throttled { source, until } => {
                self.throttled = Some((source, until));
                (Slot::Free, vec![])
            }
            Ending::Failed => (Slot::Pausing(self.pause(now)), vec![]),
            Ending::Missing(why) => (Slot::Free, self.park(why)),
            Ending::Crashed(why) => {
                self.crashes.retain(|at| counts(*at, now));
                self.crashes.push_back(now);
                let next = Slot::Pausing(self.pause(now));
                (next, self.give_up(why))
            }
        };
        if let Some(slot) = self.slots.get_mut(slot) {
            *slot = next;
        }
        self.trim();
        actions
    }

    /// Parks the agent if it may not be started again. Other runs of it go on: they have not failed.
    fn give_up(&mut self, why: String) -> Vec<Action> {
        let reason = match self.restart {
            Restart::Temporary => format!("it is temporary and crashed: {why}"),
            _ if self.crashes.len() > INTENSITY => {
                let seconds = PERIOD / SECOND;
                let times = self.crashes.len();
                format!("it crashed {times} times within {seconds} s, last: {why}")
            }
            _ => return vec![],
        };
        self.park(reason)
    }

    fn park(&mut self, reason: String) -> Vec<Action> {
        if self.standing != Standing::Up {
            return vec![];
        }
        self.standing = Standing::Parked(reason.clone());
        vec![Action::Park(reason)]
    }

    /// Returns until when the next start waits: half of it is sure, half is chance, so that agents that fell together
    /// do not rise together.
    fn pause(&mut self, now: Timestamp) -> Timestamp {
        let doubled = FIRST_PAUSE << self.row.min(20);
        let whole = doubled.min(LONGEST_PAUSE);
        self.row = self.row.saturating_add(1);
        // xorshift64*, by Marsaglia and Vigna; zero is the one seed it cannot leave.
        let mut x = self.seed | 1;
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        self.seed = x;
        let chance = x.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        let half = whole / 2;
        let jitter = i64::try_from(chance).unwrap_or(0) % (half + 1);
        now.plus(half + jitter)
    }
}

fn counts(at: Timestamp, now: Timestamp) -> bool {
    // A clock that was set back lets nothing be forgotten.
    now.since(at) < PERIOD
}

/// Returns whether a pause still goes on. One that is longer than any was begun before the clock was set back.
fn is_ahead(until: Timestamp, now: Timestamp) -> bool {
    until > now && until.since(now) <= LONGEST_PAUSE
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
