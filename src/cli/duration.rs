//! Spans and moments as people type them: `15m`, `4h`, `2d`, `7 days ago`, `2026-02-01`.

use chrono::{DateTime, NaiveDate, NaiveTime};

use crate::domain::time::{DAY, SECOND, Timestamp};
pub(super) use crate::domain::time::{read_minutes as minutes, read_span as span};

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
    fn leases_are_whole_seconds() {
        assert_eq!(seconds("2m"), Ok(120));
    }
}
