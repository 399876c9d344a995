//! A ledger in memory, with faults to order: for tests of everything that stands on a ledger.

use std::{
    collections::BTreeMap,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};

use uuid::Uuid;

mod faults;
mod store;

use faults::Chaos;
pub use faults::Injection;
use store::Store;

use super::{
    Append, Batch, Fault, FaultKind, Identity, Ledger, Ring, Snapshot, Watch, misuse, one_line,
};
use crate::domain::{
    archive::{
        AlertQuery, ArchiveChange, ArchiveQuery, ArchivedAlert, ArchivedOrder, MAX_PAGE, ReceiptRow,
    },
    id::{AlertId, OrderId},
    record::{Head, Record, Seq},
    time::Timestamp,
};

/// A handle on a ledger in memory. A clone is another handle on the same ledger.
pub struct MemoryLedger {
    shared: Arc<Shared>,
    holding: bool,
    appended: bool,
    seen: Seq,
}

struct Shared {
    identity: Identity,
    store: Mutex<Store>,
    freed: Condvar,
    rings: Mutex<Vec<Weak<Ring>>>,
}

impl Clone for MemoryLedger {
    fn clone(&self) -> Self {
        MemoryLedger {
            shared: self.shared.clone(),
            holding: false,
            appended: false,
            seen: 0,
        }
    }
}

impl Drop for MemoryLedger {
    fn drop(&mut self) {
        self.end();
    }
}

impl MemoryLedger {
    /// Returns a handle on a new, empty ledger.
    pub fn new(identity: Identity) -> Self {
        let shared = Shared {
            identity,
            store: Mutex::default(),
            freed: Condvar::new(),
            rings: Mutex::default(),
        };
        MemoryLedger {
            shared: Arc::new(shared),
            holding: false,
            appended: false,
            seen: 0,
        }
    }

    /// Orders a fault; several take effect one after another, each once.
    pub fn inject(&self, injection: Injection) {
        self.store().injections.push_back(injection);
    }

