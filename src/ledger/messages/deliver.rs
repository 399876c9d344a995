//! Messages, given out and taken back.

use rusqlite::{Connection, OptionalExtension as _, params};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{super::sqlite::records::int, dead, rows};
use crate::domain::{
    message::{
        Delivery, Message, MessageSeq, Name, Reader,
        delivery::{Held, Reason, Terms, Verdict},
    },
    refusal::Refusal,
    time::{MINUTE, Timestamp},
};

/// The most messages that one subscriber may have in hand: who acknowledges nothing is given nothing more.
pub const MAX_HELD: usize = 1_000;

/// The most subscribers and inboxes that a ledger may have: four for each agent that it may have.
pub const MAX_SUBSCRIBERS: u64 = 4_000;

/// How exactly it is noted when a subscriber was last there: a look that finds nothing writes nothing.
const SEEN_EXACT_TO: i64 = MINUTE;

/// Where a subscriber begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// Behind the last message; a subscriber that is known goes on where it stands.
    Here,
    /// Behind this message.
    After(MessageSeq),
    /// With the first message that was sent at this moment or later.
    Since(Timestamp),
}

/// A subscriber's row.
struct Subscriber {
    id: i64,
    cursor: MessageSeq,
    seen: Timestamp,
}

fn find(db: &Connection, reader: &Reader) -> rusqlite::Result<Option<Subscriber>> {
    db.prepare_cached("SELECT id, cursor, seen FROM subscribers WHERE address = ?1 AND name = ?2")?
        .query_row(
            params![reader.address().to_string(), reader.name().as_str()],
            |row| {
                Ok(Subscriber {
                    id: row.get(0)?,
                    cursor: rows::whole(row, 1)?,
                    seen: Timestamp(row.get(2)?),
                })
            },
        )
        .optional()
}

/// Returns whether there is such a subscriber or inbox.
pub(super) fn knows(db: &Connection, reader: &Reader) -> rusqlite::Result<bool> {
    find(db, reader).map(|found| found.is_some())
}

/// Adds a subscriber that is not there yet.
fn add(
    db: &Connection,
    reader: &Reader,
    cursor: MessageSeq,
    seen: Timestamp,
) -> rusqlite::Result<Result<Subscriber, Refusal>> {
    let count = "SELECT count(*) FROM subscribers";
    let count = |db: &Connection| db.query_row(count, [], |row| rows::whole(row, 0));
    if count(db)? >= MAX_SUBSCRIBERS {
        // Inboxes where nothing waits are made again when something comes.
        db.execute(
            "DELETE FROM subscribers WHERE address LIKE '@%' AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.subscriber = id) \
             AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.address = subscribers.address AND m.seq > cursor AND settled = 0)",
            [],
        )?;
        if count(db)? >= MAX_SUBSCRIBERS {
            return Ok(Err(Refusal::Limit {
                what: "subscribers and inboxes".into(),
                limit: MAX_SUBSCRIBERS,
            }));
        }
    }
    db.prepare_cached(
        "INSERT INTO subscribers (address, name, cursor, seen) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![
        reader.address().to_string(),
        reader.name().as_str(),
        int(cursor),
        seen.0
    ])?;
    Ok(Ok(Subscriber {
        id: db.last_insert_rowid(),
        cursor,
        seen,
    }))
}

/// Sees to it that an inbox is there. One that nobody ever looked after was last seen at 0.
pub(super) fn open_inbox(db: &Connection, name: &Name) -> rusqlite::Result<Result<(), Refusal>> {
    let reader = Reader::of_inbox(name.clone());
    if find(db, &reader)?.is_some() {
        return Ok(Ok(()));
    }
    // What was sent before it was forgotten was done with.
    let last = rows::last(db)?;
    Ok(add(db, &reader, last, Timestamp(0))?.map(drop))
}

fn found_or_added(
    db: &Connection,
    reader: &Reader,
    now: Timestamp,
) -> rusqlite::Result<Result<Subscriber, Refusal>> {
    match find(db, reader)? {
        Some(found) => Ok(Ok(found)),
        None => {
            let last = rows::last(db)?;
            add(db, reader, last, now)
        }
    }
}

