//! Receipts: shown, checked, and followed back through their chain.

pub mod file;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    reading::{Answered, Reading, Stop},
    value::Moment,
};
use crate::domain::{
    archive::ReceiptRow,
    books::Books,
    id::OrderId,
    order::{Actor, Status, Workspace},
    receipt::{Evidence, Receipt},
    record::{Hash, Seq},
    refusal::Refusal,
    usage::UsageView,
};

/// What a completed order without a receipt says.
pub const NO_RECEIPT: &str = "completed elsewhere and imported: nothing here saw it done";

/// The proof of a completed order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReceiptView {
    /// Its number, from 1, without gaps.
    pub number: u64,
    /// The order it proves.
    pub order: OrderId,
    /// What was delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// What to remember.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Who did it.
    pub completed_by: Actor,
    /// When.
    pub completed_at: Moment,
    /// What was seen before it was done.
    pub evidence: Evidence,
    /// Where it was made, if apart, with the commits before and after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<Box<Workspace>>,
    /// What work on it had used up by then.
    #[serde(default, skip_serializing_if = "UsageView::is_none")]
    pub usage: UsageView,
    /// The completion's record.
    pub seq: Seq,
    /// That record's hash.
    pub record_hash: Hash,
    /// The hash of the receipt before; zeros for the first.
    pub previous: Hash,
    /// This receipt's hash.
    pub hash: Hash,
}

impl From<Receipt> for ReceiptView {
    fn from(receipt: Receipt) -> Self {
        ReceiptView {
            number: receipt.n,
            order: receipt.order,
            sku: receipt.sku,
            note: receipt.note,
            completed_by: receipt.by,
            completed_at: Moment(receipt.completed_at),
            evidence: receipt.evidence,
            workspace: receipt.workspace,
            usage: receipt.usage.view(),
            seq: receipt.seq,
            record_hash: receipt.record_hash,
            previous: receipt.previous,
            hash: receipt.hash,
        }
    }
}

/// What a receipt's check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Verification {
    /// The order.
    pub order: OrderId,
    /// The receipt's number.
    pub number: u64,
    /// Whether every check passed.
    pub verified: bool,
    /// What was checked.
    pub checks: Vec<Check>,
}

/// One thing that was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    /// What: `record`, `receipt`, `previous`, `next`.
    pub name: String,
    /// Whether it is as it should be.
    pub ok: bool,
    /// One line for people.
    pub text: String,
}

/// Receipts back from one, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReceiptChain {
    /// The receipts.
    pub receipts: Vec<ReceiptView>,
    /// How many lead back from that one to the first, itself included.
    pub total: u64,
}

