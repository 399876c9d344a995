//! Who may pass: how an order stands at its gates, and which of them the engine runs by itself.

use super::{
    gate::{ClosedGate, Exit, GateRule, Stale, Standing, Tree, Verdict},
    id::OrderId,
    order::Order,
    state::State,
};

impl State {
    /// Returns the gates that are asked of an order on its way, by name.
    pub fn gates_of<'a>(
        &'a self,
        order: &'a Order,
        exit: Exit<'a>,
    ) -> impl Iterator<Item = (&'a String, &'a GateRule)> {
        let guards = move |rule: &GateRule| match exit {
            Exit::Stage(stage) => rule.stage.as_deref() == Some(stage),
            Exit::Done => true,
        };
        let gates = self.settings.gates.iter();
        gates.filter(move |(_, rule)| rule.fits(order) && guards(rule))
    }

    /// Returns how an order stands at a gate, if the code is as in `now`; None leaves out whether the code moved.
    pub fn gate(&self, order: &Order, name: &str, rule: &GateRule, now: Option<&Tree>) -> Standing {
        let gating = order.gating.as_deref();
        let Some((gating, seen)) = gating.and_then(|gating| Some((gating, gating.evidence(name)?)))
        else {
            return Standing::Missing;
        };
        let stage = rule.stage.as_deref().unwrap_or_default();
        let place = |stage: &str| self.settings.stage_index(stage);
        let stands = order.work().and_then(|work| place(&work.stage));
        // What a person approved of in a stage is not taken back by the work of the stages behind it.
        let left = place(stage)
            .zip(stands)
            .is_some_and(|(gate, order)| gate < order);
        let settled = rule.approval && left;
        let moved = now
            .filter(|_| !settled)
            .and_then(|now| seen.run.tree.moved(now));
        let why = if seen.run.definition != rule.digest {
            Some(Stale::Defined)
        } else if seen.run.began < gating.edited {
            Some(Stale::Edited)
        } else if seen.run.began < gating.entry(stage) {
            Some(Stale::Entered)
        } else {
            moved
        };
        match (seen.run.verdict, why) {
            (Verdict::Passed, None) => Standing::Passed,
            (Verdict::Passed, Some(why)) => Standing::Stale { why },
            (verdict, _) => Standing::Failed { verdict },
        }
    }

    /// Returns the required gates that hold an order on its way, by name.
    pub fn closed_gates(
        &self,
        order: &Order,
        exits: &[Exit<'_>],
        now: Option<&Tree>,
    ) -> Vec<ClosedGate> {
        let mut closed = vec![];
        for (name, rule) in exits.iter().flat_map(|exit| self.gates_of(order, *exit)) {
            let standing = self.gate(order, name, rule, now);
            if rule.required && standing != Standing::Passed {
                closed.push(ClosedGate {
                    gate: name.clone(),
                    approval: rule.approval,
                    standing,
                });
            }
        }
        closed
    }

    /// Returns the gates that the engine should run by itself now: the order stands in their stage, and nothing was seen
    /// since it entered it.
    pub fn gates_due(&self) -> Vec<(OrderId, String)> {
        let mut due = vec![];
        let run: Vec<_> = self
            .settings
            .gates
            .iter()
            .filter(|(_, rule)| !rule.approval && rule.stage.is_some())
            .collect();
        if run.is_empty() {
            return due;
        }
        for order in self.work_orders() {
            let Some(work) = order.work() else { continue };
            for (name, rule) in &run {
                if rule.stage.as_deref() != Some(work.stage.as_str()) || !rule.fits(order) {
                    continue;
                }
                let gating = order.gating.as_deref();
                let seen = gating
                    .and_then(|gating| gating.evidence(name))
                    .is_some_and(|seen| {
                        let entry = gating.map_or(0, |gating| gating.entry(&work.stage));
                        seen.run.definition == rule.digest && seen.run.began >= entry
                    });
                if !seen {
                    due.push((order.id, (*name).clone()));
                }
            }
        }
        due
    }

    /// Returns the condition that a failed gate stands for.
    pub fn gate_condition(gate: &str, order: OrderId) -> String {
        format!("gate:{gate}:{order}")
    }
}
