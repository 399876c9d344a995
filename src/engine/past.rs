//! The line as it stood: states of the past, and the books as far as they had been written by then.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use super::{load, reader::LedgerBooks};
use crate::{
    domain::{
        archive::{AlertQuery, ArchiveQuery, ArchivedAlert, ArchivedOrder, MAX_PAGE, ReceiptRow},
        books::Books,
        event::Event,
        id::{AlertId, OrderId},
        moment::Moment,
        order::ClosedOrder,
        record::{Record, Seq},
        state::State,
        time::Timestamp,
    },
    ledger::{Fault, FaultKind, Identity, Ledger, READ_PAGE, snapshots::LADDER_STEP},
};

/// The line as it stood at a moment.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The version.
    pub state: Arc<State>,
    /// The moment: that of the version's last record, or later.
    pub now: Timestamp,
}

/// What was already found out about the past: the version last stood at, and who came back from the archive.
#[derive(Default)]
pub(super) struct Past {
    /// The ledger's life that all of it belongs to.
    life: Option<Identity>,
    stood: Option<Arc<State>>,
    reopened: Reopened,
}

/// Orders that were closed once and are not any more: what the archive has forgotten of them.
#[derive(Default)]
struct Reopened {
    /// The last record that was looked at.
    seen: Seq,
    /// Each reopening with the closed form that it ended, in order.
    rows: Vec<(Seq, ClosedOrder)>,
}

impl Past {
    /// Returns the state at a moment. A long replay tells `progress` how far it is and how far it has to go, in records,
    /// and leaves the rungs of the ladder behind it, so that it is long only once.
    pub(super) fn stand(
        &mut self,
        ledger: &mut dyn Ledger,
        moment: Moment,
        progress: &mut dyn FnMut(Seq, Seq),
    ) -> Result<Standing, Fault> {
        let seq = place(ledger, moment)?;
        self.forget_another_life(ledger.identity());
        let near = self.stood.take().filter(|state| {
            let reach = state.head.seq..=state.head.seq.saturating_add(LADDER_STEP);
            reach.contains(&seq)
        });
        let mut state = match near {
            Some(state) => Arc::unwrap_or_clone(state),
            None => load::newest_snapshot(ledger, Some(seq))?,
        };
        climb(ledger, &mut state, seq, progress)?;
        if !load::is_sound(&state) {
            state = State::default();
            climb(ledger, &mut state, seq, progress)?;
        }
        let state = Arc::new(state);
        self.stood = Some(Arc::clone(&state));
        let now = match moment {
            Moment::At(time) => time.max(state.time),
            Moment::Before(_) | Moment::After(_) => state.time,
        };
        Ok(Standing { state, now })
    }

    /// Returns the books as they stood when `state` did; `newest` tells what happened since.
    pub(super) fn books<'a>(
        &'a mut self,
        ledger: &'a mut dyn Ledger,
        state: &'a State,
        newest: &State,
    ) -> Result<PastBooks<'a>, Fault> {
        // Days count what came back, so that most questions need no look through the records.
        let since = state.time.day();
        let any = newest
            .days()
            .any(|(day, rows)| day >= since && rows.0.iter().any(|row| row.reopened > 0));
        self.forget_another_life(ledger.identity());
        if any {
            self.reopened.look(ledger)?;
        }
        Ok(PastBooks {
            books: LedgerBooks(ledger),
            state,
            reopened: &self.reopened.rows,
        })
    }
}

impl Past {
    /// After a restore nothing that was found out before is so.
    fn forget_another_life(&mut self, life: Identity) {
        if self.life != Some(life) {
            *self = Past {
                life: Some(life),
                ..Past::default()
            };
        }
    }
}

impl Reopened {
    fn look(&mut self, ledger: &mut dyn Ledger) -> Result<(), Fault> {
        loop {
            let page = ledger.read(self.seen, READ_PAGE)?;
            for record in &page {
                self.seen = record.seq;
                if let Some(Event::OrderReopened { form, .. }) = record.event() {
                    self.rows.push((record.seq, *form));
                }
            }
            if page.len() < READ_PAGE {
                return Ok(());
            }
        }
    }
}

