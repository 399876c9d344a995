//! Gates are put up, and what was seen at them is kept with the order.

use std::sync::Arc;

use super::Step;
use crate::domain::{
    gate::{GateEvidence, GateRule, GateRun, Gating},
    id::OrderId,
    order::Actor,
};

impl Step<'_> {
    pub(super) fn gate_set(&mut self, name: &str, rule: &GateRule) {
        let gates = &mut Arc::make_mut(&mut self.state.settings).gates;
        gates.insert(name.into(), rule.clone());
        Arc::make_mut(&mut self.state.tallies).gate(name);
    }

    pub(super) fn gate_removed(&mut self, name: &str) {
        Arc::make_mut(&mut self.state.settings).gates.remove(name);
    }

    pub(super) fn gate_seen(&mut self, id: OrderId, gate: &str, run: &GateRun) {
        Arc::make_mut(&mut self.state.tallies).looked(gate, run);
        let seen = GateEvidence {
            gate: gate.into(),
            seq: self.record.seq,
            at: self.record.time,
            by: Actor::of(self.record),
            run: run.clone(),
        };
        let Some(order) = self.order(id) else { return };
        let evidence = &mut order.gating.get_or_insert_default().evidence;
        match evidence.binary_search_by(|other| other.gate.cmp(&seen.gate)) {
            Ok(at) => evidence[at] = seen,
            Err(at) => evidence.insert(at, seen),
        }
    }

    /// Notes what makes evidence stale. Only where there are gates, so that a ledger without any stays as it was.
    fn gating(&mut self, id: OrderId, note: impl FnOnce(&mut Gating)) {
        if self.state.settings.gates.is_empty() {
            return;
        }
        if let Some(order) = self.state.order_mut(id) {
            note(order.gating.get_or_insert_default());
        }
    }

    /// Notes that what is to be done changed.
    pub(super) fn gating_edited(&mut self, id: OrderId) {
        let seq = self.record.seq;
        self.gating(id, |gating| gating.edited = seq);
    }

    /// Notes that an order entered a stage; the start has an empty name besides.
    pub(super) fn gating_entered(&mut self, id: OrderId, stage: &str) {
        let seq = self.record.seq;
        self.gating(id, |gating| {
            match gating.entered.iter_mut().find(|(name, _)| name == stage) {
                Some((_, entry)) => *entry = seq,
                None => gating.entered.push((stage.into(), seq)),
            }
        });
    }

    /// Notes who works on an order.
    pub(super) fn gating_held(&mut self, id: OrderId, holder: &Actor) {
        self.gating(id, |gating| {
            if !gating.implementers.contains(holder) {
                gating.implementers.push(holder.clone());
            }
        });
    }
}
