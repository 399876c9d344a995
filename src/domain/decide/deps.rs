//! Who waits for whom. The graph has no cycle; parents count as waiting for their children.

use super::{Decision, guard, validate::MAX_EDGES};
use crate::domain::{
    cold::Cold, event::Event, id::OrderId, order::Wait, refusal::Refusal, state::State,
};

/// Returns how far an order is, as those who wait for it see it.
pub(super) fn state_of(state: &State, cold: &Cold, on: OrderId) -> Result<Wait, Refusal> {
    match (state.order(on), cold.order(on)) {
        (Some(_), _) => Ok(Wait::Open),
        (None, Some(closed)) => Ok(closed.outcome.wait()),
        (None, None) => Err(Refusal::not_found(on)),
    }
}

/// Decides that `id` waits for `on`. An order that is under way may be given a new dependency: it is flagged, not stopped.
pub(super) fn add(state: &State, cold: &Cold, id: OrderId, on: OrderId) -> Decision {
    let order = guard::open(state, cold, id)?;
    if id == on {
        return Err(Refusal::Cycle { path: vec![id, id] });
    }
    let wait = state_of(state, cold, on)?;
    if order.depends_on.iter().any(|known| known.on == on) {
        return Ok(vec![]);
    }
    if order.depends_on.len() >= MAX_EDGES {
        return Err(Refusal::Limit {
            what: "dependencies of an order".into(),
            limit: MAX_EDGES as u64,
        });
    }
    // A closed order cannot take part in a cycle of open ones; reopening it checks anew.
    if wait == Wait::Open
        && let Some(path) = state.graph().cycle(id, on)
    {
        return Err(Refusal::Cycle { path });
    }
    Ok(vec![
        Event::DependencyAdded {
            id,
            on,
            state: wait,
        }
        .into(),
    ])
}

/// Decides that `id` no longer waits for `on`.
pub(super) fn remove(state: &State, cold: &Cold, id: OrderId, on: OrderId) -> Decision {
    let order = guard::open(state, cold, id)?;
    match order.depends_on.iter().any(|known| known.on == on) {
        true => Ok(vec![Event::DependencyRemoved { id, on }.into()]),
        false => Err(Refusal::not_found(format!("dependency of {id} on {on}"))),
    }
}
