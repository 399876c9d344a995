//! What leaves the working state: closed orders, resolved alerts, receipts, and the questions asked of them.
//!
//! The rules hand these to the ledger in the same transaction as the records they follow from, so that the archive
//! never disagrees with the records. All of it can be built anew by replay.

use serde::{Deserialize, Serialize};

use super::{
    id::{AlertId, OrderId},
    order::{ClosedOrder, External},
    record::{Hash, Seq},
    time::Timestamp,
};

/// The most rows one page may carry, so that no question takes the memory of the whole archive.
pub const MAX_PAGE: usize = 10_000;

/// The rows of a page for which no limit was given: a screen and its scroll margin.
pub const DEFAULT_PAGE: usize = 100;

/// A completed or cancelled order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchivedOrder {
    /// Its id.
    pub id: OrderId,
    /// Its name where it came from, qualified by the source: `beads:bd-1`.
    pub external: Option<String>,
    /// Its title.
    pub title: String,
    /// The word for its kind.
    pub kind: String,
    /// The bucket it was closed in.
    pub bucket: String,
    /// `completed` or `cancelled`.
    pub status: String,
    /// 1 to 10, 10 most urgent.
    pub priority: u8,
    /// The order it is a child of.
    pub parent: Option<OrderId>,
    /// When it entered the line.
    pub created: Timestamp,
    /// When it was completed or cancelled.
    pub closed: Timestamp,
    /// The record that last changed it.
    pub changed: Seq,
    /// Its folded form as JSON, from which an order comes back whole.
    pub form: Box<str>,
}

impl ArchivedOrder {
    /// Returns the row of an order that was closed by the record `changed`.
    pub fn of(form: &ClosedOrder, changed: Seq) -> Self {
        let order = &form.order;
        ArchivedOrder {
            id: order.id,
            external: order.external.as_ref().map(External::key),
            title: order.title.clone(),
            kind: order.kind.word().into(),
            bucket: order.bucket.word().into(),
            status: form.status().word().into(),
            priority: order.priority.get(),
            parent: order.parent,
            created: order.created,
            closed: form.closed,
            changed,
            form: serde_json::to_string(form).unwrap_or_default().into(),
        }
    }

    /// Returns what a text search looks through: title, id and external id in lower case.
    pub fn searched(&self) -> String {
        let external = self.external.as_deref().unwrap_or_default();
        format!("{}\n{}\n{external}", self.title, self.id).to_lowercase()
    }

    /// Returns the place of this row in the archive's order.
    pub fn cursor(&self) -> ArchiveCursor {
        ArchiveCursor {
            closed: self.closed,
            id: self.id,
        }
    }
}

/// A resolved alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchivedAlert {
    /// Its id.
    pub id: AlertId,
    /// The word for its severity.
    pub severity: String,
    /// When it was raised.
    pub raised: Timestamp,
    /// When it was resolved.
    pub resolved: Timestamp,
    /// Its folded form as JSON.
    pub form: Box<str>,
}

/// Where a receipt is found: the record that completed the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptRow {
    /// Its place in the chain of receipts, from 1.
    pub n: u64,
    /// The order it proves.
    pub order: OrderId,
    /// The record it is derived from.
    pub seq: Seq,
    /// The receipt's hash.
    pub hash: Hash,
}

/// One change of the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArchiveChange {
    /// An order was closed, or a closed one changed.
    PutOrder(ArchivedOrder),
    /// A closed order came back to the line.
    DropOrder(OrderId),
    /// An alert was resolved.
    PutAlert(ArchivedAlert),
    /// A receipt was issued.
    PutReceipt(ReceiptRow),
}

/// A row's place in the archive, newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ArchiveCursor {
    /// When the order was closed.
    pub closed: Timestamp,
    /// The order, by which ties break.
    pub id: OrderId,
}

/// A question to the archive of orders. The answer is newest first by (closed, id).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveQuery {
    /// Only this status: `completed` or `cancelled`.
    pub status: Option<String>,
    /// Only this bucket.
    pub bucket: Option<String>,
    /// Only this kind.
    pub kind: Option<String>,
    /// Only the children of this order.
    pub parent: Option<OrderId>,
    /// Only orders whose title, id or external id contains this, whatever the case.
    pub text: Option<String>,
    /// Only orders closed at or after this moment.
    pub closed_since: Option<Timestamp>,
    /// Only orders closed before this moment.
    pub closed_until: Option<Timestamp>,
    /// Only rows behind this one: the last row of the page before.
    pub after: Option<ArchiveCursor>,
    /// At most so many rows; more than [`MAX_PAGE`] counts as that.
    pub limit: usize,
}

impl Default for ArchiveQuery {
    fn default() -> Self {
        ArchiveQuery {
            status: None,
            bucket: None,
            kind: None,
            parent: None,
            text: None,
            closed_since: None,
            closed_until: None,
            after: None,
            limit: DEFAULT_PAGE,
        }
    }
}

impl ArchiveQuery {
    /// Returns whether `row` answers the question, whatever the page.
    pub fn admits(&self, row: &ArchivedOrder) -> bool {
        let is =
            |want: &Option<String>, have: &str| want.as_deref().is_none_or(|want| want == have);
        is(&self.status, &row.status)
            && is(&self.bucket, &row.bucket)
            && is(&self.kind, &row.kind)
            && self.parent.is_none_or(|parent| row.parent == Some(parent))
            && self.closed_since.is_none_or(|since| row.closed >= since)
            && self.closed_until.is_none_or(|until| row.closed < until)
            && self
                .text
                .as_ref()
                .is_none_or(|text| row.searched().contains(&text.to_lowercase()))
    }
}

/// A question to the archive of alerts. The answer is newest first by (resolved, id).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertQuery {
    /// Only this severity.
    pub severity: Option<String>,
    /// Only rows behind this one: when it was resolved, and its id.
    pub after: Option<(Timestamp, AlertId)>,
    /// At most so many rows; more than [`MAX_PAGE`] counts as that.
    pub limit: usize,
}

impl Default for AlertQuery {
    fn default() -> Self {
        AlertQuery {
            severity: None,
            after: None,
            limit: DEFAULT_PAGE,
        }
    }
}
