//! A line of a beads file.
//!
//! Keys that are not known here are kept with their values: they go into the description, since an import forgets
//! nothing.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::Value;

use super::{
    file::{Found, Reading, Wrong},
    frame,
    item::{self, Bond, DONE, Raw},
    parts::{Text, When},
    source::Options,
};
use crate::domain::order::Priority;

/// Our priorities by those of beads: 0 is the most urgent there, 10 here.
const PRIORITIES: [u8; 5] = [10, 8, 6, 4, 2];

/// The priority of an item that has none, in beads' own numbers.
const DEFAULT_PRIORITY: i64 = 2;

/// What is said of a line that is something else: a table perhaps, or a whole list.
const NO_OBJECT: &str = "no JSON: a beads file has one JSON object a line";

/// Reads one line.
pub(super) fn record(
    reading: &mut Reading,
    _: &str,
    text: &str,
    options: &Options,
) -> Result<Found, Wrong> {
    if !text.trim_start().starts_with('{') {
        return Err(NO_OBJECT.to_owned().into());
    }
    let line: Line<'_> = frame::json(text)?;
    if line.is_tombstone() {
        let id = line.id.as_ref().map(|Text(id)| item::external(id));
        return Ok(Found::Gone(id.and_then(Result::ok).unwrap_or_default()));
    }
    let raw = raw(line)?;
    Ok(Found::Item(Box::new(item::item(
        raw,
        &options.system,
        &options.mapping,
        reading.notes(),
    )?)))
}

/// Returns our priority for one of beads, or what is wrong with it.
fn priority(value: Option<i64>) -> Result<Priority, String> {
    let value = value.unwrap_or(DEFAULT_PRIORITY);
    usize::try_from(value)
        .ok()
        .and_then(|value| PRIORITIES.get(value).copied())
        .and_then(Priority::new)
        .ok_or_else(|| format!("priority {value} is not 0 to 4"))
}

fn raw(line: Line<'_>) -> Result<Raw<'_>, String> {
    let Text(id) = line.id.ok_or("it has no id")?;
    let Text(title) = line.title.unwrap_or_default();
    let created = line.created_at.map(|When(at)| at);
    let status = word(line.status).unwrap_or("open".into());
    let sections = [
        ("Design", line.design),
        ("Acceptance criteria", line.acceptance_criteria),
        ("Notes", line.notes),
        ("Close reason", line.close_reason),
    ];
    let sections = sections.into_iter();
    let sections = sections.filter_map(|(heading, text)| Some((heading, text?.0)));
    let bonds = line.dependencies.into_iter().map(|relation| {
        let kind = word(relation.kind).unwrap_or("blocks".into());
        let bond = match &*kind {
            "parent-child" => Bond::Part,
            "blocks" => Bond::Wait,
            _ => Bond::Link(kind),
        };
        (bond, relation.on.0)
    });
    let reference = line
        .external_ref
        .map(|Text(reference)| (Bond::Link("external-ref".into()), reference));
    let comments = line.comments.into_iter().map(|said| {
        let author = word(said.author).unwrap_or_default();
        (author, said.created_at.0, said.text.0)
    });
    if title.trim().is_empty() {
        return Err("it has no title".into());
    }
    let created = created.ok_or("it has no created_at")?;
    let closed = line.closed_at.or(line.updated_at);
    Ok(Raw {
        id,
        title,
        description: line.description.map(|Text(text)| text),
        sections: sections.collect(),
        created,
        kind: word(line.issue_type).unwrap_or("task".into()),
        priority: priority(line.priority)?,
        labels: line.labels.into_iter().map(|Text(label)| label).collect(),
        assignee: line.assignee.map(|Text(name)| name),
        estimate: line.estimated_minutes,
        outcome: (status == "closed").then(|| (DONE, closed.map_or(created, |When(at)| at))),
        words: match &*status {
            "open" | "closed" => vec![],
            _ => vec![status],
        },
        bonds: bonds.chain(reference).collect(),
        comments: comments.collect(),
        rest: line
            .rest
            .into_iter()
            .map(|(Text(key), value)| (key, value))
            .collect(),
        ..Raw::default()
    })
}

/// Returns a text without the blanks around it, if anything is left.
fn word(text: Option<Text<'_>>) -> Option<Cow<'_, str>> {
    let Text(text) = text?;
    let trimmed = text.trim();
    match trimmed.len() == text.len() {
        _ if trimmed.is_empty() => None,
        true => Some(text),
        false => Some(Cow::Owned(trimmed.to_owned())),
    }
}

/// A relation to another item.
#[derive(Debug, Deserialize)]
struct Relation<'a> {
    #[serde(borrow, rename = "depends_on_id")]
    on: Text<'a>,
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
}

/// What somebody said.
#[derive(Debug, Deserialize)]
struct Comment<'a> {
    #[serde(borrow)]
    author: Option<Text<'a>>,
    #[serde(borrow)]
    text: Text<'a>,
    created_at: When,
}

