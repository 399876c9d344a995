//! What a hold would stop, seen before the cord is pulled.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    filter::Sort,
    reading::{Answered, Reading},
};
use crate::domain::{
    andon::{Alert, Scope},
    books::Books,
    id::{AlertId, OrderId},
    order::{Actor, Bucket, Order, Phase},
    record::ActorKind,
    refusal::Refusal,
    state::State,
};

/// What a hold on a scope stops.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Blast {
    /// What is held, in the words of `--hold`.
    pub scope: String,
    /// The queued orders in scope that could have started.
    pub ready: Affected,
    /// The queued orders in scope that other alerts hold too: the end of this hold alone does not free them.
    #[serde(default, skip_serializing_if = "Affected::is_none")]
    pub also_held: Affected,
    /// The other alerts that hold those.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also_held_by: Vec<AlertId>,
    /// How many queued orders are in scope in all.
    pub queued: u64,
    /// The orders in progress in scope: they cannot move forward or complete.
    pub in_progress: Affected,
    /// When a stage is held: the orders in progress in the stage before it, which cannot move on into it.
    pub cannot_enter: Affected,
    /// Who holds the orders in progress in scope, by name.
    pub holders: Vec<Actor>,
    /// The open orders outside the scope that wait for one inside it, directly or not.
    pub downstream: Affected,
    /// The orders in scope that may go on, since they are to mend the alert.
    pub exempt: Vec<OrderId>,
    /// The open alerts whose hold covers all of it already.
    pub held_already_by: Vec<AlertId>,
}

/// Some orders, and how many there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Affected {
    /// How many.
    pub total: u64,
    /// The first of them, in the order in which they would be pulled.
    pub orders: Vec<AffectedOrder>,
}

impl Affected {
    /// Returns whether there are none.
    pub fn is_none(&self) -> bool {
        self.total == 0
    }
}

/// An order that a hold stops.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AffectedOrder {
    /// Which.
    pub id: OrderId,
    /// Its title.
    pub title: String,
    /// Its class of service.
    pub bucket: Bucket,
    /// The stage it stands in, when in progress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// Who works on it, when in progress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<Actor>,
}

impl State {
    /// Returns whether a hold on `scope` covers an open order where it stands: a queued one as if it were to start.
    pub fn covers(&self, scope: &Scope, order: &Order) -> bool {
        let work = order.work();
        let stage = work.map_or_else(|| self.first_stage(), |work| Some(&*work.stage));
        let agent = work
            .filter(|work| work.holder.kind == ActorKind::Agent)
            .map(|work| &*work.holder.name);
        self.is_in(scope, order, stage, agent)
    }

    /// Returns whether a hold on `outer` covers all that one on `inner` does.
    pub fn scope_contains(&self, outer: &Scope, inner: &Scope) -> bool {
        outer == inner
            || match (outer, inner) {
                (Scope::Line, _) => true,
                (_, Scope::Order(id)) => self
                    .order(*id)
                    .is_some_and(|order| self.covers(outer, order)),
                (Scope::Epic(outer), Scope::Epic(inner)) => {
                    self.lineage(*inner).any(|ancestor| ancestor == *outer)
                }
                _ => false,
            }
    }
}

