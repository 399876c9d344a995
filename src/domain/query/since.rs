//! Moments as people type them: `7 days ago`, `24h`, `yesterday`, `2026-02-02`.

use chrono::{DateTime, NaiveDate, NaiveTime};

use crate::domain::time::{DAY, HOUR, MINUTE, SECOND, Timestamp};

/// What can be typed, for help and for the refusal.
pub const FORMS: &str =
    "\"7 days ago\", 24h, 90m, 2w, today, yesterday, 2026-02-02 or 2026-02-02T10:30:00Z";

/// Reads a moment in the past. Days begin at midnight UTC.
///
/// # Errors
///
/// It is none of [`FORMS`], or lies in the future; the text says so.
pub fn since(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let shown: String = text.chars().take(40).collect();
    let typed = text.trim().to_ascii_lowercase();
    let moment = word(&typed, now)
        .or_else(|| ago(&typed, now))
        .or_else(|| date(text.trim()))
        .ok_or_else(|| format!("'{shown}' is not a moment; use {FORMS}"))?;
    if moment > now {
        return Err(format!("'{shown}' is in the future"));
    }
    Ok(moment)
}

/// Reads a length of time, in microseconds: `7 days`, `1 week`, `24h`, `2d 12h`, `90m`.
pub fn duration(text: &str) -> Option<i64> {
    let text = text.trim().to_ascii_lowercase();
    let mut rest = text.as_str();
    let mut total: i64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (count, behind) = rest.split_at(digits);
        let behind = behind.trim_start();
        let letters = behind.find(|c: char| !c.is_ascii_alphabetic());
        let (name, behind) = behind.split_at(letters.unwrap_or(behind.len()));
        total = total.checked_add(count.parse::<i64>().ok()?.checked_mul(unit(name)?)?)?;
        rest = behind.trim_start();
    }
    (!text.is_empty()).then_some(total)
}

fn unit(name: &str) -> Option<i64> {
    Some(match name {
        "s" | "sec" | "secs" | "second" | "seconds" => SECOND,
        "m" | "min" | "mins" | "minute" | "minutes" => MINUTE,
        "h" | "hour" | "hours" => HOUR,
        "d" | "day" | "days" => DAY,
        "w" | "week" | "weeks" => 7 * DAY,
        "month" | "months" => 30 * DAY,
        "y" | "year" | "years" => 365 * DAY,
        _ => return None,
    })
}

fn word(text: &str, now: Timestamp) -> Option<Timestamp> {
    let midnight = Timestamp(now.0.div_euclid(DAY).saturating_mul(DAY));
    match text {
        "now" => Some(now),
        "today" => Some(midnight),
        "yesterday" => Some(midnight.plus(-DAY)),
        _ => None,
    }
}

fn ago(text: &str, now: Timestamp) -> Option<Timestamp> {
    let length = duration(text.strip_suffix("ago").unwrap_or(text))?;
    now.0.checked_sub(length).map(Timestamp)
}

fn date(text: &str) -> Option<Timestamp> {
    if let Ok(date) = DateTime::parse_from_rfc3339(text) {
        return Some(Timestamp::from_utc(date.to_utc()));
    }
    let date: NaiveDate = text.parse().ok()?;
    Some(Timestamp::from_utc(date.and_time(NaiveTime::MIN).and_utc()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_type_moments_in_many_ways() {
        let now = date("2026-02-10T12:00:00Z").unwrap_or_default();
        for (text, moment) in [
            ("7 days ago", "2026-02-03T12:00:00Z"),
            ("1 week ago", "2026-02-03T12:00:00Z"),
            (" 24H ", "2026-02-09T12:00:00Z"),
            ("1d 12h", "2026-02-09T00:00:00Z"),
            ("90m", "2026-02-10T10:30:00Z"),
            ("today", "2026-02-10T00:00:00Z"),
            ("Yesterday", "2026-02-09T00:00:00Z"),
            ("now", "2026-02-10T12:00:00Z"),
            ("2026-02-02", "2026-02-02T00:00:00Z"),
            ("2026-02-02T10:30:00+01:00", "2026-02-02T09:30:00Z"),
        ] {
            assert_eq!(
                since(text, now).map(|at| at.to_string()),
                Ok(moment.into()),
                "{text}"
            );
        }
        for bad in [
            "",
            "soon",
            "7",
            "days",
            "ago",
            "-3 days",
            "99999999999999999 years",
            "2026-02-30",
            "2027-01-01",
            "7 d;",
            "é",
        ] {
            assert!(since(bad, now).is_err(), "{bad}");
        }
    }
}
