//! An agent's story: what it did, and what happened to what it held.

use std::collections::BTreeSet;

use super::{Page, Touch, TraceRecord, agent, names};
use crate::domain::{
    event::Event,
    record::{ActorKind, Record},
};

/// An agent's story while the ledger is read: what it holds, and which alerts are about it.
pub(super) struct AgentStory<'a> {
    name: &'a str,
    subject: String,
    held: BTreeSet<String>,
    alerts: BTreeSet<String>,
    /// Whether the ledger knows the name as an agent's.
    pub(super) met: bool,
}

impl<'a> AgentStory<'a> {
    pub(super) fn new(name: &'a str) -> Self {
        AgentStory {
            name,
            subject: format!("agent:{name}"),
            held: BTreeSet::new(),
            alerts: BTreeSet::new(),
            met: false,
        }
    }

    /// Takes the next record of the ledger.
    pub(super) fn read(&mut self, record: &Record, page: &mut Page) {
        let acts = record.actor == self.name && record.actor_kind.known() == Some(ActorKind::Agent);
        let named = names(&record.body, self.name);
        let touch = if record.subject == self.subject {
            Touch::Own
        } else if named && record.kind.starts_with("alert_") {
            self.alerts.insert(record.subject.clone());
            Touch::Alert
        } else if acts {
            Touch::Act
        } else if self.held.contains(&record.subject) {
            Touch::Held
        } else if self.alerts.contains(&record.subject) {
            Touch::Alert
        } else if named {
            Touch::Named
        } else {
            return;
        };
        self.met |= acts || touch == Touch::Own;
        page.put(TraceRecord::of(record, touch));
        self.follow(record);
    }

    /// Takes up and puts down orders as an event does.
    fn follow(&mut self, record: &Record) {
        match record.event() {
            Some(Event::OrderStarted { holder, .. }) if agent(&holder) == Some(self.name) => {
                self.met = true;
                self.held.insert(record.subject.clone());
            }
            Some(
                Event::OrderStarted { .. }
                | Event::OrderReleased { .. }
                | Event::LeaseLapsed { .. }
                | Event::OrderCompleted { .. }
                | Event::OrderCancelled { .. }
                | Event::OrderClosedElsewhere { .. },
            ) => drop(self.held.remove(&record.subject)),
            _ => {}
        }
    }
}
