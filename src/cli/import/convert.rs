//! An item of beads in our words: nothing forgotten, everything cleaned and within bounds.

use serde_json::Value;

use super::{
    line::{Comment, Line, Relation, Text},
    mapping::{Mapping, priority},
};
use crate::{
    domain::{
        command::ImportItem,
        decide::import::{
            MAX_ESTIMATE, MAX_EXTERNAL, MAX_LABELS, MAX_LINKS, MAX_NAME, MAX_TARGET, MAX_TEXT,
            MAX_TITLE, PARENT_LINK, digest,
        },
        event::{Baseline, ImportedItem},
        import_report::{Note, NoteKind},
        order::{Kind, Link, Outcome},
        time::Timestamp,
    },
    text,
};

/// Returns the item that a live line stands for, or what is wrong with it. What had to be cut is noted.
pub(super) fn item(
    line: Line<'_>,
    mapping: &Mapping,
    notes: &mut Vec<Note>,
) -> Result<ImportItem, String> {
    let external = external(line.id.as_ref())?;
    let mut cuts = Cuts {
        external: &external,
        notes,
    };
    let mut sections = Sections::default();
    sections.plain(&line.description);

    let title = text::clean(line.title.as_ref().map_or("", |Text(title)| title));
    let mut title = title.trim().to_owned();
    if title.is_empty() {
        return Err("it has no title".into());
    }
    if title.chars().count() > MAX_TITLE {
        sections.add("Title", &title);
        title = cuts.line("title", &title, MAX_TITLE);
    }
    let created = line.created_at.ok_or("it has no created_at")?.0;

    let kind_word = word(&line.issue_type).unwrap_or("task");
    let status = word(&line.status).unwrap_or("open");
    let bucket = mapping.bucket(
        kind_word,
        line.labels.iter().map(|Text(label)| label.as_ref()),
    );
    let mut labels: Vec<String> = line
        .labels
        .iter()
        .filter_map(|Text(label)| cuts.label(label))
        .collect();
    let kind = mapping.kind(kind_word).unwrap_or_else(|| {
        labels.extend(cuts.label(&format!("beads:{kind_word}")));
        Kind::Task
    });
    let outcome = (status == "closed").then(|| {
        let at = line.closed_at.or(line.updated_at);
        let done = Outcome::Completed {
            sku: None,
            receipt: None,
        };
        (done, at.map_or(created, |at| at.0))
    });
    if !matches!(status, "open" | "closed") {
        labels.extend(cuts.label(&format!("beads:{status}")));
    }
    labels.sort();
    labels.dedup();

    let (parent, depends_on, mut links) = edges(&line.dependencies, &mut cuts);
    if let Some(Text(reference)) = &line.external_ref {
        links.extend(cuts.link("external-ref", reference));
    }
    links.sort();
    links.dedup();

    sections.named("Design", &line.design);
    sections.named("Acceptance criteria", &line.acceptance_criteria);
    sections.named("Notes", &line.notes);
    sections.named("Close reason", &line.close_reason);
    let excess = labels.split_off(labels.len().min(MAX_LABELS));
    if !excess.is_empty() {
        cuts.note("labels", format!("more than {MAX_LABELS}"));
        sections.add("More labels", &excess.join(", "));
    }
    let excess = links.split_off(links.len().min(MAX_LINKS));
    if !excess.is_empty() {
        cuts.note("links", format!("more than {MAX_LINKS}"));
        let rows: Vec<_> = excess
            .iter()
            .map(|l| format!("- {}: {}", l.kind, l.target))
            .collect();
        sections.add("More links", &rows.join("\n"));
    }
    sections.add("In beads", &rest(&line.rest));
    let mut description = sections.0;
    if description.len() > MAX_TEXT {
        cuts.note("description", format!("{} bytes", description.len()));
        cut(&mut description, MAX_TEXT);
    }

    let assignee = line
        .assignee
        .as_ref()
        .map(|Text(name)| cuts.line("assignee", name, MAX_NAME));
    let estimate = line
        .estimated_minutes
        .and_then(|minutes| u32::try_from(minutes).ok());
    let comments = line
        .comments
        .iter()
        .filter_map(|said| comment(said, &mut cuts));
    let mut item = ImportItem {
        digest: 0,
        item: ImportedItem {
            title,
            description: Some(description).filter(|text| !text.is_empty()),
            kind,
            bucket,
            priority: priority(line.priority)?,
            labels,
            assignee: assignee.filter(|name| !name.is_empty()),
            estimate: estimate
                .filter(|minutes| *minutes > 0)
                .map(|m| m.min(MAX_ESTIMATE)),
            created,
            links,
            closed: None,
            baseline: Baseline::default(),
        },
        outcome,
        parent,
        depends_on,
        comments: comments.collect(),
        external: external.clone(),
    };
    // What the line means, not how it is written: the order of its keys or a new updated_at change nothing.
    let meaning = serde_json::to_vec(&item).map_err(|error| error.to_string())?;
    item.digest = digest([meaning.as_slice()]);
    Ok(item)
}

/// Returns an item's id, or what is wrong with it.
pub(super) fn external(id: Option<&Text<'_>>) -> Result<String, String> {
    let Text(id) = id.ok_or("it has no id")?;
    let clean = text::clean(id);
    match clean.trim() {
        "" => Err("its id is empty".into()),
        id if id.chars().count() > MAX_EXTERNAL => {
            Err(format!("its id has more than {MAX_EXTERNAL} characters"))
        }
        id => Ok(id.to_owned()),
    }
}

