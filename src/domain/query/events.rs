//! The ledger as people read it: one line a record.

use std::collections::VecDeque;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    describe::describe,
    reading::{Answered, Reading, Stop},
    value::Moment,
};
use crate::domain::{
    books::Books,
    event::Event,
    id::{AlertId, OrderId},
    order::Actor,
    record::{Door, Record, Seq, Stored},
};

/// How many of the latest entries of a timeline are shown.
pub const MAX_TIMELINE: usize = 100;
/// Records as sentences, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Log {
    /// The sentences.
    pub events: Vec<Entry>,
    /// How many records the ledger holds, about every subject.
    pub total: u64,
    /// The last record that was looked at: ask for what comes after it.
    pub last: Seq,
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    pub door: Stored<Door>,
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
            actor: Actor::of(record),
            door: record.door.clone(),
            subject: record.subject.clone(),
            event: record.kind.clone(),
            text,
        }
    }
}

impl<B: Books> Reading<'_, B> {
    /// Returns records after `after`, or the newest ones.
    pub(super) fn log(&mut self, after: Option<Seq>, limit: usize) -> Answered<Log, B> {
        let head = self.state.head.seq;
        let after = after.unwrap_or_else(|| head.saturating_sub(limit as u64));
        let records = self.books.records(after, limit).map_err(Stop::Fault)?;
        Ok(self.entries(records, after))
    }

    /// Returns records about a subject.
    pub(super) fn history(&mut self, subject: &str, after: Seq, limit: usize) -> Answered<Log, B> {
        // Ids are typed in many ways and stored in one.
        let subject = match (subject.parse::<OrderId>(), subject.parse::<AlertId>()) {
            (Ok(id), _) => id.to_string(),
            (_, Ok(id)) => id.to_string(),
            _ => subject.to_owned(),
        };
        let records = self
            .books
            .history(&subject, after, limit)
            .map_err(Stop::Fault)?;
        Ok(self.entries(records, after))
    }

    fn entries(&self, records: Vec<Record>, after: Seq) -> Log {
        Log {
            last: records.last().map_or(after, |record| record.seq),
            events: records.iter().map(Entry::of).collect(),
            total: self.state.head.seq,
        }
    }

    /// Returns what happened to a subject lately, oldest first.
    pub(super) fn timeline(&mut self, subject: &str) -> Answered<Vec<Entry>, B> {
        let mut timeline = VecDeque::new();
        self.each_record(subject, |record| {
            push(&mut timeline, Entry::of(&record), MAX_TIMELINE)
        })?;
        Ok(timeline.into())
    }
}

/// Adds to the end of a list that keeps its newest `limit`.
pub(super) fn push<T>(list: &mut VecDeque<T>, item: T, limit: usize) {
    if list.len() == limit {
        list.pop_front();
    }
    list.push_back(item);
}

impl Record {
    /// Returns what the record says, if this version can read it.
    pub fn event(&self) -> Option<Event> {
        self.decode().ok()
    }
}