/// Replays to `seq`, from rung to rung, and keeps each that is new.
fn climb(
    ledger: &mut dyn Ledger,
    state: &mut State,
    seq: Seq,
    progress: &mut dyn FnMut(Seq, Seq),
) -> Result<(), Fault> {
    let from = state.head.seq;
    while state.head.seq < seq {
        let rung = (state.head.seq / LADDER_STEP + 1) * LADDER_STEP;
        load::catch_up(ledger, state, Some(rung.min(seq)), &mut |_, _| {})?;
        if state.head.seq < rung.min(seq) {
            let what = format!("the ledger ends at record {}", state.head.seq);
            return Err(Fault::new(FaultKind::Corrupt, Path::new(""), what));
        }
        if state.head.seq == rung {
            // A cache: where it cannot be written the next way is as long, and that is all.
            if let Err(fault) = load::keep_snapshot(ledger, state) {
                tracing::warn!(%fault, "no rung was kept");
            }
            progress(rung - from, seq - from);
        }
    }
    Ok(())
}

/// Returns the record after which the line stood so.
fn place(ledger: &mut dyn Ledger, moment: Moment) -> Result<Seq, Fault> {
    match moment {
        Moment::At(time) => Ok(ledger.seq_at(time)?.max(1)),
        Moment::Before(seq) => {
            let record = ledger.record(seq)?;
            let first = record.map_or(seq, |record| seq.saturating_sub(u64::from(record.n)));
            Ok(first.saturating_sub(1).max(1))
        }
        Moment::After(seq) => {
            let mut last = seq;
            let mut command = None;
            loop {
                let page = ledger.read(last, READ_PAGE)?;
                for record in &page {
                    if *command.get_or_insert(record.command) != record.command {
                        return Ok(last);
                    }
                    last = record.seq;
                }
                if page.len() < READ_PAGE {
                    return Ok(last.max(1));
                }
            }
        }
    }
}

/// The books as they stood: nothing that was written later.
pub(super) struct PastBooks<'a> {
    books: LedgerBooks<'a>,
    state: &'a State,
    reopened: &'a [(Seq, ClosedOrder)],
}

impl PastBooks<'_> {
    fn seq(&self) -> Seq {
        self.state.head.seq
    }

    /// Returns whether an order was known by then; one that is known and not open was closed.
    fn was_closed(&self, id: OrderId) -> bool {
        let next = match id.is_epic() {
            true => self.state.numbers.epic,
            false => self.state.numbers.work,
        };
        id.number() < next && self.state.order(id).is_none()
    }

    /// Returns the rows of orders that were closed by then and have been reopened since.
    fn forgotten(&self) -> BTreeMap<OrderId, ArchivedOrder> {
        let mut rows = BTreeMap::new();
        for (seq, form) in self.reopened.iter().filter(|(seq, _)| *seq > self.seq()) {
            if self.was_closed(form.order.id) {
                // Only the first reopening since then tells how the order stood.
                rows.entry(form.order.id)
                    .or_insert_with(|| ArchivedOrder::of(form, *seq));
            }
        }
        rows
    }
}

