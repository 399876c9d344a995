//! The cumulative flow: how many orders stood where at each day's end.

use serde::{Deserialize, Serialize};

use crate::domain::order::Bucket;

/// The cumulative flow by day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// Only this bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<Bucket>,
    /// Each day, oldest first; the last one is today as it is now.
    pub days: Vec<FlowOn>,
    /// How many came in all.
    pub arrived: u64,
    /// How many ended in all.
    pub departed: u64,
}

/// A day of the cumulative flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowOn {
    /// The UTC day, `2026-02-02`.
    pub date: String,
    /// Orders that came into being or back.
    pub arrived: u64,
    /// Orders that were completed or cancelled.
    pub departed: u64,
    /// Queued at the day's end, epics among them.
    pub queued: u64,
    /// In progress at the day's end.
    pub in_progress: u64,
    /// Completed until the day's end, all time.
    pub done: u64,
}
