//! How many orders are completed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Days, date};
use crate::domain::{
    order::{BUCKETS, Bucket},
    query::value::Decimal,
    state::State,
    time::Timestamp,
};

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

/// Returns how many orders were completed from the day of `since` on. Epics count: they are done too.
pub fn velocity(state: &State, since: Timestamp, now: Timestamp) -> Velocity {
    let span = Days::new(state, since, now);
    let mut by_day: BTreeMap<u32, u64> = span.each().map(|day| (day, 0)).collect();
    let mut by_bucket = [0; BUCKETS];
    for (day, bucket, row) in state.rows(span, None) {
        *by_day.entry(day).or_default() += u64::from(row.completed);
        by_bucket[bucket.index()] += u64::from(row.completed);
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
        days: by_day
            .into_iter()
            .map(|(day, completed)| CompletedOn {
                date: date(day),
                completed,
            })
            .collect(),
        buckets: buckets
            .map(|(bucket, completed)| CompletedIn {
                bucket: *bucket,
                completed,
            })
            .collect(),
    }
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
