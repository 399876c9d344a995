//! The line at a glance: the owner's overview.

use serde::{Deserialize, Serialize};

use super::{
    agents::AgentView,
    events::Entry,
    settings::{BucketView, StageView},
    value::{Decimal, Moment},
};
use crate::domain::record::{Hash, Seq};

/// The line at a glance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// As of when.
    pub at: Moment,
    /// The last record it contains.
    pub seq: Seq,
    /// That record's hash.
    pub head: Hash,
    /// Orders in progress, and how many there may be over all buckets.
    pub wip: Fill,
    /// Queued orders, epics not among them.
    pub queued: u64,
    /// Of them those that start as soon as there is room.
    pub ready: u64,
    /// Of them those that wait for an order.
    pub blocked: u64,
    /// Open orders that an alert holds.
    pub held: u64,
    /// Completed orders, all time.
    pub completed: u64,
    /// Cancelled orders, all time.
    pub cancelled: u64,
    /// Open epics.
    pub epics: u64,
    /// Completed in time over the last 30 days, in percent; absent where nothing was promised and done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sla_percent: Option<Decimal>,
    /// Open orders of which four fifths of the SLA are gone.
    pub at_risk: u64,
    /// Open orders past their SLA.
    pub breached: u64,
    /// Open alerts.
    pub alerts: AlertCounts,
    /// Completed orders a day, over the seven days that end today.
    pub velocity_per_day: Decimal,
    /// By bucket.
    pub buckets: Vec<BucketView>,
    /// By stage.
    pub stages: Vec<StageView>,
    /// Agents.
    pub agents: AgentCounts,
    /// The newest events, newest first.
    pub recent: Vec<Entry>,
}

/// A count and its limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fill {
    /// How many there are.
    pub count: u64,
    /// How many there may be.
    pub limit: u64,
}

/// Open alerts by severity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertCounts {
    /// All of them.
    pub total: u64,
    /// Worth a look today.
    pub low: u64,
    /// Worth a look this shift.
    pub medium: u64,
    /// Somebody must look now.
    pub high: u64,
    /// The line must stop.
    pub critical: u64,
    /// Of all, those that hold something.
    pub holding: u64,
}

/// Registered agents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentCounts {
    /// All of them.
    pub total: usize,
    /// Of them those that hold an order.
    pub active: usize,
    /// Of them those that are paused.
    pub paused: usize,
    /// The first of them: those that hold an order, then the others, by name.
    pub first: Vec<AgentView>,
}
