//! What a caller of the API hears that did not get what it asked for: a problem document (RFC 9457).

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{once::Reused, shared::Denial};
use crate::{
    domain::refusal::Refusal,
    link::{Failure, Fault, FaultKind},
    text,
};

/// The media type of a problem document.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// The most characters of what is said of a malformed request: what the caller sent is in it.
const MAX_DETAIL: usize = 1_000;

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// For machines, the same for every problem of this sort: `urn:obeya:problem:` and a word.
    #[serde(rename = "type")]
    pub kind: String,
    /// The sort of problem, for people.
    pub title: String,
    /// The answer's status code.
    pub status: u16,
    /// What went wrong this time, and what to do about it.
    pub detail: String,
    /// The rule that did not allow it, with its data, where one did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Box<Refusal>>,
    /// What would lift the refusal: commands of the command line, or sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lift: Vec<String>,
    /// After how many seconds it may be tried again; sent as a header.
    #[serde(skip)]
    pub retry_after: Option<u32>,
}

impl Problem {
    /// Returns a problem of a sort, which is a word like `no-token`.
    pub fn new(word: &str, status: StatusCode, detail: impl Into<String>) -> Problem {
        Problem {
            kind: format!("urn:obeya:problem:{}", word.replace([' ', '_'], "-")),
            title: status.canonical_reason().unwrap_or("Problem").to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            refusal: None,
            lift: vec![],
            retry_after: None,
        }
    }

    /// Returns that a part of the request cannot be read.
    pub(super) fn malformed(place: &str, why: impl std::fmt::Display) -> Problem {
        let detail = format!("{place}: {why}");
        let detail: String = text::clean(&detail).chars().take(MAX_DETAIL).collect();
        Problem::new("malformed", StatusCode::BAD_REQUEST, detail)
    }
}

impl From<Denial> for Problem {
    fn from(denial: Denial) -> Self {
        Problem {
            retry_after: denial
                .retry_after
                .map(|wait| wait.try_into().unwrap_or(u32::MAX)),
            ..Problem::new(denial.word, denial.status, denial.said)
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let status = match refusal {
            Refusal::NotFound { .. } => StatusCode::NOT_FOUND,
            Refusal::Role { .. } | Refusal::EngineOnly | Refusal::NotHolder { .. } => {
                StatusCode::FORBIDDEN
            }
            Refusal::Changed { .. } | Refusal::AlertChanged { .. } => {
                StatusCode::PRECONDITION_FAILED
            }
            Refusal::Invalid { .. } | Refusal::CommandReused { .. } => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Refusal::NoReply { .. } | Refusal::NewerLedger { .. } => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            _ => StatusCode::CONFLICT,
        };
        let problem = Problem::new(refusal.rule(), status, refusal.to_string());
        Problem {
            lift: refusal.lift(),
            refusal: Some(Box::new(refusal)),
            ..problem
        }
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        let busy = fault.kind == FaultKind::Busy;
        Problem {
            retry_after: busy.then_some(1),
            ..Problem::new("fault", StatusCode::SERVICE_UNAVAILABLE, fault.to_string())
        }
    }
}

impl From<Reused> for Problem {
    fn from(_: Reused) -> Self {
        let said = "this key came before with something else: a key is for one request, and for its retries";
        Problem::new("command_reused", StatusCode::UNPROCESSABLE_ENTITY, said)
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unknown(fault) => Problem::new(
                "unknown",
                StatusCode::SERVICE_UNAVAILABLE,
                format!(
                    "{fault}; whether it was done is not known: ask again with the same command id"
                ),
            ),
            other => Problem::new("fault", StatusCode::SERVICE_UNAVAILABLE, other.to_string()),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_string(&self).unwrap_or_default();
        let kind = [(header::CONTENT_TYPE, PROBLEM_JSON)];
        let mut response = (status, kind, body).into_response();
        let headers = response.headers_mut();
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}
