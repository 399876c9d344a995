//! Receipts: shown, checked, and followed back through their chain.

use serde::{Deserialize, Serialize};

use super::{
    reading::{Answered, Reading, Stop},
    value::Moment,
};
use crate::domain::{
    books::Books,
    id::OrderId,
    order::Actor,
    receipt::{Evidence, Receipt},
    record::{Hash, Seq},
};

/// The proof of a completed order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
            seq: receipt.seq,
            record_hash: receipt.record_hash,
            previous: receipt.previous,
            hash: receipt.hash,
        }
    }
}

/// What a receipt's check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What: `record`, `receipt`, `previous`, `next`.
    pub name: String,
    /// Whether it is as it should be.
    pub ok: bool,
    /// One line for people.
    pub text: String,
}

/// Receipts back from one, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
        let Some(row) = rows.last() else {
            return Ok(None);
        };
        let record = self.books.record(row.seq).map_err(Stop::Fault)?;
        let receipt = record.as_ref().and_then(Receipt::of);
        Ok(receipt.map(ReceiptView::from))
    }
}
