//! What every command must pass before its own rule is asked.

use super::{
    super::cold::{Cold, Needs},
    Context,
    validate::{self, MAX_NAME},
};
use crate::domain::{
    command::Command,
    id::{AlertId, OrderId},
    order::{Order, Outcome, Status},
    record::ActorKind,
    refusal::Refusal,
    state::State,
};

/// How far the edges of closed orders are followed when one is reopened: itself, and what it names.
const ROUNDS: usize = 2;

/// Refuses a role that may not have this command.
pub(super) fn role(command: &Command, context: &Context<'_>) -> Result<(), Refusal> {
    let needs = command.spec().role;
    if context.role < needs {
        return Err(Refusal::Role {
            has: context.role,
            needs,
        });
    }
    Ok(())
}

/// Refuses to write where a newer version has written what this one does not understand.
pub(super) fn readable(state: &State) -> Result<(), Refusal> {
    match &state.unknown {
        Some((kind, seq)) => Err(Refusal::NewerLedger {
            kind: kind.clone(),
            seq: *seq,
        }),
        None => Ok(()),
    }
}

/// Refuses a write that does not carry the epoch of the claim that holds.
///
/// On a leased order only the agent that holds it may write, with the right epoch: epochs count per order, so another
/// agent may well have the same number. An epoch that was given must always be right, whoever gives it believes to
/// hold the order; a closed order still knows the claim it was closed under.
pub(super) fn epoch(
    state: &State,
    cold: &Cold,
    command: &Command,
    context: &Context<'_>,
) -> Result<(), Refusal> {
    let Some(id) = command.order() else {
        return Ok(());
    };
    let open = state.order(id).map(AsRef::as_ref);
    let Some(order) = open.or_else(|| cold.order(id).map(|closed| &closed.order)) else {
        return Ok(());
    };
    let current = order.lease().map(|lease| lease.epoch);
    let stale = |given| Refusal::StaleEpoch { id, given, current };
    if context.epoch.is_some() && context.epoch != current {
        return Err(stale(context.epoch));
    }
    let fenced = context.actor.kind == ActorKind::Agent && !takes(command);
    match open.and_then(Order::work) {
        Some(work) if fenced && work.lease.is_some() => {
            if work.holder != *context.actor {
                let holder = work.holder.clone();
                return Err(Refusal::NotHolder { id, holder });
            }
            context.epoch.map(|_| ()).ok_or_else(|| stale(None))
        }
        _ => Ok(()),
    }
}

/// Refuses a write to an order that changed since its caller looked, where the wish depends on that: what somebody else
/// did later is not taken back unawares. A change is told by its time, whichever way the clock went. An alert is taken
/// back as it was raised, or not at all.
pub(super) fn unchanged(
    state: &State,
    cold: &Cold,
    command: &Command,
    context: &Context<'_>,
) -> Result<(), Refusal> {
    let Some(as_of) = context.as_of else {
        return Ok(());
    };
    if let Command::ResolveAlert { id, .. } = command
        && let Some(alert) = state.alert(*id)
        && (alert.raised.at != as_of || !alert.is_untouched())
    {
        return Err(Refusal::AlertChanged { id: *id });
    }
    let Some(id) = command.order() else {
        return Ok(());
    };
    let open = state.order(id).map(AsRef::as_ref);
    let order = open.or_else(|| cold.order(id).map(|closed| &closed.order));
    match order.filter(|order| order.changed != as_of) {
        Some(_) => Err(Refusal::Changed { id }),
        None => Ok(()),
    }
}

/// Refuses an actor whose name is not a clean line: it is shown wherever the actor's work is.
pub(super) fn actor(context: &Context<'_>) -> Result<(), Refusal> {
    let name = &context.actor.name;
    match validate::line("actor", name, MAX_NAME)? == *name {
        true => Ok(()),
        false => Err(Refusal::invalid(
            "actor",
            "its name has characters that cannot be shown",
        )),
    }
}

