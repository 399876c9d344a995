//! The audit as rows: appended, bounded and read.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::audit::{AuditEntry, AuditFilter, AuditOutcome, AuditPage, AuditRow, DENIED};
use crate::{
    domain::{
        order::Actor,
        record::ActorKind,
        time::{SECOND, Timestamp},
    },
    ledger::sqlite::records::int,
};

/// How many rows are kept, the newest: about 20 MB, and weeks of a busy site. Between two tidyings there may be
/// `TIDY_EVERY` more.
pub const MAX_ROWS: u64 = 100_000;

/// After how many new rows the oldest are forgotten: to count them all at each one would cost more than to write it.
const TIDY_EVERY: i64 = 1_000;

/// How many of them may be denials: those who are denied must not push out what was done.
pub const MAX_DENIED_ROWS: u64 = 25_000;

/// How many addresses have a denied row of their own in one second; those of all others are counted in one row.
pub const MAX_DENIED_A_SECOND: u64 = 32;

/// What stands for the address of those who were too many for a row each.
pub const MANY: &str = "(many)";

/// Appends entries in order, then forgets the oldest rows beyond what is kept.
pub(super) fn append(db: &Connection, entries: &[AuditEntry]) -> rusqlite::Result<()> {
    let before = newest(db)?;
    for entry in entries {
        let entry = entry.cleaned();
        match entry.outcome.is_denied() {
            true => deny(db, entry)?,
            false => insert(db, &entry)?,
        }
    }
    match newest(db)? / TIDY_EVERY > before / TIDY_EVERY {
        true => forget(db),
        false => Ok(()),
    }
}

/// Returns the number of the newest row, 0 if there is none.
fn newest(db: &Connection) -> rusqlite::Result<i64> {
    db.prepare_cached("SELECT coalesce(max(number), 0) FROM audit")?
        .query_row([], |row| row.get(0))
}

/// Appends a denial: one row a second for an address, and so many addresses a second.
fn deny(db: &Connection, entry: AuditEntry) -> rusqlite::Result<()> {
    if count_in(db, &entry.address, &entry)? {
        return Ok(());
    }
    let recent: u64 = db
        .prepare_cached(
            "SELECT count(*) FROM (SELECT at FROM audit WHERE outcome = 'denied' AND number > \
             ?1) WHERE at > ?2 AND at <= ?3",
        )?
        .query_row(
            params![
                newest(db)? - int(4 * MAX_DENIED_A_SECOND),
                entry.at.plus(-SECOND).0,
                entry.at.0
            ],
            |row| Ok(row.get::<_, i64>(0)?.unsigned_abs()),
        )?;
    if recent < MAX_DENIED_A_SECOND {
        return insert(db, &entry);
    }
    if count_in(db, MANY, &entry)? {
        return Ok(());
    }
    let address = MANY.to_owned();
    insert(db, &AuditEntry { address, ..entry })
}

/// Counts a denial in the row of this second that an address has; returns whether there is one.
fn count_in(db: &Connection, address: &str, entry: &AuditEntry) -> rusqlite::Result<bool> {
    let newest = db
        .prepare_cached(
            "SELECT number, at FROM audit WHERE outcome = 'denied' AND address = ?1 \
             ORDER BY number DESC LIMIT 1",
        )?
        .query_row([address], |row| Ok((row.get(0)?, Timestamp(row.get(1)?))))
        .optional()?;
    // Within a second either way: a clock that was set back makes no row for each denial.
    let same = |at: Timestamp| at.since(entry.at) < SECOND && entry.at.since(at) < SECOND;
    let Some((number, _)) = newest.filter(|(_, at): &(i64, Timestamp)| same(*at)) else {
        return Ok(false);
    };
    db.prepare_cached(
        "UPDATE audit SET count = count + ?2, last = max(last, ?3) WHERE number = ?1",
    )?
    .execute(params![number, int(entry.count), entry.at.0])?;
    Ok(true)
}

