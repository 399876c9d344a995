//! What can happen to the console. Every message that needs the time carries it.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{
    complete::Grammar, effect::Ticket, keymap::Key, line::LineSeen, log::Sight, look::Look,
    mail::Mailbag, pointer::Mouse, theme::Theme, words,
};
use crate::config::Filters;
use crate::domain::{
    command::Role,
    order::Actor,
    query::Answer,
    record::{Record, Seq},
    refusal::Refusal,
    state::State,
    time::{MINUTE, SECOND, Timestamp},
};

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Msg {
    /// A key was pressed.
    Key(Key),
    /// The mouse did something.
    Mouse(Mouse),
    /// Text was pasted.
    Paste(String),
    /// The terminal has another size: columns, rows.
    Resize(u16, u16),
    /// The engine published a version of the state, with the records that led to it as far as they are at hand.
    Changed {
        /// The version.
        state: Arc<State>,
        /// Its newest records, oldest first.
        records: Vec<Record>,
        /// When it was published.
        now: Timestamp,
    },
    /// The way to the engine changed.
    Connection(Connection),
    /// An engine elsewhere let this console in: as whom, and the most it may do.
    Admitted {
        /// The name in the corner.
        name: String,
        /// Who acts from here on.
        me: Actor,
        /// What they may do.
        role: Role,
    },
    /// The line to the terminal turned out to be slow, or no longer is.
    Link {
        /// Whether it is.
        slow: bool,
    },
    /// A question was answered.
    Answered {
        /// Which.
        ticket: Ticket,
        /// The answer.
        answer: Result<Box<Answer>, Failure>,
    },
    /// A command was decided.
    Submitted {
        /// Which.
        ticket: Ticket,
        /// Its records, or why not.
        outcome: Result<Vec<Record>, Failure>,
    },
    /// A typed line ran.
    Printed {
        /// Which.
        ticket: Ticket,
        /// What it printed, or what went wrong.
        output: Result<String, String>,
    },
    /// What the grammar says about a line.
    Completed(Grammar),
    /// The user's files were read.
    Look(Box<Look>),
    /// The themes to choose from.
    Themes(Vec<Theme>),
    /// The saved filters, and what to say about them.
    Filters(Filters, Result<String, String>),
    /// A long way to the past is being gone.
    OnTheWay {
        /// Which.
        ticket: Ticket,
        /// How many records of how many were replayed.
        gone: (Seq, Seq),
    },
    /// The console stands in the past, or cannot.
    Arrived {
        /// By which way.
        ticket: Ticket,
        /// The version there and its moment.
        stands: Result<(Arc<State>, Timestamp), Failure>,
    },
    /// The engine showed that it is alive, and keeps up with its ledger.
    Alive(Timestamp),
    /// What is to be seen of the bus is another.
    Mail(Box<Mailbag>),
    /// What is to be seen of an agent's runs is another.
    Runs(Box<Sight>),
    /// A host said that its agents are about something else.
    Lives,
    /// What `obeya.toml` comes to is another.
    Line(Box<LineSeen>),
    /// A copy was made, or not: how, or why not.
    Copied(Result<String, String>),
    /// A minute began.
    Tick(Timestamp),
}

/// Why something asked for did not happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Failure {
    /// A rule does not allow it. Nothing was changed.
    Refused(Refusal),
    /// The engine could not do it, or it is not known whether it did: what, where, how to mend it.
    Fault(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Refused(refusal) => fmt::Display::fmt(refusal, f),
            Failure::Fault(what) => f.write_str(what),
        }
    }
}

/// How the console reaches its ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Connection {
    /// This console is the host.
    Host,
    /// Another process is the host.
    Attached,
    /// Nobody is the host: due things happen when somebody writes.
    Alone,
    /// The engine is elsewhere, and what is on screen is what is so.
    Live,
    /// The engine is elsewhere, and nothing has come from it for a while, though nothing is lost.
    Late {
        /// When something came last.
        since: Timestamp,
    },
    /// The engine cannot be reached; what is on screen is as of then.
    Down {
        /// Since when.
        since: Timestamp,
        /// Why.
        why: String,
        /// When it is tried again to reach one that is elsewhere; a ledger here is looked for every five seconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next_try: Option<Timestamp>,
    },
}

