//! The yardstick of what is written: the very same records by a prepared statement in a transaction, and nothing else.

use obeya::domain::record::Record;
use rusqlite::{Connection, params};
use uuid::Uuid;

/// Inserts records in one transaction.
pub(crate) fn insert(db: &Connection, records: &[Record]) {
    let run = |sql: &str| db.prepare_cached(sql).unwrap().execute([]).unwrap();
    run("BEGIN IMMEDIATE");
    let mut put = db
        .prepare_cached("INSERT INTO records VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)")
        .unwrap();
    for r in records {
        put.execute(params![
            r.seq as i64,
            r.time.0,
            r.occurred_at.0,
            r.command.as_bytes(),
            r.n,
            r.command_hash.0,
            r.causation.as_ref().map(Uuid::as_bytes),
            r.correlation.as_ref().map(Uuid::as_bytes),
            r.actor_kind.word(),
            r.actor,
            r.door.word(),
            r.uid,
            r.subject,
            r.kind,
            r.version,
            r.body,
            r.hash.0,
        ])
        .unwrap();
    }
    run("COMMIT");
}
