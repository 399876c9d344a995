//! How likely work that has lasted so long lasts so much longer: the Kaplan-Meier estimate.
//!
//! With d of n orders that reached an age done at it, the chance to last beyond age t is the product of 1 - d/n over
//! all ages up to t. Orders that are still open, or were given up, count among the n for as long as they lasted, so
//! that old work which nobody finishes is not left out of the picture. The chance of one that has reached age a to last
//! beyond a + x is S(a + x) / S(a).
//! (E. L. Kaplan and P. Meier, "Nonparametric Estimation from Incomplete Observations", Journal of the American
//! Statistical Association 53, 1958, pages 457 to 481.)

/// The fewest orders that must have lasted as long as the one in question, and then been done: fewer tell too little of
/// what comes then. Orders of which nobody knows yet how long they last tell nothing alone: by them, nothing ever ends.
pub const MIN_LASTING: usize = 5;

/// What is one: chances are computed in whole parts of it, so that they are the same everywhere.
const ONE: u64 = 1 << 40;

/// How long some orders lasted.
#[derive(Clone, Debug, Default)]
pub struct Durations(Vec<(i64, bool)>);

impl Durations {
    /// Notes that an order lasted so many microseconds, and then was done or was lost sight of.
    pub fn add(&mut self, micros: i64, done: bool) {
        self.0.push((micros, done));
    }

    /// Returns the curve.
    pub fn curve(mut self) -> Survival {
        // Of what ends at one age, what was done comes first: what is lost sight of then had reached it too.
        self.0
            .sort_unstable_by_key(|(micros, done)| (*micros, !*done));
        let mut steps: Vec<(i64, u64)> = vec![];
        let (mut chance, mut place) = (ONE, 0);
        while let Some((age, _)) = self.0.get(place).copied() {
            let rest = self.0.get(place..).unwrap_or_default();
            let same = rest.partition_point(|(micros, _)| *micros == age);
            let done = rest.iter().take(same).filter(|(_, done)| *done).count();
            if done > 0 {
                let (n, left) = (rest.len() as u128, (rest.len() - done) as u128);
                let lower = u128::from(chance) * left / n;
                chance = u64::try_from(lower).unwrap_or(0);
                steps.push((age, chance));
            }
            place += same;
        }
        Survival {
            done: self
                .0
                .into_iter()
                .filter_map(|(micros, done)| done.then_some(micros))
                .collect(),
            steps,
        }
    }
}

/// The chance to last beyond each age.
#[derive(Clone, Debug, Default)]
pub struct Survival {
    /// How long each order lasted that was done, shortest first.
    done: Vec<i64>,
    /// The ages at which some were done, and the chance to last beyond them.
    steps: Vec<(i64, u64)>,
}

impl Survival {
    /// Returns how many orders lasted longer than an age and were done.
    pub fn lasting(&self, age: i64) -> usize {
        self.done.len() - self.done.partition_point(|micros| *micros <= age)
    }

    /// Returns the chance, in thousandths, that an order of this age lasts more than `more` microseconds longer; None
    /// where fewer than [`MIN_LASTING`] lasted longer than its age and were done.
    pub fn beyond(&self, age: i64, more: i64) -> Option<i64> {
        if self.lasting(age) < MIN_LASTING {
            return None;
        }
        let (now, then) = (
            self.chance(age),
            self.chance(age.saturating_add(more.max(0))),
        );
        let thousandths =
            (u128::from(then) * 1000 + u128::from(now) / 2).checked_div(now.into())?;
        i64::try_from(thousandths).ok()
    }

    fn chance(&self, age: i64) -> u64 {
        let behind = self.steps.partition_point(|(step, _)| *step <= age);
        match behind.checked_sub(1).and_then(|last| self.steps.get(last)) {
            Some((_, chance)) => *chance,
            None => ONE,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn curve(all: &[(i64, bool)]) -> Survival {
        let mut durations = Durations::default();
        all.iter()
            .for_each(|(micros, done)| durations.add(*micros, *done));
        durations.curve()
    }

    #[test]
    fn the_curve_is_that_of_the_textbook() {
        // The 21 patients on 6-MP of Freireich and others (1963), in weeks, as every textbook has them; the chances are
        // those printed there: 0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448.
        let done = [6, 6, 6, 7, 10, 13, 16, 22, 23].map(|week| (week, true));
        let lost = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35].map(|week| (week, false));
        let curve = curve(&[done.as_slice(), &lost].concat());
        for (week, wanted) in [
            (5, 1000),
            (6, 857),
            (7, 807),
            (10, 753),
            (13, 690),
            (16, 627),
            (22, 538),
            (23, 448),
        ] {
            assert_eq!(curve.beyond(0, week), Some(wanted), "{week}");
        }
        assert_eq!(curve.beyond(10, 6), None, "four were done after week 10");
        assert_eq!(curve.beyond(9, 7), Some(778), "0.627 / 0.807");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn without_open_work_it_is_the_share_of_those_that_lasted_longer(all in prop::collection::vec(0_i64..100, 5..60), age in 0_i64..50, more in 0_i64..50) {
            let curve = curve(&all.iter().map(|micros| (*micros, true)).collect::<Vec<_>>());
            let longer = |than: i64| all.iter().filter(|micros| **micros > than).count() as i64;
            match curve.beyond(age, more) {
                None => prop_assert!(longer(age) < MIN_LASTING as i64),
                Some(chance) => {
                    let exact = longer(age + more) * 1000 / longer(age);
                    prop_assert!((chance - exact).abs() <= 1, "{} is not {}", chance, exact);
                }
            }
        }

        #[test]
        fn more_time_is_never_more_risk(all in prop::collection::vec((0_i64..100, any::<bool>()), 0..60), age in 0_i64..50, more in 0_i64..50) {
            let curve = curve(&all);
            if let (Some(soon), Some(late)) = (curve.beyond(age, more), curve.beyond(age, more + 1)) {
                prop_assert!((0..=1000).contains(&soon) && late <= soon);
            }
        }
    }
}
