//! Who waits for whom as a network: what a drawing of dependencies is made of.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    deps::critical,
    detail::Neighbour,
    filter::Filter,
    reading::{Answered, Found, Reading},
};
use crate::domain::{
    books::Books,
    id::OrderId,
    order::{ClosedOrder, Order},
};

/// The most orders of one network: more boxes than anyone finds their way in, and laid out in a tenth of a second.
pub const GRAPH_LIMIT: usize = 2_000;

/// Orders and the waits among them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DependencyGraph {
    /// The order whose surroundings these are; absent for all that is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<OrderId>,
    /// The orders, by id. An epic that is the root is not among them: it would wait for each.
    pub nodes: Vec<Neighbour>,
    /// The waits, by what comes first: every child comes before its parent, as well.
    pub edges: Vec<GraphEdge>,
    /// How many orders there are in all; closed ones to which only orders that are left out lead are not counted.
    pub total: usize,
    /// How many of them are left out: closed ones before open ones, and of each the farthest from the root. Without a
    /// root it is the last by number, epics behind work orders.
    pub omitted: usize,
    /// The chain among the open ones that takes longest, first what comes first.
    pub critical_path: Vec<OrderId>,
    /// What that chain takes.
    pub critical_minutes: i64,
}

/// One wait.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub struct GraphEdge {
    /// What comes first.
    pub before: OrderId,
    /// What waits for it.
    pub after: OrderId,
}

impl<B: Books> Reading<'_, B> {
    /// Returns the network around an order: all it waits for and all that waits for it, and of an epic what is beneath
    /// it and what that waits for. Without a root it is all that is open, passes `filter` and has a wait.
    ///
    /// With `closed` the closed orders beneath the root stand in it, and those that the open ones wait for.
    pub(super) fn graph(
        &mut self,
        root: Option<OrderId>,
        filter: &Filter,
        closed: bool,
    ) -> Answered<DependencyGraph, B> {
        let state = self.state;
        let mut past: BTreeMap<OrderId, ClosedOrder> = BTreeMap::new();
        // The closed ones, nearest first, and how many there are beyond those that were read.
        let (mut behind, mut more): (Vec<OrderId>, usize) = (Vec::new(), 0);
        let open: Vec<OrderId> = match root {
            None => {
                let all = state.orders();
                let fits = all.filter(|order| {
                    has_waits(order) && filter.admits(state, order.as_ref(), self.now)
                });
                fits.map(|order| order.id).collect()
            }
            Some(root) => {
                if let Found::Closed(order) = self.find(root)? {
                    behind.push(root);
                    past.insert(root, *order);
                }
                if closed {
                    let (beneath, rest) = self.some_closed_beneath(root, GRAPH_LIMIT)?;
                    behind.extend(beneath.iter().map(|(id, _)| *id));
                    past.extend(beneath);
                    more += rest;
                }
                self.around(root)
            }
        };
        // What waits lead to may be among those that were not read: it would count twice.
        if closed && more == 0 {
            let waits = open.iter().filter_map(|id| state.order(*id));
            let waits = waits.flat_map(|order| order.depends_on.iter().map(|wait| wait.on));
            let away: BTreeSet<OrderId> = waits
                .filter(|id| state.order(*id).is_none() && !past.contains_key(id))
                .collect();
            more += away.len().saturating_sub(GRAPH_LIMIT);
            let away: Vec<OrderId> = away.into_iter().take(GRAPH_LIMIT).collect();
            let away = self.closed(&away)?;
            behind.extend(away.keys());
            past.extend(away);
        }
        let is_frame = |id: &OrderId| Some(*id) == root && id.is_epic();
        let all = open.into_iter().chain(behind);
        let all: Vec<OrderId> = all.filter(|id| !is_frame(id)).collect();
        let total = all.len() + more;
        let ids: BTreeSet<OrderId> = all.into_iter().take(GRAPH_LIMIT).collect();
        let waits = ids.iter().flat_map(|id| {
            let open = state.order(*id).map(AsRef::as_ref);
            let order: Option<&Order> = open.or_else(|| past.get(id).map(|form| &form.order));
            // What a closed order once waited for no longer matters.
            let before = open.into_iter().flat_map(|order| order.depends_on.iter());
            let before = before.map(|wait| GraphEdge {
                before: wait.on,
                after: *id,
            });
            let parent = order.and_then(|order| order.parent);
            before.chain(parent.map(|after| GraphEdge { before: *id, after }))
        });
        let drawn = |edge: &GraphEdge| ids.contains(&edge.before) && ids.contains(&edge.after);
        let edges: BTreeSet<GraphEdge> = waits.filter(drawn).collect();
        let live = ids.iter().copied().filter(|id| state.order(*id).is_some());
        let critical = critical(state, &live.collect())?;
        let nodes = ids.iter().filter_map(|id| match state.order(*id) {
            Some(order) => Some(Neighbour::open(order)),
            None => past.get(id).map(Neighbour::closed),
        });
        Ok(DependencyGraph {
            root,
            nodes: nodes.collect(),
            edges: edges.into_iter().collect(),
            total,
            omitted: total - ids.len(),
            critical_path: critical.chain.iter().map(|step| step.order.id).collect(),
            critical_minutes: critical.total_minutes,
        })
    }

    /// Returns an order with all it waits for and, unless it is an epic, all that waits for it; the nearest first.
    fn around(&self, root: OrderId) -> Vec<OrderId> {
        let state = self.state;
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        // Each way is gone straight on: what else waits for a dependency is not this order's business.
        let mut todo = VecDeque::from([(root, true)]);
        if !root.is_epic() {
            todo.push_back((root, false));
        }
        while let Some((id, back)) = todo.pop_front() {
            if !seen.insert((id, back)) || state.order(id).is_none() {
                continue;
            }
            if !seen.contains(&(id, !back)) {
                found.push(id);
            }
            match back {
                true => todo.extend(state.directly_before(id).map(|id| (id, true))),
                false => todo.extend(state.directly_after(id).map(|id| (id, false))),
            }
        }
        found
    }
}

fn has_waits(order: &Order) -> bool {
    let waits = !order.depends_on.is_empty() || !order.blocks.is_empty();
    waits || order.parent.is_some() || !order.children.is_empty()
}