/// Has a subscriber begin somewhere.
pub(super) fn subscribe(
    db: &Connection,
    reader: &Reader,
    start: Start,
    now: Timestamp,
) -> rusqlite::Result<Result<(), Refusal>> {
    let subscriber = match found_or_added(db, reader, now)? {
        Ok(subscriber) => subscriber,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let cursor = match start {
        Start::Here => subscriber.cursor,
        Start::After(seq) => seq.min(rows::last(db)?),
        Start::Since(since) => {
            let first = rows::after(db, Some(reader.address()), 0, Some(since), 1)?;
            match first.first() {
                Some(message) => message.seq.saturating_sub(1),
                None => rows::last(db)?,
            }
        }
    };
    move_cursor(db, subscriber.id, cursor, now)?;
    Ok(Ok(()))
}

fn move_cursor(
    db: &Connection,
    id: i64,
    cursor: MessageSeq,
    now: Timestamp,
) -> rusqlite::Result<()> {
    db.prepare_cached("UPDATE subscribers SET cursor = ?2, seen = ?3 WHERE id = ?1")?
        .execute(params![id, int(cursor), now.0])
        .map(drop)
}

/// Forgets a subscriber.
pub(super) fn unsubscribe(db: &Connection, reader: &Reader) -> rusqlite::Result<bool> {
    let Some(subscriber) = find(db, reader)? else {
        return Ok(false);
    };
    let held = held(db, subscriber.id)?;
    db.prepare_cached("DELETE FROM deliveries WHERE subscriber = ?1")?
        .execute([subscriber.id])?;
    db.prepare_cached("DELETE FROM subscribers WHERE id = ?1")?
        .execute([subscriber.id])?;
    for (seq, _) in held {
        dead::drop_unneeded(db, seq)?;
    }
    Ok(true)
}

/// Returns what a subscriber has in hand, in order.
fn held(db: &Connection, id: i64) -> rusqlite::Result<Vec<(MessageSeq, Held)>> {
    db.prepare_cached(
        "SELECT seq, attempts, due, expired FROM deliveries WHERE subscriber = ?1 ORDER BY seq",
    )?
    .query_map([id], |row| {
        let held = Held {
            attempts: row.get(1)?,
            due: Timestamp(row.get(2)?),
            expired: row.get(3)?,
        };
        Ok((rows::whole(row, 0)?, held))
    })?
    .collect()
}

fn hold(db: &Connection, id: i64, seq: MessageSeq, held: Held) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT OR REPLACE INTO deliveries VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![
            id,
            int(seq),
            held.attempts,
            held.due.0,
            held.expired
        ])
        .map(drop)
}

/// Lets go of a message in a subscriber's hands; returns how often it was given out, if it was there.
fn let_go(db: &Connection, id: i64, seq: MessageSeq) -> rusqlite::Result<Option<u32>> {
    let attempts = db
        .prepare_cached("SELECT attempts FROM deliveries WHERE subscriber = ?1 AND seq = ?2")?
        .query_row(params![id, int(seq)], |row| row.get(0))
        .optional()?;
    if attempts.is_some() {
        db.prepare_cached("DELETE FROM deliveries WHERE subscriber = ?1 AND seq = ?2")?
            .execute(params![id, int(seq)])?;
    }
    Ok(attempts)
}