    /// Lets about one append in `one_in` fail, by a generator that starts from `seed`.
    pub fn chaos(&self, seed: u64, one_in: u32) {
        // A generator at zero would stay there.
        let chaos = Chaos {
            state: seed.max(1),
            one_in: u64::from(one_in.max(1)),
        };
        self.store().chaos = Some(chaos);
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        // A panic elsewhere left plain data behind, which is still whole.
        self.shared
            .store
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn injected(kind: FaultKind, what: &str) -> Fault {
    Fault::new(kind, std::path::Path::new("memory"), what)
}

impl Ledger for MemoryLedger {
    fn identity(&self) -> Identity {
        self.shared.identity
    }

    fn another(&self) -> Result<Box<dyn Ledger>, Fault> {
        Ok(Box::new(self.clone()))
    }

    fn begin(&mut self, patience: Duration) -> Result<Head, Fault> {
        if self.holding {
            return Err(misuse("the turn is held already"));
        }
        if let Some(Injection::SlowTurn(pause)) = { self.store().injected(true) } {
            std::thread::sleep(pause.min(patience));
        }
        let deadline = Instant::now() + patience;
        let mut store = self
            .shared
            .store
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        while store.taken {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let what = match store.reason.as_str() {
                    "" => "another writer holds the turn".to_owned(),
                    reason => format!("another writer holds the turn: {reason}"),
                };
                return Err(injected(FaultKind::Busy, &what));
            }
            let waited = self.shared.freed.wait_timeout(store, left);
            store = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        store.taken = true;
        let head = store.head();
        drop(store);
        (self.holding, self.appended, self.seen) = (true, false, head.seq);
        Ok(head)
    }

    fn explain(&mut self, reason: &str) {
        if self.holding {
            self.store().reason = one_line(reason);
        }
    }

    fn append(&mut self, expected: Head, batch: &Batch) -> Append {
        if !self.holding {
            return Append::NotApplied(misuse("an append needs the turn"));
        }
        let mut store = self.store();
        if store.head() != expected {
            return Append::Conflict(store.head());
        }
        if let Err(fault) = batch.head_after(expected) {
            return Append::NotApplied(fault);
        }
        if store.repeats(batch) {
            let what = "a record of this command is there already";
            return Append::NotApplied(injected(FaultKind::Duplicate, what));
        }
        let injection = store.injected(false);
        match injection.or_else(|| store.chaos.as_mut().and_then(Chaos::draw)) {
            Some(Injection::CommitFails(kind)) => {
                return Append::NotApplied(injected(kind, "COMMIT failed"));
            }
            Some(Injection::SyncFails) => {
                return Append::Unknown(injected(FaultKind::Io, "the sync failed"));
            }
            Some(Injection::AnswerLost) => {
                let _ = store.apply(batch);
                drop(store);
                self.appended = true;
                return Append::Unknown(injected(FaultKind::Io, "the answer of COMMIT was lost"));
            }
            Some(Injection::Rival(mut rival)) => {
                let mut head = store.head();
                for record in &mut rival.records {
                    record.seq = head.seq + 1;
                    record.hash = record.seal(&head.hash);
                    head = Head {
                        seq: record.seq,
                        hash: record.hash,
                    };
                }
                return Append::Conflict(store.apply(&rival));
            }
            Some(Injection::SlowTurn(_)) | None => {}
        }
        let head = store.apply(batch);
        drop(store);
        (self.appended, self.seen) = (true, head.seq);
        Append::Appended(head)
    }

    fn end(&mut self) {
        if !std::mem::take(&mut self.holding) {
            return;
        }
        {
            let mut store = self.store();
            store.taken = false;
            store.reason.clear();
        }
        self.shared.freed.notify_one();
        if self.appended {
            let mut rings = self
                .shared
                .rings
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            rings.retain(|ring| ring.strong_count() > 0);
            let rings: Vec<_> = rings.iter().filter_map(Weak::upgrade).collect();
            rings.iter().for_each(|ring| ring());
        }
    }

    fn head(&mut self) -> Result<Head, Fault> {
        let head = self.store().head();
        self.seen = head.seq;
        Ok(head)
    }

    fn changed(&mut self) -> Result<bool, Fault> {
        Ok(self.store().head().seq != self.seen)
    }

    fn watch(&self, ring: Ring) -> Result<Watch, Fault> {
        let ring = Arc::new(ring);
        let mut rings = self
            .shared
            .rings
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        rings.push(Arc::downgrade(&ring));
        Ok(Watch::new(ring))
    }

    fn read(&mut self, after: Seq, limit: usize) -> Result<Vec<Record>, Fault> {
        Ok(self.store().from(after).take(limit).cloned().collect())
    }

    fn record(&mut self, seq: Seq) -> Result<Option<Record>, Fault> {
        let Some(after) = seq.checked_sub(1) else {
            return Ok(None);
        };
        Ok(self.store().from(after).next().cloned())
    }

    fn by_command(&mut self, command: Uuid) -> Result<Vec<Record>, Fault> {
        let store = self.store();
        let places = store
            .commands
            .get(&command)
            .map(Vec::as_slice)
            .unwrap_or_default();
        Ok(places
            .iter()
            .filter_map(|&at| store.records.get(at))
            .cloned()
            .collect())
    }

    fn history(&mut self, subject: &str, after: Seq, limit: usize) -> Result<Vec<Record>, Fault> {
        let store = self.store();
        Ok(store
            .from(after)
            .filter(|r| r.subject == subject)
            .take(limit)
            .cloned()
            .collect())
    }

    fn archived(&mut self, ids: &[OrderId]) -> Result<Vec<ArchivedOrder>, Fault> {
        let store = self.store();
        let wanted: std::collections::BTreeSet<_> = ids.iter().collect();
        Ok(wanted
            .into_iter()
            .filter_map(|id| store.orders.get(id))
            .cloned()
            .collect())
    }

    fn by_external(&mut self, names: &[&str]) -> Result<BTreeMap<String, OrderId>, Fault> {
        let wanted: std::collections::BTreeSet<_> = names.iter().copied().collect();
        let store = self.store();
        let named = store
            .orders
            .values()
            .filter_map(|o| Some((o.external.clone()?, o.id)));
        Ok(named
            .filter(|(name, _)| wanted.contains(name.as_str()))
            .collect())
    }

    fn archive_page(&mut self, query: &ArchiveQuery) -> Result<Vec<ArchivedOrder>, Fault> {
        let store = self.store();
        let behind = |o: &ArchivedOrder| query.after.is_none_or(|after| o.cursor() < after);
        let mut rows: Vec<_> = store
            .orders
            .values()
            .filter(|o| query.admits(o) && behind(o))
            .cloned()
            .collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.cursor()));
        rows.truncate(query.limit.min(MAX_PAGE));
        Ok(rows)
    }

