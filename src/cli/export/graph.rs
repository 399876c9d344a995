//! `export mermaid` and `dot`: who waits for whom, for programs that draw.

use std::collections::BTreeMap;

use super::{Source, sink::Sink};
use crate::{
    cli::{context::Call, error::Done},
    domain::{
        graph::{
            diagram::{Class, Node, mermaid},
            dot::dot,
        },
        id::OrderId,
        order::Status,
    },
};

/// Writes the network: all that is open with what it waits for, or an order with all that is beneath it.
pub(super) fn write(
    call: &mut Call<'_>,
    source: &mut Source,
    mut sink: Sink,
    root: Option<OrderId>,
    all: bool,
    graphviz: bool,
) -> Done {
    let mut titles: BTreeMap<OrderId, (String, Option<Status>)> = BTreeMap::new();
    let mut edges: Vec<(OrderId, OrderId)> = vec![];
    source.orders(root, all, &mut |detail| {
        let order = detail.order;
        // What is drawn of an epic is what is beneath it.
        if order.id.is_epic() && Some(order.id) == root {
            return Ok(());
        }
        // A parent comes after its children, as in the graph.
        let parent = order.parent.filter(|_| Some(order.id) != root);
        edges.extend(parent.map(|parent| (order.id, parent)));
        for on in detail.depends_on {
            edges.push((on.id, order.id));
            titles.entry(on.id).or_insert((on.title, on.status));
        }
        titles.insert(order.id, (order.title, Some(order.status)));
        Ok(())
    })?;
    // An end that is not drawn is the epic itself, or what it is part of.
    edges.retain(|(before, after)| titles.contains_key(before) && titles.contains_key(after));
    let nodes = titles.iter().map(|(id, (title, status))| Node {
        id: *id,
        title,
        class: status.map_or(Class::Queued, Class::of),
    });
    let text = match graphviz {
        true => dot(nodes, edges),
        false => mermaid(nodes, edges),
    };
    sink.write(call, &text)?;
    sink.end(call)
}
