//! Messages at a glance.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use super::{super::sqlite::records::int, dead, rows};
use crate::domain::{
    message::{
        Address, AddressView, BusView, DeliveryView, Reader, SubscriberView, Topic,
        delivery::DeliveryState,
    },
    query::value::Moment,
    time::Timestamp,
};

/// Returns every address with its subscribers.
pub(super) fn overview(db: &Connection) -> rusqlite::Result<BusView> {
    let mut found: BTreeMap<Address, AddressView> = BTreeMap::new();
    for topic in Topic::ALL {
        found.insert((*topic).into(), empty((*topic).into()));
    }
    let floor = int(rows::floor(db)?);
    let mut get = db.prepare_cached(
        "SELECT address, count(*), max(seq), max(time) FROM messages WHERE seq > ?1 GROUP BY address",
    )?;
    let mut kept = get.query([floor])?;
    while let Some(row) = kept.next()? {
        let address: Address = rows::parsed(row, 0)?;
        let view = found
            .entry(address.clone())
            .or_insert_with(|| empty(address));
        view.messages = rows::whole(row, 1)?;
        view.last_seq = Some(rows::whole(row, 2)?);
        view.last_at = Some(Moment(Timestamp(row.get(3)?)));
    }
    let mut get = db.prepare_cached(
        "SELECT address, name, cursor, seen, \
         (SELECT count(*) FROM messages m WHERE m.address = s.address AND m.seq > s.cursor AND m.settled = 0), \
         (SELECT count(*) FROM deliveries d WHERE d.subscriber = s.id) \
         FROM subscribers s ORDER BY name",
    )?;
    let mut takers = get.query([])?;
    while let Some(row) = takers.next()? {
        let address: Address = rows::parsed(row, 0)?;
        let view = found
            .entry(address.clone())
            .or_insert_with(|| empty(address));
        view.subscribers.push(SubscriberView {
            name: rows::parsed(row, 1)?,
            cursor: rows::whole(row, 2)?,
            seen_at: Moment(Timestamp(row.get(3)?)),
            queued: rows::whole(row, 4)?,
            delivered: rows::whole(row, 5)?,
        });
    }
    // The inbox of an answer goes with its request; what was sent there is history.
    found.retain(|address, view| address.owner().is_none() || !view.subscribers.is_empty());
    Ok(BusView {
        addresses: found.into_values().collect(),
        dead_letters: dead::count(db)?,
    })
}

fn empty(address: Address) -> AddressView {
    AddressView {
        address,
        messages: 0,
        last_seq: None,
        last_at: None,
        subscribers: vec![],
    }
}

/// Returns what a reader has not acknowledged: what somebody has, and what is queued, oldest first.
pub(super) fn pending(
    db: &Connection,
    reader: &Reader,
    limit: usize,
) -> rusqlite::Result<Vec<DeliveryView>> {
    let sql = format!(
        "SELECT {}, d.attempts, d.due FROM messages m, subscribers s LEFT JOIN deliveries d ON d.subscriber = s.id AND d.seq = m.seq \
         WHERE s.address = ?1 AND s.name = ?2 AND m.address = s.address \
         AND (d.seq IS NOT NULL OR (m.seq > s.cursor AND m.settled = 0)) ORDER BY m.seq LIMIT ?3",
        rows::COLUMNS
    );
    db.prepare_cached(&sql)?
        .query_map(
            params![
                reader.address().to_string(),
                reader.name().as_str(),
                int(limit as u64)
            ],
            |row| {
                let message = rows::message(row)?;
                let attempts: Option<u32> = row.get(rows::WIDTH)?;
                let due: Option<i64> = row.get(rows::WIDTH + 1)?;
                // What was put back is due since ever, and nobody has it.
                let given = due.filter(|due| *due > 0);
                Ok(DeliveryView {
                    message: (&message).into(),
                    state: match given {
                        Some(_) => DeliveryState::Delivered,
                        None => DeliveryState::Queued,
                    },
                    attempts: attempts.unwrap_or_default(),
                    due_at: given.map(|due| Moment(Timestamp(due))),
                })
            },
        )?
        .collect()
}
