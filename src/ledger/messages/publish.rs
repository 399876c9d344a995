//! Messages, written.

use rusqlite::{CachedStatement, Connection, OptionalExtension as _, params};
use uuid::Uuid;

use super::{super::sqlite::records::int, deliver, rows, rows::Bytes};
use crate::domain::{
    message::{Address, Draft, MessageSeq, Sent, delivery::Terms},
    refusal::Refusal,
    time::Timestamp,
};

const INSERT: &str = "INSERT INTO messages (seq, address, time, expires, sender_kind, sender, correlation, reply_to, key, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";

/// Writes what may be sent; returns what became of each.
pub(super) fn publish(
    db: &Connection,
    terms: &Terms,
    drafts: &[Draft],
    now: Timestamp,
) -> rusqlite::Result<Vec<Result<Sent, Refusal>>> {
    let mut put = db.prepare_cached(INSERT)?;
    let mut seq = rows::last(db)?;
    let mut bytes = Bytes::Kept.get(db)?;
    let mut sent = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let ruled = match draft.check(now) {
            Ok(()) => known(db, draft)?,
            Err(refusal) => Err(refusal),
        };
        let ruled = match ruled {
            Ok(None) => prepared(db, &draft.address)?,
            Ok(Some(known)) => {
                sent.push(Ok(Sent {
                    seq: known,
                    fresh: false,
                }));
                continue;
            }
            Err(refusal) => Err(refusal),
        };
        sent.push(match ruled {
            Ok(()) => {
                seq += 1;
                insert(&mut put, seq, now, expiry(terms, draft, now), draft)?;
                bytes += draft.body.len() as u64;
                Ok(Sent { seq, fresh: true })
            }
            Err(refusal) => Err(refusal),
        });
    }
    Bytes::Kept.set(db, bytes)?;
    Ok(sent)
}

/// Returns when a message is no longer worth anything. What goes to a topic is news, and lasts as long as it is kept.
fn expiry(terms: &Terms, draft: &Draft, now: Timestamp) -> Option<Timestamp> {
    let mail = draft.address.owner().is_some();
    let usual = terms.ttl.filter(|_| mail).map(|ttl| now.plus(ttl));
    draft.expires.or(usual)
}

/// Writes announcements of the ledger's records; returns the last one's place.
pub(super) fn announce(
    db: &Connection,
    told: &[(Timestamp, Draft)],
) -> rusqlite::Result<MessageSeq> {
    let mut put = db.prepare_cached(INSERT)?;
    let mut seq = rows::last(db)?;
    let mut bytes = Bytes::Kept.get(db)?;
    for (time, draft) in told {
        seq += 1;
        insert(&mut put, seq, *time, None, draft)?;
        bytes += draft.body.len() as u64;
    }
    Bytes::Kept.set(db, bytes)?;
    Ok(seq)
}

fn insert(
    put: &mut CachedStatement<'_>,
    seq: MessageSeq,
    time: Timestamp,
    expires: Option<Timestamp>,
    draft: &Draft,
) -> rusqlite::Result<()> {
    let inbox;
    let address = match &draft.address {
        Address::Topic(topic) => topic.word(),
        Address::Inbox(_) => {
            inbox = draft.address.to_string();
            inbox.as_str()
        }
    };
    put.execute(params![
        int(seq),
        address,
        time.0,
        expires.map(|at| at.0),
        draft.sender.kind.word(),
        draft.sender.name,
        draft.correlation.as_ref().map(Uuid::as_bytes),
        draft.reply_to.as_ref().map(ToString::to_string),
        draft.key,
        draft.body,
    ])
    .map(drop)
}

/// Returns the message that was sent under the draft's key before, if any; another message under it is a refusal.
fn known(db: &Connection, draft: &Draft) -> rusqlite::Result<Result<Option<MessageSeq>, Refusal>> {
    let Some(key) = &draft.key else {
        return Ok(Ok(None));
    };
    let found = db
        .prepare_cached(
            "SELECT seq, address = ?4 AND body = ?5 FROM messages WHERE sender_kind = ?1 AND sender = ?2 AND key = ?3",
        )?
        .query_row(
            params![
                draft.sender.kind.word(),
                draft.sender.name,
                key,
                draft.address.to_string(),
                draft.body
            ],
            |row| Ok((rows::whole(row, 0)?, row.get::<_, bool>(1)?)),
        )
        .optional()?;
    Ok(match found {
        Some((seq, true)) => Ok(Some(seq)),
        Some((seq, false)) => {
            let why = format!("message {seq} was sent under this key and says something else");
            Err(Refusal::invalid("key", why))
        }
        None => Ok(None),
    })
}

/// Sees to it that an inbox keeps what comes, before anybody looks after it.
fn prepared(db: &Connection, address: &Address) -> rusqlite::Result<Result<(), Refusal>> {
    match address {
        Address::Topic(_) => Ok(Ok(())),
        Address::Inbox(name) => deliver::open_inbox(db, name),
    }
}