impl Books for PastBooks<'_> {
    type Fault = Fault;

    fn record(&mut self, seq: Seq) -> Result<Option<Record>, Fault> {
        match seq <= self.seq() {
            true => self.books.record(seq),
            false => Ok(None),
        }
    }

    fn records(&mut self, after: Seq, limit: usize) -> Result<Vec<Record>, Fault> {
        let left = usize::try_from(self.seq().saturating_sub(after)).unwrap_or(limit);
        self.books.records(after, limit.min(left))
    }

    fn history(&mut self, subject: &str, after: Seq, limit: usize) -> Result<Vec<Record>, Fault> {
        let mut records = self.books.history(subject, after, limit)?;
        records.retain(|record| record.seq <= self.seq());
        Ok(records)
    }

    fn closed(&mut self, ids: &[OrderId]) -> Result<Vec<ArchivedOrder>, Fault> {
        let forgotten = self.forgotten();
        let (lost, kept): (Vec<_>, Vec<_>) = ids
            .iter()
            .filter(|id| self.was_closed(**id))
            .partition(|id| forgotten.contains_key(id));
        let mut rows = self.books.closed(&kept)?;
        rows.extend(lost.iter().filter_map(|id| forgotten.get(id).cloned()));
        rows.sort_by_key(|row| row.id);
        Ok(rows)
    }

    fn by_external(&mut self, keys: &[&str]) -> Result<BTreeMap<String, OrderId>, Fault> {
        let mut found = self.books.by_external(keys)?;
        for row in self.forgotten().into_values() {
            if let Some(key) = row.external.filter(|key| keys.contains(&key.as_str())) {
                found.insert(key, row.id);
            }
        }
        found.retain(|_, id| self.was_closed(*id));
        Ok(found)
    }

    fn closed_page(&mut self, query: &ArchiveQuery) -> Result<Vec<ArchivedOrder>, Fault> {
        let limit = query.limit.min(MAX_PAGE);
        let forgotten = self.forgotten();
        let behind = |row: &ArchivedOrder| query.after.is_none_or(|cursor| row.cursor() < cursor);
        let mut rows: Vec<_> = forgotten
            .values()
            .filter(|row| query.admits(row) && behind(row))
            .cloned()
            .collect();
        let mut query = query.clone();
        let mut kept = 0;
        loop {
            let page = self.books.closed_page(&query)?;
            let whole = page.len() < limit;
            query.after = page.last().map(ArchivedOrder::cursor);
            for row in page {
                if row.changed <= self.seq() && self.was_closed(row.id) {
                    rows.push(row);
                    kept += 1;
                }
            }
            if whole || kept >= limit {
                break;
            }
        }
        rows.sort_by_key(|row| std::cmp::Reverse(row.cursor()));
        rows.dedup_by_key(|row| row.id);
        rows.truncate(limit);
        Ok(rows)
    }

    fn closed_count(&mut self, query: &ArchiveQuery) -> Result<u64, Fault> {
        let mut query = ArchiveQuery {
            limit: MAX_PAGE,
            after: None,
            ..query.clone()
        };
        let mut count = 0;
        loop {
            let page = self.closed_page(&query)?;
            count += u64::try_from(page.len()).unwrap_or(u64::MAX);
            query.after = page.last().map(ArchivedOrder::cursor);
            if page.len() < MAX_PAGE {
                return Ok(count);
            }
        }
    }

    fn resolved(&mut self, ids: &[AlertId]) -> Result<Vec<ArchivedAlert>, Fault> {
        let mut rows = self.books.resolved(ids)?;
        rows.retain(|row| self.was_resolved(row));
        Ok(rows)
    }

    fn resolved_page(&mut self, query: &AlertQuery) -> Result<Vec<ArchivedAlert>, Fault> {
        let limit = query.limit.min(MAX_PAGE);
        let mut query = query.clone();
        let mut rows = Vec::new();
        loop {
            let page = self.books.resolved_page(&query)?;
            let whole = page.len() < limit;
            query.after = page.last().map(|row| (row.resolved, row.id));
            rows.extend(page.into_iter().filter(|row| self.was_resolved(row)));
            if whole || rows.len() >= limit {
                rows.truncate(limit);
                return Ok(rows);
            }
        }
    }

    fn receipts_of(&mut self, order: OrderId) -> Result<Vec<ReceiptRow>, Fault> {
        let mut rows = self.books.receipts_of(order)?;
        rows.retain(|row| row.seq <= self.seq());
        Ok(rows)
    }

    fn receipts(&mut self, after: u64, limit: usize) -> Result<Vec<ReceiptRow>, Fault> {
        let mut rows = self.books.receipts(after, limit)?;
        rows.retain(|row| row.seq <= self.seq());
        Ok(rows)
    }
}

impl PastBooks<'_> {
    fn was_resolved(&self, row: &ArchivedAlert) -> bool {
        row.id.0 < self.state.numbers.alert && self.state.alert(row.id).is_none()
    }
}
