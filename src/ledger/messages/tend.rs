//! What time does to messages: they expire, and old ones are kept no longer.

use rusqlite::{Connection, params};

use super::{super::sqlite::records::int, dead, rows, rows::Bytes};
use crate::domain::{
    message::{
        MessageSeq, Name,
        delivery::{Reason, Terms},
    },
    time::Timestamp,
};

/// How many messages are settled in one turn: the rest waits for the next, so that no turn takes long.
const AT_ONCE: u64 = 256;

/// Settles what expired, and what is kept no longer.
pub(super) fn tend(db: &Connection, terms: &Terms, now: Timestamp) -> rusqlite::Result<()> {
    let expired: Vec<u64> = db
        .prepare_cached(
            "SELECT seq FROM messages WHERE expires IS NOT NULL AND expires <= ?1 ORDER BY expires LIMIT ?2",
        )?
        .query_map(params![now.0, int(AT_ONCE)], |row| rows::whole(row, 0))?
        .collect::<Result<_, _>>()?;
    for seq in expired {
        settle(db, seq, now)?;
    }
    let mut floor = rows::floor(db)?;
    let last = rows::last(db)?;
    let beyond = last.saturating_sub(floor).saturating_sub(terms.keep);
    let before = Bytes::Kept.get(db)?;
    let (mut settled, mut bytes) = (0, before);
    while settled < AT_ONCE {
        // The floor itself is skipped by the index, so that this reads one row.
        let next: Option<(u64, i64, u64)> = db
            .prepare_cached(
                "SELECT seq, time, octet_length(body) FROM messages WHERE seq > ?1 ORDER BY seq LIMIT 1",
            )?
            .query_map([int(floor)], |row| {
                Ok((rows::whole(row, 0)?, row.get(1)?, rows::whole(row, 2)?))
            })?
            .next()
            .transpose()?;
        let Some((seq, time, size)) = next else { break };
        let old = now.since(Timestamp(time)) > terms.keep_for;
        if !old && settled >= beyond && bytes <= terms.keep_bytes {
            break;
        }
        floor = seq;
        settle(db, floor, now)?;
        rows::set_floor(db, floor)?;
        dead::drop_unneeded(db, floor)?;
        bytes = bytes.saturating_sub(size);
        settled += 1;
    }
    if bytes != before {
        Bytes::Kept.set(db, bytes)?;
    }
    dead::trim_bytes(db, terms.keep_bytes)
}

/// Has a message given out no more: to whom it was still to come, it is a dead letter; in whose hands it is, it is one when
/// its time there is up.
fn settle(db: &Connection, seq: MessageSeq, now: Timestamp) -> rusqlite::Result<()> {
    let (address, expires, settled): (String, Option<i64>, bool) = db
        .prepare_cached("SELECT address, expires, settled FROM messages WHERE seq = ?1")?
        .query_row([int(seq)], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
    if settled {
        return Ok(());
    }
    let takers: Vec<(i64, String, bool)> = db
        .prepare_cached("SELECT id, name, cursor < ?2 FROM subscribers WHERE address = ?1")?
        .query_map(params![address, int(seq)], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?
        .collect::<Result<_, _>>()?;
    if takers.is_empty() && expires.is_some() {
        // It was to reach somebody by then; what merely was news to nobody is not mourned.
        dead::bury(db, seq, None, Reason::NoSubscriber, "", now, 0)?;
    }
    for (id, name, queued) in takers {
        let held = db
            .prepare_cached("UPDATE deliveries SET expired = 1 WHERE subscriber = ?1 AND seq = ?2")?
            .execute(params![id, int(seq)])?;
        if queued && held == 0 {
            let name: Name = name.parse().map_err(|_| rows::unreadable(1))?;
            dead::bury(db, seq, Some(&name), Reason::Expired, "", now, 0)?;
        }
    }
    db.prepare_cached("UPDATE messages SET settled = 1, expires = NULL WHERE seq = ?1")?
        .execute([int(seq)])
        .map(drop)
}
