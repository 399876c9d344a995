//! An order as lists, cards and JSON show it.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Live,
    gates::{approvals, failed_gates},
    value::{Moment, seconds},
};
use crate::domain::{
    andon::{Alert, Scope},
    id::{AlertId, OrderId},
    order::{
        Actor, Bucket, ClosedOrder, Dependency, External, Kind, Order, Outcome, Phase, Priority,
        Status, Wait, vocabulary,
    },
    record::ActorKind,
    settings::Stage,
    state::State,
    time::Timestamp,
    usage::UsageView,
};

vocabulary! {
    /// How an order stands against its promise.
    SlaState ("state of an SLA") {
        /// In time.
        Ok = "ok",
        /// Four fifths of the time are gone.
        AtRisk = "at_risk",
        /// Past it.
        Breached = "breached",
        /// Nothing is promised.
        None = "none",
    }
}

/// An order. Field by field the JSON of `work-order list`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderView {
    /// Its id.
    pub id: OrderId,
    /// One line.
    pub title: String,
    /// What sort of work.
    pub kind: Kind,
    /// Queued, in progress, completed or cancelled.
    pub status: Status,
    /// The stage it stands in, when in progress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// Its class of service.
    pub bucket: Bucket,
    /// 1 to 10, 10 most urgent.
    pub priority: Priority,
    /// Who works on it, when in progress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<Actor>,
    /// The hold's expiry, when an agent claimed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<LeaseView>,
    /// Who is meant to do it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    /// Its labels, sorted.
    pub labels: Vec<String>,
    /// The order it is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<OrderId>,
    /// Its name where it came from, with the system before it: `beads:bd-1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// When it came into being.
    pub created_at: Moment,
    /// When any of it last changed.
    pub changed_at: Moment,
    /// When work on it first began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Moment>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Moment>,
    /// When it is, or was, due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Moment>,
    /// How it stands, or ended, against that.
    pub sla: SlaState,
    /// From its creation until now, or until it ended.
    pub age_seconds: i64,
    /// Whether something it waits for is not completed.
    pub blocked: bool,
    /// The alerts whose hold covers it.
    pub held_by: Vec<AlertId>,
    /// The quality gates whose newest look at it was no pass.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_gates: Vec<String>,
    /// The gates at which it waits for a person's approval: its agent says that it is done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits_for_approval: Vec<String>,
    /// Whether it is queued with nothing in its way but, perhaps, a full bucket or stage.
    pub ready: bool,
    /// What it waits for: open and cancelled orders.
    pub waits_for: Vec<OrderId>,
    /// The open orders that wait for it.
    pub blocks: Vec<OrderId>,
    /// Its children, if it ever had any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub children: Option<Children>,
    /// The expected work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate_minutes: Option<u32>,
    /// How many comments there are.
    pub comments: u32,
    /// The alerts it is meant to mend.
    pub corrective_for: Vec<AlertId>,
    /// What work on it used up.
    #[serde(default, skip_serializing_if = "UsageView::is_none")]
    pub usage: UsageView,
    /// What was delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// Why it was given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_reason: Option<String>,
    /// The number of its receipt; an order completed elsewhere and imported has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<u64>,
}

/// An agent's hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeaseView {
    /// The fencing number: what the agent writes must carry it.
    pub epoch: u32,
    /// When it ends unless it is renewed.
    pub expires_at: Moment,
}

/// How many children are where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Children {
    /// Not yet ended.
    pub open: usize,
    /// Done.
    pub completed: u32,
    /// Given up.
    pub cancelled: u32,
}

impl OrderView {
    /// Returns the view of an open order.
    pub fn open(state: &State, live: &Live, order: &Order, now: Timestamp) -> Self {
        let work = order.work();
        let held_by: Vec<AlertId> = state.held_by(order).collect();
        let waits = |wait: &&Dependency| wait.state != Wait::Completed;
        OrderView {
            stage: work.map(|work| work.stage.clone()),
            holder: work.map(|work| work.holder.clone()),
            lease: live.lease(order),
            sla: state.sla(order, now),
            age_seconds: seconds(now.since(order.created)),
            blocked: order.is_blocked(),
            ready: state.is_ready(order),
            held_by,
            failed_gates: failed_gates(state, order),
            waits_for_approval: approvals(state, live, order),
            waits_for: order
                .depends_on
                .iter()
                .filter(waits)
                .map(|wait| wait.on)
                .collect(),
            blocks: order.blocks.clone(),
            ..Self::still(state, order)
        }
    }

