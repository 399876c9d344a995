//! A dependency diagram as Mermaid text.
//!
//! Style, classes and colours are those of the owner's example. Titles are other people's text: whatever Mermaid or a
//! browser could read as more than a letter is written as an entity code.

use std::{collections::BTreeMap, fmt::Write as _};

use crate::domain::{id::OrderId, order::Status};

/// Characters of a title that are drawn: boxes stay readable side by side, and the whole stays small.
const TITLE_LIMIT: usize = 60;
/// Edges that Mermaid draws unless its site is configured for more (its `maxEdges`).
const MERMAID_EDGES: usize = 500;

/// An order in the diagram.
#[derive(Clone, Copy, Debug)]
pub struct Node<'a> {
    /// Which order.
    pub id: OrderId,
    /// Its title as it was given, not cleaned.
    pub title: &'a str,
    /// How it is coloured.
    pub class: Class,
}

/// The colour class of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Done.
    Completed,
    /// Started.
    InProgress,
    /// Not started.
    Queued,
    /// Given up. Not among the owner's three: a cancelled order satisfies no dependency, and would pass for one that
    /// does if it were drawn as completed. Its colour is declared only when one is drawn.
    Cancelled,
}

impl Class {
    /// Returns the class of orders in a status.
    pub const fn of(status: Status) -> Self {
        match status {
            Status::Queued => Class::Queued,
            Status::InProgress => Class::InProgress,
            Status::Completed => Class::Completed,
            Status::Cancelled => Class::Cancelled,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Class::Completed => "completed",
            Class::InProgress => "in_progress",
            Class::Queued => "queued",
            Class::Cancelled => "cancelled",
        }
    }

    pub(super) const fn fill(self) -> &'static str {
        match self {
            Class::Completed => "#90ee90",
            Class::InProgress => "#ffff00",
            Class::Queued => "#add8e6",
            Class::Cancelled => "#d3d3d3",
        }
    }
}

/// Returns the Mermaid text of some orders and edges (before, after); arrows lead from a dependency to its dependent.
///
/// Edges come by id and each once; an end that is not among the nodes is drawn by its id alone; orders without an edge
/// stand at the end.
pub fn mermaid<'a>(
    nodes: impl IntoIterator<Item = Node<'a>>,
    edges: impl IntoIterator<Item = (OrderId, OrderId)>,
) -> String {
    let mut nodes: Vec<Node<'a>> = nodes.into_iter().collect();
    nodes.sort_by_key(|node| node.id);
    nodes.dedup_by_key(|node| node.id);
    let mut edges: Vec<(OrderId, OrderId)> = edges.into_iter().collect();
    edges.sort_unstable();
    edges.dedup();

    let mut text = String::from("graph TD\n");
    if edges.len() > MERMAID_EDGES {
        let edges = edges.len();
        text += &format!(
            "    %% {edges} edges: Mermaid draws {MERMAID_EDGES} unless maxEdges is raised\n"
        );
    }
    // An order is described where it is first named; after that its name is enough.
    let mut fresh: BTreeMap<OrderId, &Node> = nodes.iter().map(|node| (node.id, node)).collect();
    for (before, after) in edges {
        text += "    ";
        write_node(&mut text, before, fresh.remove(&before));
        text += " --> ";
        write_node(&mut text, after, fresh.remove(&after));
        text += "\n";
    }
    for node in nodes.iter().filter(|node| fresh.contains_key(&node.id)) {
        text += "    ";
        write_node(&mut text, node.id, Some(node));
        text += "\n";
    }

    text += "\n";
    let cancelled = nodes.iter().any(|node| node.class == Class::Cancelled);
    let always = [Class::Completed, Class::InProgress, Class::Queued];
    for class in always
        .into_iter()
        .chain(cancelled.then_some(Class::Cancelled))
    {
        text += &format!("    classDef {} fill:{}\n", class.name(), class.fill());
    }
    text
}

fn write_node(text: &mut String, id: OrderId, node: Option<&Node>) {
    // The dash of an id could be read as the start of an arrow.
    text.extend(id.to_string().chars().filter(|c| *c != '-'));
    if let Some(node) = node {
        // Mermaid takes no empty box; the id alone is drawn as a box with the id in it.
        let label = label(node.title).map(|label| format!("[{label}]"));
        *text += &format!("{}:::{}", label.unwrap_or_default(), node.class.name());
    }
}

/// Returns a title as a diagram shows it: one line, nothing in it that draws nothing, not too long. It may be empty.
pub(super) fn shown(title: &str) -> String {
    let mut words = title
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty());
    let mut plain = words.next().unwrap_or_default().to_owned();
    words.for_each(|word| plain.extend([" ", word]));
    plain.retain(|c| !is_invisible(c));
    if plain.chars().count() > TITLE_LIMIT {
        plain = plain.chars().take(TITLE_LIMIT - 1).chain(['…']).collect();
    }
    plain
}

