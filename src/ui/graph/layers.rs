//! Layers: which column each order stands in, and where long waits bend.
//!
//! Long waits that begin, or end, at the same order share their bends, so that an epic of fifty children is one line
//! that they join and not fifty beside each other.

use std::collections::{BTreeMap, BTreeSet};

use super::{Edge, PLACE_LIMIT, Shape, Tangled};
use crate::domain::graph::analysis::Network;

/// An order, or a bend of a long wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vertex {
    /// Its column.
    pub layer: usize,
    /// The order's place in [`Shape::nodes`]; none is a bend.
    pub node: Option<usize>,
}

/// A piece of a wait, from one layer to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The vertex on the left.
    pub from: usize,
    /// The vertex on the right.
    pub to: usize,
    /// Whether a step of the critical path goes along it.
    pub critical: bool,
}

/// A part of the graph that hangs together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layered {
    /// Its orders and bends.
    pub vertices: Vec<Vertex>,
    /// The pieces between them.
    pub links: Vec<Link>,
    /// The vertices of each layer, top to bottom.
    pub layers: Vec<Vec<usize>>,
}

impl Layered {
    /// Returns, for each vertex, those that are linked to it on the left and on the right.
    pub fn neighbours(&self) -> Vec<[Vec<usize>; 2]> {
        let mut all = vec![<[Vec<usize>; 2]>::default(); self.vertices.len()];
        for link in &self.links {
            if let Some([_, right]) = all.get_mut(link.from) {
                right.push(link.to);
            }
            if let Some([left, _]) = all.get_mut(link.to) {
                left.push(link.from);
            }
        }
        all
    }
}

/// Whose bends a long wait shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Bundle {
    From(usize),
    Into(usize),
}

/// Returns the parts of a graph that hang together, the larger first, each with its layers.
///
/// # Errors
///
/// There would be more bends than anyone can follow.
pub fn parts(shape: &Shape) -> Result<Vec<Layered>, Tangled> {
    let layer_of = layers(shape);
    let part_of = components(shape);
    let mut members: BTreeMap<usize, (Vec<usize>, Vec<Edge>)> = BTreeMap::new();
    for (node, part) in part_of.iter().enumerate() {
        members.entry(*part).or_default().0.push(node);
    }
    for edge in &shape.edges {
        if let Some(part) = part_of.get(edge.before) {
            members.entry(*part).or_default().1.push(*edge);
        }
    }
    let mut members: Vec<_> = members.into_values().collect();
    members.sort_by_key(|(nodes, _)| (std::cmp::Reverse(nodes.len()), nodes.first().copied()));
    let mut places = 0;
    let mut parts = Vec::with_capacity(members.len());
    for (nodes, edges) in members {
        let part = part(
            &nodes,
            &edges,
            &layer_of,
            PLACE_LIMIT.saturating_sub(places),
        )?;
        places += part.vertices.len();
        parts.push(part);
    }
    Ok(parts)
}

/// Returns each order's layer: its longest distance from one that waits for nothing. What has more to its right than to
/// its left then moves to the right as far as it can, which makes its lines short.
fn layers(shape: &Shape) -> Vec<usize> {
    let name = |node: usize| shape.nodes.get(node).copied();
    let waits = shape
        .edges
        .iter()
        .filter_map(|edge| Some((name(edge.after)?, name(edge.before)?)));
    let layers = Network::new(shape.nodes.iter().copied(), waits)
        .map(|network| network.layers())
        .unwrap_or_else(|_| vec![shape.nodes.clone()]);
    let mut layer_of = vec![0; shape.nodes.len()];
    for (layer, ids) in layers.iter().enumerate() {
        for node in ids
            .iter()
            .filter_map(|id| shape.nodes.binary_search(id).ok())
        {
            if let Some(of) = layer_of.get_mut(node) {
                *of = layer;
            }
        }
    }
    let mut degree = vec![(0_usize, 0_usize); shape.nodes.len()];
    let mut after: Vec<Vec<usize>> = vec![Vec::new(); shape.nodes.len()];
    for edge in &shape.edges {
        if let (Some(after), Some((_, out))) =
            (after.get_mut(edge.before), degree.get_mut(edge.before))
        {
            after.push(edge.after);
            *out += 1;
        }
        if let Some((into, _)) = degree.get_mut(edge.after) {
            *into += 1;
        }
    }
    for node in layers.iter().rev().flatten() {
        let Ok(node) = shape.nodes.binary_search(node) else {
            continue;
        };
        let next = after.get(node).into_iter().flatten();
        let next = next.filter_map(|other| layer_of.get(*other)).min().copied();
        let rises = degree.get(node).is_some_and(|(into, out)| out > into);
        if let (true, Some(next), Some(of)) = (rises, next, layer_of.get_mut(node)) {
            *of = next.saturating_sub(1).max(*of);
        }
    }
    layer_of
}

