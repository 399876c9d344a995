//! Dependencies: trees, paths, orders that work, the chain that takes longest, diagrams.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    MAX_LIMIT,
    detail::Neighbour,
    durations::Durations,
    reading::{Answered, Found, Reading, Stop},
};
use crate::domain::{
    books::Books,
    graph::{
        analysis::{Cyclic, Network},
        diagram::{Class, Node, mermaid},
        tree::{Link, Row, tree},
    },
    id::OrderId,
    order::{ClosedOrder, Order, Status, vocabulary},
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

impl<F> From<Cyclic> for Stop<F> {
    /// The rules keep circles out, so this is a ledger that was not written by them.
    fn from(Cyclic(path): Cyclic) -> Self {
        Refusal::Cycle { path }.into()
    }
}

/// Returns the network of some open orders.
fn network(state: &State, ids: &BTreeSet<OrderId>) -> Result<Network, Cyclic> {
    let before = |id: &OrderId| {
        let id = *id;
        state.graph().before(id).map(move |before| (id, before))
    };
    Network::new(ids.iter().copied(), ids.iter().flat_map(before))
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
        total_minutes: path.total,
    })
}

impl State {
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
        let path = self.state.graph().path(from, to).unwrap_or_default();
        Ok(DependencyPath {
            from,
            to,
            path: self.neighbours(path)?,
        })
    }

    /// Returns a tree. Closed orders stand in it with their children: what they once waited for no longer matters.
    pub(super) fn tree(
        &mut self,
        root: OrderId,
        direction: Direction,
        limit: usize,
    ) -> Answered<DependencyTree, B> {
        let found = self.find(root)?;
        let state = self.state;
        let mut closed_children: BTreeMap<OrderId, Vec<OrderId>> = BTreeMap::new();
        if direction == Direction::DependsOn {
            for (id, form) in self.closed_beneath(root)? {
                let parent = form.order.parent;
                parent.into_iter().for_each(|parent| {
                    closed_children.entry(parent).or_default().push(id);
                });
            }
        }
        let shape = tree(root, |id| {
            let order = match state.order(id) {
                Some(order) => Some(order.as_ref()),
                None => (id == root).then(|| found.order()),
            };
            let mut rows = order.map(|order| branches(order, direction)).unwrap_or_default();
            let closed = closed_children.get(&id).into_iter().flatten();
            rows.extend(closed.map(|child| (*child, Link::Child)));
            rows
        });
        let open: BTreeSet<OrderId> = shape
            .rows
            .iter()
            .map(|row| row.id)
            .filter(|id| state.order(*id).is_some())
            .collect();
        let critical = critical(state, &open)?;
        let on_path: BTreeSet<OrderId> = critical.chain.iter().map(|step| step.order.id).collect();
        let total = shape.rows.iter().filter(|row| !row.repeated).count() + shape.omitted;
        let shown = &shape.rows[..shape.rows.len().min(limit)];
        let neighbours = self.neighbours(shown.iter().map(|row| row.id).collect())?;
        let distinct: BTreeSet<OrderId> = shown.iter().map(|row| row.id).collect();
        let rows = shown.iter().zip(neighbours).map(|(row, order)| {
            let critical = on_path.contains(&row.id);
            TreeRow::new(row, order, critical)
        });
        Ok(DependencyTree {
            id: root,
            direction,
            rows: rows.collect(),
            total,
            omitted: total - distinct.len(),
            critical_path: critical.chain.iter().map(|step| step.order.id).collect(),
            critical_minutes: critical.total_minutes,
        })
    }

    /// Returns a diagram: an order with all it waits for and all that waits for it, an epic with what is beneath it,
    /// closed ones among them; or all that is open and has an edge.
    pub(super) fn diagram(&mut self, root: Option<OrderId>) -> Answered<Diagram, B> {
        let state = self.state;
        let mut closed: BTreeMap<OrderId, ClosedOrder> = BTreeMap::new();
        let mut ids: BTreeSet<OrderId> = match root {
            None => state.graph().nodes().collect(),
            Some(root) if root.is_epic() => {
                self.find(root)?;
                closed = self.closed_beneath(root)?;
                state.beneath(root)
            }
            Some(root) => {
                if let Found::Closed(order) = self.find(root)? {
                    closed.insert(root, *order);
                }
                self.reach(root)
            }
        };
        let open = |ids: &BTreeSet<OrderId>| -> Vec<&Order> {
            ids.iter()
                .filter_map(|id| state.order(*id))
                .map(AsRef::as_ref)
                .collect()
        };
        let mut away: BTreeSet<OrderId> = BTreeSet::new();
        for order in open(&ids) {
            away.extend(order.depends_on.iter().map(|wait| wait.on));
        }
        away.retain(|id| state.order(*id).is_none() && !closed.contains_key(id));
        let away: Vec<OrderId> = away.into_iter().take(MAX_LIMIT).collect();
        closed.extend(self.closed(&away)?);
        ids.extend(closed.keys());
        let total = ids.len();
        let omitted = total.saturating_sub(MAX_DRAWN);
        let ids: BTreeSet<OrderId> = ids.into_iter().take(MAX_DRAWN).collect();
        let orders = |id: &OrderId| match (state.order(*id), closed.get(id)) {
            (Some(order), _) => Some((order.as_ref(), class(order.status()))),
            (None, Some(form)) => Some((&form.order, class(form.status()))),
            (None, None) => None,
        };
        let drawn: Vec<(&Order, Class)> = ids.iter().filter_map(orders).collect();
        let nodes = drawn.iter().map(|(order, class)| Node {
            id: order.id,
            title: &order.title,
            class: *class,
        });
        // A parent comes after its children, as in the graph.
        let edges = drawn.iter().flat_map(|(order, _)| {
            let waits = order.depends_on.iter().map(|wait| (wait.on, order.id));
            waits.chain(order.parent.map(|parent| (order.id, parent)))
        });
        let edges = edges.filter(|(before, after)| ids.contains(before) && ids.contains(after));
        Ok(Diagram {
            mermaid: mermaid(nodes, edges),
            total: total - omitted,
            omitted,
        })
    }

    /// Returns an order with all it waits for and all that waits for it.
    fn reach(&self, root: OrderId) -> BTreeSet<OrderId> {
        let graph = self.state.graph();
        let mut ids = BTreeSet::from([root]);
        let walk = |ids: &mut BTreeSet<OrderId>, next: &dyn Fn(OrderId) -> Vec<OrderId>| {
            let mut todo = vec![root];
            while let Some(id) = todo.pop() {
                todo.extend(next(id).into_iter().filter(|next| ids.insert(*next)));
            }
        };
        let mut after = ids.clone();
        walk(&mut ids, &|id| graph.before(id).collect());
        walk(&mut after, &|id| graph.after(id).collect());
        ids.extend(after);
        ids
    }
}

