//! Dead letters: kept with their reason until somebody puts them back or throws them away.

use rusqlite::{Connection, OptionalExtension as _, params};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{super::sqlite::records::int, rows, rows::Bytes};
use crate::domain::{
    message::{DeadLetter, MessageSeq, Name, delivery::Reason},
    refusal::Refusal,
    time::Timestamp,
};

/// The most dead letters that are kept, the newest: nobody looks through more, and a receiver that refuses everything fills
/// no disk.
pub const MAX_DEAD: u64 = 10_000;

/// Which dead letters are meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Letters {
    /// These, by number.
    These(Vec<u64>),
    /// Every one.
    All,
}

/// Makes a message a dead letter of a subscriber, or of nobody; returns its number. One that is there already stays as it
/// is.
pub(super) fn bury(
    db: &Connection,
    seq: MessageSeq,
    subscriber: Option<&Name>,
    reason: Reason,
    note: &str,
    now: Timestamp,
    attempts: u32,
) -> rusqlite::Result<u64> {
    let whose = subscriber.map_or("", Name::as_str);
    let bytes = Bytes::Dead.get(db)?;
    let fresh = db.prepare_cached(
        "INSERT OR IGNORE INTO dead (seq, subscriber, reason, note, at, attempts) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![int(seq), whose, reason.word(), note, now.0, attempts])?;
    if fresh > 0 {
        Bytes::Dead.set(db, bytes + rows::size(db, seq)?)?;
    }
    let number = db
        .prepare_cached("SELECT number FROM dead WHERE seq = ?1 AND subscriber = ?2")?
        .query_row(params![int(seq), whose], |row| rows::whole(row, 0))?;
    trim(db, number.saturating_sub(MAX_DEAD))?;
    Ok(number)
}

/// Throws the oldest away, up to a number.
fn trim(db: &Connection, up_to: u64) -> rusqlite::Result<()> {
    let old: Vec<u64> = db
        .prepare_cached("SELECT number FROM dead WHERE number <= ?1")?
        .query_map([int(up_to)], |row| rows::whole(row, 0))?
        .collect::<Result<_, _>>()?;
    old.into_iter().try_for_each(|number| remove(db, number))
}

/// Throws the oldest away while all together have more than so many bytes.
pub(super) fn trim_bytes(db: &Connection, limit: u64) -> rusqlite::Result<()> {
    while Bytes::Dead.get(db)? > limit {
        let oldest: Option<u64> = db
            .prepare_cached("SELECT min(number) FROM dead")?
            .query_row([], |row| row.get::<_, Option<i64>>(0))?
            .and_then(|number| u64::try_from(number).ok());
        match oldest {
            Some(number) => remove(db, number)?,
            None => return Bytes::Dead.set(db, 0),
        }
    }
    Ok(())
}

/// Returns the newest, newest first.
pub(super) fn list(db: &Connection, limit: usize) -> rusqlite::Result<Vec<DeadLetter>> {
    select(
        db,
        "1 = 1 ORDER BY d.number DESC LIMIT ?1",
        int(limit as u64),
    )
}

/// Returns how many there are.
pub(super) fn count(db: &Connection) -> rusqlite::Result<u64> {
    db.prepare_cached("SELECT count(*) FROM dead")?
        .query_row([], |row| rows::whole(row, 0))
}

fn select(db: &Connection, place: &str, given: i64) -> rusqlite::Result<Vec<DeadLetter>> {
    let sql = format!(
        "SELECT {}, d.number, d.subscriber, d.reason, d.note, d.at, d.attempts FROM dead d JOIN messages m ON m.seq = d.seq WHERE {place}",
        rows::COLUMNS
    );
    db.prepare_cached(&sql)?
        .query_map([given], |row| {
            let at = |n| rows::WIDTH + n;
            let subscriber: String = row.get(at(1))?;
            Ok(DeadLetter {
                message: rows::message(row)?,
                number: rows::whole(row, at(0))?,
                subscriber: match subscriber.is_empty() {
                    true => None,
                    false => Some(subscriber.parse().map_err(|_| rows::unreadable(at(1)))?),
                },
                reason: rows::parsed(row, at(2))?,
                note: row.get(at(3))?,
                at: Timestamp(row.get(at(4))?),
                attempts: row.get(at(5))?,
            })
        })?
        .collect()
}

/// Returns the numbers of those that are meant; one that is not there is a refusal.
fn meant(db: &Connection, letters: &Letters) -> rusqlite::Result<Result<Vec<u64>, Refusal>> {
    let Letters::These(numbers) = letters else {
        let all = db
            .prepare_cached("SELECT number FROM dead ORDER BY number")?
            .query_map([], |row| rows::whole(row, 0))?
            .collect::<Result<_, _>>()?;
        return Ok(Ok(all));
    };
    for number in numbers {
        let there: Option<u64> = db
            .prepare_cached("SELECT number FROM dead WHERE number = ?1")?
            .query_row([int(*number)], |row| rows::whole(row, 0))
            .optional()?;
        if there.is_none() {
            let why = format!(
                "there is no dead letter {number}; `obeya bus dead-letters list` shows them"
            );
            return Ok(Err(Refusal::invalid("number", why)));
        }
    }
    Ok(Ok(numbers.clone()))
}

/// Puts letters back into the hands of whom they were meant for, due at once and counted from nought.
pub(super) fn requeue(
    db: &Connection,
    letters: &Letters,
) -> rusqlite::Result<Result<u64, Refusal>> {
    let numbers = match meant(db, letters)? {
        Ok(numbers) => numbers,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let mut takers = Vec::new();
    for number in &numbers {
        let Some(letter) = select(db, "d.number = ?1", int(*number))?.pop() else {
            continue;
        };
        let address = letter.message.draft.address.to_string();
        let whose = letter.subscriber.as_ref().map_or("", Name::as_str);
        let found: Vec<i64> = db
            .prepare_cached(
                "SELECT id FROM subscribers WHERE address = ?1 AND (name = ?2 OR ?2 = '')",
            )?
            .query_map(params![address, whose], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        if found.is_empty() {
            let why = format!(
                "dead letter {number} goes to {address}, where nobody takes it now; subscribe first, or purge it"
            );
            return Ok(Err(Refusal::invalid("number", why)));
        }
        takers.push((*number, letter.message.seq, found));
    }
    // Only now, so that a refusal has moved nothing.
    for (number, seq, found) in &takers {
        for id in found {
            db.prepare_cached("INSERT OR REPLACE INTO deliveries VALUES (?1, ?2, 0, 0, 0)")?
                .execute(params![id, int(*seq)])?;
        }
        forget(db, *number)?;
    }
    Ok(Ok(takers.len() as u64))
}

/// Throws letters away.
pub(super) fn purge(db: &Connection, letters: &Letters) -> rusqlite::Result<Result<u64, Refusal>> {
    let numbers = match meant(db, letters)? {
        Ok(numbers) => numbers,
        Err(refusal) => return Ok(Err(refusal)),
    };
    numbers.iter().try_for_each(|number| remove(db, *number))?;
    Ok(Ok(numbers.len() as u64))
}

/// Takes a letter out of the list, and returns its message's place.
fn forget(db: &Connection, number: u64) -> rusqlite::Result<Option<MessageSeq>> {
    let bytes = Bytes::Dead.get(db)?;
    let seq = db
        .prepare_cached("DELETE FROM dead WHERE number = ?1 RETURNING seq")?
        .query_row([int(number)], |row| rows::whole(row, 0))
        .optional()?;
    if let Some(seq) = seq {
        Bytes::Dead.set(db, bytes.saturating_sub(rows::size(db, seq)?))?;
    }
    Ok(seq)
}

fn remove(db: &Connection, number: u64) -> rusqlite::Result<()> {
    forget(db, number)?.map_or(Ok(()), |seq| drop_unneeded(db, seq))
}

/// Deletes a message that is kept no longer and that neither a reader nor a dead letter needs.
pub(super) fn drop_unneeded(db: &Connection, seq: MessageSeq) -> rusqlite::Result<()> {
    if seq > rows::floor(db)? {
        return Ok(());
    }
    db.prepare_cached(
        "DELETE FROM messages WHERE seq = ?1 AND NOT EXISTS (SELECT 1 FROM deliveries WHERE deliveries.seq = ?1) \
         AND NOT EXISTS (SELECT 1 FROM dead WHERE dead.seq = ?1)",
    )?
    .execute([int(seq)])
    .map(drop)
}
