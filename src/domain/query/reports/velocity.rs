//! How many orders are completed.

use serde::{Deserialize, Serialize};

use crate::domain::{order::Bucket, query::value::Decimal};

/// Completions by day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Velocity {
    /// The first day, `2026-02-02`.
    pub since: String,
    /// The last day: today, which is not over yet.
    pub until: String,
    /// Each day with how many were completed on it, oldest first.
    pub days: Vec<CompletedOn>,
    /// How many were completed in all.
    pub completed: u64,
    /// By bucket.
    pub buckets: Vec<CompletedIn>,
    /// The mean of a day.
    pub per_day: Decimal,
    /// The mean of seven days.
    pub per_week: Decimal,
    /// How much the mean of a day in the second half is above that of the first half; absent for fewer than two days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trend: Option<Decimal>,
}

/// A day's completions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompletedOn {
    /// The UTC day, `2026-02-02`.
    pub date: String,
    /// How many.
    pub completed: u64,
}

/// A bucket's completions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompletedIn {
    /// Which.
    pub bucket: Bucket,
    /// How many.
    pub completed: u64,
}
