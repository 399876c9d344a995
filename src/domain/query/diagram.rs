//! Dependencies as a Mermaid diagram.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    MAX_LIMIT,
    deps::Diagram,
    reading::{Answered, Found, Reading},
};
use crate::domain::{
    books::Books,
    graph::diagram::{Class, Node, mermaid},
    id::OrderId,
    order::{ClosedOrder, Order},
};

/// The most orders of one diagram: Mermaid draws no more in any reasonable time.
const MAX_DRAWN: usize = 2_000;

impl<B: Books> Reading<'_, B> {
    /// Returns a diagram: an order with all it waits for and all that waits for it, an epic with what is beneath it,
    /// closed ones among them; or all that is open and has an edge.
    pub(super) fn diagram(&mut self, root: Option<OrderId>) -> Answered<Diagram, B> {
        let state = self.state;
        let mut closed: BTreeMap<OrderId, ClosedOrder> = BTreeMap::new();
        let mut ids: BTreeSet<OrderId> = match root {
            None => {
                let orders = state.orders().filter(|order| {
                    let waits = !order.depends_on.is_empty() || !order.blocks.is_empty();
                    waits || order.parent.is_some() || !order.children.is_empty()
                });
                orders.map(|order| order.id).collect()
            }
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
            (Some(order), _) => Some((order.as_ref(), Class::of(order.status()))),
            (None, Some(form)) => Some((&form.order, Class::of(form.status()))),
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
        let state = self.state;
        let mut ids = BTreeSet::from([root]);
        let walk = |ids: &mut BTreeSet<OrderId>, next: &dyn Fn(OrderId) -> Vec<OrderId>| {
            let mut todo = vec![root];
            while let Some(id) = todo.pop() {
                todo.extend(next(id).into_iter().filter(|next| ids.insert(*next)));
            }
        };
        let mut after = ids.clone();
        walk(&mut ids, &|id| state.directly_before(id).collect());
        walk(&mut after, &|id| state.directly_after(id).collect());
        ids.extend(after);
        ids
    }
}
