//! What agents use up is noted, and the record that spends a budget pulls the cord.

use super::{
    Context, Decision, Draft, andon, gates, guard,
    validate::{self, MAX_NAME},
};
use crate::domain::{
    agent::MAX_AGENTS,
    andon::{Scope, Severity},
    budget::BudgetScope,
    cold::Cold,
    event::Event,
    id::{AlertId, OrderId},
    order::{Bucket, Order},
    record::{ActorKind, Door},
    refusal::Refusal,
    settings::MAX_BUDGETS,
    state::State,
    treasury,
    usage::{Budget, Usage},
};

/// What somebody says about usage.
pub(super) struct Said<'a> {
    /// Whose it is, where the engine says so.
    pub(super) agent: Option<&'a str>,
    /// The run.
    pub(super) run: Option<&'a str>,
    /// How much more.
    pub(super) more: Usage,
}

/// Decides that usage is noted, with the alert of each budget that it spends. The engine may note it of any order, open or
/// closed, for what was spent was spent; anybody else of what is in his own hands.
pub(super) fn record(
    state: &State,
    cold: &Cold,
    id: OrderId,
    said: Said<'_>,
    context: &Context<'_>,
) -> Decision {
    let engine = context.door == Door::Engine;
    let own = (context.actor.kind == ActorKind::Agent).then_some(&*context.actor.name);
    let agent = match said.agent {
        Some(name) if !engine && own != Some(name) => return Err(Refusal::EngineOnly),
        Some(name) => Some(validate::line("agent", name, MAX_NAME)?),
        None => own.map(Into::into),
    };
    let order = match engine {
        true => seen(state, cold, id)?,
        false => in_hands(state, cold, id, context)?,
    };
    let run = validate::optional_line("run", said.run, MAX_NAME)?;
    if said.more.is_none() {
        return Ok(vec![]);
    }
    let bucket = order.bucket;
    room_for_agent(state, bucket, agent.as_deref(), context)?;
    let recorded = Event::UsageRecorded {
        id,
        bucket,
        agent: agent.clone(),
        run,
        tokens: said.more.tokens,
        cost: said.more.cost,
    };
    let mut drafts = vec![recorded.into()];
    let scopes = treasury::scopes(order, agent.as_deref());
    drafts.extend(spent(state, &scopes, said.more, context));
    Ok(drafts)
}

/// Returns an order, open or closed.
fn seen<'a>(state: &'a State, cold: &'a Cold, id: OrderId) -> Result<&'a Order, Refusal> {
    let closed = || cold.order(id).map(|closed| &closed.order);
    let open = state.order(id).map(AsRef::as_ref);
    open.or_else(closed).ok_or_else(|| Refusal::not_found(id))
}

/// Returns an order that is in the caller's hands.
fn in_hands<'a>(
    state: &'a State,
    cold: &Cold,
    id: OrderId,
    context: &Context<'_>,
) -> Result<&'a Order, Refusal> {
    let order = guard::open(state, cold, id)?;
    let holder = match order.work() {
        Some(work) => work.holder.clone(),
        None => return Err(Refusal::NotStarted { id }),
    };
    match holder == *context.actor {
        true => Ok(order),
        false => Err(Refusal::NotHolder { id, holder }),
    }
}

/// Refuses one more name in a day's row where there are too many.
fn room_for_agent(
    state: &State,
    bucket: Bucket,
    agent: Option<&str>,
    context: &Context<'_>,
) -> Result<(), Refusal> {
    let day = state.day(context.now.day());
    let row = day.and_then(|day| day.0.get(bucket.index()));
    let full = |name: &str| {
        row.is_some_and(|row| row.agents.len() >= MAX_AGENTS && !row.agents.contains_key(name))
    };
    match agent.is_some_and(full) {
        true => Err(Refusal::Limit {
            what: "agents that report usage on one day".into(),
            limit: MAX_AGENTS as u64,
        }),
        false => Ok(()),
    }
}

/// Returns an alert for each budget that `more` spends, or that is spent and nobody was told. One that stands says so
/// already.
fn spent(state: &State, scopes: &[Scope], more: Usage, context: &Context<'_>) -> Vec<Draft> {
    let (mut drafts, mut next) = (vec![], state.numbers.alert);
    for scope in scopes {
        let Some(budget) = state.budget(scope) else {
            continue;
        };
        let closed = matches!(scope, Scope::Order(id) if state.order(*id).is_none());
        let used = state.used(scope, context.now.day()).with(more);
        if closed || !budget.is_spent_by(used) {
            continue;
        }
        let fingerprint = treasury::condition(scope);
        match andon::by_fingerprint(state, &fingerprint) {
            Some(alert) if alert.recovered.is_none() => {}
            Some(alert) => drafts.extend(andon::repeat(alert, Severity::High, None)),
            None => {
                let spent = budget.view().against(used.view());
                let raised = Event::AlertRaised {
                    id: AlertId(next),
                    severity: Severity::High,
                    reason: format!("the budget of {scope} is spent: {spent}"),
                    fingerprint: Some(fingerprint),
                    hold: Some(scope.clone()),
                    order: match scope {
                        Scope::Order(id) => Some(*id),
                        _ => None,
                    },
                };
                next = next.saturating_add(1);
                drafts.push(raised.into());
            }
        }
    }
    drafts
}

/// Decides a budget.
pub(super) fn set(
    state: &State,
    scope: &BudgetScope,
    budget: Budget,
    context: &Context<'_>,
) -> Decision {
    gates::engine(context)?;
    let scope = match scope {
        BudgetScope::Agent(name) => BudgetScope::Agent(validate::line("agent", name, MAX_NAME)?),
        other => other.clone(),
    };
    if budget == Budget::default() {
        return Err(Refusal::invalid(
            "budget",
            "it limits neither tokens nor cost",
        ));
    }
    match state.settings.budgets.get(&scope) {
        Some(known) if *known == budget => Ok(vec![]),
        None if state.settings.budgets.len() >= MAX_BUDGETS => Err(Refusal::Limit {
            what: "budgets".into(),
            limit: MAX_BUDGETS as u64,
        }),
        _ => Ok(vec![Event::BudgetSet { scope, budget }.into()]),
    }
}

/// Decides that a budget is taken away.
pub(super) fn remove(state: &State, scope: &BudgetScope, context: &Context<'_>) -> Decision {
    gates::engine(context)?;
    match state.settings.budgets.contains_key(scope) {
        true => Ok(vec![
            Event::BudgetRemoved {
                scope: scope.clone(),
            }
            .into(),
        ]),
        false => Err(Refusal::not_found(format!("budget of {scope}"))),
    }
}