/// Returns a title as the inside of a Mermaid box, or none if nothing of it can be seen.
fn label(title: &str) -> Option<String> {
    let plain = shown(title);
    // One capitalised word stands bare, as in the owner's example; Mermaid's own words are all in small letters.
    let mut letters = plain.chars();
    let capital = letters.next().is_some_and(|c| c.is_ascii_uppercase());
    if capital && letters.all(|c| c.is_ascii_lowercase()) {
        return Some(plain);
    }
    let mut quoted = String::from("\"");
    // Mermaid reads labels as Markdown: before the first letter these would make a list of the title, and it draws none.
    let list = plain.find(char::is_alphabetic).unwrap_or(plain.len());
    for (at, c) in plain.char_indices() {
        match c {
            '.' | '-' | '+' if at >= list => quoted.push(c),
            '"' => quoted += "#quot;",
            '<' => quoted += "#lt;",
            '>' => quoted += "#gt;",
            '&' => quoted += "#amp;",
            ' ' | ',' | '/' | '!' | '?' | '\'' | '…' => quoted.push(c),
            _ if c.is_alphanumeric() => quoted.push(c),
            _ => {
                let _ = write!(quoted, "#{};", u32::from(c));
            }
        }
    }
    (!plain.is_empty()).then(|| quoted + "\"")
}

/// Returns whether a character draws nothing and can turn or split the text around it: bidi controls, zero widths, tags.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(title: &str) -> String {
        mermaid(
            [Node {
                id: OrderId::work(1),
                title,
                class: Class::Queued,
            }],
            [],
        )
    }

    #[test]
    fn the_owners_example_comes_out_letter_by_letter() {
        use Class::{Completed, InProgress, Queued};
        let steps = [
            ("Specification", Completed),
            ("Pseudocode", InProgress),
            ("Architecture", Queued),
            ("Implementation", Queued),
            ("Testing", Queued),
            ("Completion", Queued),
        ];
        let nodes = (1..).zip(steps).map(|(n, (title, class))| Node {
            id: OrderId::work(n),
            title,
            class,
        });
        let edges = (1..6).map(|n| (OrderId::work(n), OrderId::work(n + 1)));
        let expected = "\
graph TD
    WO001[Specification]:::completed --> WO002[Pseudocode]:::in_progress
    WO002 --> WO003[Architecture]:::queued
    WO003 --> WO004[Implementation]:::queued
    WO004 --> WO005[Testing]:::queued
    WO005 --> WO006[Completion]:::queued

    classDef completed fill:#90ee90
    classDef in_progress fill:#ffff00
    classDef queued fill:#add8e6
";
        assert_eq!(mermaid(nodes, edges), expected);
    }

    #[test]
    fn a_hostile_title_stays_one_label() {
        for (title, shown) in [
            ("Fix the login", r##"["Fix the login"]"##),
            ("a\"] --> X[\"b", r##"["a#quot;#93; --#gt; X#91;#quot;b"]"##),
            ("one\ntwo\r\n\tthree", r##"["one two three"]"##),
            (
                "<img src=x onerror='a()'>",
                r##"["#lt;img src#61;x onerror#61;'a#40;#41;'#gt;"]"##,
            ),
            ("end", r##"["end"]"##),
            (
                "%%{init: {}}%%",
                r##"["#37;#37;#123;init#58; #123;#125;#125;#37;#37;"]"##,
            ),
            (
                "`**bold**` #35; &lt; a;b",
                r##"["#96;#42;#42;bold#42;#42;#96; #35;35#59; #amp;lt#59; a#59;b"]"##,
            ),
            ("x\u{202e}y\u{200b}z\u{7}", r##"["xyz"]"##),
            ("1. - _be_ v1.2-a", r##"["1#46; #45; #95;be#95; v1.2-a"]"##),
            ("", ""),
            (" \u{200b}\n", ""),
            ("日本 é", r##"["日本 é"]"##),
        ] {
            let text = draw(title);
            assert_eq!(
                text.lines().nth(1),
                Some(&*format!("    WO001{shown}:::queued")),
                "{title:?}"
            );
            assert_eq!(text.lines().count(), 6, "{title:?}");
        }
    }

    #[test]
    fn a_long_title_is_cut_before_it_is_escaped() {
        let text = draw(&"\"".repeat(1000));
        assert_eq!(text.matches("#quot;").count(), TITLE_LIMIT - 1);
        assert!(text.contains('…'));
    }

    #[test]
    fn unknown_ends_stand_by_their_id_and_cancelled_has_its_colour() {
        let nodes = [Node {
            id: OrderId::epic(2),
            title: "Gone",
            class: Class::Cancelled,
        }];
        let edge = (OrderId::work(7), OrderId::epic(2));
        let text = mermaid(nodes, [edge, edge]);
        assert_eq!(
            text.lines().nth(1),
            Some("    WO007 --> EPIC002[Gone]:::cancelled")
        );
        assert_eq!(text.matches("-->").count(), 1);
        assert!(text.ends_with("    classDef cancelled fill:#d3d3d3\n"));
    }
}
