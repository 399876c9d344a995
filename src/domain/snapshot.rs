//! A state as bytes: the cache from which a process starts without replaying every record.

use std::sync::{Arc, OnceLock};

use bitcode::{Decode, Encode};
use uuid::Uuid;

use super::{
    agent::Agent,
    andon::Alert,
    id::MAX_NUMBER,
    record::Head,
    settings::Settings,
    slabs::{SlabHeader, Slabs},
    state::{Counts, MAX_DAY, Numbers, ReceiptHead, State},
    tallies::Tallies,
    time::Timestamp,
};

/// The number of the snapshot's layout; another one is ignored and built anew.
pub const SNAPSHOT_FORMAT: u32 = 5;

/// How many bytes say how long the first part is.
const LENGTH: usize = 4;

/// The first part of a snapshot: all but orders and days, whose slabs follow it and stay bytes until somebody looks.
#[derive(Encode, Decode)]
struct Stored {
    head: Head,
    uuid: u128,
    incarnation: u64,
    term: u64,
    time: Timestamp,
    settings: Settings,
    agents: Vec<Agent>,
    alerts: Vec<Alert>,
    counts: Counts,
    receipts: ReceiptHead,
    numbers: Numbers,
    tallies: Tallies,
    next_due: Timestamp,
    work: Vec<SlabHeader>,
    epics: Vec<SlabHeader>,
    days: Vec<SlabHeader>,
}

impl State {
    /// Returns the snapshot's bytes, or None for a state that must not be kept: one with unknown events or damage.
    pub fn to_snapshot(&self) -> Option<Vec<u8>> {
        let mut slabs = Vec::new();
        let stored = Stored {
            head: self.head,
            uuid: self.uuid.as_u128(),
            incarnation: self.incarnation,
            term: self.term,
            time: self.time,
            settings: Settings::clone(&self.settings),
            agents: self
                .agents
                .values()
                .map(|agent| Agent::clone(agent))
                .collect(),
            alerts: self
                .alerts
                .values()
                .map(|alert| Alert::clone(alert))
                .collect(),
            counts: self.counts.clone(),
            receipts: self.receipts,
            numbers: self.numbers,
            tallies: Tallies::clone(&self.tallies),
            next_due: self.next_due,
            work: self.work.encode(&mut slabs),
            epics: self.epics.encode(&mut slabs),
            days: self.days.encode(&mut slabs),
        };
        if self.unknown.is_some() || self.is_damaged() {
            return None;
        }
        let first = bitcode::encode(&stored);
        let length = u32::try_from(first.len()).ok()?.to_be_bytes();
        Some([length.as_slice(), &first, &slabs].concat())
    }

    /// Returns the state of a snapshot, or None if its bytes are not one.
    pub fn from_snapshot(bytes: Vec<u8>) -> Option<State> {
        let (length, rest) = bytes.split_first_chunk::<LENGTH>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let stored: Stored = bitcode::decode(rest.get(..length)?).ok()?;
        let (bytes, at) = (Arc::new(bytes), LENGTH + length);
        let (work, at) = Slabs::from_encoded(stored.work, &bytes, at, MAX_NUMBER)?;
        let (epics, at) = Slabs::from_encoded(stored.epics, &bytes, at, MAX_NUMBER)?;
        let (days, at) = Slabs::from_encoded(stored.days, &bytes, at, MAX_DAY)?;
        (at == bytes.len()).then_some(())?;
        let agents = stored
            .agents
            .into_iter()
            .map(|agent| (agent.name.clone(), Arc::new(agent)));
        let alerts = stored
            .alerts
            .into_iter()
            .map(|alert| (alert.id, Arc::new(alert)));
        Some(State {
            head: stored.head,
            uuid: Uuid::from_u128(stored.uuid),
            incarnation: stored.incarnation,
            term: stored.term,
            time: stored.time,
            settings: Arc::new(stored.settings),
            agents: Arc::new(agents.collect()),
            alerts: Arc::new(alerts.collect()),
            counts: stored.counts,
            receipts: stored.receipts,
            numbers: stored.numbers,
            tallies: Arc::new(stored.tallies),
            unknown: None,
            next_due: stored.next_due,
            work,
            epics,
            days,
            graph: OnceLock::new(),
        })
    }
}
