//! One agent of the file: its machine, what runs for it, and what it is about.

use std::{collections::BTreeMap, sync::Arc};

use tokio::sync::watch;

use super::{
    inbox::Told,
    machine::{Action, Event, Machine, Standing},
};
use crate::{
    config::line::{AgentRule, Mode},
    domain::{
        query::{
            gates,
            life::{Life, LifeSource, LifeState, RunView},
        },
        time::Timestamp,
    },
};

/// A run that goes on.
pub(super) struct Seat {
    pub(super) stop: watch::Sender<bool>,
    pub(super) state: (LifeState, LifeSource, Option<String>),
    pub(super) view: RunView,
}

impl Seat {
    /// Takes in at which gates a person has to approve what is done, before anything goes on here; none any more where there
    /// is none.
    pub(super) fn waits(&mut self, gates: Vec<String>) {
        let Some(order) = self.view.order else { return };
        if gates.is_empty() && self.view.approvals.is_empty() {
            return;
        }
        self.state = match gates.is_empty() {
            true => (LifeState::Busy, LifeSource::Process, None),
            false => {
                let why = gates::waits(order, &gates);
                (LifeState::Waiting, LifeSource::Protocol, Some(why))
            }
        };
        self.view.approvals = gates;
    }
}

/// An agent of the file, and what runs for it.
pub(super) struct Member {
    pub(super) rule: Arc<AgentRule>,
    pub(super) machine: Machine,
    pub(super) seats: BTreeMap<usize, Seat>,
    pub(super) removed: bool,
    pub(super) last_crash: Option<String>,
    /// What it was about when it was last told of, and since when.
    known: Option<(LifeState, Timestamp)>,
}

impl Member {
    /// Returns an agent that has yet to run.
    pub(super) fn new(rule: AgentRule) -> Self {
        let count = usize::try_from(rule.count).unwrap_or(1);
        // Names are hashed (FNV-1a) so that agents that fall together do not rise together.
        let seed = rule
            .name
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            });
        Member {
            machine: Machine::new(rule.mode, rule.restart, count, seed),
            rule: Arc::new(rule),
            seats: BTreeMap::new(),
            removed: false,
            last_crash: None,
            known: None,
        }
    }

    /// Does what the machine wants done.
    pub(super) fn act(&self, action: &Action) {
        if let Action::End(slot) = action
            && let Some(seat) = self.seats.get(slot)
        {
            seat.stop.send_replace(true);
        }
    }

    /// Takes in what a run tells of itself.
    pub(super) fn told(&mut self, now: Timestamp, slot: usize, told: Told) {
        match told {
            Told::Throttled(source, until) => {
                self.machine.step(now, Event::Throttled { source, until });
            }
            Told::Healthy => {
                self.machine.step(now, Event::Healthy(slot));
            }
            told => {
                let Some(seat) = self.seats.get_mut(&slot) else {
                    return;
                };
                match told {
                    Told::State(state, source, note) => seat.state = (state, source, note),
                    Told::Process(run, pid) => {
                        (seat.view.run, seat.view.pid) = (run, Some(pid));
                    }
                    Told::Order(order) => seat.view.order = order,
                    Told::Throttled(..) | Told::Healthy => {}
                }
            }
        }
    }

    /// Returns what the agent is about.
    pub(super) fn life(&mut self, now: Timestamp) -> Life {
        let (state, source, note, until) = self.state(now);
        let since = match &self.known {
            Some((known, since)) if *known == state => *since,
            _ => now,
        };
        self.known = Some((state, since));
        Life {
            state,
            source,
            since: since.into(),
            note: note.filter(|note| !note.is_empty()),
            until: until.map(Into::into),
            wanted: self.machine.wanted(),
            crashes: self.machine.crashes(now),
            runs: self.seats.values().map(|seat| seat.view.clone()).collect(),
        }
    }

    fn state(&self, now: Timestamp) -> (LifeState, LifeSource, Option<String>, Option<Timestamp>) {
        use LifeSource::{Operator, Process, Protocol};
        match self.machine.standing() {
            Standing::Parked(why) => {
                return (LifeState::Parked, Process, Some(why.clone()), None);
            }
            Standing::Stopped => return (LifeState::Stopped, Operator, None, None),
            Standing::Up => {}
        }
        if self.rule.mode == Mode::Attached {
            let note = "it is attached: it comes and goes by itself".to_owned();
            return (LifeState::Unknown, Protocol, Some(note), None);
        }
        if self.machine.is_paused() {
            return (LifeState::Paused, Operator, None, None);
        }
        if let Some((source, until)) = self.machine.throttled(now) {
            let note = format!("by {source}");
            return (LifeState::Throttled, Protocol, Some(note), Some(until));
        }
        // The most telling of several: who waits for input wants somebody, and whoever works is busy.
        let order = [LifeState::Waiting, LifeState::Busy, LifeState::Starting];
        let rank = |seat: &&Seat| order.iter().position(|state| *state == seat.state.0);
        if let Some(seat) = self
            .seats
            .values()
            .min_by_key(|seat| rank(seat).unwrap_or(9))
        {
            let (state, source, note) = seat.state.clone();
            return (state, source, note, None);
        }
        if self.machine.is_done() {
            let note = "it ended, and is not to run again".to_owned();
            return (LifeState::Stopped, Process, Some(note), None);
        }
        let pause = self.machine.wakes(now).and(self.last_crash.as_ref());
        let note = pause.map(|why| format!("waits after a crash: {why}"));
        (LifeState::Idle, Process, note, None)
    }
}
