//! Whether this engine is well, for whoever watches over processes: `/health/live`, `/health/ready`, `/health/startup`.
//!
//! Nobody needs a token for these: who keeps a process alive has none, and they tell nothing of the line.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::time::timeout;

use super::shared::Shared;
use crate::domain::query::value::Moment;

/// How long the ledger may take to give a record.
const PROMPT: Duration = Duration::from_secs(2);

/// How an engine is.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Health {
    /// `healthy` or `unhealthy`.
    status: &'static str,
    /// Each thing that was looked at: `ok`, or what is wrong.
    checks: BTreeMap<&'static str, String>,
    /// When.
    timestamp: Moment,
}

/// Returns the ways in.
pub(super) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .route("/health/startup", get(startup))
}

async fn live(State(shared): State<Arc<Shared>>) -> Response {
    told(&shared, [("engine", progress(&shared))])
}

async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    let hosting = match shared.service.vitals().hosting {
        true => Ok(()),
        false => Err("another process is the host".to_owned()),
    };
    // Genesis is the first record of every ledger.
    let ledger = match timeout(PROMPT, shared.service.records(0, 1)).await {
        Ok(Ok(records)) if !records.is_empty() => Ok(()),
        Ok(Ok(_)) => Err("it is empty".to_owned()),
        // Where on this machine it failed is not for everybody.
        Ok(Err(failure)) => {
            tracing::warn!(%failure, "not ready");
            Err("it cannot be read: obeya doctor on this machine says why".to_owned())
        }
        Err(_) => Err(format!("it gave no record within {} s", PROMPT.as_secs())),
    };
    let why = "obeya doctor on this machine says why";
    let tokens = match timeout(PROMPT, shared.is_open()).await {
        Ok(true) => Ok(()),
        _ => Err(format!("they cannot be read, and open nothing: {why}")),
    };
    let audit = match shared.is_audited() {
        true => Ok(()),
        false => Err(format!("it cannot be written, and waits: {why}")),
    };
    let checks = [
        ("engine", progress(&shared)),
        ("host", hosting),
        ("ledger", ledger),
        ("tokens", tokens),
        ("audit", audit),
    ];
    told(&shared, checks)
}

async fn startup(State(shared): State<Arc<Shared>>) -> Response {
    let loaded = match shared.service.state().head.seq {
        0 => Err("the line is not loaded yet".to_owned()),
        _ => Ok(()),
    };
    told(&shared, [("state", loaded)])
}

/// Returns whether the engine's loop makes progress: a process may be there and do nothing.
fn progress(shared: &Shared) -> Result<(), String> {
    let vitals = shared.service.vitals();
    match vitals.is_stuck() {
        false => Ok(()),
        true => Err(format!(
            "its loop has not come round for {} s",
            vitals.tick_age.as_secs()
        )),
    }
}

fn told<const N: usize>(
    shared: &Shared,
    checks: [(&'static str, Result<(), String>); N],
) -> Response {
    let well = checks.iter().all(|(_, check)| check.is_ok());
    let (code, status) = match well {
        true => (StatusCode::OK, "healthy"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "unhealthy"),
    };
    let found = |(name, check): (&'static str, Result<(), String>)| {
        (name, check.err().unwrap_or_else(|| "ok".into()))
    };
    let health = Health {
        status,
        checks: checks.into_iter().map(found).collect(),
        timestamp: shared.service.now().into(),
    };
    // It is made of texts, and can be written.
    let body = serde_json::to_string(&health).unwrap_or_default();
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (code, headers, body).into_response()
}
