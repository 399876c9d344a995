//! How far an epic is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{
    books::Books,
    id::OrderId,
    order::{Order, Status},
    query::{
        DEFAULT_LIMIT,
        deps::{CriticalChain, critical},
        detail::Neighbour,
        filter::Sort,
        reading::{Answered, Reading},
        value::Decimal,
    },
};

/// How far an epic, or any other parent, is: all beneath it, however deep, without itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Progress {
    /// Which.
    pub id: OrderId,
    /// Its title.
    pub title: String,
    /// Its own status.
    pub status: Status,
    /// Orders beneath it, the cancelled ones among them.
    pub total: u64,
    /// Of them completed.
    pub completed: u64,
    /// Of them cancelled; they count neither as done nor as to be done.
    pub cancelled: u64,
    /// Of them in progress.
    pub in_progress: u64,
    /// Of them queued.
    pub queued: u64,
    /// Of them waiting for something that is not completed.
    pub blocked: u64,
    /// Of them held by an alert.
    pub held: u64,
    /// Completed in percent of what was not cancelled; absent where there is nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<Decimal>,
    /// The same weighed by estimates, over the orders that have one; absent where none has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent_by_estimate: Option<Decimal>,
    /// The estimated minutes of what is open, over the orders that have an estimate.
    pub remaining_minutes: u64,
    /// The first of the open orders: those in progress, then as they would be pulled.
    pub open: Vec<Neighbour>,
    /// The chain of open orders beneath it that takes longest.
    pub critical_path: CriticalChain,
}

impl<B: Books> Reading<'_, B> {
    /// Returns how far all beneath an order is.
    pub(in crate::domain::query) fn progress(&mut self, root: OrderId) -> Answered<Progress, B> {
        let found = self.find(root)?;
        let (title, status) = (found.order().title.clone(), found.status());
        let closed = self.closed_beneath(root)?;
        let state = self.state;
        let mut ids = state.beneath(root);
        // An order that came back beneath a closed parent is open all the same.
        for id in closed.keys() {
            ids.extend(state.beneath(*id));
        }
        let mut open: Vec<&Order> = ids
            .iter()
            .filter_map(|id| state.order(*id))
            .map(AsRef::as_ref)
            .collect();
        open.sort_by_key(|order| (order.work().is_none(), Sort::Ready.key(state, order)));
        let counted = |test: &dyn Fn(&Order) -> bool| -> u64 {
            open.iter().filter(|order| test(order)).count() as u64
        };
        let estimate = |order: &Order| u64::from(order.estimate.unwrap_or(0));
        let ended = |status| closed.values().filter(move |form| form.status() == status);
        let completed = ended(Status::Completed).count() as u64;
        let remaining_minutes = open.iter().map(|order| estimate(order)).sum();
        let done_minutes = ended(Status::Completed)
            .map(|form| estimate(&form.order))
            .sum();
        Ok(Progress {
            id: root,
            title,
            status,
            total: (open.len() + closed.len()) as u64,
            completed,
            cancelled: ended(Status::Cancelled).count() as u64,
            in_progress: counted(&|order| order.work().is_some()),
            queued: counted(&|order| order.work().is_none()),
            blocked: counted(&Order::is_blocked),
            held: counted(&|order| state.held_by(order).next().is_some()),
            percent: share(completed, open.len() as u64),
            percent_by_estimate: share(done_minutes, remaining_minutes),
            remaining_minutes,
            open: open
                .iter()
                .take(DEFAULT_LIMIT)
                .map(|order| Neighbour::open(order))
                .collect(),
            critical_path: critical(state, &ids)?,
        })
    }
}

/// Returns what is done in percent of what is done or to be done.
fn share(done: u64, rest: u64) -> Option<Decimal> {
    let whole = i64::try_from(done.saturating_add(rest)).ok()?;
    Decimal::percent(i64::try_from(done).ok()?, whole)
}
