//! The file of tokens and audit: its tables, and how it is made and opened.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags};

use crate::ledger::{
    Fault, FaultKind, file_system,
    paths::{open_private, refuse_shared},
    side_file::SideFile,
};

/// What marks a SQLite file as obeya's tokens and audit: the letters OBAC.
const APPLICATION_ID: u32 = 0x4F42_4143;

/// The format of the tables that this program writes.
const FORMAT: u32 = 1;

/// How long SQLite itself waits for a lock. The turn keeps writers apart, so this is only a safety net against other
/// programs.
const SAFETY_NET: Duration = Duration::from_secs(5);

/// A denied row is told apart by its outcome, and has an index of its own: it is counted, and the newest of an address is
/// looked for, at each denial.
const TABLES: &str = "
CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    hash BLOB NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER,
    revoked INTEGER,
    used INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX tokens_name ON tokens (name);
CREATE TABLE audit (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    last INTEGER NOT NULL,
    count INTEGER NOT NULL,
    actor_kind TEXT,
    actor TEXT,
    token TEXT,
    address TEXT NOT NULL,
    what TEXT NOT NULL,
    outcome TEXT NOT NULL,
    why TEXT,
    first_seq INTEGER,
    last_seq INTEGER
) STRICT;
CREATE INDEX audit_denied ON audit (address, number) WHERE outcome = 'denied';
";

/// What this file is.
const FILE: SideFile = SideFile {
    holds: "tokens",
    application_id: APPLICATION_ID,
    format: FORMAT,
    tables: TABLES,
};

/// Returns the fault that an error of SQLite on this file means.
pub(super) fn fault(path: &Path, doing: &str, error: &rusqlite::Error) -> Fault {
    let fault = Fault::sqlite(path, doing, error);
    match fault.kind {
        FaultKind::Corrupt | FaultKind::NotALedger => fault.mend(
            "Move access.db and its -wal and -shm away and make new tokens: until then no token opens anything, and the \
             ledger is untouched.",
        ),
        _ => fault,
    }
}

/// Opens the file at `path`; makes it, for its owner alone, if it is not there. The caller has the turn.
///
/// # Errors
///
/// It is shared with others, damaged, of a newer format, or something else.
pub(super) fn open(path: &Path) -> Result<Connection, Fault> {
    let failed = |error: rusqlite::Error| fault(path, "opening the tokens", &error);
    file_system::refuse_network(path.parent().unwrap_or(path))?;
    // Made first, so that SQLite takes over the mode.
    let found = open_private(path)?
        .metadata()
        .map_err(|error| Fault::io(path, "reading its mode", &error))?;
    refuse_shared(path, &found)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags).map_err(failed)?;
    db.busy_timeout(SAFETY_NET).map_err(failed)?;
    FILE.prepare(&db, path, failed)?;
    Ok(db)
}
