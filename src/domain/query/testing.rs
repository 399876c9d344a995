//! What tests of questions share: a ledger made by hand, and one check.

use std::{collections::BTreeMap, convert::Infallible};

use serde_json::Value;
use uuid::Uuid;

use super::{Answer, Live, Query, answer};
use crate::domain::{
    archive::{AlertQuery, ArchiveChange, ArchiveQuery, ArchivedAlert, ArchivedOrder, ReceiptRow},
    books::Books,
    event::{Event, ImportedEnd, ImportedItem},
    evolve::evolve,
    id::{AlertId, OrderId},
    order::{Actor, Bucket, External, Kind, Lease, Outcome, Priority, PullSignal},
    record::{Door, Hash, Record, Seq},
    refusal::Refusal,
    state::State,
    time::{MINUTE, Timestamp},
};

/// A ledger in memory, with the state it leads to.
#[derive(Default)]
pub(in crate::domain::query) struct Line {
    pub(in crate::domain::query) state: State,
    pub(in crate::domain::query) live: Live,
    pub(in crate::domain::query) now: Timestamp,
    pub(in crate::domain::query) records: Vec<Record>,
    orders: BTreeMap<OrderId, ArchivedOrder>,
    alerts: BTreeMap<AlertId, ArchivedAlert>,
    receipts: Vec<ReceiptRow>,
}

impl Line {
    /// Returns an empty ledger at 08:00 on 2026-02-02.
    pub(in crate::domain::query) fn new() -> Self {
        Line {
            now: Timestamp(1_770_019_200_000_000),
            ..Line::default()
        }
    }

    /// Lets some minutes pass.
    pub(in crate::domain::query) fn wait(&mut self, minutes: i64) {
        self.now = self.now.plus(minutes * MINUTE);
    }

    /// Records an event of `actor`, now.
    pub(in crate::domain::query) fn tell(&mut self, actor: &Actor, event: Event) {
        let mut record = Record {
            seq: self.state.head.seq + 1,
            time: self.now,
            occurred_at: self.now,
            command: Uuid::from_u128(u128::from(self.state.head.seq)),
            n: 0,
            command_hash: Hash::ZERO,
            causation: None,
            correlation: None,
            actor_kind: actor.kind.into(),
            actor: actor.name.clone(),
            door: Door::Cli.into(),
            uid: 0,
            subject: event.subject(),
            kind: event.kind().into(),
            version: event.version(),
            body: serde_json::to_string(&event)
                .expect("an event is JSON")
                .into(),
            hash: Hash::ZERO,
        };
        record.hash = record.seal(&self.state.head.hash);
        for change in evolve(&mut self.state, &record).expect("it was just written") {
            match change {
                ArchiveChange::PutOrder(row) => drop(self.orders.insert(row.id, row)),
                ArchiveChange::DropOrder(id) => drop(self.orders.remove(&id)),
                ArchiveChange::PutAlert(row) => drop(self.alerts.insert(row.id, row)),
                ArchiveChange::PutReceipt(row) => self.receipts.push(row),
            }
        }
        self.records.push(record);
    }

    /// Creates an order, and lets a minute pass.
    pub(in crate::domain::query) fn create(
        &mut self,
        id: &str,
        title: &str,
        bucket: Bucket,
        priority: u8,
    ) {
        self.create_in(id, title, bucket, priority, None, None);
    }

    /// Creates an order beneath a parent, with an estimate.
    pub(in crate::domain::query) fn create_in(
        &mut self,
        name: &str,
        title: &str,
        bucket: Bucket,
        priority: u8,
        parent: Option<&str>,
        estimate: Option<u32>,
    ) {
        let id = id(name);
        let event = Event::OrderCreated {
            id,
            kind: if id.is_epic() {
                Kind::Epic
            } else {
                Kind::Story
            },
            title: title.into(),
            description: None,
            bucket,
            priority: Priority::new(priority).expect("1 to 10"),
            labels: vec![],
            estimate,
            assignee: None,
            parent: parent.map(self::id),
            corrective: vec![],
            signal: PullSignal {
                kind: "cli".into(),
                source: None,
            },
        };
        self.tell(&Actor::person("ada"), event);
        self.wait(1);
    }

