//! The database file: its tables, its format number, how it is made, opened and brought up to date.

use std::{fs, io::Read as _, path::Path};

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};

use crate::{
    domain::time::Timestamp,
    ledger::{
        Fault, FaultKind, Identity, file_system,
        paths::{beside, open_private, text},
        side_file::{SAFETY_NET, set_up},
    },
};

/// What marks a SQLite file as a ledger of obeya: the letters OBEY.
pub(super) const APPLICATION_ID: u32 = 0x4F42_4559;

/// The format of the tables that this program writes.
pub(in crate::ledger) const FORMAT: u32 = 1;

/// How many prepared statements a connection keeps: every one there is.
const STATEMENTS: usize = 64;

/// The steps that bring format n + 1 from format n, the first from format 1.
const MIGRATIONS: &[&str] = &[];

/// Records and identity. The row id of `records` is the seq, so that the index by subject is one by (subject, seq).
const RECORDS: &str = "
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE records (
    seq INTEGER PRIMARY KEY,
    time INTEGER NOT NULL,
    occurred_at INTEGER NOT NULL,
    command BLOB NOT NULL,
    n INTEGER NOT NULL,
    command_hash BLOB NOT NULL,
    causation BLOB,
    correlation BLOB,
    actor_kind TEXT NOT NULL,
    actor TEXT NOT NULL,
    door TEXT NOT NULL,
    uid INTEGER NOT NULL,
    subject TEXT NOT NULL,
    kind TEXT NOT NULL,
    version INTEGER NOT NULL,
    body TEXT NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX records_command ON records (command, n);
CREATE INDEX records_subject ON records (subject);
";

/// The archive. Forms lie apart, so that a search reads titles only.
pub(super) const ARCHIVE: &str = "
DROP TABLE IF EXISTS archive;
DROP TABLE IF EXISTS archive_forms;
DROP TABLE IF EXISTS archived_alerts;
DROP TABLE IF EXISTS receipts;
CREATE TABLE archive (
    id INTEGER PRIMARY KEY,
    external TEXT,
    title TEXT NOT NULL,
    searched TEXT NOT NULL,
    kind TEXT NOT NULL,
    bucket TEXT NOT NULL,
    status TEXT NOT NULL,
    priority INTEGER NOT NULL,
    parent INTEGER,
    created INTEGER NOT NULL,
    closed INTEGER NOT NULL,
    changed INTEGER NOT NULL
) STRICT;
CREATE INDEX archive_closed ON archive (closed);
CREATE INDEX archive_external ON archive (external) WHERE external IS NOT NULL;
CREATE INDEX archive_parent ON archive (parent) WHERE parent IS NOT NULL;
CREATE TABLE archive_forms (id INTEGER PRIMARY KEY, form TEXT NOT NULL) STRICT;
CREATE TABLE archived_alerts (
    id INTEGER PRIMARY KEY,
    severity TEXT NOT NULL,
    raised INTEGER NOT NULL,
    resolved INTEGER NOT NULL,
    form TEXT NOT NULL
) STRICT;
CREATE INDEX archived_alerts_resolved ON archived_alerts (resolved);
CREATE TABLE receipts (
    n INTEGER PRIMARY KEY,
    order_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE INDEX receipts_order ON receipts (order_id);
INSERT OR REPLACE INTO meta VALUES ('archive', 'whole');
";

/// Makes a database with an identity and no records at `path`, which must not exist. It appears there whole or not
/// at all.
pub(super) fn create(path: &Path, identity: &Identity) -> Result<(), Fault> {
    let temporary = path.with_extension("new");
    let fault = |error: rusqlite::Error| Fault::sqlite(path, "making the ledger", &error);
    // What lies there was left by a process that died while making it: the caller holds the turn.
    let _ = fs::remove_file(&temporary);
    // Made first, so that SQLite takes over the mode.
    open_private(&temporary)?;
    let db = Connection::open(&temporary).map_err(fault)?;
    let stamp = format!("PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={FORMAT};");
    db.execute_batch(&stamp).map_err(fault)?;
    db.execute_batch("BEGIN").map_err(fault)?;
    db.execute_batch(RECORDS).map_err(fault)?;
    db.execute_batch(ARCHIVE).map_err(fault)?;
    write_identity(&db, identity).map_err(fault)?;
    db.execute_batch("COMMIT").map_err(fault)?;
    drop(db);
    let placed = fs::File::open(&temporary)
        .and_then(|file| file.sync_all())
        .and_then(|()| fs::rename(&temporary, path));
    placed.map_err(|error| Fault::io(path, "making the ledger", &error))?;
    crate::ledger::paths::sync_folder_of(path)
}

/// Opens the ledger at `path` for reading and writing.
pub(super) fn open(path: &Path) -> Result<Connection, Fault> {
    sniff(path)?;
    file_system::refuse_network(path.parent().unwrap_or(path))?;
    let db = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    check_format(&db, path)?;
    set_up(&db).map_err(|error| Fault::sqlite(path, "opening", &error))?;
    migrate(&db, path, FORMAT, MIGRATIONS)?;
    Ok(db)
}

/// Opens a copy of a ledger, a backup for example, for reading only.
pub(in crate::ledger) fn open_copy(path: &Path) -> Result<Connection, Fault> {
    sniff(path)?;
    let db = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    check_format(&db, path)?;
    Ok(db)
}

fn connect(path: &Path, mode: OpenFlags) -> Result<Connection, Fault> {
    let fault = |error: rusqlite::Error| Fault::sqlite(path, "opening", &error);
    // A connection belongs to one handle, so SQLite needs no mutex of its own.
    let db =
        Connection::open_with_flags(path, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(fault)?;
    db.busy_timeout(SAFETY_NET).map_err(fault)?;
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(db)
}

/// Tells a file that is no ledger from its first bytes, before SQLite touches it (sqlite.org/fileformat2, 1.3).
fn sniff(path: &Path) -> Result<(), Fault> {
    let mut file = fs::File::open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            Fault::new(FaultKind::Missing, path, "there is no ledger here")
        }
        _ => Fault::io(path, "opening", &error),
    })?;
    let mut head = [0; 100];
    let not = |what: &str| Err(Fault::new(FaultKind::NotALedger, path, what));
    match file.read_exact(&mut head) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            return not("this file is too short to be a ledger");
        }
        Err(error) => return Err(Fault::io(path, "reading", &error)),
    }
    if !head.starts_with(b"SQLite format 3\0") {
        return not("this file is not a ledger");
    }
    if head.get(68..72) != Some(APPLICATION_ID.to_be_bytes().as_slice()) {
        return not("this is a SQLite database, but not a ledger of obeya");
    }
    Ok(())
}

