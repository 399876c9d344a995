//! What falls due by the passing of time: leases, promises, snoozes, escalations.
//!
//! Every writer appends what is due before its own command, so nothing waits for a daemon.

use super::{
    andon::Severity,
    decide::{Draft, Renewals, andon},
    event::Event,
    id::{AlertId, OrderId},
    order::{BUCKETS, Bucket, Order},
    state::State,
    time::{SECOND, Timestamp},
};

/// The most orders of one sort that one look takes in: a long absence is caught up in several commits.
const MAX_DUE: usize = 1_000;

/// How the alert of a spent budget ends.
const WHOLE_AGAIN: &str = "the budget is not spent any more";

/// The condition of a wall clock that moved.
const CLOCK: &str = "clock:drift";

/// Returns what is due at `now`. Leases that were renewed beside the ledger do not lapse.
/// Nothing is due where a newer version wrote: this one only reads.
pub fn due(state: &State, renewals: &Renewals, now: Timestamp) -> Vec<Draft> {
    if now < state.next_due || state.unknown.is_some() {
        return Vec::new();
    }
    let mut drafts = lapsed(state, renewals, now);
    drafts.extend(alerts(state, now));
    drafts.extend(breaches(state, now));
    drafts.extend(budgets(state, now));
    drafts
}

/// Returns the earliest moment at which something falls due: what [`State::next_due`] should be after a look.
pub fn next_due(state: &State, renewals: &Renewals) -> Timestamp {
    let leases = state
        .work_orders()
        .filter_map(|order| lease_end(order, renewals));
    let promises = state
        .work_orders()
        .filter(|order| !order.breached)
        .filter_map(|order| state.due(order));
    let snoozes = state
        .alerts
        .values()
        .filter_map(|alert| alert.snoozed_until);
    let escalations = state
        .alerts
        .values()
        .filter_map(|alert| state.escalation(alert));
    let budgets = state.alerts.values();
    let budgets = budgets.filter_map(|alert| state.budget_alert_over(alert));
    leases
        .chain(promises)
        .chain(snoozes)
        .chain(escalations)
        .chain(budgets)
        .min()
        .unwrap_or(Timestamp::MAX)
}

/// Returns the alert and the renewals that a jump of the wall clock calls for: the clock cannot be trusted, so every
/// lease starts anew and nothing lapses. Whoever keeps [`Renewals`] drops them then: their times are of the old clock.
pub fn clock_jump(state: &State, drift_micros: i64, now: Timestamp) -> Vec<Draft> {
    if state.unknown.is_some() {
        return Vec::new();
    }
    let seconds = drift_micros / SECOND;
    let reason = format!(
        "the wall clock moved by {seconds} s against the clock since boot; leases were renewed"
    );
    let mut drafts = match andon::by_fingerprint(state, CLOCK) {
        Some(alert) => andon::repeat(alert, Severity::High, None),
        None => vec![
            Event::AlertRaised {
                id: AlertId(state.numbers.alert),
                severity: Severity::High,
                reason,
                fingerprint: Some(CLOCK.into()),
                hold: None,
                order: None,
            }
            .into(),
        ],
    };
    let leases: Vec<(OrderId, Timestamp)> = state
        .work_orders()
        .filter_map(|order| {
            Some((
                order.id,
                now.plus(i64::from(order.lease()?.seconds) * SECOND),
            ))
        })
        .collect();
    if !leases.is_empty() {
        drafts.push(Event::LeasesRenewed { leases }.into());
    }
    drafts
}

/// Returns until when an order's lease runs, renewals included, if it has one.
pub fn lease_end(order: &Order, renewals: &Renewals) -> Option<Timestamp> {
    let lease = order.lease()?;
    Some(match renewals.get(&order.id) {
        Some((renewed, until)) if *renewed == lease.epoch => lease.expires_at.max(*until),
        _ => lease.expires_at,
    })
}

fn lapsed(state: &State, renewals: &Renewals, now: Timestamp) -> Vec<Draft> {
    let over = state.work_orders().filter_map(|order| {
        let expires = lease_end(order, renewals)?;
        let work = order.work().filter(|_| expires <= now)?;
        let (id, holder, epoch) = (order.id, work.holder.clone(), work.lease?.epoch);
        Some(Event::LeaseLapsed { id, holder, epoch }.into())
    });
    over.take(MAX_DUE).collect()
}

fn alerts(state: &State, now: Timestamp) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for alert in state.alerts.values() {
        let id = alert.id;
        if alert.snoozed_until.is_some_and(|until| until <= now) {
            drafts.push(Event::AlertWoke { id }.into());
        }
        if state.escalation(alert).is_some_and(|at| at <= now)
            && let Some(severity) = alert.severity.worse()
        {
            let reason = None;
            drafts.push(
                Event::AlertEscalated {
                    id,
                    severity,
                    reason,
                }
                .into(),
            );
        }
    }
    drafts
}

/// One alert per bucket counts every order that goes past its promise; it holds nothing.
fn breaches(state: &State, now: Timestamp) -> Vec<Draft> {
    let mut drafts = Vec::new();
    let mut next = state.numbers.alert;
    let mut standing = [const { None }; BUCKETS];
    for bucket in Bucket::ALL {
        standing[bucket.index()] =
            andon::by_fingerprint(state, &fingerprint(*bucket)).map(|a| a.id);
    }
    let late = state
        .work_orders()
        .filter(|order| !order.breached && state.due(order).is_some_and(|due| due <= now));
    for order in late.take(MAX_DUE) {
        let (id, bucket) = (order.id, order.bucket);
        drafts.push(Event::SlaBreached { id, bucket }.into());
        let alert = match standing[bucket.index()] {
            Some(alert) => Event::AlertRepeated {
                id: alert,
                order: Some(id),
            },
            None => {
                let alert = AlertId(next);
                next += 1;
                standing[bucket.index()] = Some(alert);
                Event::AlertRaised {
                    id: alert,
                    severity: Severity::Medium,
                    reason: format!("orders in {bucket} are past their SLA"),
                    fingerprint: Some(fingerprint(bucket)),
                    hold: None,
                    order: Some(id),
                }
            }
        };
        drafts.push(alert.into());
    }
    drafts
}

/// A budget that is whole again holds nothing more: nobody has to be there at midnight.
fn budgets(state: &State, now: Timestamp) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for alert in state.alerts.values() {
        let id = alert.id;
        if state.budget_alert_over(alert).is_none_or(|at| at > now) {
            continue;
        }
        if alert.recovered.is_none() {
            drafts.push(Event::AlertRecovered { id }.into());
        }
        // What somebody widened meanwhile is his to resolve.
        if alert.is_of_budget() {
            drafts.extend(andon::resolve(state, id, WHOLE_AGAIN).unwrap_or_default());
        }
    }
    drafts
}

fn fingerprint(bucket: Bucket) -> String {
    format!("sla:{bucket}")
}
