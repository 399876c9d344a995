//! How long orders are reckoned to take.

use crate::domain::{
    days::Histogram,
    order::{BUCKETS, Bucket, Order, vocabulary},
    state::State,
    time::MINUTE,
};

vocabulary! {
    /// What a duration is reckoned from.
    Basis ("basis") {
        /// The order's own estimate.
        Estimate = "estimate",
        /// Half of the bucket's completed orders took no longer.
        Median = "median",
        /// Nothing is known: one working day.
        Assumed = "assumed",
        /// An epic takes no time of its own.
        Epic = "epic",
    }
}

/// What is assumed where nothing is known: one working day, in minutes.
pub const ASSUMED_MINUTES: i64 = 8 * 60;

/// The reckoning of one state.
pub struct Durations {
    medians: [Option<i64>; BUCKETS],
}

impl Durations {
    /// Returns the reckoning: an order's estimate, else its bucket's median lead time over all days, else a working day.
    pub fn of(state: &State) -> Self {
        let mut lead: [Histogram; BUCKETS] = Default::default();
        for (_, day) in state.days() {
            for (all, row) in lead.iter_mut().zip(&day.0) {
                all.merge(&row.lead);
            }
        }
        Durations {
            medians: lead.map(|bucket| bucket.percentile(50).map(|micros| micros / MINUTE)),
        }
    }

    /// Returns an open order's minutes, and what they are reckoned from.
    pub fn minutes(&self, order: &Order) -> (i64, Basis) {
        if order.is_epic() {
            return (0, Basis::Epic);
        }
        match (order.estimate, self.median(order.bucket)) {
            (Some(minutes), _) => (i64::from(minutes), Basis::Estimate),
            (None, Some(minutes)) => (minutes, Basis::Median),
            (None, None) => (ASSUMED_MINUTES, Basis::Assumed),
        }
    }

    fn median(&self, bucket: Bucket) -> Option<i64> {
        self.medians.get(bucket.index()).copied().flatten()
    }
}
