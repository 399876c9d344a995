//! What folding leaves of a graph.

use std::collections::{BTreeMap, BTreeSet};

use super::{Edge, Look, Shape};
use crate::domain::{
    graph::analysis::Network,
    id::OrderId,
    query::{deps::Direction, graph::DependencyGraph},
};

/// A graph without what is folded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folded {
    /// What is left.
    pub shape: Shape,
    /// How many orders each folded one hides; one that two of them hide counts at both.
    pub hidden: BTreeMap<OrderId, usize>,
}

/// Returns what is left of a graph when the `folded` orders hide what they wait for, or what waits for them.
///
/// An order is hidden only if every way to it leads through a folded one: what somebody else needs stays in sight.
pub fn fold(
    graph: &DependencyGraph,
    folded: &BTreeSet<OrderId>,
    direction: Direction,
    look: Look,
) -> Folded {
    let ids: BTreeSet<OrderId> = graph.nodes.iter().map(|node| node.id).collect();
    let known = |id: &OrderId| ids.contains(id);
    let mut edges: Vec<(OrderId, OrderId)> = graph
        .edges
        .iter()
        .map(|edge| (edge.before, edge.after))
        .filter(|(before, after)| known(before) && known(after) && before != after)
        .collect();
    edges.sort_unstable();
    edges.dedup();
    let mut order = straighten(&ids, &mut edges);
    if direction == Direction::DependsOn {
        order.reverse();
    }
    // `up` is where an order hangs, `down` is what hangs on it.
    let mut up: BTreeMap<OrderId, Vec<OrderId>> = BTreeMap::new();
    let mut down: BTreeMap<OrderId, Vec<OrderId>> = BTreeMap::new();
    for (before, after) in &edges {
        let (above, below) = match direction {
            Direction::DependsOn => (after, before),
            Direction::Blocks => (before, after),
        };
        up.entry(*below).or_default().push(*above);
        down.entry(*above).or_default().push(*below);
    }
    let mut gone: BTreeSet<OrderId> = BTreeSet::new();
    for id in &order {
        let above = up.get(id).map(Vec::as_slice).unwrap_or_default();
        let hides = |above: &OrderId| folded.contains(above) || gone.contains(above);
        if !above.is_empty() && Some(*id) != graph.root && above.iter().all(hides) {
            gone.insert(*id);
        }
    }
    let nodes: Vec<OrderId> = ids
        .iter()
        .copied()
        .filter(|id| !gone.contains(id))
        .collect();
    let steps: BTreeSet<(OrderId, OrderId)> = graph
        .critical_path
        .iter()
        .copied()
        .zip(graph.critical_path.iter().skip(1).copied())
        .collect();
    let place = |id: &OrderId| nodes.binary_search(id).ok();
    let drawn = edges.iter().filter_map(|(before, after)| {
        Some(Edge {
            before: place(before)?,
            after: place(after)?,
            critical: steps.contains(&(*before, *after)),
        })
    });
    let hidden = folded.iter().filter(|id| place(id).is_some());
    let hidden = hidden.map(|id| (*id, reach(*id, &down, &gone)));
    Folded {
        shape: Shape {
            edges: drawn.collect(),
            look,
            nodes: nodes.clone(),
        },
        hidden: hidden.filter(|(_, count)| *count > 0).collect(),
    }
}

/// Returns the orders so that each comes after what it waits for. Of a circle, which only closed orders can still show,
/// the wait that closes it is taken out; the others of its members stay.
fn straighten(ids: &BTreeSet<OrderId>, edges: &mut Vec<(OrderId, OrderId)>) -> Vec<OrderId> {
    let network = |edges: &[(OrderId, OrderId)]| {
        let waits = edges.iter().map(|(before, after)| (*after, *before));
        Network::new(ids.iter().copied(), waits)
    };
    if let Ok(network) = network(edges) {
        return network.order();
    }
    let closing = closing(ids, edges);
    edges.retain(|edge| !closing.contains(edge));
    // Without them there is no circle; by id were an order too.
    network(edges).map_or_else(|_| ids.iter().copied().collect(), |network| network.order())
}

/// Returns the waits that lead back to where one came from, when one goes from each order on to what waits for it, the
/// smaller ids first (the back edges of a depth-first search).
fn closing(ids: &BTreeSet<OrderId>, edges: &[(OrderId, OrderId)]) -> BTreeSet<(OrderId, OrderId)> {
    let mut after: BTreeMap<OrderId, Vec<OrderId>> = BTreeMap::new();
    for (before, next) in edges.iter().rev() {
        after.entry(*before).or_default().push(*next);
    }
    let (mut found, mut seen, mut path) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for begin in ids {
        let mut todo = vec![*begin];
        while let Some(at) = todo.last().copied() {
            if seen.insert(at) {
                path.insert(at);
            }
            match after.get_mut(&at).and_then(Vec::pop) {
                Some(next) if path.contains(&next) => drop(found.insert((at, next))),
                Some(next) if seen.contains(&next) => {}
                Some(next) => todo.push(next),
                None => {
                    path.remove(&at);
                    todo.pop();
                }
            }
        }
    }
    found
}

/// Counts what hangs on an order and is gone.
fn reach(id: OrderId, down: &BTreeMap<OrderId, Vec<OrderId>>, gone: &BTreeSet<OrderId>) -> usize {
    let (mut found, mut todo) = (BTreeSet::new(), vec![id]);
    while let Some(at) = todo.pop() {
        let below = down.get(&at).map(Vec::as_slice).unwrap_or_default();
        let hidden = below.iter().filter(|id| gone.contains(id));
        todo.extend(hidden.filter(|id| found.insert(**id)));
    }
    found.len()
}
