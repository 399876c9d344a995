//! Alerts: the queue, and one with what it holds.

use std::cmp::Reverse;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    DEFAULT_LIMIT,
    blast::{Blast, blast as blast_of},
    detail::Neighbour,
    reading::{Answered, Reading, Stop},
    timeline::{Happening, Thaw},
    value::{Moment, seconds},
};
use crate::domain::{
    andon::{Act, Alert, ResolvedAlert, Severity},
    archive::{AlertQuery, ArchivedAlert},
    books::Books,
    id::{AlertId, OrderId},
    order::{Actor, vocabulary},
    refusal::Refusal,
    state::State,
    time::Timestamp,
};

vocabulary! {
    /// Where an alert stands.
    AlertStatus ("status of an alert") {
        /// Nobody took notice yet.
        Open = "open",
        /// Somebody took notice.
        Acknowledged = "acknowledged",
        /// Quiet for a while; its hold stays.
        Snoozed = "snoozed",
        /// Over.
        Resolved = "resolved",
    }
}

/// A page of alerts, worst first, then oldest; resolved ones behind, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Alerts {
    /// The page.
    pub alerts: Vec<AlertView>,
    /// How many open ones there are of the severity that was asked for, whatever the page.
    pub total: u64,
}

/// An alert as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AlertView {
    /// Its id.
    pub id: AlertId,
    /// How bad it is.
    pub severity: Severity,
    /// Where it stands.
    pub status: AlertStatus,
    /// What is wrong.
    pub reason: String,
    /// What it holds, in the words of `--hold`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<String>,
    /// The condition it stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// The order it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
    /// How often the condition was seen.
    pub count: u32,
    /// Who raised it.
    pub raised_by: Actor,
    /// When.
    pub raised_at: Moment,
    /// When the condition was last seen.
    pub last_seen_at: Moment,
    /// From when it was raised until now, or until it was resolved.
    pub age_seconds: i64,
    /// Who took notice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged_by: Option<Actor>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged_at: Option<Moment>,
    /// Quiet until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snoozed_until: Option<Moment>,
    /// When the condition was seen to be over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovered_at: Option<Moment>,
    /// When it grows worse unless somebody takes notice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalates_at: Option<Moment>,
    /// The orders that are to mend it.
    pub corrective: Vec<OrderId>,
    /// Who resolved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_by: Option<Actor>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<Moment>,
    /// What was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<String>,
}

/// An alert with all that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AlertDetail {
    /// What lists show of it.
    #[serde(flatten)]
    pub alert: AlertView,
    /// What it holds now; absent when it is resolved or holds nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blast: Option<Blast>,
    /// The orders that are to mend it, with their status.
    pub corrective_orders: Vec<Neighbour>,
    /// What happened to it and to the orders that mend it, oldest first: that it was raised, what was done about it, and
    /// the newest of what else came since.
    pub timeline: Vec<Happening>,
    /// How many records of that, the oldest that nobody made by an act on the alert, the timeline leaves out.
    #[serde(default, skip_serializing_if = "is_none_omitted")]
    pub omitted: u64,
    /// What its end set free; absent while it is open, and where it held nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thaw: Option<Thaw>,
}

impl AlertView {
    /// Returns the view of an open alert.
    pub fn open(state: &State, alert: &Alert, now: Timestamp) -> Self {
        let status = if alert.snoozed_until.is_some_and(|until| until > now) {
            AlertStatus::Snoozed
        } else if alert.acknowledged.is_some() {
            AlertStatus::Acknowledged
        } else {
            AlertStatus::Open
        };
        AlertView {
            status,
            escalates_at: state.escalation(alert).map(Moment),
            ..Self::until(alert, now)
        }
    }

    /// Returns the view of a resolved alert.
    pub fn resolved(form: &ResolvedAlert) -> Self {
        let Act { by, at } = &form.resolved;
        AlertView {
            status: AlertStatus::Resolved,
            snoozed_until: None,
            resolved_by: Some(by.clone()),
            resolved_at: Some(Moment(*at)),
            resolution: Some(form.resolution.clone()),
            ..Self::until(&form.alert, *at)
        }
    }

