//! What reports over time count from: the ledger's own rows by day, or the same rows counted anew for a filter.

use std::collections::BTreeMap;

use super::{Days, past::Past};
use crate::domain::{
    books::Books,
    days::{Day, DayRow},
    order::{BUCKETS, Bucket, Order},
    query::{
        filter::Filter,
        reading::{Answered, Reading},
    },
    state::State,
    time::Timestamp,
};

/// Rows by day and bucket, and where they lead to.
pub struct Rows<'a> {
    source: Source<'a>,
    /// How many orders are open now.
    pub open: u64,
    /// How many orders are closed now: of all time for the ledger's own rows, of the report's days for counted ones.
    pub done: u64,
    /// The closed orders that counted rows are of.
    pub past: Option<Past>,
}

enum Source<'a> {
    Ledger(&'a State, Option<Bucket>),
    Counted(BTreeMap<u32, Day>),
}

impl<'a> Rows<'a> {
    /// Returns the ledger's own rows, of one bucket or of all.
    pub fn of_ledger(state: &'a State, bucket: Option<Bucket>) -> Self {
        let mut rows = Rows {
            source: Source::Ledger(state, bucket),
            open: state.open_count() as u64,
            done: state.counts.completed + state.counts.cancelled,
            past: None,
        };
        if let Some(bucket) = bucket {
            let inside = |order: &&std::sync::Arc<Order>| order.bucket == bucket;
            rows.open = state.orders().filter(inside).count() as u64;
            rows.done = rows.each(Days::ALL).fold(0, |ended: u64, (_, _, row)| {
                let ends = u64::from(row.completed) + u64::from(row.cancelled);
                (ended + ends).saturating_sub(u64::from(row.reopened))
            });
        }
        rows
    }

    /// Returns rows counted from open and closed orders as they stand, for the days of `span`. What an order went
    /// through before it was reopened is not in its form: it counts as if it had stayed open.
    fn count<'o>(
        state: &State,
        open: impl Iterator<Item = &'o Order>,
        past: Past,
        span: Days,
    ) -> Rows<'static> {
        let mut counted = Counted::new(span);
        let mut rows = Rows {
            source: Source::Counted(BTreeMap::new()),
            open: 0,
            done: past.ended.len() as u64,
            past: None,
        };
        for order in open {
            rows.open += 1;
            counted.came(order.bucket, order.created);
            if let (Some(first), true) = (order.first_started, !order.is_epic()) {
                counted.row(order.bucket, first, |row| row.started += 1);
                if order.work().is_some() {
                    counted.worked(order.bucket, first, None);
                }
            }
        }
        for order in &past.ended {
            counted.came(order.bucket, order.created);
            if let Some(first) = order.first_started {
                counted.row(order.bucket, first, |row| row.started += 1);
                counted.worked(order.bucket, first, Some(order.closed));
            }
            let met = order.met(state);
            counted.row(order.bucket, order.closed, |row| {
                match order.completed {
                    true => row.completed += 1,
                    false => row.cancelled += 1,
                }
                if order.completed {
                    row.lead.add(order.closed.since(order.created));
                }
                if let Some(cycle) = order.cycle() {
                    row.cycle.add(cycle);
                }
                match met {
                    Some(true) => row.met += 1,
                    Some(false) => row.missed += 1,
                    None => {}
                }
            });
        }
        rows.source = Source::Counted(counted.days());
        rows.past = Some(past);
        rows
    }

    /// Returns the rows of some days by bucket; days without any are left out.
    pub fn each(&self, days: Days) -> impl Iterator<Item = (u32, Bucket, &DayRow)> {
        let (ledger, counted, only) = match &self.source {
            Source::Ledger(state, bucket) => (Some(state.days()), None, *bucket),
            Source::Counted(days) => (None, Some(days.iter()), None),
        };
        let ledger = ledger.into_iter().flatten();
        let counted = counted.into_iter().flatten();
        let all = ledger
            .map(|(number, day)| (number, day.as_ref()))
            .chain(counted.map(|(number, day)| (*number, day)));
        all.filter(move |(day, _)| (days.first..=days.last).contains(day))
            .flat_map(|(number, day)| {
                let rows = Bucket::ALL.iter().zip(&day.0);
                rows.map(move |(bucket, row)| (number, *bucket, row))
            })
            .filter(move |(_, of, _)| only.is_none_or(|only| only == *of))
    }
}

/// Rows in the making.
struct Counted {
    span: Days,
    days: BTreeMap<u32, Day>,
    /// By how much more, or fewer, orders are in progress at each day's end, by bucket.
    steps: BTreeMap<u32, [i64; BUCKETS]>,
}

impl Counted {
    fn new(span: Days) -> Self {
        let empty = span.each().map(|day| (day, Day::default()));
        Counted {
            span,
            days: empty.collect(),
            steps: BTreeMap::new(),
        }
    }

    fn row(&mut self, bucket: Bucket, at: Timestamp, change: impl FnOnce(&mut DayRow)) {
        if let Some(day) = self.days.get_mut(&at.day()) {
            change(day.row(bucket));
        }
    }

    fn came(&mut self, bucket: Bucket, at: Timestamp) {
        self.row(bucket, at, |row| row.created += 1);
    }

    /// Notes that an order was in progress from one moment to another, or until now.
    fn worked(&mut self, bucket: Bucket, from: Timestamp, until: Option<Timestamp>) {
        let mut step = |day: u32, by: i64| {
            let steps = self.steps.entry(day.max(self.span.first)).or_default();
            steps[bucket.index()] += by;
        };
        match until.map(Timestamp::day) {
            Some(until) if until < from.day() => {}
            Some(until) => {
                step(from.day(), 1);
                step(until, -1);
            }
            None => step(from.day(), 1),
        }
    }

    fn days(mut self) -> BTreeMap<u32, Day> {
        let mut wip = [0_i64; BUCKETS];
        for (number, day) in &mut self.days {
            for (bucket, by) in self.steps.get(number).into_iter().flatten().enumerate() {
                wip[bucket] += by;
            }
            for (row, wip) in day.0.iter_mut().zip(wip) {
                row.wip = Some(u32::try_from(wip.max(0)).unwrap_or(u32::MAX));
            }
        }
        self.days
    }
}

impl<'a, B: Books> Reading<'a, B> {
    /// Returns the rows that a filter's lasting part leads to, and the days they are of: fewer than were asked for
    /// where more orders were closed since than are read.
    pub(in crate::domain::query) fn rows(
        &mut self,
        filter: &Filter,
        since: Timestamp,
    ) -> Answered<(Rows<'a>, Days), B> {
        let (state, now) = (self.state, self.now);
        let filter = filter.lasting();
        let mut span = Days::new(state, since, now);
        if filter.is_of_bucket() {
            return Ok((Rows::of_ledger(state, filter.bucket), span));
        }
        let past = self.past_orders(&filter, span.start())?;
        span.first = span.first.max(past.since.day()).min(span.last);
        let open = state.orders().map(AsRef::as_ref);
        let open = open.filter(|order| filter.admits(state, order, now));
        let rows = Rows::count(state, open, past, span);
        Ok((rows, span))
    }
}