    fn archive_count(&mut self, query: &ArchiveQuery) -> Result<u64, Fault> {
        Ok(self
            .store()
            .orders
            .values()
            .filter(|o| query.admits(o))
            .count() as u64)
    }

    fn archived_alerts(&mut self, ids: &[AlertId]) -> Result<Vec<ArchivedAlert>, Fault> {
        let store = self.store();
        let wanted: std::collections::BTreeSet<_> = ids.iter().collect();
        Ok(wanted
            .into_iter()
            .filter_map(|id| store.alerts.get(id))
            .cloned()
            .collect())
    }

    fn alerts_page(&mut self, query: &AlertQuery) -> Result<Vec<ArchivedAlert>, Fault> {
        let place = |alert: &ArchivedAlert| -> (Timestamp, AlertId) { (alert.resolved, alert.id) };
        let admits = |alert: &&ArchivedAlert| {
            query
                .severity
                .as_ref()
                .is_none_or(|severity| *severity == alert.severity)
                && query.after.is_none_or(|after| place(alert) < after)
        };
        let mut rows: Vec<_> = self
            .store()
            .alerts
            .values()
            .filter(admits)
            .cloned()
            .collect();
        rows.sort_by_key(|row| std::cmp::Reverse(place(row)));
        rows.truncate(query.limit.min(MAX_PAGE));
        Ok(rows)
    }

    fn receipts_of(&mut self, order: OrderId) -> Result<Vec<ReceiptRow>, Fault> {
        Ok(self
            .store()
            .receipts
            .values()
            .filter(|row| row.order == order)
            .copied()
            .collect())
    }

    fn receipts(&mut self, after: u64, limit: usize) -> Result<Vec<ReceiptRow>, Fault> {
        let Some(from) = after.checked_add(1) else {
            return Ok(Vec::new());
        };
        Ok(self
            .store()
            .receipts
            .range(from..)
            .take(limit)
            .map(|(_, row)| *row)
            .collect())
    }

    fn archive_watermark(&mut self) -> Result<Option<Seq>, Fault> {
        Ok(Some(self.store().head().seq))
    }

    fn rebuild_archive(
        &mut self,
        expected: Head,
        rows: &mut dyn Iterator<Item = ArchiveChange>,
    ) -> Result<(), Fault> {
        if !self.holding {
            return Err(misuse("rebuilding the archive needs the turn"));
        }
        let mut store = self.store();
        if store.head() != expected {
            return Err(injected(FaultKind::Busy, "the ledger has grown meanwhile"));
        }
        store.clear_archive();
        rows.for_each(|change| store.change(change));
        Ok(())
    }

    fn put_snapshot(&mut self, snapshot: &Snapshot) -> Result<(), Fault> {
        let mut store = self.store();
        store
            .snapshots
            .retain(|s| (s.head, s.format) != (snapshot.head, snapshot.format));
        store.snapshots.push(snapshot.clone());
        store.snapshots.sort_by_key(|s| s.head.seq);
        Ok(())
    }

    fn latest_snapshot(
        &mut self,
        format: u32,
        at_or_before: Option<Seq>,
    ) -> Result<Option<Snapshot>, Fault> {
        let store = self.store();
        let fits = |s: &&Snapshot| {
            s.format == format
                && s.incarnation == self.shared.identity.incarnation
                && at_or_before.is_none_or(|seq| s.head.seq <= seq)
                && store
                    .from(s.head.seq.saturating_sub(1))
                    .next()
                    .map(|r| r.hash)
                    == Some(s.head.hash)
        };
        Ok(store.snapshots.iter().rev().find(fits).cloned())
    }
}
