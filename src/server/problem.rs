//! What a caller hears who does not get what it wanted: problem documents (RFC 9457), with the refusal as data.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    domain::refusal::Refusal,
    link::{Failure, FaultKind},
};

/// What a problem document is sent as.
pub(super) const CONTENT_TYPE: &str = "application/problem+json";
/// After how many seconds somebody should try again who came when the engine was busy.
const RETRY_AFTER: u32 = 1;
/// The most characters of a detail: what a caller sent is in some of them.
const MAX_DETAIL: usize = 1_000;

/// Why a request did not get what it wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Problem {
    /// What sort of problem: `urn:obeya:rule:NAME` for a refusal, else `about:blank`.
    #[serde(rename = "type")]
    kind: String,
    /// The sort in words.
    title: String,
    /// The status code of HTTP.
    status: u16,
    /// What is wrong, and what would be right.
    detail: String,
    /// The refusal as data, where a rule refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<Refusal>,
}

impl Problem {
    /// Returns a problem that no rule made.
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Problem {
        let detail: String = detail.into();
        Problem {
            kind: "about:blank".into(),
            title: status.canonical_reason().unwrap_or("Error").into(),
            status: status.as_u16(),
            detail: detail.chars().take(MAX_DETAIL).collect(),
            refusal: None,
        }
    }

    /// Returns that a part of the request cannot be read.
    pub(super) fn malformed(place: &str, why: impl std::fmt::Display) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, format!("{place}: {why}"))
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let status = status_of(&refusal);
        Problem {
            kind: format!("urn:obeya:rule:{}", refusal.rule()),
            refusal: Some(refusal.clone()),
            ..Problem::new(status, refusal.to_string())
        }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        let status = match (&failure, failure.fault().kind) {
            // Whoever asks again with the same key learns what it came to.
            (Failure::Unknown(_), _) | (_, FaultKind::Busy) => StatusCode::SERVICE_UNAVAILABLE,
            (_, FaultKind::DiskFull) => StatusCode::INSUFFICIENT_STORAGE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        tracing::warn!(%failure, "a request failed");
        // Where on this machine it failed is for its own people to read, in the log.
        let fault = failure.fault();
        let known = match failure {
            Failure::NotApplied(_) => "nothing was written",
            Failure::Unknown(_) => {
                "it is not known whether this was written: ask again with the same Idempotency-Key"
            }
        };
        Problem::new(status, format!("{known}: {}. {}", fault.what, fault.mend))
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        // It is made of texts and numbers, and can be written.
        let body = serde_json::to_string(&self).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, CONTENT_TYPE)], body).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER));
        }
        response
    }
}

/// Returns the status code that says most of a refusal.
fn status_of(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::NotFound { .. } => StatusCode::NOT_FOUND,
        Refusal::Role { .. } | Refusal::EngineOnly => StatusCode::FORBIDDEN,
        Refusal::Changed { .. } | Refusal::AlertChanged { .. } => StatusCode::PRECONDITION_FAILED,
        Refusal::Invalid { .. } | Refusal::CommandReused { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::NoReply { .. } | Refusal::NewerLedger { .. } => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::CONFLICT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_data_and_words() {
        let refusal = Refusal::not_found("WO-007");
        let problem = Problem::from(refusal.clone());
        assert_eq!(problem.status, 404);
        assert_eq!(problem.kind, "urn:obeya:rule:not_found");
        assert_eq!(problem.refusal, Some(refusal));
        assert!(problem.detail.contains("WO-007"));
    }
}
