//! The ledger on SQLite: one file, WAL, every commit synced.

use std::{collections::BTreeMap, time::Duration};

use rusqlite::Connection;
use uuid::Uuid;

use super::{
    Append, Batch, Fault, FaultKind, Identity, Ledger, Ring, Snapshot, Watch,
    doorbell::{self, Doorbell},
    file_system, misuse,
    paths::{FileId, Home},
    snapshots,
    turn::Turn,
};
use crate::domain::{
    archive::{AlertQuery, ArchiveChange, ArchiveQuery, ArchivedAlert, ArchivedOrder, ReceiptRow},
    id::{AlertId, OrderId},
    record::{Head, Record, Seq},
};

mod archive;
mod commit;
pub(super) mod records;
pub(super) mod schema;

use commit::Written;

/// How long the making of a ledger waits for another that makes it at the same moment.
const CREATE_PATIENCE: Duration = Duration::from_secs(10);

/// A handle on a ledger in a folder.
pub struct SqliteLedger {
    home: Home,
    identity: Identity,
    /// None after an error left nothing to be trusted; the next call opens the file again.
    open: Option<Open>,
    turn: Turn,
    bell: Doorbell,
    appended: Option<Seq>,
}

/// An open database, and what was last seen of it.
struct Open {
    db: Connection,
    file: Option<FileId>,
    /// SQLite's `data_version` when the head was last read: it changes when another connection commits.
    version: Option<i64>,
}

impl SqliteLedger {
    /// Makes an empty ledger in `home` and returns a handle on it. It is a fault if there is one. The caller writes
    /// genesis, which carries the same identity.
    pub fn create(home: &Home, identity: Identity) -> Result<Self, Fault> {
        home.make()?;
        let home = Home::new(home.path())?;
        file_system::refuse_network(home.path())?;
        let mut turn = Turn::new(home.write_lock());
        turn.take(CREATE_PATIENCE)?;
        let path = home.database();
        if path.exists() {
            return Err(
                Fault::new(FaultKind::Exists, &path, "there is a ledger here already")
                    .mend("Use it, or choose another folder."),
            );
        }
        schema::create(&path, &identity)?;
        turn.give();
        Doorbell::new(home.doorbell()).ring(0);
        Self::open(&home)
    }

    /// Opens the ledger in `home`.
    pub fn open(home: &Home) -> Result<Self, Fault> {
        let (identity, open) = Open::new(home)?;
        Ok(SqliteLedger {
            home: home.clone(),
            identity,
            open: Some(open),
            turn: Turn::new(home.write_lock()),
            bell: Doorbell::new(home.doorbell()),
            appended: None,
        })
    }

    /// Returns the folder the ledger is in.
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// Holds on to this moment: whatever is written from here on, this handle reads the ledger as it is now. Others write
    /// on; only their log is not folded into the database meanwhile.
    pub fn hold(&mut self) -> Result<(), Fault> {
        let path = self.home.database();
        let begun = self.current()?.db.execute_batch("BEGIN");
        begun.map_err(|error| Fault::sqlite(&path, "holding on to a moment", &error))?;
        // A read transaction begins with its first read.
        self.head().map(drop)
    }

    /// Checks the database file by SQLite's own rules, with its indexes if `deep`; returns what it finds wrong.
    pub fn integrity(&mut self, deep: bool) -> Result<Vec<String>, Fault> {
        let check = if deep {
            "PRAGMA integrity_check(10)"
        } else {
            "PRAGMA quick_check(10)"
        };
        let found = self.with("checking", |db| {
            db.prepare(check)?
                .query_map([], |row| row.get(0))?
                .collect::<Result<Vec<String>, _>>()
        })?;
        Ok(found.into_iter().filter(|line| line != "ok").collect())
    }

    /// Returns the open database; opens it if it is not, or if a restore put another file in its place.
    fn current(&mut self) -> Result<&mut Open, Fault> {
        let path = self.home.database();
        let stale = self
            .open
            .as_ref()
            .is_none_or(|open| open.file != FileId::at(&path));
        if stale {
            self.open = None;
            let (identity, open) = Open::new(&self.home)?;
            self.identity = identity;
            return Ok(self.open.insert(open));
        }
        self.open
            .as_mut()
            .ok_or_else(|| misuse("the ledger is not open"))
    }

