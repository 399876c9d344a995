//! What readers may ask of the ledger beyond the state.

use std::collections::BTreeMap;

use super::{
    archive::{AlertQuery, ArchiveQuery, ArchivedAlert, ArchivedOrder, ReceiptRow},
    id::{AlertId, OrderId},
    record::{Record, Seq},
};

/// The ledger as readers see it: records, the archive of what is closed, receipts.
/// The backends implement it; queries are answered through it.
pub trait Books {
    /// Why the ledger could not be read.
    type Fault;

    /// Returns one record.
    fn record(&mut self, seq: Seq) -> Result<Option<Record>, Self::Fault>;
    /// Returns at most `limit` records after `after`, oldest first.
    fn records(&mut self, after: Seq, limit: usize) -> Result<Vec<Record>, Self::Fault>;
    /// Returns at most `limit` records about a subject after `after`, oldest first.
    fn history(
        &mut self,
        subject: &str,
        after: Seq,
        limit: usize,
    ) -> Result<Vec<Record>, Self::Fault>;
    /// Returns the closed orders among `ids`.
    fn closed(&mut self, ids: &[OrderId]) -> Result<Vec<ArchivedOrder>, Self::Fault>;
    /// Returns closed orders' ids by their names elsewhere.
    fn by_external(&mut self, keys: &[&str]) -> Result<BTreeMap<String, OrderId>, Self::Fault>;
    /// Returns a page of closed orders, newest first.
    fn closed_page(&mut self, query: &ArchiveQuery) -> Result<Vec<ArchivedOrder>, Self::Fault>;
    /// Returns how many closed orders answer a query, whatever the page.
    fn closed_count(&mut self, query: &ArchiveQuery) -> Result<u64, Self::Fault>;
    /// Returns resolved alerts among `ids`.
    fn resolved(&mut self, ids: &[AlertId]) -> Result<Vec<ArchivedAlert>, Self::Fault>;
    /// Returns a page of resolved alerts, newest first.
    fn resolved_page(&mut self, query: &AlertQuery) -> Result<Vec<ArchivedAlert>, Self::Fault>;
    /// Returns an order's receipts, oldest first.
    fn receipts_of(&mut self, order: OrderId) -> Result<Vec<ReceiptRow>, Self::Fault>;
    /// Returns at most `limit` receipts after number `after`.
    fn receipts(&mut self, after: u64, limit: usize) -> Result<Vec<ReceiptRow>, Self::Fault>;
}
