//! The handover of a shift: what is wrong and whose it is, what breaks next, what was done, who is on what.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::due::{DueOrders, Standing};
use crate::domain::{
    andon::Alert,
    books::Books,
    event::Event,
    id::{AlertId, OrderId},
    order::{Actor, Order},
    query::{
        andon::AlertView,
        filter::Filter,
        reading::{Answered, Reading, Stop},
        reports::stages::MAX_RECORDS,
        value::Moment,
    },
    record::{Head, Record},
    time::{HOUR, Timestamp},
};

/// How long a shift is where nothing was said, in microseconds.
pub const SHIFT: i64 = 8 * HOUR;

/// What the next shift needs to know. Each list has at most as many entries as were asked for, and says how many there
/// are in all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Handover {
    /// As of when.
    pub at: Moment,
    /// The last record it tells of and that record's hash: an anchor, by which `ledger verify` shows later that what was
    /// told then is still the way it was.
    pub anchor: Head,
    /// Since when things are told; later than was asked for where more happened than is read.
    pub since: Moment,
    /// The open alerts, worst first, then oldest.
    pub alerts: Vec<HandoverAlert>,
    /// How many there are.
    pub alerts_total: u64,
    /// The open orders with a promise, soonest due first; those past it lead.
    pub due: DueOrders,
    /// Of those, how many break their promise within as long as this shift was, if nobody finishes them.
    pub due_next_shift: u64,
    /// Orders that were completed.
    pub completed: Deeds,
    /// Orders on which work began.
    pub started: Deeds,
    /// Orders that were given up.
    pub cancelled: Deeds,
    /// Orders that were made to wait for another, and are blocked still.
    pub blocked: Deeds,
    /// Alerts that were raised, or seen again.
    pub raised: Deeds,
    /// Alerts that were resolved.
    pub resolved: Deeds,
    /// Who works on what, by name.
    pub working: Vec<Working>,
    /// How many orders are in progress.
    pub working_total: u64,
    /// The agents' holds, those first that lapse first unless they are renewed.
    pub leases: Vec<Standing>,
    /// How many there are.
    pub leases_total: u64,
}

/// An open alert and who looks after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HandoverAlert {
    /// The alert, with who took notice of it.
    #[serde(flatten)]
    pub alert: AlertView,
    /// Who works on an order that is to mend it.
    pub owners: Vec<Actor>,
}

/// Things done of one sort, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Deeds {
    /// The newest of them.
    pub deeds: Vec<Deed>,
    /// How many orders or alerts there are.
    pub total: u64,
}

/// One thing done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Deed {
    /// When it was recorded.
    pub at: Moment,
    /// Who did it.
    pub by: Actor,
    /// The order or alert.
    pub subject: String,
    /// The order's title, or the alert's reason.
    pub text: String,
    /// How it was resolved, or why it was given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Somebody and what is in their hands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Working {
    /// Who.
    pub holder: Actor,
    /// The orders, by id.
    pub orders: Vec<Standing>,
    /// How many there are.
    pub total: u64,
}

/// Who last did a thing to each of some subjects, and when.
struct Latest<Id>(BTreeMap<Id, (Timestamp, Actor, Option<String>)>);

impl<Id> Default for Latest<Id> {
    fn default() -> Self {
        Latest(BTreeMap::new())
    }
}

impl<Id: Ord> Latest<Id> {
    fn note(&mut self, id: Id, record: &Record, note: Option<String>) {
        self.0.insert(id, (record.time, Actor::of(record), note));
    }
}

#[derive(Default)]
struct Told {
    completed: Latest<OrderId>,
    started: Latest<OrderId>,
    cancelled: Latest<OrderId>,
    blocked: Latest<OrderId>,
    raised: Latest<AlertId>,
    resolved: Latest<AlertId>,
}

impl Told {
    fn hear(&mut self, record: &Record) {
        // Most records are of other sorts: their bodies need not be read.
        let matters = matches!(
            record.kind.as_str(),
            "order_started" | "order_completed" | "order_cancelled" | "dependency_added"
        ) || record.kind.starts_with("alert_");
        let Some(event) = matters.then(|| record.event()).flatten() else {
            return;
        };
        match event {
            Event::OrderStarted { id, .. } => self.started.note(id, record, None),
            Event::OrderCompleted { id, note, .. } => self.completed.note(id, record, note),
            Event::OrderCancelled { id, reason } => self.cancelled.note(id, record, Some(reason)),
            Event::DependencyAdded { id, on, .. } => {
                self.blocked
                    .note(id, record, Some(format!("waits for {on}")));
            }
            Event::AlertRaised { id, .. } | Event::AlertRepeated { id, .. } => {
                self.raised.note(id, record, None);
            }
            Event::AlertResolved { id, resolution, .. } => {
                self.resolved.note(id, record, Some(resolution));
            }
            _ => {}
        }
    }
}

