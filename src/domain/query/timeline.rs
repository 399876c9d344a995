//! An alert as one record: what happened to it, what was done by the orders that mend it, and how work thawed.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{
    events::{Entry, MAX_TIMELINE, push},
    reading::{Answered, Reading, Stop},
};
use crate::domain::{
    andon::{Freed, Scope},
    books::Books,
    event::Event,
    id::{AlertId, OrderId},
    record::{ActorKind, Record, Seq},
    refusal::Refusal,
};

/// How many of the newest orders that mend an alert have their steps on its timeline; the rest are still named.
const MAX_MENDING: usize = 20;
/// How many records behind the end of an alert are looked through for the first work that it had stopped.
const MAX_THAW: usize = 1_000;
/// The steps of a mending order that matter to the alert: not what is said or edited about it.
const STEPS: [&str; 8] = [
    "order_created",
    "order_started",
    "order_moved",
    "order_released",
    "lease_lapsed",
    "order_completed",
    "order_cancelled",
    "order_reopened",
];

/// One thing on an alert's timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happening {
    /// What happened; of several alike, the last.
    #[serde(flatten)]
    pub entry: Entry,
    /// How often it happened in a row.
    #[serde(default = "once", skip_serializing_if = "is_once")]
    pub times: u32,
}

/// What the end of an alert set free.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thaw {
    /// How much, counted when it ended.
    #[serde(flatten)]
    pub freed: Freed,
    /// The first step of work that the alert had stopped, if there was one soon after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumed: Option<Entry>,
}

fn once() -> u32 {
    1
}

fn is_once(times: &u32) -> bool {
    *times == 1
}

/// What the alert's own records say.
#[derive(Default)]
struct Own {
    raised: Option<Happening>,
    since: VecDeque<Happening>,
    ended: Option<(Seq, Option<Freed>)>,
}

impl Own {
    fn hear(&mut self, record: &Record) {
        let entry = Entry::of(record);
        let happening = Happening { entry, times: 1 };
        if self.raised.is_none() {
            self.raised = Some(happening);
            return;
        }
        if let Some(Event::AlertResolved { freed, .. }) = record.event() {
            self.ended = Some((record.seq, freed));
        }
        // A storm of repeats is one line, or it would push out everything else.
        match self.since.back_mut() {
            Some(last) if record.kind == "alert_repeated" && last.entry.event == record.kind => {
                let times = last.times.saturating_add(1);
                *last = Happening { times, ..happening };
            }
            _ => push(&mut self.since, happening, MAX_TIMELINE),
        }
    }
}

impl<B: Books> Reading<'_, B> {
    /// Returns what happened to an alert and to the orders that mend it, oldest first: that it was raised, and the newest
    /// of what came since. Beside it, what its end set free.
    pub(super) fn alert_timeline(
        &mut self,
        id: AlertId,
        hold: Option<&Scope>,
        corrective: &[OrderId],
    ) -> Answered<(Vec<Happening>, Option<Thaw>), B> {
        let mut own = Own::default();
        self.each_record(&id.to_string(), |record| own.hear(&record))?;
        let from = own.raised.as_ref().map_or(0, |raised| raised.entry.seq);
        let mut since: Vec<Happening> = own.since.into();
        let newest = corrective.len().saturating_sub(MAX_MENDING);
        for order in corrective.iter().skip(newest) {
            self.each_record(&order.to_string(), |record| {
                if record.seq > from && STEPS.contains(&record.kind.as_str()) {
                    let entry = Entry::of(&record);
                    since.push(Happening { entry, times: 1 });
                }
            })?;
        }
        since.sort_by_key(|happening| happening.entry.seq);
        let old = since.len().saturating_sub(MAX_TIMELINE - 1);
        let timeline = own.raised.into_iter().chain(since.into_iter().skip(old));
        let thaw = match (own.ended, hold) {
            (Some((seq, Some(freed))), Some(hold)) => Some(Thaw {
                freed,
                resumed: self.resumed(seq, hold, corrective)?,
            }),
            _ => None,
        };
        Ok((timeline.collect(), thaw))
    }

    /// Returns the first step after `seq` of work that a hold had stopped, what mended it left aside.
    fn resumed(
        &mut self,
        seq: Seq,
        hold: &Scope,
        corrective: &[OrderId],
    ) -> Answered<Option<Entry>, B> {
        let records = self.books.records(seq, MAX_THAW).map_err(Stop::Fault)?;
        for record in records {
            let Some(event) = record.event() else {
                continue;
            };
            let (id, from, to) = match &event {
                Event::OrderStarted { id, stage, .. } => (*id, None, Some(stage)),
                Event::OrderMoved { id, from, to } => (*id, Some(from), Some(to)),
                Event::OrderCompleted { id, .. } => (*id, None, None),
                _ => continue,
            };
            if corrective.contains(&id) {
                continue;
            }
            let stopped = match hold {
                Scope::Line => true,
                Scope::Order(held) => id == *held,
                Scope::Stage(name) => from == Some(name) || to == Some(name),
                Scope::Agent(name) => {
                    record.actor == *name && record.actor_kind == ActorKind::Agent.into()
                }
                Scope::Bucket(bucket) => self.now_in(id, |_, found| found.bucket == *bucket)?,
                Scope::Epic(epic) => self.now_in(id, |state, found| {
                    found.id == *epic
                        || found.parent.is_some_and(|parent| {
                            parent == *epic || state.lineage(parent).any(|above| above == *epic)
                        })
                })?,
            };
            if stopped {
                return Ok(Some(Entry::of(&record)));
            }
        }
        Ok(None)
    }

    /// Returns whether an order, open or closed, is what `fits` asks for.
    fn now_in(
        &mut self,
        id: OrderId,
        fits: impl Fn(&crate::domain::state::State, &crate::domain::order::Order) -> bool,
    ) -> Answered<bool, B> {
        let state = self.state;
        match self.find(id) {
            Ok(found) => Ok(fits(state, found.order())),
            Err(Stop::Refused(Refusal::NotFound { .. })) => Ok(false),
            Err(stop) => Err(stop),
        }
    }
}
