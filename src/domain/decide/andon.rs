//! The cord is pulled, looked after, and let go.

use super::{
    Context, Decision, guard,
    validate::{self, MAX_NAME, MAX_REASON},
};
use crate::domain::{
    andon::{Alert, Freed, Scope, Severity},
    cold::Cold,
    command::Hold,
    event::Event,
    id::{AlertId, MAX_NUMBER, OrderId},
    order::{Kind, Phase},
    refusal::Refusal,
    state::State,
    time::SECOND,
};

/// The most open alerts: beyond it nobody reads them, and a storm must not fill the state.
const MAX_ALERTS: usize = 2_000;
/// The most orders that mend one alert, closed ones among them: each is exempt from its hold.
const MAX_CORRECTIVE: usize = 200;
/// The longest snooze: a week, in seconds.
const MAX_SNOOZE: u32 = 7 * 24 * 3600;

/// What somebody who pulls the cord says.
pub(super) struct Cord<'a> {
    /// What is wrong.
    pub(super) reason: &'a str,
    /// How bad.
    pub(super) severity: Severity,
    /// What to hold, if it was said.
    pub(super) hold: &'a Option<Hold>,
    /// The condition.
    pub(super) fingerprint: &'a Option<String>,
    /// The order it is about.
    pub(super) order: Option<OrderId>,
}

/// Decides an alert, or that an open one is repeated.
pub(super) fn trigger(state: &State, cold: &Cold, cord: Cord<'_>) -> Decision {
    let reason = validate::line("reason", cord.reason, MAX_REASON)?;
    let fingerprint = validate::optional_line("fingerprint", cord.fingerprint.as_deref(), 200)?;
    if let Some(id) = cord.order
        && state.order(id).is_none()
        && cold.order(id).is_none()
    {
        return Err(Refusal::not_found(id));
    }
    let hold = match cord.hold {
        Some(Hold::Nothing) => None,
        Some(Hold::Scope(scope)) => Some(known(state, cold, scope)?),
        None if cord.severity == Severity::Critical => Some(Scope::Line),
        None => None,
    };
    let standing = fingerprint
        .as_deref()
        .and_then(|fingerprint| by_fingerprint(state, fingerprint));
    if let Some(alert) = standing {
        let mut drafts = repeat(alert, cord.severity, cord.order);
        drafts.extend(widened(alert, hold)?.map(Into::into));
        return Ok(drafts);
    }
    if state.alerts.len() >= MAX_ALERTS || state.numbers.alert >= MAX_NUMBER {
        return Err(Refusal::Limit {
            what: "open alerts".into(),
            limit: MAX_ALERTS as u64,
        });
    }
    let (id, severity, order) = (AlertId(state.numbers.alert), cord.severity, cord.order);
    Ok(vec![
        Event::AlertRaised {
            id,
            severity,
            reason,
            fingerprint,
            hold,
            order,
        }
        .into(),
    ])
}

/// Returns the hold that a repeat brings to the alert that stands: one where there was none, or the whole line.
/// Another scope beside the one that is held is a cord of its own, and is never dropped in silence.
fn widened(alert: &Alert, hold: Option<Scope>) -> Result<Option<Event>, Refusal> {
    match (&alert.hold, hold) {
        (_, None) | (Some(Scope::Line), _) => Ok(None),
        (Some(standing), Some(wanted)) if *standing == wanted => Ok(None),
        (None, Some(hold)) | (Some(_), Some(hold @ Scope::Line)) => {
            Ok(Some(Event::AlertHeld { id: alert.id, hold }))
        }
        (Some(standing), Some(wanted)) => {
            let why = format!(
                "{} stands for this condition and holds {standing}; to hold {wanted} too, pull a cord \
                 without the fingerprint",
                alert.id
            );
            Err(Refusal::invalid("hold", why))
        }
    }
}

/// Returns the events of a condition that is seen again: it counts up, and grows worse if it is worse now.
pub(in crate::domain) fn repeat(
    alert: &Alert,
    severity: Severity,
    order: Option<OrderId>,
) -> Vec<super::Draft> {
    let mut drafts = vec![
        Event::AlertRepeated {
            id: alert.id,
            order,
        }
        .into(),
    ];
    if severity > alert.severity {
        drafts.push(
            Event::AlertEscalated {
                id: alert.id,
                severity,
                reason: None,
            }
            .into(),
        );
    }
    drafts
}

/// Returns the open alert of a condition.
pub(in crate::domain) fn by_fingerprint<'a>(
    state: &'a State,
    fingerprint: &str,
) -> Option<&'a Alert> {
    let mut alerts = state.alerts.values();
    alerts
        .find(|alert| alert.fingerprint.as_deref() == Some(fingerprint))
        .map(AsRef::as_ref)
}

/// Refuses a scope that names what is not there.
fn known(state: &State, cold: &Cold, scope: &Scope) -> Result<Scope, Refusal> {
    match scope {
        Scope::Line | Scope::Bucket(_) => {}
        Scope::Order(id) | Scope::Epic(id) => {
            guard::open(state, cold, *id)?;
        }
        Scope::Stage(name) if state.settings.stage_index(name).is_none() => {
            return Err(Refusal::not_found(format!("stage '{name}'")));
        }
        Scope::Stage(_) => {}
        Scope::Agent(name) => {
            return Ok(Scope::Agent(validate::line("agent", name, MAX_NAME)?));
        }
    }
    Ok(scope.clone())
}

