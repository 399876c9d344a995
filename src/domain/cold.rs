//! What a decision needs beyond the state: closed orders, names elsewhere, single records.
//!
//! Decisions are pure, so they cannot fetch. They say what they need ([`super::decide::needs`]); the engine fetches it
//! and asks again until nothing is missing.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    id::OrderId,
    order::{ClosedOrder, Tree},
    record::{Record, Seq},
};

/// What was fetched; None stands for "looked for, and not there".
#[derive(Clone, Debug, Default)]
pub struct Cold {
    /// Closed orders by id.
    pub orders: BTreeMap<OrderId, Option<ClosedOrder>>,
    /// Closed orders' ids by their names elsewhere, as [`super::order::External::key`] writes them.
    pub externals: BTreeMap<String, Option<OrderId>>,
    /// Records by seq.
    pub records: BTreeMap<Seq, Option<Record>>,
    /// The code as it is now.
    pub tree: Option<Tree>,
}

impl Cold {
    /// Returns a closed order, if it was fetched and is there.
    pub fn order(&self, id: OrderId) -> Option<&ClosedOrder> {
        self.orders.get(&id)?.as_ref()
    }

    /// Returns the code as it is now; what was not looked at counts as unknown.
    pub fn tree(&self) -> &Tree {
        self.tree.as_ref().unwrap_or(&Tree::Unknown)
    }
}

/// What a decision still lacks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Closed orders by id.
    pub orders: BTreeSet<OrderId>,
    /// Closed orders by their names elsewhere.
    pub externals: BTreeSet<String>,
    /// Records by seq.
    pub records: BTreeSet<Seq>,
    /// The code as it is now.
    pub tree: bool,
}

impl Needs {
    /// Returns whether nothing is missing.
    pub fn is_empty(&self) -> bool {
        self.orders.is_empty() && self.externals.is_empty() && self.records.is_empty() && !self.tree
    }
}
