//! Alerts come, change and go.

use std::sync::Arc;

use super::{Step, set};
use crate::domain::{
    andon::{Act, Alert, ResolvedAlert},
    archive::{ArchiveChange, ArchivedAlert},
    event::Event,
    id::{AlertId, OrderId},
    order::Actor,
    record::ActorKind,
    state::State,
    time::Timestamp,
};

impl Step<'_> {
    pub(super) fn alert(&mut self, event: &Event) {
        let now = self.record.time;
        match event {
            Event::AlertRaised {
                id,
                severity,
                reason,
                fingerprint,
                hold,
                order,
            } => {
                let raised = self.act();
                let tallies = Arc::make_mut(&mut self.state.tallies);
                *tallies.alerts.entry(*severity).or_default() += 1;
                let alert = Alert {
                    id: *id,
                    severity: *severity,
                    reason: reason.clone(),
                    fingerprint: fingerprint.clone(),
                    hold: hold.clone(),
                    order: *order,
                    raised,
                    count: 1,
                    last_seen: now,
                    acknowledged: None,
                    snoozed_until: None,
                    recovered: None,
                    escalated: None,
                    corrective: vec![],
                };
                let next = &mut self.state.numbers.alert;
                *next = (*next).max(id.0.saturating_add(1));
                Arc::make_mut(&mut self.state.alerts).insert(*id, Arc::new(alert));
                self.escalation_due(*id);
                self.budget_due(*id);
            }
            Event::AlertRepeated { id, .. } => {
                self.with_alert(*id, |alert| {
                    alert.count = alert.count.saturating_add(1);
                    alert.last_seen = now;
                    alert.recovered = None;
                });
                self.budget_due(*id);
            }
            Event::AlertHeld { id, hold } => {
                self.with_alert(*id, |alert| alert.hold = Some(hold.clone()));
                self.budget_due(*id);
            }
            Event::AlertRecovered { id } => {
                self.with_alert(*id, |alert| alert.recovered = Some(now))
            }
            Event::AlertAcknowledged { id } => {
                let act = self.act();
                self.with_alert(*id, |alert| {
                    alert.acknowledged = Some(act);
                    alert.snoozed_until = None;
                });
            }
            Event::AlertSnoozed { id, until } => {
                self.with_alert(*id, |alert| alert.snoozed_until = Some(*until));
                self.due_at(*until);
            }
            Event::AlertWoke { id } => {
                self.with_alert(*id, |alert| alert.snoozed_until = None);
                self.escalation_due(*id);
            }
            Event::AlertEscalated { id, severity, .. } => {
                self.with_alert(*id, |alert| {
                    alert.severity = *severity;
                    alert.escalated = Some(now);
                });
                self.escalation_due(*id);
            }
            Event::CorrectiveLinked { id, order } => self.correct(*id, *order),
            Event::AlertResolved { id, resolution, .. } => {
                let Some(alert) = Arc::make_mut(&mut self.state.alerts).remove(id) else {
                    return;
                };
                let form = ResolvedAlert {
                    alert: Arc::unwrap_or_clone(alert),
                    resolved: self.act(),
                    resolution: resolution.clone(),
                };
                self.archive.push(ArchiveChange::PutAlert(ArchivedAlert {
                    id: *id,
                    severity: form.alert.severity.word().into(),
                    raised: form.alert.raised.at,
                    resolved: now,
                    form: serde_json::to_string(&form).unwrap_or_default().into(),
                }));
            }
            _ => {}
        }
    }

    pub(super) fn act(&self) -> Act {
        Act {
            by: Actor::of(self.record),
            at: self.record.time,
        }
    }

    pub(super) fn with_alert(&mut self, id: AlertId, change: impl FnOnce(&mut Alert)) {
        if let Some(alert) = Arc::make_mut(&mut self.state.alerts).get_mut(&id) {
            change(Arc::make_mut(alert));
        }
    }

    pub(super) fn escalation_due(&mut self, id: AlertId) {
        let at = self
            .state
            .alert(id)
            .and_then(|alert| self.state.escalation(alert));
        at.into_iter().for_each(|at| self.due_at(at));
    }

    pub(super) fn correct(&mut self, alert: AlertId, order: OrderId) {
        self.with_alert(alert, |alert| set(&mut alert.corrective, order, true));
        if let Some(order) = self.state.order_mut(order)
            && let Err(at) = order.corrective.binary_search(&alert)
        {
            order.corrective.insert(at, alert);
        }
    }
}

impl State {
    /// Returns when an alert that nobody acknowledged grows worse, if it ever does.
    /// What the engine raised by itself does not: nobody is asked to watch the clock for it.
    pub fn escalation(&self, alert: &Alert) -> Option<Timestamp> {
        let watched = alert.acknowledged.is_none()
            && alert.snoozed_until.is_none()
            && alert.raised.by.kind != ActorKind::System;
        let from = alert.escalated.unwrap_or(alert.raised.at);
        watched
            .then(|| self.settings.policy.escalate(alert.severity))
            .flatten()
            .map(|wait| from.plus(wait))
    }
}
