//! A task as `task export` prints it.
//!
//! The form is the Taskwarrior JSON format: dates in ISO 8601's basic form and in UTC, `depends` a list of uuids since
//! version 2.6 and one text with commas before it, annotations with a date each. Attributes that users define stand
//! among the others.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    file::{Found, Reading, Wrong},
    frame,
    item::{self, Bond, DONE, Raw},
    mapping,
    parts::Basic,
    source::Options,
};
use crate::domain::order::{Kind, Priority};

/// What taskwarrior derives for itself, or changes with every touch: it would make a task look changed.
const IDLE: &[&str] = &["id", "modified", "urgency"];

/// Our priorities by those of taskwarrior.
const PRIORITIES: &[(&str, u8)] = &[("H", 9), ("M", 6), ("L", 3)];

/// Who said what an annotation says: taskwarrior does not know.
const ANNOTATOR: &str = "taskwarrior";

#[derive(Deserialize)]
struct Task {
    uuid: Option<String>,
    description: Option<String>,
    status: Option<String>,
    entry: Option<Basic>,
    end: Option<Basic>,
    start: Option<Basic>,
    priority: Option<String>,
    project: Option<String>,
    parent: Option<String>,
    tags: Option<Vec<String>>,
    depends: Option<Depends>,
    annotations: Option<Vec<Annotation>>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Depends {
    List(Vec<String>),
    Text(String),
}

#[derive(Deserialize)]
struct Annotation {
    entry: Basic,
    description: String,
}

/// Reads one task.
pub(super) fn record(
    reading: &mut Reading,
    _: &str,
    text: &str,
    options: &Options,
) -> Result<Found, Wrong> {
    let task: Task = frame::json(text)?;
    if task.status.as_deref() == Some("deleted") {
        let id = item::external(task.uuid.as_deref().unwrap_or_default());
        return Ok(Found::Gone(id.unwrap_or_default()));
    }
    let raw = raw(task, options)?;
    Ok(Found::Item(Box::new(item::item(
        raw,
        &options.system,
        &options.mapping,
        reading.notes(),
    )?)))
}

fn raw(task: Task, options: &Options) -> Result<Raw<'static>, String> {
    let id = task.uuid.ok_or("it has no uuid")?;
    let created = task
        .entry
        .ok_or("it has no entry, the date of its creation")?
        .0;
    let status = task.status.unwrap_or_else(|| "pending".into());
    let tags = task.tags.unwrap_or_default();
    let words = || tags.iter().map(String::as_str);
    let mut kept: Vec<Cow<'_, str>> = vec![];
    let outcome = match status.as_str() {
        // One that was completed without a date was so at an unknown time.
        "completed" => Some((DONE, task.end.map_or(created, |Basic(at)| at))),
        "pending" => None,
        _ => {
            kept.push(status.into());
            None
        }
    };
    if task.start.is_some() && outcome.is_none() {
        kept.push("started".into());
    }
    kept.extend(
        task.project
            .map(|project| format!("project {project}").into()),
    );
    let priority = match task.priority.as_deref().unwrap_or_default() {
        "" => mapping::urgency_of(words()),
        word => {
            let row = PRIORITIES.iter().find(|(known, _)| *known == word);
            if row.is_none() {
                kept.push(format!("priority {word}").into());
            }
            row.and_then(|(_, value)| Priority::new(*value))
        }
    };
    let kind = options.mapping.kind_of(words());
    let depends = match task.depends {
        None => vec![],
        Some(Depends::List(list)) => list,
        Some(Depends::Text(text)) => text.split(',').map(|id| id.trim().to_owned()).collect(),
    };
    let waits = depends.into_iter().filter(|id| !id.is_empty());
    // A recurring task's parent is its template, of which it is no part.
    let template = task
        .parent
        .map(|id| (Bond::Link("template".into()), id.into()));
    let bonds = waits.map(|id| (Bond::Wait, Cow::Owned(id)));
    let comments = task.annotations.unwrap_or_default().into_iter();
    let comments = comments.map(|said| (ANNOTATOR.into(), said.entry.0, said.description.into()));
    let rest = task.rest.into_iter();
    let rest = rest.filter(|(key, _)| !IDLE.contains(&key.as_str()));
    Ok(Raw {
        id: id.into(),
        title: task.description.unwrap_or_default().into(),
        created,
        kind: kind.map_or(Cow::Borrowed(Kind::Task.word()), Cow::Owned),
        priority: priority.unwrap_or(Priority::DEFAULT),
        words: kept,
        outcome,
        bonds: bonds.chain(template).collect(),
        comments: comments.collect(),
        rest: rest.map(|(key, value)| (Cow::Owned(key), value)).collect(),
        labels: tags.into_iter().map(Cow::Owned).collect(),
        ..Raw::default()
    })
}
