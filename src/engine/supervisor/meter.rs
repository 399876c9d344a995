//! What a run uses up: heard from its agent, put on the ledger, and missed where it should have been told.
//!
//! An agent tells the sum since it was given the order. The ledger takes increments, a few in a minute, and whatever is
//! left before the order is settled. Who works under a budget and tells nothing is held: nobody knows what was spent.

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::context::{Claim, Context};
use crate::{
    config::line::AgentRule,
    domain::{
        andon::{Scope, Severity},
        command::{Command, Hold},
        id::OrderId,
        treasury,
        usage::{Money, Usage},
    },
};

/// How often a run's usage is put on the ledger: often enough to end a run soon, seldom enough to be no load.
const EVERY: Duration = Duration::from_secs(5);
/// Long enough to be no deadline.
const NEVER: Duration = Duration::from_secs(24 * 3_600);

/// The meter of a run, for one order.
pub(super) struct Meter {
    agent: String,
    order: OrderId,
    /// The budgets that the run spends.
    scopes: Vec<Scope>,
    /// What the order had used up before.
    before: Usage,
    metered: bool,
    /// The run's name, once anything runs.
    run: Option<String>,
    /// The newest sums that were told, each once it was.
    tokens: Option<u64>,
    cost: Option<u64>,
    /// What is not on the ledger yet.
    pending: Usage,
    next: Instant,
}

impl Meter {
    /// Returns the meter of what an agent is about to do under a claim.
    pub(super) fn new(context: &Arc<Context>, rule: &AgentRule, claim: &Claim) -> Meter {
        let state = context.handle.state();
        let order = state.order(claim.order);
        Meter {
            agent: rule.name.clone(),
            order: claim.order,
            scopes: order
                .map(|order| treasury::scopes(order, Some(&rule.name)))
                .unwrap_or_default(),
            before: order.map(|order| order.usage).unwrap_or_default(),
            metered: rule.metered,
            run: None,
            tokens: None,
            cost: None,
            pending: Usage::default(),
            next: Instant::now(),
        }
    }

    /// Notes that something runs: from here on usage is to be told.
    pub(super) fn begin(&mut self, run: &str) {
        self.run = Some(run.into());
    }

    /// Hears a line of JSON: `{"type":"usage","tokens":…,"cost":…}`.
    pub(super) fn line(&mut self, line: &str) {
        let Ok(value) = serde_json::from_str::<Value>(line) else {
            return;
        };
        if value.get("type").and_then(Value::as_str) == Some("usage") {
            self.hear(&value);
        }
    }

    /// Hears the last line of a run: its `usage`, and what some agents print beside that.
    pub(super) fn last(&mut self, line: Option<&str>) {
        let value = line.and_then(|line| serde_json::from_str::<Value>(line).ok());
        let Some(value) = value else { return };
        if let Some(usage) = value.get("usage") {
            self.hear(usage);
        }
        if let Some(cost) = value.get("total_cost_usd") {
            self.hear(&json!({ "cost": cost }));
        }
    }

    /// Hears a sum. One that fell is that of a new count.
    pub(super) fn hear(&mut self, told: &Value) {
        let (tokens, cost) = read(told);
        self.pending.add(Usage {
            tokens: more(&mut self.tokens, tokens),
            cost: more(&mut self.cost, cost),
        });
    }

    /// Returns when something is to be put on the ledger.
    pub(super) fn due(&self) -> Instant {
        match self.pending.is_none() {
            true => Instant::now() + NEVER,
            false => self.next,
        }
    }

    /// Returns the sums that were told, if any were.
    pub(super) fn told(&self) -> Option<Value> {
        let tokens = self.tokens.map(|tokens| ("tokens".into(), json!(tokens)));
        let cost = self.cost.map(|cost| ("cost".into(), json!(Money(cost))));
        let sums: Map<_, _> = tokens.into_iter().chain(cost).collect();
        (!sums.is_empty()).then_some(Value::Object(sums))
    }

    /// Puts on the ledger what is not there yet. What it does not take is tried again with the next.
    pub(super) async fn record(&mut self, context: &Context) {
        self.next = Instant::now() + EVERY;
        if self.pending.is_none() {
            return;
        }
        let command = Command::RecordUsage {
            id: self.order,
            agent: Some(self.agent.clone()),
            run: self.run.clone(),
            tokens: self.pending.tokens,
            cost: self.pending.cost,
        };
        match context.own(command).await {
            Ok(_) => self.pending = Usage::default(),
            Err(trouble) => {
                tracing::error!(agent = self.agent, %trouble, "usage could not be recorded");
            }
        }
    }

