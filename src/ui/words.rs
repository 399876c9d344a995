//! How numbers and moments are worded on screen.

use crate::domain::time::{DAY, HOUR, MINUTE, Timestamp};

/// Returns a duration in its one largest unit, at most four cells: `now`, `5m`, `3h`, `12d`, `8w`, `2y`.
///
/// Nothing below a minute is told apart, so that an idle screen changes once a minute at most.
pub fn age(micros: i64) -> String {
    const WEEK: i64 = 7 * DAY;
    const YEAR: i64 = 365 * DAY;
    match micros.max(0) {
        m if m < MINUTE => "now".into(),
        m if m < HOUR => format!("{}m", m / MINUTE),
        m if m < DAY => format!("{}h", m / HOUR),
        m if m < 4 * WEEK => format!("{}d", m / DAY),
        m if m < YEAR => format!("{}w", m / WEEK),
        m => format!("{}y", (m / YEAR).min(999)),
    }
}

/// Returns how long something still lasts, as [`age`] words it; what ends within the minute does not end now: `<1m`.
pub fn left(micros: i64) -> String {
    match micros {
        m if m < MINUTE => "<1m".into(),
        m => age(m),
    }
}

/// Returns a duration in its two largest units: `3h 20m`, `2d 4h`.
pub fn span(micros: i64) -> String {
    let (large, rest) = match micros.max(0) {
        m if m < HOUR => return age(m),
        m if m < DAY => (format!("{}h", m / HOUR), m % HOUR),
        m if m < 14 * DAY => (format!("{}d", m / DAY), m % DAY),
        m => return age(m),
    };
    if rest < MINUTE {
        large
    } else {
        format!("{large} {}", age(rest))
    }
}

/// Returns how long ago something was: `just now`, `5m ago`.
pub fn ago(now: Timestamp, then: Timestamp) -> String {
    match now.since(then) {
        m if m < MINUTE => "just now".into(),
        m => format!("{} ago", age(m)),
    }
}

/// Returns the hour and minute of a moment in UTC: `14:05`.
pub fn clock(time: Timestamp) -> String {
    time.to_utc().format("%H:%M").to_string()
}

/// Returns the day and second of a moment in UTC: `2026-03-01 14:05:09`.
pub fn second(time: Timestamp) -> String {
    time.to_utc().format("%Y-%m-%d %H:%M:%S").to_string()
}

/// Returns the day and minute of a moment in UTC: `2026-03-01 14:05`.
pub fn date(time: Timestamp) -> String {
    time.to_utc().format("%Y-%m-%d %H:%M").to_string()
}

/// Returns a count with its noun: `1 order`, `2 orders`.
pub fn count(n: usize, noun: &str) -> String {
    if n == 1 {
        format!("1 {noun}")
    } else {
        format!("{n} {noun}s")
    }
}

/// Returns a stored word as people read it: `technical_debt` is `technical debt`.
pub fn plain(word: &str) -> String {
    word.replace('_', " ")
}

/// Returns whether a line has every one of some words in any case, and none of those with a `!` before them.
pub fn found(line: &str, words: &str) -> bool {
    let (line, words) = (line.to_lowercase(), words.to_lowercase());
    words
        .split_whitespace()
        .all(|word| match word.strip_prefix('!') {
            Some(unwanted) if !unwanted.is_empty() => !line.contains(unwanted),
            _ => line.contains(word),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_within_the_minute_is_not_said_to_end_now() {
        assert_eq!(left(59 * 1_000_000), "<1m");
        assert_eq!(left(MINUTE), "1m");
    }

    #[test]
    fn durations_are_short_and_never_negative() {
        let check = |micros, short: &str, long: &str| {
            assert_eq!((age(micros).as_str(), span(micros).as_str()), (short, long));
        };
        check(-5, "now", "now");
        check(59 * MINUTE, "59m", "59m");
        check(3 * HOUR + 20 * MINUTE, "3h", "3h 20m");
        check(2 * DAY + 4 * HOUR, "2d", "2d 4h");
        check(40 * DAY, "5w", "5w");
        check(i64::MAX, "999y", "999y");
        assert!(age(27 * DAY).len() <= 4 && age(364 * DAY).len() <= 4);
    }
}
