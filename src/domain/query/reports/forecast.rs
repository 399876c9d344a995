//! When work will be done: a Monte Carlo forecast from the throughput of past days.
//!
//! Each trial draws, for one day after another, the number of orders that were completed on some past day, days without
//! any among them, until nothing is left. What half, 85 and 95 percent of the trials needed at most is the forecast.
//! (Daniel Vacanti, "When Will It Be Done?", 2020; the resampling is Efron's bootstrap, 1979.)
//!
//! It assumes that the coming days are like the sampled ones, that no work is added, and that orders are as large as
//! they were. It knows nothing of dependencies: what must be done one after another can take longer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Days, date, past::Ended, random::SplitMix64};
use crate::domain::{
    books::Books,
    id::OrderId,
    order::vocabulary,
    query::{
        filter::Filter,
        reading::{Answered, Reading},
        value::Decimal,
    },
    time::Timestamp,
};

/// The days that are sampled where nothing was said: eight weeks tell bad weeks from good ones, and are recent still.
pub const DEFAULT_DAYS: u32 = 56;
/// The trials where nothing was said: the percentiles move by less than a percent between seeds.
pub const DEFAULT_TRIALS: u32 = 10_000;
/// The most trials of one forecast: more do not make it better, and it stays within a second.
pub const MAX_TRIALS: u32 = 100_000;
/// The seed where none was given: the same ledger gives the same forecast.
pub const DEFAULT_SEED: u32 = 1;
/// The furthest a trial looks, in days: ten years. What takes longer has no date.
pub const MAX_FORECAST_DAYS: u32 = 3_660;
/// The fewest sampled days and the fewest completed orders on them: from seven to eleven samples on, a range of samples
/// says something about the next one (Troy Magennis, after Hubbard's rule of five). With fewer there is no forecast.
pub const MIN_DAYS: u32 = 7;
/// See [`MIN_DAYS`].
pub const MIN_COMPLETED: u64 = 10;
/// Percent of trials for which a forecast names its days.
const STEP: u8 = 5;

vocabulary! {
    /// Whose throughput was sampled.
    Sampled ("sample") {
        /// That of the very orders the forecast is about, and of those like them.
        Own = "own",
        /// That of the whole line, since the orders have too little history of their own.
        Line = "line",
    }
}

/// When the remaining orders will be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Forecast {
    /// The epic it is of, if it is of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epic: Option<OrderId>,
    /// Orders that are open, epics not among them.
    pub remaining: u64,
    /// What was sampled.
    pub throughput: Throughput,
    /// How many trials there were.
    pub trials: u32,
    /// What the chance came from: the same seed on the same ledger gives the same forecast.
    pub seed: u32,
    /// In half of the trials it was done by then; absent where nothing can be said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p50: Option<Finish>,
    /// In 85 % of them: what one may promise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p85: Option<Finish>,
    /// In 95 % of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p95: Option<Finish>,
    /// The whole curve, from 5 % to 95 %.
    pub odds: Vec<Finish>,
    /// What speaks against relying on it; empty where nothing is known to.
    pub doubts: Vec<String>,
}

/// The throughput that trials drew from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Throughput {
    /// Whose it is.
    pub of: Sampled,
    /// The first day, `2026-02-02`.
    pub since: String,
    /// The last day: yesterday, since today is not over.
    pub until: String,
    /// How many days these are.
    pub days: u32,
    /// Of them days on which nothing was completed.
    pub idle_days: u32,
    /// How many orders were completed on them, epics not among them.
    pub completed: u64,
    /// The mean of a day.
    pub per_day: Decimal,
}

/// By when it is done with some likelihood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finish {
    /// In how many percent of the trials.
    pub percent: u8,
    /// Days from today.
    pub days: u32,
    /// The UTC day, `2026-02-02`.
    pub date: String,
}

/// What is asked of chance.
#[derive(Clone, Copy, Debug)]
pub struct Dice {
    /// How many trials; more than [`MAX_TRIALS`] count as that, none as one.
    pub trials: u32,
    /// Where the chance comes from.
    pub seed: u32,
}

/// Completed orders on each of some days.
struct Sample {
    of: Sampled,
    days: Days,
    counts: Vec<u32>,
}

