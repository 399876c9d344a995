//! What a hold would stop, seen before the cord is pulled.

use serde::{Deserialize, Serialize};

use crate::domain::{
    andon::Scope,
    id::{AlertId, OrderId},
    order::{Actor, Bucket},
};

/// What a hold on a scope stops.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blast {
    /// What is held, in the words of `--hold`.
    pub scope: String,
    /// The queued orders in scope that could have started.
    pub ready: Affected,
    /// How many queued orders are in scope in all.
    pub queued: u64,
    /// The orders in progress in scope: they cannot move forward or complete.
    pub in_progress: Affected,
    /// Who holds those, by name.
    pub holders: Vec<Actor>,
    /// The open orders outside the scope that wait for one inside it, directly or not.
    pub downstream: Affected,
    /// The orders in scope that may go on, since they are to mend the alert.
    pub exempt: Vec<OrderId>,
    /// The open alerts whose hold covers all of it already.
    pub held_already_by: Vec<AlertId>,
}

/// Some orders, and how many there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Affected {
    /// How many.
    pub total: u64,
    /// The first of them, in the order in which they would be pulled.
    pub orders: Vec<AffectedOrder>,
}

/// An order that a hold stops.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AffectedOrder {
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
}
