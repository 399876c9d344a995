//! Every question that doors ask, answered by one pure function from the state, the books and the time.
//!
//! The answers' types are the documented JSON: what `--json` prints is [`Answer::document`], and the same structs cross
//! the socket inside [`Answer`]. Times in them are RFC 3339 in UTC, durations whole seconds, ids text; what is absent is
//! left out. Every list has a limit and says how many there are in all.

pub mod agents;
pub mod andon;
pub mod blast;
pub mod deps;
pub mod describe;
pub mod detail;
mod diagram;
pub mod durations;
pub mod events;
pub mod filter;
pub mod metrics;
pub mod order_view;
pub mod orders;
mod reading;
pub mod receipts;
pub mod reports;
pub mod settings;
pub mod since;
pub mod summary;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod tree;
pub mod value;
pub mod why;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use self::{
    deps::Direction,
    filter::{Cursor, Filter, Sort},
    reading::{Reading, Stop},
};
use super::{
    andon::{Scope, Severity},
    books::Books,
    decide::Renewals,
    id::{AlertId, OrderId},
    order::Bucket,
    record::Seq,
    refusal::Refusal,
    state::State,
    time::Timestamp,
};

/// The rows of a list for which no limit was given: a screen.
pub const DEFAULT_LIMIT: usize = 50;
/// The most rows of any list: an answer stays within a few MiB, whatever is asked.
pub const MAX_LIMIT: usize = 10_000;

/// What is known beside the ledger: signs of life, which never go on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live {
    /// The last heartbeat of each agent.
    pub beats: BTreeMap<String, Timestamp>,
    /// The newest renewal of each lease: its epoch and until when it holds.
    pub renewals: Renewals,
}

/// A question. Limits that are None stand for the list's default; more than [`MAX_LIMIT`] counts as that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// How far an epic is. Answered by [`Answer::Progress`].
    Progress {
        /// Which, or any other parent.
        epic: OrderId,
    },
    /// How many orders are completed. Answered by [`Answer::Velocity`].
    Velocity {
        /// From this moment's day on.
        since: Timestamp,
    },
    /// How promises are kept. Answered by [`Answer::Sla`].
    Sla {
        /// From this moment's day on.
        since: Timestamp,
        /// Only this one.
        #[serde(default)]
        bucket: Option<Bucket>,
    },
    /// How many orders stood where at each day's end. Answered by [`Answer::Flow`].
    Flow {
        /// From this moment's day on.
        since: Timestamp,
        /// Only this one.
        #[serde(default)]
        bucket: Option<Bucket>,
    },
    /// How long orders take. Answered by [`Answer::LeadTime`].
    LeadTime {
        /// From this moment's day on.
        since: Timestamp,
        /// Only this one.
        #[serde(default)]
        bucket: Option<Bucket>,
    },
    /// The line at a glance. Answered by [`Answer::Summary`].
    Summary,
    /// Every figure with its name and labels. Answered by [`Answer::Metrics`].
    Metrics,
}

