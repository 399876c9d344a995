//! Breach risk: the open orders by how likely they break their promise, times the work that would come late with them.
//!
//! The likelihood is the chance that an order lasts beyond its due moment, given how long it has lasted, from the orders
//! of its bucket (see the module `survival` for the formula). An order in progress is compared with how long orders took
//! from their first start, a queued one with how long they took from their entry: the first knows more. What is expected
//! to come late is that chance times the order itself and all open orders that wait for it, directly or not.

use std::{cmp::Reverse, collections::BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Days, date,
    due::{Standing, left},
    past::{Ended, Past},
    survival::{Durations, Survival},
};
use crate::domain::{
    books::Books,
    id::OrderId,
    order::{BUCKETS, Bucket, Order, vocabulary},
    query::{
        filter::Filter,
        reading::{Answered, Reading},
        value::{Decimal, Moment, seconds},
    },
    state::State,
    time::Timestamp,
};

/// The days of history that chances are read from: half a year, in which a team and its work stay about the same.
pub const HISTORY_DAYS: u32 = 180;
/// The most waiting orders that are counted behind one order; beyond it the count is a lower bound.
pub const MAX_BLOCKED: usize = 1_000;
/// The most orders that are looked at in all to count those that wait: the likeliest breaches are counted first, and
/// behind the others only what waits directly.
const MAX_VISITS: usize = 1_000_000;

vocabulary! {
    /// What a chance is read from.
    RiskBasis ("basis") {
        /// It is past its SLA already.
        Breached = "breached",
        /// Orders of its bucket.
        Bucket = "bucket",
        /// Orders of the whole line, since too few of its bucket lasted as long.
        Line = "line",
        /// Too few orders lasted as long: the share of the promised time that is gone.
        Assumed = "assumed",
    }
}

/// Open orders by what is expected to come late because of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Risk {
    /// The first day of the history, `2026-02-02`.
    pub since: String,
    /// The riskiest of them first.
    pub orders: Vec<RiskOrder>,
    /// How many open orders have a promise.
    pub total: u64,
    /// How many orders are expected to break theirs, of those not past it.
    pub expected_breaches: Decimal,
}

/// An open order and its risk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RiskOrder {
    /// Where it stands.
    #[serde(flatten)]
    pub order: Standing,
    /// When it is due.
    pub due_at: Moment,
    /// How long until then; below zero it is past it.
    pub left_seconds: i64,
    /// How long it has lasted: since its first start when in progress, else since its entry.
    pub age_seconds: i64,
    /// The chance that it breaks its promise.
    pub percent: Decimal,
    /// What the chance is read from.
    pub basis: RiskBasis,
    /// How many orders lasted longer than this one has, and were done.
    pub sample: u64,
    /// The open orders that wait for it, directly or not; at least so many, where it is [`MAX_BLOCKED`].
    pub blocks: u64,
    /// How many orders are expected to come late: the chance times the order and those that wait for it.
    pub expected_late: Decimal,
}

/// The curves by bucket, and of the whole line behind them.
struct Curves {
    queued: [Survival; BUCKETS],
    working: [Survival; BUCKETS],
    line: [Survival; 2],
}

impl Curves {
    fn of(state: &State, past: &Past, now: Timestamp) -> Self {
        let mut queued: [Durations; BUCKETS] = Default::default();
        let mut working: [Durations; BUCKETS] = Default::default();
        let mut line: [Durations; 2] = Default::default();
        let mut add = |bucket: Bucket, entered: i64, started: Option<i64>, done: bool| {
            queued[bucket.index()].add(entered, done);
            line[0].add(entered, done);
            if let Some(started) = started {
                working[bucket.index()].add(started, done);
                line[1].add(started, done);
            }
        };
        // What was closed elsewhere was never on this line.
        let here = |order: &&Ended| !order.epic && (order.here || !order.completed);
        for order in past.ended.iter().filter(here) {
            let started = order.first_started.map(|first| order.closed.since(first));
            add(
                order.bucket,
                order.closed.since(order.entered),
                started,
                order.completed,
            );
        }
        for order in state.work_orders() {
            let started = order.work().and(order.first_started);
            let started = started.map(|first| now.since(first));
            add(order.bucket, now.since(order.entered), started, false);
        }
        Curves {
            queued: queued.map(Durations::curve),
            working: working.map(Durations::curve),
            line: line.map(Durations::curve),
        }
    }