    /// Reads from the database; `doing` says what for, should it fail.
    fn with<T>(
        &mut self,
        doing: &str,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, Fault> {
        // A reader that met no restore yet reads on from the file it has: the next head tells it.
        let path = self.home.database();
        let open = match &self.open {
            Some(open) => open,
            None => &*self.current()?,
        };
        read(&open.db).map_err(|error| Fault::sqlite(&path, doing, &error))
    }
}

impl Open {
    fn new(home: &Home) -> Result<(Identity, Self), Fault> {
        let path = home.database();
        // Before the file is opened: should it be replaced in between, the next call opens it again.
        let file = FileId::at(&path);
        let db = schema::open(&path)?;
        let identity = schema::read_identity(&db, &path)?;
        Ok((
            identity,
            Open {
                db,
                file,
                version: None,
            },
        ))
    }

    fn data_version(&self) -> rusqlite::Result<i64> {
        self.db
            .prepare_cached("PRAGMA data_version")?
            .query_row([], |row| row.get(0))
    }

    /// Reads the head, and the version before it, so that a commit in between shows as a change.
    fn head(&mut self) -> rusqlite::Result<Head> {
        self.version = Some(self.data_version()?);
        records::head(&self.db)
    }
}

impl Drop for SqliteLedger {
    fn drop(&mut self) {
        self.end();
    }
}

impl Ledger for SqliteLedger {
    fn identity(&self) -> Identity {
        self.identity
    }

    fn another(&self) -> Result<Box<dyn Ledger>, Fault> {
        Ok(Box::new(Self::open(&self.home)?))
    }

    fn begin(&mut self, patience: Duration) -> Result<Head, Fault> {
        self.home.holds_ledger()?;
        self.turn.take(patience)?;
        self.appended = None;
        let head = self.head();
        if head.is_err() {
            self.turn.give();
        }
        head
    }

    fn explain(&mut self, reason: &str) {
        self.turn.explain(reason);
    }

    fn append(&mut self, expected: Head, batch: &Batch) -> Append {
        if !self.turn.is_held() {
            return Append::NotApplied(misuse("an append needs the turn"));
        }
        let after = match batch.head_after(expected) {
            Ok(after) => after,
            Err(fault) => return Append::NotApplied(fault),
        };
        let written = match self.current() {
            Ok(open) => commit::write(&open.db, expected, |db| {
                records::insert(db, &batch.records)?;
                batch
                    .archive
                    .iter()
                    .try_for_each(|change| archive::apply(db, change))
            }),
            Err(fault) => return Append::NotApplied(fault),
        };
        let outcome = match written {
            Written::Done => Append::Appended(after),
            Written::Conflict(head) => Append::Conflict(head),
            Written::Undone(error) => self.undone(&error),
            Written::Doubtful(error) => self.settle(batch, after, &error),
        };
        if let Append::Appended(head) = &outcome {
            self.appended = Some(head.seq);
        }
        outcome
    }

    fn end(&mut self) {
        self.turn.give();
        if let Some(seq) = self.appended.take() {
            self.bell.ring(seq);
        }
    }

    fn head(&mut self) -> Result<Head, Fault> {
        let path = self.home.database();
        let head = self.current()?.head();
        head.map_err(|error| Fault::sqlite(&path, "reading the head", &error))
    }

    fn changed(&mut self) -> Result<bool, Fault> {
        let path = self.home.database();
        let Some(open) = &self.open else {
            return Ok(true);
        };
        if open.file != FileId::at(&path) {
            return Ok(true);
        }
        let version = open.data_version();
        let version =
            version.map_err(|error| Fault::sqlite(&path, "looking for changes", &error))?;
        Ok(open.version != Some(version))
    }

    fn watch(&self, ring: Ring) -> Result<Watch, Fault> {
        doorbell::watch(&self.home.doorbell(), ring)
    }

