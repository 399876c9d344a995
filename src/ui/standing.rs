//! How an order stands at a moment: what lists mark and filters ask, derived and never stored.

use crate::domain::{
    order::{Order, Phase},
    state::State,
    time::Timestamp,
};

/// How an order is doing against its SLA. Durations are in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sla {
    /// Nothing is promised.
    None,
    /// So much time is left.
    Within(i64),
    /// So much time is left, and four fifths are gone.
    AtRisk(i64),
    /// It is so much past its time.
    Breached(i64),
}

impl Sla {
    /// Returns how `order` is doing at `now`.
    pub fn of(state: &State, order: &Order, now: Timestamp) -> Sla {
        let Some(due) = state.due(order) else {
            return Sla::None;
        };
        let left = due.since(now);
        let whole = due.since(order.entered);
        if left == 0 {
            Sla::Breached(now.since(due))
        } else if left <= whole / 5 {
            Sla::AtRisk(left)
        } else {
            Sla::Within(left)
        }
    }
}

/// What keeps a queued order, or an order in progress, from moving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marks {
    /// It waits for another order.
    pub blocked: bool,
    /// An alert holds it.
    pub held: bool,
    /// Its SLA.
    pub sla: Sla,
}

impl Marks {
    /// Returns the marks of `order` at `now`.
    pub fn of(state: &State, order: &Order, now: Timestamp) -> Marks {
        Marks {
            blocked: order.is_blocked(),
            held: is_held(state, order),
            sla: Sla::of(state, order, now),
        }
    }
}

/// Returns whether an open alert holds `order` where it stands; a queued order is held where it would start.
pub fn is_held(state: &State, order: &Order) -> bool {
    if state.alerts.is_empty() {
        return false;
    }
    let (stage, holder) = match &order.phase {
        Phase::Queued => (state.settings.stages.first().map(|s| s.name.as_str()), None),
        Phase::InProgress(work) => (Some(work.stage.as_str()), Some(work.holder.name.as_str())),
    };
    state.holds_on(order, stage, holder).next().is_some()
}

/// Returns whether `order` could be pulled now as far as dependencies and alerts go.
pub fn is_ready(state: &State, order: &Order) -> bool {
    order.phase == Phase::Queued
        && !order.is_epic()
        && !order.is_blocked()
        && !is_held(state, order)
}
