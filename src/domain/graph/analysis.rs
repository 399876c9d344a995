//! Order, layers, critical path and reach of a set of orders, on petgraph.
//!
//! A [`Network`] is built from a set of orders and their waits, asked, and thrown away. It is acyclic by construction.

use std::{cmp::Reverse, collections::BinaryHeap, fmt};

use petgraph::{algo::tarjan_scc, csr::Csr};

use super::order_map::OrderMap;
use crate::domain::id::OrderId;

/// Orders and the waits among them, without a cycle.
///
/// In `graph` an edge leads from what comes before to what waits for it; a node's number is its order's rank by id,
/// so that a smaller number is a smaller id.
#[derive(Clone, Debug)]
pub struct Network {
    ids: Vec<OrderId>,
    graph: Csr<(), ()>,
    order: Vec<u32>,
}

/// Orders that wait for each other in a circle, by id; the smallest such set that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cyclic(pub Vec<OrderId>);

impl fmt::Display for Cyclic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("these orders wait for each other:")?;
        self.0.iter().try_for_each(|id| write!(f, " {id}"))
    }
}

impl std::error::Error for Cyclic {}

/// The chain of waits that takes longest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CriticalPath {
    /// The orders, what comes first first.
    pub chain: Vec<OrderId>,
    /// The sum of their durations, in the unit of the durations, saturating.
    pub total: i64,
}

impl Network {
    /// Returns the network of `nodes` and of those `edges` (after, before) that have both ends among them.
    ///
    /// # Errors
    ///
    /// The edges close a circle.
    pub fn new(
        nodes: impl IntoIterator<Item = OrderId>,
        edges: impl IntoIterator<Item = (OrderId, OrderId)>,
    ) -> Result<Self, Cyclic> {
        let mut ids: Vec<OrderId> = nodes.into_iter().collect();
        ids.sort_unstable();
        ids.dedup();
        let mut ranks = OrderMap::default();
        for (rank, &id) in (0..).zip(&ids) {
            *ranks.entry(id) = rank;
        }
        let rank = |id| ranks.get(id).copied();
        let mut pairs: Vec<(u32, u32)> = edges
            .into_iter()
            .filter_map(|(after, before)| Some((rank(before)?, rank(after)?)))
            .collect();
        pairs.sort_unstable();
        pairs.dedup();
        // Sorted above, so petgraph never refuses them; without them the graph would be empty, not wrong.
        let mut graph = Csr::from_sorted_edges(&pairs).unwrap_or_default();
        while graph.node_count() < ids.len() {
            graph.add_node(());
        }
        match order(&graph) {
            Some(order) => Ok(Network { ids, graph, order }),
            None => Err(Cyclic(circle(&graph, &ids))),
        }
    }

    /// Returns the orders so that each comes after all it waits for; among those that could come next, the smallest id.
    pub fn order(&self) -> Vec<OrderId> {
        self.named(self.order.iter().copied())
    }

    /// Returns the orders by their longest distance from one that waits for nothing, each layer by id.
    pub fn layers(&self) -> Vec<Vec<OrderId>> {
        let mut layer_of = vec![0; self.ids.len()];
        for &node in &self.order {
            let next = layer_of[node as usize] + 1;
            for &after in self.graph.neighbors_slice(node) {
                layer_of[after as usize] = next.max(layer_of[after as usize]);
            }
        }
        let mut layers = vec![Vec::new(); layer_of.iter().max().map_or(0, |deepest| deepest + 1)];
        for (&id, layer) in self.ids.iter().zip(layer_of) {
            layers[layer].push(id);
        }
        layers
    }

