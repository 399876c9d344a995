//! What happened on each UTC day in each bucket, as integers, for ever.

use std::collections::BTreeMap;

use bitcode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::{
    order::{BUCKETS, Bucket},
    time::MINUTE,
    usage::Usage,
};

/// A histogram of durations on a logarithmic scale: four bins to each doubling of the minutes, so a value
/// read back is at most a quarter off. Sparse, sorted by bin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
#[serde(transparent)]
pub struct Histogram(Vec<(u8, u32)>);

impl Histogram {
    /// Counts one duration, in microseconds.
    pub fn add(&mut self, micros: i64) {
        let bin = Self::bin(micros);
        match self.0.binary_search_by_key(&bin, |(b, _)| *b) {
            Ok(at) => self.0[at].1 = self.0[at].1.saturating_add(1),
            Err(at) => self.0.insert(at, (bin, 1)),
        }
    }

    /// Adds all of another histogram.
    pub fn merge(&mut self, other: &Histogram) {
        for &(bin, count) in &other.0 {
            match self.0.binary_search_by_key(&bin, |(b, _)| *b) {
                Ok(at) => self.0[at].1 = self.0[at].1.saturating_add(count),
                Err(at) => self.0.insert(at, (bin, count)),
            }
        }
    }

    /// Returns how many durations were counted.
    pub fn count(&self) -> u64 {
        self.0.iter().map(|(_, count)| u64::from(*count)).sum()
    }

    /// Returns the duration in microseconds below which `percent` of them lie (nearest rank), or None if there are none.
    /// It is the middle of its bin.
    pub fn percentile(&self, percent: u8) -> Option<i64> {
        let rank = (self.count() * u64::from(percent.min(100)))
            .div_ceil(100)
            .max(1);
        let mut seen = 0;
        self.0.iter().find_map(|&(bin, count)| {
            seen += u64::from(count);
            (seen >= rank).then(|| Self::middle(bin))
        })
    }

    fn bin(micros: i64) -> u8 {
        let minutes = u64::try_from(micros / MINUTE).unwrap_or(0);
        if minutes < 4 {
            return minutes as u8;
        }
        let doublings = minutes.ilog2();
        let quarter = (minutes >> (doublings - 2)) & 3;
        u8::try_from(u64::from(4 * (doublings - 1)) + quarter).unwrap_or(u8::MAX)
    }

    fn middle(bin: u8) -> i64 {
        let start = |bin: i64| {
            if bin < 4 {
                bin
            } else {
                (4 + bin % 4) << (bin / 4 - 1).min(40)
            }
        };
        let bin = i64::from(bin);
        // The last bins lie beyond what a timestamp can hold.
        (start(bin) + start(bin + 1)).saturating_mul(MINUTE / 2)
    }
}

/// One bucket's day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub struct DayRow {
    /// Orders that came into being.
    pub created: u32,
    /// Orders on which work began for the first time.
    pub started: u32,
    /// Orders done.
    pub completed: u32,
    /// Orders given up.
    pub cancelled: u32,
    /// Orders opened again.
    pub reopened: u32,
    /// Orders in progress after the day's last change, where anything changed.
    pub wip: Option<u32>,
    /// Open orders that went past their SLA.
    pub breaches: u32,
    /// Orders done within their SLA here; imports of closed work count neither way.
    pub met: u32,
    /// Orders done past their SLA here.
    pub missed: u32,
    /// Creation to done.
    pub lead: Histogram,
    /// First start to done.
    pub cycle: Histogram,
    /// What was used up. Not written where that is nothing, and so is the next: older ledgers know nothing of it.
    #[serde(default, skip_serializing_if = "Usage::is_none")]
    pub usage: Usage,
    /// What of it each agent used up, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub agents: BTreeMap<String, Usage>,
}

/// A day, by bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub struct Day(pub [DayRow; BUCKETS]);

impl Day {
    /// Returns one bucket's row.
    pub fn row(&mut self, bucket: Bucket) -> &mut DayRow {
        &mut self.0[bucket.index()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_at_most_a_quarter_off() {
        for minutes in [0i64, 1, 3, 4, 5, 7, 8, 100, 1_439, 100_000, 50_000_000] {
            let mut histogram = Histogram::default();
            histogram.add(minutes * MINUTE);
            let read = histogram.percentile(50).expect("one value") / MINUTE;
            assert!(
                (read - minutes).abs() <= minutes / 8 + 1,
                "{minutes} read as {read}"
            );
        }
        let mut many = Histogram::default();
        (1..=100).for_each(|day| many.add(day * 24 * 60 * MINUTE));
        let days = |percent| many.percentile(percent).expect("values") / (24 * 60 * MINUTE);
        assert!(
            (44..=56).contains(&days(50)) && (84..=106).contains(&days(95)),
            "{} {}",
            days(50),
            days(95)
        );
        assert_eq!(Histogram::default().percentile(50), None);
        many.add(i64::MAX);
        assert!(many.percentile(100).is_some());
    }
}
