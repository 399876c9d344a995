//! The ledger as queries see it.

use std::collections::BTreeMap;

use crate::{
    domain::{
        archive::{AlertQuery, ArchiveQuery, ArchivedAlert, ArchivedOrder, ReceiptRow},
        books::Books,
        id::{AlertId, OrderId},
        moment::Moment,
        query::{self, Answer, Live, Query},
        record::{Record, Seq},
        refusal::Refusal,
    },
    ledger::{Fault, Ledger, READ_PAGE},
};

use super::{
    Handle,
    past::{Past, Standing},
};

/// Reads beside the writer, over a handle of its own.
pub struct Reader {
    ledger: Box<dyn Ledger>,
    past: Past,
}

impl Reader {
    /// Returns a reader over a handle.
    pub fn new(ledger: Box<dyn Ledger>) -> Self {
        Reader {
            ledger,
            past: Past::default(),
        }
    }

    /// Answers a question about the engine's newest version.
    ///
    /// # Errors
    ///
    /// The ledger could not be read.
    pub fn ask(
        &mut self,
        handle: &Handle,
        query: &Query,
    ) -> Result<Result<Answer, Refusal>, Fault> {
        // A restore since the last question put another file in the place of the one that is open.
        self.ledger.head()?;
        let live = handle.live(query)?;
        let (state, now) = (handle.state(), handle.now());
        query::answer(
            &state,
            &live,
            &mut LedgerBooks(self.ledger.as_mut()),
            query,
            now,
        )
    }

    /// Returns the newest records, oldest first.
    ///
    /// # Errors
    ///
    /// The ledger could not be read.
    pub fn recent(&mut self, limit: usize) -> Result<Vec<Record>, Fault> {
        let head = self.ledger.head()?;
        let count = u64::try_from(limit).unwrap_or(u64::MAX);
        self.ledger.read(head.seq.saturating_sub(count), limit)
    }

    /// Returns the records behind one, oldest first, at most a page of them.
    ///
    /// # Errors
    ///
    /// The ledger could not be read.
    pub fn records(&mut self, after: Seq, limit: usize) -> Result<Vec<Record>, Fault> {
        self.ledger.head()?;
        self.ledger.read(after, limit.min(READ_PAGE))
    }

    /// Returns the line as it stood at a moment. A long replay tells `progress` how many records of how many it has
    /// taken; the ladder that it leaves makes the next one short.
    ///
    /// # Errors
    ///
    /// The ledger could not be read.
    pub fn stand(
        &mut self,
        moment: Moment,
        progress: &mut dyn FnMut(Seq, Seq),
    ) -> Result<Standing, Fault> {
        self.past.stand(self.ledger.as_mut(), moment, progress)
    }

    /// Answers a question as it would have been answered then. Signs of life are not kept, so that there are none.
    ///
    /// # Errors
    ///
    /// The ledger could not be read.
    pub fn ask_then(
        &mut self,
        handle: &Handle,
        then: &Standing,
        query: &Query,
    ) -> Result<Result<Answer, Refusal>, Fault> {
        let newest = handle.state();
        let mut books = (self.past).books(self.ledger.as_mut(), &then.state, &newest)?;
        query::answer(&then.state, &Live::default(), &mut books, query, then.now)
    }
}

/// Any ledger as [`Books`].
pub(super) struct LedgerBooks<'a>(pub(super) &'a mut dyn Ledger);

impl Books for LedgerBooks<'_> {
    type Fault = Fault;

    fn record(&mut self, seq: Seq) -> Result<Option<Record>, Fault> {
        self.0.record(seq)
    }

    fn records(&mut self, after: Seq, limit: usize) -> Result<Vec<Record>, Fault> {
        self.0.read(after, limit)
    }

    fn history(&mut self, subject: &str, after: Seq, limit: usize) -> Result<Vec<Record>, Fault> {
        self.0.history(subject, after, limit)
    }

    fn closed(&mut self, ids: &[OrderId]) -> Result<Vec<ArchivedOrder>, Fault> {
        self.0.archived(ids)
    }

    fn by_external(&mut self, keys: &[&str]) -> Result<BTreeMap<String, OrderId>, Fault> {
        self.0.by_external(keys)
    }

    fn closed_page(&mut self, query: &ArchiveQuery) -> Result<Vec<ArchivedOrder>, Fault> {
        self.0.archive_page(query)
    }

    fn closed_count(&mut self, query: &ArchiveQuery) -> Result<u64, Fault> {
        self.0.archive_count(query)
    }

    fn resolved(&mut self, ids: &[AlertId]) -> Result<Vec<ArchivedAlert>, Fault> {
        self.0.archived_alerts(ids)
    }

    fn resolved_page(&mut self, query: &AlertQuery) -> Result<Vec<ArchivedAlert>, Fault> {
        self.0.alerts_page(query)
    }

    fn receipts_of(&mut self, order: OrderId) -> Result<Vec<ReceiptRow>, Fault> {
        self.0.receipts_of(order)
    }

    fn receipts(&mut self, after: u64, limit: usize) -> Result<Vec<ReceiptRow>, Fault> {
        self.0.receipts(after, limit)
    }
}
