//! The cycle times of single orders: the points of a scatter plot, with the percentiles that are drawn through them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Days, lead_time::Percentiles, past::Ended};
use crate::domain::{
    books::Books,
    id::OrderId,
    order::Bucket,
    query::{
        filter::Filter,
        reading::{Answered, Reading},
        reports::date,
        value::{Moment, seconds},
    },
    time::Timestamp,
};

/// How long each completed order took from its first start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CycleTimes {
    /// The first day, `2026-02-02`.
    pub since: String,
    /// Over all of them, exact.
    pub cycle: Percentiles,
    /// The completed orders, newest first.
    pub orders: Vec<CycleTime>,
    /// How many there are.
    pub total: u64,
    /// How many more were completed without a start here: epics, and what was imported closed.
    pub without_start: u64,
}

/// How long one order took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CycleTime {
    /// Which.
    pub id: OrderId,
    /// Its title.
    pub title: String,
    /// The bucket it was completed in.
    pub bucket: Bucket,
    /// When it was completed.
    pub completed_at: Moment,
    /// From the first start to done.
    pub cycle_seconds: i64,
    /// From creation to done.
    pub lead_seconds: i64,
}

impl<B: Books> Reading<'_, B> {
    /// Returns how long the orders took that were completed from the day of `since` on, with at most `limit` of them.
    pub(in crate::domain::query) fn cycle_times(
        &mut self,
        filter: &Filter,
        since: Timestamp,
        limit: usize,
    ) -> Answered<CycleTimes, B> {
        let span = Days::new(self.state, since, self.now);
        let past = self.past_orders(filter, span.start())?;
        let view = |order: &Ended| {
            let cycle = order.cycle()?;
            Some(CycleTime {
                id: order.id,
                title: order.title.clone(),
                bucket: order.bucket,
                completed_at: Moment(order.closed),
                cycle_seconds: seconds(cycle),
                lead_seconds: seconds(order.closed.since(order.created)),
            })
        };
        let cycles = past.cycle_seconds();
        let completed = past.ended.iter().filter(|order| order.completed).count() as u64;
        let total = cycles.len() as u64;
        Ok(CycleTimes {
            since: date(past.since.day()),
            cycle: Percentiles::of_sorted(&cycles),
            orders: past.ended.iter().filter_map(view).take(limit).collect(),
            total,
            without_start: completed.saturating_sub(total),
        })
    }
}
