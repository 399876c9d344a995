//! How promises are kept.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Days, date, due::DueOrders, rows::Rows};
use crate::domain::{
    books::Books,
    order::{BUCKETS, Bucket},
    query::{
        filter::Filter,
        reading::{Answered, Reading},
        value::Decimal,
    },
    state::State,
    time::Timestamp,
};

/// Promises by bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sla {
    /// The first day, `2026-02-02`.
    pub since: String,
    /// Each bucket, or the one that was asked for.
    pub buckets: Vec<BucketSla>,
    /// Over all of these: how many percent of what was completed was completed in time; absent where nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compliance_percent: Option<Decimal>,
    /// Each day, oldest first: how promises were kept until its end.
    #[serde(default)]
    pub days: Vec<SlaOn>,
    /// The open orders with a promise, soonest due first: what is left until each breach.
    #[serde(default)]
    pub due: DueOrders,
}

/// A day's promises.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SlaOn {
    /// The UTC day, `2026-02-02`.
    pub date: String,
    /// Completed in time on that day.
    pub met: u64,
    /// Completed too late on that day.
    pub missed: u64,
    /// How many percent of what was completed since the first day was completed in time; absent where nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compliance_percent: Option<Decimal>,
}

/// A bucket's promises.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BucketSla {
    /// Which.
    pub bucket: Bucket,
    /// Hours from entry to done; absent where nothing is promised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sla_hours: Option<u32>,
    /// Completed in time.
    pub met: u64,
    /// Completed too late.
    pub missed: u64,
    /// Alerts for going past it.
    pub breaches: u64,
    /// How many percent of what was completed was completed in time; absent where nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compliance_percent: Option<Decimal>,
    /// Open orders of which four fifths of the time are gone.
    pub at_risk: u32,
    /// Open orders past it.
    pub breached: u32,
}

impl<B: Books> Reading<'_, B> {
    /// Returns how promises were kept from the day of `since` on, and at most `limit` of those that are still to be kept.
    pub(in crate::domain::query) fn sla(
        &mut self,
        filter: &Filter,
        since: Timestamp,
        limit: usize,
    ) -> Answered<Sla, B> {
        let (rows, span) = self.rows(filter, since)?;
        let (state, now) = (self.state, self.now);
        let open = state.sla_counts(filter, now);
        Ok(Sla {
            due: DueOrders::of(state, self.live, filter, limit, now),
            ..sla(state, &rows, span, filter.bucket, open)
        })
    }
}

/// Returns how promises were kept from the day of `since` on, over all buckets, by the ledger's own rows.
pub fn sla_of_ledger(state: &State, since: Timestamp, now: Timestamp) -> Sla {
    let rows = Rows::of_ledger(state, None);
    let open = state.sla_counts(&Filter::default(), now);
    sla(state, &rows, Days::new(state, since, now), None, open)
}

/// Returns how promises were kept on the days of `span`, with the open orders at risk and past it by bucket.
fn sla(
    state: &State,
    rows: &Rows<'_>,
    span: Days,
    bucket: Option<Bucket>,
    open: [(u32, u32); BUCKETS],
) -> Sla {
    let mut ends = [(0_u64, 0_u64, 0_u64); BUCKETS];
    let mut by_day: BTreeMap<u32, (u64, u64)> = span.each().map(|day| (day, (0, 0))).collect();
    for (day, bucket, row) in rows.each(span) {
        let (met, missed, breaches) = &mut ends[bucket.index()];
        *met += u64::from(row.met);
        *missed += u64::from(row.missed);
        *breaches += u64::from(row.breaches);
        let (met, missed) = by_day.entry(day).or_default();
        *met += u64::from(row.met);
        *missed += u64::from(row.missed);
    }
    let wanted = Bucket::ALL
        .iter()
        .filter(|of| bucket.is_none_or(|bucket| bucket == **of));
    let view = |bucket: &Bucket| {
        let (met, missed, breaches) = ends[bucket.index()];
        let (at_risk, breached) = open[bucket.index()];
        BucketSla {
            bucket: *bucket,
            sla_hours: state.settings.bucket(*bucket).sla_hours,
            met,
            missed,
            breaches,
            compliance_percent: compliance(met, missed),
            at_risk,
            breached,
        }
    };
    let (mut met, mut missed) = (0, 0);
    let days = by_day.into_iter().map(|(day, (kept, broken))| {
        met += kept;
        missed += broken;
        SlaOn {
            date: date(day),
            met: kept,
            missed: broken,
            compliance_percent: compliance(met, missed),
        }
    });
    let days = days.collect();
    Sla {
        since: date(span.first),
        buckets: wanted.map(view).collect(),
        compliance_percent: compliance(met, missed),
        days,
        due: DueOrders::default(),
    }
}

fn compliance(met: u64, missed: u64) -> Option<Decimal> {
    let whole = i64::try_from(met.saturating_add(missed)).ok()?;
    Decimal::percent(i64::try_from(met).ok()?, whole)
}