fn word<'a>(text: &'a Option<Text<'_>>) -> Option<&'a str> {
    let Text(text) = text.as_ref()?;
    Some(text.trim()).filter(|text| !text.is_empty())
}

type Edges = (Option<String>, Vec<String>, Vec<Link>);

/// Returns the first parent, what the item waits for, and every other relation as a link.
fn edges(relations: &[Relation<'_>], cuts: &mut Cuts<'_>) -> Edges {
    let (mut parent, mut waits, mut links) = (None, Vec::new(), Vec::new());
    for relation in relations {
        let kind = word(&relation.kind).unwrap_or("blocks");
        let target = external(Some(&relation.on));
        match (kind, target) {
            ("parent-child", Ok(target)) if parent.is_none() => parent = Some(target),
            ("parent-child", Ok(target)) => {
                if parent.as_ref() != Some(&target) {
                    links.extend(cuts.link(PARENT_LINK, &target));
                }
            }
            ("blocks", Ok(target)) => waits.push(target),
            (kind, _) => links.extend(cuts.link(kind, &relation.on.0)),
        }
    }
    waits.sort();
    waits.dedup();
    (parent, waits, links)
}

fn comment(said: &Comment<'_>, cuts: &mut Cuts<'_>) -> Option<(String, Timestamp, String)> {
    let mut text = text::clean_block(&said.text.0).trim().to_owned();
    if text.is_empty() {
        return None;
    }
    if text.len() > MAX_TEXT {
        cuts.note("comment", format!("{} bytes", text.len()));
        cut(&mut text, MAX_TEXT);
    }
    let author = word(&said.author).unwrap_or_default();
    let author = cuts.line("author", author, MAX_NAME);
    let author = if author.is_empty() {
        "unknown".into()
    } else {
        author
    };
    Some((author, said.created_at.0, text))
}

/// Returns the fields that have no place of their own, one to a line.
fn rest(fields: &[(Text<'_>, Value)]) -> String {
    let rows = fields.iter().filter_map(|(Text(key), value)| {
        let value = match value {
            Value::Null | Value::Bool(false) => return None,
            Value::String(text) if text.trim().is_empty() => return None,
            Value::Array(values) if values.is_empty() => return None,
            Value::Object(values) if values.is_empty() => return None,
            Value::String(text) => text::clean(text).into_owned(),
            other => text::clean(&other.to_string()).into_owned(),
        };
        Some(format!("- {}: {value}", text::clean(key)))
    });
    rows.collect::<Vec<_>>().join("\n")
}

/// A description in the making: the item's own text, then headed sections.
#[derive(Default)]
struct Sections(String);

impl Sections {
    fn plain(&mut self, text: &Option<Text<'_>>) {
        if let Some(Text(text)) = text {
            self.0.push_str(text::clean_block(text).trim());
        }
    }

    fn named(&mut self, heading: &str, text: &Option<Text<'_>>) {
        if let Some(Text(text)) = text {
            self.add(heading, &text::clean_block(text));
        }
    }

    /// Adds text that is clean already; each part is cleaned by itself, so that none can swallow the next.
    fn add(&mut self, heading: &str, text: &str) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        if !self.0.is_empty() {
            self.0.push_str("\n\n");
        }
        self.0.push_str("## ");
        self.0.push_str(heading);
        self.0.push_str("\n\n");
        self.0.push_str(text);
    }
}

/// Makes texts fit, and notes which.
struct Cuts<'n> {
    external: &'n str,
    notes: &'n mut Vec<Note>,
}

impl Cuts<'_> {
    fn note(&mut self, field: &str, text: String) {
        let text = format!("{field}: {text}");
        self.notes
            .push(Note::new(NoteKind::Cut, self.external, text));
    }

    /// Returns a cleaned line of at most `limit` characters; it may be empty.
    fn line(&mut self, field: &str, value: &str, limit: usize) -> String {
        let clean = text::clean(value);
        let clean = clean.trim();
        let length = clean.chars().count();
        if length <= limit {
            return clean.to_owned();
        }
        self.note(field, format!("{length} characters"));
        let kept: String = clean.chars().take(limit).collect();
        // A cut can part a cluster; what is left is cleaned like anything else.
        text::clean(kept.trim()).trim().to_owned()
    }

    fn label(&mut self, label: &str) -> Option<String> {
        let label = self.line("label", &label.replace(',', ";"), MAX_NAME);
        (!label.is_empty()).then_some(label)
    }

    fn link(&mut self, kind: &str, target: &str) -> Option<Link> {
        let link = Link {
            kind: self.line("link", kind, MAX_NAME),
            target: self.line("link", target, MAX_TARGET),
        };
        (!link.kind.is_empty() && !link.target.is_empty()).then_some(link)
    }
}

/// Cuts cleaned text to at most `limit` bytes, whole characters, and leaves it clean.
fn cut(text: &mut String, limit: usize) {
    let end = (0..=limit).rev().find(|at| text.is_char_boundary(*at));
    text.truncate(end.unwrap_or(0));
    *text = text::clean_block(text).trim_end().to_owned();
}
