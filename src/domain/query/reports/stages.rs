//! In which stage orders stood at each day's end, read from the records that moved them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Days, past::Past};
use crate::domain::{
    books::Books,
    event::Event,
    id::OrderId,
    query::{
        filter::Filter,
        reading::{Answered, Reading, Stop, unfold},
    },
    record::{Record, Seq},
    time::Timestamp,
};

/// The most records that one report looks at, the newest: about half a second of work.
pub const MAX_RECORDS: u64 = 100_000;

/// How many orders stood in each stage at the end of each day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stages {
    /// The stages, as the board has them; behind them those that it had.
    pub names: Vec<String>,
    /// The counts by day, in the order of the names; days of which not all records were looked at are left out.
    pub days: BTreeMap<u32, Vec<u64>>,
}

/// Counts by stage and what changed them.
struct Tally {
    names: Vec<String>,
    /// The day, the place of the stage among the names, and by how much.
    steps: Vec<(u32, usize, i64)>,
}

impl Tally {
    fn place(&mut self, stage: &str) -> usize {
        match self.names.iter().position(|name| name == stage) {
            Some(place) => place,
            None => {
                self.names.push(stage.to_owned());
                self.names.len() - 1
            }
        }
    }

    fn step(&mut self, day: u32, stage: &str, by: i64) {
        let place = self.place(stage);
        self.steps.push((day, place, by));
    }
}

/// Where an event leaves an order: in a stage, in none, or where it was.
enum Leaves {
    In(String),
    Nowhere,
    Alone,
}

fn leaves(event: &Event) -> Leaves {
    match event {
        Event::OrderStarted { stage, .. } => Leaves::In(stage.clone()),
        Event::OrderMoved { to, .. } => Leaves::In(to.clone()),
        Event::OrderReleased { .. }
        | Event::LeaseLapsed { .. }
        | Event::OrderCompleted { .. }
        | Event::OrderCancelled { .. }
        | Event::OrderClosedElsewhere { .. }
        | Event::OrderReopened { .. } => Leaves::Nowhere,
        _ => Leaves::Alone,
    }
}

