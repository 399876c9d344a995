//! How long orders take, in percentiles.

use serde::{Deserialize, Serialize};

use crate::domain::order::Bucket;

/// Percentiles of lead and cycle time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeadTime {
    /// The first day, `2026-02-02`.
    pub since: String,
    /// Only this bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<Bucket>,
    /// From creation to done.
    pub lead: Percentiles,
    /// From the first start to done; imported orders were never started here.
    pub cycle: Percentiles,
    /// Each bucket in which something was done.
    pub buckets: Vec<BucketTimes>,
}

/// A bucket's percentiles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketTimes {
    /// Which.
    pub bucket: Bucket,
    /// From creation to done.
    pub lead: Percentiles,
    /// From the first start to done.
    pub cycle: Percentiles,
}

/// Durations below which so many percent lie, each at most an eighth off; absent where nothing was done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Percentiles {
    /// How many orders they are of.
    pub count: u64,
    /// Half of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p50_seconds: Option<i64>,
    /// 85 %: what one may promise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p85_seconds: Option<i64>,
    /// 95 %.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p95_seconds: Option<i64>,
}
