//! Alerts: the queue, and one with what it holds.

use serde::{Deserialize, Serialize};

use super::{blast::Blast, detail::Neighbour, events::Entry, value::Moment};
use crate::domain::{
    andon::{Alert, Severity},
    id::{AlertId, OrderId},
    order::{Actor, vocabulary},
    time::Timestamp,
};

vocabulary! {
    /// Where an alert stands.
    AlertStatus ("status of an alert") {
        /// Nobody took notice yet.
        Open = "open",
        /// Somebody took notice.
        Acknowledged = "acknowledged",
        /// Quiet for a while; its hold stays.
        Snoozed = "snoozed",
        /// Over.
        Resolved = "resolved",
    }
}

/// A page of alerts, worst first, then oldest; resolved ones behind, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alerts {
    /// The page.
    pub alerts: Vec<AlertView>,
    /// How many are open, whatever the page.
    pub total: u64,
}

/// An alert as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertView {
    /// Its id.
    pub id: AlertId,
    /// How bad it is.
    pub severity: Severity,
    /// Where it stands.
    pub status: AlertStatus,
    /// What is wrong.
    pub reason: String,
    /// What it holds, in the words of `--hold`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<String>,
    /// The condition it stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// The order it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
    /// How often the condition was seen.
    pub count: u32,
    /// Who raised it.
    pub raised_by: Actor,
    /// When.
    pub raised_at: Moment,
    /// When the condition was last seen.
    pub last_seen_at: Moment,
    /// From when it was raised until now, or until it was resolved.
    pub age_seconds: i64,
    /// Who took notice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged_by: Option<Actor>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged_at: Option<Moment>,
    /// Quiet until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snoozed_until: Option<Moment>,
    /// When the condition was seen to be over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovered_at: Option<Moment>,
    /// When it grows worse unless somebody takes notice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalates_at: Option<Moment>,
    /// The orders that are to mend it.
    pub corrective: Vec<OrderId>,
    /// Who resolved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_by: Option<Actor>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<Moment>,
    /// What was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<String>,
}

/// An alert with all that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertDetail {
    /// What lists show of it.
    #[serde(flatten)]
    pub alert: AlertView,
    /// What it holds now; absent when it is resolved or holds nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blast: Option<Blast>,
    /// The orders that are to mend it, with their status.
    pub corrective_orders: Vec<Neighbour>,
    /// What happened to it lately, oldest first.
    pub timeline: Vec<Entry>,
}