impl Command {
    /// Returns the order that a command writes to.
    pub fn order(&self) -> Option<OrderId> {
        match self {
            Command::EditOrder { id, .. }
            | Command::StartOrder { id }
            | Command::ClaimOrder { id, .. }
            | Command::MoveOrder { id, .. }
            | Command::CompleteOrder { id, .. }
            | Command::CancelOrder { id, .. }
            | Command::ReopenOrder { id, .. }
            | Command::ReleaseOrder { id, .. }
            | Command::CommentOrder { id, .. }
            | Command::RecordUsage { id, .. }
            | Command::AddDependency { id, .. }
            | Command::RemoveDependency { id, .. }
            | Command::AddLink { id, .. }
            | Command::RemoveLink { id, .. }
            | Command::RecordGate { id, .. }
            | Command::RecordWorkspace { id, .. }
            | Command::ApproveGate { id, .. }
            | Command::RejectGate { id, .. } => Some(*id),
            Command::LinkCorrective { order, .. } => Some(*order),
            _ => None,
        }
    }

    /// Returns the alert that a command writes to, where it names one.
    pub fn alert(&self) -> Option<AlertId> {
        match self {
            Command::AcknowledgeAlert { id }
            | Command::SnoozeAlert { id, .. }
            | Command::EscalateAlert { id, .. }
            | Command::ResolveAlert { id, .. }
            | Command::LinkCorrective { id, .. } => Some(*id),
            _ => None,
        }
    }
}

/// Returns whether the command wants a hold of its own: those learn who has it, not that an epoch is missing.
fn takes(command: &Command) -> bool {
    matches!(
        command,
        Command::StartOrder { .. } | Command::ClaimOrder { .. }
    )
}

/// Returns an open order, or why it is not one.
pub(super) fn open<'a>(state: &'a State, cold: &Cold, id: OrderId) -> Result<&'a Order, Refusal> {
    match (state.order(id), cold.order(id)) {
        (Some(order), _) => Ok(order),
        (None, Some(closed)) => Err(Refusal::Closed {
            id,
            status: status(&closed.outcome),
        }),
        (None, None) => Err(Refusal::not_found(id)),
    }
}

/// Returns the status that an outcome leaves.
pub(super) fn status(outcome: &Outcome) -> Status {
    match outcome {
        Outcome::Completed { .. } => Status::Completed,
        Outcome::Cancelled { .. } => Status::Cancelled,
    }
}

/// Returns the closed orders that the command names and, when one is to be reopened, those that it names in turn.
pub(super) fn needs(state: &State, cold: &Cold, command: &Command) -> Needs {
    let mut named: Vec<OrderId> = command.order().into_iter().collect();
    match command {
        Command::CreateOrder { order } => {
            named.extend(order.parent);
            named.extend(order.depends_on.iter().copied());
        }
        Command::EditOrder { changes, .. } => {
            if let Some(crate::domain::event::Parent::Of(parent)) = changes.parent {
                named.push(parent);
            }
        }
        Command::AddDependency { on, .. } | Command::RemoveDependency { on, .. } => named.push(*on),
        Command::TriggerAndon { order, hold, .. } => {
            named.extend(*order);
            use crate::domain::{andon::Scope, command::Hold};
            if let Some(Hold::Scope(Scope::Order(id) | Scope::Epic(id))) = hold {
                named.push(*id);
            }
        }
        Command::ReopenOrder { id, .. } => {
            let mut ring = vec![*id];
            for _ in 1..ROUNDS {
                let closed: Vec<_> = ring.iter().filter_map(|id| cold.order(*id)).collect();
                ring = closed
                    .iter()
                    .flat_map(|closed| closed.order.depends_on.iter().map(|wait| wait.on))
                    .chain(closed.iter().filter_map(|closed| closed.order.parent))
                    .collect();
                named.extend(&ring);
            }
        }
        _ => {}
    }
    named.retain(|id| state.order(*id).is_none() && !cold.orders.contains_key(id));
    Needs {
        orders: named.into_iter().collect(),
        tree: cold.tree.is_none() && super::gates::needs_tree(state, command),
        ..Needs::default()
    }
}
