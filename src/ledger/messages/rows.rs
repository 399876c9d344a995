//! Rows of messages, read.

use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, params, types::Type};
use uuid::Uuid;

use super::{super::sqlite::records::int, Announced};
use crate::domain::{
    message::{Address, Draft, Message, MessageSeq},
    order::Actor,
    record::ActorKind,
    time::Timestamp,
};

/// What every reading of messages selects, in this order.
pub(super) const COLUMNS: &str = "m.seq, m.address, m.time, m.expires, m.sender_kind, m.sender, m.correlation, m.reply_to, m.key, m.body";

/// How many columns that are: what a query selects besides comes behind them.
pub(super) const WIDTH: usize = 10;

/// Returns what a column should have held.
pub(super) fn unreadable(column: usize) -> rusqlite::Error {
    let what = "a stored value is not what was written";
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, what.into())
}

/// Returns a stored number that was unsigned when it was written.
pub(super) fn whole(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| unreadable(column))
}

/// Returns a stored text as what it was written from.
pub(super) fn parsed<T: std::str::FromStr>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text = row.get_ref(column)?.as_str()?;
    text.parse().map_err(|_| unreadable(column))
}

/// Reads a message.
pub(super) fn message(row: &Row<'_>) -> rusqlite::Result<Message> {
    let kind = match row.get_ref(4)?.as_str()? {
        "person" => ActorKind::Person,
        "agent" => ActorKind::Agent,
        _ => ActorKind::System,
    };
    let correlation: Option<[u8; 16]> = row.get(6)?;
    let reply_to: Option<String> = row.get(7)?;
    Ok(Message {
        seq: whole(row, 0)?,
        time: Timestamp(row.get(2)?),
        draft: Draft {
            address: parsed(row, 1)?,
            sender: Actor {
                kind,
                name: row.get(5)?,
            },
            body: row.get(9)?,
            correlation: correlation.map(Uuid::from_bytes),
            reply_to: reply_to
                .map(|text| text.parse().map_err(|_| unreadable(7)))
                .transpose()?,
            key: row.get(8)?,
            expires: row.get::<_, Option<i64>>(3)?.map(Timestamp),
        },
    })
}

/// Returns one of the file's own numbers.
fn meta(db: &Connection, name: &str) -> rusqlite::Result<Option<u64>> {
    db.prepare_cached("SELECT value FROM meta WHERE name = ?1")?
        .query_row([name], |row| whole(row, 0))
        .optional()
}

fn set_meta(db: &Connection, name: &str, value: u64) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT OR REPLACE INTO meta VALUES (?1, ?2)")?
        .execute(params![name, int(value)])
        .map(drop)
}

/// Returns up to where the ledger was announced.
pub(super) fn announced(db: &Connection) -> rusqlite::Result<Option<Announced>> {
    let (incarnation, seq) = (meta(db, "incarnation")?, meta(db, "announced")?);
    Ok(incarnation
        .zip(seq)
        .map(|(incarnation, seq)| Announced { incarnation, seq }))
}

/// Notes up to where the ledger was announced.
pub(super) fn set_announced(db: &Connection, now: Announced) -> rusqlite::Result<()> {
    set_meta(db, "incarnation", now.incarnation)?;
    set_meta(db, "announced", now.seq)
}

/// Returns the place up to which messages are no longer kept; only what is in somebody's hands or dead is there still.
pub(super) fn floor(db: &Connection) -> rusqlite::Result<MessageSeq> {
    meta(db, "floor").map(Option::unwrap_or_default)
}

/// Moves that place.
pub(super) fn set_floor(db: &Connection, floor: MessageSeq) -> rusqlite::Result<()> {
    set_meta(db, "floor", floor)
}

/// A sum of bytes of bodies that the file keeps beside its rows: to add them up would read every row.
#[derive(Clone, Copy)]
pub(super) enum Bytes {
    /// Of the messages that are kept.
    Kept,
    /// Of the dead letters, each with its own.
    Dead,
}

impl Bytes {
    fn name(self) -> &'static str {
        match self {
            Bytes::Kept => "kept_bytes",
            Bytes::Dead => "dead_bytes",
        }
    }

    /// Returns the sum, if it is there.
    pub(super) fn noted(self, db: &Connection) -> rusqlite::Result<Option<u64>> {
        meta(db, self.name())
    }

    /// Returns the sum. A file of an earlier obeya has none yet: then it is added up once.
    pub(super) fn get(self, db: &Connection) -> rusqlite::Result<u64> {
        if let Some(known) = self.noted(db)? {
            return Ok(known);
        }
        let sum = match self {
            Bytes::Kept => {
                let floor = int(floor(db)?);
                let sql =
                    "SELECT coalesce(sum(octet_length(body)), 0) FROM messages WHERE seq > ?1";
                db.query_row(sql, [floor], |row| whole(row, 0))?
            }
            Bytes::Dead => {
                let sql = "SELECT coalesce(sum(octet_length(m.body)), 0) FROM dead d JOIN messages m ON m.seq = d.seq";
                db.query_row(sql, [], |row| whole(row, 0))?
            }
        };
        set_meta(db, self.name(), sum)?;
        Ok(sum)
    }

    /// Notes the sum. It must have been got before its rows changed, so that nothing counts twice.
    pub(super) fn set(self, db: &Connection, sum: u64) -> rusqlite::Result<()> {
        set_meta(db, self.name(), sum)
    }
}

/// Returns how many bytes a message's body has; none if it is not there.
pub(super) fn size(db: &Connection, seq: MessageSeq) -> rusqlite::Result<u64> {
    db.prepare_cached("SELECT octet_length(body) FROM messages WHERE seq = ?1")?
        .query_row([int(seq)], |row| whole(row, 0))
        .optional()
        .map(Option::unwrap_or_default)
}

/// Returns the last message's place: there is one at the floor or behind it, since places are never given twice.
pub(super) fn last(db: &Connection) -> rusqlite::Result<MessageSeq> {
    let newest = db
        .prepare_cached("SELECT max(seq) FROM messages")?
        .query_row([], |row| row.get::<_, Option<i64>>(0))?;
    let newest = u64::try_from(newest.unwrap_or_default()).map_err(|_| unreadable(0))?;
    Ok(newest.max(floor(db)?))
}

/// Returns one message.
pub(super) fn at(db: &Connection, seq: MessageSeq) -> rusqlite::Result<Option<Message>> {
    db.prepare_cached(&format!("SELECT {COLUMNS} FROM messages m WHERE seq = ?1"))?
        .query_row([int(seq)], message)
        .optional()
}

/// Returns kept messages after a place.
pub(super) fn after(
    db: &Connection,
    address: Option<&Address>,
    after: MessageSeq,
    since: Option<Timestamp>,
    limit: usize,
) -> rusqlite::Result<Vec<Message>> {
    let after = int(after.max(floor(db)?));
    let since = since.map_or(i64::MIN, |since| since.0);
    let limit = int(limit as u64);
    let address = address.map(ToString::to_string);
    let mut given: Vec<&dyn ToSql> = vec![&after, &since, &limit];
    let place = match &address {
        Some(address) => {
            given.push(address);
            "m.address = ?4 AND"
        }
        None => "",
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM messages m WHERE {place} m.seq > ?1 AND m.time >= ?2 ORDER BY m.seq LIMIT ?3"
    );
    db.prepare_cached(&sql)?
        .query_map(given.as_slice(), message)?
        .collect()
}
