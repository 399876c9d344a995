//! What is to go wrong, and when: all of it from one number.

use std::time::Duration;

use crate::support::random::Random;

/// The number that replays a plan.
const SEED: &str = "OBEYA_CHAOS_SEED";
/// How long things go wrong, in seconds.
const SECONDS: &str = "OBEYA_CHAOS_SECONDS";
/// How long that is in an ordinary run of the tests.
const SHORT: u64 = 8;
/// Something goes wrong so often, in milliseconds on the average.
const EVERY: u64 = 500;
/// How long whoever is stopped stays so: longer than a lease lasts, so that it wakes up as somebody who holds nothing.
const FROZEN: Duration = Duration::from_millis(6_500);

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blow {
    /// An agent under the host is killed.
    Agent,
    /// The process between host and agent is killed.
    Runner,
    /// A host is killed.
    Host,
    /// A process of attached agents is killed, with all that it runs.
    Attached,
    /// A subscriber is killed.
    Subscriber,
    /// A host is stopped, and goes on after its agents' leases have lapsed.
    FrozenHost,
    /// A process of attached agents is stopped, and goes on under claims that are over.
    FrozenAttached,
}

/// One thing that goes wrong.
#[derive(Clone, Debug)]
pub(super) struct Stroke {
    /// When, from the beginning.
    pub(super) at: Duration,
    pub(super) blow: Blow,
    /// Which of those that are there then.
    pub(super) which: usize,
    /// How long what was struck stays away, or stopped.
    pub(super) rest: Duration,
}

/// Everything that goes wrong in a run, and what the run is about.
pub(super) struct Plan {
    pub(super) seed: u64,
    pub(super) length: Duration,
    pub(super) strokes: Vec<Stroke>,
    pub(super) random: Random,
}

impl Plan {
    /// Returns the plan of the seed in the environment, or of a new one, which is printed.
    pub(super) fn new() -> Plan {
        let number = |name: &str| Some(std::env::var(name).ok()?.parse::<u64>().unwrap());
        // The clock is as good a number as any: each run tries something else.
        let fresh = || obeya::link::now().0.unsigned_abs();
        let seed = number(SEED).unwrap_or_else(fresh);
        let length = Duration::from_secs(number(SECONDS).unwrap_or(SHORT));
        println!(
            "chaos: {SEED}={seed} {SECONDS}={} replays this plan",
            length.as_secs()
        );
        Plan::of(seed, length)
    }

    fn of(seed: u64, length: Duration) -> Plan {
        let mut random = Random(seed);
        let millis = length.as_millis() as u64;
        let mut strokes: Vec<_> = (0..millis / EVERY)
            .map(|_| Plan::stroke(&mut random, millis))
            .collect();
        strokes.sort_by_key(|stroke| stroke.at);
        Plan {
            seed,
            length,
            strokes,
            random,
        }
    }

    fn stroke(random: &mut Random, millis: u64) -> Stroke {
        use Blow::*;
        let at = Duration::from_millis(random.below(millis as usize) as u64);
        let blow = random.of(&[
            Agent,
            Agent,
            Agent,
            Agent,
            Agent,
            Runner,
            Runner,
            Runner,
            Host,
            Host,
            Attached,
            Attached,
            Subscriber,
            FrozenHost,
            FrozenAttached,
        ]);
        let rest = match blow {
            FrozenHost | FrozenAttached => FROZEN,
            // Now and then the other host has the time to see that the office is free.
            Host if random.one_in(3) => Duration::from_secs(7),
            _ => Duration::from_millis(random.below(700) as u64),
        };
        let which = random.below(1 << 20);
        Stroke {
            at,
            blow,
            which,
            rest,
        }
    }
}

#[test]
fn the_same_seed_is_the_same_plan() {
    let minute = Duration::from_secs(60);
    let [one, same, other] = [7, 7, 8].map(|seed| format!("{:?}", Plan::of(seed, minute).strokes));
    assert_eq!(one, same);
    assert_ne!(one, other);
}
