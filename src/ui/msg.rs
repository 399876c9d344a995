//! What can happen to the console. Every message that needs the time carries it.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{
    complete::Grammar, effect::Ticket, keymap::Key, line::LineSeen, log::Sight, look::Look,
    mail::Mailbag, pointer::Mouse, theme::Theme,
};
use crate::config::Filters;
use crate::domain::{
    query::Answer,
    record::{Record, Seq},
    refusal::Refusal,
    state::State,
    time::Timestamp,
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
    /// The engine cannot be reached; what is on screen is as of then.
    Down {
        /// Since when.
        since: Timestamp,
        /// Why.
        why: String,
    },
}

impl Connection {
    /// Returns the word on screen.
    pub fn word(&self) -> &'static str {
        match self {
            Connection::Host => "host",
            Connection::Attached => "attached",
            Connection::Alone => "no host",
            Connection::Down { .. } => "LOST",
        }
    }
}
