//! Registered agents, what they hold and when they were last heard.

use serde::{Deserialize, Serialize};

use super::{events::Entry, order_view::LeaseView, value::Moment};
use crate::domain::{
    agent::PullFilter,
    id::OrderId,
    order::{Bucket, vocabulary},
};

vocabulary! {
    /// What an agent is about.
    AgentStatus ("status of an agent") {
        /// It holds orders.
        Working = "working",
        /// It holds none.
        Idle = "idle",
        /// It pulls nothing.
        Paused = "paused",
    }
}

/// The registered agents, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agents {
    /// The agents.
    pub agents: Vec<AgentView>,
    /// How many there are in all.
    pub total: usize,
    /// How many of them hold an order.
    pub active: usize,
}

/// An agent as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentView {
    /// Its name.
    pub name: String,
    /// What it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Working, idle or paused. One that was paused over its work is paused.
    pub status: AgentStatus,
    /// What it may pull.
    pub capabilities: PullFilter,
    /// When it was registered.
    pub registered_at: Moment,
    /// Since when it is paused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_at: Option<Moment>,
    /// Why, if it was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause_reason: Option<String>,
    /// When it was last heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_heartbeat_at: Option<Moment>,
    /// What it holds.
    pub holds: Vec<HeldOrder>,
    /// How many orders it completed.
    pub completed: u32,
}

/// An order in an agent's hands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldOrder {
    /// Which.
    pub id: OrderId,
    /// Its title.
    pub title: String,
    /// Its class of service.
    pub bucket: Bucket,
    /// The stage it stands in.
    pub stage: String,
    /// Since when the agent holds it.
    pub since: Moment,
    /// The hold's expiry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<LeaseView>,
}

/// An agent with all that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentDetail {
    /// What lists show of it.
    #[serde(flatten)]
    pub agent: AgentView,
    /// The alerts that hold what it holds or would pull.
    pub held_by: Vec<crate::domain::id::AlertId>,
    /// What happened to its registration lately, oldest first.
    pub timeline: Vec<Entry>,
}
