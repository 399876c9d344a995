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
pub mod graph;
pub mod life;
pub mod metrics;
pub mod names;
pub mod order_view;
pub mod orders;
mod question;
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
pub mod timeline;
pub mod trace;
mod tree;
pub mod value;
pub mod why;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::{answers::Answer, question::Query};
use self::{
    life::Lives,
    reading::{Reading, Stop},
    reports::forecast::{DEFAULT_SEED, DEFAULT_TRIALS, Dice},
};
use super::{
    books::Books, decide::Renewals, gate::Tree, id::OrderId, refusal::Refusal, state::State,
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
    /// The agents that a host runs.
    pub lives: Lives,
    /// The orders whose agent said that they are done, with its claim's epoch.
    #[serde(default)]
    pub done: BTreeMap<OrderId, u32>,
    /// The code as it is now, where it was looked at.
    #[serde(default)]
    pub tree: Option<Tree>,
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
            Query::Graph {
                root,
                filter,
                closed,
            } => Box::new(self.graph(*root, filter, *closed)?).into(),
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
            Query::VerifyReceiptFile { file } => self.verify_receipt_file(file)?.into(),
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
            Query::Usage {
                since,
                limit: asked,
            } => Box::new(self.usage(*since, limit(*asked))?).into(),
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
            Query::Trace(asked) => Box::new(self.trace(asked)?).into(),
            Query::Names(asked) => self.names(asked).into(),
        })
    }
}
