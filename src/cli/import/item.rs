//! An item of another system in our words: nothing forgotten, everything cleaned and within bounds.

use std::borrow::Cow;

use serde_json::Value;

use super::mapping::Mapping;
use crate::{
    domain::{
        command::ImportItem,
        decide::import::{
            MAX_ESTIMATE, MAX_EXTERNAL, MAX_LABELS, MAX_LINKS, MAX_NAME, MAX_REASON, MAX_TARGET,
            MAX_TEXT, MAX_TITLE, PARENT_LINK, digest,
        },
        event::{Baseline, ImportedItem},
        import_report::{Note, NoteKind},
        order::{Bucket, Kind, Link, Outcome, Priority},
        time::Timestamp,
    },
    text,
};

/// An item as its system tells it. Texts are as they stand there; nothing is cleaned or cut yet.
pub(super) struct Raw<'a> {
    /// Its id there.
    pub(super) id: Cow<'a, str>,
    /// One line.
    pub(super) title: Cow<'a, str>,
    /// Its own text.
    pub(super) description: Option<Cow<'a, str>>,
    /// Further texts, each under its heading.
    pub(super) sections: Vec<(&'static str, Cow<'a, str>)>,
    /// When it came into being there.
    pub(super) created: Timestamp,
    /// The word for what sort of work it is; one without a counterpart becomes a label.
    pub(super) kind: Cow<'a, str>,
    /// Its class of service where the system has ours; else labels and kind say.
    pub(super) bucket: Option<Bucket>,
    /// How urgent.
    pub(super) priority: Priority,
    /// Words that have no counterpart here: they become labels with the system's name before them.
    pub(super) words: Vec<Cow<'a, str>>,
    /// Its labels.
    pub(super) labels: Vec<Cow<'a, str>>,
    /// Who is meant to do it.
    pub(super) assignee: Option<Cow<'a, str>>,
    /// Minutes.
    pub(super) estimate: Option<i64>,
    /// How and when it ended there, if it did.
    pub(super) outcome: Option<(Outcome, Timestamp)>,
    /// Its relations to others.
    pub(super) bonds: Vec<(Bond<'a>, Cow<'a, str>)>,
    /// What people said: who, when, what.
    pub(super) comments: Vec<(Cow<'a, str>, Timestamp, Cow<'a, str>)>,
    /// Everything else that the record holds.
    pub(super) rest: Vec<(Cow<'a, str>, Value)>,
}

/// What an item has to do with another.
pub(super) enum Bond<'a> {
    /// It is part of it.
    Part,
    /// It waits for it.
    Wait,
    /// Something that rules nothing here.
    Link(Cow<'a, str>),
}

impl Default for Raw<'_> {
    /// Returns an item of which nothing is known: a task of middling urgency.
    fn default() -> Self {
        Raw {
            id: Cow::default(),
            title: Cow::default(),
            description: None,
            sections: vec![],
            created: Timestamp::default(),
            kind: Cow::Borrowed(Kind::Task.word()),
            bucket: None,
            priority: Priority::DEFAULT,
            words: vec![],
            labels: vec![],
            assignee: None,
            estimate: None,
            outcome: None,
            bonds: vec![],
            comments: vec![],
            rest: vec![],
        }
    }
}

/// The link that a relation with an impossible target becomes, in the words of most systems.
const PART_LINK: &str = "parent-child";
const WAIT_LINK: &str = "blocks";

/// An item that was done there: what was done elsewhere has no receipt here.
pub(super) const DONE: Outcome = Outcome::Completed {
    sku: None,
    receipt: None,
};

