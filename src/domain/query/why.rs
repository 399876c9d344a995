//! Why an order is not moving: the shortest proof, each line a place to go.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Live,
    filter::Sort,
    reading::{Answered, Found, Reading},
    value::span,
};
use crate::domain::{
    andon::Scope,
    books::Books,
    budget::BudgetScope,
    id::{AlertId, OrderId},
    order::{Bucket, Dependency, Order, Outcome, Phase, Wait, Work},
    record::ActorKind,
    settings::Stage,
    state::State,
    time::Timestamp,
    treasury,
};

/// Orders that are looked at for the shortest chain: a bound on the time of one question.
const MAX_SEARCH: usize = 100_000;
/// Steps of a chain that are written out; of a longer one the two ends are.
pub(super) const MAX_STEPS: usize = 8;

/// Why an order is not moving.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Why {
    /// Which.
    pub id: OrderId,
    /// The proof, what is nearest first.
    pub reasons: Vec<Reason>,
}

/// One line of the proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    /// The line.
    pub text: String,
    /// Where to go to see or change it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// Somewhere in the console, or a subject of the command line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// An order.
    Order(OrderId),
    /// An alert.
    Alert(AlertId),
    /// A bucket.
    Bucket(Bucket),
    /// A stage.
    Stage(String),
    /// An agent.
    Agent(String),
}

/// Returns why an open order is not moving; empty if there is no such open order. A ready one is told its place in line,
/// for which every open order is looked at.
///
/// What it waits for is followed to the first order that can move by itself, or is stuck for a reason of its own:
/// of several, the nearest, then the one with the smallest id.
pub fn why(state: &State, live: &Live, id: OrderId, now: Timestamp) -> Vec<Reason> {
    let Some(order) = state.order(id) else {
        return vec![];
    };
    let mut reasons = obstacles(state, live, id, now);
    if reasons.is_empty() {
        let text = match place_in_line(state, order) {
            1 => "ready: first in line".into(),
            place => format!("ready: {} in line", ordinal(place)),
        };
        reasons.push(Reason::at(text, Place::Order(id)));
    }
    // A person may begin it all the same.
    if order.work().is_none() && !order.is_epic() {
        reasons.extend(spent(state, order, now));
    }
    reasons
}

/// Returns the same without the place in line: a ready order has no obstacles.
/// Only the orders on the way are looked at.
pub fn obstacles(state: &State, live: &Live, id: OrderId, now: Timestamp) -> Vec<Reason> {
    let Some(order) = state.order(id) else {
        return vec![];
    };
    let mut reasons = own(state, live, order, now);
    if !waits(order).is_empty() {
        reasons.extend(chain(state, live, order, now));
    }
    reasons
}

impl Reason {
    fn at(text: impl Into<String>, place: Place) -> Self {
        Reason {
            text: text.into(),
            place: Some(place),
        }
    }
}

/// Returns what an order waits for and is not completed: open children of a parent that is not pulled, and dependencies.
fn waits(order: &Order) -> Vec<Dependency> {
    let open = order
        .depends_on
        .iter()
        .filter(|wait| wait.state != Wait::Completed);
    let children = order.children.iter().filter(|_| order.is_epic());
    let child = |id: &OrderId| Dependency {
        on: *id,
        state: Wait::Open,
    };
    open.copied().chain(children.map(child)).collect()
}

/// Returns an order's own reasons: all but what it waits for.
fn own(state: &State, live: &Live, order: &Order, now: Timestamp) -> Vec<Reason> {
    let mut reasons = vec![];
    for (alert, scope) in state.holds_where_it_stands(order) {
        let since = span(now.since(alert.raised.at));
        let text = format!(
            "held by {} ({scope}) for {since}: {}",
            alert.id, alert.reason
        );
        reasons.push(Reason::at(text, Place::Alert(alert.id)));
    }
    match &order.phase {
        Phase::InProgress(work) => reasons.extend(working(state, live, order, work, now)),
        Phase::Queued if order.is_epic() => reasons.extend(epic(order)),
        // The limits matter once nothing else is in its way.
        Phase::Queued if order.is_blocked() => {}
        Phase::Queued => reasons.extend(no_room(state, order)),
    }
    reasons
}

