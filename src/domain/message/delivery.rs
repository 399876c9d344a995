//! What becomes of a message that was given out: the rules of delivery, without a clock and without a file.
//!
//! To one subscriber a message is *queued* behind the subscriber's cursor, *delivered* while somebody has it, and then
//! *acknowledged*, or a dead letter with a reason. It is delivered at least once: who has it and dies gives it back when
//! its time is up. First deliveries come in the order of sending; a message that is given out again comes before newer
//! ones that are still queued, and may come after newer ones that were given out meanwhile.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{
    order::vocabulary,
    time::{DAY, SECOND, Timestamp},
};

vocabulary! {
    /// How far a message is, to one subscriber.
    DeliveryState ("delivery state") {
        /// Nobody has it yet.
        Queued = "queued",
        /// Somebody has it.
        Delivered = "delivered",
        /// It is done.
        Acknowledged = "acknowledged",
    }
}

vocabulary! {
    /// Why a message is dead.
    Reason ("reason") {
        /// It was no longer worth anything, or kept no longer, before it was acknowledged.
        Expired = "expired",
        /// Nobody takes what is sent there.
        NoSubscriber = "no_subscriber",
        /// It was given out too often, and never acknowledged.
        TooManyDeliveries = "too_many_deliveries",
        /// Its receiver gave it back for good.
        Refused = "refused",
        /// It was a request, and nobody answered in time.
        RequestTimeout = "request_timeout",
    }
}

impl Reason {
    /// Returns the reason as part of a sentence: `dead: …`.
    pub const fn sentence(self) -> &'static str {
        match self {
            Reason::Expired => "it expired before it was acknowledged",
            Reason::NoSubscriber => "nobody takes messages there",
            Reason::TooManyDeliveries => "it was delivered too often without being acknowledged",
            Reason::Refused => "its receiver refused it",
            Reason::RequestTimeout => "nobody answered in time",
        }
    }
}

/// The times and numbers of delivery and of keeping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Terms {
    /// How long a message is a reader's before it is given out again, in microseconds.
    pub visibility: i64,
    /// How often a message is given out at most.
    pub max_deliveries: u32,
    /// How long messages are kept, in microseconds.
    pub keep_for: i64,
    /// How many messages are kept.
    pub keep: u64,
    /// How many bytes the bodies of kept messages may take together. Those of dead letters may take as much again.
    pub keep_bytes: u64,
    /// How long mail to an inbox is worth anything where its sender does not say, in microseconds; none lasts as long as it
    /// is kept.
    pub ttl: Option<i64>,
}

impl Default for Terms {
    /// Half a minute for a message is long for a program and short for a person to wait; five times tells a message that
    /// kills its readers from a reader that was restarted; a week outlasts a long weekend; 100,000 messages of a usual
    /// size take some 50 MiB; 256 MiB stop only a flood of the longest ones.
    fn default() -> Self {
        Terms {
            visibility: 30 * SECOND,
            max_deliveries: 5,
            keep_for: 7 * DAY,
            keep: 100_000,
            keep_bytes: 256 << 20,
            ttl: None,
        }
    }
}

/// A message in somebody's hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// How often it was given out.
    pub attempts: u32,
    /// Until when it is the reader's.
    pub due: Timestamp,
    /// Whether it is no longer worth anything.
    pub expired: bool,
}

/// What is to be done about a message in somebody's hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing: it is still the reader's.
    Leave,
    /// Give it out again, for the time that it then has.
    Again(Held),
    /// It is dead.
    Dead(Reason),
}

impl Terms {
    /// Returns a message as it is when it is first given out at `now`.
    pub fn first(&self, now: Timestamp) -> Held {
        Held {
            attempts: 1,
            due: now.plus(self.visibility),
            expired: false,
        }
    }

    /// Returns what is to be done at `now` about a message that was given out.
    pub fn judge(&self, held: Held, now: Timestamp) -> Verdict {
        // Due by so much more than the rules ever give it: the clock was set back meanwhile.
        let stuck = held.due.since(now) > self.visibility;
        if held.due > now && !stuck {
            return Verdict::Leave;
        }
        if held.expired {
            return Verdict::Dead(Reason::Expired);
        }
        if held.attempts >= self.max_deliveries {
            return Verdict::Dead(Reason::TooManyDeliveries);
        }
        Verdict::Again(Held {
            attempts: held.attempts.saturating_add(1),
            due: now.plus(self.visibility),
            expired: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_given_out_again_until_it_is_dead() {
        let terms = Terms::default();
        let mut now = Timestamp(1_000);
        let mut held = terms.first(now);
        for attempt in 1..=terms.max_deliveries {
            assert_eq!(held.attempts, attempt);
            assert_eq!(terms.judge(held, now), Verdict::Leave);
            now = held.due;
            match terms.judge(held, now) {
                Verdict::Again(next) => held = next,
                verdict => {
                    assert_eq!(verdict, Verdict::Dead(Reason::TooManyDeliveries));
                    assert_eq!(attempt, terms.max_deliveries);
                }
            }
        }
    }

    #[test]
    fn a_clock_that_was_set_back_keeps_no_message() {
        let terms = Terms::default();
        let held = terms.first(Timestamp(10 * DAY));
        assert!(matches!(
            terms.judge(held, Timestamp(DAY)),
            Verdict::Again(_)
        ));
    }

    #[test]
    fn what_expired_dies_when_it_comes_back_and_not_in_its_readers_hands() {
        let terms = Terms::default();
        let held = Held {
            expired: true,
            ..terms.first(Timestamp(0))
        };
        assert_eq!(terms.judge(held, Timestamp(1)), Verdict::Leave);
        let dead = Verdict::Dead(Reason::Expired);
        assert_eq!(terms.judge(held, held.due), dead);
    }
}
