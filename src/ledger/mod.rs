//! The append-only history and what is kept beside it, behind one trait with several backends.
//!
//! A writer takes its turn ([`Ledger::begin`]), catches up, decides, appends, and gives the turn back
//! ([`Ledger::end`]). Readers need no turn and see committed records only. Locks, doorbells and files are the
//! backend's business.

use std::{any::Any, collections::BTreeMap, fmt, time::Duration};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::{
    archive::{AlertQuery, ArchiveChange, ArchiveQuery, ArchivedAlert, ArchivedOrder, ReceiptRow},
    id::{AlertId, OrderId},
    record::{Head, Record, Seq},
    time::Timestamp,
};

pub mod access;
pub mod backup;
pub mod doctor;
mod doorbell;
mod fault;
mod file_system;
pub mod host_lock;
pub mod memory;
pub mod messages;
pub mod paths;
mod side_file;
pub mod snapshots;
pub mod sqlite;
pub mod telemetry;
mod turn;
pub mod verify;

pub use access::Access;
pub use fault::{Fault, FaultKind};
pub use host_lock::HostLock;
pub use messages::Messages;
pub use paths::Home;
pub use sqlite::SqliteLedger;
pub use telemetry::Telemetry;

/// How many records to read at once when walking the whole ledger: about 1 MiB of them.
pub const READ_PAGE: usize = 4096;

/// The longest reason a holder of the turn may leave for those who wait, in characters: one line.
pub const MAX_REASON: usize = 120;

/// Which ledger this is, and which life of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The ledger's own name, given at its making and never changed.
    pub uuid: Uuid,
    /// Which life: 1 at the making, raised by every restore, so that what was seen of an earlier one is not
    /// mistaken for this one.
    pub incarnation: u64,
    /// When the ledger was made.
    pub created: Timestamp,
}

/// What is written in one transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Sealed records, contiguous after the expected head; at least one.
    pub records: Vec<Record>,
    /// What they change in the archive, in order.
    pub archive: Vec<ArchiveChange>,
}

impl Batch {
    /// Returns the head after this batch, or the fault that it does not follow `expected`.
    pub fn head_after(&self, expected: Head) -> Result<Head, Fault> {
        let contiguous = self
            .records
            .iter()
            .zip(expected.seq + 1..)
            .all(|(r, seq)| r.seq == seq);
        match self.records.last() {
            Some(last) if contiguous => Ok(Head {
                seq: last.seq,
                hash: last.hash,
            }),
            _ => Err(misuse(
                "the batch is empty or does not follow the head it expects",
            )),
        }
    }
}

fn misuse(what: &str) -> Fault {
    Fault::new(FaultKind::Misuse, std::path::Path::new(""), what)
}

/// Returns a reason as it may be left and quoted: one line, bounded, without control characters.
fn one_line(reason: &str) -> String {
    reason
        .chars()
        .filter(|c| !c.is_control())
        .take(MAX_REASON)
        .collect()
}

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "an append may not have happened"]
pub enum Append {
    /// It is durable; this is the head now.
    Appended(Head),
    /// Somebody else appended first; this is the head now. Nothing was written: decide anew.
    Conflict(Head),
    /// Nothing was written, for this reason.
    NotApplied(Fault),
    /// Nobody can tell now. The same command id gives the answer later.
    Unknown(Fault),
}

/// A cache of somebody's state at a head, opaque here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The head it stands for.
    pub head: Head,
    /// The incarnation it was taken in; one of another is never given out.
    pub incarnation: u64,
    /// The format of the bytes; a reader asks for the one it knows.
    pub format: u32,
    /// The state.
    pub bytes: Vec<u8>,
}

/// Called when somebody may have appended; may be called once too often, and from another thread.
pub type Ring = Box<dyn Fn() + Send + Sync>;

/// Keeps a [`Ring`] hung up; dropping it takes the ring down.
pub struct Watch {
    _hung: Box<dyn Any + Send + Sync>,
}

impl Watch {
    /// Returns a watch that lasts as long as `hung` does.
    pub fn new(hung: impl Any + Send + Sync) -> Self {
        Watch {
            _hung: Box::new(hung),
        }
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}

/// One handle on a ledger. Several handles, in several processes too, may stand on the same ledger.
pub trait Ledger: Send {
    /// Returns which ledger this is. After a restore by another process it changes with the next
    /// [`begin`](Ledger::begin) or [`head`](Ledger::head); who sees that must load everything anew.
    fn identity(&self) -> Identity;

    /// Returns a second handle on the same ledger, for a reader on another thread.
    fn another(&self) -> Result<Box<dyn Ledger>, Fault>;

    // The writers' turn.

    /// Takes the writers' turn, waiting at most `patience`, and returns the head as it is now. A wait in vain is a
    /// [`FaultKind::Busy`] that quotes the reason its holder left. Taking it twice is a fault.
    fn begin(&mut self, patience: Duration) -> Result<Head, Fault>;