fn check_format(db: &Connection, path: &Path) -> Result<(), Fault> {
    let found = format_of(db).map_err(|error| Fault::sqlite(path, "opening", &error))?;
    if found <= FORMAT {
        return Ok(());
    }
    let what = format!("the ledger has format {found}, and this obeya knows up to {FORMAT}");
    Err(Fault::new(FaultKind::NewerFormat, path, what))
}

/// Returns the format number of an open database.
pub(in crate::ledger) fn format_of(db: &Connection) -> rusqlite::Result<u32> {
    db.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Brings the tables to format `to`, each step in a transaction of its own, after a copy of the file was made.
fn migrate(db: &Connection, path: &Path, to: u32, steps: &[&str]) -> Result<(), Fault> {
    let fault =
        |error: rusqlite::Error| Fault::sqlite(path, "bringing the format up to date", &error);
    let from = format_of(db).map_err(fault)?;
    if from >= to {
        return Ok(());
    }
    let copy = beside(path, &format!(".before-format-{to}"));
    if !copy.exists() {
        db.execute("VACUUM INTO ?1", params![text(&copy)?])
            .map_err(fault)?;
        let synced = fs::File::open(&copy).and_then(|file| file.sync_all());
        synced.map_err(|error| Fault::io(&copy, "keeping a copy of the old format", &error))?;
    }
    for (step, target) in steps.iter().zip(2..=to) {
        if target <= from {
            continue;
        }
        // Another process may have done this step while this one waited for the lock.
        db.execute_batch("BEGIN IMMEDIATE").map_err(fault)?;
        let done = format_of(db).and_then(|now| {
            if now < target {
                db.execute_batch(step)?;
                db.execute_batch(&format!("PRAGMA user_version={target}"))?;
            }
            db.execute_batch("COMMIT")
        });
        if let Err(error) = done {
            let _ = db.execute_batch("ROLLBACK");
            return Err(fault(error));
        }
    }
    Ok(())
}

/// Writes who this ledger is.
pub(in crate::ledger) fn write_identity(
    db: &Connection,
    identity: &Identity,
) -> rusqlite::Result<()> {
    let mut put = db.prepare_cached("INSERT OR REPLACE INTO meta VALUES (?1, ?2)")?;
    put.execute(params!["uuid", identity.uuid.to_string()])?;
    put.execute(params!["incarnation", identity.incarnation.to_string()])?;
    put.execute(params!["created", identity.created.0.to_string()])?;
    Ok(())
}

/// Reads who this ledger is.
pub(in crate::ledger) fn read_identity(db: &Connection, path: &Path) -> Result<Identity, Fault> {
    let unread = |name| {
        Fault::new(
            FaultKind::Corrupt,
            path,
            format!("the ledger's {name} is unreadable"),
        )
    };
    let text = |name| {
        let found = meta(db, name).map_err(|error| Fault::sqlite(path, "reading", &error))?;
        found.ok_or_else(|| unread(name))
    };
    Ok(Identity {
        uuid: text("uuid")?.parse().map_err(|_| unread("uuid"))?,
        incarnation: text("incarnation")?
            .parse()
            .map_err(|_| unread("incarnation"))?,
        created: Timestamp(text("created")?.parse().map_err(|_| unread("created"))?),
    })
}

/// Reads one of the ledger's own values.
pub(super) fn meta(db: &Connection, name: &str) -> rusqlite::Result<Option<String>> {
    let mut get = db.prepare_cached("SELECT value FROM meta WHERE name = ?1")?;
    get.query_row([name], |row| row.get(0)).optional()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    #[test]
    fn a_migration_keeps_a_copy_and_a_failed_step_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        let identity = Identity {
            uuid: uuid::Uuid::from_u128(1),
            incarnation: 1,
            created: Timestamp(5),
        };
        create(&path, &identity).unwrap();
        let db = open(&path).unwrap();
        let steps = [
            "CREATE TABLE second (x)",
            "CREATE TABLE third (x); CREATE TABLE third (x)",
        ];
        let fault = migrate(&db, &path, 3, &steps).unwrap_err();
        assert!(fault.what.contains("third"), "{fault}");
        assert_eq!(format_of(&db).unwrap(), 2);
        let tables = |db: &Connection| -> i64 {
            let sql = "SELECT count(*) FROM sqlite_schema WHERE name IN ('second', 'third')";
            db.query_row(sql, [], |row| row.get(0)).unwrap()
        };
        assert_eq!(tables(&db), 1);
        let copy = open_copy(&folder.path().join("ledger.db.before-format-3")).unwrap();
        assert_eq!((format_of(&copy).unwrap(), tables(&copy)), (1, 0));
        assert_eq!(read_identity(&copy, &path).unwrap(), identity);
        assert_eq!(
            open(&path).err().map(|fault| fault.kind),
            Some(FaultKind::NewerFormat)
        );
    }
}