    fn read(&mut self, after: Seq, limit: usize) -> Result<Vec<Record>, Fault> {
        self.with("reading records", |db| records::after(db, after, limit))
    }

    fn record(&mut self, seq: Seq) -> Result<Option<Record>, Fault> {
        self.with("reading a record", |db| records::at(db, seq))
    }

    fn by_command(&mut self, command: Uuid) -> Result<Vec<Record>, Fault> {
        self.with("reading a command's records", |db| {
            records::of_command(db, command)
        })
    }

    fn history(&mut self, subject: &str, after: Seq, limit: usize) -> Result<Vec<Record>, Fault> {
        self.with("reading a history", |db| {
            records::about(db, subject, after, limit)
        })
    }

    fn archived(&mut self, ids: &[OrderId]) -> Result<Vec<ArchivedOrder>, Fault> {
        self.with("reading closed orders", |db| archive::orders(db, ids))
    }

    fn by_external(&mut self, names: &[&str]) -> Result<BTreeMap<String, OrderId>, Fault> {
        self.with("looking up external ids", |db| {
            archive::by_external(db, names)
        })
    }

    fn archive_page(&mut self, query: &ArchiveQuery) -> Result<Vec<ArchivedOrder>, Fault> {
        self.with("reading closed orders", |db| archive::page(db, query))
    }

    fn archive_count(&mut self, query: &ArchiveQuery) -> Result<u64, Fault> {
        self.with("counting closed orders", |db| archive::count(db, query))
    }

    fn archived_alerts(&mut self, ids: &[AlertId]) -> Result<Vec<ArchivedAlert>, Fault> {
        self.with("reading resolved alerts", |db| archive::alerts(db, ids))
    }

    fn alerts_page(&mut self, query: &AlertQuery) -> Result<Vec<ArchivedAlert>, Fault> {
        self.with("reading resolved alerts", |db| {
            archive::alerts_page(db, query)
        })
    }

    fn receipts_of(&mut self, order: OrderId) -> Result<Vec<ReceiptRow>, Fault> {
        self.with("reading receipts", |db| archive::receipts_of(db, order))
    }

    fn receipts(&mut self, after: u64, limit: usize) -> Result<Vec<ReceiptRow>, Fault> {
        self.with("reading receipts", |db| archive::receipts(db, after, limit))
    }

    fn archive_watermark(&mut self) -> Result<Option<Seq>, Fault> {
        let whole = self.with("checking the archive", archive::is_whole)?;
        if whole {
            self.head().map(|head| Some(head.seq))
        } else {
            Ok(None)
        }
    }

    fn rebuild_archive(
        &mut self,
        expected: Head,
        rows: &mut dyn Iterator<Item = ArchiveChange>,
    ) -> Result<(), Fault> {
        if !self.turn.is_held() {
            return Err(misuse("rebuilding the archive needs the turn"));
        }
        let path = self.home.database();
        match commit::write(&self.current()?.db, expected, |db| {
            archive::rebuild(db, rows)
        }) {
            Written::Done => Ok(()),
            Written::Conflict(_) => Err(Fault::new(
                FaultKind::Busy,
                &path,
                "the ledger has grown meanwhile",
            )),
            Written::Undone(error) | Written::Doubtful(error) => {
                // Whatever became of it, what is read next tells, and a rebuild can be repeated.
                self.open = None;
                Err(Fault::sqlite(&path, "rebuilding the archive", &error))
            }
        }
    }

    fn put_snapshot(&mut self, snapshot: &Snapshot) -> Result<(), Fault> {
        snapshots::put(&self.home.snapshots(), &self.identity, snapshot)
    }

    fn latest_snapshot(
        &mut self,
        format: u32,
        at_or_before: Option<Seq>,
    ) -> Result<Option<Snapshot>, Fault> {
        let (folder, identity) = (self.home.snapshots(), self.identity);
        snapshots::latest(&folder, &identity, format, at_or_before, |seq| {
            self.with("confirming a snapshot", |db| records::hash_at(db, seq))
        })
    }
}
