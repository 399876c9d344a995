//! The past on screen: where the console stands, what the line is meanwhile, how fast the past is played.

use std::sync::Arc;

use super::{effect::Ticket, model::Events};
use crate::domain::{
    moment::Moment,
    query::since,
    record::Seq,
    state::State,
    time::{DAY, HOUR, MINUTE, SECOND, Timestamp, read_span},
};

/// What can be typed for a moment.
pub const FORMS: &str = "-2h, +30m, 14:02, 2026-02-02 14:02 or now";

/// The speeds at which the past is played, in seconds a second.
pub const SPEEDS: [i64; 5] = [1, 10, 60, 300, 600];

/// How long each picture of a played past stands: four a second show movement and leave a slow link alone.
pub const STEP: i64 = SECOND / 4;

/// A way to another moment that is being gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// Tells its end from that of others.
    pub ticket: Ticket,
    /// How many records of how many were replayed; none while it is short.
    pub gone: Option<(Seq, Seq)>,
}

/// A past that is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Play {
    /// Which of [`SPEEDS`].
    pub speed: usize,
    /// When the next picture is wanted, by the clock of the present.
    pub next: Timestamp,
}

/// What the line is while the screen shows how it was.
#[derive(Clone, Debug)]
pub struct Present {
    /// Its newest version.
    pub state: Arc<State>,
    /// Its time.
    pub now: Timestamp,
    /// Its events.
    pub events: Events,
}

/// Where in time the console is.
#[derive(Clone, Debug, Default)]
pub struct Travel {
    /// The way that is being gone.
    pub way: Option<Way>,
    /// The present, while the past is on screen.
    pub present: Option<Present>,
    /// Whether the past is played, and how fast.
    pub play: Option<Play>,
}

impl Travel {
    /// Returns when the console has to do something about it by itself.
    pub fn wakes_at(&self) -> Option<Timestamp> {
        match self.way {
            Some(_) => None,
            None => self.play.map(|play| play.next),
        }
    }
}

/// Returns the moment that somebody typed who stands at `here` while it is `now`. A sign counts from `here`; without one
/// an hour and minute are the last ones before `now`. None is the present.
///
/// # Errors
///
/// It is none of [`FORMS`], or in the future.
pub fn read(text: &str, here: Timestamp, now: Timestamp) -> Result<Option<Timestamp>, String> {
    let text = text.trim();
    let at = if text.eq_ignore_ascii_case("now") {
        return Ok(None);
    } else if let Some(span) = text.strip_prefix('-') {
        here.plus(-read_span(span)?)
    } else if let Some(span) = text.strip_prefix('+') {
        let at = here.plus(read_span(span)?);
        if at >= now {
            return Ok(None);
        }
        at
    } else if let Some(of_day) = clock(text) {
        let midnight = now.0.div_euclid(DAY).saturating_mul(DAY);
        let today = Timestamp(midnight.saturating_add(of_day));
        if today > now { today.plus(-DAY) } else { today }
    } else if let Some((day, time)) = text.split_once(' ')
        && let (Ok(day), Some(of_day)) = (moment(day, now), clock(time.trim()))
    {
        day.plus(of_day)
    } else {
        moment(text, now).map_err(|_| format!("'{text}' is not a moment; use {FORMS}"))?
    };
    match at > now {
        true => Err(format!("'{text}' is in the future")),
        false => Ok(Some(at)),
    }
}

/// Returns a moment; one that can be read and lies in the future too.
fn moment(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    since::since(text, now).or_else(|_| since::since(text, Timestamp::MAX))
}

/// Returns the microseconds since midnight of `14:02` or `14:02:30`.
fn clock(text: &str) -> Option<i64> {
    let mut parts = text.split(':');
    let mut part = |below: i64| {
        let number = parts.next()?;
        let fine = matches!(number.len(), 1 | 2) && number.bytes().all(|b| b.is_ascii_digit());
        let number: i64 = number.parse().ok().filter(|_| fine)?;
        (number < below).then_some(number)
    };
    let (hours, minutes) = (part(24)?, part(60)?);
    let seconds = match text.matches(':').count() {
        1 => 0,
        2 => part(60)?,
        _ => return None,
    };
    Some(hours * HOUR + minutes * MINUTE + seconds * SECOND)
}

/// Returns the step to another moment: a command back or on from the record `at`.
pub fn beside(at: Seq, on: bool) -> Moment {
    match on {
        true => Moment::After(at),
        false => Moment::Before(at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_typed_in_many_ways() {
        let at = |text: &str| since::since(text, Timestamp::MAX).unwrap_or_default();
        let (here, now) = (at("2026-03-01T08:00:00Z"), at("2026-03-02T12:00:00Z"));
        for (text, moment) in [
            ("-2h", "2026-03-01T06:00:00Z"),
            ("+30m", "2026-03-01T08:30:00Z"),
            ("11:02", "2026-03-02T11:02:00Z"),
            ("14:02", "2026-03-01T14:02:00Z"),
            ("2026-02-02 14:02:30", "2026-02-02T14:02:30Z"),
            ("yesterday 7:30", "2026-03-01T07:30:00Z"),
            ("2026-02-02", "2026-02-02T00:00:00Z"),
            ("3 days ago", "2026-02-27T12:00:00Z"),
        ] {
            assert_eq!(read(text, here, now), Ok(Some(at(moment))), "{text}");
        }
        assert_eq!(read("now", here, now), Ok(None));
        assert_eq!(
            read("+9w", here, now),
            Ok(None),
            "there is no later than now"
        );
        for bad in ["", "soon", "25:00", "1:2:3:4", "-", "-x", "2027-01-01", "é"] {
            assert!(read(bad, here, now).is_err(), "{bad}");
        }
        for late in ["2027-01-01", "2026-03-03 10:00", "2027-01-01T00:00:00Z"] {
            let said = Err(format!("'{late}' is in the future"));
            assert_eq!(read(late, here, now), said);
        }
    }
}
