//! Dependencies as text for Graphviz.
//!
//! Classes and colours are those of the Mermaid diagram. Titles are other people's text: they stand in quoted strings, in
//! which a quote and a backslash are escaped and an ampersand is an entity, so that none of them means anything.

use std::collections::BTreeMap;

use super::diagram::{Node, shown};
use crate::domain::id::OrderId;

/// Returns the DOT text of some orders and edges (before, after); arrows lead from a dependency to its dependent.
///
/// Nodes come by id, edges by id and each once; an end that is not among the nodes is drawn by its id alone.
pub fn dot<'a>(
    nodes: impl IntoIterator<Item = Node<'a>>,
    edges: impl IntoIterator<Item = (OrderId, OrderId)>,
) -> String {
    let nodes: BTreeMap<OrderId, Node<'a>> =
        nodes.into_iter().map(|node| (node.id, node)).collect();
    let mut edges: Vec<(OrderId, OrderId)> = edges.into_iter().collect();
    edges.sort_unstable();
    edges.dedup();
    let mut text = String::from(
        "digraph orders {\n    node [shape=box, style=filled, fillcolor=white, fontname=\"sans-serif\"]\n",
    );
    for (id, node) in &nodes {
        let title = escaped(&shown(node.title));
        let fill = node.class.fill();
        text += &format!("    \"{id}\" [label=\"{id}\\n{title}\", fillcolor=\"{fill}\"]\n");
    }
    for (before, after) in edges {
        text += &format!("    \"{before}\" -> \"{after}\"\n");
    }
    text += "}\n";
    text
}

/// Returns text as it stands inside a quoted string of DOT.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '&' => out.push_str("&amp;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{super::diagram::Class, *};

    fn label(title: &str) -> String {
        let node = Node {
            id: OrderId::work(1),
            title,
            class: Class::Queued,
        };
        let text = dot([node], []);
        assert_eq!(text.lines().count(), 4, "{text}");
        let line = text.lines().nth(2).unwrap_or_default();
        let label = line
            .trim_start()
            .strip_prefix(r#""WO-001" [label="WO-001\n"#);
        let label = label.and_then(|rest| rest.strip_suffix(r##"", fillcolor="#add8e6"]"##));
        label.unwrap_or(line).to_owned()
    }

    #[test]
    fn a_hostile_title_stays_one_string() {
        for (title, shown) in [
            ("Fix the login", "Fix the login"),
            (r#"a"]; x -> y ["b"#, r#"a\"]; x -> y [\"b"#),
            (r"ends in \", r"ends in \\"),
            (r"\N \G \l", r"\\N \\G \\l"),
            ("<b>&lt;</b>", "<b>&amp;lt;</b>"),
            ("one\ntwo\u{202e}\u{7}", "one two"),
            ("", ""),
        ] {
            assert_eq!(label(title), shown, "{title:?}");
        }
    }

    #[test]
    fn edges_come_once_and_classes_have_their_colours() {
        let node = |n, title, class| Node {
            id: OrderId::work(n),
            title,
            class,
        };
        let edge = (OrderId::work(2), OrderId::work(1));
        let text = dot(
            [
                node(2, "Code", Class::InProgress),
                node(1, "Test", Class::Cancelled),
            ],
            [edge, edge, (OrderId::epic(7), OrderId::work(2))],
        );
        let expected = r##"digraph orders {
    node [shape=box, style=filled, fillcolor=white, fontname="sans-serif"]
    "WO-001" [label="WO-001\nTest", fillcolor="#d3d3d3"]
    "WO-002" [label="WO-002\nCode", fillcolor="#ffff00"]
    "WO-002" -> "WO-001"
    "EPIC-007" -> "WO-002"
}
"##;
        assert_eq!(text, expected);
    }
}
