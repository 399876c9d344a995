//! Reports over time; every day of the span has a line, also those without work.
//!
//! They follow the filter that lists use. Without one, or for one bucket, they are read from the ledger's rows by day,
//! which are exact and for ever; for any other the same rows are counted anew from the orders as they stand. What a
//! filter says of the present only (status, stage, hands, age) has no past: there its lasting part counts.

pub mod ageing;
pub mod cycle_time;
pub mod due;
pub mod flow;
pub mod forecast;
pub mod handover;
pub mod lead_time;
pub mod past;
pub mod progress;
mod random;
pub mod risk;
pub mod rows;
pub mod sla;
pub mod stages;
pub mod survival;
pub mod usage;
pub mod velocity;

use crate::domain::{
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
    /// Every day there can be.
    pub const ALL: Days = Days {
        first: 0,
        last: u32::MAX - 1,
    };

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

    /// Returns the moment at which the first begins.
    pub fn start(self) -> Timestamp {
        Timestamp(i64::from(self.first) * DAY)
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