/// One line.
#[derive(Debug, Default)]
struct Line<'a> {
    id: Option<Text<'a>>,
    title: Option<Text<'a>>,
    description: Option<Text<'a>>,
    design: Option<Text<'a>>,
    acceptance_criteria: Option<Text<'a>>,
    notes: Option<Text<'a>>,
    close_reason: Option<Text<'a>>,
    status: Option<Text<'a>>,
    issue_type: Option<Text<'a>>,
    priority: Option<i64>,
    assignee: Option<Text<'a>>,
    external_ref: Option<Text<'a>>,
    estimated_minutes: Option<i64>,
    created_at: Option<When>,
    updated_at: Option<When>,
    closed_at: Option<When>,
    deleted: bool,
    labels: Vec<Text<'a>>,
    dependencies: Vec<Relation<'a>>,
    comments: Vec<Comment<'a>>,
    /// Every other key with its value, in the line's order.
    rest: Vec<(Text<'a>, Value)>,
}

impl Line<'_> {
    /// Returns whether the item was deleted: its line only says that it was there.
    fn is_tombstone(&self) -> bool {
        let status = self.status.as_ref().map(|Text(status)| status.as_ref());
        self.deleted || matches!(status, Some("tombstone" | "deleted"))
    }
}

impl<'de> Deserialize<'de> for Line<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = Line<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an issue: a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Line<'de>, A::Error> {
                let mut line = Line::default();
                while let Some(key) = map.next_key::<Text<'de>>()? {
                    match key.0.as_ref() {
                        "id" => line.id = map.next_value()?,
                        "title" => line.title = map.next_value()?,
                        "description" => line.description = map.next_value()?,
                        "design" => line.design = map.next_value()?,
                        "acceptance_criteria" => line.acceptance_criteria = map.next_value()?,
                        "notes" => line.notes = map.next_value()?,
                        "close_reason" => line.close_reason = map.next_value()?,
                        "status" => line.status = map.next_value()?,
                        "issue_type" => line.issue_type = map.next_value()?,
                        "priority" => line.priority = map.next_value()?,
                        "assignee" => line.assignee = map.next_value()?,
                        "external_ref" => line.external_ref = map.next_value()?,
                        "estimated_minutes" => line.estimated_minutes = map.next_value()?,
                        "created_at" => line.created_at = map.next_value()?,
                        "updated_at" => line.updated_at = map.next_value()?,
                        "closed_at" => line.closed_at = map.next_value()?,
                        "deleted_at" => {
                            line.deleted = map.next_value::<Option<When>>()?.is_some();
                        }
                        "labels" => line.labels = list(&mut map)?,
                        "dependencies" => line.dependencies = list(&mut map)?,
                        "comments" => line.comments = list(&mut map)?,
                        // A digest of the rest by beads itself: it says nothing of its own.
                        "content_hash" => {
                            map.next_value::<IgnoredAny>()?;
                        }
                        _ => line.rest.push((key, map.next_value()?)),
                    }
                }
                Ok(line)
            }
        }

        fn list<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
            map: &mut A,
        ) -> Result<Vec<T>, A::Error> {
            Ok(map.next_value::<Option<Vec<T>>>()?.unwrap_or_default())
        }

        deserializer.deserialize_map(Keys)
    }
}
