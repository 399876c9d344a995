//! What can happen to the console. Every message that needs the time carries it.

use std::sync::Arc;

use super::{effect::Ticket, keymap::Key, look::Look, theme::Theme};
use crate::domain::{
    query::Answer, record::Record, refusal::Refusal, state::State, time::Timestamp,
};

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Msg {
    /// A key was pressed.
    Key(Key),
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
    /// The user's files were read.
    Look(Box<Look>),
    /// The themes to choose from.
    Themes(Vec<Theme>),
    /// A copy was made, or not: how, or why not.
    Copied(Result<String, String>),
    /// A minute began.
    Tick(Timestamp),
}

/// Why something asked for did not happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A rule does not allow it. Nothing was changed.
    Refused(Refusal),
    /// The engine could not do it, or it is not known whether it did: what, where, how to mend it.
    Fault(String),
}

/// How the console reaches its ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
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
            Connection::Down { .. } => "disconnected",
        }
    }
}
