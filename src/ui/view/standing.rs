//! The marks of an order: a glyph, a letter or words, and a colour, so that any one of them may be missing.

use crate::{
    domain::{
        andon::Severity,
        gate::Standing,
        order::{Order, Status},
        query::{gates::failed_gates, order_view::SlaState},
        state::State,
        time::Timestamp,
    },
    ui::{
        theme::{Glyphs, Role},
        words,
    },
};

/// Returns the mark of where an order stands: held, blocked, failed at a gate, in progress or ready, the worst that holds.
pub fn mark(state: &State, order: &Order, glyphs: &Glyphs) -> (String, Role) {
    let held = state.held_by(order).next().is_some();
    let blocked = order.is_blocked();
    match (held, blocked) {
        (true, true) => (format!("{}HB", glyphs.held), Role::Held),
        (true, false) => (format!("{}H", glyphs.held), Role::Held),
        (false, true) => (format!("{}B", glyphs.blocked), Role::Blocked),
        _ if !failed_gates(state, order).is_empty() => (format!("{}G", glyphs.failed), Role::Error),
        _ if order.is_epic() => (glyphs.epic.into(), Role::StatusQueued),
        _ if order.work().is_some() => (glyphs.in_progress.into(), Role::StatusInProgress),
        _ => (glyphs.ready.into(), Role::Ready),
    }
}

/// Returns the SLA in a few cells: time left when at risk, time over when breached, nothing while all is well.
pub fn sla(
    state: &State,
    order: &Order,
    now: Timestamp,
    glyphs: &Glyphs,
) -> Option<(String, Role)> {
    let due = state.due(order)?;
    match state.sla(order, now) {
        SlaState::AtRisk => {
            let left = words::left(due.since(now));
            Some((
                format!("{}{left} left", glyphs.sla_at_risk),
                Role::SlaAtRisk,
            ))
        }
        SlaState::Breached => {
            let over = words::age(now.since(due));
            Some((format!("{}+{over}", glyphs.sla_breached), Role::SlaBreached))
        }
        SlaState::Ok | SlaState::None => None,
    }
}

/// Returns the mark, the word and the colour of a status.
pub fn status(status: Status, glyphs: &Glyphs) -> (&'static str, Role) {
    match status {
        Status::Queued => (glyphs.queued, Role::StatusQueued),
        Status::InProgress => (glyphs.in_progress, Role::StatusInProgress),
        Status::Completed => (glyphs.completed, Role::StatusCompleted),
        Status::Cancelled => (glyphs.cancelled, Role::StatusCancelled),
    }
}

/// Returns the mark and the colour of a severity.
pub fn severity(severity: Severity, glyphs: &Glyphs) -> (&'static str, Role) {
    match severity {
        Severity::Low => (glyphs.andon_low, Role::AndonLow),
        Severity::Medium => (glyphs.andon_medium, Role::AndonMedium),
        Severity::High => (glyphs.andon_high, Role::AndonHigh),
        Severity::Critical => (glyphs.andon_critical, Role::AndonCritical),
    }
}

/// Returns the mark and the colour of how an order stands at a gate; the words stand beside it.
pub fn gate(standing: &Standing, glyphs: &Glyphs) -> (&'static str, Role) {
    match standing {
        Standing::Passed => (glyphs.ok, Role::Ok),
        Standing::Failed { .. } => (glyphs.failed, Role::Error),
        Standing::Stale { .. } => (glyphs.sla_at_risk, Role::Warning),
        Standing::Missing => (glyphs.queued, Role::Muted),
        Standing::Running => (glyphs.in_progress, Role::StatusInProgress),
    }
}
