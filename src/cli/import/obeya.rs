//! A work order as `obeya export json` and `export jsonl` write it.
//!
//! The record is read as the very struct that was written. What else an export holds (buckets, stages, agents, alerts)
//! are the rules and signs of life of another line: it is counted and left out.

use std::borrow::Cow;

use serde_json::Value;

use super::{
    file::{Found, Reading, Wrong},
    frame,
    item::{self, Bond, DONE, Raw},
    source::Options,
};
use crate::domain::{
    import_report::{Note, NoteKind},
    order::{Outcome, Status},
    query::detail::OrderDetail,
};

/// What an export calls its orders: in a document, and in a line.
const ORDERS: [&str; 2] = ["work_orders", "work_order"];

/// Reads one thing of an export.
pub(super) fn record(
    reading: &mut Reading,
    list: &str,
    text: &str,
    options: &Options,
) -> Result<Found, Wrong> {
    if list.is_empty() {
        let why = "this stands in no list with a name: an export names what it holds, work_orders and the like";
        return Err(why.to_owned().into());
    }
    if !ORDERS.contains(&list) {
        let name: String = crate::text::clean(list).chars().take(40).collect();
        let plural = if name.ends_with('s') { "" } else { "s" };
        return Ok(Found::Other(format!("{name}{plural}")));
    }
    let detail: OrderDetail = frame::json(text)?;
    let (told, said) = (detail.order.comments, detail.latest_comments.len());
    let raw = raw(detail);
    let item = item::item(raw, &options.system, &options.mapping, reading.notes())?;
    if u64::from(told) > said as u64 {
        let text = format!("comments: the export has the latest {said} of {told}");
        let note = Note::new(NoteKind::Cut, &item.external, text);
        reading.notes().push(note);
    }
    Ok(Found::Item(Box::new(item)))
}

fn raw(detail: OrderDetail) -> Raw<'static> {
    let order = detail.order;
    let closed = order.closed_at.unwrap_or(order.changed_at).0;
    let outcome = match order.status {
        Status::Queued | Status::InProgress => None,
        Status::Completed => Some((DONE, closed)),
        Status::Cancelled => {
            let reason = order.cancel_reason.unwrap_or_default();
            Some((Outcome::Cancelled { reason }, closed))
        }
    };
    let mut words: Vec<Cow<'static, str>> = vec![];
    if order.status == Status::InProgress {
        words.push(order.status.word().into());
    }
    let mut rest: Vec<(Cow<'static, str>, Value)> = vec![];
    if let Some(sku) = order.sku {
        rest.push(("sku".into(), sku.into()));
    }
    if let Some(receipt) = order.receipt {
        rest.push(("receipt".into(), receipt.into()));
    }
    let text = |id: &dyn std::fmt::Display| Cow::Owned(id.to_string());
    // Of very many neighbours only the first are told with their titles; those that are still open are told in full.
    let waits = detail.depends_on.iter().map(|on| &on.id);
    let waits = waits.chain(&order.waits_for);
    let mut bonds: Vec<_> = waits.map(|on| (Bond::Wait, text(on))).collect();
    bonds.extend(order.parent.map(|parent| (Bond::Part, text(&parent))));
    let link = |kind: Cow<'static, str>, to: String| (Bond::Link(kind), Cow::Owned(to));
    let links = detail.links.into_iter();
    bonds.extend(links.map(|known| link(known.kind.into(), known.target)));
    let alerts = order.corrective_for.iter();
    bonds.extend(alerts.map(|alert| link("corrective".into(), alert.to_string())));
    bonds.extend(order.external_id.map(|id| link("external-ref".into(), id)));
    let comments = detail.latest_comments.into_iter();
    Raw {
        id: order.id.to_string().into(),
        title: order.title.into(),
        description: detail.description.map(Cow::Owned),
        created: order.created_at.0,
        kind: order.kind.word().into(),
        bucket: Some(order.bucket),
        priority: order.priority,
        words,
        labels: order.labels.into_iter().map(Cow::Owned).collect(),
        assignee: order.assignee.map(Cow::Owned),
        estimate: order.estimate_minutes.map(i64::from),
        outcome,
        bonds,
        comments: comments
            .map(|said| (said.author.into(), said.at.0, said.text.into()))
            .collect(),
        rest,
        ..Raw::default()
    }
}