    fn until(alert: &Alert, end: Timestamp) -> Self {
        let acknowledged = alert.acknowledged.as_ref();
        AlertView {
            id: alert.id,
            severity: alert.severity,
            status: AlertStatus::Open,
            reason: alert.reason.clone(),
            hold: alert.hold.as_ref().map(ToString::to_string),
            fingerprint: alert.fingerprint.clone(),
            order: alert.order,
            count: alert.count,
            raised_by: alert.raised.by.clone(),
            raised_at: Moment(alert.raised.at),
            last_seen_at: Moment(alert.last_seen),
            age_seconds: seconds(end.since(alert.raised.at)),
            acknowledged_by: acknowledged.map(|act| act.by.clone()),
            acknowledged_at: acknowledged.map(|act| Moment(act.at)),
            snoozed_until: alert.snoozed_until.map(Moment),
            recovered_at: alert.recovered.map(Moment),
            escalates_at: None,
            corrective: alert.corrective.clone(),
            resolved_by: None,
            resolved_at: None,
            resolution: None,
        }
    }
}

impl<B: Books> Reading<'_, B> {
    /// Returns what was wrong by an alert, open or resolved; empty if it is nowhere to be found.
    pub(super) fn reason(&mut self, id: AlertId) -> Answered<String, B> {
        if let Some(alert) = self.state.alert(id) {
            return Ok(alert.reason.clone());
        }
        let rows = self.books.resolved(&[id]).map_err(Stop::Fault)?;
        let form = rows.first().and_then(unfold);
        Ok(form.map(|form| form.alert.reason).unwrap_or_default())
    }

    /// Returns a page of alerts: open ones, worst first, then oldest; then resolved ones if they are asked for.
    pub(super) fn alerts(
        &mut self,
        all: bool,
        severity: Option<Severity>,
        limit: usize,
        after: Option<AlertId>,
    ) -> Answered<Alerts, B> {
        let wanted = |alert: &&Alert| severity.is_none_or(|severity| alert.severity == severity);
        let mut open: Vec<&Alert> = self
            .state
            .alerts
            .values()
            .map(AsRef::as_ref)
            .filter(wanted)
            .collect();
        open.sort_by_key(|alert| (Reverse(alert.severity), alert.raised.at, alert.id));
        let total = open.len() as u64;
        let place = after.and_then(|after| open.iter().position(|alert| alert.id == after));
        // One that is not among the open ones stands behind them all.
        let resolved = match (after, place) {
            (Some(after), None) => Some(self.resolved_place(after)?),
            _ => None,
        };
        let passed = match resolved {
            Some(_) => open.len(),
            None => place.map_or(0, |place| place + 1),
        };
        let views = open.iter().skip(passed).take(limit);
        let views = views.map(|alert| AlertView::open(self.state, alert, self.now));
        let mut alerts: Vec<AlertView> = views.collect();
        if all && alerts.len() < limit {
            let query = AlertQuery {
                severity: severity.map(|severity| severity.word().into()),
                after: resolved,
                limit: limit - alerts.len(),
            };
            let rows = self.books.resolved_page(&query).map_err(Stop::Fault)?;
            let forms = rows.iter().filter_map(unfold);
            alerts.extend(forms.map(|form| AlertView::resolved(&form)));
        }
        Ok(Alerts { alerts, total })
    }

    /// Returns where a resolved alert stands in the archive.
    fn resolved_place(&mut self, id: AlertId) -> Answered<(Timestamp, AlertId), B> {
        let rows = self.books.resolved(&[id]).map_err(Stop::Fault)?;
        let row = rows.first().ok_or_else(|| Refusal::not_found(id))?;
        Ok((row.resolved, id))
    }

    /// Returns all about one alert.
    pub(super) fn alert(&mut self, id: AlertId) -> Answered<AlertDetail, B> {
        let open = self.state.alert(id);
        let (alert, hold, blast) = match open {
            Some(alert) => {
                let hold = alert.hold.clone();
                let blast = hold.as_ref();
                let blast =
                    blast.map(|hold| blast_of(self.state, hold, Some(alert), DEFAULT_LIMIT));
                (AlertView::open(self.state, alert, self.now), hold, blast)
            }
            None => {
                let rows = self.books.resolved(&[id]).map_err(Stop::Fault)?;
                let form = rows.first().and_then(unfold);
                let form = form.ok_or_else(|| Refusal::not_found(id))?;
                (AlertView::resolved(&form), form.alert.hold, None)
            }
        };
        let past = self.alert_timeline(id, hold.as_ref(), &alert.corrective)?;
        Ok(AlertDetail {
            corrective_orders: self.neighbours(alert.corrective.clone())?,
            timeline: past.timeline,
            omitted: past.omitted,
            thaw: past.thaw,
            alert,
            blast,
        })
    }
}

fn is_none_omitted(omitted: &u64) -> bool {
    *omitted == 0
}

fn unfold(row: &ArchivedAlert) -> Option<ResolvedAlert> {
    serde_json::from_str(&row.form).ok()
}
