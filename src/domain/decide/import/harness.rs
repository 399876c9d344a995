//! A ledger in a vector, for tests of rules: it fetches what decisions need, seals records and evolves.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::domain::{
    archive::{ArchiveChange, ArchivedOrder},
    cold::Cold,
    command::{Command, ImportItem, Role},
    decide::{Context, decide, import, needs},
    event::Event,
    evolve,
    id::OrderId,
    import_report::ImportReport,
    order::{Actor, Order},
    record::{ActorKind, Door, Hash, Record},
    refusal::Refusal,
    state::State,
    time::Timestamp,
};

/// How often a decision may ask for more before the rules are broken.
const ROUNDS: usize = 8;

pub(crate) struct Desk {
    pub(crate) state: State,
    pub(crate) records: Vec<Record>,
    pub(crate) archive: BTreeMap<OrderId, ArchivedOrder>,
    pub(crate) now: Timestamp,
}

impl Desk {
    pub(crate) fn new(now: Timestamp) -> Self {
        let mut desk = Desk {
            state: State::default(),
            records: vec![],
            archive: BTreeMap::new(),
            now,
        };
        let genesis = desk.submit(&Command::Genesis { uuid: Uuid::nil() });
        assert!(genesis.is_ok(), "{genesis:?}");
        desk
    }

    /// Decides a command, evolves, and returns the events.
    pub(crate) fn submit(&mut self, command: &Command) -> Result<Vec<Event>, Refusal> {
        let cold = self.fetch(command);
        let actor = Actor::person("tester");
        let context = Context {
            now: self.now,
            actor: &actor,
            role: Role::Admin,
            door: crate::domain::record::Door::Import,
            epoch: None,
            as_of: None,
        };
        let drafts = decide(&self.state, &cold, command, &context)?;
        let mut events = Vec::with_capacity(drafts.len());
        for (n, draft) in (0u32..).zip(drafts) {
            let mut record = Record {
                seq: self.state.head.seq + 1,
                time: self.now,
                occurred_at: draft.occurred_at.unwrap_or(self.now),
                command: Uuid::nil(),
                n,
                command_hash: Hash::ZERO,
                causation: None,
                correlation: None,
                actor_kind: ActorKind::Person.into(),
                actor: actor.name.clone(),
                door: Door::Import.into(),
                uid: 0,
                subject: draft.event.subject(),
                kind: draft.event.kind().into(),
                version: draft.event.version(),
                body: serde_json::to_string(&draft.event)
                    .unwrap_or_default()
                    .into(),
                hash: Hash::ZERO,
            };
            record.hash = record.seal(&self.state.head.hash);
            for change in evolve::apply(&mut self.state, &draft.event, &record) {
                match change {
                    ArchiveChange::PutOrder(row) => {
                        self.archive.insert(row.id, row);
                    }
                    ArchiveChange::DropOrder(id) => {
                        self.archive.remove(&id);
                    }
                    _ => {}
                }
            }
            self.records.push(record);
            events.push(draft.event);
        }
        Ok(events)
    }

    /// Returns what the decision asks for, round after round.
    pub(crate) fn fetch(&self, command: &Command) -> Cold {
        let mut cold = Cold::default();
        for _ in 0..ROUNDS {
            let wanted = needs(&self.state, &cold, command);
            if wanted.is_empty() {
                return cold;
            }
            for id in wanted.orders {
                let row = self.archive.get(&id);
                cold.orders
                    .insert(id, row.and_then(|row| serde_json::from_str(&row.form).ok()));
            }
            let names: BTreeMap<_, _> = self
                .archive
                .values()
                .filter_map(|row| Some((row.external.clone()?, row.id)))
                .collect();
            for key in wanted.externals {
                let id = names.get(&key).copied();
                cold.externals.insert(key, id);
            }
            for seq in wanted.records {
                let record = self.records.get(seq as usize - 1);
                cold.records.insert(seq, record.cloned());
            }
        }
        panic!("the decision asks without end");
    }

    /// Imports items of beads, after taking the report that goes with it.
    pub(crate) fn import(
        &mut self,
        items: &[ImportItem],
    ) -> Result<(Vec<Event>, ImportReport), Refusal> {
        let command = Command::Import {
            source: "beads".into(),
            items: items.to_vec(),
        };
        let cold = self.fetch(&command);
        let report = import::report(&self.state, &cold, "beads", items, self.now)?;
        Ok((self.submit(&command)?, report))
    }

    /// Returns the open order of a name in beads.
    pub(crate) fn find(&self, external: &str) -> Option<&Order> {
        let named = |order: &&Order| order.external.as_ref().is_some_and(|e| e.id == external);
        self.state.orders().map(AsRef::as_ref).find(named)
    }

    /// Returns the archived row of a name in beads.
    pub(crate) fn closed(&self, external: &str) -> Option<&ArchivedOrder> {
        let key = format!("beads:{external}");
        self.archive
            .values()
            .find(|row| row.external.as_ref() == Some(&key))
    }

    /// Fails unless a replay of the records gives the same state, the graph included.
    pub(crate) fn check_replay(&self) {
        let mut replayed = State::default();
        for record in &self.records {
            let evolved = evolve::evolve(&mut replayed, record);
            assert!(evolved.is_ok(), "{evolved:?}");
        }
        assert_eq!(replayed.state_hash(), self.state.state_hash());
        assert_eq!(replayed.graph(), self.state.graph());
        assert_eq!(replayed.counts, self.state.counts);
    }
}