    /// Leaves a reason for those who wait, for example `importing 5,722 items`; only the first [`MAX_REASON`]
    /// characters count. Worth it only for a turn that takes long.
    fn explain(&mut self, reason: &str);

    /// Writes `batch` after `expected`, durably, in one transaction. Needs the turn.
    fn append(&mut self, expected: Head, batch: &Batch) -> Append;

    /// Gives the turn back and rings the others if something was appended. Harmless without a turn.
    fn end(&mut self);

    // Records.

    /// Returns the head as it is now; zero before genesis.
    fn head(&mut self) -> Result<Head, Fault>;

    /// Returns whether another handle may have appended since this one last read or wrote its head. Cheap: made for
    /// a slow poll behind [`watch`](Ledger::watch).
    fn changed(&mut self) -> Result<bool, Fault>;

    /// Has `ring` called whenever another handle may have appended, as long as the watch lives.
    fn watch(&self, ring: Ring) -> Result<Watch, Fault>;

    /// Returns at most `limit` records after seq `after`, in order.
    fn read(&mut self, after: Seq, limit: usize) -> Result<Vec<Record>, Fault>;

    /// Returns one record.
    fn record(&mut self, seq: Seq) -> Result<Option<Record>, Fault>;

    /// Returns a command's records in order, from which a retry gets its first answer; none if it was never applied.
    fn by_command(&mut self, command: Uuid) -> Result<Vec<Record>, Fault>;

    /// Returns at most `limit` records about `subject` after seq `after`, in order.
    fn history(&mut self, subject: &str, after: Seq, limit: usize) -> Result<Vec<Record>, Fault>;

    /// Returns the seq of the last record written at or before `time`; 0 if there is none. Where record times
    /// stepped back, it is one of the places at which they pass `time`.
    fn seq_at(&mut self, time: Timestamp) -> Result<Seq, Fault> {
        let (mut before, mut past) = (0, self.head()?.seq + 1);
        while past - before > 1 {
            let middle = before + (past - before) / 2;
            match self.record(middle)? {
                Some(record) if record.time <= time => before = middle,
                _ => past = middle,
            }
        }
        Ok(before)
    }

    // The archive.

    /// Returns the closed orders among `ids`, by id.
    fn archived(&mut self, ids: &[OrderId]) -> Result<Vec<ArchivedOrder>, Fault>;

    /// Returns the closed orders that carry one of these external ids.
    fn by_external(&mut self, names: &[&str]) -> Result<BTreeMap<String, OrderId>, Fault>;

    /// Returns a page of closed orders, newest first.
    fn archive_page(&mut self, query: &ArchiveQuery) -> Result<Vec<ArchivedOrder>, Fault>;

    /// Returns how many closed orders answer `query`, whatever the page.
    fn archive_count(&mut self, query: &ArchiveQuery) -> Result<u64, Fault>;

    /// Returns the resolved alerts among `ids`, by id.
    fn archived_alerts(&mut self, ids: &[AlertId]) -> Result<Vec<ArchivedAlert>, Fault>;

    /// Returns a page of resolved alerts, newest first.
    fn alerts_page(&mut self, query: &AlertQuery) -> Result<Vec<ArchivedAlert>, Fault>;

    /// Returns an order's receipts in order; more than one if it was reopened.
    fn receipts_of(&mut self, order: OrderId) -> Result<Vec<ReceiptRow>, Fault>;

    /// Returns at most `limit` receipts after number `after`, in order.
    fn receipts(&mut self, after: u64, limit: usize) -> Result<Vec<ReceiptRow>, Fault>;

    /// Returns the seq the archive stands for: the head's, since both change in one transaction; none if it was lost
    /// and must be rebuilt before it is read or appended to.
    fn archive_watermark(&mut self) -> Result<Option<Seq>, Fault>;

    /// Empties the archive and fills it from `rows`, which stand for everything up to `expected`, in one
    /// transaction. Needs the turn; a head other than `expected` is a [`FaultKind::Busy`].
    fn rebuild_archive(
        &mut self,
        expected: Head,
        rows: &mut dyn Iterator<Item = ArchiveChange>,
    ) -> Result<(), Fault>;

    // Snapshots.

    /// Keeps a snapshot, and drops older ones beyond the number kept.
    fn put_snapshot(&mut self, snapshot: &Snapshot) -> Result<(), Fault>;

    /// Returns the newest whole snapshot of this ledger and incarnation in `format`, taken at or before a seq.
    /// A damaged or foreign one is passed over and removed.
    fn latest_snapshot(
        &mut self,
        format: u32,
        at_or_before: Option<Seq>,
    ) -> Result<Option<Snapshot>, Fault>;
}