/// Gives out what comes back, then what is new.
pub(super) fn take(
    db: &Connection,
    terms: &Terms,
    reader: &Reader,
    limit: usize,
    now: Timestamp,
) -> rusqlite::Result<Result<Vec<Delivery>, Refusal>> {
    let subscriber = match found_or_added(db, reader, now)? {
        Ok(subscriber) => subscriber,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let mut given = Vec::new();
    let mut in_hand = 0;
    for (seq, held) in held(db, subscriber.id)? {
        in_hand += 1;
        match terms.judge(held, now) {
            Verdict::Leave => {}
            Verdict::Dead(reason) => {
                in_hand -= 1;
                let_go(db, subscriber.id, seq)?;
                dead::bury(db, seq, Some(reader.name()), reason, "", now, held.attempts)?;
            }
            Verdict::Again(again) if given.len() < limit => {
                if let Some(message) = rows::at(db, seq)? {
                    hold(db, subscriber.id, seq, again)?;
                    given.push(delivery(message, again));
                }
            }
            Verdict::Again(_) => {}
        }
    }
    let room = limit
        .saturating_sub(given.len())
        .min(MAX_HELD.saturating_sub(in_hand));
    let mut cursor = subscriber.cursor;
    if room > 0 {
        for message in unseen(db, reader, cursor, room)? {
            let first = terms.first(now);
            cursor = message.seq;
            hold(db, subscriber.id, message.seq, first)?;
            given.push(delivery(message, first));
        }
    }
    if cursor != subscriber.cursor || now.since(subscriber.seen) > SEEN_EXACT_TO {
        move_cursor(db, subscriber.id, cursor, now)?;
    }
    Ok(Ok(given))
}

fn delivery(message: Message, held: Held) -> Delivery {
    Delivery {
        message,
        attempt: held.attempts,
        due: held.due,
    }
}

/// Returns the next messages behind a cursor that are still worth giving out.
fn unseen(
    db: &Connection,
    reader: &Reader,
    cursor: MessageSeq,
    limit: usize,
) -> rusqlite::Result<Vec<Message>> {
    let sql = format!(
        "SELECT {} FROM messages m WHERE m.address = ?1 AND m.seq > ?2 AND m.settled = 0 ORDER BY m.seq LIMIT ?3",
        rows::COLUMNS
    );
    db.prepare_cached(&sql)?
        .query_map(
            params![reader.address().to_string(), int(cursor), int(limit as u64)],
            rows::message,
        )?
        .collect()
}

/// Acknowledges messages; returns how many were still in the reader's hands.
pub(super) fn acknowledge(
    db: &Connection,
    reader: &Reader,
    seqs: &[MessageSeq],
    now: Timestamp,
) -> rusqlite::Result<usize> {
    let Some(subscriber) = find(db, reader)? else {
        return Ok(0);
    };
    let mut done = 0;
    for seq in seqs {
        if let_go(db, subscriber.id, *seq)?.is_some() {
            dead::drop_unneeded(db, *seq)?;
            done += 1;
        }
    }
    if now.since(subscriber.seen) > SEEN_EXACT_TO {
        move_cursor(db, subscriber.id, subscriber.cursor, now)?;
    }
    Ok(done)
}

/// Acknowledges everything up to a message.
pub(super) fn acknowledge_through(
    db: &Connection,
    reader: &Reader,
    seq: MessageSeq,
    now: Timestamp,
) -> rusqlite::Result<Result<(), Refusal>> {
    let subscriber = match found_or_added(db, reader, now)? {
        Ok(subscriber) => subscriber,
        Err(refusal) => return Ok(Err(refusal)),
    };
    for (held, _) in held(db, subscriber.id)? {
        if held <= seq {
            let_go(db, subscriber.id, held)?;
            dead::drop_unneeded(db, held)?;
        }
    }
    let cursor = subscriber.cursor.max(seq.min(rows::last(db)?));
    move_cursor(db, subscriber.id, cursor, now)?;
    Ok(Ok(()))
}

/// Leaves messages for longer with the reader that has them; returns which it has still, and may have for longer.
pub(super) fn extend(
    db: &Connection,
    terms: &Terms,
    reader: &Reader,
    seqs: &[MessageSeq],
    now: Timestamp,
) -> rusqlite::Result<Vec<MessageSeq>> {
    set_due(db, reader, seqs, now.plus(terms.visibility))
}

/// Gives messages back that nobody looks after any more: they are due at once, and were given out as often as they were.
pub(super) fn give_back(
    db: &Connection,
    reader: &Reader,
    seqs: &[MessageSeq],
) -> rusqlite::Result<Vec<MessageSeq>> {
    set_due(db, reader, seqs, Timestamp(0))
}

fn set_due(
    db: &Connection,
    reader: &Reader,
    seqs: &[MessageSeq],
    due: Timestamp,
) -> rusqlite::Result<Vec<MessageSeq>> {
    let Some(subscriber) = find(db, reader)? else {
        return Ok(Vec::new());
    };
    // What is worth nothing any more dies when its time is up, and nobody's hands keep it alive.
    let mut put = db.prepare_cached(
        "UPDATE deliveries SET due = ?3 WHERE subscriber = ?1 AND seq = ?2 AND expired = 0",
    )?;
    let mut done = Vec::with_capacity(seqs.len());
    for seq in seqs {
        if put.execute(params![subscriber.id, int(*seq), due.0])? > 0 {
            done.push(*seq);
        }
    }
    Ok(done)
}

/// Makes a message in the reader's hands a dead letter.
pub(super) fn refuse(
    db: &Connection,
    reader: &Reader,
    seq: MessageSeq,
    note: &str,
    now: Timestamp,
) -> rusqlite::Result<bool> {
    let Some(subscriber) = find(db, reader)? else {
        return Ok(false);
    };
    let Some(attempts) = let_go(db, subscriber.id, seq)? else {
        return Ok(false);
    };
    let name = Some(reader.name());
    dead::bury(db, seq, name, Reason::Refused, note, now, attempts)?;
    Ok(true)
}

/// Takes a request back from wherever it is.
pub(super) fn withdraw(
    db: &Connection,
    seq: MessageSeq,
    now: Timestamp,
) -> rusqlite::Result<Option<(u64, Reason)>> {
    let Some(message) = rows::at(db, seq)? else {
        return Ok(None);
    };
    let attempts = db
        .prepare_cached("SELECT coalesce(max(attempts), 0) FROM deliveries WHERE seq = ?1")?
        .query_row([int(seq)], |row| row.get(0))?;
    db.prepare_cached("DELETE FROM deliveries WHERE seq = ?1")?
        .execute([int(seq)])?;
    db.prepare_cached("UPDATE messages SET settled = 1, expires = NULL WHERE seq = ?1")?
        .execute([int(seq)])?;
    let address = &message.draft.address;
    let looked_after = db
        .prepare_cached("SELECT count(*) > 0 FROM subscribers WHERE address = ?1 AND seen > 0")?
        .query_row([address.to_string()], |row| row.get(0))?;
    let reason = match looked_after {
        true => Reason::RequestTimeout,
        false => Reason::NoSubscriber,
    };
    let number = dead::bury(db, seq, address.owner(), reason, "", now, attempts)?;
    Ok(Some((number, reason)))
}
