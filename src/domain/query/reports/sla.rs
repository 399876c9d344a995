//! How promises are kept.

use serde::{Deserialize, Serialize};

use crate::domain::{order::Bucket, query::value::Decimal};

/// Promises by bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sla {
    /// The first day, `2026-02-02`.
    pub since: String,
    /// Each bucket, or the one that was asked for.
    pub buckets: Vec<BucketSla>,
    /// Over all of these: how many percent of what was completed was completed in time; absent where nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compliance_percent: Option<Decimal>,
}

/// A bucket's promises.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketSla {
    /// Which.
    pub bucket: Bucket,
    /// Hours from entry to done; absent where nothing is promised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sla_hours: Option<u32>,
    /// Completed in time.
    pub met: u64,
    /// Completed too late.
    pub missed: u64,
    /// Alerts for going past it.
    pub breaches: u64,
    /// How many percent of what was completed was completed in time; absent where nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compliance_percent: Option<Decimal>,
    /// Open orders of which four fifths of the time are gone.
    pub at_risk: u32,
    /// Open orders past it.
    pub breached: u32,
}
