//! What a record says, in one line.

use crate::domain::{event::Event, record::Record};

/// Returns one line for people: what happened, to what.
pub fn describe(event: &Event, record: &Record) -> String {
    format!("{}: {}", record.subject, event.kind())
}
