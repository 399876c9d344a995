//! Signs of life: what renews leases and shows that agents are there, and never goes on the ledger.

use std::collections::BTreeMap;

use super::{clock::MAX_DRIFT, supervisor::lives, workspace};
use crate::{
    domain::{
        decide::Renewals,
        id::OrderId,
        query::{
            Live, Query,
            life::{Lives, Reported, merged},
            trace::{TraceQuery, Traced},
        },
        state::State,
        time::Timestamp,
    },
    ledger::{Fault, Home, Telemetry},
};

/// Leases that are over and whose beats are forgotten at one look: the file stays small and no look takes long.
const MAX_FORGOTTEN: usize = 256;

/// Where signs of life are kept.
pub(super) enum Pulse {
    /// Beside the ledger, for every process.
    Kept(Telemetry, Home),
    /// In this process, for as long as it lasts.
    Own(Live),
}

impl Pulse {
    pub(super) fn new(home: Option<&Home>) -> Self {
        match home {
            Some(home) => Pulse::Kept(Telemetry::new(home), home.clone()),
            None => Pulse::Own(Live::default()),
        }
    }

    /// Renews a lease until then.
    pub(super) fn renew(
        &mut self,
        id: OrderId,
        epoch: u32,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<(), Fault> {
        match self {
            Pulse::Kept(telemetry, _) => telemetry.beat_lease(id, u64::from(epoch), until, now),
            Pulse::Own(live) => {
                live.renewals.insert(id, (epoch, until));
                Ok(())
            }
        }
    }

    /// Notes that an agent is alive, and what it says it is doing.
    pub(super) fn beat(&mut self, agent: &str, now: Timestamp, note: &str) -> Result<(), Fault> {
        match self {
            Pulse::Kept(telemetry, _) => telemetry.beat_agent(agent, now, note),
            Pulse::Own(live) => {
                live.beats.insert(agent.to_owned(), now);
                Ok(())
            }
        }
    }

    /// Returns the renewals of the leases there are. Losing them costs holders their lease, so it is logged and not fatal.
    ///
    /// A renewal that runs longer than its lease from now was made by a clock that was ahead, and counts for nothing:
    /// no lock outlives its lease.
    pub(super) fn renewals(&mut self, state: &State, now: Timestamp) -> Renewals {
        let believed = |id: OrderId, until: Timestamp| {
            lease_of(state, id).is_some_and(|(_, length)| until <= now.plus(length).plus(MAX_DRIFT))
        };
        let all = self.all().into_iter();
        all.filter(|(id, (_, until))| believed(*id, *until))
            .collect()
    }

    /// Forgets renewals of leases that are over. Needs the turn: by an older version a fresh lease looks like none.
    pub(super) fn forget_over(&mut self, state: &State) {
        let over = |(id, (epoch, _)): &(OrderId, (u32, Timestamp))| {
            lease_of(state, *id).is_none_or(|(current, _)| current > *epoch)
        };
        for (id, _) in self.all().into_iter().filter(over).take(MAX_FORGOTTEN) {
            match self {
                Pulse::Own(live) => drop(live.renewals.remove(&id)),
                Pulse::Kept(telemetry, _) => {
                    if let Err(fault) = telemetry.forget(id) {
                        return tracing::warn!(%fault, "an old renewal could not be forgotten");
                    }
                }
            }
        }
    }

    fn all(&mut self) -> Renewals {
        match self {
            Pulse::Own(live) => live.renewals.clone(),
            Pulse::Kept(telemetry, _) => match telemetry.lease_beats() {
                Ok(beats) => beats
                    .into_iter()
                    .map(|(id, beat)| (id, (u32::try_from(beat.epoch).unwrap_or(0), beat.until)))
                    .collect(),
                Err(fault) => {
                    tracing::warn!(%fault, "the leases' renewals could not be read");
                    Renewals::new()
                }
            },
        }
    }

    /// Returns every sign of life. Without them leases look older and agents silent, so a failure is logged and not fatal.
    pub(super) fn live(&mut self, state: &State, now: Timestamp) -> Live {
        let renewals = self.renewals(state, now);
        let beats = match self {
            Pulse::Own(live) => live.beats.clone(),
            Pulse::Kept(telemetry, _) => match telemetry.agent_beats() {
                Ok(beats) => beats
                    .into_iter()
                    .map(|(name, beat)| (name, beat.beat))
                    .collect(),
                Err(fault) => {
                    tracing::warn!(%fault, "the agents' heartbeats could not be read");
                    BTreeMap::new()
                }
            },
        };
        let lives = match self {
            Pulse::Own(_) => Lives::new(),
            Pulse::Kept(telemetry, home) => {
                let reports = telemetry.reports().unwrap_or_else(|fault| {
                    tracing::warn!(%fault, "what hooks reported could not be read");
                    BTreeMap::new()
                });
                with_reports(lives::read(home), &reports, now)
            }
        };
        let approvals = state.settings.gates.values().any(|rule| rule.approval);
        let done = match self {
            Pulse::Kept(_, home) if approvals => workspace::all_done(home),
            _ => BTreeMap::new(),
        };
        Live {
            beats,
            renewals,
            lives,
            done,
            tree: None,
        }
    }
}

/// Returns what the agents are about, those too of which only their hooks tell.
fn with_reports(
    mut lives: Lives,
    reports: &BTreeMap<String, Vec<Reported>>,
    now: Timestamp,
) -> Lives {
    for (agent, reports) in reports {
        if let Some(life) = merged(lives.remove(agent), reports, now) {
            lives.insert(agent.clone(), life);
        }
    }
    lives
}

/// Returns the epoch of an order's lease and its length in microseconds.
fn lease_of(state: &State, id: OrderId) -> Option<(u32, i64)> {
    let lease = state.order(id)?.lease()?;
    Some((
        lease.epoch,
        i64::from(lease.seconds).saturating_mul(crate::domain::time::SECOND),
    ))
}

/// Returns whether an answer depends on heartbeats: those about agents do, others only where a lease is in sight.
pub(super) fn is_needed(state: &State, query: &Query) -> bool {
    match query {
        Query::Agents { .. } | Query::Agent { .. } | Query::Summary => true,
        Query::WorkOrders { .. }
        | Query::Sla { .. }
        | Query::Ageing { .. }
        | Query::Risk { .. }
        | Query::Handover { .. } => state.counts.wip.iter().any(|count| *count > 0),
        Query::Trace(TraceQuery {
            of: Traced::Agent(_),
            ..
        }) => true,
        Query::Trace(TraceQuery {
            of: Traced::Order(order),
            ..
        })
        | Query::WorkOrder { order }
        | Query::Status { order }
        | Query::Why { order } => {
            let leased = |id: OrderId| state.order(id).is_some_and(|order| order.lease().is_some());
            order.parse().is_ok_and(leased)
        }
        _ => false,
    }
}
