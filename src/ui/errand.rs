//! Commands on their way to the engine: what follows them, what they are part of, and what would take them back.

use std::{collections::VecDeque, sync::Arc};

use super::{effect::Ticket, overlay::form::Form};
use crate::domain::{
    command::Command,
    id::OrderId,
    order::Order,
    record::{Record, Seq},
    time::{SECOND, Timestamp},
};

/// How long an act can be taken back: as long as one still looks at what it did.
pub const UNDO_SPAN: i64 = 10 * SECOND;

/// A command to submit, and what has to be so still.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The intent.
    pub command: Command,
    /// The number of the claim that it is about.
    pub epoch: Option<u32>,
    /// When its order may have changed last.
    pub as_of: Option<Timestamp>,
}

impl From<Command> for Step {
    fn from(command: Command) -> Self {
        Step {
            command,
            epoch: None,
            as_of: None,
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
    /// The order it is about, if one.
    pub about: Option<OrderId>,
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
    /// Whether the order that it brings into being is started at once.
    pub starts: bool,
}

/// One act on many orders, while outcomes are missing.
#[derive(Debug)]
pub struct Many {
    /// Tells it from others.
    pub id: Ticket,
    /// What is done, in a word or two.
    pub act: String,
    /// How many outcomes are missing.
    pub left: usize,
    /// The orders with which it was done.
    pub done: Vec<OrderId>,
    /// The orders with which it was not, and why.
    pub refused: Vec<(Option<OrderId>, String)>,
    /// What would take it back.
    pub turns: Vec<Turn>,
    /// Whether it takes something back.
    pub undoes: bool,
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
