//! What is left until promises are broken.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{
    id::OrderId,
    order::{Actor, Bucket, Order},
    query::{
        Live,
        filter::{Filter, Sort},
        order_view::{LeaseView, SlaState},
        value::{Moment, seconds},
    },
    state::State,
    time::Timestamp,
};

/// Open orders with a promise, soonest due first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DueOrders {
    /// The first of them.
    pub orders: Vec<DueOrder>,
    /// How many there are.
    pub total: u64,
    /// Of them past their SLA already.
    pub breached: u64,
}

/// An open order against its promise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DueOrder {
    /// Where it stands.
    #[serde(flatten)]
    pub order: Standing,
    /// When it is due.
    pub due_at: Moment,
    /// How long until then; below zero it is past it.
    pub left_seconds: i64,
    /// How it stands against its SLA.
    pub sla: SlaState,
}

/// Where an open order stands, in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Standing {
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
    /// The hold's expiry, when an agent claimed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<LeaseView>,
    /// Whether something it waits for is not completed.
    pub blocked: bool,
    /// Whether an alert holds it.
    pub held: bool,
}

impl Standing {
    /// Returns where an open order stands.
    pub fn of(state: &State, live: &Live, order: &Order) -> Self {
        let work = order.work();
        Standing {
            id: order.id,
            title: order.title.clone(),
            bucket: order.bucket,
            stage: work.map(|work| work.stage.clone()),
            holder: work.map(|work| work.holder.clone()),
            lease: live.lease(order),
            blocked: order.is_blocked(),
            held: state.held_by(order).next().is_some(),
        }
    }
}

impl DueOrders {
    /// Returns at most `limit` of the open orders that a filter admits and that have a promise.
    pub fn of(state: &State, live: &Live, filter: &Filter, limit: usize, now: Timestamp) -> Self {
        let admitted = state.work_orders().map(AsRef::as_ref);
        let admitted = admitted.filter(|order: &&Order| filter.admits(state, order, now));
        let mut orders: Vec<(&Order, Timestamp)> = admitted
            .filter_map(|order| Some((order, state.due(order)?)))
            .collect();
        orders.sort_by_key(|(order, _)| Sort::Due.key(state, order));
        let breached = orders.iter().filter(|(_, due)| now > *due).count() as u64;
        let view = |(order, due): &(&Order, Timestamp)| DueOrder {
            order: Standing::of(state, live, order),
            due_at: Moment(*due),
            left_seconds: left(*due, now),
            sla: state.sla(order, now),
        };
        DueOrders {
            total: orders.len() as u64,
            orders: orders.iter().take(limit).map(view).collect(),
            breached,
        }
    }
}

/// Returns the whole seconds from now until a moment, below zero if it is past.
pub(super) fn left(until: Timestamp, now: Timestamp) -> i64 {
    seconds(until.since(now)) - seconds(now.since(until))
}
