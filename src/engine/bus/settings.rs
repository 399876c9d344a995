//! What the project's `obeya.toml` says about messages. Every process that opens the bus reads it, since whoever sends or
//! takes a message also lets go of old ones.

use crate::{
    config::{
        Document, Problem,
        line::{LINE_FILE, bus},
    },
    domain::{message::delivery::Terms, time::SECOND},
    engine::owned::foreign,
    ledger::Home,
};

impl From<&bus::BusRule> for Terms {
    fn from(rule: &bus::BusRule) -> Terms {
        let usual = Terms::default();
        let micros = |seconds: u32| i64::from(seconds) * SECOND;
        Terms {
            visibility: rule.visibility.map_or(usual.visibility, micros),
            max_deliveries: rule.max_deliveries.unwrap_or(usual.max_deliveries),
            keep_for: rule.retention.map_or(usual.keep_for, micros),
            keep: rule.max_messages.unwrap_or(usual.keep),
            keep_bytes: rule.max_bytes.unwrap_or(usual.keep_bytes),
            ttl: rule.ttl.map(micros).or(usual.ttl),
        }
    }
}

/// Returns the times and numbers of a ledger's bus, and what was wrong in what the file says about them.
pub fn settings(home: &Home) -> (Terms, Vec<Problem>) {
    let file = home.project().join(LINE_FILE);
    if let Some(problem) = foreign(&file) {
        return (Terms::default(), vec![problem]);
    }
    match Document::read(&file) {
        Ok(Some(document)) => {
            let (rule, problems) = bus::read(&document);
            ((&rule).into(), problems)
        }
        Ok(None) => (Terms::default(), vec![]),
        Err(problem) => (Terms::default(), vec![problem]),
    }
}
