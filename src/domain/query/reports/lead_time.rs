//! How long orders take, in percentiles.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Days, date, rows::Rows};
use crate::domain::{
    days::Histogram,
    order::{BUCKETS, Bucket},
    query::value::seconds,
};

/// Percentiles of lead and cycle time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BucketTimes {
    /// Which.
    pub bucket: Bucket,
    /// From creation to done.
    pub lead: Percentiles,
    /// From the first start to done.
    pub cycle: Percentiles,
}

/// Durations below which so many percent lie (nearest rank); absent where nothing was done. Those read from the rows by
/// day are at most an eighth off, those of single orders are exact.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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

/// Returns how long the orders took that were completed on the days of `span`.
pub fn lead_time(rows: &Rows<'_>, span: Days, bucket: Option<Bucket>) -> LeadTime {
    let mut times: [(Histogram, Histogram); BUCKETS] = Default::default();
    for (_, bucket, row) in rows.each(span) {
        let (lead, cycle) = &mut times[bucket.index()];
        lead.merge(&row.lead);
        cycle.merge(&row.cycle);
    }
    let mut all = (Histogram::default(), Histogram::default());
    let mut buckets = vec![];
    for (bucket, (lead, cycle)) in Bucket::ALL.iter().zip(&times) {
        all.0.merge(lead);
        all.1.merge(cycle);
        if lead.count() > 0 {
            buckets.push(BucketTimes {
                bucket: *bucket,
                lead: Percentiles::of(lead),
                cycle: Percentiles::of(cycle),
            });
        }
    }
    LeadTime {
        since: date(span.first),
        bucket,
        lead: Percentiles::of(&all.0),
        cycle: Percentiles::of(&all.1),
        buckets,
    }
}

impl Percentiles {
    /// Returns the percentiles of a histogram.
    pub fn of(histogram: &Histogram) -> Self {
        let at = |percent| histogram.percentile(percent).map(seconds);
        Percentiles {
            count: histogram.count(),
            p50_seconds: at(50),
            p85_seconds: at(85),
            p95_seconds: at(95),
        }
    }
    /// Returns the percentiles of durations in seconds, shortest first.
    pub fn of_sorted(seconds: &[i64]) -> Self {
        let at = |percent: usize| {
            let rank = (seconds.len() * percent).div_ceil(100).max(1);
            seconds.get(rank - 1).copied()
        };
        Percentiles {
            count: seconds.len() as u64,
            p50_seconds: at(50),
            p85_seconds: at(85),
            p95_seconds: at(95),
        }
    }
}
