//! One order's dependencies as the lines of a tree.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    deps::{DependencyTree, Direction, Hang, TreeRow, critical},
    detail::Neighbour,
    reading::{Answered, Reading},
};
use crate::domain::{
    books::Books,
    graph::tree::{Link, Row, tree},
    id::OrderId,
    order::Order,
};

impl<B: Books> Reading<'_, B> {
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
            let mut rows = order
                .map(|order| branches(order, direction))
                .unwrap_or_default();
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
