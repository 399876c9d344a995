//! Quality gates: their rules, and how an order stands at each.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Live,
    reading::{Answered, Found, Reading},
    why::{Place, Reason},
};
use crate::domain::{
    books::Books,
    gate::{Exit, GateEvidence, GateRule, Standing, Tree, Verdict},
    id::OrderId,
    order::{Order, Work},
    state::State,
};

/// The gates by name: all of them, or those that are asked of one order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Gates {
    /// The order, if the question was about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
    /// The gates.
    pub gates: Vec<GateView>,
    /// How many there are.
    pub total: usize,
}

/// A gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GateView {
    /// Its name.
    pub gate: String,
    /// Its rule.
    pub rule: GateRule,
    /// How the order stands at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing: Option<Standing>,
    /// The newest that was seen at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<GateEvidence>,
}

/// Returns an order's gates as it stands at them. Without `now` it is not told whether the code moved.
pub fn gates_of(state: &State, order: &Order, now: Option<&Tree>) -> Vec<GateView> {
    let gating = order.gating.as_deref();
    let view = |(name, rule): (&String, &GateRule)| GateView {
        gate: name.clone(),
        rule: rule.clone(),
        standing: Some(state.gate(order, name, rule, now)),
        evidence: gating.and_then(|gating| gating.evidence(name)).cloned(),
    };
    state.gates_of(order, Exit::Done).map(view).collect()
}

/// Returns the gates at which the newest look at an open order was no pass.
pub fn failed_gates(state: &State, order: &Order) -> Vec<String> {
    let gating = order.gating.iter().flat_map(|gating| &gating.evidence);
    let failed = gating.filter(|seen| {
        let rule = state.settings.gates.get(&seen.gate);
        seen.run.verdict != Verdict::Passed && rule.is_some_and(|rule| rule.fits(order))
    });
    failed.map(|seen| seen.gate.clone()).collect()
}

/// Returns that work is done and waits for a person to approve it at these gates, with the words that do.
pub fn waits(id: OrderId, gates: &[String]) -> String {
    let ways: Vec<_> = gates
        .iter()
        .map(|gate| format!("obeya quality-gate approve {id} {gate}"))
        .collect();
    let (names, ways) = (gates.join(", "), ways.join("; "));
    format!("done; waits for an approval of {names} by a person: {ways}")
}

/// Returns the gates at which an order whose agent says that it is done waits for a person's approval, and for nothing else.
/// Its host knows; without one it is what the rules would want next.
pub fn approvals(state: &State, live: &Live, order: &Order) -> Vec<String> {
    let lease = order.lease().map(|lease| lease.epoch);
    if lease.is_none() {
        return vec![];
    }
    let mut runs = live.lives.values().flat_map(|life| &life.runs);
    if let Some(run) = runs.find(|run| run.order == Some(order.id)) {
        return run.approvals.clone();
    }
    if live.done.get(&order.id).copied() != lease {
        return vec![];
    }
    let closed = state.closed_gates(order, &[Exit::Done], None);
    match closed.iter().all(|gate| gate.approval) {
        true => closed.into_iter().map(|gate| gate.gate).collect(),
        false => vec![],
    }
}

/// Returns which gates keep an order in its stage: the next command forward would be refused for them.
pub(super) fn closed(state: &State, live: &Live, order: &Order, work: &Work) -> Vec<Reason> {
    if state.settings.gates.is_empty() {
        return vec![];
    }
    let wanted = approvals(state, live, order);
    if !wanted.is_empty() {
        return vec![Reason {
            text: waits(order.id, &wanted),
            place: Some(Place::Order(order.id)),
        }];
    }
    let exit = match state.next_stage(&work.stage) {
        Some(_) => Exit::Stage(&work.stage),
        None => Exit::Done,
    };
    let closed = state.closed_gates(order, &[exit], None);
    let reason = |closed: crate::domain::gate::ClosedGate| Reason {
        text: format!(
            "gate {}: {}",
            closed.gate,
            closed.standing.words(closed.approval)
        ),
        place: Some(Place::Order(order.id)),
    };
    closed.into_iter().map(reason).collect()
}

impl<B: Books> Reading<'_, B> {
    /// Returns the gates, or how one order stands at those that are asked of it.
    pub(super) fn gates(&mut self, order: Option<&str>) -> Answered<Gates, B> {
        let Some(name) = order else {
            let view = |(name, rule): (&String, &GateRule)| GateView {
                gate: name.clone(),
                rule: rule.clone(),
                standing: None,
                evidence: None,
            };
            let gates: Vec<_> = self.state.settings.gates.iter().map(view).collect();
            let total = gates.len();
            return Ok(Gates {
                order: None,
                gates,
                total,
            });
        };
        let found = self.find_named(name)?;
        let order = found.order();
        let gates = match &found {
            Found::Open(order) => gates_of(self.state, order, self.live.tree.as_ref()),
            // What was seen of a closed order is what its receipt says.
            Found::Closed(closed) => gates_of(self.state, &closed.order, None),
        };
        Ok(Gates {
            order: Some(order.id),
            total: gates.len(),
            gates,
        })
    }
}