/// Returns what a hold on `scope` stops. `of` is the alert that holds it, if it is held already.
/// Each list has at most `limit` entries, in the order in which orders are pulled.
pub fn blast(state: &State, scope: &Scope, of: Option<&Alert>, limit: usize) -> Blast {
    let mut inside: Vec<&Order> = vec![];
    let mut exempt = vec![];
    for order in state
        .work_orders()
        .filter(|order| state.covers(scope, order))
    {
        match of {
            Some(alert) if order.corrective.contains(&alert.id) => exempt.push(order.id),
            _ => inside.push(order),
        }
    }
    inside.sort_by_key(|order| Sort::Ready.key(state, order));
    let queued = |order: &&&Order| matches!(order.phase, Phase::Queued);
    // Under the alert's own hold nothing is ready: what matters is whether anything else stops it.
    let held_by_others = |order: &&&Order| {
        let holds = state.held_by(order);
        let others = holds.filter(|id| of.is_none_or(|alert| alert.id != *id));
        others.collect::<Vec<AlertId>>()
    };
    let free = |order: &&&Order| queued(order) && !order.is_blocked();
    let could_start = |order: &&&Order| free(order) && held_by_others(order).is_empty();
    let also_held = |order: &&&Order| free(order) && !held_by_others(order).is_empty();
    let also_held_by: BTreeSet<AlertId> = inside
        .iter()
        .filter(free)
        .flat_map(|order| held_by_others(&order))
        .collect();
    let working: Vec<&Order> = inside
        .iter()
        .filter(|order| order.work().is_some())
        .copied()
        .collect();
    let holders: BTreeSet<&Actor> = working
        .iter()
        .filter_map(|order| Some(&order.work()?.holder))
        .collect();
    let others = state
        .alerts
        .values()
        .filter(|alert| of.is_none_or(|of| of.id != alert.id));
    let covering = others.filter(|alert| {
        alert
            .hold
            .as_ref()
            .is_some_and(|hold| state.scope_contains(hold, scope))
    });
    let outside = downstream(state, &inside);
    let before = |order: &&Order| match (scope, order.work()) {
        (Scope::Stage(name), Some(work)) => state
            .next_stage(&work.stage)
            .is_some_and(|next| next.name == *name),
        _ => false,
    };
    let exempted = |order: &&Order| of.is_some_and(|alert| order.corrective.contains(&alert.id));
    let mut entering: Vec<&Order> = state
        .work_orders()
        .map(AsRef::as_ref)
        .filter(before)
        .collect();
    entering.retain(|order| !exempted(order));
    entering.sort_by_key(|order| Sort::Ready.key(state, order));
    Blast {
        scope: scope.to_string(),
        ready: affected(inside.iter().filter(could_start).copied(), limit),
        also_held: affected(inside.iter().filter(also_held).copied(), limit),
        also_held_by: also_held_by.into_iter().take(limit).collect(),
        queued: inside.iter().filter(queued).count() as u64,
        holders: holders.into_iter().take(limit).cloned().collect(),
        in_progress: affected(working.into_iter(), limit),
        cannot_enter: affected(entering.into_iter(), limit),
        downstream: affected(outside.into_iter(), limit),
        exempt: exempt.into_iter().take(limit).collect(),
        held_already_by: covering.map(|alert| alert.id).collect(),
    }
}

/// Returns the open orders that wait for one of `inside`, directly or not, and are not among them.
fn downstream<'a>(state: &'a State, inside: &[&Order]) -> Vec<&'a Order> {
    let mut seen: BTreeSet<OrderId> = inside.iter().map(|order| order.id).collect();
    let mut todo: Vec<OrderId> = seen.iter().copied().collect();
    let mut outside = vec![];
    while let Some(id) = todo.pop() {
        for after in state.directly_after(id).filter(|after| seen.insert(*after)) {
            todo.push(after);
            outside.extend(state.order(after).map(AsRef::as_ref));
        }
    }
    outside.sort_by_key(|order: &&Order| Sort::Ready.key(state, order));
    outside
}

fn affected<'a>(orders: impl Iterator<Item = &'a Order>, limit: usize) -> Affected {
    let mut list = Affected::default();
    for order in orders {
        list.total += 1;
        if list.orders.len() < limit {
            list.orders.push(AffectedOrder {
                id: order.id,
                title: order.title.clone(),
                bucket: order.bucket,
                stage: order.work().map(|work| work.stage.clone()),
                holder: order.work().map(|work| work.holder.clone()),
            });
        }
    }
    list
}

impl<B: Books> Reading<'_, B> {
    /// Returns what a hold on `scope` would stop; refused if there is no such thing to hold.
    pub(super) fn blast(&mut self, scope: &Scope, limit: usize) -> Answered<Blast, B> {
        match scope {
            Scope::Order(id) | Scope::Epic(id) => {
                self.find(*id)?;
            }
            Scope::Stage(name) if self.state.settings.stage_index(name).is_none() => {
                return Err(Refusal::not_found(format!("stage '{name}'")).into());
            }
            Scope::Agent(name) if self.state.agent(name).is_none() => {
                return Err(Refusal::not_found(format!("agent '{name}'")).into());
            }
            _ => {}
        }
        Ok(blast(self.state, scope, None, limit))
    }
}