/// Declares the answers once: the enum and what is printed of each.
macro_rules! answers {
    ($($(#[$meta:meta])* $variant:ident($type:ty)),+ $(,)?) => {
        /// An answer. As JSON it is externally tagged, as it crosses the socket; [`Answer::document`] is without the tag.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Answer {
            $($(#[$meta])* $variant($type)),+
        }

        impl Answer {
            /// Returns the documented JSON, without the tag, its fields in the order in which they are declared;
            /// on one line, or indented for people.
            ///
            /// # Errors
            ///
            /// None that is known: every key is a string.
            pub fn document(&self, indented: bool) -> Result<String, serde_json::Error> {
                match self {
                    $(Answer::$variant(answer) if indented => serde_json::to_string_pretty(answer),
                    Answer::$variant(answer) => serde_json::to_string(answer)),+
                }
            }
        }

        $(impl From<$type> for Answer {
            fn from(answer: $type) -> Self {
                Answer::$variant(answer)
            }
        })+
    };
}

answers! {
    /// A page of orders.
    WorkOrders(orders::WorkOrders),
    /// All about one order.
    WorkOrder(Box<detail::OrderDetail>),
    /// One order.
    Status(Box<order_view::OrderView>),
    /// Records as sentences.
    Log(events::Log),
    /// Why an order is not moving.
    Why(why::Why),
    /// What a hold would stop.
    Blast(blast::Blast),
    /// One order's dependencies.
    Tree(deps::DependencyTree),
    /// A chain of waits.
    Path(deps::DependencyPath),
    /// Orders in an order that works.
    TopologicalOrder(deps::TopologicalOrder),
    /// Orders by layer.
    Layers(deps::Layers),
    /// The chain that takes longest.
    CriticalPath(deps::CriticalChain),
    /// Mermaid text.
    Diagram(deps::Diagram),
    /// A page of alerts.
    Alerts(andon::Alerts),
    /// All about one alert.
    Alert(Box<andon::AlertDetail>),
    /// The registered agents.
    Agents(agents::Agents),
    /// All about one agent.
    Agent(Box<agents::AgentDetail>),
    /// A receipt.
    Receipt(Box<receipts::ReceiptView>),
    /// What a receipt's check found.
    Verification(receipts::Verification),
    /// Receipts back from one.
    ReceiptChain(receipts::ReceiptChain),
    /// The buckets.
    Buckets(settings::Buckets),
    /// The stages.
    Stages(settings::Stages),
    /// How far an epic is.
    Progress(Box<reports::progress::Progress>),
    /// Completions by day.
    Velocity(reports::velocity::Velocity),
    /// Promises by bucket.
    Sla(reports::sla::Sla),
    /// The cumulative flow.
    Flow(reports::flow::Flow),
    /// Percentiles.
    LeadTime(reports::lead_time::LeadTime),
    /// The line at a glance.
    Summary(Box<summary::Summary>),
    /// Every figure.
    Metrics(metrics::Metrics),
}

/// Answers a question, or refuses it as data.
///
/// # Errors
///
/// The ledger could not be read.
pub fn answer<B: Books>(
    state: &State,
    live: &Live,
    books: &mut B,
    query: &Query,
    now: Timestamp,
) -> Result<Result<Answer, Refusal>, B::Fault> {
    let mut reading = Reading {
        state,
        live,
        books,
        now,
    };
    match reading.answer(query) {
        Ok(answer) => Ok(Ok(answer)),
        Err(Stop::Refused(refusal)) => Ok(Err(refusal)),
        Err(Stop::Fault(fault)) => Err(fault),
    }
}

/// Returns how many rows a list may have.
fn limit(asked: Option<usize>) -> usize {
    asked.unwrap_or(DEFAULT_LIMIT).min(MAX_LIMIT)
}

impl<B: Books> Reading<'_, B> {
    fn answer(&mut self, query: &Query) -> Result<Answer, Stop<B::Fault>> {
        Ok(match query {
            Query::WorkOrders {
                filter,
                all,
                sort,
                limit: asked,
                after,
            } => self
                .work_orders(filter, *all, *sort, limit(*asked), after.as_ref())?
                .into(),
            Query::WorkOrder { order } => Box::new(self.order_detail(order)?).into(),
            Query::Status { order } => Box::new(self.status(order)?).into(),
            Query::History {
                subject,
                after,
                limit: asked,
            } => self.history(subject, *after, limit(*asked))?.into(),
            Query::Log {
                after,
                limit: asked,
            } => self.log(*after, limit(*asked))?.into(),
            Query::Why { order } => self.why(order)?.into(),
            Query::Blast {
                scope,
                limit: asked,
            } => self.blast(scope, limit(*asked))?.into(),
            Query::Tree {
                order,
                direction,
                limit: asked,
            } => self.tree(*order, *direction, limit(*asked))?.into(),
            Query::Path { from, to } => self.path(*from, *to)?.into(),
            Query::TopologicalOrder { epic, limit: asked } => {
                self.topological_order(*epic, limit(*asked))?.into()
            }
            Query::Layers { epic, limit: asked } => self.layers(*epic, limit(*asked))?.into(),
            Query::CriticalPath { epic } => self.critical_path(*epic)?.into(),
            Query::Diagram { root } => self.diagram(*root)?.into(),
            Query::Alerts {
                all,
                severity,
                limit: asked,
                after,
            } => self.alerts(*all, *severity, limit(*asked), *after)?.into(),
            Query::Alert { id } => Box::new(self.alert(*id)?).into(),
            Query::Agents {
                limit: asked,
                after,
            } => self.agents(limit(*asked), after.as_deref()).into(),
            Query::Agent { name } => Box::new(self.agent(name)?).into(),
            Query::Receipt { order } => Box::new(self.receipt(order)?).into(),
            Query::VerifyReceipt { order } => self.verify_receipt(order)?.into(),
            Query::ReceiptChain {
                order,
                limit: asked,
            } => self.receipt_chain(order, limit(*asked))?.into(),
            Query::Buckets => settings::buckets(self.state, self.now).into(),
            Query::Stages => settings::stages(self.state).into(),
            Query::Progress { epic } => Box::new(self.progress(*epic)?).into(),
            Query::Velocity { since } => {
                reports::velocity::velocity(self.state, *since, self.now).into()
            }
            Query::Sla { since, bucket } => {
                reports::sla::sla(self.state, *since, *bucket, self.now).into()
            }
            Query::Flow { since, bucket } => {
                reports::flow::flow(self.state, *since, *bucket, self.now).into()
            }
            Query::LeadTime { since, bucket } => {
                reports::lead_time::lead_time(self.state, *since, *bucket, self.now).into()
            }
            Query::Summary => Box::new(self.summary()?).into(),
            Query::Metrics => metrics::metrics(self.state, self.now).into(),
        })
    }
}
