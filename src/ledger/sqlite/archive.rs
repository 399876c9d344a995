//! The archive in and out of its tables.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, Row, params, params_from_iter, types::Value};

use super::{
    records::{int, unsigned},
    schema::{self, meta},
};
use crate::domain::{
    archive::{
        AlertQuery, ArchiveChange, ArchiveQuery, ArchivedAlert, ArchivedOrder, MAX_PAGE, ReceiptRow,
    },
    id::{AlertId, OrderId},
    record::Hash,
    time::Timestamp,
};

const ORDER: &str = "SELECT archive.id, external, title, kind, bucket, status, priority, parent, \
    created, closed, changed, form FROM archive JOIN archive_forms USING (id)";
const ALERT: &str = "SELECT id, severity, raised, resolved, form FROM archived_alerts";
const RECEIPT: &str = "SELECT n, order_id, seq, hash FROM receipts";

/// Applies one change.
pub(super) fn apply(db: &Connection, change: &ArchiveChange) -> rusqlite::Result<()> {
    match change {
        ArchiveChange::PutOrder(order) => put_order(db, order),
        ArchiveChange::DropOrder(id) => {
            for sql in [
                "DELETE FROM archive WHERE id = ?1",
                "DELETE FROM archive_forms WHERE id = ?1",
            ] {
                db.prepare_cached(sql)?.execute([id.raw()])?;
            }
            Ok(())
        }
        ArchiveChange::PutAlert(alert) => {
            let sql = "INSERT OR REPLACE INTO archived_alerts VALUES (?1, ?2, ?3, ?4, ?5)";
            let values = params![
                alert.id.0,
                alert.severity,
                alert.raised.0,
                alert.resolved.0,
                alert.form
            ];
            db.prepare_cached(sql)?.execute(values).map(drop)
        }
        ArchiveChange::PutReceipt(row) => {
            let sql = "INSERT OR REPLACE INTO receipts VALUES (?1, ?2, ?3, ?4)";
            let values = params![int(row.n), row.order.raw(), int(row.seq), row.hash.0];
            db.prepare_cached(sql)?.execute(values).map(drop)
        }
    }
}

fn put_order(db: &Connection, order: &ArchivedOrder) -> rusqlite::Result<()> {
    let sql =
        "INSERT OR REPLACE INTO archive VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    db.prepare_cached(sql)?.execute(params![
        order.id.raw(),
        order.external,
        order.title,
        order.searched(),
        order.kind,
        order.bucket,
        order.status,
        order.priority,
        order.parent.map(OrderId::raw),
        order.created.0,
        order.closed.0,
        int(order.changed),
    ])?;
    let sql = "INSERT OR REPLACE INTO archive_forms VALUES (?1, ?2)";
    db.prepare_cached(sql)?
        .execute(params![order.id.raw(), order.form])
        .map(drop)
}

/// Empties the archive, making its tables anew, and fills it; within the caller's transaction.
pub(super) fn rebuild(
    db: &Connection,
    rows: &mut dyn Iterator<Item = ArchiveChange>,
) -> rusqlite::Result<()> {
    db.execute_batch(schema::ARCHIVE)?;
    for change in rows {
        apply(db, &change)?;
    }
    Ok(())
}

/// Returns whether the archive stands for every record.
pub(super) fn is_whole(db: &Connection) -> rusqlite::Result<bool> {
    let sql = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' \
        AND name IN ('archive', 'archive_forms', 'archived_alerts', 'receipts')";
    let tables: i64 = db.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
    Ok(tables == 4 && meta(db, "archive")?.as_deref() == Some("whole"))
}

/// Returns the closed orders among `ids`, by id.
pub(super) fn orders(db: &Connection, ids: &[OrderId]) -> rusqlite::Result<Vec<ArchivedOrder>> {
    let wanted: std::collections::BTreeSet<_> = ids.iter().collect();
    let mut get = db.prepare_cached(&format!("{ORDER} WHERE archive.id = ?1"))?;
    let found = wanted
        .into_iter()
        .map(|id| get.query_row([id.raw()], order).optional());
    found.filter_map(Result::transpose).collect()
}

/// Returns the closed orders that carry one of these external ids.
pub(super) fn by_external(
    db: &Connection,
    names: &[&str],
) -> rusqlite::Result<BTreeMap<String, OrderId>> {
    let mut get = db.prepare_cached("SELECT id FROM archive WHERE external = ?1")?;
    let mut found = BTreeMap::new();
    for name in names {
        if let Some(id) = get.query_row([name], |row| row.get(0)).optional()? {
            found.insert((*name).to_owned(), OrderId::from_raw(id));
        }
    }
    Ok(found)
}

/// The conditions of a question and their values.
struct Filter {
    sql: String,
    values: Vec<Value>,
}

impl Filter {
    fn of(query: &ArchiveQuery) -> Self {
        let mut filter = Filter {
            sql: " WHERE 1".into(),
            values: Vec::new(),
        };
        let mut add = |condition: &str, value: Option<Value>| {
            if let Some(value) = value {
                filter.values.push(value);
                filter.sql.push_str(" AND ");
                filter.sql.push_str(condition);
            }
        };
        let text = |value: &Option<String>| value.clone().map(Value::Text);
        add("status = ?", text(&query.status));
        add("bucket = ?", text(&query.bucket));
        add("kind = ?", text(&query.kind));
        add(
            "parent = ?",
            query.parent.map(|id| Value::Integer(id.raw().into())),
        );
        add(
            "closed >= ?",
            query.closed_since.map(|time| Value::Integer(time.0)),
        );
        add(
            "closed < ?",
            query.closed_until.map(|time| Value::Integer(time.0)),
        );
        add(
            "instr(searched, ?) > 0",
            query
                .text
                .as_ref()
                .map(|text| Value::Text(text.to_lowercase())),
        );
        filter
    }

