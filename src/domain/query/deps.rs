//! Dependencies: trees, paths, orders that work, the chain that takes longest, diagrams.

use serde::{Deserialize, Serialize};

use super::detail::Neighbour;
use crate::domain::{
    id::OrderId,
    order::{Status, vocabulary},
};

vocabulary! {
    /// Which way to look from an order.
    Direction ("direction") {
        /// To what it waits for, and its children.
        DependsOn = "depends_on",
        /// To what waits for it, and its parent.
        Blocks = "blocks",
    }
}

#[expect(
    clippy::derivable_impls,
    reason = "the vocabulary macro gives no default"
)]
impl Default for Direction {
    /// Returns what `deps show` shows: what the order waits for.
    fn default() -> Self {
        Direction::DependsOn
    }
}

/// One order's dependencies as the lines of a tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DependencyTree {
    /// The root.
    pub id: OrderId,
    /// Which way was looked.
    pub direction: Direction,
    /// The lines, the root first.
    pub rows: Vec<TreeRow>,
    /// How many orders are reached from the root, itself included.
    pub total: usize,
    /// How many of them stand on no line.
    pub omitted: usize,
    /// The chain among the open ones that takes longest, first what comes first.
    pub critical_path: Vec<OrderId>,
    /// What that chain takes.
    pub critical_minutes: i64,
}

/// A line of a tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeRow {
    /// The order.
    pub id: OrderId,
    /// Its title.
    pub title: String,
    /// Its status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// Levels below the root.
    pub depth: usize,
    /// How it hangs on the line above: `wait` or `child`; absent for the root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<Hang>,
    /// For each depth from 1 on, whether this line, or the one it hangs under, is the last of its siblings there.
    pub last: Vec<bool>,
    /// Whether its branches are shown at another line of the same order.
    pub repeated: bool,
    /// Branches that the limits left out.
    pub hidden: usize,
    /// Whether it is on the critical path.
    pub critical: bool,
}

vocabulary! {
    /// How a line of a tree hangs on the one above.
    Hang ("link") {
        /// One waits for the other.
        Wait = "wait",
        /// One is the child of the other.
        Child = "child",
    }
}

/// How one order waits for another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DependencyPath {
    /// Which waits.
    pub from: OrderId,
    /// For which.
    pub to: OrderId,
    /// The shortest chain, each order waiting for the next; empty if it does not wait for it.
    pub path: Vec<Neighbour>,
}

/// Open orders so that each comes after what it waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopologicalOrder {
    /// The orders.
    pub order: Vec<Neighbour>,
    /// How many there are in all.
    pub total: usize,
}

/// Open orders by how many must come before them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layers {
    /// The layers: the first waits for nothing.
    pub layers: Vec<Vec<Neighbour>>,
    /// How many orders there are in all.
    pub total: usize,
}

/// The chain of open waits that takes longest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CriticalChain {
    /// The orders, first what comes first.
    pub chain: Vec<CriticalStep>,
    /// The sum of their durations.
    pub total_minutes: i64,
}

/// An order on the critical path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CriticalStep {
    /// The order.
    #[serde(flatten)]
    pub order: Neighbour,
    /// How long it is reckoned to take.
    pub minutes: i64,
    /// What that is reckoned from.
    pub basis: Basis,
}

vocabulary! {
    /// What a duration is reckoned from.
    Basis ("basis") {
        /// The order's own estimate.
        Estimate = "estimate",
        /// Half of the bucket's completed orders took no longer.
        Median = "median",
        /// Nothing is known: one working day.
        Assumed = "assumed",
        /// An epic takes no time of its own.
        Epic = "epic",
    }
}

/// Dependencies as Mermaid text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagram {
    /// The text.
    pub mermaid: String,
    /// How many orders are drawn.
    pub total: usize,
    /// How many are left out.
    pub omitted: usize,
}