fn working(state: &State, live: &Live, order: &Order, work: &Work, now: Timestamp) -> Vec<Reason> {
    let agent = (work.holder.kind == ActorKind::Agent).then(|| work.holder.name.clone());
    let place = agent.clone().map_or(Place::Order(order.id), Place::Agent);
    let since = span(now.since(work.started));
    let mut reasons = vec![Reason::at(
        format!(
            "in progress in {} with {} for {since}",
            work.stage, work.holder
        ),
        place.clone(),
    )];
    if let Some(lease) = live.lease(order)
        && lease.expires_at.0 <= now
    {
        let over = span(now.since(lease.expires_at.0));
        reasons.push(Reason::at(
            format!("its lease ran out {over} ago"),
            place.clone(),
        ));
    }
    let paused = agent
        .and_then(|name| state.agent(&name))
        .filter(|agent| agent.paused.is_some());
    if let Some(agent) = paused {
        reasons.push(Reason::at(format!("agent {} is paused", agent.name), place));
    }
    reasons.extend(super::gates::closed(state, live, order, work));
    reasons.extend(no_way_on(state, order, work));
    reasons
}

fn epic(order: &Order) -> Option<Reason> {
    let text = match order.children.len() {
        0 if order.children_completed == 0 => "an epic without children: it is never pulled".into(),
        0 => "an epic: all its children are done, it can be completed".into(),
        1 => "an epic: one child is open".into(),
        open => format!("an epic: {open} children are open"),
    };
    Some(Reason::at(text, Place::Order(order.id)))
}

/// Returns which limit a queued order would break.
fn no_room(state: &State, order: &Order) -> Vec<Reason> {
    let mut reasons = vec![];
    let bucket = order.bucket;
    let (wip, limit) = (
        state.counts.wip[bucket.index()],
        state.settings.bucket(bucket).wip_limit,
    );
    if wip >= limit {
        reasons.push(Reason::at(
            format!("{bucket} is full: {wip}/{limit}"),
            Place::Bucket(bucket),
        ));
    }
    reasons.extend(
        state
            .settings
            .stages
            .first()
            .and_then(|stage| full(state, stage)),
    );
    reasons
}

/// Returns which budgets keep agents from beginning a queued order: those of any agent, and those that are only of some.
fn spent(state: &State, order: &Order, now: Timestamp) -> Vec<Reason> {
    let agents = state
        .settings
        .budgets
        .keys()
        .filter_map(|scope| match scope {
            BudgetScope::Agent(name) => Some(Scope::Agent(name.clone())),
            _ => None,
        });
    let all = treasury::scopes(order, None).into_iter().chain(agents);
    let refusals = all.filter_map(|scope| {
        let refusal = state.budget_refusal(scope.clone(), now)?;
        let (who, place) = match &scope {
            Scope::Agent(name) => (format!("agent {name} begins"), Place::Agent(name.clone())),
            Scope::Bucket(bucket) => ("agents begin".into(), Place::Bucket(*bucket)),
            _ => ("agents begin".into(), Place::Order(order.id)),
        };
        let lift = refusal.lift().join("; ");
        Some(Reason::at(
            format!("{who} nothing: {refusal} ({lift})"),
            place,
        ))
    });
    refusals.collect()
}

/// Returns that a stage is full, if it is.
fn full(state: &State, stage: &Stage) -> Option<Reason> {
    let count = state.counts.stage(&stage.name);
    let limit = stage.wip_limit.filter(|limit| count >= *limit)?;
    let text = format!("stage {} is full: {count}/{limit}", stage.name);
    Some(Reason::at(text, Place::Stage(stage.name.clone())))
}

/// Returns what keeps an order in progress out of the next stage.
fn no_way_on(state: &State, order: &Order, work: &Work) -> Vec<Reason> {
    let Some(next) = state.next_stage(&work.stage) else {
        return vec![];
    };
    let held = state.alerts.values().filter(|alert| {
        let held = matches!(&alert.hold, Some(Scope::Stage(name)) if *name == next.name);
        held && !order.corrective.contains(&alert.id)
    });
    let held = held.map(|alert| {
        let text = format!(
            "the next stage, {}, is held by {}: {}",
            next.name, alert.id, alert.reason
        );
        Reason::at(text, Place::Alert(alert.id))
    });
    held.chain(full(state, next)).collect()
}

