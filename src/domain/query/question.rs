//! Every question that a door can ask.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[cfg(doc)]
use super::{Answer, orders, reports};
use super::{
    deps::Direction,
    filter::{Cursor, Filter, Sort},
    names::NameQuery,
    receipts::file::ReceiptFile,
    trace::TraceQuery,
};
use crate::domain::{
    andon::{Scope, Severity},
    id::{AlertId, OrderId},
    record::Seq,
    time::Timestamp,
};

/// A question. Limits that are None stand for the list's default; more than [`MAX_LIMIT`](super::MAX_LIMIT) counts as that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Query {
    /// Which orders there are. Answered by [`Answer::WorkOrders`].
    WorkOrders {
        /// Which of them.
        #[serde(default)]
        filter: Filter,
        /// Closed ones too, behind the open ones, newest first.
        #[serde(default)]
        all: bool,
        /// How the open ones are sorted.
        #[serde(default)]
        sort: Sort,
        /// At most so many.
        #[serde(default)]
        limit: Option<usize>,
        /// Only those behind this place: [`orders::WorkOrders::next`] of the page before.
        #[serde(default)]
        after: Option<Cursor>,
    },
    /// All about one order. Answered by [`Answer::WorkOrder`].
    WorkOrder {
        /// Its id here or elsewhere.
        order: String,
    },
    /// One order as lists show it. Answered by [`Answer::Status`].
    Status {
        /// Its id here or elsewhere.
        order: String,
    },
    /// What happened to a subject, oldest first. Answered by [`Answer::Log`].
    History {
        /// An order's or alert's id, `agent:NAME` or `ledger`.
        subject: String,
        /// Only what came after this record.
        #[serde(default)]
        after: Seq,
        /// At most so many.
        #[serde(default)]
        limit: Option<usize>,
    },
    /// What happened, oldest first. Answered by [`Answer::Log`].
    Log {
        /// Only what came after this record; None gives the newest.
        #[serde(default)]
        after: Option<Seq>,
        /// At most so many.
        #[serde(default)]
        limit: Option<usize>,
    },
    /// Why an order is not moving. Answered by [`Answer::Why`].
    Why {
        /// Its id here or elsewhere.
        order: String,
    },
    /// What a hold would stop. Answered by [`Answer::Blast`].
    Blast {
        /// What would be held.
        scope: Scope,
        /// At most so many in each of its lists.
        #[serde(default)]
        limit: Option<usize>,
    },
    /// One order's dependencies as a tree. Answered by [`Answer::Tree`].
    Tree {
        /// The root.
        order: OrderId,
        /// Which way to look.
        #[serde(default)]
        direction: Direction,
        /// At most so many rows.
        #[serde(default)]
        limit: Option<usize>,
    },
    /// How one order waits for another. Answered by [`Answer::Path`].
    Path {
        /// Which waits.
        from: OrderId,
        /// For which.
        to: OrderId,
    },
    /// The open orders so that each comes after what it waits for. Answered by [`Answer::TopologicalOrder`].
    TopologicalOrder {
        /// Only those beneath this one.
        #[serde(default)]
        epic: Option<OrderId>,
        /// At most so many.
        #[serde(default)]
        limit: Option<usize>,
    },
    /// The open orders by how many must come before. Answered by [`Answer::Layers`].
    Layers {
        /// Only those beneath this one.
        #[serde(default)]
        epic: Option<OrderId>,
        /// At most so many orders.
        #[serde(default)]
        limit: Option<usize>,
    },
    /// The chain of open waits that takes longest. Answered by [`Answer::CriticalPath`].
    CriticalPath {
        /// Only those beneath this one.
        #[serde(default)]
        epic: Option<OrderId>,
    },
    /// The dependencies as Mermaid text. Answered by [`Answer::Diagram`].
    Diagram {
        /// An epic with what is beneath it, or an order with its surroundings; None draws all that is open.
        #[serde(default)]
        root: Option<OrderId>,
    },
    /// Who waits for whom, to be drawn. Answered by [`Answer::Graph`].
    Graph {
        /// An epic with what is beneath it, or an order with its surroundings; None is all that is open.
        #[serde(default)]
        root: Option<OrderId>,
        /// Without a root, only these.
        #[serde(default)]
        filter: Filter,
        /// Closed ones too.
        #[serde(default)]
        closed: bool,
    },
    /// Which alerts there are, worst and oldest first. Answered by [`Answer::Alerts`].
    Alerts {
        /// Resolved ones too, behind the open ones, newest first.
        #[serde(default)]
        all: bool,
        /// Only this severity.
        #[serde(default)]
        severity: Option<Severity>,
        /// At most so many.
        #[serde(default)]
        limit: Option<usize>,
        /// Only those behind this one in that order.
        #[serde(default)]
        after: Option<AlertId>,
    },
    /// All about one alert. Answered by [`Answer::Alert`].
    Alert {
        /// Which.
        id: AlertId,
    },
    /// Which agents are registered. Answered by [`Answer::Agents`].
    Agents {
        /// At most so many.
        #[serde(default)]
        limit: Option<usize>,
        /// Only those whose name comes behind this one.
        #[serde(default)]
        after: Option<String>,
    },
    /// All about one agent. Answered by [`Answer::Agent`].
    Agent {
        /// Its name.
        name: String,
    },
    /// The newest receipt of an order. Answered by [`Answer::Receipt`].
    Receipt {
        /// The order's id here or elsewhere.
        order: String,
    },
    /// Whether that receipt is what it claims. Answered by [`Answer::Verification`].
    VerifyReceipt {
        /// The order's id here or elsewhere.
        order: String,
    },
    /// Whether a receipt's file is what it claims, by itself and on this ledger. Answered by [`Answer::Verification`].
    VerifyReceiptFile {
        /// The file.
        file: Box<ReceiptFile>,
    },
    /// That receipt and those before it in the chain, newest first. Answered by [`Answer::ReceiptChain`].
    ReceiptChain {
        /// The order's id here or elsewhere.
        order: String,
        /// At most so many.
        #[serde(default)]
        limit: Option<usize>,
    },
    /// The buckets with their rules and how they stand. Answered by [`Answer::Buckets`].
    Buckets,
    /// The board's stages with their limits and how they stand. Answered by [`Answer::Stages`].
    Stages,
    /// The quality gates, or how an order stands at those asked of it. Answered by [`Answer::Gates`].
    Gates {
        /// Its id here or elsewhere.
        #[serde(default)]
        order: Option<String>,
    },
    /// How far an epic is. Answered by [`Answer::Progress`].
    Progress {
        /// Which, or any other parent.
        epic: OrderId,
    },
    /// How many orders are completed. Answered by [`Answer::Velocity`].
    Velocity {
        /// From this moment's day on.
        since: Timestamp,
        /// Only these.
        #[serde(default)]
        filter: Filter,
    },
    /// What agents used up, and how budgets stand. Answered by [`Answer::Usage`].
    Usage {
        /// From this moment's day on.
        since: Timestamp,
        /// At most so many orders, and so many agents.
        #[serde(default)]
        limit: Option<usize>,
    },
    /// How promises are kept, and what is left until the open ones are broken. Answered by [`Answer::Sla`].
    Sla {
        /// From this moment's day on.
        since: Timestamp,
        /// Only these.
        #[serde(default)]
        filter: Filter,
        /// At most so many open ones.
        #[serde(default)]
        limit: Option<usize>,
    },
    /// How many orders stood where at each day's end. Answered by [`Answer::Flow`].
    Flow {
        /// From this moment's day on.
        since: Timestamp,
        /// Only these.
        #[serde(default)]
        filter: Filter,
    },
    /// How long orders take. Answered by [`Answer::LeadTime`].
    LeadTime {
        /// From this moment's day on.
        since: Timestamp,
        /// Only these.
        #[serde(default)]
        filter: Filter,
    },
    /// How long each completed order took. Answered by [`Answer::CycleTimes`].
    CycleTimes {
        /// From this moment's day on.
        since: Timestamp,
        /// Only these.
        #[serde(default)]
        filter: Filter,
        /// At most so many.
        #[serde(default)]
        limit: Option<usize>,
    },
    /// How long the orders in progress have taken so far. Answered by [`Answer::Ageing`].
    Ageing {
        /// The history from this moment's day on.
        since: Timestamp,
        /// Only these.
        #[serde(default)]
        filter: Filter,
        /// At most so many.
        #[serde(default)]
        limit: Option<usize>,
    },
    /// When the open orders will be done. Answered by [`Answer::Forecast`].
    Forecast {
        /// The throughput from this moment's day on.
        since: Timestamp,
        /// Only these.
        #[serde(default)]
        filter: Filter,
        /// How many trials; None stands for [`reports::forecast::DEFAULT_TRIALS`].
        #[serde(default)]
        trials: Option<u32>,
        /// Where the chance comes from; None stands for [`reports::forecast::DEFAULT_SEED`].
        #[serde(default)]
        seed: Option<u32>,
    },
    /// Which open orders are likely to break their promise, and what waits for them. Answered by [`Answer::Risk`].
    Risk {
        /// The history from this moment's day on.
        since: Timestamp,
        /// Only these.
        #[serde(default)]
        filter: Filter,
        /// At most so many.
        #[serde(default)]
        limit: Option<usize>,
    },
    /// What the next shift needs to know. Answered by [`Answer::Handover`].
    Handover {
        /// What happened from this moment on.
        since: Timestamp,
        /// At most so many in each of its lists.
        #[serde(default)]
        limit: Option<usize>,
    },
    /// The line at a glance. Answered by [`Answer::Summary`].
    Summary,
    /// Every figure with its name and labels. Answered by [`Answer::Metrics`].
    Metrics,
    /// Every record that touches an order or an agent. Answered by [`Answer::Trace`].
    Trace(TraceQuery),
    /// The names that fit what was typed. Answered by [`Answer::Names`].
    Names(NameQuery),
}
