//! The cumulative flow: how many orders stood where at each day's end.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Days, date};
use crate::domain::{
    order::{BUCKETS, Bucket},
    state::State,
    time::Timestamp,
};

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
    /// Completed and cancelled until the day's end, all time: the area under the curve.
    pub done: u64,
}

/// What a day's rows say of it.
#[derive(Clone, Copy, Default)]
struct Change {
    arrived: u64,
    departed: u64,
    completed: u64,
    reopened: u64,
}

/// Returns the cumulative flow from the day of `since` on.
///
/// What is open and done at a day's end is reckoned back from now; what is in progress is carried on from the last day
/// on which it changed. So it agrees with the board today, and with every day's arrivals and departures.
/// Of one bucket it is exact as long as no order changed its bucket: days count an order where it then was.
pub fn flow(state: &State, since: Timestamp, bucket: Option<Bucket>, now: Timestamp) -> Flow {
    let span = Days::new(state, since, now);
    let mut changes: BTreeMap<u32, Change> =
        span.each().map(|day| (day, Change::default())).collect();
    for (day, _, row) in state.rows(span, bucket) {
        let change = changes.entry(day).or_default();
        change.arrived += u64::from(row.created) + u64::from(row.reopened);
        change.departed += u64::from(row.completed) + u64::from(row.cancelled);
        change.completed += u64::from(row.completed);
        change.reopened += u64::from(row.reopened);
    }
    let in_progress = in_progress(state, span, bucket);
    let mut open = match bucket {
        Some(bucket) => state
            .orders()
            .filter(|order| order.bucket == bucket)
            .count() as u64,
        None => state.open_count() as u64,
    };
    let mut done = ended(state, bucket);
    let mut days: Vec<FlowOn> = vec![];
    for (day, change) in changes.iter().rev() {
        let working = in_progress.get(day).copied().unwrap_or(0).min(open);
        days.push(FlowOn {
            date: date(*day),
            arrived: change.arrived,
            departed: change.departed,
            queued: open - working,
            in_progress: working,
            done,
        });
        open = (open + change.departed).saturating_sub(change.arrived);
        done = (done + change.reopened).saturating_sub(change.departed);
    }
    days.reverse();
    Flow {
        bucket,
        arrived: changes.values().map(|change| change.arrived).sum(),
        departed: changes.values().map(|change| change.departed).sum(),
        days,
    }
}

/// Returns how many orders are closed now.
fn ended(state: &State, bucket: Option<Bucket>) -> u64 {
    if bucket.is_none() {
        return state.counts.completed + state.counts.cancelled;
    }
    let all = Days {
        first: 0,
        last: u32::MAX,
    };
    let rows = state.rows(all, bucket).map(|(_, _, row)| row);
    rows.fold(0, |ended: u64, row| {
        let ends = u64::from(row.completed) + u64::from(row.cancelled);
        (ended + ends).saturating_sub(u64::from(row.reopened))
    })
}

/// Returns how many orders were in progress at the end of each day of a span.
fn in_progress(state: &State, span: Days, bucket: Option<Bucket>) -> BTreeMap<u32, u64> {
    let before = Days {
        first: 0,
        last: span.last,
    };
    let mut wip = [0_u64; BUCKETS];
    let mut changed: BTreeMap<u32, u64> = BTreeMap::new();
    for (day, bucket, row) in state.rows(before, bucket) {
        if let Some(now) = row.wip {
            wip[bucket.index()] = u64::from(now);
            changed.insert(day.max(span.first), wip.iter().sum());
        }
    }
    let mut last = 0;
    let carried = span.each().map(|day| {
        last = changed.get(&day).copied().unwrap_or(last);
        (day, last)
    });
    carried.collect()
}
