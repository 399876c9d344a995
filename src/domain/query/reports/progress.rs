//! How far an epic is.

use serde::{Deserialize, Serialize};

use crate::domain::{
    id::OrderId,
    order::Status,
    query::{deps::CriticalChain, detail::Neighbour, value::Decimal},
};

/// How far an epic, or any other parent, is: all beneath it, however deep, without itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The first of the orders in progress, then of the blocked ones.
    pub open: Vec<Neighbour>,
    /// The chain of open orders beneath it that takes longest.
    pub critical_path: CriticalChain,
}
