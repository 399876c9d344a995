//! Every figure with its name and labels, as a scraper reads them.

mod exposition;
mod families;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    exposition::{Family, Page, bound, exposition},
    families::FAMILIES,
};
use self::{
    exposition::{PARTS, family_name},
    families as of,
};
use super::{
    reports::sla::sla_of_ledger,
    settings::{BucketView, buckets},
    value::Decimal,
};
use crate::domain::{
    andon::Severity,
    days::DayRow,
    order::{Bucket, vocabulary},
    state::State,
    tallies::{BOUNDS, GATE_BOUNDS, ORDER_BOUNDS, Spread, Tallies},
    time::Timestamp,
};

/// Every figure.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Metrics {
    /// By family.
    pub metrics: Vec<Metric>,
    /// How many there are.
    pub total: usize,
}

/// One figure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Metric {
    /// Its name, with its unit: `obeya_work_orders_wip`. A histogram has several, which end in `_bucket`, `_sum` and
    /// `_count`.
    pub name: String,
    /// How it behaves.
    #[serde(rename = "type")]
    pub sort: MetricSort,
    /// Which of that name it is.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The figure.
    pub value: Decimal,
}

vocabulary! {
    /// How a figure behaves.
    MetricSort ("type of metric") {
        /// It goes up and down.
        Gauge = "gauge",
        /// It only grows.
        Counter = "counter",
        /// It says how many of something were at or below which bound.
        Histogram = "histogram",
    }
}

/// Returns every figure. Those that count do so since the ledger began.
pub fn metrics(state: &State, now: Timestamp) -> Metrics {
    let mut list = List(vec![]);
    for bucket in &buckets(state, now).buckets {
        list.bucket(bucket);
    }
    list.ends(state);
    list.promises(state, now);
    for stage in &state.settings.stages {
        let count = i64::from(state.counts.stage(&stage.name));
        list.add(&of::STAGE_ORDERS, &[("stage", &stage.name)], count);
    }
    list.agents(state);
    list.alerts(state);
    list.gates(&state.tallies);
    list.add(&of::EPICS, &[], i64::from(state.counts.epics));
    list.add(&of::RECEIPTS, &[], whole(state.receipts.count));
    list.add(&of::RECORDS, &[], whole(state.head.seq));
    // Within a family as they were added: a histogram is read from its lowest bound up.
    list.0.sort_by(|a, b| family_name(a).cmp(family_name(b)));
    Metrics {
        total: list.0.len(),
        metrics: list.0,
    }
}

struct List(Vec<Metric>);

type Labels<'a> = [(&'a str, &'a str)];

impl List {
    fn add(&mut self, family: &Family, labels: &Labels<'_>, value: i64) {
        self.put(family, "", labels, Decimal::whole(value));
    }

    fn put(&mut self, family: &Family, part: &str, labels: &Labels<'_>, value: Decimal) {
        let labels = labels
            .iter()
            .map(|(key, value)| ((*key).into(), (*value).into()));
        self.0.push(Metric {
            name: format!("{}{part}", family.name),
            sort: family.sort,
            labels: labels.collect(),
            value,
        });
    }

    fn spread(
        &mut self,
        family: &Family,
        label: (&str, &str),
        bounds: &[i64; BOUNDS],
        spread: &Spread,
    ) {
        let [bucket, sum, count] = PARTS;
        let mut below = 0i64;
        for (micros, within) in bounds.iter().zip(spread.within) {
            below = below.saturating_add(whole(within));
            let labels = [label, ("le", &bound(*micros))];
            self.put(family, bucket, &labels, Decimal::whole(below));
        }
        let all = Decimal::whole(below.saturating_add(whole(spread.beyond)));
        self.put(family, bucket, &[label, ("le", "+Inf")], all);
        self.put(family, sum, &[label], Decimal(whole(spread.sum_ms)));
        self.put(family, count, &[label], all);
    }