/// Returns the item in our words, or what is wrong with it. What had to be cut is noted.
pub(super) fn item(
    raw: Raw<'_>,
    system: &str,
    mapping: &Mapping,
    notes: &mut Vec<Note>,
) -> Result<ImportItem, String> {
    let external = external(&raw.id)?;
    let mut cuts = Cuts {
        external: &external,
        notes,
    };
    let mut sections = Sections::default();
    sections.plain(raw.description.as_deref().unwrap_or_default());

    let title = text::clean(&raw.title);
    let mut title = title.trim().to_owned();
    if title.is_empty() {
        return Err("it has no title".into());
    }
    if title.chars().count() > MAX_TITLE {
        sections.add("Title", &title);
        title = cuts.line("title", &title, MAX_TITLE);
    }
    let created = raw.created;

    let theirs = || raw.labels.iter().map(|label| label.as_ref());
    let bucket = raw
        .bucket
        .unwrap_or_else(|| mapping.bucket(&raw.kind, theirs()));
    let mut labels: Vec<String> = theirs().filter_map(|label| cuts.label(label)).collect();
    let kind = mapping.kind(&raw.kind).unwrap_or_else(|| {
        labels.extend(cuts.label(&format!("{system}:{}", raw.kind)));
        Kind::Task
    });
    for word in &raw.words {
        labels.extend(cuts.label(&format!("{system}:{word}")));
    }
    labels.sort();
    labels.dedup();

    let (parent, depends_on, mut links) = edges(&raw.bonds, &mut cuts);
    links.sort();
    links.dedup();

    for (heading, text) in &raw.sections {
        sections.add(heading, &text::clean_block(text));
    }
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
    sections.add(&format!("In {system}"), &rest(&raw.rest));
    let mut description = sections.0;
    if description.len() > MAX_TEXT {
        cuts.note("description", format!("{} bytes", description.len()));
        cut(&mut description, MAX_TEXT);
    }

    let assignee = raw
        .assignee
        .as_ref()
        .map(|name| cuts.line("assignee", name, MAX_NAME));
    let estimate = raw.estimate.and_then(|minutes| u32::try_from(minutes).ok());
    let outcome = match raw.outcome {
        Some((Outcome::Cancelled { reason }, at)) => {
            let reason = match cuts.line("reason", &reason, MAX_REASON) {
                reason if reason.is_empty() => "no reason was given".into(),
                reason => reason,
            };
            Some((Outcome::Cancelled { reason }, at))
        }
        outcome => outcome,
    };
    let comments = raw
        .comments
        .iter()
        .filter_map(|(author, at, text)| comment(author, *at, text, &mut cuts));
    let mut item = ImportItem {
        digest: 0,
        item: ImportedItem {
            title,
            description: Some(description).filter(|text| !text.is_empty()),
            kind,
            bucket,
            priority: raw.priority,
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
    // What the record means, not how it is written: the order of its keys or a new updated_at change nothing.
    let meaning = serde_json::to_vec(&item).map_err(|error| error.to_string())?;
    item.digest = digest([meaning.as_slice()]);
    Ok(item)
}

/// Returns an item's id, or what is wrong with it.
pub(super) fn external(id: &str) -> Result<String, String> {
    let clean = text::clean(id);
    match clean.trim() {
        "" => Err("its id is empty".into()),
        id if id.chars().count() > MAX_EXTERNAL => {
            Err(format!("its id has more than {MAX_EXTERNAL} characters"))
        }
        id => Ok(id.to_owned()),
    }
}

type Edges = (Option<String>, Vec<String>, Vec<Link>);

/// Returns the first parent, what the item waits for, and every other relation as a link.
fn edges(bonds: &[(Bond<'_>, Cow<'_, str>)], cuts: &mut Cuts<'_>) -> Edges {
    let (mut parent, mut waits, mut links) = (None, Vec::new(), Vec::new());
    for (bond, to) in bonds {
        match (bond, external(to)) {
            (Bond::Part, Ok(target)) if parent.is_none() => parent = Some(target),
            (Bond::Part, Ok(target)) => {
                if parent.as_ref() != Some(&target) {
                    links.extend(cuts.link(PARENT_LINK, &target));
                }
            }
            (Bond::Wait, Ok(target)) => waits.push(target),
            (Bond::Part, Err(_)) => links.extend(cuts.link(PART_LINK, to)),
            (Bond::Wait, Err(_)) => links.extend(cuts.link(WAIT_LINK, to)),
            (Bond::Link(kind), _) => links.extend(cuts.link(kind, to)),
        }
    }
    waits.sort();
    waits.dedup();
    (parent, waits, links)
}

fn comment(
    author: &str,
    at: Timestamp,
    said: &str,
    cuts: &mut Cuts<'_>,
) -> Option<(String, Timestamp, String)> {
    let mut text = text::clean_block(said).trim().to_owned();
    if text.is_empty() {
        return None;
    }
    if text.len() > MAX_TEXT {
        cuts.note("comment", format!("{} bytes", text.len()));
        cut(&mut text, MAX_TEXT);
    }
    let author = match cuts.line("author", author, MAX_NAME) {
        author if author.is_empty() => "unknown".into(),
        author => author,
    };
    Some((author, at, text))
}

/// Returns the fields that have no place of their own, one to a line.
fn rest(fields: &[(Cow<'_, str>, Value)]) -> String {
    let rows = fields.iter().filter_map(|(key, value)| {
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
    fn plain(&mut self, text: &str) {
        self.0.push_str(text::clean_block(text).trim());
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
