//! One question being answered: what it is answered from, and how it ends early.

use std::collections::BTreeMap;

use super::{Live, order_view::OrderView};
use crate::domain::{
    archive::{ArchiveQuery, ArchivedOrder, MAX_PAGE},
    books::Books,
    id::OrderId,
    order::{
        Bucket, ClosedOrder, External, Kind, Order, Outcome, Phase, Priority, PullSignal, Status,
    },
    record::{Record, Seq},
    refusal::Refusal,
    state::State,
    time::Timestamp,
    usage::Usage,
};

/// What a question is answered from.
pub(super) struct Reading<'a, B: Books> {
    pub(super) state: &'a State,
    pub(super) live: &'a Live,
    pub(super) books: &'a mut B,
    pub(super) now: Timestamp,
}

/// Why a question has no answer.
pub(super) enum Stop<F> {
    /// There is none, and that is data.
    Refused(Refusal),
    /// The ledger could not be read.
    Fault(F),
}

impl<F> From<Refusal> for Stop<F> {
    fn from(refusal: Refusal) -> Self {
        Stop::Refused(refusal)
    }
}

/// What a part of an answer comes to.
pub(super) type Answered<T, B> = Result<T, Stop<<B as Books>::Fault>>;

/// An order wherever it is.
pub(super) enum Found<'a> {
    Open(&'a Order),
    Closed(Box<ClosedOrder>),
}

impl Found<'_> {
    /// Returns the order as it stands, or last stood.
    pub(super) fn order(&self) -> &Order {
        match self {
            Found::Open(order) => order,
            Found::Closed(closed) => &closed.order,
        }
    }

    /// Returns its status.
    pub(super) fn status(&self) -> Status {
        match self {
            Found::Open(order) => order.status(),
            Found::Closed(closed) => closed.status(),
        }
    }
}

/// The systems whose ids are found without their system's name before them.
const SOURCES: &[&str] = &["beads", "csv", "github", "taskwarrior"];

