//! What a model is told: little, bounded, and what to do next.

use serde_json::{Map, Value, json};

use super::tools::Done;
use crate::{
    domain::{
        query::{
            detail::{Neighbour, OrderDetail},
            events::Entry,
            order_view::OrderView,
            value::span,
        },
        record::{ActorKind, Record},
        time::SECOND,
    },
    link::Outcome,
    text,
};

/// How many rows a list shows.
pub(super) const ROWS: usize = 20;
/// How many neighbours of one sort are named.
const NEIGHBOURS: usize = 10;
/// How many comments are shown, the newest.
const COMMENTS: usize = 5;
/// The longest description that an answer holds, in characters: some two thousand tokens. The resource has it all.
const DESCRIPTION: usize = 8_000;
/// The longest comment that an answer holds, in characters.
const COMMENT: usize = 1_000;

/// Returns an answer with what to do next.
pub(super) fn then(mut answer: Value, next: impl Into<String>) -> Value {
    answer["next"] = Value::String(next.into());
    answer
}

/// Returns a text that is safe to show, cut to so many characters; true if something was left out.
pub(super) fn cut(block: &str, most: usize) -> (String, bool) {
    let clean = text::clean_block(block);
    let mut characters = clean.chars();
    let kept: String = characters.by_ref().take(most).collect();
    let more = characters.next().is_some();
    (if more { kept + "…" } else { kept }, more)
}

/// Puts a field in if there is something to say.
fn put(object: &mut Map<String, Value>, name: &str, value: Value) {
    let empty = match &value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Bool(flag) => !flag,
        _ => false,
    };
    if !empty {
        object.insert(name.into(), value);
    }
}

fn ids<T: ToString>(ids: &[T]) -> Value {
    let mut names: Vec<Value> = ids
        .iter()
        .take(NEIGHBOURS)
        .map(|id| id.to_string().into())
        .collect();
    if let Some(more) = ids.len().checked_sub(NEIGHBOURS).filter(|more| *more > 0) {
        names.push(format!("and {more} more").into());
    }
    names.into()
}

/// Returns an order in a few fields; what does not apply is left out.
pub(super) fn brief(order: &OrderView) -> Value {
    let mut brief = Map::new();
    put(&mut brief, "id", order.id.to_string().into());
    put(&mut brief, "title", text::clean(&order.title).into());
    put(&mut brief, "status", order.status.word().into());
    put(&mut brief, "stage", json!(order.stage));
    put(&mut brief, "kind", order.kind.word().into());
    put(&mut brief, "bucket", order.bucket.word().into());
    put(&mut brief, "priority", json!(order.priority));
    put(&mut brief, "labels", json!(order.labels));
    put(&mut brief, "parent", json!(order.parent));
    put(&mut brief, "ready", order.ready.into());
    put(&mut brief, "waits_for", ids(&order.waits_for));
    put(&mut brief, "held_by", ids(&order.held_by));
    put(&mut brief, "failed_gates", json!(order.failed_gates));
    if let Some(holder) = &order.holder {
        let sort = if holder.kind == ActorKind::Agent {
            "agent"
        } else {
            "person"
        };
        put(
            &mut brief,
            "holder",
            format!("{sort}:{}", holder.name).into(),
        );
    }
    put(&mut brief, "lease", json!(order.lease));
    put(&mut brief, "due_at", json!(order.due_at));
    put(&mut brief, "receipt", json!(order.receipt));
    brief.into()
}

/// Returns an order next to another one, in a line.
pub(super) fn neighbour(neighbour: &Neighbour) -> Value {
    let status = neighbour.status.map_or("unknown", |status| status.word());
    format!(
        "{} ({status}): {}",
        neighbour.id,
        text::clean(&neighbour.title)
    )
    .into()
}

/// Returns the first neighbours, in lines.
pub(super) fn neighbours(all: &[Neighbour]) -> Value {
    let mut lines: Vec<Value> = all.iter().take(NEIGHBOURS).map(neighbour).collect();
    if let Some(more) = all.len().checked_sub(NEIGHBOURS).filter(|more| *more > 0) {
        lines.push(format!("and {more} more").into());
    }
    lines.into()
}

/// Returns an order with what whoever does it has to know.
pub(super) fn detail(detail: &OrderDetail) -> Value {
    let mut answer = brief(&detail.order);
    let Value::Object(fields) = &mut answer else {
        return answer;
    };
    let id = detail.order.id;
    let (description, mut more) = cut(
        detail.description.as_deref().unwrap_or_default(),
        DESCRIPTION,
    );
    put(fields, "description", description.into());
    put(fields, "depends_on", neighbours(&detail.depends_on));
    put(fields, "dependents", neighbours(&detail.dependents));
    put(fields, "children", neighbours(&detail.child_orders));
    let links = detail.links.iter().take(NEIGHBOURS);
    let links: Vec<Value> = links
        .map(|link| text::clean(&format!("{} {}", link.kind, link.target)).into())
        .collect();
    put(fields, "links", links.into());
    let left = detail.latest_comments.len().saturating_sub(COMMENTS);
    let comments: Vec<Value> = detail
        .latest_comments
        .iter()
        .skip(left)
        .map(|comment| {
            let (said, cut) = cut(&comment.text, COMMENT);
            more |= cut;
            json!({ "by": text::clean(&comment.author), "at": comment.at, "text": said })
        })
        .collect();
    more |= left > 0;
    put(fields, "comments", comments.into());
    let reasons: Vec<Value> = detail
        .why
        .iter()
        .map(|reason| text::clean(&reason.text).into())
        .collect();
    put(fields, "why", reasons.into());
    let gates: Vec<Value> = detail
        .gates
        .iter()
        .map(|view| {
            let standing = view
                .standing
                .as_ref()
                .map(|standing| standing.words(view.rule.approval));
            let required = if view.rule.required {
                ""
            } else {
                " (advisory)"
            };
            format!("{}: {}{required}", view.gate, standing.unwrap_or_default()).into()
        })
        .collect();
    put(fields, "gates", gates.into());
    if more {
        let whole =
            format!("Something was left out; the resource obeya://order/{id} has all of it.");
        put(fields, "more", whole.into());
    }
    answer
}

/// Returns what is to be done with an order that the caller has just got.
pub(super) fn to_do(order: &OrderView) -> String {
    let id = order.id;
    match order.lease {
        Some(lease) => {
            let left = span(lease.expires_at.0.since(crate::link::now()).max(SECOND));
            format!(
                "You hold {id}; its lease lapses in {left} unless you call progress. Do the work, then call complete. If you cannot do it, call complete with outcome release and say why."
            )
        }
        None => format!("You hold {id}. Do the work, then call complete."),
    }
}

/// Returns what a dry run would have written.
pub(super) fn dry_run(outcome: &Outcome) -> Value {
    let events: Vec<Value> = outcome.records.iter().map(exact).collect();
    json!({ "dry_run": true, "events": events })
}

fn exact(record: &Record) -> Value {
    let mut entry = serde_json::to_value(Entry::of(record)).unwrap_or_default();
    entry["version"] = record.version.into();
    entry["body"] = serde_json::from_str(&record.body).unwrap_or_default();
    entry
}

/// Returns what was written as sentences, or, of a dry run, what would have been; else what `answer` says.
pub(super) fn told(outcome: &Outcome, answer: impl FnOnce() -> Done) -> Done {
    match outcome.dry_run {
        true => Ok(dry_run(outcome)),
        false => answer(),
    }
}