/// Returns the shortest chain of waits to an order that explains itself, a line for each step.
fn chain(state: &State, live: &Live, start: &Order, now: Timestamp) -> Vec<Reason> {
    let mut came_from: BTreeMap<OrderId, OrderId> = BTreeMap::new();
    let mut queue = VecDeque::from([start.id]);
    let mut end = None;
    while let Some(id) = queue.pop_front() {
        let waiting = state
            .order(id)
            .map(|order| waits(order))
            .unwrap_or_default();
        let stuck = waiting.iter().find(|wait| wait.state == Wait::Cancelled);
        if let Some(wait) = stuck {
            end = Some((wait.on, id));
            break;
        }
        if waiting.is_empty() {
            end = came_from.get(&id).map(|from| (id, *from));
            break;
        }
        for wait in waiting {
            if wait.on != start.id
                && !came_from.contains_key(&wait.on)
                && came_from.len() < MAX_SEARCH
            {
                came_from.insert(wait.on, id);
                queue.push_back(wait.on);
            }
        }
    }
    let Some((leaf, from)) = end else {
        return vec![];
    };
    let mut steps = vec![leaf];
    let back = std::iter::successors(Some(from), |id| came_from.get(id).copied());
    steps.extend(back.take_while(|id| *id != start.id));
    let mut reasons = vec![];
    for id in steps.into_iter().rev() {
        let word = if reasons.is_empty() {
            "waits for"
        } else {
            "which waits for"
        };
        let text = match state.order(id) {
            Some(order) => format!("{word} {id}: {}", order.title),
            None => format!("{word} {id}, which was cancelled: remove the dependency or reopen it"),
        };
        reasons.push(Reason::at(text, Place::Order(id)));
    }
    if reasons.len() > MAX_STEPS {
        let left_out = reasons.len() - MAX_STEPS;
        let tail = reasons.split_off(reasons.len() - MAX_STEPS / 2);
        reasons.truncate(MAX_STEPS / 2);
        reasons.push(Reason {
            text: format!("… through {left_out} more …"),
            place: None,
        });
        reasons.extend(tail);
    }
    if let Some(order) = state.order(leaf) {
        let own = own(state, live, order, now);
        let ready = Reason::at(format!("{leaf} is ready to start"), Place::Order(leaf));
        let named = own.into_iter().map(|reason| Reason {
            text: format!("{leaf}: {}", reason.text),
            ..reason
        });
        let before = reasons.len();
        reasons.extend(named);
        if reasons.len() == before {
            reasons.push(ready);
        }
    }
    reasons
}

/// Returns a ready order's place among all that are ready, from 1.
fn place_in_line(state: &State, order: &Order) -> usize {
    let key = Sort::Ready.key(state, order);
    let before = |other: &&Arc<Order>| Sort::Ready.key(state, other) < key && state.is_ready(other);
    state.work_orders().filter(before).count() + 1
}

fn ordinal(place: usize) -> String {
    const WORDS: [&str; 9] = [
        "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
    ];
    match place.checked_sub(2).and_then(|at| WORDS.get(at)) {
        Some(word) => (*word).into(),
        None => format!("number {place}"),
    }
}

impl<B: Books> Reading<'_, B> {
    /// Returns why an order is not moving, or how it ended.
    pub(super) fn why(&mut self, name: &str) -> Answered<Why, B> {
        let found = self.find_named(name)?;
        let id = found.order().id;
        let reasons = match &found {
            Found::Open(_) => why(self.state, self.live, id, self.now),
            Found::Closed(closed) => {
                let ago = span(self.now.since(closed.closed));
                let text = match &closed.outcome {
                    Outcome::Completed { .. } => format!("completed {ago} ago"),
                    Outcome::Cancelled { reason } => format!("cancelled {ago} ago: {reason}"),
                };
                vec![Reason::at(text, Place::Order(id))]
            }
        };
        Ok(Why { id, reasons })
    }
}
