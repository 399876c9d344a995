//! Spans and moments as people type them: `15m`, `4h`, `2d`, `7 days ago`, `2026-02-01`.

use chrono::{DateTime, NaiveDate, NaiveTime};

use crate::domain::time::{DAY, HOUR, MINUTE, SECOND, Timestamp};

/// The longest span that can be typed: a hundred years, far beyond every limit of the rules.
const MAX: i64 = 36_525 * DAY;

/// Returns a span in microseconds: numbers with units, `15m`, `1h30m`, `2 days`. A day has 24 hours.
pub(super) fn span(text: &str) -> Result<i64, String> {
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
            .filter(|sum| *sum <= MAX)
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
pub(super) fn minutes(text: &str) -> Result<u32, String> {
    if text.trim() == "0" {
        return Ok(0);
    }
    let micros = span(text)?;
    let minutes = (micros + MINUTE - 1) / MINUTE;
    u32::try_from(minutes).map_err(|_| format!("'{text}' is too long"))
}

/// Returns a span in whole seconds.
pub(super) fn seconds(text: &str) -> Result<u32, String> {
    u32::try_from(span(text)? / SECOND).map_err(|_| format!("'{text}' is too long"))
}

/// A moment as it was typed: it becomes one when now is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Since {
    /// So many microseconds ago.
    Ago(i64),
    /// From the day before today on.
    Yesterday,
    /// At this moment.
    At(Timestamp),
}

impl Since {
    /// Returns the moment.
    pub(super) fn at(self, now: Timestamp) -> Timestamp {
        match self {
            Since::Ago(micros) => now.plus(-micros),
            Since::Yesterday => now.plus(-DAY),
            Since::At(moment) => moment,
        }
    }

    /// Returns a moment on the first day of a report by days: 7 days ago are seven days, of which today is the last.
    pub(super) fn first_day(self, now: Timestamp) -> Timestamp {
        match self {
            Since::Ago(micros) => now.plus(-(micros - DAY).max(0)),
            _ => self.at(now),
        }
    }
}

/// Returns a moment in the past: `7 days ago`, `7d`, `yesterday`, a date, or a time by RFC 3339.
pub(super) fn since(text: &str) -> Result<Since, String> {
    let typed = text.trim().to_ascii_lowercase();
    match typed.as_str() {
        "today" | "now" => return Ok(Since::Ago(0)),
        "yesterday" => return Ok(Since::Yesterday),
        _ => {}
    }
    if let Ok(date) = typed.parse::<NaiveDate>() {
        let midnight = date.and_time(NaiveTime::MIN).and_utc();
        return Ok(Since::At(Timestamp::from_utc(midnight)));
    }
    if let Ok(date) = DateTime::parse_from_rfc3339(text.trim()) {
        return Ok(Since::At(Timestamp::from_utc(date.to_utc())));
    }
    let ago = typed.strip_suffix("ago").unwrap_or(&typed);
    span(ago).map(Since::Ago).map_err(|_| {
        let shown: String = text.chars().take(40).collect();
        format!("'{shown}' is not a moment; write it like \"7 days ago\", 7d or 2026-02-01")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(span(text), Ok(micros), "{text}");
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
            assert!(span(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn moments_are_read_as_people_write_them() {
        let now = Timestamp(100 * DAY);
        let cases = [
            ("7 days ago", Timestamp(93 * DAY)),
            ("7d", Timestamp(93 * DAY)),
            ("Yesterday", Timestamp(99 * DAY)),
            ("today", now),
            ("1970-01-05", Timestamp(4 * DAY)),
            ("1970-01-01T01:00:00+01:00", Timestamp(0)),
        ];
        for (text, moment) in cases {
            assert_eq!(since(text).map(|since| since.at(now)), Ok(moment), "{text}");
        }
        assert!(since("last Tuesday").is_err() && since("ago").is_err());
    }

    #[test]
    fn estimates_round_up_to_minutes() {
        assert_eq!(minutes("4h"), Ok(240));
        assert_eq!(minutes("61s"), Ok(2));
        assert_eq!(minutes("0"), Ok(0));
        assert_eq!(seconds("2m"), Ok(120));
    }
}