    fn bucket(&mut self, view: &BucketView) {
        let label = [("bucket", view.bucket.word())];
        for (family, value) in [
            (of::QUEUED, view.queued),
            (of::WIP, view.wip),
            (of::WIP_LIMIT, view.wip_limit),
            (of::SLA_AT_RISK, view.at_risk),
            (of::SLA_BREACHED, view.breached),
        ] {
            self.add(&family, &label, i64::from(value));
        }
    }

    fn ends(&mut self, state: &State) {
        for bucket in Bucket::ALL {
            let rows = || {
                state
                    .days()
                    .filter_map(|(_, day)| day.0.get(bucket.index()))
            };
            let sum = |count: fn(&DayRow) -> u32| rows().map(|row| i64::from(count(row))).sum();
            for (status, value) in [
                ("created", sum(|row| row.created)),
                ("started", sum(|row| row.started)),
                ("completed", sum(|row| row.completed)),
                ("cancelled", sum(|row| row.cancelled)),
                ("reopened", sum(|row| row.reopened)),
            ] {
                let labels = [("bucket", bucket.word()), ("status", status)];
                self.add(&of::ORDERS, &labels, value);
            }
            let label = ("bucket", bucket.word());
            let tallies = &state.tallies;
            for (family, spreads) in [(of::LEAD, &tallies.lead), (of::CYCLE, &tallies.cycle)] {
                if let Some(spread) = spreads.get(bucket.index()) {
                    self.spread(&family, label, &ORDER_BOUNDS, spread);
                }
            }
        }
    }

    fn promises(&mut self, state: &State, now: Timestamp) {
        for view in sla_of_ledger(state, Timestamp::default(), now).buckets {
            let label = [("bucket", view.bucket.word())];
            self.add(&of::SLA_BREACHES, &label, whole(view.breaches));
            let kept = i64::try_from(view.met).unwrap_or(i64::MAX);
            let rate = Decimal::ratio(kept, whole(view.met.saturating_add(view.missed)));
            if let Some(rate) = rate {
                self.put(&of::SLA_RATE, "", &label, rate);
            }
        }
    }

    fn agents(&mut self, state: &State) {
        let tallies = &state.tallies;
        let mut now: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
        for role in tallies.roles.keys() {
            now.insert(role, (0, 0));
        }
        for agent in state.agents.values() {
            let role = tallies.role_name(agent.role.as_deref());
            let (registered, active) = now.entry(role).or_default();
            *registered += 1;
            *active += i64::from(!agent.holds.is_empty());
        }
        for (role, (registered, active)) in now {
            let label = [("role", role)];
            self.add(&of::AGENTS_REGISTERED, &label, registered);
            self.add(&of::AGENTS_ACTIVE, &label, active);
        }
        for (role, tally) in &tallies.roles {
            self.add(
                &of::AGENTS_COMPLETED,
                &[("role", role)],
                whole(tally.completed),
            );
            for (cause, count) in [("lapsed", tally.lapsed), ("given_back", tally.given_back)] {
                let labels = [("role", role.as_str()), ("cause", cause)];
                self.add(&of::AGENTS_ERRORS, &labels, whole(count));
            }
        }
    }

    fn alerts(&mut self, state: &State) {
        for severity in Severity::ALL {
            let open = state
                .alerts
                .values()
                .filter(|alert| alert.severity == *severity);
            let label = [("severity", severity.word())];
            self.add(&of::ALERTS_OPEN, &label, open.count() as i64);
            let raised = state.tallies.alerts.get(severity).copied().unwrap_or(0);
            self.add(&of::ALERTS_RAISED, &label, whole(raised));
        }
    }

    fn gates(&mut self, tallies: &Tallies) {
        for (gate, tally) in &tallies.gates {
            let label = ("gate", gate.as_str());
            self.add(&of::GATES_PASSED, &[label], whole(tally.passed));
            self.add(&of::GATES_FAILED, &[label], whole(tally.failed));
            self.spread(&of::GATES_DURATION, label, &GATE_BOUNDS, &tally.took);
        }
    }
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
