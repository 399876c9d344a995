//! What a record does to the state, and to the archive beside it.

mod agents;
mod alerts;
mod edges;
mod flow;
mod gates;
mod orders;
mod usage;

use std::sync::Arc;

use super::{
    archive::ArchiveChange,
    days::DayRow,
    event::{Event, Undecodable},
    id::OrderId,
    order::{Actor, Bucket, External, Order, Outcome, Phase},
    record::{ActorKind, Record},
    state::{MAX_DAY, State},
    time::Timestamp,
};

/// Takes a stored record into the state and returns what it does to the archive.
///
/// An event that this version does not know changes nothing but [`State::unknown`].
/// A damaged one is an error: the state is then as before.
pub fn evolve(state: &mut State, record: &Record) -> Result<Vec<ArchiveChange>, Undecodable> {
    match record.decode() {
        Ok(event) => Ok(apply(state, &event, record)),
        Err(Undecodable::Unknown { kind, .. }) => {
            state.unknown.get_or_insert((kind, record.seq));
            state.arrive(record);
            Ok(Vec::new())
        }
        Err(damaged) => Err(damaged),
    }
}

/// Takes an event whose record is sealed into the state and returns what it does to the archive.
pub fn apply(state: &mut State, event: &Event, record: &Record) -> Vec<ArchiveChange> {
    state.arrive(record);
    let mut step = Step {
        state,
        record,
        archive: Vec::new(),
    };
    step.apply(event);
    step.archive
}

impl State {
    fn arrive(&mut self, record: &Record) {
        self.head.seq = record.seq;
        self.head.hash = record.hash;
        self.time = record.time;
    }
}

/// One record on its way into the state.
struct Step<'a> {
    state: &'a mut State,
    record: &'a Record,
    archive: Vec<ArchiveChange>,
}