impl<B: Books> Reading<'_, B> {
    /// Returns an order's newest receipt, if it has one.
    pub(super) fn newest_receipt(&mut self, order: OrderId) -> Answered<Option<ReceiptView>, B> {
        let rows = self.books.receipts_of(order).map_err(Stop::Fault)?;
        match rows.last() {
            Some(row) => self.receipt_at(row),
            None => Ok(None),
        }
    }

    /// Returns a receipt from its record, if that is still there.
    pub(super) fn receipt_at(&mut self, row: &ReceiptRow) -> Answered<Option<ReceiptView>, B> {
        let record = self.books.record(row.seq).map_err(Stop::Fault)?;
        let receipt = record.as_ref().and_then(Receipt::of);
        Ok(receipt.map(ReceiptView::from))
    }

    /// Returns the row of an order's newest receipt, or the refusal that says why there is none.
    fn receipt_row(&mut self, name: &str) -> Answered<ReceiptRow, B> {
        let found = self.find_named(name).map_err(|stop| match stop {
            Stop::Refused(Refusal::NotFound { subject }) => {
                Refusal::not_found(format!("receipt of {subject}")).into()
            }
            stop => stop,
        })?;
        let id = found.order().id;
        let rows = self.books.receipts_of(id).map_err(Stop::Fault)?;
        if let Some(row) = rows.last() {
            return Ok(*row);
        }
        let why = match found.status() {
            Status::Completed => NO_RECEIPT,
            Status::Cancelled => "it was cancelled",
            Status::Queued | Status::InProgress => "it is not completed",
        };
        Err(Refusal::not_found(format!("receipt of {id} ({why})")).into())
    }

    /// Returns an order's newest receipt.
    pub(super) fn receipt(&mut self, name: &str) -> Answered<ReceiptView, B> {
        let row = self.receipt_row(name)?;
        let receipt = self.receipt_at(&row)?;
        Ok(receipt.ok_or_else(|| Refusal::not_found(format!("record of receipt {}", row.n)))?)
    }

    /// Returns the receipts back from an order's newest one.
    pub(super) fn receipt_chain(&mut self, name: &str, limit: usize) -> Answered<ReceiptChain, B> {
        let row = self.receipt_row(name)?;
        let after = row.n.saturating_sub(limit as u64);
        let rows = self.books.receipts(after, limit).map_err(Stop::Fault)?;
        let mut receipts = vec![];
        for row in rows.iter().rev().filter(|other| other.n <= row.n) {
            receipts.extend(self.receipt_at(row)?);
        }
        Ok(ReceiptChain {
            receipts,
            total: row.n,
        })
    }

    /// Recomputes an order's newest receipt from its record, and holds it against its neighbours in the chain.
    pub(super) fn verify_receipt(&mut self, name: &str) -> Answered<Verification, B> {
        let row = self.receipt_row(name)?;
        let record = self.books.record(row.seq).map_err(Stop::Fault)?;
        let before = match row.seq.checked_sub(1) {
            None | Some(0) => Some(Hash::ZERO),
            Some(seq) => {
                let before = self.books.record(seq).map_err(Stop::Fault)?;
                before.map(|record| record.hash)
            }
        };
        let receipt = record.as_ref().and_then(Receipt::of);
        let sealed = match (&record, before) {
            (Some(record), Some(before)) => record.seal(&before) == record.hash,
            _ => false,
        };
        let same = receipt.as_ref().is_some_and(|receipt| {
            receipt.hash == row.hash && receipt.n == row.n && receipt.order == row.order
        });
        let previous = match row.n.checked_sub(2) {
            None => Some(Hash::ZERO),
            Some(after) => {
                let rows = self.books.receipts(after, 1).map_err(Stop::Fault)?;
                rows.first()
                    .filter(|other| other.n + 1 == row.n)
                    .map(|other| other.hash)
            }
        };
        let follows = receipt
            .as_ref()
            .is_some_and(|receipt| Some(receipt.previous) == previous);
        let next = if row.n == self.state.receipts.count {
            Some(self.state.receipts.hash)
        } else {
            let rows = self.books.receipts(row.n, 1).map_err(Stop::Fault)?;
            match rows.first() {
                Some(next) => self.receipt_at(next)?.map(|next| next.previous),
                None => None,
            }
        };
        let followed = receipt
            .as_ref()
            .is_some_and(|receipt| Some(receipt.hash) == next);
        let checks = vec![
            Check::of(
                "record",
                sealed,
                format!(
                    "record {} has the hash of its content and of the record before it",
                    row.seq
                ),
            ),
            Check::of(
                "receipt",
                same,
                format!("receipt {} is what record {} says", row.n, row.seq),
            ),
            Check::of(
                "previous",
                follows,
                "it holds the hash of the receipt before it".into(),
            ),
            Check::of(
                "next",
                followed,
                "the receipt after it, or the chain's head, holds its hash".into(),
            ),
        ];
        Ok(Verification {
            order: row.order,
            number: row.n,
            verified: checks.iter().all(|check| check.ok),
            checks,
        })
    }
}

impl Check {
    fn of(name: &str, ok: bool, text: String) -> Self {
        Check {
            name: name.into(),
            ok,
            text: if ok { text } else { format!("not so: {text}") },
        }
    }
}