impl<'a, B: Books> Reading<'a, B> {
    /// Returns an order by its id.
    pub(super) fn find(&mut self, id: OrderId) -> Answered<Found<'a>, B> {
        if let Some(order) = self.state.order(id) {
            return Ok(Found::Open(order));
        }
        match self.closed(&[id])?.into_iter().next() {
            Some((_, closed)) => Ok(Found::Closed(Box::new(closed))),
            None => Err(Refusal::not_found(id).into()),
        }
    }

    /// Returns an order by its id here, or by its name elsewhere with or without its system.
    pub(super) fn find_named(&mut self, name: &str) -> Answered<Found<'a>, B> {
        let name = name.trim();
        if let Ok(id) = name.parse() {
            return self.find(id);
        }
        let is = |external: &External| external.id == name || external.key() == name;
        let open = self
            .state
            .orders()
            .find(|order| order.external.as_ref().is_some_and(is));
        if let Some(order) = open {
            return Ok(Found::Open(order));
        }
        let qualified: Vec<String> = SOURCES
            .iter()
            .map(|source| format!("{source}:{name}"))
            .collect();
        let mut keys: Vec<&str> = qualified.iter().map(String::as_str).collect();
        keys.push(name);
        let found = self.books.by_external(&keys).map_err(Stop::Fault)?;
        match found.into_values().next() {
            Some(id) => self.find(id),
            None => {
                let shown: String = name.chars().take(80).collect();
                Err(Refusal::not_found(format!("order '{shown}'")).into())
            }
        }
    }

    /// Returns the closed orders among `ids`, by id.
    pub(super) fn closed(
        &mut self,
        ids: &[OrderId],
    ) -> Answered<BTreeMap<OrderId, ClosedOrder>, B> {
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let rows = self.books.closed(ids).map_err(Stop::Fault)?;
        Ok(rows.iter().map(|row| (row.id, unfold(row))).collect())
    }

    /// Hands every closed order that answers `query` to `each`, newest first.
    pub(super) fn each_closed(
        &mut self,
        query: &ArchiveQuery,
        each: impl FnMut(ArchivedOrder),
    ) -> Result<(), Stop<B::Fault>> {
        self.some_closed(query, usize::MAX, each).map(drop)
    }

    /// Hands at most `most` closed orders that answer `query` to `each`, newest first; returns whether these were all.
    pub(super) fn some_closed(
        &mut self,
        query: &ArchiveQuery,
        most: usize,
        mut each: impl FnMut(ArchivedOrder),
    ) -> Result<bool, Stop<B::Fault>> {
        let mut query = query.clone();
        let mut room = most;
        while room > 0 {
            query.limit = room.min(SCAN_PAGE);
            let rows = self.books.closed_page(&query).map_err(Stop::Fault)?;
            let (count, wanted) = (rows.len(), query.limit);
            query.after = rows.last().map(ArchivedOrder::cursor);
            rows.into_iter().for_each(&mut each);
            if count < wanted {
                return Ok(true);
            }
            room -= count;
        }
        query.limit = 1;
        let rest = self.books.closed_page(&query).map_err(Stop::Fault)?;
        Ok(rest.is_empty())
    }

    /// Hands every record about a subject to `each`, oldest first.
    pub(super) fn each_record(
        &mut self,
        subject: &str,
        mut each: impl FnMut(Record),
    ) -> Result<(), Stop<B::Fault>> {
        let mut after = 0;
        loop {
            let records = self.books.history(subject, after, SCAN_PAGE);
            let records = records.map_err(Stop::Fault)?;
            let count = records.len();
            after = records.last().map_or(after, |record| record.seq);
            records.into_iter().for_each(&mut each);
            if count < SCAN_PAGE {
                return Ok(());
            }
        }
    }

    /// Hands every record after `after` to `each`, oldest first.
    pub(super) fn each_record_after(
        &mut self,
        after: Seq,
        mut each: impl FnMut(Record),
    ) -> Result<(), Stop<B::Fault>> {
        let mut after = after;
        loop {
            let records = self.books.records(after, SCAN_PAGE).map_err(Stop::Fault)?;
            let count = records.len();
            after = records.last().map_or(after, |record| record.seq);
            records.into_iter().for_each(&mut each);
            if count < SCAN_PAGE {
                return Ok(());
            }
        }
    }

    /// Returns an order as lists show it.
    pub(super) fn view(&self, found: &Found<'_>) -> OrderView {
        match found {
            Found::Open(order) => OrderView::open(self.state, self.live, order, self.now),
            Found::Closed(closed) => OrderView::closed(self.state, closed),
        }
    }
}

/// Rows and records that are read at once when all are looked at: about 1 MiB of them.
const SCAN_PAGE: usize = 1_000;
const _: () = assert!(SCAN_PAGE <= MAX_PAGE, "a short page must mean the last one");

/// Returns a closed order's folded form. If that cannot be read, what the archive's columns know of it:
/// the archive can be built anew, and a list must not fail for one row.
pub(super) fn unfold(row: &ArchivedOrder) -> ClosedOrder {
    serde_json::from_str(&row.form).unwrap_or_else(|_| columns(row))
}

fn columns(row: &ArchivedOrder) -> ClosedOrder {
    let completed = row.status == Status::Completed.word();
    ClosedOrder {
        order: Order {
            id: row.id,
            kind: row.kind.parse().unwrap_or(Kind::Task),
            title: row.title.clone(),
            description: None,
            bucket: row.bucket.parse().unwrap_or(Bucket::Features),
            priority: Priority::new(row.priority).unwrap_or(Priority::DEFAULT),
            phase: Phase::Queued,
            created: row.created,
            entered: row.created,
            changed: row.closed,
            first_started: None,
            estimate: None,
            labels: vec![],
            assignee: None,
            parent: row.parent,
            children: vec![],
            children_completed: 0,
            children_cancelled: 0,
            depends_on: vec![],
            blocks: vec![],
            links: vec![],
            comments: 0,
            signal: PullSignal {
                kind: String::new(),
                source: None,
            },
            external: None,
            corrective: vec![],
            epoch: 0,
            breached: false,
            gating: None,
            workspace: None,
            usage: Usage::default(),
        },
        outcome: if completed {
            Outcome::Completed {
                sku: None,
                receipt: None,
            }
        } else {
            Outcome::Cancelled {
                reason: String::new(),
            }
        },
        closed: row.closed,
    }
}
