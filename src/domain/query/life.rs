//! What an agent that a host runs is about, and how that is known.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::value::Moment;
use crate::domain::{
    id::OrderId,
    order::vocabulary,
    time::{HOUR, Timestamp},
};

/// How long a session is believed in that says nothing more: whoever was killed told nobody of its end.
const SILENCE: i64 = 24 * HOUR;

/// What begins the name of a session that a host runs; the run's name follows.
const RUN: &str = "run:";

vocabulary! {
    /// What a supervised agent is about.
    LifeState ("state of an agent") {
        /// It was started and has not said anything yet.
        Starting = "starting",
        /// It may pull, and there is nothing for it.
        Idle = "idle",
        /// It works on an order.
        Busy = "busy",
        /// It waits for somebody's input.
        Waiting = "waiting",
        /// Its provider takes no more for now.
        Throttled = "throttled",
        /// It pulls nothing until somebody resumes it.
        Paused = "paused",
        /// It crashed too often, and runs again when somebody spawns it.
        Parked = "parked",
        /// Somebody stopped it, or it ended and is not to run again.
        Stopped = "stopped",
        /// Its process is gone and did not say how it ended.
        Lost = "lost",
        /// Nobody can tell: the host is gone.
        Unknown = "unknown",
    }
}

vocabulary! {
    /// How a state is known. Never from text on a screen.
    LifeSource ("source of a state") {
        /// From the process: it was started, it wrote, it ended.
        Process = "process",
        /// The agent said so.
        Protocol = "protocol",
        /// A hook of the agent said so.
        Hook = "hook",
        /// Somebody wanted it so.
        Operator = "operator",
    }
}

/// A supervised agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Life {
    /// What it is about.
    pub state: LifeState,
    /// How that is known.
    pub source: LifeSource,
    /// Since when.
    pub since: Moment,
    /// More about it, one line of outside text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Until when it lasts, if that is known: the end of a throttling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Moment>,
    /// In how many processes it is to run.
    pub wanted: usize,
    /// How many crashes count at the moment.
    pub crashes: usize,
    /// What runs.
    pub runs: Vec<RunView>,
}

/// A run that goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunView {
    /// Its name, which its log has too.
    pub run: String,
    /// The agent's process, once it has started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<i32>,
    /// What it works on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
    /// The gates at which a person has to approve what is done; nothing else keeps it from being completed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<String>,
    /// Since when it runs.
    pub since: Moment,
}

/// The supervised agents, by name.
pub type Lives = BTreeMap<String, Life>;

/// What hooks of an agent said last, for one session of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reported {
    /// Which session: see [`session`].
    pub session: String,
    /// What it is about.
    pub state: LifeState,
    /// Since when.
    pub since: Timestamp,
    /// When it was last heard.
    pub heard: Timestamp,
    /// More about it, one line of outside text.
    pub note: String,
}

/// Returns the name of a session: that of the run, where a host runs it, else what the tool itself calls it.
pub fn session(run: Option<&str>, own: Option<&str>) -> String {
    match run {
        Some(run) => format!("{RUN}{run}"),
        None => own.unwrap_or_default().to_owned(),
    }
}

/// Returns what an agent is about, by what its host knows and by what its hooks said.
///
/// A host knows whether a process runs, and the agent's own protocol is as good as its hooks: of a run that goes on a hook
/// adds only that it waits for input, if it said so after the host's last change. Of an agent that nobody supervises
/// its hooks are all there is, and the most telling of its sessions counts.
pub fn merged(life: Option<Life>, reports: &[Reported], now: Timestamp) -> Option<Life> {
    let fresh = || {
        let fresh = |report: &&Reported| now.since(report.heard) < SILENCE;
        reports.iter().filter(fresh)
    };
    let by_hook = |report: &Reported, life: Life| Life {
        state: report.state,
        source: LifeSource::Hook,
        since: report.since.into(),
        note: (!report.note.is_empty()).then(|| report.note.clone()),
        until: None,
        ..life
    };
    match life {
        Some(life) if !matches!(life.state, LifeState::Unknown) => {
            let goes_on = matches!(
                life.state,
                LifeState::Busy | LifeState::Idle | LifeState::Starting
            );
            let of_run = |report: &&Reported| {
                let run = report.session.strip_prefix(RUN);
                life.runs.iter().any(|view| run == Some(view.run.as_str()))
                    && report.state == LifeState::Waiting
                    && report.since >= life.since.0
            };
            match fresh().find(of_run).filter(|_| goes_on) {
                Some(report) => Some(by_hook(report, life)),
                None => Some(life),
            }
        }
        unsupervised => {
            let order = [LifeState::Waiting, LifeState::Busy, LifeState::Starting];
            let rank = |report: &&Reported| {
                let place = order.iter().position(|state| *state == report.state);
                place.unwrap_or(order.len())
            };
            // What a host ran ended with it.
            let own = fresh().filter(|report| !report.session.starts_with(RUN));
            match own.min_by_key(rank) {
                Some(report) => {
                    let life = unsupervised.unwrap_or_else(|| unsupervised_life(now));
                    Some(by_hook(report, life))
                }
                None => unsupervised,
            }
        }
    }
}

