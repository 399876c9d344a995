//! A SQLite file of obeya's own beside the ledger: how it is known, made, set up and written to.

use std::path::Path;

use rusqlite::Connection;

use super::{Fault, FaultKind};

/// What a file is.
pub(super) struct SideFile {
    /// What it holds, in a word.
    pub(super) holds: &'static str,
    /// What marks it as obeya's.
    pub(super) application_id: u32,
    /// The format of the tables that this program writes.
    pub(super) format: u32,
    /// Its tables.
    pub(super) tables: &'static str,
}

impl SideFile {
    /// Sets an opened file up, and makes its tables where it is empty; `fault` says what an error of SQLite on it means.
    ///
    /// # Errors
    ///
    /// It is of a newer format, something else, or cannot be used.
    pub(super) fn prepare(
        &self,
        db: &Connection,
        path: &Path,
        fault: impl Fn(rusqlite::Error) -> Fault,
    ) -> Result<(), Fault> {
        let holds = self.holds;
        let number = |name: &str| -> Result<u32, Fault> {
            db.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))
                .map_err(&fault)
        };
        match (number("application_id")?, number("user_version")?) {
            (mark, format) if (mark, format) == (self.application_id, self.format) => {}
            (mark, format) if mark == self.application_id => {
                let what = format!(
                    "the {holds} have format {format}, and this obeya knows {}",
                    self.format
                );
                return Err(Fault::new(FaultKind::NewerFormat, path, what));
            }
            (0, 0) if is_empty(db).map_err(&fault)? => self.make(db).map_err(&fault)?,
            _ => {
                let what = format!("this is a SQLite database, but not obeya's {holds}");
                return Err(Fault::new(FaultKind::NotALedger, path, what).mend("Move it away."));
            }
        }
        set_up(db).map_err(fault)
    }

    fn make(&self, db: &Connection) -> rusqlite::Result<()> {
        let SideFile {
            application_id,
            format,
            tables,
            ..
        } = self;
        let stamp =
            format!("PRAGMA application_id={application_id}; PRAGMA user_version={format};");
        db.execute_batch(&format!("BEGIN IMMEDIATE; {tables} {stamp} COMMIT;"))
    }
}

fn is_empty(db: &Connection) -> rusqlite::Result<bool> {
    db.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| {
        row.get(0)
    })
}

/// Has every commit to a file, the ledger itself too, synced before it is answered, and trusts nothing that a file says of itself.
pub(super) fn set_up(db: &Connection) -> rusqlite::Result<()> {
    let mode: String = db.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
    if mode != "wal" {
        db.query_row("PRAGMA journal_mode=WAL", [], |_| Ok(()))?;
    }
    // The -wal is never shrunk while the file is open: overwriting costs half of growing. Whoever closes the file last
    // copies it back, which pays for itself: without it, each program that opens the file reads the whole -wal anew
    // (25 ms instead of 1.4 ms for an append after an import).
    db.execute_batch(
        "PRAGMA synchronous=FULL; PRAGMA trusted_schema=OFF; PRAGMA temp_store=MEMORY;",
    )?;
    if cfg!(target_vendor = "apple") {
        db.execute_batch("PRAGMA fullfsync=ON; PRAGMA checkpoint_fullfsync=ON;")?;
    }
    Ok(())
}

/// Acts in one transaction: done whole, or not at all.
pub(super) fn transaction<T>(
    db: &Connection,
    act: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let run = |sql| db.prepare_cached(sql)?.execute([]).map(drop);
    run("BEGIN IMMEDIATE")?;
    let done = act(db).and_then(|done| run("COMMIT").map(|()| done));
    if done.is_err() {
        let _ = run("ROLLBACK");
    }
    done
}
