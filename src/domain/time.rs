//! Time as the rules see it: whole microseconds, never read from a clock here.

use std::{fmt, time::Duration};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

/// Microseconds in a second.
pub const SECOND: i64 = 1_000_000;
/// Microseconds in a minute.
pub const MINUTE: i64 = 60 * SECOND;
/// Microseconds in an hour.
pub const HOUR: i64 = 60 * MINUTE;
/// Microseconds in a day.
pub const DAY: i64 = 24 * HOUR;

/// A moment: microseconds since 1970-01-01 00:00 UTC.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    bitcode::Encode,
    bitcode::Decode,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The latest moment that can be written; stands for "never".
    pub const MAX: Timestamp = Timestamp(i64::MAX);

    /// Returns the moment of a chrono date.
    pub fn from_utc(date: DateTime<Utc>) -> Self {
        Timestamp(date.timestamp_micros())
    }

    /// Returns this moment as a chrono date, clamped to what chrono can show.
    pub fn to_utc(self) -> DateTime<Utc> {
        let limit = if self.0 < 0 {
            DateTime::<Utc>::MIN_UTC
        } else {
            DateTime::<Utc>::MAX_UTC
        };
        DateTime::from_timestamp_micros(self.0).unwrap_or(limit)
    }

    /// Returns the microseconds from `earlier` to here, never below zero:
    /// record times may step back, durations may not.
    pub fn since(self, earlier: Timestamp) -> i64 {
        self.0.saturating_sub(earlier.0).max(0)
    }

    /// Returns the moment `micros` later, saturating.
    pub fn plus(self, micros: i64) -> Timestamp {
        Timestamp(self.0.saturating_add(micros))
    }

    /// Returns the moment `duration` later, saturating.
    pub fn plus_duration(self, duration: Duration) -> Timestamp {
        self.plus(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX))
    }

    /// Returns the number of the UTC day, counted from 1970-01-01; days before it count as 0.
    pub fn day(self) -> u32 {
        u32::try_from(self.0.div_euclid(DAY).max(0)).unwrap_or(u32::MAX)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_utc().to_rfc3339_opts(SecondsFormat::Secs, true))
    }
}