impl<B: Books> Reading<'_, B> {
    /// Returns what the next shift needs to know, with at most `limit` entries in each list.
    pub(in crate::domain::query) fn handover(
        &mut self,
        since: Timestamp,
        limit: usize,
    ) -> Answered<Handover, B> {
        let (state, live, now) = (self.state, self.live, self.now);
        let (told, since) = self.told(since)?;
        let mut told = told;
        let still = |id: &OrderId| state.order(*id).is_some_and(|order| order.is_blocked());
        told.blocked.0.retain(|id, _| still(id));
        // What was reopened since is not done.
        for ended in [&mut told.completed, &mut told.cancelled] {
            ended.0.retain(|id, _| state.order(*id).is_none());
        }
        let due = DueOrders::of(state, live, &Filter::default(), limit, now);
        let horizon = now.plus(now.since(since));
        let next = state.work_orders().filter_map(|order| state.due(order));
        let due_next_shift = next.filter(|due| *due >= now && *due <= horizon).count() as u64;
        let mut alerts: Vec<&Alert> = state.alerts.values().map(AsRef::as_ref).collect();
        alerts.sort_by_key(|alert| (std::cmp::Reverse(alert.severity), alert.raised.at, alert.id));
        let alert = |alert: &&Alert| {
            let mending = alert
                .corrective
                .iter()
                .filter_map(|id| state.order(*id)?.work());
            let mut owners: Vec<Actor> = mending.map(|work| work.holder.clone()).collect();
            owners.sort();
            owners.dedup();
            HandoverAlert {
                alert: AlertView::open(state, alert, now),
                owners,
            }
        };
        let busy: Vec<&Order> = state
            .work_orders()
            .map(AsRef::as_ref)
            .filter(|order: &&Order| order.work().is_some())
            .collect();
        let mut leased: Vec<(Moment, &Order)> = busy
            .iter()
            .filter_map(|order| Some((live.lease(order)?.expires_at, *order)))
            .collect();
        leased.sort_by_key(|(until, order)| (*until, order.id));
        let mut hands: BTreeMap<&Actor, Vec<&Order>> = BTreeMap::new();
        for order in &busy {
            if let Some(work) = order.work() {
                hands.entry(&work.holder).or_default().push(order);
            }
        }
        let stand = |order: &Order| Standing::of(state, live, order);
        let working = hands
            .into_iter()
            .take(limit)
            .map(|(holder, orders)| Working {
                holder: holder.clone(),
                total: orders.len() as u64,
                orders: orders.into_iter().take(limit).map(stand).collect(),
            });
        Ok(Handover {
            at: Moment(now),
            anchor: self.state.head,
            since: Moment(since),
            alerts_total: alerts.len() as u64,
            alerts: alerts.iter().take(limit).map(alert).collect(),
            due,
            due_next_shift,
            working: working.collect(),
            working_total: busy.len() as u64,
            leases_total: leased.len() as u64,
            leases: leased
                .iter()
                .take(limit)
                .map(|(_, order)| stand(order))
                .collect(),
            completed: self.order_deeds(told.completed, limit)?,
            started: self.order_deeds(told.started, limit)?,
            cancelled: self.order_deeds(told.cancelled, limit)?,
            blocked: self.order_deeds(told.blocked, limit)?,
            raised: self.alert_deeds(told.raised, limit)?,
            resolved: self.alert_deeds(told.resolved, limit)?,
        })
    }

    /// Returns what happened since a moment, or since as far back as is read, and which moment that is.
    fn told(&mut self, since: Timestamp) -> Answered<(Told, Timestamp), B> {
        let mut since = since;
        let mut after = self.last_before(since)?;
        let least = self.state.head.seq.saturating_sub(MAX_RECORDS);
        if after < least {
            after = least;
            let record = self.books.record(least + 1).map_err(Stop::Fault)?;
            since = record.map_or(since, |record| record.time);
        }
        let mut told = Told::default();
        self.each_record_after(after, |record| told.hear(&record))?;
        Ok((told, since))
    }

    fn order_deeds(&mut self, of: Latest<OrderId>, limit: usize) -> Answered<Deeds, B> {
        let (total, newest) = newest(of, limit);
        let ids = newest.iter().map(|(id, ..)| *id).collect();
        let titles = self.neighbours(ids)?;
        let titles: BTreeMap<OrderId, String> = titles
            .into_iter()
            .map(|order| (order.id, order.title))
            .collect();
        Ok(Deeds {
            total,
            deeds: newest
                .into_iter()
                .map(|(id, at, by, note)| Deed {
                    at: Moment(at),
                    by,
                    subject: id.to_string(),
                    text: titles.get(&id).cloned().unwrap_or_default(),
                    note,
                })
                .collect(),
        })
    }

    fn alert_deeds(&mut self, of: Latest<AlertId>, limit: usize) -> Answered<Deeds, B> {
        let (total, newest) = newest(of, limit);
        let mut deeds = vec![];
        for (id, at, by, note) in newest {
            deeds.push(Deed {
                at: Moment(at),
                by,
                subject: id.to_string(),
                text: self.reason(id)?,
                note,
            });
        }
        Ok(Deeds { total, deeds })
    }
}

type Noted<Id> = (Id, Timestamp, Actor, Option<String>);

/// Returns how many there are, and the newest of them, newest first.
fn newest<Id: Ord>(of: Latest<Id>, limit: usize) -> (u64, Vec<Noted<Id>>) {
    let mut all: Vec<Noted<Id>> =
        of.0.into_iter()
            .map(|(id, (at, by, note))| (id, at, by, note))
            .collect();
    let total = all.len() as u64;
    all.sort_by(|a, b| (b.1, &b.0).cmp(&(a.1, &a.0)));
    all.truncate(limit);
    (total, all)
}