impl Step<'_> {
    fn apply(&mut self, event: &Event) {
        match event {
            Event::LedgerCreated { uuid, incarnation } => {
                self.state.uuid = *uuid;
                self.state.incarnation = *incarnation;
            }
            Event::LedgerRestored { incarnation } => self.state.incarnation = *incarnation,
            Event::HostElected { term, .. } => self.state.term = *term,
            Event::BucketSet { bucket, rule } => {
                Arc::make_mut(&mut self.state.settings).buckets[bucket.index()] = *rule;
                self.look_soon();
            }
            Event::StagesSet { stages } => {
                Arc::make_mut(&mut self.state.settings)
                    .stages
                    .clone_from(stages);
            }
            Event::PolicySet { policy } => {
                Arc::make_mut(&mut self.state.settings).policy = *policy;
                self.look_soon();
            }
            Event::OrderCreated { .. } => self.create(event),
            Event::OrderImported { id, item, external } => self.import(*id, item, external),
            Event::OrderMerged {
                id,
                external,
                changes,
                ..
            } => {
                self.edit(*id, changes);
                let base = External {
                    base: self.record.seq,
                    ..external.clone()
                };
                if let Some(order) = self.order(*id) {
                    order.external = Some(base);
                }
            }
            Event::OrderClosedElsewhere {
                id,
                outcome,
                closed,
            } => {
                self.close(*id, outcome, *closed, None);
            }
            Event::ImportFinished { .. } => {}
            Event::OrderEdited { id, changes } => self.edit(*id, changes),
            Event::OrderStarted { .. } => self.start(event),
            Event::OrderMoved { id, to, .. } => self.relocate(*id, to),
            Event::OrderReleased { id, forced, .. } => {
                if !forced {
                    self.undone(*id, |tally| &mut tally.given_back);
                }
                self.requeue(*id);
            }
            Event::LeaseLapsed { id, .. } => {
                self.undone(*id, |tally| &mut tally.lapsed);
                self.requeue(*id);
            }
            Event::LeasesRenewed { leases } => {
                for (id, expires_at) in leases {
                    if let Some(Order {
                        phase: Phase::InProgress(work),
                        ..
                    }) = self.state.order_mut(*id)
                        && let Some(lease) = &mut work.lease
                    {
                        lease.expires_at = *expires_at;
                        self.due_at(*expires_at);
                    }
                }
            }
            Event::OrderCompleted {
                id,
                sku,
                by,
                receipt,
                ..
            } => {
                let outcome = Outcome::Completed {
                    sku: sku.clone(),
                    receipt: Some(*receipt),
                };
                self.receipt(event);
                self.close(*id, &outcome, self.record.occurred_at, Some(by));
            }
            Event::OrderCancelled { id, reason } => {
                let outcome = Outcome::Cancelled {
                    reason: reason.clone(),
                };
                self.close(*id, &outcome, self.record.occurred_at, None);
            }
            Event::OrderReopened { id, form, .. } => self.reopen(*id, form),
            Event::OrderCommented { id, .. } => {
                if let Some(order) = self.order(*id) {
                    order.comments = order.comments.saturating_add(1);
                }
            }
            Event::DependencyAdded { id, on, state } => self.wait(*id, *on, *state),
            Event::DependencyRemoved { id, on } => self.wait_no_longer(*id, *on),
            Event::LinkAdded { id, link } => {
                if let Some(order) = self.order(*id)
                    && let Err(at) = order.links.binary_search(link)
                {
                    order.links.insert(at, link.clone());
                }
            }
            Event::LinkRemoved { id, link } => {
                if let Some(order) = self.order(*id) {
                    order.links.retain(|other| other != link);
                }
            }
            Event::SlaBreached { id, bucket } => {
                if let Some(order) = self.state.order_mut(*id) {
                    order.breached = true;
                }
                self.day(self.record.time, *bucket).breaches += 1;
            }
            Event::GateSet { name, rule } => self.gate_set(name, rule),
            Event::GateRemoved { name } => self.gate_removed(name),
            Event::GateRecorded { id, gate, run } | Event::GateJudged { id, gate, run } => {
                self.gate_seen(*id, gate, run);
            }
            Event::WorkspaceRecorded { id, workspace, .. } => {
                if let Some(order) = self.order(*id) {
                    order.workspace = Some(workspace.clone());
                }
            }
            Event::UsageRecorded { .. } | Event::BudgetSet { .. } | Event::BudgetRemoved { .. } => {
                self.usage(event);
            }
            Event::AgentRegistered { .. }
            | Event::AgentPaused { .. }
            | Event::AgentResumed { .. }
            | Event::AgentUnregistered { .. } => {
                self.agent(event);
            }
            _ => self.alert(event),
        }
    }

    // Small steps.

    /// Returns an open order for a change that counts as one.
    fn order(&mut self, id: OrderId) -> Option<&mut Order> {
        let now = self.record.time;
        let order = self.state.order_mut(id)?;
        order.changed = now;
        Some(order)
    }

    fn day(&mut self, at: Timestamp, bucket: Bucket) -> &mut DayRow {
        let number = at.day().min(MAX_DAY);
        if self.state.days.get(number).is_none() {
            self.state.days.insert(number, super::days::Day::default());
        }
        self.state
            .days
            .get_mut(number)
            .expect("just put there")
            .row(bucket)
    }

    /// Notes that something falls due then.
    fn due_at(&mut self, at: Timestamp) {
        self.state.next_due = self.state.next_due.min(at);
    }

    /// Has everything looked through for what is due: a rule changed, and with it any due time.
    fn look_soon(&mut self) {
        self.due_at(Timestamp(i64::MIN));
    }

    fn queued(&mut self, bucket: Bucket, change: i32) {
        let count = &mut self.state.counts.queued[bucket.index()];
        *count = count.saturating_add_signed(change);
    }

    fn wip(&mut self, bucket: Bucket, change: i32) {
        let count = &mut self.state.counts.wip[bucket.index()];
        *count = count.saturating_add_signed(change);
        let count = *count;
        self.day(self.record.time, bucket).wip = Some(count);
    }

    fn staged(&mut self, stage: &str, change: i32) {
        let count = self.state.counts.stages.entry(stage.into()).or_default();
        *count = count.saturating_add_signed(change);
        if *count == 0 {
            self.state.counts.stages.remove(stage);
        }
    }

    /// Keeps the index. A parent may wait for its own child besides: the edge goes with the last reason for it.
    fn edge(&mut self, after: OrderId, before: OrderId, there: bool) {
        let needed = there
            || self
                .state
                .order(after)
                .is_some_and(|order| order.needs(before));
        if let Some(graph) = self.state.graph.get_mut() {
            if needed {
                graph.insert_edge(after, before)
            } else {
                graph.remove_edge(after, before)
            };
        }
    }

    fn holds(&mut self, holder: &Actor, id: OrderId, there: bool) {
        if holder.kind == ActorKind::Agent && self.state.agents.contains_key(&holder.name) {
            let agents = Arc::make_mut(&mut self.state.agents);
            if let Some(agent) = agents.get_mut(&holder.name) {
                set(&mut Arc::make_mut(agent).holds, id, there);
            }
        }
    }
}

/// Puts `id` into a sorted list, or takes it out.
fn set(list: &mut Vec<OrderId>, id: OrderId, there: bool) {
    match (list.binary_search(&id), there) {
        (Err(at), true) => list.insert(at, id),
        (Ok(at), false) => {
            list.remove(at);
        }
        _ => {}
    }
}

/// Counts a closed child, or takes it back.
fn tally(parent: &mut Order, outcome: &Outcome, change: i32) {
    let count = match outcome {
        Outcome::Completed { .. } => &mut parent.children_completed,
        Outcome::Cancelled { .. } => &mut parent.children_cancelled,
    };
    *count = count.saturating_add_signed(change);
}
