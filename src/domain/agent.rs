//! Registered agents.

use bitcode::{Decode, Encode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    id::OrderId,
    order::{Bucket, Kind, Order},
    time::Timestamp,
};

/// The most agents a ledger can have registered at once.
pub const MAX_AGENTS: usize = 1_000;

/// What an agent may pull; an empty list allows everything.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Encode, Decode,
)]
#[serde(default)]
pub struct PullFilter {
    /// Classes of service.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub buckets: Vec<Bucket>,
    /// Sorts of work.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<Kind>,
    /// Labels, one of which the order must carry.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
}

impl PullFilter {
    /// Returns whether `order` may be pulled through this filter.
    pub fn admits(&self, order: &Order) -> bool {
        let labelled = || order.labels.iter().any(|label| self.labels.contains(label));
        (self.buckets.is_empty() || self.buckets.contains(&order.bucket))
            && (self.kinds.is_empty() || self.kinds.contains(&order.kind))
            && (self.labels.is_empty() || labelled())
    }
}

/// Why and when an agent was paused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Encode, Decode)]
pub struct Pause {
    /// When.
    pub at: Timestamp,
    /// Why, if it was said.
    pub reason: Option<String>,
}

/// A registered agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Encode, Decode)]
pub struct Agent {
    /// Its name, unique on the ledger.
    pub name: String,
    /// What it does: `developer`, `tester`, …
    pub role: Option<String>,
    /// What it may pull.
    pub capabilities: PullFilter,
    /// When it was registered.
    pub registered: Timestamp,
    /// A paused agent pulls nothing.
    pub paused: Option<Pause>,
    /// The orders it holds, sorted.
    pub holds: Vec<OrderId>,
    /// How many orders it completed.
    pub completed: u32,
}