    /// Ends the count of a run whose order is settled: an agent that kept to itself what a budget limits is held.
    pub(super) async fn close(mut self, context: &Context) {
        if !self.metered || self.run.is_none() {
            return;
        }
        let Some(limits) = context.handle.state().metered(&self.scopes) else {
            return;
        };
        let silent = |meter: &Meter| {
            (limits.tokens.is_some() && meter.tokens.is_none())
                || (limits.cost.is_some() && meter.cost.is_none())
        };
        if silent(&self) {
            // It may have told the ledger by itself.
            let order = context.order(self.order).await.unwrap_or_default();
            let (tokens, cost) = order.get("usage").map(read).unwrap_or_default();
            self.tokens = self
                .tokens
                .or(tokens.filter(|sum| *sum > self.before.tokens));
            self.cost = self.cost.or(cost.filter(|sum| *sum > self.before.cost));
        }
        if silent(&self) {
            unknown(context, &self.agent, self.order, "ended without saying").await;
        }
    }
}

/// Holds an agent whose run was lost with its host before it said what it used up, if there is a budget for that.
pub(super) async fn lost(context: &Context, agent: &str, order: OrderId) {
    let state = context.handle.state();
    let scopes = state
        .order(order)
        .map(|order| treasury::scopes(order, Some(agent)))
        .unwrap_or_default();
    if state.metered(&scopes).is_some() {
        unknown(context, agent, order, "was lost before it said").await;
    }
}

/// Holds an agent until a person has looked at what it spent.
async fn unknown(context: &Context, agent: &str, order: OrderId, how: &str) {
    let command = Command::TriggerAndon {
        reason: format!(
            "agent {agent} works under a budget, and its run on {order} {how} what it used up"
        ),
        severity: Severity::High,
        hold: Some(Hold::Scope(Scope::Agent(agent.into()))),
        fingerprint: Some(format!("usage:{agent}:unknown")),
        order: Some(order),
    };
    if let Err(trouble) = context.own(command).await {
        tracing::error!(agent, %trouble, "an alert could not be raised");
    }
}

/// Returns the tokens and the millionths of money that somebody tells, in the words that agents use.
fn read(told: &Value) -> (Option<u64>, Option<u64>) {
    // A cast saturates; what is negative counts as nothing.
    let whole = |key: &str| {
        let number = told.get(key)?;
        number
            .as_u64()
            .or_else(|| number.as_f64().map(|number| number as u64))
    };
    let parts = [whole("input_tokens"), whole("output_tokens")];
    let both = parts.into_iter().flatten().reduce(u64::saturating_add);
    let money = |key: &str| Some(Money::of_units(told.get(key)?.as_f64()?).0);
    let cost = money("cost").or_else(|| money("total_cost_usd"));
    (whole("tokens").or(both), cost)
}

/// Takes over a newer sum, and returns by how much it is more.
fn more(sum: &mut Option<u64>, told: Option<u64>) -> u64 {
    let Some(told) = told else { return 0 };
    let before = sum.replace(told).unwrap_or(0);
    // One that fell is counted from nothing.
    told.checked_sub(before).unwrap_or(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_agents_print_is_understood() {
        let cases = [
            (json!({ "tokens": 7 }), (Some(7), None)),
            (
                json!({ "input_tokens": 3, "output_tokens": 4 }),
                (Some(7), None),
            ),
            (json!({ "total_cost_usd": 0.25 }), (None, Some(250_000))),
            (json!({ "tokens": -1, "cost": -2 }), (Some(0), Some(0))),
            (
                json!({ "tokens": 1e300, "cost": 1e300 }),
                (Some(u64::MAX), Some(u64::MAX)),
            ),
            (json!({ "tokens": "many", "cost": null }), (None, None)),
            (json!("none"), (None, None)),
        ];
        for (told, wanted) in cases {
            assert_eq!(read(&told), wanted, "{told}");
        }
    }

    #[test]
    fn a_sum_that_falls_is_a_new_count() {
        let mut sum = None;
        let told = [
            Some(10),
            None,
            Some(15),
            Some(15),
            Some(4),
            Some(u64::MAX),
            Some(1),
        ];
        let seen = told.map(|told| more(&mut sum, told));
        assert_eq!(seen, [10, 0, 5, 0, 4, u64::MAX - 4, 1]);
    }
}
