//! Dependencies: trees, paths, orders that work, the chain that takes longest, diagrams.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    MAX_LIMIT,
    detail::Neighbour,
    durations::{Basis, Durations},
    reading::{Answered, Reading, Stop},
};
use crate::domain::{
    books::Books,
    graph::analysis::{Cyclic, Network},
    id::OrderId,
    order::{Status, Wait, vocabulary},
    refusal::Refusal,
    state::State,
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

impl Default for Direction {
    /// Returns what `deps show` shows: what the order waits for.
    fn default() -> Self {
        Direction::DependsOn
    }
}

/// One order's dependencies as the lines of a tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DependencyPath {
    /// Which waits.
    pub from: OrderId,
    /// For which.
    pub to: OrderId,
    /// The shortest chain, each order waiting for the next; empty if it does not wait for it.
    /// Of a very long chain its beginning.
    pub path: Vec<Neighbour>,
    /// How many orders the chain has.
    pub total: usize,
}

/// Open orders so that each comes after what it waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TopologicalOrder {
    /// The orders.
    pub order: Vec<Neighbour>,
    /// How many there are in all.
    pub total: usize,
}

/// Open orders by how many must come before them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Layers {
    /// The layers: the first waits for nothing.
    pub layers: Vec<Vec<Neighbour>>,
    /// How many orders there are in all.
    pub total: usize,
}

/// The chain of open waits that takes longest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CriticalChain {
    /// The orders, first what comes first; of a very long chain its beginning.
    pub chain: Vec<CriticalStep>,
    /// How many orders the chain has.
    pub total: usize,
    /// The sum of their durations.
    pub total_minutes: i64,
}

/// An order on the critical path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CriticalStep {
    /// The order.
    #[serde(flatten)]
    pub order: Neighbour,
    /// How long it is reckoned to take.
    pub minutes: i64,
    /// What that is reckoned from.
    pub basis: Basis,
}

/// Dependencies as Mermaid text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Diagram {
    /// The text.
    pub mermaid: String,
    /// How many orders are drawn.
    pub total: usize,
    /// How many are left out.
    pub omitted: usize,
}

impl<F> From<Cyclic> for Stop<F> {
    /// The rules keep circles out, so this is a ledger that was not written by them.
    fn from(Cyclic(path): Cyclic) -> Self {
        Refusal::Cycle { path }.into()
    }
}

/// Returns the network of some open orders.
fn network(state: &State, ids: &BTreeSet<OrderId>) -> Result<Network, Cyclic> {
    let edges = ids.iter().flat_map(|after| {
        let before = state.directly_before(*after);
        before.map(move |before| (*after, before))
    });
    Network::new(ids.iter().copied(), edges)
}

/// Returns the chain among some open orders that takes longest.
pub(super) fn critical(state: &State, ids: &BTreeSet<OrderId>) -> Result<CriticalChain, Cyclic> {
    let durations = Durations::of(state);
    let minutes = |id| {
        state
            .order(id)
            .map_or(0, |order| durations.minutes(order).0)
    };
    let path = network(state, ids)?.critical_path(minutes);
    let steps = path
        .chain
        .iter()
        .take(MAX_LIMIT)
        .filter_map(|id| state.order(*id))
        .map(|order| {
            let (minutes, basis) = durations.minutes(order);
            CriticalStep {
                order: Neighbour::open(order),
                minutes,
                basis,
            }
        });
    Ok(CriticalChain {
        chain: steps.collect(),
        total: path.chain.len(),
        total_minutes: path.total,
    })
}

impl State {
    /// Returns the open orders that an open order waits for directly, its children among them.
    /// Like all here it reads the orders it names and no index, so that a cold process decodes no others.
    pub fn directly_before(&self, id: OrderId) -> impl Iterator<Item = OrderId> {
        self.order(id).into_iter().flat_map(|order| {
            let open = order
                .depends_on
                .iter()
                .filter(|wait| wait.state == Wait::Open);
            open.map(|wait| wait.on)
                .chain(order.children.iter().copied())
        })
    }

    /// Returns the open orders that wait directly for an open order, its parent among them.
    pub fn directly_after(&self, id: OrderId) -> impl Iterator<Item = OrderId> {
        self.order(id)
            .into_iter()
            .flat_map(|order| order.blocks.iter().copied().chain(order.parent))
    }

    /// Returns the open orders beneath an order, however deep, without itself.
    pub fn beneath(&self, root: OrderId) -> BTreeSet<OrderId> {
        let (mut found, mut parents) = (BTreeSet::new(), vec![root]);
        while let Some(parent) = parents.pop() {
            let children = self.order(parent).map(|order| order.children.as_slice());
            let fresh = children
                .unwrap_or_default()
                .iter()
                .filter(|child| found.insert(**child));
            parents.extend(fresh);
        }
        found
    }
}

impl<B: Books> Reading<'_, B> {
    /// Returns the open orders beneath `epic`, or all that are open.
    fn chosen(&mut self, epic: Option<OrderId>) -> Answered<BTreeSet<OrderId>, B> {
        match epic {
            Some(epic) => {
                self.find(epic)?;
                Ok(self.state.beneath(epic))
            }
            None => Ok(self.state.orders().map(|order| order.id).collect()),
        }
    }

    pub(super) fn topological_order(
        &mut self,
        epic: Option<OrderId>,
        limit: usize,
    ) -> Answered<TopologicalOrder, B> {
        let ids = self.chosen(epic)?;
        let mut order = network(self.state, &ids)?.order();
        order.truncate(limit);
        Ok(TopologicalOrder {
            order: self.neighbours(order)?,
            total: ids.len(),
        })
    }

    pub(super) fn layers(&mut self, epic: Option<OrderId>, limit: usize) -> Answered<Layers, B> {
        let ids = self.chosen(epic)?;
        let (mut layers, mut room) = (vec![], limit);
        for mut layer in network(self.state, &ids)?.layers() {
            layer.truncate(room);
            room -= layer.len();
            if !layer.is_empty() {
                layers.push(self.neighbours(layer)?);
            }
        }
        Ok(Layers {
            layers,
            total: ids.len(),
        })
    }

    pub(super) fn critical_path(&mut self, epic: Option<OrderId>) -> Answered<CriticalChain, B> {
        let ids = self.chosen(epic)?;
        Ok(critical(self.state, &ids)?)
    }

    pub(super) fn path(&mut self, from: OrderId, to: OrderId) -> Answered<DependencyPath, B> {
        self.find(from)?;
        self.find(to)?;
        let mut path = self.state.graph().path(from, to).unwrap_or_default();
        let total = path.len();
        path.truncate(MAX_LIMIT);
        Ok(DependencyPath {
            from,
            to,
            path: self.neighbours(path)?,
            total,
        })
    }
}