fn unsupervised_life(now: Timestamp) -> Life {
    Life {
        state: LifeState::Unknown,
        source: LifeSource::Hook,
        since: now.into(),
        note: None,
        until: None,
        wanted: 0,
        crashes: 0,
        runs: vec![],
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;
    use crate::domain::time::SECOND;

    fn report(session: &str, state: LifeState, at: i64) -> Reported {
        Reported {
            session: session.into(),
            state,
            since: Timestamp(at),
            heard: Timestamp(at),
            note: String::new(),
        }
    }

    fn supervised(state: LifeState, since: i64) -> Life {
        Life {
            state,
            source: LifeSource::Process,
            since: Timestamp(since).into(),
            runs: vec![RunView {
                run: "r1".into(),
                pid: None,
                order: None,
                approvals: vec![],
                since: Timestamp(since).into(),
            }],
            ..unsupervised_life(Timestamp(since))
        }
    }

    #[track_caller]
    fn check(
        life: Option<Life>,
        reports: &[Reported],
        now: i64,
        wanted: Option<(LifeState, LifeSource)>,
    ) {
        let found = merged(life, reports, Timestamp(now));
        assert_eq!(found.map(|life| (life.state, life.source)), wanted);
    }

    #[test]
    fn hooks_are_all_there_is_of_an_agent_that_nobody_supervises() {
        use LifeState::{Busy, Idle, Unknown, Waiting};
        let hook = |state| Some((state, LifeSource::Hook));
        check(None, &[], 9, None);
        check(None, &[report("a", Idle, 5)], 9, hook(Idle));
        let two = [report("a", Busy, 5), report("b", Waiting, 3)];
        check(None, &two, 9, hook(Waiting));
        check(None, &two, 3 + SILENCE, hook(Busy));
        check(None, &two, 5 + SILENCE, None);
        let attached = Some(supervised(Unknown, 1));
        check(attached, &two, 9, hook(Waiting));
        let killed = [report("run:r1", Busy, 5)];
        check(None, &killed, 9, None);
    }

    #[test]
    fn of_a_run_a_hook_adds_that_it_waits() {
        use LifeState::{Busy, Parked, Waiting};
        let by_process = |state| Some((state, LifeSource::Process));
        let waits = [report("run:r1", Waiting, 5 * SECOND)];
        let hook = Some((Waiting, LifeSource::Hook));
        check(Some(supervised(Busy, 1)), &waits, 6 * SECOND, hook);
        let later = Some(supervised(Busy, 6 * SECOND));
        check(later, &waits, 7 * SECOND, by_process(Busy));
        check(
            Some(supervised(Parked, 1)),
            &waits,
            6 * SECOND,
            by_process(Parked),
        );
        let others = [report("run:r0", Waiting, 5), report("x", Waiting, 5)];
        check(Some(supervised(Busy, 1)), &others, 9, by_process(Busy));
        let busy = [report("run:r1", LifeState::Idle, 5)];
        check(Some(supervised(Busy, 1)), &busy, 9, by_process(Busy));
        let life = merged(Some(supervised(Busy, 1)), &waits, Timestamp(6 * SECOND)).unwrap();
        assert_eq!(life.runs.len(), 1, "what runs is still told");
    }
}