    /// Starts an order: a person without, an agent with a lease of 15 minutes.
    pub(in crate::domain::query) fn start(&mut self, name: &str, stage: &str, holder: &Actor) {
        let agent = *holder == Actor::agent(&*holder.name);
        let epoch = self.state.order(id(name)).map_or(0, |order| order.epoch) + 1;
        let lease = Lease {
            epoch,
            expires_at: self.now.plus(15 * MINUTE),
            seconds: 900,
        };
        let event = Event::OrderStarted {
            id: id(name),
            stage: stage.into(),
            holder: holder.clone(),
            epoch,
            lease: agent.then_some(lease),
        };
        self.tell(holder, event);
    }

    /// Completes an order.
    pub(in crate::domain::query) fn complete(&mut self, name: &str, by: &Actor, sku: Option<&str>) {
        let event = Event::OrderCompleted {
            id: id(name),
            sku: sku.map(Into::into),
            note: None,
            by: by.clone(),
            receipt: self.state.receipts.count + 1,
            previous_receipt: self.state.receipts.hash,
            evidence: vec![],
            workspace: None,
            usage: Default::default(),
        };
        self.tell(by, event);
    }

    /// Imports an order that was created four days ago and ended two days ago.
    pub(in crate::domain::query) fn import_closed(
        &mut self,
        name: &str,
        title: &str,
        there: &str,
        parent: &str,
    ) {
        let day = 24 * 60 * MINUTE;
        let item = ImportedItem {
            title: title.into(),
            description: Some("Imported text.".into()),
            kind: Kind::Task,
            bucket: Bucket::Cost,
            priority: Priority::DEFAULT,
            labels: vec!["old".into()],
            assignee: None,
            estimate: Some(30),
            created: self.now.plus(-4 * day),
            links: vec![],
            baseline: Default::default(),
            closed: Some(ImportedEnd {
                outcome: Outcome::Completed {
                    sku: None,
                    receipt: None,
                },
                at: self.now.plus(-2 * day),
                parent: Some(id(parent)),
                depends_on: vec![],
            }),
        };
        let external = External {
            source: "beads".into(),
            id: there.into(),
            base: 0,
            digest: 0,
        };
        let event = Event::OrderImported {
            id: id(name),
            item: Box::new(item),
            external,
        };
        self.tell(&Actor::person("ada"), event);
    }

    /// Asks a question.
    pub(in crate::domain::query) fn ask(&self, query: &Query) -> Result<Answer, Refusal> {
        answer(&self.state, &self.live, &mut Shelf(self), query, self.now)
            .expect("memory has no faults")
    }

    /// Asks a question as it crosses the socket, and returns the answer's document. What is sent comes back the same.
    pub(in crate::domain::query) fn document(&self, query: Value) -> Value {
        let query: Query = serde_json::from_value(query).expect("a question");
        let sent = serde_json::to_string(&query).expect("JSON");
        assert_eq!(
            serde_json::from_str::<Query>(&sent).expect("a question"),
            query
        );
        match self.ask(&query) {
            Ok(answer) => {
                let sent = serde_json::to_string(&answer).expect("JSON");
                let back: Answer = serde_json::from_str(&sent).expect("an answer");
                assert_eq!(serde_json::to_string(&back).expect("JSON"), sent);
                serde_json::from_str(&answer.document(false).expect("JSON")).expect("JSON")
            }
            Err(refusal) => serde_json::json!({ "refused": refusal }),
        }
    }

