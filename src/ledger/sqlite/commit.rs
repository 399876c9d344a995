//! One transaction, and what is known of it when it fails.

use rusqlite::{Connection, ErrorCode};

use super::{SqliteLedger, records};
use crate::{
    domain::record::Head,
    ledger::{Append, Batch, Fault, Ledger as _},
};

/// What became of a transaction.
pub(super) enum Written {
    /// It is committed and synced.
    Done,
    /// The head was another one, so nothing was tried.
    Conflict(Head),
    /// It failed before COMMIT, or in a way that leaves no commit mark: nothing was written.
    Undone(rusqlite::Error),
    /// COMMIT failed, and its mark may be in the `-wal`.
    Doubtful(rusqlite::Error),
}

/// Runs `body` in a transaction, if the head is `expected`.
pub(super) fn write(
    db: &Connection,
    expected: Head,
    body: impl FnOnce(&Connection) -> rusqlite::Result<()>,
) -> Written {
    let run = |sql| {
        db.prepare_cached(sql)
            .and_then(|mut sql| sql.execute([]))
            .map(drop)
    };
    // The turn keeps other obeyas out; this keeps out whoever else may write to the file.
    if let Err(error) = run("BEGIN IMMEDIATE") {
        return Written::Undone(error);
    }
    let prepared = match records::head(db) {
        Ok(head) if head != expected => {
            // Nothing was written, so a failure to roll back leaves nothing behind either.
            let _ = run("ROLLBACK");
            return Written::Conflict(head);
        }
        Ok(_) => body(db),
        Err(error) => Err(error),
    };
    if let Err(error) = prepared {
        let _ = run("ROLLBACK");
        return Written::Undone(error);
    }
    match run("COMMIT") {
        Ok(()) => Written::Done,
        // The disk was full before the last frame, which carries the commit mark, was written.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DiskFull) => {
            Written::Undone(error)
        }
        Err(error) => Written::Doubtful(error),
    }
}

impl SqliteLedger {
    /// Nothing was written; the connection is dropped, with whatever the error left in it.
    pub(super) fn undone(&mut self, error: &rusqlite::Error) -> Append {
        self.open = None;
        Append::NotApplied(Fault::sqlite(&self.home.database(), "appending", error))
    }

    /// Finds out what became of a COMMIT that failed, by opening the file anew.
    ///
    /// The commit mark may be in the `-wal` without having been synced. If the records are visible, they are made
    /// durable by copying them into the database, since syncing the same page again after an error proves nothing. If
    /// they are not, another commit overwrites the mark, since else a recovery could bring them back.
    pub(super) fn settle(&mut self, batch: &Batch, after: Head, error: &rusqlite::Error) -> Append {
        let path = self.home.database();
        let fault = Fault::sqlite(&path, "committing", error);
        self.open = None;
        let Ok(head) = self.head() else {
            return Append::Unknown(fault);
        };
        let Some(open) = &self.open else {
            return Append::Unknown(fault);
        };
        if records::hash_at(&open.db, after.seq).is_ok_and(|hash| hash == Some(after.hash)) {
            let copied = open
                .db
                .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
                    row.get::<_, i64>(0).map(|busy| busy == 0)
                });
            return if copied == Ok(true) {
                Append::Appended(head)
            } else {
                Append::Unknown(fault)
            };
        }
        let first = batch.records.first().map_or(after.seq, |record| record.seq);
        let mark = "INSERT OR REPLACE INTO meta VALUES ('settled', ?1)";
        match open.db.execute(mark, [first.to_string()]) {
            Ok(_) => Append::NotApplied(fault),
            Err(_) => Append::Unknown(fault),
        }
    }
}
