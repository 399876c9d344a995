//! A receipt that can be checked by itself: with the record that it is made of, and the hash before that.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Answered, Books, Check, Reading, ReceiptView, Stop, Verification};
use crate::domain::{
    receipt::Receipt,
    record::{Hash, Record},
};

/// The layout of such files; what a newer version writes has another.
pub const RECEIPT_FORMAT: &str = "obeya.receipt.1";

/// The longest file that is read: a record is bounded, and this is many times one.
pub const RECEIPT_FILE_LIMIT: u64 = 16 << 20;

/// A receipt as a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReceiptFile {
    /// Its layout: [`RECEIPT_FORMAT`].
    pub format: String,
    /// What it says.
    pub receipt: ReceiptView,
    /// The hash of the record before the completion's: with it the completion's own can be computed.
    pub before: Hash,
    /// The completion's record, whole, with the bytes that were hashed.
    pub record: Record,
}

impl ReceiptFile {
    /// Returns the file of a completion's record, or None if the record is something else.
    pub fn of(record: Record, before: Hash) -> Option<ReceiptFile> {
        let receipt = ReceiptView::from(Receipt::of(&record)?);
        Some(ReceiptFile {
            format: RECEIPT_FORMAT.into(),
            receipt,
            before,
            record,
        })
    }

    /// Returns what the file shows by itself: that its record has the hash of its content, and says what the receipt says.
    /// Whether any ledger has that record, only a ledger can tell.
    pub fn verify(&self) -> Verification {
        let sealed = self.record.seal(&self.before) == self.record.hash;
        let told = Receipt::of(&self.record).map(ReceiptView::from);
        // As they are written: a view's moments are to the second there.
        let written = |receipt: &ReceiptView| serde_json::to_value(receipt).ok();
        let same = told.is_some_and(|told| written(&told) == written(&self.receipt));
        let (seq, number) = (self.record.seq, self.receipt.number);
        let checks = vec![
            Check::of(
                "format",
                self.format == RECEIPT_FORMAT,
                format!("its layout is {RECEIPT_FORMAT}"),
            ),
            Check::of(
                "record",
                sealed,
                format!("record {seq} has the hash of its content and of the record before it"),
            ),
            Check::of(
                "receipt",
                same,
                format!("receipt {number} is what record {seq} says"),
            ),
        ];
        self.verification(checks)
    }

    fn verification(&self, checks: Vec<Check>) -> Verification {
        Verification {
            order: self.receipt.order,
            number: self.receipt.number,
            verified: checks.iter().all(|check| check.ok),
            checks,
        }
    }
}

impl<B: Books> Reading<'_, B> {
    /// Checks a receipt's file by itself, and holds it against this ledger.
    pub(in crate::domain::query) fn verify_receipt_file(
        &mut self,
        file: &ReceiptFile,
    ) -> Answered<Verification, B> {
        let mut checks = file.verify().checks;
        let record = self.books.record(file.record.seq).map_err(Stop::Fault)?;
        let seq = file.record.seq;
        checks.push(Check::of(
            "ledger",
            record.is_some_and(|record| record == file.record),
            format!("record {seq} of this ledger is this one"),
        ));
        let number = file.receipt.number;
        let after = number.saturating_sub(1);
        let rows = self.books.receipts(after, 1).map_err(Stop::Fault)?;
        let listed = rows.first().is_some_and(|row| {
            (row.n, row.order, row.seq, row.hash)
                == (number, file.receipt.order, seq, file.receipt.hash)
        });
        checks.push(Check::of(
            "chain",
            listed,
            format!("receipt {number} in the chain of this ledger is this one"),
        ));
        Ok(file.verification(checks))
    }
}