    /// Asks a question and checks parts of its document, each by its JSON pointer; the empty one is the whole.
    pub(in crate::domain::query) fn check(&self, query: Value, parts: &[(&str, Value)]) {
        let document = self.document(query.clone());
        for (pointer, wanted) in parts {
            let part = document.pointer(pointer);
            assert_eq!(
                part.unwrap_or(&Value::Null),
                wanted,
                "{pointer} of {query}: {document:#}"
            );
        }
    }
}

/// Reads an order's id.
pub(in crate::domain::query) fn id(name: &str) -> OrderId {
    name.parse().expect("an id")
}

/// The ledger as readers see it.
struct Shelf<'a>(&'a Line);

impl Books for Shelf<'_> {
    type Fault = Infallible;

    fn record(&mut self, seq: Seq) -> Result<Option<Record>, Infallible> {
        let found = self.0.records.iter().find(|record| record.seq == seq);
        Ok(found.cloned())
    }

    fn records(&mut self, after: Seq, limit: usize) -> Result<Vec<Record>, Infallible> {
        let found = self.0.records.iter().filter(|record| record.seq > after);
        Ok(found.take(limit).cloned().collect())
    }

    fn history(
        &mut self,
        subject: &str,
        after: Seq,
        limit: usize,
    ) -> Result<Vec<Record>, Infallible> {
        let found = self.0.records.iter();
        let found = found.filter(|record| record.seq > after && record.subject == subject);
        Ok(found.take(limit).cloned().collect())
    }

    fn closed(&mut self, ids: &[OrderId]) -> Result<Vec<ArchivedOrder>, Infallible> {
        Ok(ids
            .iter()
            .filter_map(|id| self.0.orders.get(id))
            .cloned()
            .collect())
    }

    fn by_external(&mut self, keys: &[&str]) -> Result<BTreeMap<String, OrderId>, Infallible> {
        let rows = self
            .0
            .orders
            .values()
            .filter_map(|row| Some((row.external.clone()?, row.id)));
        Ok(rows.filter(|(key, _)| keys.contains(&&**key)).collect())
    }

    fn closed_page(&mut self, query: &ArchiveQuery) -> Result<Vec<ArchivedOrder>, Infallible> {
        let behind = |row: &&ArchivedOrder| query.after.is_none_or(|after| row.cursor() < after);
        let rows = self
            .0
            .orders
            .values()
            .filter(|row| query.admits(row))
            .filter(behind);
        let mut rows: Vec<_> = rows.cloned().collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.cursor()));
        rows.truncate(query.limit);
        Ok(rows)
    }

    fn closed_count(&mut self, query: &ArchiveQuery) -> Result<u64, Infallible> {
        Ok(self
            .0
            .orders
            .values()
            .filter(|row| query.admits(row))
            .count() as u64)
    }

    fn resolved(&mut self, ids: &[AlertId]) -> Result<Vec<ArchivedAlert>, Infallible> {
        Ok(ids
            .iter()
            .filter_map(|id| self.0.alerts.get(id))
            .cloned()
            .collect())
    }

    fn resolved_page(&mut self, query: &AlertQuery) -> Result<Vec<ArchivedAlert>, Infallible> {
        let wanted =
            |row: &&ArchivedAlert| query.severity.as_ref().is_none_or(|of| *of == row.severity);
        let mut rows: Vec<_> = self.0.alerts.values().filter(wanted).cloned().collect();
        rows.sort_by_key(|row| std::cmp::Reverse((row.resolved, row.id)));
        rows.truncate(query.limit);
        Ok(rows)
    }

    fn receipts_of(&mut self, order: OrderId) -> Result<Vec<ReceiptRow>, Infallible> {
        let rows = self.0.receipts.iter().filter(|row| row.order == order);
        Ok(rows.copied().collect())
    }

    fn receipts(&mut self, after: u64, limit: usize) -> Result<Vec<ReceiptRow>, Infallible> {
        let rows = self.0.receipts.iter().filter(|row| row.n > after);
        Ok(rows.take(limit).copied().collect())
    }
}
