//! Commands on their way to the engine: what follows them, what they are part of, and what would take them back.

use std::{collections::VecDeque, fmt, sync::Arc};

use super::{effect::Ticket, overlay::form::Form};
use crate::domain::{
    command::Command,
    id::{AlertId, OrderId},
    order::Order,
    record::{Record, Seq},
    time::{SECOND, Timestamp},
};

/// How long an act can be taken back: as long as one still looks at what it did.
pub const UNDO_SPAN: i64 = 10 * SECOND;

/// What a command is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// An order.
    Order(OrderId),
    /// An alert.
    Alert(AlertId),
}

impl Subject {
    /// Returns what a command writes to, if it names one thing.
    pub fn of(command: &Command) -> Option<Subject> {
        let order = command.order().map(Subject::Order);
        order.or_else(|| command.alert().map(Subject::Alert))
    }

    /// Returns what it is of the ledger's name for it.
    pub fn named(name: &str) -> Option<Subject> {
        let order = name.parse().map(Subject::Order).ok();
        order.or_else(|| name.parse().map(Subject::Alert).ok())
    }

    /// Returns the order, if it is one.
    pub fn order(self) -> Option<OrderId> {
        match self {
            Subject::Order(id) => Some(id),
            Subject::Alert(_) => None,
        }
    }

    /// Returns what such a thing is called.
    pub const fn noun(self) -> &'static str {
        match self {
            Subject::Order(_) => "order",
            Subject::Alert(_) => "alert",
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Order(id) => fmt::Display::fmt(id, f),
            Subject::Alert(id) => fmt::Display::fmt(id, f),
        }
    }
}

/// A command to submit, and what has to be so still.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The intent.
    pub command: Command,
    /// The number of the claim that it is about.
    pub epoch: Option<u32>,
    /// When its order may have changed last.
    pub as_of: Option<Timestamp>,
    /// Whether the order that it brings into being is started at once.
    pub starts: bool,
}

impl From<Command> for Step {
    fn from(command: Command) -> Self {
        Step {
            command,
            epoch: None,
            as_of: None,
            starts: false,
        }
    }
}

/// How an order stood when somebody decided about it.
#[derive(Clone, Debug)]
pub struct Before {
    /// The order.
    pub order: Arc<Order>,
    /// The last record it was known by.
    pub head: Seq,
}

/// Steps of which each is submitted once the one before was done. One of them is under way.
#[derive(Debug, Default)]
pub struct Errand {
    /// The ticket of the step under way.
    pub ticket: Ticket,
    /// What it is about, if one thing.
    pub about: Option<Subject>,
    /// The steps still to come.
    pub steps: VecDeque<Step>,
    /// What the steps before came to.
    pub records: Vec<Record>,
    /// The form it came from, to give back if it is refused.
    pub form: Option<Box<Form>>,
    /// How the order stood.
    pub before: Option<Before>,
    /// What it is part of: the [`Many`] of that number.
    pub many: Option<Ticket>,
    /// Whether it takes something back.
    pub undoes: bool,
    /// What that does not bring back.
    pub lost: String,
    /// Whether the order that the step under way brings into being is started at once.
    pub starts: bool,
}

/// One act on many orders or alerts, while outcomes are missing.
#[derive(Debug)]
pub struct Many {
    /// Tells it from others.
    pub id: Ticket,
    /// What is done, in a word or two.
    pub act: String,
    /// How many outcomes are missing.
    pub left: usize,
    /// With what it was done.
    pub done: Vec<Subject>,
    /// With what it was not, and why.
    pub refused: Vec<(Option<Subject>, String)>,
    /// The order that came into being with it.
    pub made: Option<OrderId>,
    /// What would take it back.
    pub turns: Vec<Turn>,
    /// Whether it takes something back.
    pub undoes: bool,
    /// What is done with each once the first step was done, and not at all where that was refused.
    pub behind: Vec<Step>,
}

/// What would take back what was done to one thing: new commands, never a change of what is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// What it is about, as the ledger knows it.
    pub subject: String,
    /// The last record of what was done: what is newer is somebody's later change.
    pub seq: Seq,
    /// When that was.
    pub at: Timestamp,
    /// The commands, one after another.
    pub steps: Vec<Command>,
    /// What they do not bring back, in a few words; empty if they bring back everything.
    pub lost: String,
}

/// What can be taken back now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undo {
    /// What was done, in a few words.
    pub what: String,
    /// What would take it back.
    pub turns: Vec<Turn>,
    /// When it is too late.
    pub until: Timestamp,
}
