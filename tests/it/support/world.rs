//! A ledger in memory at a held time. Commands are decided by the real rules, questions by the real answers.

use std::{collections::BTreeMap, convert::Infallible};

use obeya::domain::{
    archive::{AlertQuery, ArchiveChange, ArchiveQuery, ArchivedAlert, ArchivedOrder, ReceiptRow},
    books::Books,
    cold::Cold,
    command::{Command, Role},
    decide::{Context, decide, needs},
    event::Event,
    evolve::evolve,
    id::{AlertId, OrderId},
    moment::Moment,
    order::{Actor, ClosedOrder},
    query::{self, Answer, Live, Query, life::Lives},
    record::{Door, Hash, Record, Seq},
    refusal::Refusal,
    state::State,
    time::{MINUTE, Timestamp},
};
use uuid::Uuid;

/// A ledger with the state it leads to.
#[derive(Clone, Default)]
pub(crate) struct World {
    pub(crate) state: State,
    pub(crate) now: Timestamp,
    pub(crate) records: Vec<Record>,
    /// What a host says of its agents.
    pub(crate) lives: Lives,
    orders: BTreeMap<OrderId, ArchivedOrder>,
    alerts: BTreeMap<AlertId, ArchivedAlert>,
    receipts: Vec<ReceiptRow>,
}

impl World {
    /// Returns a ledger that was just made, at 08:00 on 2026-02-02.
    pub(crate) fn new() -> Self {
        let mut world = World {
            now: Timestamp(1_770_019_200_000_000),
            ..World::default()
        };
        let uuid = Uuid::from_u128(7);
        world.tell(
            &Actor::system(),
            Event::LedgerCreated {
                uuid,
                incarnation: 1,
            },
        );
        world
    }

    /// Lets some minutes pass.
    pub(crate) fn wait(&mut self, minutes: i64) {
        self.now = self.now.plus(minutes * MINUTE);
    }

    /// Records an event.
    pub(crate) fn tell(&mut self, actor: &Actor, event: Event) {
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
            door: Door::Console.into(),
            uid: 0,
            subject: event.subject(),
            kind: event.kind().into(),
            version: event.version(),
            body: serde_json::to_string(&event).unwrap().into(),
            hash: Hash::ZERO,
        };
        record.hash = record.seal(&self.state.head.hash);
        self.take(record);
    }

    /// Returns the line as it stood at a moment, and its time there.
    pub(crate) fn then(&self, moment: Moment) -> World {
        let is_in = |record: &&Record| match moment {
            Moment::At(time) => record.time <= time,
            Moment::Before(seq) => record.seq < seq,
            Moment::After(seq) => record.seq <= seq + 1,
        };
        let mut then = World::default();
        self.records
            .iter()
            .take_while(is_in)
            .for_each(|record| then.take(record.clone()));
        then.now = match moment {
            Moment::At(time) => time,
            Moment::Before(_) | Moment::After(_) => then.state.time,
        };
        then
    }

    fn take(&mut self, record: Record) {
        for change in evolve(&mut self.state, &record).unwrap() {
            match change {
                ArchiveChange::PutOrder(row) => drop(self.orders.insert(row.id, row)),
                ArchiveChange::DropOrder(id) => drop(self.orders.remove(&id)),
                ArchiveChange::PutAlert(row) => drop(self.alerts.insert(row.id, row)),
                ArchiveChange::PutReceipt(row) => self.receipts.push(row),
            }
        }
        self.records.push(record);
    }

    /// Decides a command as the engine does, and records what it comes to.
    pub(crate) fn submit(
        &mut self,
        actor: &Actor,
        role: Role,
        command: &Command,
    ) -> Result<Vec<Record>, Refusal> {
        self.submit_under(actor, role, command, None)
    }

    /// Decides a command that is about a claim of this number.
    pub(crate) fn submit_under(
        &mut self,
        actor: &Actor,
        role: Role,
        command: &Command,
        epoch: Option<u32>,
    ) -> Result<Vec<Record>, Refusal> {
        self.submit_as_of(actor, role, command, epoch, None)
    }

    /// Decides a command that is about a claim of this number, and about an order that changed last at this time.
    pub(crate) fn submit_as_of(
        &mut self,
        actor: &Actor,
        role: Role,
        command: &Command,
        epoch: Option<u32>,
        as_of: Option<Timestamp>,
    ) -> Result<Vec<Record>, Refusal> {
        let mut cold = Cold::default();
        for id in needs(&self.state, &cold, command).orders {
            let row = self.orders.get(&id);
            let form = row.map(|row| serde_json::from_str::<ClosedOrder>(&row.form).unwrap());
            cold.orders.insert(id, form);
        }
        let context = Context {
            now: self.now,
            actor,
            role,
            door: Door::Cli,
            epoch,
            as_of,
        };
        let drafts = decide(&self.state, &cold, command, &context)?;
        let from = self.records.len();
        for draft in drafts {
            self.tell(actor, draft.event);
        }
        Ok(self.records[from..].to_vec())
    }

    /// Submits as an admin what must succeed.
    pub(crate) fn order(&mut self, actor: &Actor, command: Command) {
        self.submit(actor, Role::Admin, &command).unwrap();
    }

    /// Lets go of all but the state, as a ledger keeps it on a disk.
    pub(crate) fn forget(&mut self) {
        self.records.clear();
        self.orders.clear();
        self.alerts.clear();
        self.receipts.clear();
    }

    /// Answers a question.
    pub(crate) fn ask(&self, query: &Query) -> Result<Answer, Refusal> {
        let mut shelf = Shelf(self);
        let live = Live {
            lives: self.lives.clone(),
            ..Live::default()
        };
        query::answer(&self.state, &live, &mut shelf, query, self.now).unwrap()
    }
}

struct Shelf<'a>(&'a World);

impl Books for Shelf<'_> {
    type Fault = Infallible;

    fn record(&mut self, seq: Seq) -> Result<Option<Record>, Infallible> {
        Ok(self
            .0
            .records
            .iter()
            .find(|record| record.seq == seq)
            .cloned())
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
        let records = self.0.records.iter();
        let found = records.filter(|record| record.seq > after && record.subject == subject);
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
        let rows = self.0.orders.values();
        let named = rows.filter_map(|row| Some((row.external.clone()?, row.id)));
        Ok(named.filter(|(key, _)| keys.contains(&&**key)).collect())
    }

    fn closed_page(&mut self, query: &ArchiveQuery) -> Result<Vec<ArchivedOrder>, Infallible> {
        let behind = |row: &&ArchivedOrder| query.after.is_none_or(|after| row.cursor() < after);
        let rows = self.0.orders.values().filter(|row| query.admits(row));
        let mut rows: Vec<_> = rows.filter(behind).cloned().collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.cursor()));
        rows.truncate(query.limit);
        Ok(rows)
    }

    fn closed_count(&mut self, query: &ArchiveQuery) -> Result<u64, Infallible> {
        let rows = self.0.orders.values().filter(|row| query.admits(row));
        Ok(rows.count() as u64)
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
            |row: &&ArchivedAlert| query.severity.as_ref().is_none_or(|s| *s == row.severity);
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
