//! The line at a glance: the owner's overview.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    agents::{AgentView, roster},
    events::Entry,
    reading::{Answered, Reading, Stop},
    reports::{Days, rows::Rows, sla::sla_of_ledger, velocity::velocity},
    settings::{BucketView, StageView, buckets, stages},
    value::{Decimal, Moment},
};
use crate::domain::{
    andon::Severity,
    books::Books,
    record::{Hash, Seq},
    state::State,
    time::DAY,
};

/// Days over which promises are judged, today included.
const SLA_DAYS: i64 = 30;
/// Days over which completions are averaged, today included.
const VELOCITY_DAYS: i64 = 7;
/// Events that are shown.
const RECENT: usize = 10;
/// Agents that are shown.
const AGENTS: usize = 20;

/// The line at a glance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// As of when.
    pub at: Moment,
    /// The last record it contains.
    pub seq: Seq,
    /// That record's hash.
    pub head: Hash,
    /// Orders in progress, and how many there may be over all buckets.
    pub wip: Fill,
    /// Queued orders, epics not among them.
    pub queued: u64,
    /// Of them those that start as soon as there is room.
    pub ready: u64,
    /// Of them those that wait for an order.
    pub blocked: u64,
    /// Open orders that an alert holds.
    pub held: u64,
    /// Completed orders, all time.
    pub completed: u64,
    /// Cancelled orders, all time.
    pub cancelled: u64,
    /// Open epics.
    pub epics: u64,
    /// Completed in time over the last 30 days, in percent; absent where nothing was promised and done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sla_percent: Option<Decimal>,
    /// Open orders of which four fifths of the SLA are gone.
    pub at_risk: u64,
    /// Open orders past their SLA.
    pub breached: u64,
    /// Open alerts.
    pub alerts: AlertCounts,
    /// Completed orders a day, over the seven days that end today.
    pub velocity_per_day: Decimal,
    /// By bucket.
    pub buckets: Vec<BucketView>,
    /// By stage.
    pub stages: Vec<StageView>,
    /// Agents.
    pub agents: AgentCounts,
    /// The newest events, newest first.
    pub recent: Vec<Entry>,
}

/// A count and its limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fill {
    /// How many there are.
    pub count: u64,
    /// How many there may be.
    pub limit: u64,
}

/// Open alerts by severity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AlertCounts {
    /// All of them.
    pub total: u64,
    /// Worth a look today.
    pub low: u64,
    /// Worth a look this shift.
    pub medium: u64,
    /// Somebody must look now.
    pub high: u64,
    /// The line must stop.
    pub critical: u64,
    /// Of all, those that hold something.
    pub holding: u64,
}

/// Agents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AgentCounts {
    /// All of them.
    pub total: usize,
    /// Of them those that hold orders without being registered.
    #[serde(default)]
    pub unregistered: usize,
    /// Of them those that hold an order.
    pub active: usize,
    /// Of them those that are paused.
    pub paused: usize,
    /// The first of them: those that hold an order, then the others, by name.
    pub first: Vec<AgentView>,
}

impl<B: Books> Reading<'_, B> {
    /// Returns the line at a glance.
    pub(super) fn summary(&mut self) -> Answered<Summary, B> {
        let (state, now) = (self.state, self.now);
        let head = state.head;
        let after = head.seq.saturating_sub(RECENT as u64);
        let recent = self.books.records(after, RECENT).map_err(Stop::Fault)?;
        let buckets = buckets(state, now).buckets;
        let sum = |count: fn(&BucketView) -> u32| -> u64 {
            buckets.iter().map(|bucket| u64::from(count(bucket))).sum()
        };
        let (mut ready, mut blocked, mut held) = (0, 0, 0);
        for order in state.work_orders() {
            let holds = state.held_by(order).next().is_some();
            held += u64::from(holds);
            let waits = order.is_blocked();
            blocked += u64::from(waits && order.work().is_none());
            ready += u64::from(!waits && !holds && order.work().is_none());
        }
        Ok(Summary {
            at: Moment(now),
            seq: head.seq,
            head: head.hash,
            wip: Fill {
                count: sum(|bucket| bucket.wip),
                limit: sum(|bucket| bucket.wip_limit),
            },
            queued: sum(|bucket| bucket.queued),
            ready,
            blocked,
            held,
            completed: state.counts.completed,
            cancelled: state.counts.cancelled,
            epics: u64::from(state.counts.epics),
            sla_percent: sla_of_ledger(state, now.plus((1 - SLA_DAYS) * DAY), now)
                .compliance_percent,
            at_risk: sum(|bucket| bucket.at_risk),
            breached: sum(|bucket| bucket.breached),
            alerts: alert_counts(state),
            velocity_per_day: per_day(self),
            buckets,
            stages: stages(state).stages,
            agents: agent_counts(self),
            recent: recent.iter().rev().map(Entry::of).collect(),
        })
    }
}

/// Returns the mean of the last seven days; a younger ledger is averaged over its own days.
fn per_day<B: Books>(reading: &Reading<'_, B>) -> Decimal {
    let since = reading.now.plus((1 - VELOCITY_DAYS) * DAY);
    let span = Days::new(reading.state, since, reading.now);
    velocity(&Rows::of_ledger(reading.state, None), span).per_day
}

fn alert_counts(state: &State) -> AlertCounts {
    let mut counts = AlertCounts::default();
    for alert in state.alerts.values() {
        let of = match alert.severity {
            Severity::Low => &mut counts.low,
            Severity::Medium => &mut counts.medium,
            Severity::High => &mut counts.high,
            Severity::Critical => &mut counts.critical,
        };
        *of += 1;
        counts.total += 1;
        counts.holding += u64::from(alert.hold.is_some());
    }
    counts
}

fn agent_counts<B: Books>(reading: &Reading<'_, B>) -> AgentCounts {
    let all = roster(reading.state);
    let agents = || all.iter();
    let active = || agents().filter(|agent| !agent.holds.is_empty());
    let idle = agents().filter(|agent| agent.holds.is_empty());
    let first = active().chain(idle).take(AGENTS);
    AgentCounts {
        total: all.len(),
        unregistered: all.len().saturating_sub(reading.state.agents.len()),
        active: active().count(),
        paused: agents().filter(|agent| agent.paused.is_some()).count(),
        first: first
            .map(|agent| AgentView::of(reading.state, reading.live, agent))
            .collect(),
    }
}
