//! How promises are kept.

use serde::{Deserialize, Serialize};

use super::{Days, date};
use crate::domain::{
    order::{BUCKETS, Bucket},
    query::value::Decimal,
    state::State,
    time::Timestamp,
};

/// Promises by bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sla {
    /// The first day, `2026-02-02`.
    pub since: String,
    /// Each bucket, or the one that was asked for.
    pub buckets: Vec<BucketSla>,
    /// Over all of these: how many percent of what was completed was completed in time; absent where nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compliance_percent: Option<Decimal>,
}

/// A bucket's promises.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

/// Returns how promises were kept from the day of `since` on, and how the open ones stand.
pub fn sla(state: &State, since: Timestamp, bucket: Option<Bucket>, now: Timestamp) -> Sla {
    let span = Days::new(state, since, now);
    let mut ends = [(0_u64, 0_u64, 0_u64); BUCKETS];
    for (_, bucket, row) in state.rows(span, bucket) {
        let (met, missed, breaches) = &mut ends[bucket.index()];
        *met += u64::from(row.met);
        *missed += u64::from(row.missed);
        *breaches += u64::from(row.breaches);
    }
    let open = state.sla_counts(now);
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
    let met = ends.iter().map(|(met, _, _)| met).sum();
    let missed = ends.iter().map(|(_, missed, _)| missed).sum();
    Sla {
        since: date(span.first),
        buckets: wanted.map(view).collect(),
        compliance_percent: compliance(met, missed),
    }
}

fn compliance(met: u64, missed: u64) -> Option<Decimal> {
    let whole = i64::try_from(met.saturating_add(missed)).ok()?;
    Decimal::percent(i64::try_from(met).ok()?, whole)
}
