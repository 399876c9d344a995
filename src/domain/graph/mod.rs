//! Who waits for whom: the index over open orders, and what is read from it.
//!
//! An edge is "`after` waits for `before`"; parent and child are an edge too, the parent after the child.
//! [`Graph`] answers cycle checks and lives in every version of the state; [`analysis`] orders and measures,
//! [`diagram`] draws for Mermaid, [`tree`] lays one order's surroundings out in rows.

pub mod analysis;
pub mod diagram;
pub mod dot;
pub mod order_map;
mod search;
#[cfg(test)]
mod tests;
pub mod tree;

use smallvec::SmallVec;

use self::order_map::OrderMap;
use super::id::OrderId;

/// Sorted ids; most orders wait for few, and four of them fit without an allocation.
type Ids = SmallVec<[OrderId; 4]>;

/// The waits between open orders. A clone shares all it can with its origin and changes alone.
///
/// The graph depends on its edges only, not on the order in which they came: neighbours are kept sorted.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    nodes: OrderMap<Node>,
    edges: usize,
}

impl PartialEq for Graph {
    fn eq(&self, other: &Self) -> bool {
        self.edges == other.edges && self.edges().eq(other.edges())
    }
}

impl Eq for Graph {}

#[derive(Clone, Debug, Default)]
struct Node {
    before: Ids,
    after: Ids,
}

impl Graph {
    /// Returns a graph without edges.
    pub fn new() -> Self {
        Graph::default()
    }

    /// Lets `after` wait for `before`, and returns whether that is new.
    ///
    /// Nothing is checked: ask [`Graph::cycle`] first.
    pub fn insert_edge(&mut self, after: OrderId, before: OrderId) -> bool {
        if self.contains_edge(after, before) {
            return false;
        }
        put(&mut self.nodes.entry(after).before, before);
        put(&mut self.nodes.entry(before).after, after);
        self.edges += 1;
        true
    }

    /// Ends the wait of `after` for `before`, and returns whether there was one.
    pub fn remove_edge(&mut self, after: OrderId, before: OrderId) -> bool {
        let found = self.contains_edge(after, before);
        if found {
            self.unlink(after, |node| &mut node.before, before);
            self.unlink(before, |node| &mut node.after, after);
            self.edges -= 1;
        }
        found
    }

    /// Takes an order out with all its edges, as when it is closed.
    pub fn remove_node(&mut self, id: OrderId) {
        let Some(node) = self.nodes.remove(id) else {
            return;
        };
        for &before in &node.before {
            self.unlink(before, |node| &mut node.after, id);
        }
        for &after in &node.after {
            self.unlink(after, |node| &mut node.before, id);
        }
        // A wait for itself stands in both lists and is one edge.
        let own = usize::from(node.before.contains(&id));
        self.edges -= node.before.len() + node.after.len() - own;
    }

    /// Returns whether `after` waits directly for `before`.
    pub fn contains_edge(&self, after: OrderId, before: OrderId) -> bool {
        // The shorter list is asked: an epic of thousands is searched from its child.
        let (waits, blocks) = (self.waits_for(after), self.blocks(before));
        if waits.len() <= blocks.len() {
            waits.binary_search(&before).is_ok()
        } else {
            blocks.binary_search(&after).is_ok()
        }
    }

    /// Returns what `id` waits for directly, by id.
    pub fn before(&self, id: OrderId) -> impl ExactSizeIterator<Item = OrderId> + '_ {
        self.waits_for(id).iter().copied()
    }

    /// Returns what waits directly for `id`, by id.
    pub fn after(&self, id: OrderId) -> impl ExactSizeIterator<Item = OrderId> + '_ {
        self.blocks(id).iter().copied()
    }

    /// Returns the orders that have an edge, by id.
    pub fn nodes(&self) -> impl Iterator<Item = OrderId> + '_ {
        self.nodes.iter().map(|(id, _)| id)
    }

    /// Returns every edge as (after, before), by `before` and then by `after`.
    pub fn edges(&self) -> impl Iterator<Item = (OrderId, OrderId)> + '_ {
        let nodes = self.nodes.iter();
        nodes.flat_map(|(before, node)| node.after.iter().map(move |&after| (after, before)))
    }

    /// Returns the number of edges.
    pub fn edge_count(&self) -> usize {
        self.edges
    }

    /// Returns the shortest chain of waits `from` → … → `to`, if `from` waits for `to` at all.
    ///
    /// Of equally short chains it is the one with the smaller ids, read from `from`; an order reaches itself.
    pub fn path(&self, from: OrderId, to: OrderId) -> Option<Vec<OrderId>> {
        search::reaches(self, from, to).then(|| search::shortest(self, from, to))
    }

    /// Returns the cycle that letting `after` wait for `before` would close, or none if the edge is fine.
    ///
    /// It starts and ends at `after`: `[after, before, …, after]`.
    pub fn cycle(&self, after: OrderId, before: OrderId) -> Option<Vec<OrderId>> {
        let mut path = self.path(before, after)?;
        path.insert(0, after);
        Some(path)
    }

    fn waits_for(&self, id: OrderId) -> &[OrderId] {
        self.nodes.get(id).map_or(&[], |node| &node.before)
    }

    fn blocks(&self, id: OrderId) -> &[OrderId] {
        self.nodes.get(id).map_or(&[], |node| &node.after)
    }

    /// Takes `other` out of one list of `id`, and `id` out of the graph with its last edge.
    fn unlink(&mut self, id: OrderId, list: fn(&mut Node) -> &mut Ids, other: OrderId) {
        let Some(node) = self.nodes.get_mut(id) else {
            return;
        };
        let ids = list(node);
        if let Ok(at) = ids.binary_search(&other) {
            ids.remove(at);
        }
        if node.before.is_empty() && node.after.is_empty() {
            self.nodes.remove(id);
        }
    }
}

/// Adds an id to a sorted list that does not hold it.
fn put(ids: &mut Ids, id: OrderId) {
    if let Err(at) = ids.binary_search(&id) {
        ids.insert(at, id);
    }
}
