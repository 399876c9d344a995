//! Reports over time, read from the ledger's rows by day; every day of the span has a line, also those without work.

pub mod flow;
pub mod lead_time;
pub mod progress;
pub mod sla;
pub mod velocity;

use crate::domain::{
    days::DayRow,
    order::Bucket,
    state::State,
    time::{DAY, Timestamp},
};

/// The most days of one report: ten years of them.
pub const MAX_DAYS: u32 = 3_660;

/// The days of a report, the first and the last included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days {
    /// The first, counted from 1970-01-01.
    pub first: u32,
    /// The last: today.
    pub last: u32,
}

impl Days {
    /// Returns the days from `since` until today. A moment before the ledger's first row begins with that row,
    /// and no more than [`MAX_DAYS`] are given, the latest ones.
    pub fn new(state: &State, since: Timestamp, now: Timestamp) -> Self {
        let last = now.day();
        let oldest = state.days().next().map_or(last, |(day, _)| day.min(last));
        let first = since.day().max(oldest).min(last);
        Days {
            first: first.max((last + 1).saturating_sub(MAX_DAYS)),
            last,
        }
    }

    /// Returns how many there are; never none.
    pub fn count(self) -> u32 {
        self.last - self.first + 1
    }

    /// Returns each day.
    pub fn each(self) -> impl Iterator<Item = u32> {
        self.first..=self.last
    }
}

/// Returns a day's number as a date, `2026-02-02`.
pub fn date(day: u32) -> String {
    let midnight = Timestamp(i64::from(day) * DAY);
    midnight.to_utc().date_naive().to_string()
}

impl State {
    /// Returns the rows of some days by bucket; days without any are left out.
    pub(super) fn rows(
        &self,
        days: Days,
        bucket: Option<Bucket>,
    ) -> impl Iterator<Item = (u32, Bucket, &DayRow)> {
        let inside = self
            .days()
            .filter(move |(day, _)| (days.first..=days.last).contains(day));
        inside
            .flat_map(|(number, day)| {
                let rows = Bucket::ALL.iter().zip(&day.0);
                rows.map(move |(bucket, row)| (number, *bucket, row))
            })
            .filter(move |(_, of, _)| bucket.is_none_or(|bucket| bucket == *of))
    }
}
