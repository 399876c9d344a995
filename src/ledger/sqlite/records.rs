//! Records in and out of their table.

use rusqlite::{Connection, OptionalExtension as _, Params, Row, params};
use uuid::Uuid;

use crate::domain::{
    record::{ActorKind, Door, Hash, Head, Record, Seq, Stored},
    time::Timestamp,
};

const COLUMNS: &str = "seq, time, occurred_at, command, n, command_hash, causation, correlation, \
    actor_kind, actor, door, uid, subject, kind, version, body, hash";

/// Returns a seq as SQLite keeps integers; one that does not fit is beyond every record.
pub(in crate::ledger) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Writes records in order.
pub(super) fn insert(db: &Connection, records: &[Record]) -> rusqlite::Result<()> {
    let mut put = db.prepare_cached(
        "INSERT INTO records VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
    )?;
    for record in records {
        put.execute(params![
            int(record.seq),
            record.time.0,
            record.occurred_at.0,
            record.command.as_bytes(),
            record.n,
            record.command_hash.0,
            record.causation.as_ref().map(Uuid::as_bytes),
            record.correlation.as_ref().map(Uuid::as_bytes),
            record.actor_kind.word(),
            record.actor,
            record.door.word(),
            record.uid,
            record.subject,
            record.kind,
            record.version,
            record.body,
            record.hash.0,
        ])?;
    }
    Ok(())
}

/// Returns the last record's place and hash; zero before genesis.
pub(super) fn head(db: &Connection) -> rusqlite::Result<Head> {
    let mut get = db.prepare_cached("SELECT seq, hash FROM records ORDER BY seq DESC LIMIT 1")?;
    let found = get.query_row([], |row| {
        Ok(Head {
            seq: unsigned(row, 0)?,
            hash: Hash(row.get(1)?),
        })
    });
    Ok(found.optional()?.unwrap_or_default())
}

/// Returns the hash of one record.
pub(super) fn hash_at(db: &Connection, seq: Seq) -> rusqlite::Result<Option<Hash>> {
    let mut get = db.prepare_cached("SELECT hash FROM records WHERE seq = ?1")?;
    get.query_row([int(seq)], |row| row.get(0).map(Hash))
        .optional()
}

/// Returns at most `limit` records after a seq.
pub(in crate::ledger) fn after(
    db: &Connection,
    seq: Seq,
    limit: usize,
) -> rusqlite::Result<Vec<Record>> {
    select(
        db,
        "seq > ?1 ORDER BY seq LIMIT ?2",
        params![int(seq), int(limit as u64)],
    )
}

/// Returns one record.
pub(super) fn at(db: &Connection, seq: Seq) -> rusqlite::Result<Option<Record>> {
    Ok(select(db, "seq = ?1", [int(seq)])?.pop())
}

/// Returns a command's records.
pub(super) fn of_command(db: &Connection, command: Uuid) -> rusqlite::Result<Vec<Record>> {
    select(db, "command = ?1 ORDER BY n", [command.as_bytes()])
}

/// Returns at most `limit` records about a subject after a seq.
pub(super) fn about(
    db: &Connection,
    subject: &str,
    seq: Seq,
    limit: usize,
) -> rusqlite::Result<Vec<Record>> {
    let place = "subject = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3";
    select(db, place, params![subject, int(seq), int(limit as u64)])
}

fn select(db: &Connection, place: &str, values: impl Params) -> rusqlite::Result<Vec<Record>> {
    let mut get = db.prepare_cached(&format!("SELECT {COLUMNS} FROM records WHERE {place}"))?;
    let rows = get.query_map(values, read)?;
    rows.collect()
}

fn read(row: &Row<'_>) -> rusqlite::Result<Record> {
    let text = |at| {
        row.get_ref(at)?
            .as_str()
            .map_err(|error| unreadable(at, error))
    };
    let id =
        |at| Ok::<_, rusqlite::Error>(row.get::<_, Option<[u8; 16]>>(at)?.map(Uuid::from_bytes));
    Ok(Record {
        seq: unsigned(row, 0)?,
        time: Timestamp(row.get(1)?),
        occurred_at: Timestamp(row.get(2)?),
        command: Uuid::from_bytes(row.get(3)?),
        n: row.get(4)?,
        command_hash: Hash(row.get(5)?),
        causation: id(6)?,
        correlation: id(7)?,
        actor_kind: Stored::<ActorKind>::from_word(text(8)?),
        actor: text(9)?.to_owned(),
        door: Stored::<Door>::from_word(text(10)?),
        uid: row.get(11)?,
        subject: text(12)?.to_owned(),
        kind: text(13)?.to_owned(),
        version: row.get(14)?,
        body: text(15)?.into(),
        hash: Hash(row.get(16)?),
    })
}

/// Returns a column as a number that is never negative.
pub(super) fn unsigned(row: &Row<'_>, at: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(at)?;
    u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(at, number))
}

fn unreadable(at: usize, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(at, rusqlite::types::Type::Text, Box::new(error))
}
