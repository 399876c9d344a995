//! The graph as text for programs that draw: what is on screen, no more and no less.

use std::collections::BTreeSet;

use super::Shape;
use crate::{
    domain::{
        graph::{
            diagram::{Class, Node, mermaid},
            dot::dot,
        },
        id::OrderId,
        query::graph::DependencyGraph,
    },
    ui::words,
};

/// A language for drawings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Mermaid, as hosts of code draw it.
    Mermaid,
    /// DOT, as Graphviz draws it.
    Dot,
}

impl Format {
    /// Returns the word by which it is asked for.
    pub const fn word(self) -> &'static str {
        match self {
            Format::Mermaid => "mermaid",
            Format::Dot => "dot",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Format::Mermaid => "Mermaid",
            Format::Dot => "DOT",
        }
    }
}

/// What the argument of `graph` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Export<'a> {
    /// Nothing: the graph is shown, or the tree again.
    Toggle,
    /// A text on the clipboard.
    Copy(Format),
    /// A text in a new file of this path.
    Write(Format, &'a str),
}

impl Export<'_> {
    /// Reads the argument, if it says anything: nothing, `mermaid`, `dot`, or either with the name of a file.
    pub fn parse(argument: &str) -> Option<Export<'_>> {
        if argument.is_empty() {
            return Some(Export::Toggle);
        }
        let (word, file) = argument.split_once(' ').unwrap_or((argument, ""));
        let format = [Format::Mermaid, Format::Dot]
            .into_iter()
            .find(|format| format.word() == word)?;
        Some(match file.trim() {
            "" => Export::Copy(format),
            file => Export::Write(format, file),
        })
    }
}

/// Returns the drawn part of a graph as text, and what to call it: `12 orders and 14 waits as DOT`.
pub fn text(graph: &DependencyGraph, shape: &Shape, format: Format) -> (String, String) {
    let drawn: BTreeSet<OrderId> = shape.nodes.iter().copied().collect();
    let nodes = graph.nodes.iter().filter(|node| drawn.contains(&node.id));
    let nodes = nodes.map(|node| Node {
        id: node.id,
        title: &node.title,
        class: node.status.map_or(Class::Queued, Class::of),
    });
    let name = |at: usize| shape.nodes.get(at).copied();
    let edges = shape
        .edges
        .iter()
        .filter_map(|edge| Some((name(edge.before)?, name(edge.after)?)));
    let text = match format {
        Format::Mermaid => mermaid(nodes, edges),
        Format::Dot => dot(nodes, edges),
    };
    let orders = words::count(shape.nodes.len(), "order");
    let waits = words::count(shape.edges.len(), "wait");
    (text, format!("{orders} and {waits} as {}", format.name()))
}
