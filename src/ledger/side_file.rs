//! A SQLite file of obeya's own beside the ledger: how it is known, made, set up and written to.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};

use super::{
    Fault, FaultKind, Home, file_system,
    paths::{FileId, open_private, refuse_shared},
    turn::Turn,
};

/// How long SQLite itself waits for a lock. The turn keeps writers apart, so this is only a safety net against other
/// programs.
pub(super) const SAFETY_NET: Duration = Duration::from_secs(5);

/// How long a writer waits for its turn; the longest turn is one group of rows.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// What a file is.
pub(super) struct Kind {
    /// What it holds, in a word.
    pub(super) holds: &'static str,
    /// What marks it as obeya's.
    pub(super) application_id: u32,
    /// The format of the tables that this program writes.
    pub(super) format: u32,
    /// Its tables.
    pub(super) tables: &'static str,
    /// How many statements a connection keeps prepared: every one there is.
    pub(super) statements: usize,
    /// Whether it is refused where others could read or write it.
    pub(super) secret: bool,
    /// What its owner does where it is damaged.
    pub(super) mend: &'static str,
}

/// A handle on such a file. Several handles, in several processes too, may stand on one file.
pub(super) struct SideFile {
    kind: &'static Kind,
    home: Home,
    path: PathBuf,
    turn: Turn,
    open: Option<(Connection, Option<FileId>)>,
}

impl SideFile {
    /// Opens a file beside the ledger in `home`, whose writers take turns by the file `lock`; makes it, for its owner alone,
    /// if it is not there.
    ///
    /// # Errors
    ///
    /// There is no ledger, or the file is shared with others, damaged, something else, or of a newer format.
    pub(super) fn open(
        kind: &'static Kind,
        home: &Home,
        path: PathBuf,
        lock: PathBuf,
    ) -> Result<SideFile, Fault> {
        let mut file = SideFile {
            kind,
            home: home.clone(),
            path,
            turn: Turn::new(lock),
            open: None,
        };
        file.current()?;
        Ok(file)
    }

    /// Returns where the file lies.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads.
    ///
    /// # Errors
    ///
    /// The file could not be read.
    pub(super) fn read<T>(
        &mut self,
        doing: &str,
        act: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, Fault> {
        let done = act(self.current()?);
        done.map_err(|error| self.failed(doing, &error))
    }

    /// Acts in one transaction, in turn with all other writers: done whole and synced, or not at all.
    ///
    /// # Errors
    ///
    /// Nothing was written, or nobody can tell.
    pub(super) fn write<T>(
        &mut self,
        doing: &str,
        patience: Duration,
        act: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, Fault> {
        self.current()?;
        self.turn.take(patience)?;
        let done = match &self.open {
            Some((db, _)) => transaction(db, act),
            None => Err(rusqlite::Error::InvalidQuery),
        };
        self.turn.give();
        done.map_err(|error| self.failed(doing, &error))
    }

    /// Returns what an error means. Whatever became of the act, the next call begins with a connection that is in no
    /// transaction.
    fn failed(&mut self, doing: &str, error: &rusqlite::Error) -> Fault {
        self.open = None;
        self.kind.fault(&self.path, doing, error)
    }

    /// Returns the connection to the file that lies there now: somebody may have put another there, which counts at once, or
    /// none, and then one is made anew, empty.
    fn current(&mut self) -> Result<&Connection, Fault> {
        let fits = |open: &(Connection, Option<FileId>)| open.1 == FileId::at(&self.path);
        let open = match self.open.take().filter(fits) {
            Some(open) => open,
            None => {
                self.home.holds_ledger()?;
                self.turn.take(PATIENCE)?;
                let made = self.kind.open(&self.path);
                self.turn.give();
                (made?, FileId::at(&self.path))
            }
        };
        Ok(&self.open.insert(open).0)
    }
}

impl Kind {
    fn fault(&self, path: &Path, doing: &str, error: &rusqlite::Error) -> Fault {
        let fault = Fault::sqlite(path, doing, error);
        match fault.kind {
            FaultKind::Corrupt | FaultKind::NotALedger => fault.mend(self.mend),
            _ => fault,
        }
    }

    /// Opens the file at `path`; makes it if it is not there. The caller has the turn.
    fn open(&self, path: &Path) -> Result<Connection, Fault> {
        let doing = format!("opening the {}", self.holds);
        let failed = |error: rusqlite::Error| self.fault(path, &doing, &error);
        file_system::refuse_network(path.parent().unwrap_or(path))?;
        // Made first, so that SQLite takes over the mode.
        let found = open_private(path)?
            .metadata()
            .map_err(|error| Fault::io(path, "reading its mode", &error))?;
        if self.secret {
            refuse_shared(path, &found)?;
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(path, flags).map_err(failed)?;
        db.busy_timeout(SAFETY_NET).map_err(failed)?;
        db.set_prepared_statement_cache_capacity(self.statements);
        self.know(&db, path, failed)?;
        set_up(&db).map_err(failed)?;
        Ok(db)
    }

    /// Tells whether an opened file is this one, and makes its tables where it is empty.
    fn know(
        &self,
        db: &Connection,
        path: &Path,
        failed: impl Fn(rusqlite::Error) -> Fault,
    ) -> Result<(), Fault> {
        let holds = self.holds;
        let number = |name: &str| -> Result<u32, Fault> {
            db.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))
                .map_err(&failed)
        };
        match (number("application_id")?, number("user_version")?) {
            (mark, format) if (mark, format) == (self.application_id, self.format) => Ok(()),
            (mark, format) if mark == self.application_id => {
                let known = self.format;
                let what =
                    format!("the {holds} have format {format}, and this obeya knows {known}");
                Err(Fault::new(FaultKind::NewerFormat, path, what))
            }
            (0, 0) if is_empty(db).map_err(&failed)? => self.make(db).map_err(&failed),
            _ => {
                let what = format!("this is a SQLite database, but not obeya's {holds}");
                Err(Fault::new(FaultKind::NotALedger, path, what).mend("Move it away."))
            }
        }
    }

    fn make(&self, db: &Connection) -> rusqlite::Result<()> {
        let Kind {
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

fn transaction<T>(
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
