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

use super::house::House;
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
pub(super) fn router() -> Router<Arc<House>> {
    Router::new()
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .route("/health/startup", get(startup))
}

async fn live(State(house): State<Arc<House>>) -> Response {
    told(&house, [("engine", progress(&house))])
}

async fn ready(State(house): State<Arc<House>>) -> Response {
    let hosting = match house.service.vitals().hosting {
        true => Ok(()),
        false => Err("another process is the host".to_owned()),
    };
    // Genesis is the first record of every ledger.
    let ledger = match timeout(PROMPT, house.service.records(0, 1)).await {
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
    let tokens = match timeout(PROMPT, house.is_open()).await {
        Ok(true) => Ok(()),
        _ => Err(format!("they cannot be read, and open nothing: {why}")),
    };
    let audit = match house.is_audited() {
        true => Ok(()),
        false => Err(format!("it cannot be written, and waits: {why}")),
    };
    let checks = [
        ("engine", progress(&house)),
        ("host", hosting),
        ("ledger", ledger),
        ("tokens", tokens),
        ("audit", audit),
    ];
    told(&house, checks)
}

async fn startup(State(house): State<Arc<House>>) -> Response {
    let loaded = match house.service.state().head.seq {
        0 => Err("the line is not loaded yet".to_owned()),
        _ => Ok(()),
    };
    told(&house, [("state", loaded)])
}

/// Returns whether the engine's loop makes progress: a process may be there and do nothing.
fn progress(house: &House) -> Result<(), String> {
    let vitals = house.service.vitals();
    match vitals.is_stuck() {
        false => Ok(()),
        true => Err(format!(
            "its loop has not come round for {} s",
            vitals.tick_age.as_secs()
        )),
    }
}

fn told<const N: usize>(
    house: &House,
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
        timestamp: house.service.now().into(),
    };
    // It is made of texts, and can be written.
    let body = serde_json::to_string(&health).unwrap_or_default();
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (code, headers, body).into_response()
}
