//! The closed orders that reports over time are counted from, read from the archive page by page.

use serde::Deserialize;

use crate::domain::{
    archive::{ArchiveQuery, ArchivedOrder},
    books::Books,
    id::OrderId,
    order::{Bucket, ClosedOrder, Kind, Outcome},
    query::{
        filter::Filter,
        reading::{Answered, Reading, unfold},
        value::seconds,
    },
    state::State,
    time::{DAY, Timestamp},
    usage::Usage,
};

/// The most closed orders that one report reads: about a second of work, and more points than any chart shows.
/// Where more were closed, the newest count, and the report begins where they do.
pub const MAX_PAST: usize = 100_000;

/// What reports need to know of a closed order.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Which.
    pub id: OrderId,
    /// Its title.
    pub title: String,
    /// The bucket it was closed in.
    pub bucket: Bucket,
    /// Whether it is an epic.
    pub epic: bool,
    /// Whether it was done, not given up.
    pub completed: bool,
    /// Whether it was done here, with a receipt; what was imported closed was not.
    pub here: bool,
    /// When it came into being.
    pub created: Timestamp,
    /// From when its SLA counted.
    pub entered: Timestamp,
    /// When work on it first began.
    pub first_started: Option<Timestamp>,
    /// When it ended.
    pub closed: Timestamp,
    /// What work on it had used up by then.
    pub usage: Usage,
}

/// What a report needs of a folded form that the archive's columns do not have: the rest is skipped, not read.
#[derive(Deserialize)]
struct Times {
    order: OrderTimes,
    outcome: Receipted,
}

#[derive(Deserialize)]
struct OrderTimes {
    entered: Timestamp,
    first_started: Option<Timestamp>,
    #[serde(default)]
    usage: Usage,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Receipted {
    Completed { receipt: Option<u64> },
    Cancelled {},
}

impl Ended {
    /// Returns a row of the archive; by its columns alone where its form cannot be read.
    fn of_row(row: ArchivedOrder) -> Self {
        let Ok(times) = serde_json::from_str::<Times>(&row.form) else {
            return Ended::of(unfold(&row));
        };
        let kind: Kind = row.kind.parse().unwrap_or(Kind::Task);
        Ended {
            id: row.id,
            bucket: row.bucket.parse().unwrap_or(Bucket::Features),
            epic: kind == Kind::Epic,
            completed: matches!(times.outcome, Receipted::Completed { .. }),
            here: matches!(times.outcome, Receipted::Completed { receipt: Some(_) }),
            created: row.created,
            entered: times.order.entered,
            first_started: times.order.first_started,
            closed: row.closed,
            usage: times.order.usage,
            title: row.title,
        }
    }

    fn of(form: ClosedOrder) -> Self {
        let completed = matches!(form.outcome, Outcome::Completed { .. });
        let here = matches!(
            form.outcome,
            Outcome::Completed {
                receipt: Some(_),
                ..
            }
        );
        let order = form.order;
        Ended {
            id: order.id,
            bucket: order.bucket,
            epic: order.is_epic(),
            completed,
            here,
            created: order.created,
            entered: order.entered,
            first_started: order.first_started,
            closed: form.closed,
            usage: order.usage,
            title: order.title,
        }
    }

    /// Returns the microseconds from the first start to done; None for what was not started or not done here.
    pub fn cycle(&self) -> Option<i64> {
        let started = self.first_started.filter(|_| self.here)?;
        Some(self.closed.since(started))
    }

    /// Returns whether it was done here within its bucket's SLA of today; None where nothing was promised.
    pub fn met(&self, state: &State) -> Option<bool> {
        let sla = state.settings.bucket(self.bucket).sla();
        let sla = sla.filter(|_| self.here && !self.epic)?;
        Some(self.closed <= self.entered.plus(sla))
    }
}

/// Closed orders, newest first.
#[derive(Clone, Debug)]
pub struct Past {
    /// The orders.
    pub ended: Vec<Ended>,
    /// All that were closed from this moment on are among them: what was asked for, or the midnight behind the oldest
    /// that was read.
    pub since: Timestamp,
}

impl Past {
    /// Returns the cycle times of what was completed here, in whole seconds, shortest first.
    pub fn cycle_seconds(&self) -> Vec<i64> {
        let mut all: Vec<i64> = self
            .ended
            .iter()
            .filter_map(Ended::cycle)
            .map(seconds)
            .collect();
        all.sort_unstable();
        all
    }
}

impl<B: Books> Reading<'_, B> {
    /// Returns the closed orders that a filter's lasting part admits, from a moment on.
    pub(in crate::domain::query) fn past_orders(
        &mut self,
        filter: &Filter,
        since: Timestamp,
    ) -> Answered<Past, B> {
        let (filter, now) = (filter.lasting(), self.now);
        if let Some(epic) = filter.epic {
            // What lies beneath an order is found by its parents, however small a part of the archive it is.
            let beneath = self.closed_beneath(epic)?;
            let wanted = |form: &ClosedOrder| form.closed >= since && filter.has(&form.order, now);
            let mut ended: Vec<Ended> = beneath
                .into_values()
                .filter(wanted)
                .map(Ended::of)
                .collect();
            ended.sort_by_key(|order| std::cmp::Reverse((order.closed, order.id)));
            return Ok(Past { ended, since });
        }
        let query = ArchiveQuery {
            closed_since: Some(since),
            ..filter.archive().unwrap_or_default()
        };
        let by_columns = filter.archive_suffices();
        let (mut ended, mut oldest) = (vec![], now);
        let all = self.some_closed(&query, MAX_PAST, |row| {
            oldest = row.closed;
            if by_columns {
                return ended.push(Ended::of_row(row));
            }
            let form = unfold(&row);
            if filter.has(&form.order, now) {
                ended.push(Ended::of(form));
            }
        })?;
        let since = match all {
            true => since,
            false => Timestamp((oldest.0.div_euclid(DAY) + 1).saturating_mul(DAY)),
        };
        ended.retain(|order| order.closed >= since);
        Ok(Past { ended, since })
    }
}
