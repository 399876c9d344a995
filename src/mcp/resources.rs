//! What a client can read as a document: the board, and each order with all that belongs to it.

use rmcp::model::{Resource, ResourceContents, ResourceTemplate};
use serde_json::{Value, json};

use super::{
    answers::brief,
    looks,
    snag::Snag,
    visit::{Visit, unexpected},
};
use crate::domain::{
    query::{Answer, Query, filter::Condition},
    refusal::Refusal,
};

/// The board's address.
const BOARD: &str = "obeya://board";
/// What an order's address begins with.
const ORDER: &str = "obeya://order/";
/// How many orders each list of the board holds.
const ROWS: usize = 50;
/// What they are written in.
const JSON: &str = "application/json";

/// Returns the resources that have an address of their own.
pub(super) fn all() -> Vec<Resource> {
    let about = "The line at a glance: counts, limits, what is in progress and what is ready.";
    vec![
        Resource::new(BOARD, "board")
            .with_description(about)
            .with_mime_type(JSON),
    ]
}

/// Returns the resources whose address has to be completed.
pub(super) fn templates() -> Vec<ResourceTemplate> {
    let about =
        "All about one work order: description, neighbours, comments, timeline, gates, receipt.";
    vec![
        ResourceTemplate::new(format!("{ORDER}{{id}}"), "order")
            .with_description(about)
            .with_mime_type(JSON),
    ]
}

/// Reads one.
pub(super) fn read(visit: &mut Visit, uri: &str) -> Result<ResourceContents, Snag> {
    let text = match uri.strip_prefix(ORDER) {
        Some(order) => visit
            .ask(&Query::WorkOrder {
                order: order.into(),
            })?
            .document(true)
            .map_err(|_| unexpected())?,
        None if uri == BOARD => format!("{:#}", board(visit)?),
        None => {
            return Err(Refusal::not_found(format!("resource {}", crate::text::clean(uri))).into());
        }
    };
    Ok(ResourceContents::text(text, uri).with_mime_type(JSON))
}

fn board(visit: &mut Visit) -> Result<Value, Snag> {
    let Answer::Summary(summary) = visit.ask(&Query::Summary)? else {
        return Err(unexpected().into());
    };
    let mut lists = |status| -> Result<Value, Snag> {
        let page = looks::in_status(visit, status, ROWS, None)?;
        let orders: Vec<Value> = page.work_orders.iter().map(brief).collect();
        Ok(json!({ "total": page.total, "first": orders }))
    };
    Ok(json!({
        "in_progress": lists(Condition::InProgress)?,
        "ready": lists(Condition::Ready)?,
        "blocked": lists(Condition::Blocked)?,
        "summary": summary,
    }))
}