    /// Returns the view of a closed order. Its SLA is that of its bucket today.
    pub fn closed(state: &State, closed: &ClosedOrder) -> Self {
        let order = &closed.order;
        let judged = matches!(
            closed.outcome,
            Outcome::Completed {
                receipt: Some(_),
                ..
            }
        );
        let mut view = OrderView {
            status: closed.status(),
            closed_at: Some(Moment(closed.closed)),
            sla: match state.due(order) {
                Some(due) if closed.closed > due => SlaState::Breached,
                Some(_) => SlaState::Ok,
                None => SlaState::None,
            },
            age_seconds: seconds(closed.closed.since(order.created)),
            ..Self::still(state, order)
        };
        if !judged {
            // No promise was kept or broken by what was given up, or done before it came here.
            view.sla = SlaState::None;
            view.due_at = None;
        }
        match &closed.outcome {
            Outcome::Completed { sku, receipt } => {
                view.sku.clone_from(sku);
                view.receipt = *receipt;
            }
            Outcome::Cancelled { reason } => view.cancel_reason = Some(reason.clone()),
        }
        view
    }

    /// Returns what does not depend on whether it is open.
    fn still(state: &State, order: &Order) -> Self {
        let children = Children {
            open: order.children.len(),
            completed: order.children_completed,
            cancelled: order.children_cancelled,
        };
        OrderView {
            id: order.id,
            title: order.title.clone(),
            kind: order.kind,
            status: order.status(),
            stage: None,
            bucket: order.bucket,
            priority: order.priority,
            holder: None,
            lease: None,
            assignee: order.assignee.clone(),
            labels: order.labels.clone(),
            parent: order.parent,
            external_id: order.external.as_ref().map(External::key),
            created_at: Moment(order.created),
            changed_at: Moment(order.changed),
            started_at: order.first_started.map(Moment),
            closed_at: None,
            due_at: state.due(order).map(Moment),
            sla: SlaState::None,
            age_seconds: 0,
            blocked: false,
            held_by: vec![],
            failed_gates: vec![],
            waits_for_approval: vec![],
            ready: false,
            waits_for: vec![],
            blocks: vec![],
            children: (children != Children::default()).then_some(children),
            estimate_minutes: order.estimate,
            comments: order.comments,
            corrective_for: order.corrective.clone(),
            usage: order.usage.view(),
            sku: None,
            cancel_reason: None,
            receipt: None,
        }
    }
}

impl Live {
    /// Returns an order's lease with its newest renewal.
    pub fn lease(&self, order: &Order) -> Option<LeaseView> {
        let lease = order.lease()?;
        let renewed = match self.renewals.get(&order.id) {
            Some((epoch, until)) if *epoch == lease.epoch => lease.expires_at.max(*until),
            _ => lease.expires_at,
        };
        Some(LeaseView {
            epoch: lease.epoch,
            expires_at: Moment(renewed),
        })
    }
}

impl State {
    /// Returns the stage that a started order enters.
    pub fn first_stage(&self) -> Option<&str> {
        self.settings
            .stages
            .first()
            .map(|stage| stage.name.as_str())
    }

    /// Returns the stage to the right of one, if there is one.
    pub fn next_stage(&self, name: &str) -> Option<&Stage> {
        let at = self.settings.stage_index(name)?;
        self.settings.stages.get(at + 1)
    }

    /// Returns the open alerts, and their scopes, that hold an open order where it stands: a queued one as if it were
    /// to start.
    pub fn holds_where_it_stands<'a>(
        &'a self,
        order: &'a Order,
    ) -> impl Iterator<Item = (&'a Arc<Alert>, &'a Scope)> + 'a {
        let (stage, agent) = match &order.phase {
            Phase::Queued => (self.first_stage(), None),
            Phase::InProgress(work) => {
                let agent = (work.holder.kind == ActorKind::Agent).then_some(&*work.holder.name);
                (Some(&*work.stage), agent)
            }
        };
        self.holds_on(order, stage, agent)
    }

    /// Returns the ids of [`State::holds_where_it_stands`].
    pub fn held_by<'a>(&'a self, order: &'a Order) -> impl Iterator<Item = AlertId> + 'a {
        self.holds_where_it_stands(order).map(|(alert, _)| alert.id)
    }

    /// Returns whether an open order is queued, waits for nothing and is not held: it starts as soon as there is room.
    pub fn is_ready(&self, order: &Order) -> bool {
        matches!(order.phase, Phase::Queued)
            && !order.is_epic()
            && !order.is_blocked()
            && self.held_by(order).next().is_none()
    }

    /// Returns how an open order stands against its SLA: at risk when four fifths of the time are gone.
    pub fn sla(&self, order: &Order, now: Timestamp) -> SlaState {
        let Some(due) = self.due(order) else {
            return SlaState::None;
        };
        let span = due.since(order.entered);
        if now > due {
            SlaState::Breached
        } else if now.since(order.entered) >= span / 5 * 4 {
            SlaState::AtRisk
        } else {
            SlaState::Ok
        }
    }
}
