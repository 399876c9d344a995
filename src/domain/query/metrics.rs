//! Every figure with its name and labels, as a scraper reads them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    reports::{Days, lead_time::lead_time, rows::Rows, sla::sla_of_ledger},
    settings::{BucketView, buckets},
    value::Decimal,
};
use crate::domain::{
    andon::Severity,
    days::DayRow,
    order::{Bucket, vocabulary},
    state::State,
    time::Timestamp,
};

/// Every figure.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Metrics {
    /// By name, then by labels.
    pub metrics: Vec<Metric>,
    /// How many there are.
    pub total: usize,
}

/// One figure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Metric {
    /// Its name, with its unit: `obeya_work_orders_wip`.
    pub name: String,
    /// Whether it only grows.
    #[serde(rename = "type")]
    pub sort: MetricSort,
    /// Which of that name it is.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The figure.
    pub value: Decimal,
}

vocabulary! {
    /// Whether a figure only grows.
    MetricSort ("type of metric") {
        /// It goes up and down.
        Gauge = "gauge",
        /// It only grows.
        Counter = "counter",
    }
}

/// Returns every figure. Those that count, and the percentiles, are over all days of the ledger.
pub fn metrics(state: &State, now: Timestamp) -> Metrics {
    let mut list = List(vec![]);
    for bucket in &buckets(state, now).buckets {
        list.bucket(bucket);
    }
    list.ends(state);
    list.times(state, now);
    list.promises(state, now);
    list.stages(state);
    list.agents(state);
    list.alerts(state);
    let gauge = MetricSort::Gauge;
    list.add(
        "obeya_epics_open",
        gauge,
        &[],
        i64::from(state.counts.epics),
    );
    list.add(
        "obeya_receipts_total",
        MetricSort::Counter,
        &[],
        whole(state.receipts.count),
    );
    list.add(
        "obeya_ledger_records_total",
        MetricSort::Counter,
        &[],
        whole(state.head.seq),
    );
    list.0
        .sort_by(|a, b| (&a.name, &a.labels).cmp(&(&b.name, &b.labels)));
    Metrics {
        total: list.0.len(),
        metrics: list.0,
    }
}

struct List(Vec<Metric>);

impl List {
    fn add(&mut self, name: &str, sort: MetricSort, labels: &[(&str, &str)], value: i64) {
        self.put(name, sort, labels, Decimal::whole(value));
    }

    fn put(&mut self, name: &str, sort: MetricSort, labels: &[(&str, &str)], value: Decimal) {
        let labels = labels
            .iter()
            .map(|(key, value)| ((*key).into(), (*value).into()));
        self.0.push(Metric {
            name: name.into(),
            sort,
            labels: labels.collect(),
            value,
        });
    }

    fn bucket(&mut self, view: &BucketView) {
        let label = [("bucket", view.bucket.word())];
        for (name, value) in [
            ("obeya_work_orders_queued", view.queued),
            ("obeya_work_orders_wip", view.wip),
            ("obeya_work_orders_wip_limit", view.wip_limit),
            ("obeya_sla_at_risk", view.at_risk),
            ("obeya_sla_breached", view.breached),
        ] {
            self.add(name, MetricSort::Gauge, &label, i64::from(value));
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
                self.add(
                    "obeya_work_orders_total",
                    MetricSort::Counter,
                    &labels,
                    value,
                );
            }
        }
    }

    fn times(&mut self, state: &State, now: Timestamp) {
        let span = Days::new(state, Timestamp::default(), now);
        let rows = Rows::of_ledger(state, None);
        for times in lead_time(&rows, span, None).buckets {
            for (name, of) in [
                ("obeya_work_orders_lead_time_seconds", &times.lead),
                ("obeya_work_orders_cycle_time_seconds", &times.cycle),
            ] {
                let quantiles = [
                    ("0.5", of.p50_seconds),
                    ("0.85", of.p85_seconds),
                    ("0.95", of.p95_seconds),
                ];
                for (quantile, value) in quantiles {
                    let labels = [("bucket", times.bucket.word()), ("quantile", quantile)];
                    if let Some(value) = value {
                        self.add(name, MetricSort::Gauge, &labels, value);
                    }
                }
            }
        }
    }

    fn promises(&mut self, state: &State, now: Timestamp) {
        for view in sla_of_ledger(state, Timestamp::default(), now).buckets {
            let label = [("bucket", view.bucket.word())];
            let breaches = whole(view.breaches);
            self.add(
                "obeya_sla_breaches_total",
                MetricSort::Counter,
                &label,
                breaches,
            );
            let kept = i64::try_from(view.met).unwrap_or(i64::MAX);
            let rate = Decimal::ratio(kept, whole(view.met.saturating_add(view.missed)));
            if let Some(rate) = rate {
                self.put("obeya_sla_compliance_rate", MetricSort::Gauge, &label, rate);
            }
        }
    }

    fn stages(&mut self, state: &State) {
        for stage in &state.settings.stages {
            let count = i64::from(state.counts.stage(&stage.name));
            let label = [("stage", &*stage.name)];
            self.add("obeya_stage_orders", MetricSort::Gauge, &label, count);
        }
    }

    fn agents(&mut self, state: &State) {
        let mut roles: BTreeMap<&str, (i64, i64, i64)> = BTreeMap::new();
        for agent in state.agents.values() {
            let role = roles
                .entry(agent.role.as_deref().unwrap_or("none"))
                .or_default();
            role.0 += 1;
            role.1 += i64::from(!agent.holds.is_empty());
            role.2 += i64::from(agent.completed);
        }
        for (role, (registered, active, completed)) in roles {
            let label = [("role", role)];
            self.add(
                "obeya_agents_registered",
                MetricSort::Gauge,
                &label,
                registered,
            );
            self.add("obeya_agents_active", MetricSort::Gauge, &label, active);
            let name = "obeya_agents_work_completed_total";
            self.add(name, MetricSort::Counter, &label, completed);
        }
    }

    fn alerts(&mut self, state: &State) {
        for severity in Severity::ALL {
            let open = state
                .alerts
                .values()
                .filter(|alert| alert.severity == *severity);
            let label = [("severity", severity.word())];
            self.add(
                "obeya_alerts_open",
                MetricSort::Gauge,
                &label,
                open.count() as i64,
            );
        }
    }
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