impl Connection {
    /// Returns the word on screen, as it is said at a time.
    pub fn word(&self, now: Timestamp) -> String {
        match self {
            Connection::Host => "host".into(),
            Connection::Attached => "attached".into(),
            Connection::Alone => "no host".into(),
            Connection::Live => "live".into(),
            Connection::Late { since } => format!("late {}", rough(now.since(*since))),
            Connection::Down { next_try: None, .. } => "LOST".into(),
            Connection::Down { since, .. } => format!("DOWN {}", rough(now.since(*since))),
        }
    }

    /// Returns whether the engine is elsewhere.
    pub fn is_elsewhere(&self) -> bool {
        matches!(
            self,
            Connection::Live
                | Connection::Late { .. }
                | Connection::Down {
                    next_try: Some(_),
                    ..
                }
        )
    }

    /// Returns in how long it is tried again, as it is said at a time; none where nobody waits for that.
    pub fn next_try(&self, now: Timestamp) -> Option<String> {
        let Connection::Down {
            next_try: Some(at), ..
        } = self
        else {
            return None;
        };
        let left = at.since(now);
        // What is due is being done.
        Some(match left > 0 {
            true => format!("next try {}", rough(left.saturating_add(SECOND - 1))),
            false => "trying now".to_owned(),
        })
    }

    /// Returns when another word is due, while nothing else happens.
    pub fn wakes_at(&self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Connection::Late { since } => grows(now, *since),
            Connection::Down {
                since,
                next_try: Some(next),
                ..
            } => {
                let left = next.since(now);
                // As the words have it, rounded up: the next ones are due a second before this step of theirs begins.
                let said = left.saturating_add(SECOND - 1);
                let step = match said {
                    short if short <= 10 * SECOND => SECOND,
                    long if long < MINUTE => 5 * SECOND,
                    _ => MINUTE,
                };
                let due = said - said % step - SECOND;
                let shrinks = (left > 0).then(|| now.plus((left - due).max(1)));
                [grows(now, *since), shrinks].into_iter().flatten().min()
            }
            _ => None,
        }
    }
}

/// Returns a span as it is said of a link: by the second up to ten, by five up to a minute, then by the minute, so that a
/// console that waits draws few frames.
fn rough(span: i64) -> String {
    match span.max(0) {
        short if short <= 10 * SECOND => format!("{}s", short / SECOND),
        long if long < MINUTE => format!("{}s", long / (5 * SECOND) * 5),
        long => words::span(long),
    }
}

/// Returns when the age of something below a minute is said otherwise; from then on the minute does.
fn grows(now: Timestamp, since: Timestamp) -> Option<Timestamp> {
    let age = now.since(since).max(0);
    let step = match age {
        short if short < 10 * SECOND => SECOND,
        long if long < MINUTE => 5 * SECOND,
        _ => return None,
    };
    Some(since.plus(age - age % step + step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_told_in_few_words_that_change_seldom() {
        let since = Timestamp(1_000 * SECOND);
        let connection = Connection::Down {
            since,
            why: "cut".into(),
            next_try: Some(since.plus(27 * SECOND)),
        };
        let mut now = since;
        let mut said = Vec::new();
        for _ in 0..100 {
            let words = (connection.word(now), connection.next_try(now));
            assert_ne!(said.last(), Some(&words), "woken for nothing at {now:?}");
            said.push(words);
            let Some(next) = connection.wakes_at(now) else {
                break;
            };
            assert!(next > now, "it would spin");
            now = next;
        }
        assert!(said.len() < 45, "{}", said.len());
        let last = said.last().cloned();
        assert_eq!(last, Some(("DOWN 1m".into(), Some("trying now".into()))));
        assert_eq!(
            said.first().cloned(),
            Some(("DOWN 0s".into(), Some("next try 25s".into())))
        );
        let late = Connection::Late { since };
        assert_eq!(late.word(since.plus(12 * SECOND)), "late 10s");
        assert_eq!(Connection::Live.wakes_at(since), None);
    }
}
