//! How answers write times, spans and fractions: one form each, for JSON and for people.

use std::fmt;

use chrono::DateTime;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::domain::{
    schema::written,
    time::{DAY, HOUR, MINUTE, SECOND, Timestamp},
};

/// A moment in an answer; as JSON it is RFC 3339 in UTC, to the second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub Timestamp);

impl From<Timestamp> for Moment {
    fn from(at: Timestamp) -> Self {
        Moment(at)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let date = DateTime::parse_from_rfc3339(&text).map_err(de::Error::custom)?;
        Ok(Moment(Timestamp::from_utc(date.to_utc())))
    }
}

/// A number with three decimals, held as an integer of thousandths; as JSON it is a plain number.
/// Everything is computed in integers, so that the same ledger gives the same figures everywhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decimal(pub i64);

impl Decimal {
    /// Returns a whole number, saturating.
    pub fn whole(value: i64) -> Self {
        Decimal(value.saturating_mul(1000))
    }

    /// Returns `part / whole`, rounded to the nearest thousandth, or None if there is no whole.
    pub fn ratio(part: i64, whole: i64) -> Option<Self> {
        let (part, whole) = (i128::from(part) * 1000, i128::from(whole));
        let half = whole.abs() / 2 * part.signum();
        let value = (whole > 0).then(|| (part + half) / whole)?;
        i64::try_from(value).ok().map(Decimal)
    }

    /// Returns `part` in percent of `whole`, to a tenth, or None if there is no whole.
    pub fn percent(part: i64, whole: i64) -> Option<Self> {
        let tenths = Self::ratio(part, whole)?.0;
        Some(Decimal(tenths.saturating_mul(100)))
    }
}

impl fmt::Display for Decimal {
    /// Writes it without trailing zeros.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, rest) = (self.0.unsigned_abs() / 1000, self.0.unsigned_abs() % 1000);
        if rest == 0 {
            return f.pad(&format!("{sign}{whole}"));
        }
        let rest = format!("{rest:03}");
        f.pad(&format!("{sign}{whole}.{}", rest.trim_end_matches('0')))
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 % 1000 == 0 {
            serializer.serialize_i64(self.0 / 1000)
        } else {
            serializer.serialize_f64(self.0 as f64 / 1000.0)
        }
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // A float cast saturates, and not-a-number cannot stand in JSON.
        f64::deserialize(deserializer).map(|value| Decimal((value * 1000.0).round() as i64))
    }
}

written!(Moment, {
    "description": "A moment: RFC 3339 in UTC, to the second.",
    "type": "string",
    "format": "date-time",
    "examples": ["2026-02-02T10:00:00Z"],
});

written!(Decimal, {
    "description": "A number with at most three decimals.",
    "type": "number",
});

/// Returns whole seconds of a duration in microseconds.
pub fn seconds(micros: i64) -> i64 {
    micros / SECOND
}

/// Returns a duration in microseconds as people say it: its two largest units, `3d 4h`, `12m`, `40s`.
/// Below an hour one unit is enough; what is negative counts as nothing.
pub fn span(micros: i64) -> String {
    let micros = micros.max(0);
    let units = [(DAY, "d", HOUR, "h"), (HOUR, "h", MINUTE, "m")];
    for (unit, name, smaller, small_name) in units {
        if micros >= unit {
            let (count, rest) = (micros / unit, micros % unit / smaller);
            return match rest {
                0 => format!("{count}{name}"),
                _ => format!("{count}{name} {rest}{small_name}"),
            };
        }
    }
    if micros >= MINUTE {
        format!("{}m", micros / MINUTE)
    } else {
        format!("{}s", micros / SECOND)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_name_their_two_largest_units() {
        for (micros, text) in [
            (-5, "0s"),
            (40 * SECOND, "40s"),
            (12 * MINUTE + 59 * SECOND, "12m"),
            (HOUR, "1h"),
            (2 * HOUR + 5 * MINUTE, "2h 5m"),
            (3 * DAY + 4 * HOUR + 59 * MINUTE, "3d 4h"),
            (30 * DAY, "30d"),
            (i64::MAX, "106751991d 4h"),
        ] {
            assert_eq!(span(micros), text);
        }
    }

    #[test]
    fn decimals_are_rounded_once_and_written_short() -> Result<(), serde_json::Error> {
        for (value, text) in [
            (Decimal::ratio(84, 7), "12"),
            (Decimal::ratio(2, 3), "0.667"),
            (Decimal::ratio(-2, 3), "-0.667"),
            (Decimal::percent(968, 1000), "96.8"),
            (Decimal::percent(1, 3), "33.3"),
        ] {
            let value = value.unwrap_or_default();
            assert_eq!(value.to_string(), text);
            let json = serde_json::to_string(&value)?;
            assert_eq!(json, text);
            assert_eq!(serde_json::from_str::<Decimal>(&json)?, value);
        }
        assert_eq!(Decimal::ratio(1, 0), None);
        assert_eq!(Decimal::percent(i64::MAX, 1), None);
        Ok(())
    }

    #[test]
    fn moments_are_rfc_3339_in_utc() -> Result<(), serde_json::Error> {
        let moment: Moment = serde_json::from_str("\"2026-02-02T12:00:00+02:00\"")?;
        assert_eq!(serde_json::to_string(&moment)?, "\"2026-02-02T10:00:00Z\"");
        assert!(serde_json::from_str::<Moment>("\"yesterday\"").is_err());
        Ok(())
    }
}
