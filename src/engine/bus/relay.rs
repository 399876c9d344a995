//! The engine's own announcements: what the ledger records is told on the topics.
//!
//! Whoever reads messages first brings them up to date, in whatever process: that needs no host. What was announced is
//! noted in the same transaction, so that each record is announced once. An announcement carries the record's place, and
//! says what the log says; the ledger stays the one place of the truth.

use crate::{
    domain::{
        message::{Address, Draft, Topic},
        order::Actor,
        query::events::Entry,
        record::Record,
        time::Timestamp,
    },
    ledger::{Fault, Ledger, Messages, messages::Announced},
};

/// How many records are announced in one transaction.
const PAGE: usize = 1_000;

/// How many records of a ledger that never was announced are announced at first: what came before them is history, which
/// `obeya ledger log` tells.
pub const MAX_BACK: u64 = 10_000;

/// The longest sentence of an announcement, in characters; the whole text is on the ledger.
const MAX_SENTENCE: usize = 1_000;

/// Announces what was recorded since the last time.
///
/// # Errors
///
/// One of the two files could not be read or written.
pub(super) fn relay(ledger: &mut dyn Ledger, messages: &mut Messages) -> Result<(), Fault> {
    loop {
        let before = messages.announced()?;
        // The head first: it is what notices a restore.
        let head = ledger.head()?.seq;
        let incarnation = ledger.identity().incarnation;
        let after = match before {
            None => head.saturating_sub(MAX_BACK),
            Some(known) if known.incarnation == incarnation => known.seq.min(head),
            // The record of the restore is the last of what was restored.
            Some(known) => known.seq.min(head.saturating_sub(1)),
        };
        if before
            == Some(Announced {
                incarnation,
                seq: head,
            })
        {
            return Ok(());
        }
        let records = ledger.read(after, PAGE)?;
        let seq = records.last().map_or(after, |record| record.seq);
        let told: Vec<_> = records.iter().map(announcement).collect();
        messages.announce(before, Announced { incarnation, seq }, &told)?;
        if seq >= head {
            return Ok(());
        }
    }
}

fn announcement(record: &Record) -> (Timestamp, Draft) {
    let mut entry = Entry::of(record);
    if let Some((end, _)) = entry.text.char_indices().nth(MAX_SENTENCE) {
        entry.text.truncate(end);
        entry.text.push('…');
    }
    let address = Address::from(Topic::of_event(&record.kind));
    // An entry has only text keys, which every writer of JSON takes.
    let body = serde_json::to_string(&entry).unwrap_or_default();
    (record.time, Draft::new(address, Actor::of(record), body))
}
