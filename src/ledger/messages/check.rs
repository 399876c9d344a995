//! Whether the file of messages is whole.

use rusqlite::Connection;

use super::{Messages, dead, rows, rows::Bytes};
use crate::ledger::Fault;

/// What the file of messages holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// How many messages are kept.
    pub kept: u64,
    /// How many bytes their bodies have.
    pub bytes: u64,
    /// How many dead letters there are.
    pub dead: u64,
    /// What is damaged, in SQLite's words or ours; empty if nothing.
    pub wrong: Vec<String>,
}

impl Messages {
    /// Reads the whole file, and returns what it holds and what is wrong with it.
    ///
    /// # Errors
    ///
    /// The file could not be read at all.
    pub fn census(&mut self) -> Result<Census, Fault> {
        self.file.read("examining the messages", |db| {
            let floor = i64::try_from(rows::floor(db)?).unwrap_or(i64::MAX);
            let count = "SELECT count(*), coalesce(sum(octet_length(body)), 0) FROM messages WHERE seq > ?1";
            let (kept, bytes) =
                db.query_row(count, [floor], |row| Ok((rows::whole(row, 0)?, rows::whole(row, 1)?)))?;
            Ok(Census {
                kept,
                bytes,
                dead: dead::count(db)?,
                wrong: wrong(db, bytes)?,
            })
        })
    }
}

fn wrong(db: &Connection, bytes: u64) -> rusqlite::Result<Vec<String>> {
    let mut wrong: Vec<String> = db
        .prepare("PRAGMA integrity_check(10)")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    wrong.retain(|line| line != "ok");
    let lost = "SELECT (SELECT count(*) FROM deliveries d WHERE NOT EXISTS (SELECT 1 FROM messages m WHERE m.seq = d.seq)) \
                + (SELECT count(*) FROM dead d WHERE NOT EXISTS (SELECT 1 FROM messages m WHERE m.seq = d.seq))";
    let lost = db.query_row(lost, [], |row| rows::whole(row, 0))?;
    if lost > 0 {
        wrong.push(format!(
            "{lost} messages that somebody was given, or that are dead letters, are not there"
        ));
    }
    // Not there yet in a file of an earlier obeya; whoever writes adds it up.
    if let Some(noted) = Bytes::Kept.noted(db)?.filter(|noted| *noted != bytes) {
        wrong.push(format!(
            "the kept messages have {bytes} bytes, and {noted} are noted"
        ));
    }
    Ok(wrong)
}