fn open(state: &State, id: AlertId) -> Result<&Alert, Refusal> {
    state
        .alert(id)
        .map(AsRef::as_ref)
        .ok_or_else(|| Refusal::not_found(format!("open alert {id}")))
}

/// Decides that somebody took notice.
pub(super) fn acknowledge(state: &State, id: AlertId) -> Decision {
    match open(state, id)?.acknowledged {
        Some(_) => Ok(vec![]),
        None => Ok(vec![Event::AlertAcknowledged { id }.into()]),
    }
}

/// Decides that an alert sleeps for a while.
pub(super) fn snooze(state: &State, id: AlertId, seconds: u32, context: &Context<'_>) -> Decision {
    open(state, id)?;
    if !(1..=MAX_SNOOZE).contains(&seconds) {
        return Err(Refusal::invalid("snooze", "from one second to a week"));
    }
    let until = context.now.plus(i64::from(seconds) * SECOND);
    Ok(vec![Event::AlertSnoozed { id, until }.into()])
}

/// Decides that an alert is worse than it was taken for: one severity, or `to` the one that is named. Whoever it calls is
/// not to find it asleep, so a snooze ends. What it holds stays as it is: that is for whoever pulled the cord to widen.
pub(super) fn escalate(
    state: &State,
    id: AlertId,
    to: Option<Severity>,
    reason: Option<&str>,
) -> Decision {
    let alert = open(state, id)?;
    let reason = validate::optional_line("reason", reason, MAX_REASON)?;
    let severity = match (to, alert.severity.worse()) {
        (_, None) => {
            let why = format!("{id} is {} already: nothing is worse", alert.severity);
            return Err(Refusal::invalid("severity", why));
        }
        (Some(to), _) if to <= alert.severity => {
            let why = format!(
                "{id} is {} already; to escalate makes it worse than that",
                alert.severity
            );
            return Err(Refusal::invalid("severity", why));
        }
        (Some(to), _) => to,
        (None, Some(worse)) => worse,
    };
    let woke = alert.snoozed_until.map(|_| Event::AlertWoke { id }.into());
    let escalated = Event::AlertEscalated {
        id,
        severity,
        reason,
    };
    Ok(woke.into_iter().chain([escalated.into()]).collect())
}

/// Decides that a condition is over. The alert stays until somebody resolves it.
pub(super) fn recover(state: &State, fingerprint: &str) -> Decision {
    let fingerprint = validate::line("fingerprint", fingerprint, 200)?;
    let alert = by_fingerprint(state, &fingerprint)
        .ok_or_else(|| Refusal::not_found(format!("open alert of '{fingerprint}'")))?;
    Ok(match alert.recovered {
        Some(_) => vec![],
        None => vec![Event::AlertRecovered { id: alert.id }.into()],
    })
}

/// Decides that an alert is over.
pub(in crate::domain) fn resolve(state: &State, id: AlertId, resolution: &str) -> Decision {
    let alert = open(state, id)?;
    let resolution = validate::line("resolution", resolution, MAX_REASON)?;
    let freed = alert.hold.as_ref().map(|hold| freed(state, alert, hold));
    Ok(vec![
        Event::AlertResolved {
            id,
            resolution,
            freed,
        }
        .into(),
    ])
}

/// Counts what the end of an alert sets free: what mends it was never stopped, and what another one holds stays held.
fn freed(state: &State, alert: &Alert, hold: &Scope) -> Freed {
    let mut freed = Freed {
        in_progress: 0,
        ready: 0,
    };
    for order in state.work_orders() {
        let mends = order.corrective.contains(&alert.id);
        if mends || !state.covers(hold, order) {
            continue;
        }
        if state.held_by(order).any(|other| other != alert.id) {
            continue;
        }
        match order.phase {
            Phase::InProgress(_) => freed.in_progress += 1,
            Phase::Queued if !order.is_blocked() => freed.ready += 1,
            Phase::Queued => {}
        }
    }
    freed
}

/// Decides which order mends an alert.
pub(super) fn correct(state: &State, cold: &Cold, id: AlertId, order: OrderId) -> Decision {
    let alert = open(state, id)?;
    if guard::open(state, cold, order)?.kind == Kind::Epic {
        return Err(Refusal::Epic { id: order });
    }
    if alert.corrective.contains(&order) {
        return Ok(vec![]);
    }
    room_for_corrective(alert)?;
    Ok(vec![Event::CorrectiveLinked { id, order }.into()])
}

/// Refuses one more order that is to mend an alert where there are too many.
pub(super) fn room_for_corrective(alert: &Alert) -> Result<(), Refusal> {
    match alert.corrective.len() < MAX_CORRECTIVE {
        true => Ok(()),
        false => Err(Refusal::Limit {
            what: "orders to mend an alert".into(),
            limit: MAX_CORRECTIVE as u64,
        }),
    }
}
