//! Ageing work in progress: how long each order under way has taken so far, beside how long such orders took.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Days, date, due::Standing, lead_time::Percentiles};
use crate::domain::{
    books::Books,
    order::Order,
    query::{
        filter::Filter,
        reading::{Answered, Reading},
        value::seconds,
    },
    time::Timestamp,
};

/// The orders in progress by age.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ageing {
    /// The first day of the history, `2026-02-02`.
    pub since: String,
    /// How long such orders took from their first start to done, exact: an age has the same beginning.
    pub cycle: Percentiles,
    /// The board's stages, left to right.
    pub stages: Vec<String>,
    /// The orders in progress, oldest first.
    pub orders: Vec<AgeingOrder>,
    /// How many there are.
    pub total: u64,
}

/// An order in progress and its age.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AgeingOrder {
    /// Where it stands.
    #[serde(flatten)]
    pub order: Standing,
    /// Since work on it first began.
    pub age_seconds: i64,
    /// Since it entered its stage.
    pub in_stage_seconds: i64,
    /// How many percent of such orders were done within its age; absent where there is no history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub older_than_percent: Option<u8>,
}

impl<B: Books> Reading<'_, B> {
    /// Returns at most `limit` of the orders in progress that a filter admits, beside the cycle times of the orders that
    /// its lasting part admits and that were completed from the day of `since` on.
    pub(in crate::domain::query) fn ageing(
        &mut self,
        filter: &Filter,
        since: Timestamp,
        limit: usize,
    ) -> Answered<Ageing, B> {
        let (state, now) = (self.state, self.now);
        let past = self.past_orders(filter, Days::new(state, since, now).start())?;
        let cycles = past.cycle_seconds();
        let mut working: Vec<(i64, i64, &Order)> = state
            .work_orders()
            .filter(|order| filter.admits(state, order, now))
            .filter_map(|order| {
                let work = order.work()?;
                let first = order.first_started.unwrap_or(work.started);
                Some((
                    seconds(now.since(first)),
                    seconds(now.since(work.since)),
                    order.as_ref(),
                ))
            })
            .collect();
        working.sort_by_key(|(age, _, order)| (std::cmp::Reverse(*age), order.id));
        let view = |(age, in_stage, order): &(i64, i64, &Order)| AgeingOrder {
            order: Standing::of(state, self.live, order),
            age_seconds: *age,
            in_stage_seconds: *in_stage,
            older_than_percent: share_within(&cycles, *age),
        };
        Ok(Ageing {
            since: date(past.since.day()),
            cycle: Percentiles::of_sorted(&cycles),
            stages: state
                .settings
                .stages
                .iter()
                .map(|stage| stage.name.clone())
                .collect(),
            total: working.len() as u64,
            orders: working.iter().take(limit).map(view).collect(),
        })
    }
}

/// Returns how many percent of sorted durations are at most this long, rounded down.
fn share_within(sorted: &[i64], seconds: i64) -> Option<u8> {
    let within = sorted.partition_point(|one| *one <= seconds);
    let percent = (within * 100).checked_div(sorted.len())?;
    u8::try_from(percent).ok()
}
