//! A closed order comes back to the line.

use super::{
    Decision, guard, orders,
    validate::{self, MAX_REASON},
};
use crate::domain::{
    cold::Cold,
    event::Event,
    id::OrderId,
    order::{Order, Wait},
    refusal::Refusal,
    state::State,
};

/// Decides that a closed order is open again, with its edges checked anew.
pub(super) fn reopen(state: &State, cold: &Cold, id: OrderId, reason: Option<&str>) -> Decision {
    if state.order(id).is_some() {
        return Err(Refusal::NotClosed { id });
    }
    let mut form = cold
        .order(id)
        .ok_or_else(|| Refusal::not_found(id))?
        .clone();
    let order = &mut form.order;
    if let Some(parent) = order.parent {
        orders::room_for_child(guard::open(state, cold, parent)?)?;
    }
    for wait in &mut order.depends_on {
        wait.state = super::deps::state_of(state, cold, wait.on).unwrap_or(Wait::Cancelled);
    }
    order.blocks = state
        .orders()
        .filter(|other| other.depends_on.iter().any(|wait| wait.on == id))
        .map(|other| other.id)
        .collect();
    order.blocks.sort();
    order.children.retain(|child| {
        state
            .order(*child)
            .is_some_and(|child| child.parent == Some(id))
    });
    order
        .corrective
        .retain(|alert| state.alert(*alert).is_some());
    no_circle(state, order)?;
    let reason = validate::optional_line("reason", reason, MAX_REASON)?;
    Ok(vec![
        Event::OrderReopened {
            id,
            form: Box::new(form),
            reason,
        }
        .into(),
    ])
}

/// Refuses a reopening that would close a circle: something that would wait for the order already lies
/// behind what the order waits for.
fn no_circle(state: &State, order: &Order) -> Result<(), Refusal> {
    let mut graph = state.graph().clone();
    let waits = order.depends_on.iter();
    let waits = waits
        .filter(|wait| wait.state == Wait::Open)
        .map(|wait| wait.on);
    for before in waits.chain(order.children.iter().copied()) {
        graph.insert_edge(order.id, before);
    }
    let mut above = order.blocks.iter().copied().chain(order.parent);
    match above.find_map(|above| graph.cycle(above, order.id)) {
        Some(path) => Err(Refusal::Cycle { path }),
        None => Ok(()),
    }
}
