//! The ledger as people read it: one line a record.

use serde::{Deserialize, Serialize};

use super::{describe::describe, value::Moment};
use crate::domain::{
    order::Actor,
    record::{Door, Record, Seq},
};

/// Records as sentences, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Log {
    /// The sentences.
    pub events: Vec<Entry>,
    /// How many records the ledger holds.
    pub total: u64,
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its place.
    pub seq: Seq,
    /// When it was recorded.
    pub at: Moment,
    /// When it happened, where that was another time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<Moment>,
    /// Who did it.
    pub actor: Actor,
    /// The door it came in by.
    pub door: Door,
    /// What it is about.
    pub subject: String,
    /// The event's stored name.
    pub event: String,
    /// One line for people.
    pub text: String,
}

impl Entry {
    /// Returns a record as an entry.
    pub fn of(record: &Record) -> Self {
        let text = match record.event() {
            Some(event) => describe(&event, record),
            None => format!(
                "{}: a {} that this version cannot read",
                record.subject, record.kind
            ),
        };
        Entry {
            seq: record.seq,
            at: Moment(record.time),
            occurred_at: (record.occurred_at != record.time).then_some(Moment(record.occurred_at)),
            actor: Actor {
                kind: record.actor_kind,
                name: record.actor.clone(),
            },
            door: record.door,
            subject: record.subject.clone(),
            event: record.kind.clone(),
            text,
        }
    }
}
