//! What was counted since the ledger began: how long work and gates took, and what came of agents' work.
//!
//! These are counters as a scraper wants them: they only grow, whatever is closed, archived or unregistered. They follow
//! from the records alone, like the rest of the state, and are rebuilt with it; they are not part of the state's hash, so
//! that a new count does not make an old ledger's hash another one.

use std::collections::BTreeMap;

use bitcode::{Decode, Encode};

use super::{
    agent::Agent,
    andon::Severity,
    gate::{GateRun, Verdict},
    order::BUCKETS,
    time::{DAY, HOUR, MINUTE, SECOND},
};

/// The most names that are counted apart, of roles and of gates each; what comes later is counted under [`OTHER`]. More than
/// anybody tells apart on a chart, and a scraper keeps every one of them for weeks.
pub const MAX_NAMES: usize = 64;
/// What is counted without a name of its own.
pub const OTHER: &str = "other";
/// The role of agents that have none.
pub const NO_ROLE: &str = "none";

/// How many bounds a spread has.
pub const BOUNDS: usize = 13;
/// The upper bounds of what orders take, in microseconds: from a minute to a quarter.
pub const ORDER_BOUNDS: [i64; BOUNDS] = [
    MINUTE,
    5 * MINUTE,
    15 * MINUTE,
    HOUR,
    4 * HOUR,
    8 * HOUR,
    DAY,
    2 * DAY,
    4 * DAY,
    7 * DAY,
    14 * DAY,
    30 * DAY,
    90 * DAY,
];
/// The upper bounds of what gates take, in microseconds: from a formatter's blink to a long night's tests.
pub const GATE_BOUNDS: [i64; BOUNDS] = [
    SECOND / 10,
    SECOND / 2,
    SECOND,
    5 * SECOND / 2,
    5 * SECOND,
    10 * SECOND,
    30 * SECOND,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    30 * MINUTE,
    2 * HOUR,
];

/// How many durations lie below which bound, and their sum.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Spread {
    /// How many lie at or below each bound and above the one before it.
    pub within: [u64; BOUNDS],
    /// How many lie above the last bound.
    pub beyond: u64,
    /// All of them together, in milliseconds.
    pub sum_ms: u64,
}

impl Spread {
    /// Counts one duration in microseconds; what is negative counts as nothing.
    pub fn add(&mut self, bounds: &[i64; BOUNDS], micros: i64) {
        let micros = micros.max(0);
        let place = bounds.partition_point(|bound| *bound < micros);
        let count = self.within.get_mut(place).unwrap_or(&mut self.beyond);
        *count = count.saturating_add(1);
        self.sum_ms = self.sum_ms.saturating_add(micros.unsigned_abs() / 1_000);
    }
}

/// What came of an agent's work.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct RoleTally {
    /// Orders that were done.
    pub completed: u64,
    /// Claims that ended undone because the lease ran out.
    pub lapsed: u64,
    /// Claims that were given back undone, unless somebody else broke them.
    pub given_back: u64,
}

/// What came of looks at a gate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct GateTally {
    /// It was as it should be.
    pub passed: u64,
    /// It was not, or nobody knows.
    pub failed: u64,
    /// How long those took that a machine made.
    pub took: Spread,
}

/// Every counter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Tallies {
    /// From creation to done, by bucket.
    pub lead: [Spread; BUCKETS],
    /// From the first start to done, by bucket; only of what was started here.
    pub cycle: [Spread; BUCKETS],
    /// By role, at the time it happened.
    pub roles: BTreeMap<String, RoleTally>,
    /// By gate.
    pub gates: BTreeMap<String, GateTally>,
    /// Alerts that were raised, by severity.
    pub alerts: BTreeMap<Severity, u64>,
}

impl Tallies {
    /// Returns the name under which a role is counted.
    pub fn role_name<'a>(&self, role: Option<&'a str>) -> &'a str {
        name_in(&self.roles, role.unwrap_or(NO_ROLE))
    }

    /// Returns the tally of an agent's role; that of none for one that is not registered.
    pub(super) fn role(&mut self, agent: Option<&Agent>) -> &mut RoleTally {
        let role = agent.and_then(|agent| agent.role.as_deref());
        tally(&mut self.roles, role.unwrap_or(NO_ROLE))
    }

    /// Returns the tally of a gate.
    pub(super) fn gate(&mut self, name: &str) -> &mut GateTally {
        tally(&mut self.gates, name)
    }

    /// Counts a look at a gate.
    pub(super) fn looked(&mut self, gate: &str, run: &GateRun) {
        let tally = self.gate(gate);
        let count = match run.verdict {
            Verdict::Passed => &mut tally.passed,
            Verdict::Failed | Verdict::TimedOut | Verdict::CouldNotRun => &mut tally.failed,
        };
        *count = count.saturating_add(1);
        if let Some(duration) = run.duration_ms {
            let micros = i64::try_from(duration).unwrap_or(i64::MAX);
            tally.took.add(&GATE_BOUNDS, micros.saturating_mul(1_000));
        }
    }
}

/// Returns the name under which `name` is counted.
fn name_in<'a, T>(tallies: &BTreeMap<String, T>, name: &'a str) -> &'a str {
    match tallies.len() < MAX_NAMES || tallies.contains_key(name) {
        true => name,
        false => OTHER,
    }
}

fn tally<'a, T: Default>(tallies: &'a mut BTreeMap<String, T>, name: &str) -> &'a mut T {
    let name = name_in(tallies, name).to_owned();
    tallies.entry(name).or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_counted_at_its_bound() {
        let mut spread = Spread::default();
        for micros in [-5, 0, MINUTE, MINUTE + 1, 90 * DAY, i64::MAX] {
            spread.add(&ORDER_BOUNDS, micros);
        }
        assert_eq!(spread.within[0], 3, "a bound is part of what is below it");
        assert_eq!(spread.within[1], 1);
        assert_eq!((spread.within[BOUNDS - 1], spread.beyond), (1, 1));
        assert!(
            ORDER_BOUNDS.is_sorted() && GATE_BOUNDS.is_sorted(),
            "a search by halves needs them so"
        );
    }

    #[test]
    fn names_are_bounded() {
        let mut tallies = Tallies::default();
        for number in 0..3 * MAX_NAMES {
            tallies.gate(&format!("gate-{number}")).passed += 1;
        }
        assert_eq!(tallies.gates.len(), MAX_NAMES + 1);
        assert_eq!(tallies.gates[OTHER].passed, 2 * MAX_NAMES as u64);
        tallies.gate("gate-0").passed += 1;
        assert_eq!(tallies.gates["gate-0"].passed, 2);
    }
}