impl Sample {
    /// Counts the completed orders on the days from `first` until yesterday.
    fn of(of: Sampled, ended: &[Ended], first: u32, today: u32) -> Self {
        let last = today.saturating_sub(1);
        let days = Days {
            first: first.min(today),
            last,
        };
        let mut counts = vec![0_u32; usize::try_from(today - days.first).unwrap_or(0)];
        let done = ended.iter().filter(|order| order.completed && !order.epic);
        for order in done {
            let place = order.closed.day().checked_sub(days.first);
            let place = place.and_then(|place| usize::try_from(place).ok());
            if let Some(count) = place.and_then(|place| counts.get_mut(place)) {
                *count += 1;
            }
        }
        Sample { of, days, counts }
    }

    fn completed(&self) -> u64 {
        self.counts.iter().map(|count| u64::from(*count)).sum()
    }

    fn is_enough(&self) -> bool {
        self.counts.len() >= MIN_DAYS as usize && self.completed() >= MIN_COMPLETED
    }

    fn throughput(&self) -> Throughput {
        let days = u32::try_from(self.counts.len()).unwrap_or(u32::MAX);
        let idle = self.counts.iter().filter(|count| **count == 0).count();
        let completed = self.completed();
        Throughput {
            of: self.of,
            since: date(self.days.first),
            until: date(self.days.last),
            days,
            idle_days: u32::try_from(idle).unwrap_or(u32::MAX),
            completed,
            per_day: Decimal::ratio(
                i64::try_from(completed).unwrap_or(i64::MAX),
                i64::from(days),
            )
            .unwrap_or_default(),
        }
    }
}

/// Returns how many days each of some trials took, shortest first; one that was not done within [`MAX_FORECAST_DAYS`]
/// took one day more than that. Without samples there are none.
pub fn simulate(remaining: u64, samples: &[u32], dice: Dice) -> Vec<u32> {
    let mut random = SplitMix64::new(u64::from(dice.seed));
    let mut trial = || {
        let (mut left, mut days) = (remaining, 0);
        while left > 0 && days <= MAX_FORECAST_DAYS {
            let drawn = random.choose(samples).copied().unwrap_or(0);
            left = left.saturating_sub(u64::from(drawn));
            days += 1;
        }
        days
    };
    let trials = match samples.is_empty() {
        true => 0,
        false => dice.trials.clamp(1, MAX_TRIALS),
    };
    let mut took: Vec<u32> = (0..trials).map(|_| trial()).collect();
    took.sort_unstable();
    took
}

/// Returns the days within which so many percent of sorted trials were done (nearest rank); None if they were not.
pub fn within(sorted: &[u32], percent: u8) -> Option<u32> {
    let rank = (sorted.len() * usize::from(percent.min(100))).div_ceil(100);
    let days = sorted.get(rank.max(1) - 1).copied()?;
    (days <= MAX_FORECAST_DAYS).then_some(days)
}

impl<B: Books> Reading<'_, B> {
    /// Returns when the open orders that a filter admits will be done, by the throughput of those that its lasting part
    /// admits; where that is too thin, by the throughput of the whole line.
    pub(in crate::domain::query) fn forecast(
        &mut self,
        filter: &Filter,
        since: Timestamp,
        dice: Dice,
    ) -> Answered<Forecast, B> {
        if let Some(epic) = filter.epic {
            self.find(epic)?;
        }
        let (state, now) = (self.state, self.now);
        let today = now.day();
        let open = state.work_orders().map(AsRef::as_ref);
        let open = open.filter(|order| filter.admits(state, order, now));
        let remaining = open.count() as u64;
        let sample = self.sample(filter, since)?;
        let dice = Dice {
            trials: dice.trials.clamp(1, MAX_TRIALS),
            ..dice
        };
        let mut doubts = doubts(&sample, remaining);
        let took = match sample.is_enough() || remaining == 0 {
            true => simulate(remaining, &sample.counts, dice),
            false => vec![],
        };
        let took = if remaining == 0 { vec![0] } else { took };
        let finish = |percent: u8| {
            let days = within(&took, percent)?;
            Some(Finish {
                percent,
                days,
                date: date(today.saturating_add(days)),
            })
        };
        if !took.is_empty() && within(&took, 95).is_none() {
            doubts.push("in more than 5 % of the trials it takes more than ten years".into());
        }
        Ok(Forecast {
            epic: filter.epic,
            remaining,
            throughput: sample.throughput(),
            trials: dice.trials,
            seed: dice.seed,
            p50: finish(50),
            p85: finish(85),
            p95: finish(95),
            odds: (1..100 / STEP).filter_map(|n| finish(n * STEP)).collect(),
            doubts,
        })
    }

    /// Returns the throughput to draw from.
    fn sample(&mut self, filter: &Filter, since: Timestamp) -> Answered<Sample, B> {
        let (state, now) = (self.state, self.now);
        let lasting = filter.lasting();
        let span = Days::new(state, since, now);
        let past = self.past_orders(&lasting, span.start())?;
        // Days before the first of these orders was there say nothing about how fast they are done.
        let open = state
            .orders()
            .filter(|order| lasting.admits(state, order, now));
        let created = open
            .map(|order| order.created)
            .chain(past.ended.iter().map(|order| order.created));
        let born = created.min().map_or(now, |moment| moment.max(past.since));
        let first = born.day().max(span.first);
        let own = Sample::of(Sampled::Own, &past.ended, first, span.last);
        if own.is_enough() || lasting == Filter::default() {
            return Ok(own);
        }
        let past = self.past_orders(&Filter::default(), span.start())?;
        let first = past.since.day().max(span.first);
        let line = Sample::of(Sampled::Line, &past.ended, first, span.last);
        Ok(if line.is_enough() { line } else { own })
    }
}

