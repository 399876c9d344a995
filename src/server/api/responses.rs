//! Answers on their way back, as HTTP.

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse as _, Response},
};
use serde::Serialize;

use super::given::Given;
use crate::{
    domain::{
        id::OrderId,
        query::{Answer, Query, filter::Condition},
        state::State,
    },
    link::Outcome,
    server::problem::Problem,
};

/// Returns JSON with a status.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_string(body) {
        Ok(body) => written(status, body),
        Err(error) => unwritten(&error),
    }
}

fn written(status: StatusCode, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

fn unwritten(error: &serde_json::Error) -> Response {
    tracing::error!(%error, "an answer could not be written");
    let why = "the answer could not be written";
    Problem::new("defect", StatusCode::INTERNAL_SERVER_ERROR, why).into_response()
}

/// Returns an answer's document, and where its next page is.
pub(super) fn answer(answer: &Answer, given: &Given, limit: usize) -> Response {
    let body = match answer.document(false) {
        Ok(body) => body,
        Err(error) => return unwritten(&error),
    };
    let mut response = written(StatusCode::OK, body);
    if let Some(after) = next(answer, limit) {
        link(response.headers_mut(), &given.uri, &after);
    }
    response
}

/// Says where the next page is.
pub(super) fn link(headers: &mut HeaderMap, uri: &Uri, after: &str) {
    let query = uri.query().unwrap_or_default();
    let kept = query
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("after="));
    let after = format!("after={}", encoded(after));
    let query: Vec<_> = kept.chain([after.as_str()]).collect();
    let link = format!("<{}?{}>; rel=\"next\"", uri.path(), query.join("&"));
    if let Ok(link) = HeaderValue::from_str(&link) {
        headers.insert(header::LINK, link);
    }
}

/// Returns what the next page is asked for behind, if this one may not be the last.
fn next(answer: &Answer, limit: usize) -> Option<String> {
    match answer {
        Answer::WorkOrders(page) => page.next.as_ref().map(ToString::to_string),
        Answer::Alerts(page) if page.alerts.len() >= limit => {
            page.alerts.last().map(|alert| alert.id.to_string())
        }
        Answer::Agents(page) if page.agents.len() >= limit => {
            page.agents.last().map(|agent| agent.name.clone())
        }
        Answer::Log(page) if page.events.len() >= limit => Some(page.last.to_string()),
        _ => None,
    }
}

fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~:,".contains(&byte);
    text.bytes()
        .map(|byte| match plain(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}

/// Returns the tag of an answer to a question that nothing but the ledger decides; None where time or signs of life have a
/// say. Of an order it begins with when that last changed, which is what `If-Match` is about.
pub(super) fn tag(query: &Query, state: &State) -> Option<HeaderValue> {
    let version = format!("{}-{}", state.incarnation, state.head.seq);
    let tag = match query {
        Query::WorkOrder { order } | Query::Status { order } => {
            let order = state.order(state.named(order)?)?;
            return of_order(order.changed.0, &version);
        }
        Query::WorkOrders { filter, .. } => {
            let timely = matches!(filter.status, Some(Condition::AtRisk | Condition::Breached));
            (!timely && filter.older_than_seconds.is_none()).then_some(())?;
            version
        }
        Query::Log { .. }
        | Query::History { .. }
        | Query::Trace(_)
        | Query::Tree { .. }
        | Query::Path { .. }
        | Query::TopologicalOrder { .. }
        | Query::Layers { .. }
        | Query::Diagram { .. }
        | Query::Graph { .. }
        | Query::Receipt { .. }
        | Query::ReceiptChain { .. }
        | Query::Alerts { .. }
        | Query::Alert { .. } => version,
        _ => return None,
    };
    HeaderValue::from_str(&format!("W/\"{tag}\"")).ok()
}

fn of_order(changed: i64, version: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!("\"{changed}-{version}\"")).ok()
}

/// Returns whether the caller has what this tag is of.
pub(super) fn is_known(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let (Some(known), Ok(tag)) = (headers.get(header::IF_NONE_MATCH), tag.to_str()) else {
        return false;
    };
    let known = known.to_str().unwrap_or_default();
    known
        .split(',')
        .any(|known| known.trim() == "*" || bare(known) == bare(tag))
}

/// Returns an answer that says whether it was given before.
pub(super) fn replayed(mut response: Response, known: bool) -> Response {
    if known {
        let headers = response.headers_mut();
        headers.insert("idempotency-replayed", HeaderValue::from_static("true"));
    }
    response
}

/// Returns what a command came to.
pub(super) fn outcome(outcome: &Outcome, creates: Option<&str>, state: &State) -> Response {
    let created = creates.filter(|_| !outcome.dry_run);
    let status = match created {
        Some(_) => StatusCode::CREATED,
        None => StatusCode::OK,
    };
    let mut response = replayed(json(status, outcome), outcome.repeated);
    let headers = response.headers_mut();
    let subject = outcome
        .records
        .first()
        .map(|record| record.subject.as_str());
    if let (Some(folder), Some(subject)) = (created, subject)
        && let Ok(place) = HeaderValue::from_str(&format!("{folder}/{subject}"))
    {
        headers.insert(header::LOCATION, place);
    }
    let order = subject.and_then(|subject| subject.parse::<OrderId>().ok());
    if let Some(order) = order
        .and_then(|id| state.order(id))
        .filter(|_| !outcome.dry_run)
        && let Some(tag) = of_order(
            order.changed.0,
            &format!("{}-{}", state.incarnation, state.head.seq),
        )
    {
        headers.insert(header::ETAG, tag);
    }
    response
}