    /// Returns the chain of waits that takes longest; a duration below zero counts as zero.
    ///
    /// Of equally long chains the one with more orders wins, then the one with the smaller ids, read from its start.
    /// This is the critical path method (Kelley and Walker, 1959) with all orders started as soon as they may be.
    pub fn critical_path(&self, durations: impl Fn(OrderId) -> i64) -> CriticalPath {
        // For each node, from the last to the first: what it and the chain behind it take, the orders in that chain,
        // and the next of them.
        let mut tails = vec![(0_i64, 0_u32, None); self.ids.len()];
        for &node in self.order.iter().rev() {
            let mut best = (0, 0, None);
            for &after in self.graph.neighbors_slice(node) {
                let (length, orders, _) = tails[after as usize];
                if best.2.is_none() || (length, orders) > (best.0, best.1) {
                    best = (length, orders, Some(after));
                }
            }
            let own = durations(self.ids[node as usize]).max(0);
            tails[node as usize] = (own.saturating_add(best.0), best.1 + 1, best.2);
        }
        let ranked = (0..)
            .zip(&tails)
            .map(|(node, tail)| (tail.0, tail.1, Reverse(node)));
        let Some((total, _, Reverse(start))) = ranked.max() else {
            return CriticalPath::default();
        };
        let chain = std::iter::successors(Some(start), |&node: &u32| tails[node as usize].2);
        CriticalPath {
            chain: self.named(chain),
            total,
        }
    }

    /// Returns all that waits for one of `set`, directly or not, by id, without the set itself.
    pub fn downstream(&self, set: impl IntoIterator<Item = OrderId>) -> Vec<OrderId> {
        let given = self.flags(set);
        let mut reached = vec![false; self.ids.len()];
        for &node in &self.order {
            if given[node as usize] || reached[node as usize] {
                for &after in self.graph.neighbors_slice(node) {
                    reached[after as usize] = true;
                }
            }
        }
        self.flagged(&reached, &given)
    }

    /// Returns all that one of `set` waits for, directly or not, by id, without the set itself.
    pub fn upstream(&self, set: impl IntoIterator<Item = OrderId>) -> Vec<OrderId> {
        let given = self.flags(set);
        let mut reached = vec![false; self.ids.len()];
        for &node in self.order.iter().rev() {
            let mut after = self.graph.neighbors_slice(node).iter();
            reached[node as usize] = after.any(|&n| given[n as usize] || reached[n as usize]);
        }
        self.flagged(&reached, &given)
    }

    fn named(&self, nodes: impl Iterator<Item = u32>) -> Vec<OrderId> {
        nodes.map(|node| self.ids[node as usize]).collect()
    }

    fn flags(&self, set: impl IntoIterator<Item = OrderId>) -> Vec<bool> {
        let mut flags = vec![false; self.ids.len()];
        for rank in set
            .into_iter()
            .filter_map(|id| self.ids.binary_search(&id).ok())
        {
            flags[rank] = true;
        }
        flags
    }

    fn flagged(&self, reached: &[bool], given: &[bool]) -> Vec<OrderId> {
        let flags = reached.iter().zip(given);
        let found = self
            .ids
            .iter()
            .zip(flags)
            .filter(|(_, (reached, given))| **reached && !**given);
        found.map(|(&id, _)| id).collect()
    }
}

/// Returns a topological order, always taking the smallest node that is free, or none if there is a circle.
///
/// Kahn, "Topological sorting of large networks" (1962), with a heap for the free nodes.
fn order(graph: &Csr<(), ()>) -> Option<Vec<u32>> {
    let nodes = graph.node_count() as u32;
    let mut waits = vec![0_u32; nodes as usize];
    for node in 0..nodes {
        graph
            .neighbors_slice(node)
            .iter()
            .for_each(|&after| waits[after as usize] += 1);
    }
    let mut free: BinaryHeap<Reverse<u32>> = (0..nodes)
        .filter(|&node| waits[node as usize] == 0)
        .map(Reverse)
        .collect();
    let mut order = Vec::with_capacity(waits.len());
    while let Some(Reverse(node)) = free.pop() {
        order.push(node);
        for &after in graph.neighbors_slice(node) {
            waits[after as usize] -= 1;
            if waits[after as usize] == 0 {
                free.push(Reverse(after));
            }
        }
    }
    (order.len() == waits.len()).then_some(order)
}

/// Returns the members of the smallest circle of a graph that has one, by id.
fn circle(graph: &Csr<(), ()>, ids: &[OrderId]) -> Vec<OrderId> {
    let closed = |nodes: &Vec<u32>| nodes.len() > 1 || graph.contains_edge(nodes[0], nodes[0]);
    let circles = tarjan_scc(graph).into_iter().filter(closed);
    let mut members: Vec<OrderId> = circles
        .min_by_key(|nodes| (nodes.len(), nodes.iter().min().copied()))
        .unwrap_or_default()
        .into_iter()
        .map(|node| ids[node as usize])
        .collect();
    members.sort_unstable();
    members
}