/// Returns a number for each order that those share which hang together.
fn components(shape: &Shape) -> Vec<usize> {
    let mut beside: Vec<Vec<usize>> = vec![Vec::new(); shape.nodes.len()];
    for edge in &shape.edges {
        for (one, other) in [(edge.before, edge.after), (edge.after, edge.before)] {
            if let Some(beside) = beside.get_mut(one) {
                beside.push(other);
            }
        }
    }
    let mut part_of = vec![usize::MAX; shape.nodes.len()];
    for start in 0..shape.nodes.len() {
        let mut todo = vec![start];
        while let Some(node) = todo.pop() {
            match part_of.get_mut(node) {
                Some(part) if *part == usize::MAX => *part = start,
                _ => continue,
            }
            todo.extend(beside.get(node).into_iter().flatten());
        }
    }
    part_of
}

/// Returns one part with the bends of its long waits.
fn part(
    nodes: &[usize],
    edges: &[Edge],
    layer_of: &[usize],
    room: usize,
) -> Result<Layered, Tangled> {
    let layer = |node: usize| layer_of.get(node).copied().unwrap_or(0);
    let first = nodes.iter().map(|node| layer(*node)).min().unwrap_or(0);
    let mut part = Layered::default();
    let mut vertex_of: BTreeMap<usize, usize> = BTreeMap::new();
    for node in nodes {
        vertex_of.insert(*node, part.vertices.len());
        part.vertices.push(Vertex {
            layer: layer(*node) - first,
            node: Some(*node),
        });
    }
    let mut outs: BTreeMap<usize, usize> = BTreeMap::new();
    let mut ins: BTreeMap<usize, usize> = BTreeMap::new();
    for edge in edges {
        *outs.entry(edge.before).or_default() += 1;
        *ins.entry(edge.after).or_default() += 1;
    }
    let mut bends: BTreeMap<(Bundle, usize), usize> = BTreeMap::new();
    let mut links: BTreeMap<(usize, usize), bool> = BTreeMap::new();
    let mut steps = 0_usize;
    for edge in edges {
        let ends = (vertex_of.get(&edge.before), vertex_of.get(&edge.after));
        let (Some(&from), Some(&to)) = ends else {
            continue;
        };
        let bundle = match outs.get(&edge.before) >= ins.get(&edge.after) {
            true => Bundle::From(edge.before),
            false => Bundle::Into(edge.after),
        };
        let mut at = from;
        for layer in layer(edge.before) + 1..layer(edge.after) {
            let next = *bends.entry((bundle, layer)).or_insert_with(|| {
                part.vertices.push(Vertex {
                    layer: layer - first,
                    node: None,
                });
                part.vertices.len() - 1
            });
            *links.entry((at, next)).or_default() |= edge.critical;
            at = next;
            steps += 1;
        }
        *links.entry((at, to)).or_default() |= edge.critical;
        // Shared bends are walked along again by each wait, which is bounded as well.
        if part.vertices.len() > room || steps > 8 * PLACE_LIMIT {
            return Err(Tangled);
        }
    }
    let links = links.into_iter();
    part.links = links
        .map(|((from, to), critical)| Link { from, to, critical })
        .collect();
    part.layers = arrange(&part);
    Ok(part)
}

/// Returns the layers in the order in which a walk along the links meets their vertices: what is linked stands near.
fn arrange(part: &Layered) -> Vec<Vec<usize>> {
    let deepest = part.vertices.iter().map(|vertex| vertex.layer).max();
    let mut layers = vec![Vec::new(); deepest.map_or(0, |deepest| deepest + 1)];
    let beside = part.neighbours();
    let mut seen = BTreeSet::new();
    for start in 0..part.vertices.len() {
        let mut todo = vec![start];
        while let Some(at) = todo.pop() {
            let Some(vertex) = part.vertices.get(at).filter(|_| seen.insert(at)) else {
                continue;
            };
            if let Some(layer) = layers.get_mut(vertex.layer) {
                layer.push(at);
            }
            for side in beside.get(at).into_iter().flatten() {
                todo.extend(side.iter().rev().filter(|next| !seen.contains(next)));
            }
        }
    }
    layers
}