    /// Returns the age of an order, the chance in thousandths that it breaks its promise, and what that is read from.
    fn chance(&self, order: &Order, due: Timestamp, now: Timestamp) -> Chance {
        let started = order.work().and(order.first_started);
        let (age, curve, line) = match started {
            Some(first) => (now.since(first), &self.working, &self.line[1]),
            None => (now.since(order.entered), &self.queued, &self.line[0]),
        };
        let curve = &curve[order.bucket.index()];
        let more = due.since(now);
        let (thousandths, basis, sample) = if now > due {
            (1000, RiskBasis::Breached, curve.lasting(age))
        } else if let Some(chance) = curve.beyond(age, more) {
            (chance, RiskBasis::Bucket, curve.lasting(age))
        } else if let Some(chance) = line.beyond(age, more) {
            (chance, RiskBasis::Line, line.lasting(age))
        } else {
            let (gone, whole) = (now.since(order.entered), due.since(order.entered));
            let gone = Decimal::ratio(gone, whole).map_or(1000, |share| share.0);
            (gone.clamp(0, 1000), RiskBasis::Assumed, line.lasting(age))
        };
        Chance {
            age,
            thousandths,
            basis,
            sample: sample as u64,
        }
    }
}

struct Chance {
    age: i64,
    thousandths: i64,
    basis: RiskBasis,
    sample: u64,
}

impl<B: Books> Reading<'_, B> {
    /// Returns at most `limit` of the open orders that a filter admits and that have a promise, the riskiest first.
    pub(in crate::domain::query) fn risk(
        &mut self,
        filter: &Filter,
        since: Timestamp,
        limit: usize,
    ) -> Answered<Risk, B> {
        let (state, now) = (self.state, self.now);
        // All buckets' history, whatever the filter: an order is no likelier to break its promise for being searched for.
        let past = self.past_orders(&Filter::default(), Days::new(state, since, now).start())?;
        let curves = Curves::of(state, &past, now);
        let admitted = state.work_orders().map(AsRef::as_ref);
        let mut all: Vec<(&Order, Timestamp, Chance)> = admitted
            .filter(|order: &&Order| filter.admits(state, order, now))
            .filter_map(|order| {
                let due = state.due(order)?;
                Some((order, due, curves.chance(order, due, now)))
            })
            .collect();
        all.sort_by_key(|(order, due, chance)| (Reverse(chance.thousandths), *due, order.id));
        let expected: i64 = all
            .iter()
            .filter(|(_, _, chance)| chance.basis != RiskBasis::Breached)
            .map(|(_, _, chance)| chance.thousandths)
            .sum();
        let mut visits = MAX_VISITS;
        let mut ranked: Vec<_> = all
            .iter()
            .map(|(order, due, chance)| {
                let blocks = match chance.thousandths {
                    0 => order.blocks.len(),
                    _ => waiting(state, order, &mut visits),
                };
                let weight = i64::try_from(blocks + 1).unwrap_or(i64::MAX);
                let late = Decimal(chance.thousandths.saturating_mul(weight));
                (Reverse(late), *due, order.id, *order, chance, blocks)
            })
            .collect();
        ranked.sort_by_key(|(late, due, id, ..)| (*late, *due, *id));
        let view = |(late, due, _, order, chance, blocks): &(_, _, _, &Order, &Chance, usize)| {
            let Reverse(expected_late): &Reverse<Decimal> = late;
            RiskOrder {
                order: Standing::of(state, self.live, order),
                due_at: Moment(*due),
                left_seconds: left(*due, now),
                age_seconds: seconds(chance.age),
                percent: Decimal(chance.thousandths.saturating_mul(100)),
                basis: chance.basis,
                sample: chance.sample,
                blocks: *blocks as u64,
                expected_late: *expected_late,
            }
        };
        Ok(Risk {
            since: date(past.since.day()),
            total: ranked.len() as u64,
            expected_breaches: Decimal(expected),
            orders: ranked.iter().take(limit).map(view).collect(),
        })
    }
}

/// Returns how many open orders wait for one, directly or not, epics not among them; at most [`MAX_BLOCKED`], and only
/// those that wait directly once no visits are left.
fn waiting(state: &State, order: &Order, visits: &mut usize) -> usize {
    let mut seen: BTreeSet<OrderId> = BTreeSet::from([order.id]);
    let mut todo = vec![order.id];
    let mut count = 0;
    while let Some(id) = todo.pop() {
        for after in state.directly_after(id) {
            if count >= MAX_BLOCKED {
                return count;
            }
            if seen.insert(after) {
                count += usize::from(!after.is_epic());
                *visits = visits.saturating_sub(1);
                if *visits > 0 {
                    todo.push(after);
                }
            }
        }
    }
    count
}
