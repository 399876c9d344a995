//! An order's story: where it stood at each record, and which alerts held it there.

use std::collections::{BTreeMap, BTreeSet};

use super::{Page, Touch, TraceRecord, agent, names};
use crate::domain::{
    andon::Scope,
    event::{Event, Parent},
    id::OrderId,
    order::Bucket,
    record::Record,
};

/// An order's story while the ledger is read: where it stood at each record, and which alerts have touched it.
pub(super) struct OrderStory {
    id: OrderId,
    subject: String,
    /// The orders above it as it stands, or last stood.
    above: BTreeSet<OrderId>,
    open: bool,
    bucket: Option<Bucket>,
    stage: Option<String>,
    holder: Option<String>,
    alerts: BTreeSet<String>,
    /// Alerts that hold something else so far, with their records.
    elsewhere: BTreeMap<String, (Option<Scope>, Vec<TraceRecord>)>,
}

impl OrderStory {
    pub(super) fn new(id: OrderId, above: BTreeSet<OrderId>) -> Self {
        OrderStory {
            id,
            subject: id.to_string(),
            above,
            open: false,
            bucket: None,
            stage: None,
            holder: None,
            alerts: BTreeSet::new(),
            elsewhere: BTreeMap::new(),
        }
    }

    /// Takes the next record of the ledger.
    pub(super) fn read(&mut self, record: &Record, page: &mut Page) {
        if record.subject == self.subject {
            page.put(TraceRecord::of(record, Touch::Own));
            if let Some(event) = record.event() {
                self.follow(&event);
            }
            self.come_under(page);
        } else if record.kind.starts_with("alert_") || record.kind == "corrective_linked" {
            self.alert(record, page);
        } else if names(&record.body, &self.subject) {
            page.put(TraceRecord::of(record, Touch::Named));
        }
    }

    fn alert(&mut self, record: &Record, page: &mut Page) {
        if names(&record.body, &self.subject) && self.alerts.insert(record.subject.clone()) {
            self.tell(&record.subject, page);
        }
        let row = TraceRecord::of(record, Touch::Alert);
        if self.alerts.contains(&record.subject) {
            page.put(row);
            return;
        }
        match record.event() {
            Some(Event::AlertRaised { hold, .. }) => {
                // What holds nothing now may hold later, and then the whole alert belongs here.
                let kept = (hold, vec![row]);
                self.elsewhere.insert(record.subject.clone(), kept);
            }
            Some(Event::AlertHeld { hold, .. }) => {
                if let Some((scope, rows)) = self.elsewhere.get_mut(&record.subject) {
                    *scope = Some(hold);
                    rows.push(row);
                }
            }
            Some(Event::AlertResolved { .. }) => drop(self.elsewhere.remove(&record.subject)),
            _ => {
                if let Some((_, rows)) = self.elsewhere.get_mut(&record.subject) {
                    rows.push(row);
                }
            }
        }
        self.come_under(page);
    }

    /// Takes in the alerts whose hold covers the order now.
    fn come_under(&mut self, page: &mut Page) {
        let covers = |scope: &Scope| match scope {
            Scope::Line => true,
            Scope::Bucket(bucket) => self.bucket == Some(*bucket),
            Scope::Order(id) => *id == self.id,
            Scope::Epic(id) => *id == self.id || self.above.contains(id),
            Scope::Stage(name) => self.stage.as_ref() == Some(name),
            Scope::Agent(name) => self.holder.as_ref() == Some(name),
        };
        let held = self.elsewhere.iter();
        let held = held.filter(|(_, (scope, _))| self.open && scope.as_ref().is_some_and(covers));
        let held: Vec<String> = held.map(|(alert, _)| alert.clone()).collect();
        for alert in held {
            self.tell(&alert, page);
            self.alerts.insert(alert);
        }
    }

    fn tell(&mut self, alert: &str, page: &mut Page) {
        if let Some((_, rows)) = self.elsewhere.remove(alert) {
            rows.into_iter().for_each(|row| page.put(row));
        }
    }

    /// Moves the order as an event does.
    fn follow(&mut self, event: &Event) {
        match event {
            Event::OrderCreated { bucket, .. } => (self.open, self.bucket) = (true, Some(*bucket)),
            Event::OrderImported { item, .. } => {
                (self.open, self.bucket) = (item.closed.is_none(), Some(item.bucket));
            }
            Event::OrderEdited { changes, .. } | Event::OrderMerged { changes, .. } => {
                self.bucket = changes.bucket.or(self.bucket);
                if let Some(Parent::Of(parent)) = changes.parent {
                    self.above.insert(parent);
                }
            }
            Event::OrderStarted { stage, holder, .. } => {
                self.stage = Some(stage.clone());
                self.holder = agent(holder).map(str::to_owned);
            }
            Event::OrderMoved { to, .. } => self.stage = Some(to.clone()),
            Event::OrderReleased { .. } | Event::LeaseLapsed { .. } => self.put_down(),
            Event::OrderCompleted { .. }
            | Event::OrderCancelled { .. }
            | Event::OrderClosedElsewhere { .. } => {
                self.put_down();
                self.open = false;
            }
            Event::OrderReopened { form, .. } => {
                (self.open, self.bucket) = (true, Some(form.order.bucket));
            }
            _ => {}
        }
    }

    fn put_down(&mut self) {
        (self.stage, self.holder) = (None, None);
    }
}
