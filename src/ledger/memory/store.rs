//! What a ledger in memory holds.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use uuid::Uuid;

use super::{Chaos, Injection};
use crate::{
    domain::{
        archive::{ArchiveChange, ArchivedAlert, ArchivedOrder, ReceiptRow},
        id::{AlertId, OrderId},
        record::{Head, Record, Seq},
    },
    ledger::{Batch, Snapshot},
};

#[derive(Default)]
pub(super) struct Store {
    pub(super) records: Vec<Record>,
    pub(super) commands: BTreeMap<Uuid, Vec<usize>>,
    pub(super) orders: BTreeMap<OrderId, ArchivedOrder>,
    pub(super) alerts: BTreeMap<AlertId, ArchivedAlert>,
    pub(super) receipts: BTreeMap<u64, ReceiptRow>,
    pub(super) snapshots: Vec<Snapshot>,
    pub(super) injections: VecDeque<Injection>,
    pub(super) chaos: Option<Chaos>,
    pub(super) taken: bool,
    pub(super) reason: String,
}

impl Store {
    pub(super) fn head(&self) -> Head {
        self.records.last().map_or(Head::default(), |r| Head {
            seq: r.seq,
            hash: r.hash,
        })
    }

    /// Returns whether a record of the batch, by (command, n), is there already or twice in it.
    pub(super) fn repeats(&self, batch: &Batch) -> bool {
        let mut new = BTreeSet::new();
        batch.records.iter().any(|record| {
            let places = self.commands.get(&record.command);
            let mut old = places
                .into_iter()
                .flatten()
                .filter_map(|&at| self.records.get(at));
            old.any(|old| old.n == record.n) || !new.insert((record.command, record.n))
        })
    }

    pub(super) fn apply(&mut self, batch: &Batch) -> Head {
        for record in &batch.records {
            self.commands
                .entry(record.command)
                .or_default()
                .push(self.records.len());
            self.records.push(record.clone());
        }
        batch
            .archive
            .iter()
            .cloned()
            .for_each(|change| self.change(change));
        self.head()
    }

    pub(super) fn change(&mut self, change: ArchiveChange) {
        match change {
            ArchiveChange::PutOrder(order) => drop(self.orders.insert(order.id, order)),
            ArchiveChange::DropOrder(id) => drop(self.orders.remove(&id)),
            ArchiveChange::PutAlert(alert) => drop(self.alerts.insert(alert.id, alert)),
            ArchiveChange::PutReceipt(row) => drop(self.receipts.insert(row.n, row)),
        }
    }

    pub(super) fn clear_archive(&mut self) {
        self.orders.clear();
        self.alerts.clear();
        self.receipts.clear();
    }

    /// Returns the next ordered fault of the wanted sort, if it is that sort's turn.
    pub(super) fn injected(&mut self, of_turn: bool) -> Option<Injection> {
        let next = self.injections.front()?;
        let fits = matches!(next, Injection::SlowTurn(_)) == of_turn;
        if fits {
            self.injections.pop_front()
        } else {
            None
        }
    }

    pub(super) fn from(&self, after: Seq) -> impl Iterator<Item = &Record> {
        let start = usize::try_from(after)
            .unwrap_or(usize::MAX)
            .min(self.records.len());
        self.records.iter().skip(start)
    }
}
