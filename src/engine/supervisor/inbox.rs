//! What the loop of a host's agents hears.

use super::{Wish, machine::Ending};
use crate::{
    config::line::Line,
    domain::{
        id::OrderId,
        query::life::{Life, LifeSource, LifeState},
        refusal::Refusal,
        time::Timestamp,
    },
};

/// Who is told what came of an errand.
pub(super) type Answer = Box<dyn FnOnce(Result<Life, Refusal>) + Send>;

/// What the loop hears.
pub(super) enum Note {
    /// What the file says now.
    Rules(Line),
    /// Something about the run of an agent's slot.
    Told(String, usize, Told),
    /// Work on an order is done, and only these gates, at which persons approve, keep it from being completed; none of them
    /// any more where there is none.
    Waits(OrderId, Vec<String>),
    /// It is over.
    Ended(String, usize, Ending),
    /// Somebody wants something.
    Asked(Wish, Answer),
    /// Everything is to end.
    Stop,
}

/// What a run tells of itself.
pub(super) enum Told {
    State(LifeState, LifeSource, Option<String>),
    Process(String, i32),
    Order(Option<OrderId>),
    Throttled(String, Timestamp),
    Healthy,
}
