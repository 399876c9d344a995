//! The cumulative flow: how many orders stood where at each day's end.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Days, date, rows::Rows, stages::Stages};
use crate::domain::{
    books::Books,
    order::{BUCKETS, Bucket},
    query::{
        filter::Filter,
        reading::{Answered, Reading},
    },
    time::Timestamp,
};

/// The cumulative flow by day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Flow {
    /// Only this bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<Bucket>,
    /// The stages, as the board has them; behind them those that it had.
    #[serde(default)]
    pub stages: Vec<String>,
    /// Each day, oldest first; the last one is today as it is now.
    pub days: Vec<FlowOn>,
    /// How many came in all.
    pub arrived: u64,
    /// How many ended in all.
    pub departed: u64,
}

/// A day of the cumulative flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// Completed and cancelled until the day's end: the area under the curve. All time; where a filter asks for more
    /// than a bucket, since the first day.
    pub done: u64,
    /// In progress at the day's end by stage, in the order of [`Flow::stages`]. Empty for days that lie further back
    /// than the records that are read for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<u64>,
}

/// What a day's rows say of it.
#[derive(Clone, Copy, Default)]
struct Change {
    arrived: u64,
    departed: u64,
    reopened: u64,
}

impl<B: Books> Reading<'_, B> {
    /// Returns the cumulative flow from the day of `since` on.
    pub(in crate::domain::query) fn flow(
        &mut self,
        filter: &Filter,
        since: Timestamp,
    ) -> Answered<Flow, B> {
        let (rows, span) = self.rows(filter, since)?;
        let stages = self.stages(filter, span, rows.past.as_ref())?;
        Ok(flow(&rows, span, filter.bucket, stages))
    }
}

/// Returns the cumulative flow of some days.
///
/// What is open and done at a day's end is reckoned back from now; what is in progress is known by stage, or carried on
/// from the last day on which it changed. So it agrees with the board today, and with every day's arrivals and
/// departures. Of one bucket it is exact as long as no order changed its bucket: days count an order where it then was.
fn flow(rows: &Rows<'_>, span: Days, bucket: Option<Bucket>, stages: Stages) -> Flow {
    let mut changes: BTreeMap<u32, Change> =
        span.each().map(|day| (day, Change::default())).collect();
    for (day, _, row) in rows.each(span) {
        let change = changes.entry(day).or_default();
        change.arrived += u64::from(row.created) + u64::from(row.reopened);
        change.departed += u64::from(row.completed) + u64::from(row.cancelled);
        change.reopened += u64::from(row.reopened);
    }
    let in_progress = in_progress(rows, span);
    let (mut open, mut done) = (rows.open, rows.done);
    let mut days: Vec<FlowOn> = vec![];
    for (day, change) in changes.iter().rev() {
        let by_stage = stages.days.get(day).cloned().unwrap_or_default();
        let working = match by_stage.is_empty() {
            true => in_progress.get(day).copied().unwrap_or(0).min(open),
            false => by_stage.iter().sum(),
        };
        days.push(FlowOn {
            date: date(*day),
            arrived: change.arrived,
            departed: change.departed,
            queued: open.saturating_sub(working),
            in_progress: working,
            done,
            stages: by_stage,
        });
        open = (open + change.departed).saturating_sub(change.arrived);
        done = (done + change.reopened).saturating_sub(change.departed);
    }
    days.reverse();
    Flow {
        bucket,
        stages: stages.names,
        arrived: changes.values().map(|change| change.arrived).sum(),
        departed: changes.values().map(|change| change.departed).sum(),
        days,
    }
}

/// Returns how many orders were in progress at the end of each day of a span.
fn in_progress(rows: &Rows<'_>, span: Days) -> BTreeMap<u32, u64> {
    let before = Days {
        first: 0,
        last: span.last,
    };
    let mut wip = [0_u64; BUCKETS];
    let mut changed: BTreeMap<u32, u64> = BTreeMap::new();
    for (day, bucket, row) in rows.each(before) {
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
