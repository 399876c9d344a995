//! What an update wants done: the console itself does nothing.

use super::{log::Wish, look::Wanted, mail::MailAct};
use crate::domain::{command::Command, moment::Moment, query::Query, time::Timestamp};

/// Tells an answer from others; rises for ever.
pub type Ticket = u64;

/// A wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Hand a command to the engine; the outcome comes as [`super::msg::Msg::Submitted`].
    Submit {
        /// Comes back with the outcome.
        ticket: Ticket,
        /// The intent.
        command: Box<Command>,
        /// The number of the claim that it is about: another one that holds by then is left alone.
        epoch: Option<u32>,
        /// When its order may have changed last: one that changed since is left alone.
        as_of: Option<Timestamp>,
    },
    /// Ask a question; the answer comes as [`super::msg::Msg::Answered`].
    Ask {
        /// Comes back with the answer.
        ticket: Ticket,
        /// The question.
        query: Query,
    },
    /// Run a line in the grammar of the command line; what it prints comes as [`super::msg::Msg::Printed`].
    Run {
        /// Comes back with the output.
        ticket: Ticket,
        /// The line, without the program's name.
        line: String,
    },
    /// Read or write the user's files; what comes of it comes as [`super::look::Wanted`] says.
    Files(Wanted),
    /// Do something about a dead letter; what came of it comes as [`super::msg::Msg::Mail`] and as what to say.
    Mail(MailAct),
    /// See this of an agent's runs from now on, and tell it whenever it is another, as [`super::msg::Msg::Runs`]; none for
    /// nothing any more.
    Watch(Option<Box<Wish>>),
    /// Go to a moment of the past, or back to the present: questions are answered as of there from then on. The arrival
    /// comes as [`super::msg::Msg::Arrived`].
    Travel {
        /// Comes back with the arrival.
        ticket: Ticket,
        /// Where to; none is the present.
        moment: Option<Moment>,
    },
    /// Say what may come next in a line of the command line's grammar; it comes as [`super::msg::Msg::Completed`].
    Complete(String),
    /// Put a text on the clipboard; how that went comes as [`super::msg::Msg::Copied`].
    Copy {
        /// What is said to be copied: the text itself, or what it is.
        what: String,
        /// The text.
        text: String,
    },
    /// Call somebody who may not be looking, as configured.
    Notify(String),
    /// Have the terminal report the mouse, or no longer.
    Mouse(bool),
    /// Give the terminal back to the shell until the process is continued.
    Suspend,
    /// Write down what was heard last; where it went comes as [`super::msg::Msg::Printed`].
    Record,
    /// Paint every cell anew.
    Redraw,
    /// Leave.
    Quit,
}

impl Effect {
    /// Returns the wish to copy a short text that says itself what it is.
    pub fn copy(text: String) -> Self {
        Effect::Copy {
            what: text.clone(),
            text,
        }
    }
}
