//! `obeya debug dump-state`: the whole state as one JSON document, written piece by piece.

use serde::Serialize;
use serde_json::json;

use crate::{
    cli::{context::Call, error::Done},
    domain::state::State,
};

/// Prints the state at the ledger's head. Times are microseconds since 1970, as the state has them; two dumps are the
/// same if and only if their hashes are.
pub(super) fn run(call: &mut Call<'_>) -> Done {
    call.no_dry_run("A dump")?;
    let state = call.connection()?.state()?;
    call.out.verbatim("{")?;
    field(call, "seq", &state.head.seq)?;
    field(call, "head", &state.head)?;
    field(call, "state_hash", &state.state_hash())?;
    field(call, "uuid", &state.uuid)?;
    field(call, "incarnation", &state.incarnation)?;
    field(call, "term", &state.term)?;
    field(call, "time", &state.time)?;
    field(call, "unknown", &state.unknown)?;
    field(call, "settings", &*state.settings)?;
    field(call, "counts", &state.counts)?;
    field(call, "receipts", &state.receipts)?;
    field(call, "numbers", &state.numbers)?;
    lists(call, &state)?;
    call.out.verbatim("\n}\n")
}

fn lists(call: &mut Call<'_>, state: &State) -> Done {
    list(call, "agents", state.agents.values())?;
    list(call, "alerts", state.alerts.values())?;
    list(call, "work_orders", state.work_orders())?;
    list(call, "epics", state.open_epics())?;
    let days = state.days();
    list(
        call,
        "days",
        days.map(|(day, rows)| json!({ "day": day, "buckets": **rows })),
    )
}

/// Writes a field on a line of its own.
fn field(call: &mut Call<'_>, name: &str, value: &impl Serialize) -> Done {
    let value = call.out.compact(value)?;
    let comma = if name == "seq" { "" } else { "," };
    call.out.verbatim(&format!("{comma}\n\"{name}\":{value}"))
}

/// Writes a list, one thing a line: no more than one of them is in memory as text.
fn list<T: Serialize>(call: &mut Call<'_>, name: &str, items: impl Iterator<Item = T>) -> Done {
    call.out.verbatim(&format!(",\n\"{name}\":["))?;
    for (place, item) in items.enumerate() {
        let item = call.out.compact(&item)?;
        let comma = if place == 0 { "" } else { "," };
        call.out.verbatim(&format!("{comma}\n{item}"))?;
    }
    call.out.verbatim("]")
}