/// The most orders of one diagram: Mermaid draws no more in any reasonable time.
const MAX_DRAWN: usize = 2_000;

fn class(status: Status) -> Class {
    match status {
        Status::Queued => Class::Queued,
        Status::InProgress => Class::InProgress,
        Status::Completed => Class::Completed,
        Status::Cancelled => Class::Cancelled,
    }
}

/// Returns what hangs on an order in a tree, in the order in which it is shown.
fn branches(order: &Order, direction: Direction) -> Vec<(OrderId, Link)> {
    match direction {
        Direction::DependsOn => {
            let waits = order.depends_on.iter().map(|wait| (wait.on, Link::Wait));
            let children = order.children.iter().map(|child| (*child, Link::Child));
            children.chain(waits).collect()
        }
        Direction::Blocks => {
            let waiting = order.blocks.iter().map(|id| (*id, Link::Wait));
            let parent = order.parent.iter().map(|parent| (*parent, Link::Child));
            waiting.chain(parent).collect()
        }
    }
}

impl TreeRow {
    fn new(row: &Row, order: Neighbour, critical: bool) -> Self {
        TreeRow {
            id: row.id,
            title: order.title,
            status: order.status,
            depth: row.depth,
            link: row.link.map(|link| match link {
                Link::Wait => Hang::Wait,
                Link::Child => Hang::Child,
            }),
            last: (1..=row.depth).map(|depth| row.is_last(depth)).collect(),
            repeated: row.repeated,
            hidden: row.hidden,
            critical,
        }
    }
}