    fn and_before(mut self, columns: &str, place: Option<(Timestamp, u32)>) -> Self {
        if let Some((time, id)) = place {
            self.sql.push_str(&format!(" AND {columns} < (?, ?)"));
            self.values
                .extend([Value::Integer(time.0), Value::Integer(id.into())]);
        }
        self
    }

    fn limit(mut self, order: &str, limit: usize) -> Self {
        self.sql
            .push_str(&format!(" ORDER BY {order} LIMIT {}", limit.min(MAX_PAGE)));
        self
    }
}

/// Returns a page of closed orders, newest first.
pub(super) fn page(db: &Connection, query: &ArchiveQuery) -> rusqlite::Result<Vec<ArchivedOrder>> {
    let filter = Filter::of(query)
        .and_before(
            "(closed, archive.id)",
            query.after.map(|after| (after.closed, after.id.raw())),
        )
        .limit("closed DESC, archive.id DESC", query.limit);
    let mut get = db.prepare_cached(&format!("{ORDER}{}", filter.sql))?;
    get.query_map(params_from_iter(filter.values), order)?
        .collect()
}

/// Returns how many closed orders answer a question.
pub(super) fn count(db: &Connection, query: &ArchiveQuery) -> rusqlite::Result<u64> {
    let filter = Filter::of(query);
    let mut get = db.prepare_cached(&format!("SELECT count(*) FROM archive{}", filter.sql))?;
    get.query_row(params_from_iter(filter.values), |row| unsigned(row, 0))
}

/// Returns the resolved alerts among `ids`, by id.
pub(super) fn alerts(db: &Connection, ids: &[AlertId]) -> rusqlite::Result<Vec<ArchivedAlert>> {
    let wanted: std::collections::BTreeSet<_> = ids.iter().collect();
    let mut get = db.prepare_cached(&format!("{ALERT} WHERE id = ?1"))?;
    let found = wanted
        .into_iter()
        .map(|id| get.query_row([id.0], alert).optional());
    found.filter_map(Result::transpose).collect()
}

/// Returns a page of resolved alerts, newest first.
pub(super) fn alerts_page(
    db: &Connection,
    query: &AlertQuery,
) -> rusqlite::Result<Vec<ArchivedAlert>> {
    let mut filter = Filter {
        sql: " WHERE 1".into(),
        values: Vec::new(),
    };
    if let Some(severity) = &query.severity {
        filter.sql.push_str(" AND severity = ?");
        filter.values.push(Value::Text(severity.clone()));
    }
    let filter = filter
        .and_before("(resolved, id)", query.after.map(|(time, id)| (time, id.0)))
        .limit("resolved DESC, id DESC", query.limit);
    let mut get = db.prepare_cached(&format!("{ALERT}{}", filter.sql))?;
    get.query_map(params_from_iter(filter.values), alert)?
        .collect()
}

/// Returns an order's receipts.
pub(super) fn receipts_of(db: &Connection, order: OrderId) -> rusqlite::Result<Vec<ReceiptRow>> {
    let mut get = db.prepare_cached(&format!("{RECEIPT} WHERE order_id = ?1 ORDER BY n"))?;
    get.query_map([order.raw()], receipt)?.collect()
}

/// Returns at most `limit` receipts after a number.
pub(super) fn receipts(
    db: &Connection,
    after: u64,
    limit: usize,
) -> rusqlite::Result<Vec<ReceiptRow>> {
    let mut get = db.prepare_cached(&format!("{RECEIPT} WHERE n > ?1 ORDER BY n LIMIT ?2"))?;
    get.query_map(params![int(after), int(limit as u64)], receipt)?
        .collect()
}

fn order(row: &Row<'_>) -> rusqlite::Result<ArchivedOrder> {
    Ok(ArchivedOrder {
        id: OrderId::from_raw(row.get(0)?),
        external: row.get(1)?,
        title: row.get(2)?,
        kind: row.get(3)?,
        bucket: row.get(4)?,
        status: row.get(5)?,
        priority: row.get(6)?,
        parent: row.get::<_, Option<u32>>(7)?.map(OrderId::from_raw),
        created: Timestamp(row.get(8)?),
        closed: Timestamp(row.get(9)?),
        changed: unsigned(row, 10)?,
        form: row.get(11)?,
    })
}

fn alert(row: &Row<'_>) -> rusqlite::Result<ArchivedAlert> {
    Ok(ArchivedAlert {
        id: AlertId(row.get(0)?),
        severity: row.get(1)?,
        raised: Timestamp(row.get(2)?),
        resolved: Timestamp(row.get(3)?),
        form: row.get(4)?,
    })
}

fn receipt(row: &Row<'_>) -> rusqlite::Result<ReceiptRow> {
    Ok(ReceiptRow {
        n: unsigned(row, 0)?,
        order: OrderId::from_raw(row.get(1)?),
        seq: unsigned(row, 2)?,
        hash: Hash(row.get(3)?),
    })
}
