//! Work begins, moves and ends.

use std::sync::Arc;

use super::{Step, set, tally};
use crate::domain::{
    archive::{ArchiveChange, ArchivedOrder, ReceiptRow},
    budget::BudgetScope,
    event::Event,
    id::OrderId,
    order::{Actor, ClosedOrder, Order, Outcome, Phase, Wait, Work},
    receipt::Receipt,
    record::ActorKind,
    tallies::{ORDER_BOUNDS, RoleTally},
    time::Timestamp,
};

impl Step<'_> {
    pub(super) fn start(&mut self, event: &Event) {
        let Event::OrderStarted {
            id,
            stage,
            holder,
            epoch,
            lease,
        } = event
        else {
            return;
        };
        let now = self.record.time;
        let Some(order) = self.order(*id) else { return };
        let (bucket, first) = (order.bucket, order.first_started.is_none());
        order.first_started.get_or_insert(now);
        order.epoch = *epoch;
        order.phase = Phase::InProgress(Work {
            stage: stage.clone(),
            since: now,
            started: now,
            holder: holder.clone(),
            lease: *lease,
        });
        self.queued(bucket, -1);
        self.wip(bucket, 1);
        self.staged(stage, 1);
        self.gating_entered(*id, "");
        self.gating_entered(*id, stage);
        self.gating_held(*id, holder);
        self.holds(holder, *id, true);
        if first {
            self.day(now, bucket).started += 1;
        }
        if let Some(lease) = lease {
            self.due_at(lease.expires_at);
        }
    }

    pub(super) fn relocate(&mut self, id: OrderId, to: &str) {
        let now = self.record.time;
        if let Some(Order {
            phase: Phase::InProgress(work),
            ..
        }) = self.order(id)
        {
            let from = std::mem::replace(&mut work.stage, to.into());
            work.since = now;
            self.staged(&from, -1);
            self.staged(to, 1);
            self.gating_entered(id, to);
        }
    }

    pub(super) fn requeue(&mut self, id: OrderId) {
        let Some(order) = self.order(id) else { return };
        let bucket = order.bucket;
        if let Phase::InProgress(work) = std::mem::replace(&mut order.phase, Phase::Queued) {
            self.wip(bucket, -1);
            self.staged(&work.stage, -1);
            self.queued(bucket, 1);
            self.holds(&work.holder, id, false);
        }
    }

    /// Counts a claim of an agent that ends with its work undone.
    pub(super) fn undone(&mut self, id: OrderId, count: fn(&mut RoleTally) -> &mut u64) {
        let work = self.state.order(id).and_then(|order| order.work());
        let holder = work.map(|work| work.holder.clone());
        if let Some(holder) = holder.filter(|holder| holder.kind == ActorKind::Agent) {
            let agent = self.state.agents.get(&holder.name);
            let tally = Arc::make_mut(&mut self.state.tallies).role(agent.map(Arc::as_ref));
            *count(tally) = count(tally).saturating_add(1);
        }
    }

    pub(super) fn close(
        &mut self,
        id: OrderId,
        outcome: &Outcome,
        at: Timestamp,
        by: Option<&Actor>,
    ) {
        let Some(order) = self.state.table_mut(id).remove(id.number()) else {
            return;
        };
        let mut order = Arc::unwrap_or_clone(order);
        order.changed = self.record.time;
        if self
            .state
            .settings
            .budgets
            .contains_key(&BudgetScope::Order)
        {
            // If its budget was spent, the alert of that is over.
            self.look_soon();
        }
        match &order.phase {
            _ if order.is_epic() => {
                let epics = &mut self.state.counts.epics;
                *epics = epics.saturating_sub(1);
            }
            Phase::Queued => self.queued(order.bucket, -1),
            Phase::InProgress(work) => {
                let work = work.clone();
                self.wip(order.bucket, -1);
                self.staged(&work.stage, -1);
                self.holds(&work.holder, id, false);
            }
        }
        if let Some(parent) = order.parent.and_then(|parent| self.state.order_mut(parent)) {
            set(&mut parent.children, id, false);
            tally(parent, outcome, 1);
        }
        for wait in order
            .depends_on
            .iter()
            .filter(|wait| wait.state == Wait::Open)
        {
            self.mirror(id, wait.on, false);
        }
        order
            .blocks
            .iter()
            .for_each(|waiting| self.answer(*waiting, id, outcome.wait()));
        if let Some(graph) = self.state.graph.get_mut() {
            graph.remove_node(id);
        }
        if let Outcome::Completed {
            receipt: Some(_), ..
        } = outcome
        {
            let met = self.state.due(&order).map(|due| at <= due);
            let cycle = order.first_started.map(|started| at.since(started));
            if let Some(cycle) = cycle {
                let spreads = &mut Arc::make_mut(&mut self.state.tallies).cycle;
                spreads[order.bucket.index()].add(&ORDER_BOUNDS, cycle);
            }
            let day = self.day(at, order.bucket);
            match met {
                Some(true) => day.met += 1,
                Some(false) => day.missed += 1,
                None => {}
            }
            cycle.into_iter().for_each(|cycle| day.cycle.add(cycle));
        }
        if let Some(by) = by.filter(|by| by.kind == ActorKind::Agent) {
            let agent = self.state.agents.get(&by.name).map(Arc::as_ref);
            let tally = Arc::make_mut(&mut self.state.tallies).role(agent);
            tally.completed = tally.completed.saturating_add(1);
            if agent.is_some()
                && let Some(agent) = Arc::make_mut(&mut self.state.agents).get_mut(&by.name)
            {
                let agent = Arc::make_mut(agent);
                agent.completed = agent.completed.saturating_add(1);
            }
        }
        self.end(order, outcome, at);
    }

    /// Counts an end and hands the folded form to the archive.
    pub(super) fn end(&mut self, order: Order, outcome: &Outcome, at: Timestamp) {
        let lead = at.since(order.created);
        if let Outcome::Completed { .. } = outcome {
            let spreads = &mut Arc::make_mut(&mut self.state.tallies).lead;
            spreads[order.bucket.index()].add(&ORDER_BOUNDS, lead);
        }
        let day = self.day(at, order.bucket);
        match outcome {
            Outcome::Completed { .. } => {
                day.completed += 1;
                day.lead.add(lead);
                self.state.counts.completed += 1;
            }
            Outcome::Cancelled { .. } => {
                day.cancelled += 1;
                self.state.counts.cancelled += 1;
            }
        }
        let form = ClosedOrder {
            order,
            outcome: outcome.clone(),
            closed: at,
        };
        let row = ArchivedOrder::of(&form, self.record.seq);
        self.archive.push(ArchiveChange::PutOrder(row));
    }

    pub(super) fn receipt(&mut self, event: &Event) {
        if let Some(receipt) = Receipt::of_event(event, self.record) {
            self.state.receipts.count = receipt.n;
            self.state.receipts.hash = receipt.hash;
            self.archive.push(ArchiveChange::PutReceipt(ReceiptRow {
                n: receipt.n,
                order: receipt.order,
                seq: receipt.seq,
                hash: receipt.hash,
            }));
        }
    }
}
