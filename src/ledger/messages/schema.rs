//! The file of messages: its tables, and how it is made and opened.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags};

use crate::ledger::{Fault, FaultKind, file_system, paths::open_private, side_file::SideFile};

/// What marks a SQLite file as obeya's messages: the letters OBMS.
const APPLICATION_ID: u32 = 0x4F42_4D53;

/// The format of the tables that this program writes.
const FORMAT: u32 = 1;

/// How long SQLite itself waits for a lock. The turn keeps writers apart, so this is only a safety net against other
/// programs.
const SAFETY_NET: Duration = Duration::from_secs(5);

/// How many prepared statements a connection keeps: every one there is.
const STATEMENTS: usize = 64;

/// The row id of `messages` is the seq, so that the index by address is one by (address, seq). `settled` is set on what
/// is not given out for the first time any more; `expired` on what must not be given out again.
pub(super) const TABLES: &str = "
CREATE TABLE messages (
    seq INTEGER PRIMARY KEY,
    address TEXT NOT NULL,
    time INTEGER NOT NULL,
    expires INTEGER,
    settled INTEGER NOT NULL DEFAULT 0,
    sender_kind TEXT NOT NULL,
    sender TEXT NOT NULL,
    correlation BLOB,
    reply_to TEXT,
    key TEXT,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX messages_address ON messages (address);
CREATE UNIQUE INDEX messages_key ON messages (sender_kind, sender, key) WHERE key IS NOT NULL;
CREATE INDEX messages_expires ON messages (expires) WHERE expires IS NOT NULL;
CREATE TABLE subscribers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    address TEXT NOT NULL,
    name TEXT NOT NULL,
    cursor INTEGER NOT NULL,
    seen INTEGER NOT NULL,
    UNIQUE (address, name)
) STRICT;
CREATE TABLE deliveries (
    subscriber INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    due INTEGER NOT NULL,
    expired INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (subscriber, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_seq ON deliveries (seq);
CREATE TABLE dead (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    seq INTEGER NOT NULL,
    subscriber TEXT NOT NULL,
    reason TEXT NOT NULL,
    note TEXT NOT NULL,
    at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    UNIQUE (seq, subscriber)
) STRICT;
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
";

/// What this file is.
const FILE: SideFile = SideFile {
    holds: "messages",
    application_id: APPLICATION_ID,
    format: FORMAT,
    tables: TABLES,
};

/// Returns the fault that an error of SQLite on the messages means.
pub(super) fn fault(path: &Path, doing: &str, error: &rusqlite::Error) -> Fault {
    let fault = Fault::sqlite(path, doing, error);
    match fault.kind {
        FaultKind::Corrupt | FaultKind::NotALedger => fault.mend(
            "Move messages.db and its -wal and -shm away: what was not acknowledged is lost with them, the ledger is not.",
        ),
        _ => fault,
    }
}

/// Opens the messages at `path`; makes them if they are not there. The caller has the turn.
pub(super) fn open(path: &Path) -> Result<Connection, Fault> {
    let failed = |error: rusqlite::Error| fault(path, "opening the messages", &error);
    file_system::refuse_network(path.parent().unwrap_or(path))?;
    // Made first, so that SQLite takes over the mode.
    open_private(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags).map_err(failed)?;
    db.busy_timeout(SAFETY_NET).map_err(failed)?;
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    FILE.prepare(&db, path, failed)?;
    Ok(db)
}
