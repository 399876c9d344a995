//! An alert as one record: what happened to it, what was done by the orders that mend it, and how work thawed.

use std::collections::VecDeque;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    events::{Entry, MAX_TIMELINE},
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

/// How many of the newest steps of one order that mends an alert stand on its timeline: more is the order's own story.
const MAX_STEPS: usize = 20;
/// What a condition that comes and goes says over and over: however often in turn, a line each.
const FLAPS: [&str; 2] = ["alert_repeated", "alert_recovered"];
/// What people did about an alert, and what it did to the line: never left out for what happened more often. Each is
/// bounded by a rule.
const KEPT: [&str; 5] = [
    "alert_acknowledged",
    "alert_escalated",
    "alert_held",
    "corrective_linked",
    "alert_resolved",
];
/// The first of these in an order that mends an alert says that somebody took it, and is kept likewise.
const TAKEN: &str = "order_started";
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Happening {
    /// What happened; of several alike, the last.
    #[serde(flatten)]
    pub entry: Entry,
    /// How often it happened in a row.
    #[serde(default = "once", skip_serializing_if = "is_once")]
    pub times: u32,
}

/// What the end of an alert set free.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    kept: Vec<Happening>,
    rest: Newest,
    /// How many at the end of the rest came and went in turn, with nothing in between.
    flaps: usize,
    ended: Option<(Seq, Option<Freed>)>,
}

/// The newest happenings, and how many older ones had no room.
#[derive(Default)]
struct Newest {
    list: VecDeque<Happening>,
    omitted: u64,
}

impl Newest {
    fn push(&mut self, happening: Happening, limit: usize) {
        if self.list.len() >= limit {
            let old = self.list.pop_front();
            self.omitted += old.map_or(0, |old| u64::from(old.times));
        }
        self.list.push_back(happening);
    }
}

/// An alert's past.
pub(super) struct Past {
    /// What happened, oldest first.
    pub timeline: Vec<Happening>,
    /// How many records of it had no room there.
    pub omitted: u64,
    /// What its end set free.
    pub thaw: Option<Thaw>,
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
        let kind = record.kind.as_str();
        if KEPT.contains(&kind) {
            self.flaps = 0;
            self.kept.push(happening);
            return;
        }
        if !FLAPS.contains(&kind) {
            self.flaps = 0;
            self.rest.push(happening, MAX_TIMELINE);
            return;
        }
        // A storm of repeats is one line, or it would push out everything else.
        let begins = self.rest.list.len().saturating_sub(self.flaps);
        let mut run = self.rest.list.iter().skip(begins);
        match run.position(|told| told.entry.event == kind) {
            Some(at) => {
                let told = self.rest.list.remove(begins + at);
                let times = told.map_or(1, |told| told.times.saturating_add(1));
                self.rest.list.push_back(Happening { times, ..happening });
            }
            None => {
                self.flaps += 1;
                self.rest.push(happening, MAX_TIMELINE);
            }
        }
    }
}

impl<B: Books> Reading<'_, B> {
    /// Returns what happened to an alert and to the orders that mend it, oldest first: that it was raised, what was done
    /// about it, and the newest of what else came since. Beside it, what its end set free.
    pub(super) fn alert_timeline(
        &mut self,
        id: AlertId,
        hold: Option<&Scope>,
        corrective: &[OrderId],
    ) -> Answered<Past, B> {
        let mut own = Own::default();
        self.each_record(&id.to_string(), |record| own.hear(&record))?;
        let from = own.raised.as_ref().map_or(0, |raised| raised.entry.seq);
        let (mut kept, mut rest) = (own.kept, Vec::from(own.rest.list));
        let mut omitted = own.rest.omitted;
        for order in corrective {
            let (mut taken, mut steps) = (None, Newest::default());
            self.each_record(&order.to_string(), |record| {
                let kind = record.kind.as_str();
                if record.seq > from && STEPS.contains(&kind) {
                    let entry = Entry::of(&record);
                    let step = Happening { entry, times: 1 };
                    match kind == TAKEN && taken.is_none() {
                        true => taken = Some(step),
                        false => steps.push(step, MAX_STEPS),
                    }
                }
            })?;
            kept.extend(taken);
            rest.extend(steps.list);
            omitted += steps.omitted;
        }
        rest.sort_by_key(|happening| happening.entry.seq);
        let room = (MAX_TIMELINE - 1).saturating_sub(kept.len());
        let old = rest.drain(..rest.len().saturating_sub(room));
        omitted += old.map(|old| u64::from(old.times)).sum::<u64>();
        rest.extend(kept);
        rest.sort_by_key(|happening| happening.entry.seq);
        let timeline = own.raised.into_iter().chain(rest);
        let thaw = match (own.ended, hold) {
            (Some((seq, Some(freed))), Some(hold)) => Some(Thaw {
                freed,
                resumed: self.resumed(seq, hold, corrective)?,
            }),
            _ => None,
        };
        Ok(Past {
            timeline: timeline.collect(),
            omitted,
            thaw,
        })
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
