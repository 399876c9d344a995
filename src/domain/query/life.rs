//! What an agent that a host runs is about, and how that is known.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::value::Moment;
use crate::domain::{id::OrderId, order::vocabulary};

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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunView {
    /// Its name, which its log has too.
    pub run: String,
    /// The agent's process, once it has started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<i32>,
    /// What it works on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
    /// Since when it runs.
    pub since: Moment,
}

/// The supervised agents, by name.
pub type Lives = BTreeMap<String, Life>;