fn doubts(sample: &Sample, remaining: u64) -> Vec<String> {
    let throughput = sample.throughput();
    let mut doubts = vec![];
    if remaining == 0 {
        return doubts;
    }
    if !sample.is_enough() {
        doubts.push(format!(
            "too little history: {} completed on {} days, and a forecast needs {MIN_COMPLETED} on {MIN_DAYS}",
            throughput.completed, throughput.days
        ));
        return doubts;
    }
    if sample.of == Sampled::Line {
        doubts.push(
            "these orders have too little history of their own: it holds if the whole line works on nothing else"
                .into(),
        );
    }
    if throughput.days < DEFAULT_DAYS / 2 {
        doubts.push(format!(
            "only {} days were sampled: bad weeks may not be among them",
            throughput.days
        ));
    }
    doubts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn likelier_is_never_sooner(remaining in 1_u64..200, samples in prop::collection::vec(0_u32..6, 1..60), seed: u32) {
            let took = simulate(remaining, &samples, Dice { trials: 200, seed });
            let days: Vec<u32> = (1..=100).map(|percent| within(&took, percent).unwrap_or(u32::MAX)).collect();
            prop_assert!(days.is_sorted(), "{:?}", days);
            // More work is never done sooner by the same dice.
            let one = Dice { trials: 1, seed };
            let (more, less) = (simulate(remaining + 1, &samples, one), simulate(remaining, &samples, one));
            prop_assert!(more >= less);
        }

        #[test]
        fn the_same_seed_gives_the_same_answer(remaining in 0_u64..100, samples in prop::collection::vec(0_u32..4, 1..30), seed: u32) {
            let dice = Dice { trials: 50, seed };
            prop_assert_eq!(simulate(remaining, &samples, dice), simulate(remaining, &samples, dice));
        }

        #[test]
        fn a_constant_throughput_gives_the_exact_answer(remaining in 0_u64..500, a_day in 1_u32..9, days in 1_usize..60, seed: u32) {
            let took = simulate(remaining, &vec![a_day; days], Dice { trials: 20, seed });
            let exact = u32::try_from(remaining.div_ceil(u64::from(a_day))).unwrap_or(u32::MAX);
            prop_assert!(took.iter().all(|days| *days == exact), "{:?} is not {}", took, exact);
        }
    }

    #[test]
    fn chance_agrees_with_the_distribution_that_can_be_worked_out() {
        // One order, done on a day with a chance of one half: half of the trials need one day, 7/8 at most three.
        let took = simulate(
            1,
            &[0, 1],
            Dice {
                trials: MAX_TRIALS,
                seed: 7,
            },
        );
        let share = |days: u32| took.partition_point(|one| *one <= days) as f64 / took.len() as f64;
        for (days, wanted) in [(1, 0.5), (2, 0.75), (3, 0.875), (4, 0.9375)] {
            assert!(
                (share(days) - wanted).abs() < 0.005,
                "{days}: {}",
                share(days)
            );
        }
    }

    #[test]
    fn what_never_ends_has_no_date() {
        let took = simulate(1, &[0], Dice { trials: 3, seed: 1 });
        assert_eq!(took, [MAX_FORECAST_DAYS + 1; 3]);
        assert_eq!(within(&took, 50), None);
        assert_eq!(
            simulate(1, &[], Dice { trials: 3, seed: 1 }),
            Vec::<u32>::new()
        );
        assert_eq!(within(&[], 50), None);
    }
}