fn insert(db: &Connection, entry: &AuditEntry) -> rusqlite::Result<()> {
    let (why, first, last) = match &entry.outcome {
        AuditOutcome::Done {
            first_seq,
            last_seq,
        } => (None, *first_seq, *last_seq),
        AuditOutcome::Refused { code } => (Some(code), None, None),
        AuditOutcome::Denied { why } => (Some(why), None, None),
        AuditOutcome::Failed => (None, None, None),
    };
    db.prepare_cached(
        "INSERT INTO audit (at, last, count, actor_kind, actor, token, address, what, outcome, why, first_seq, last_seq) \
         VALUES (?1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?
    .execute(params![
        entry.at.0,
        int(entry.count),
        entry.actor.as_ref().map(|actor| actor.kind.word()),
        entry.actor.as_ref().map(|actor| actor.name.as_str()),
        entry.token.as_ref().map(|token| token.as_str()),
        entry.address,
        entry.what,
        entry.outcome.word(),
        why,
        first.map(int),
        last.map(int),
    ])
    .map(drop)
}

fn forget(db: &Connection) -> rusqlite::Result<()> {
    for (most, which) in [(MAX_DENIED_ROWS, "outcome = 'denied'"), (MAX_ROWS, "TRUE")] {
        let sql = format!(
            "DELETE FROM audit WHERE {which} AND number <= \
             (SELECT number FROM audit WHERE {which} ORDER BY number DESC LIMIT 1 OFFSET ?1)"
        );
        db.prepare_cached(&sql)?.execute([int(most)])?;
    }
    Ok(())
}

/// Returns at most `limit` rows that a filter admits.
pub(super) fn read(
    db: &Connection,
    filter: &AuditFilter,
    page: AuditPage,
    limit: usize,
) -> rusqlite::Result<Vec<AuditRow>> {
    let (above, below, order) = match page {
        AuditPage::Newest => (0, i64::MAX, "DESC"),
        AuditPage::Before(number) => (0, int(number), "DESC"),
        AuditPage::After(number) => (int(number), i64::MAX, "ASC"),
    };
    let sql = format!(
        "SELECT number, at, last, count, actor_kind, actor, token, address, what, outcome, why, first_seq, last_seq \
         FROM audit WHERE number > ?1 AND number < ?2 AND last >= ?3 AND (?4 IS NULL OR actor = ?4 \
         OR actor_kind || ':' || actor = ?4) \
         AND (?5 IS NULL OR token = ?5) AND (NOT ?6 OR outcome = 'denied') ORDER BY number {order} LIMIT ?7"
    );
    let since = filter.since.map_or(i64::MIN, |at| at.0);
    let mut get = db.prepare_cached(&sql)?;
    let rows = get.query_map(
        params![
            above,
            below,
            since,
            filter.actor,
            filter.token,
            filter.denied,
            int(limit as u64)
        ],
        row,
    )?;
    rows.collect()
}

fn row(row: &Row<'_>) -> rusqlite::Result<AuditRow> {
    let number =
        |column| -> rusqlite::Result<u64> { Ok(row.get::<_, i64>(column)?.unsigned_abs()) };
    let seq = |column| -> rusqlite::Result<Option<u64>> {
        Ok(row.get::<_, Option<i64>>(column)?.map(i64::unsigned_abs))
    };
    let kind: Option<String> = row.get(4)?;
    let kind = kind.and_then(|word| ActorKind::from_word(&word));
    let name: Option<String> = row.get(5)?;
    let why = row.get::<_, Option<String>>(10)?.unwrap_or_default();
    let outcome = match row.get::<_, String>(9)?.as_str() {
        "done" => AuditOutcome::Done {
            first_seq: seq(11)?,
            last_seq: seq(12)?,
        },
        "refused" => AuditOutcome::Refused { code: why },
        DENIED => AuditOutcome::Denied { why },
        _ => AuditOutcome::Failed,
    };
    Ok(AuditRow {
        number: number(0)?,
        at: Timestamp(row.get(1)?).into(),
        last_at: Timestamp(row.get(2)?).into(),
        count: number(3)?,
        actor: kind.zip(name).map(|(kind, name)| Actor { kind, name }),
        token: row.get(6)?,
        address: row.get(7)?,
        what: row.get(8)?,
        outcome,
    })
}
