//! What `obeya doctor` looks at: whether the files with secrets are private, and whether their tables are whole.

use std::fs;

use rusqlite::Connection;

use crate::ledger::{
    Fault, Home,
    paths::{beside, refuse_shared},
};

/// How many faults of the tables are told.
const TOLD: usize = 5;

/// What the file of tokens and audit holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// How many tokens, those too that open nothing any more.
    pub tokens: u64,
    /// How many rows of audit.
    pub rows: u64,
    /// What SQLite finds wrong with the file; empty if it is whole.
    pub wrong: Vec<String>,
}

pub(super) fn census(db: &Connection) -> rusqlite::Result<Census> {
    let mut check = db.prepare(&format!("PRAGMA quick_check({TOLD})"))?;
    let found = check.query_map([], |row| row.get(0))?;
    let mut wrong: Vec<String> = found.collect::<rusqlite::Result<_>>()?;
    wrong.retain(|line| line != "ok");
    let count = |table: &str| -> rusqlite::Result<u64> {
        let sql = format!("SELECT count(*) FROM {table}");
        db.query_row(&sql, [], |row| Ok(row.get::<_, i64>(0)?.unsigned_abs()))
    };
    Ok(Census {
        tokens: count("tokens")?,
        rows: count("audit")?,
        wrong,
    })
}

/// Returns how many files beside the ledger hold secrets: those of the tokens, and the local token.
///
/// # Errors
///
/// The first of them that others could read or write.
pub(in crate::ledger) fn examine(home: &Home) -> Result<usize, Fault> {
    let access = home.access();
    let with = |suffix| beside(&access, suffix);
    let mut found = 0;
    for path in [with(""), with("-wal"), with("-shm"), home.local_token()] {
        if let Ok(about) = fs::symlink_metadata(&path) {
            refuse_shared(&path, &about)?;
            found += 1;
        }
    }
    Ok(found)
}
