//! Time as the rules see it: whole microseconds, never read from a clock here.

use std::{fmt, time::Duration};

use chrono::{DateTime, SecondsFormat, Utc};
use schemars::JsonSchema;
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
    JsonSchema,
    bitcode::Encode,
    bitcode::Decode,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

/// The beginning of the year 0, in microseconds since 1970.
const FIRST_WRITTEN: i64 = -62_167_219_200 * SECOND;
/// The last moment of the year 9999.
const LAST_WRITTEN: i64 = 253_402_300_800 * SECOND - 1;

impl Timestamp {
    /// The latest moment that can be written; stands for "never".
    pub const MAX: Timestamp = Timestamp(i64::MAX);

    /// Returns the moment of a chrono date.
    pub fn from_utc(date: DateTime<Utc>) -> Self {
        Timestamp(date.timestamp_micros())
    }

    /// Returns this moment as a chrono date, clamped to what RFC 3339 can write: years of four digits.
    pub fn to_utc(self) -> DateTime<Utc> {
        let written = self.0.clamp(FIRST_WRITTEN, LAST_WRITTEN);
        DateTime::from_timestamp_micros(written).unwrap_or_default()
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

/// Writes a moment that may be absent as RFC 3339 in UTC, to the second, and reads it back.
pub mod rfc3339 {
    use chrono::DateTime;
    use serde::{Deserialize, Deserializer, Serializer, de};

    use super::Timestamp;
    use crate::domain::schema::written;

    /// What is written of a moment.
    pub(in crate::domain) struct Written;

    written!(Written, "Rfc3339", {
        "description": "A moment: RFC 3339 in UTC, to the second.",
        "type": "string",
        "format": "date-time",
    });

    /// Writes it.
    ///
    /// # Errors
    ///
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(at: &Option<Timestamp>, to: S) -> Result<S::Ok, S::Error> {
        match at {
            Some(at) => to.collect_str(at),
            None => to.serialize_none(),
        }
    }

    /// Reads it.
    ///
    /// # Errors
    ///
    /// It is no such moment.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
        let read = |text: String| {
            let date = DateTime::parse_from_rfc3339(&text).map_err(de::Error::custom)?;
            Ok(Timestamp::from_utc(date.to_utc()))
        };
        Option::<String>::deserialize(from)?.map(read).transpose()
    }
}

/// The longest span that can be typed: a hundred years, far beyond every limit of the rules.
const MAX_SPAN: i64 = 36_525 * DAY;

/// Returns a span in microseconds: numbers with units, `15m`, `1h30m`, `2 days`. A day has 24 hours.
pub fn read_span(text: &str) -> Result<i64, String> {
    let bad = || {
        let shown: String = text.chars().take(40).collect();
        format!("'{shown}' is not a duration; write it like 90s, 15m, 4h, 2d or 1w")
    };
    let mut rest = text.trim();
    let mut sum: i64 = 0;
    if rest.is_empty() {
        return Err(bad());
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at(digits);
        let number: i64 = number.parse().map_err(|_| bad())?;
        let after = after.trim_start();
        let letters = after.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (word, after) = after.split_at(letters);
        let unit = unit(word).ok_or_else(bad)?;
        sum = number
            .checked_mul(unit)
            .and_then(|part| sum.checked_add(part))
            .filter(|sum| *sum <= MAX_SPAN)
            .ok_or_else(bad)?;
        rest = after.trim_start();
    }
    Ok(sum)
}

fn unit(word: &str) -> Option<i64> {
    Some(match word.to_ascii_lowercase().as_str() {
        "s" | "sec" | "secs" | "second" | "seconds" => SECOND,
        "m" | "min" | "mins" | "minute" | "minutes" => MINUTE,
        "h" | "hour" | "hours" => HOUR,
        "d" | "day" | "days" => DAY,
        "w" | "week" | "weeks" => 7 * DAY,
        _ => return None,
    })
}

/// Returns a span in whole minutes, rounded up: what is worth estimating takes at least one.
pub fn read_minutes(text: &str) -> Result<u32, String> {
    if text.trim() == "0" {
        return Ok(0);
    }
    let micros = read_span(text)?;
    let minutes = (micros + MINUTE - 1) / MINUTE;
    u32::try_from(minutes).map_err(|_| format!("'{text}' is too long"))
}

/// Returns whole minutes as [`read_minutes`] reads them back, nothing lost: `4h`, `1d2h30m`.
pub fn write_minutes(minutes: u32) -> String {
    let parts = [
        (minutes / 1_440, 'd'),
        (minutes / 60 % 24, 'h'),
        (minutes % 60, 'm'),
    ];
    let some = parts.iter().filter(|(number, _)| *number > 0);
    some.map(|(number, unit)| format!("{number}{unit}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_moment_is_written_as_rfc_3339_has_it() {
        let written = |micros| Timestamp(micros).to_string();
        assert_eq!(written(i64::MAX), "9999-12-31T23:59:59Z");
        assert_eq!(written(i64::MIN), "0000-01-01T00:00:00Z");
        assert_eq!(written(LAST_WRITTEN), "9999-12-31T23:59:59Z");
        assert_eq!(written(FIRST_WRITTEN), "0000-01-01T00:00:00Z");
        assert_eq!(written(0), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn spans_are_read_as_people_write_them() {
        let cases = [
            ("15m", 15 * MINUTE),
            ("4h", 4 * HOUR),
            ("2d", 2 * DAY),
            ("1h30m", 90 * MINUTE),
            ("2 days 3 hours", 51 * HOUR),
            ("1W", 7 * DAY),
            ("0s", 0),
        ];
        for (text, micros) in cases {
            assert_eq!(read_span(text), Ok(micros), "{text}");
        }
        let bad = [
            "",
            " ",
            "5",
            "m",
            "-5m",
            "5 parsecs",
            "1.5h",
            "99999999999999d",
            "9223372036854775807s",
            "5mü",
        ];
        for text in bad {
            assert!(read_span(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn estimates_are_whole_minutes_rounded_up_and_read_back() {
        assert_eq!(read_minutes("4h"), Ok(240));
        assert_eq!(read_minutes("61s"), Ok(2));
        assert_eq!(read_minutes("0"), Ok(0));
        for minutes in [1, 59, 60, 250, 1_440, 20_161, 4_000_000] {
            assert_eq!(read_minutes(&write_minutes(minutes)), Ok(minutes));
        }
    }
}