impl<B: Books> Reading<'_, B> {
    /// Returns where the orders stood that a filter's lasting part admits, by the days on which records were written.
    /// `past` are the closed ones among them, if they were read already.
    pub(super) fn stages(
        &mut self,
        filter: &Filter,
        span: Days,
        past: Option<&Past>,
    ) -> Answered<Stages, B> {
        let (state, now) = (self.state, self.now);
        let filter = filter.lasting();
        let mut span = span;
        let all = filter == Filter::default();
        let ids = |past: &Past| past.ended.iter().map(|order| order.id).collect();
        let closed: BTreeSet<OrderId> = match past {
            _ if all => BTreeSet::new(),
            Some(past) => ids(past),
            None => {
                let past = self.past_orders(&filter, span.start())?;
                span.first = span.first.max(past.since.day()).min(span.last);
                ids(&past)
            }
        };
        let mut tally = Tally {
            names: state
                .settings
                .stages
                .iter()
                .map(|stage| stage.name.clone())
                .collect(),
            steps: vec![],
        };
        let mut counts: BTreeMap<usize, i64> = BTreeMap::new();
        for order in state.work_orders() {
            if let Some(work) = order.work()
                && filter.admits(state, order, now)
            {
                *counts.entry(tally.place(&work.stage)).or_default() += 1;
            }
        }
        let (after, first) = self.records_of(span)?;
        let mut stood: BTreeMap<OrderId, Option<String>> = BTreeMap::new();
        let mut doubtful: Vec<(Record, OrderId)> = vec![];
        let wanted = |id: OrderId| match state.order(id) {
            // Epics stand in no stage.
            _ if id.is_epic() => false,
            Some(order) => filter.admits(state, order, now),
            None => all || closed.contains(&id),
        };
        self.each_record_after(after, |record| {
            if !moves(&record.kind) {
                return;
            }
            let Some(id) = record.subject.parse().ok().filter(|id| wanted(*id)) else {
                return;
            };
            let Some(event) = record.event() else { return };
            let day = record.time.day();
            let to = match leaves(&event) {
                Leaves::In(stage) => Some(stage),
                Leaves::Nowhere => None,
                Leaves::Alone => return,
            };
            let from = match (stood.get(&id), &event) {
                (Some(stage), _) => stage.clone(),
                (None, Event::OrderMoved { from, .. }) => Some(from.clone()),
                (None, Event::OrderStarted { .. } | Event::OrderReopened { .. }) => None,
                (None, _) => {
                    doubtful.push((record, id));
                    None
                }
            };
            if let Some(stage) = from {
                tally.step(day, &stage, -1);
            }
            if let Some(stage) = &to {
                tally.step(day, stage, 1);
            }
            stood.insert(id, to);
        })?;
        for (record, id) in doubtful {
            if let Some(stage) = self.stage_before(&record, id)? {
                tally.step(record.time.day(), &stage, -1);
            }
        }
        let mut counts: Vec<i64> = (0..tally.names.len())
            .map(|place| counts.get(&place).copied().unwrap_or(0))
            .collect();
        let mut steps: BTreeMap<u32, Vec<(usize, i64)>> = BTreeMap::new();
        for (day, place, by) in tally.steps {
            steps.entry(day).or_default().push((place, by));
        }
        let mut days = BTreeMap::new();
        // What was written under a later clock than today's counts as today's.
        let later = steps.split_off(&(span.last + 1));
        let today = steps.entry(span.last).or_default();
        today.extend(later.into_values().flatten());
        for day in (first.max(span.first)..=span.last).rev() {
            let shown = counts
                .iter()
                .map(|count| u64::try_from(*count).unwrap_or(0));
            days.insert(day, shown.collect());
            for (place, by) in steps.get(&day).into_iter().flatten() {
                if let Some(count) = counts.get_mut(*place) {
                    *count -= by;
                }
            }
        }
        Ok(Stages {
            names: tally.names,
            days,
        })
    }

    /// Returns the stage in which an order stood before a record took it out of one, if it stood in one.
    fn stage_before(&mut self, record: &Record, id: OrderId) -> Answered<Option<String>, B> {
        if self.state.order(id).is_none() {
            let rows = self.books.closed(&[id]).map_err(Stop::Fault)?;
            // The archive keeps an order as it stood when this very record closed it.
            if let Some(row) = rows.first().filter(|row| row.changed == record.seq) {
                return Ok(unfold(row).order.work().map(|work| work.stage.clone()));
            }
        }
        let mut stage = None;
        self.each_record(&record.subject, |earlier| {
            if earlier.seq >= record.seq || !moves(&earlier.kind) {
                return;
            }
            match earlier.event().as_ref().map(leaves) {
                Some(Leaves::In(to)) => stage = Some(to),
                Some(Leaves::Nowhere) => stage = None,
                Some(Leaves::Alone) | None => {}
            }
        })?;
        Ok(stage)
    }

    /// Returns the record after which the days of a span begin, and the first day of which every record comes after it.
    fn records_of(&mut self, span: Days) -> Answered<(Seq, u32), B> {
        let after = self.last_before(span.start())?;
        let least = self.state.head.seq.saturating_sub(MAX_RECORDS);
        if after >= least {
            return Ok((after, span.first));
        }
        let record = self.books.record(least).map_err(Stop::Fault)?;
        let day = record.map_or(span.last, |record| record.time.day());
        Ok((least, day + 1))
    }

    /// Returns the last record that was written before a moment, 0 if there is none. Times rise with the records but
    /// for steps of the clock, near which it may be off by as many records as the step spans.
    pub(super) fn last_before(&mut self, moment: Timestamp) -> Answered<Seq, B> {
        let (mut low, mut high) = (0, self.state.head.seq);
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            let record = self.books.record(middle).map_err(Stop::Fault)?;
            match record.is_some_and(|record| record.time < moment) {
                true => low = middle,
                false => high = middle - 1,
            }
        }
        Ok(low)
    }
}

/// Returns whether an event of this name may move an order between stages.
fn moves(kind: &str) -> bool {
    matches!(
        kind,
        "order_started"
            | "order_moved"
            | "order_released"
            | "lease_lapsed"
            | "order_completed"
            | "order_cancelled"
            | "order_closed_elsewhere"
            | "order_reopened"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::EVENTS;

    #[test]
    fn every_name_is_that_of_an_event() {
        let known = EVENTS.iter().filter(|(name, _)| moves(name)).count();
        assert_eq!(known, 8);
    }
}
