//! Who writes the newest golden ledger: an engine's envelope and chain, without its rules.

use std::collections::BTreeMap;

use obeya::domain::{
    archive::ArchiveChange,
    event::Event,
    evolve,
    id::OrderId,
    order::{Actor, ClosedOrder, Lease},
    record::{ActorKind, Door, Hash, Record},
    state::State,
    time::{HOUR, MINUTE, Timestamp},
    usage::Usage,
};
use uuid::Uuid;

use crate::support::line::NOON;

/// Writes records under a held clock.
#[derive(Default)]
pub(super) struct Scribe {
    pub(super) state: State,
    pub(super) records: Vec<Record>,
    pub(super) closed: BTreeMap<OrderId, ClosedOrder>,
    pub(super) minutes: i64,
    commands: u128,
}

impl Scribe {
    pub(super) fn now(&self) -> Timestamp {
        NOON.plus(self.minutes * MINUTE)
    }

    /// Writes what one command came to, a minute after the one before. Every third command has a cause, and what an
    /// import brings happened in the past.
    pub(super) fn write(&mut self, actor: &Actor, door: Door, events: Vec<Event>) {
        self.minutes += 1;
        self.commands += 1;
        let caused = self.commands.is_multiple_of(3);
        let cause = |id| caused.then(|| Uuid::from_u128(id));
        for (n, event) in (0..).zip(events) {
            let age = if door == Door::Import { 24 * HOUR } else { 0 };
            let mut record = Record {
                seq: self.state.head.seq + 1,
                time: self.now(),
                occurred_at: self.now().plus(-age),
                command: Uuid::from_u128(self.commands),
                n,
                command_hash: Hash::of(&self.commands.to_be_bytes()),
                causation: cause(self.commands - 1),
                correlation: cause(1000),
                actor_kind: actor.kind.into(),
                actor: actor.name.clone(),
                door: door.into(),
                uid: 1000,
                subject: event.subject(),
                kind: event.kind().into(),
                version: event.version(),
                body: serde_json::to_string(&event).unwrap().into(),
                hash: Hash::ZERO,
            };
            record.hash = record.seal(&self.state.head.hash);
            for change in evolve::evolve(&mut self.state, &record).unwrap() {
                if let ArchiveChange::PutOrder(row) = change {
                    let form = serde_json::from_str(&row.form).unwrap();
                    self.closed.insert(row.id, form);
                }
            }
            self.records.push(record);
        }
    }

    pub(super) fn ada(&mut self, event: Event) {
        self.write(&Actor::person("ada"), Door::Console, vec![event]);
    }

    pub(super) fn agent(&mut self, event: Event) {
        self.write(&Actor::agent("rust-dev"), Door::Cli, vec![event]);
    }

    pub(super) fn engine(&mut self, event: Event) {
        self.write(&Actor::system(), Door::Engine, vec![event]);
    }

    /// Starts an order: with a lease for an agent, without for a person.
    pub(super) fn start(&mut self, id: OrderId, holder: Actor, epoch: u32) {
        let lease = (holder.kind == ActorKind::Agent).then(|| Lease {
            epoch,
            expires_at: self.now().plus(16 * MINUTE),
            seconds: 900,
        });
        let event = Event::OrderStarted {
            id,
            stage: "design".into(),
            holder: holder.clone(),
            epoch,
            lease,
        };
        self.write(&holder, Door::Cli, vec![event]);
    }

    pub(super) fn complete(&mut self, id: OrderId, by: Actor, sku: Option<&str>) {
        self.ada(Event::OrderCompleted {
            id,
            sku: sku.map(Into::into),
            note: sku.map(|sku| format!("{sku} is out")),
            by,
            receipt: self.state.receipts.count + 1,
            previous_receipt: self.state.receipts.hash,
            evidence: vec![],
            workspace: None,
            usage: Usage::default(),
        });
    }
}
