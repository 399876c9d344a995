//! Every question that doors ask, answered by one pure function from the state, the books and the time.
//!
//! The answers' types are the documented JSON: what `--json` prints is [`Answer::document`], and the same structs cross
//! the socket inside [`Answer`]. Times in them are RFC 3339 in UTC, durations whole seconds, ids text; what is absent is
//! left out. Every list has a limit and says how many there are in all.

pub mod agents;
pub mod andon;
mod answers;
pub mod blast;
pub mod deps;
pub mod describe;
pub mod detail;
mod diagram;
pub mod durations;
pub mod events;
pub mod filter;
pub mod gates;
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

pub use self::answers::Answer;

use self::{
    deps::Direction,
    filter::{Cursor, Filter, Sort},
    reading::{Reading, Stop},
    reports::forecast::{DEFAULT_SEED, DEFAULT_TRIALS, Dice},
};
use super::{
    andon::{Scope, Severity},
    books::Books,
    decide::Renewals,
    gate::Tree,
    id::{AlertId, OrderId},
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
    /// The code as it is now, where it was looked at.
    #[serde(default)]
    pub tree: Option<Tree>,
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
            Query::Gates { order } => self.gates(order.as_deref())?.into(),
            Query::Progress { epic } => Box::new(self.progress(*epic)?).into(),
            Query::Velocity { since, filter } => {
                let (rows, span) = self.rows(filter, *since)?;
                reports::velocity::velocity(&rows, span).into()
            }
            Query::Sla {
                since,
                filter,
                limit: asked,
            } => self.sla(filter, *since, limit(*asked))?.into(),
            Query::Flow { since, filter } => self.flow(filter, *since)?.into(),
            Query::LeadTime { since, filter } => {
                let (rows, span) = self.rows(filter, *since)?;
                reports::lead_time::lead_time(&rows, span, filter.bucket).into()
            }
            Query::CycleTimes {
                since,
                filter,
                limit: asked,
            } => self.cycle_times(filter, *since, limit(*asked))?.into(),
            Query::Ageing {
                since,
                filter,
                limit: asked,
            } => self.ageing(filter, *since, limit(*asked))?.into(),
            Query::Forecast {
                since,
                filter,
                trials,
                seed,
            } => {
                let dice = Dice {
                    trials: trials.unwrap_or(DEFAULT_TRIALS),
                    seed: seed.unwrap_or(DEFAULT_SEED),
                };
                Box::new(self.forecast(filter, *since, dice)?).into()
            }
            Query::Risk {
                since,
                filter,
                limit: asked,
            } => self.risk(filter, *since, limit(*asked))?.into(),
            Query::Handover {
                since,
                limit: asked,
            } => Box::new(self.handover(*since, limit(*asked))?).into(),
            Query::Summary => Box::new(self.summary()?).into(),
            Query::Metrics => metrics::metrics(self.state, self.now).into(),
        })
    }
}
