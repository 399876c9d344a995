//! How many orders are completed.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Days, date, rows::Rows};
use crate::domain::{
    order::{BUCKETS, Bucket},
    query::value::Decimal,
};

/// Completions by day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Velocity {
    /// The first day, `2026-02-02`.
    pub since: String,
    /// The last day: today, which is not over yet.
    pub until: String,
    /// Each day with how many were completed on it, oldest first.
    pub days: Vec<CompletedOn>,
    /// Each week with how many were completed in it, oldest first; the first and the last may be a part of one.
    #[serde(default)]
    pub weeks: Vec<CompletedOn>,
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

/// The completions of a day or a week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CompletedOn {
    /// The UTC day, `2026-02-02`, or the week's Monday.
    pub date: String,
    /// How many.
    pub completed: u64,
}

/// A bucket's completions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CompletedIn {
    /// Which.
    pub bucket: Bucket,
    /// How many.
    pub completed: u64,
}

/// Returns how many orders were completed on the days of `span`. Epics count: they are done too.
pub fn velocity(rows: &Rows<'_>, span: Days) -> Velocity {
    let mut by_day: BTreeMap<u32, u64> = span.each().map(|day| (day, 0)).collect();
    let mut by_bucket = [0; BUCKETS];
    for (day, bucket, row) in rows.each(span) {
        *by_day.entry(day).or_default() += u64::from(row.completed);
        by_bucket[bucket.index()] += u64::from(row.completed);
    }
    let mut by_week: BTreeMap<u32, u64> = BTreeMap::new();
    for (day, completed) in &by_day {
        *by_week.entry(monday(*day)).or_default() += completed;
    }
    let counts: Vec<u64> = by_day.values().copied().collect();
    let completed = counts.iter().sum();
    let buckets = Bucket::ALL.iter().zip(by_bucket);
    Velocity {
        since: date(span.first),
        until: date(span.last),
        completed,
        per_day: mean(completed, 1, counts.len()),
        per_week: mean(completed, 7, counts.len()),
        trend: trend(&counts),
        days: by_day.into_iter().map(completed_on).collect(),
        weeks: by_week.into_iter().map(completed_on).collect(),
        buckets: buckets
            .map(|(bucket, completed)| CompletedIn {
                bucket: *bucket,
                completed,
            })
            .collect(),
    }
}

fn completed_on((day, completed): (u32, u64)) -> CompletedOn {
    CompletedOn {
        date: date(day),
        completed,
    }
}

/// Returns the Monday of a day's week; day 0, 1970-01-01, was a Thursday.
fn monday(day: u32) -> u32 {
    day.saturating_sub((day + 3) % 7)
}

/// Returns how many are completed in `days` days, if `count` were in `of` days.
fn mean(count: u64, days: i64, of: usize) -> Decimal {
    let count = i64::try_from(count)
        .unwrap_or(i64::MAX)
        .saturating_mul(days);
    Decimal::ratio(count, i64::try_from(of).unwrap_or(i64::MAX)).unwrap_or_default()
}

/// Returns the mean of the second half less that of the first; a middle day belongs to neither.
fn trend(counts: &[u64]) -> Option<Decimal> {
    let half = counts.len() / 2;
    let sum = |days: &[u64]| days.iter().sum::<u64>();
    let (first, second) = (counts.get(..half)?, counts.get(counts.len() - half..)?);
    (half > 0).then(|| Decimal(mean(sum(second), 1, half).0 - mean(sum(first), 1, half).0))
}
