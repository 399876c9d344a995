//! What the rules need to know, put on the ledger by commands.

use std::collections::BTreeMap;

use bitcode::{Decode, Encode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    agent::MAX_AGENTS,
    andon::Severity,
    budget::BudgetScope,
    gate::GateRule,
    order::{BUCKETS, Bucket},
    time::{HOUR, MINUTE, SECOND},
    usage::Budget,
};

/// The most stages a board can have; more would not fit a wide screen.
pub const MAX_STAGES: usize = 12;
/// The highest WIP limit that can be set; beyond it there is no limit worth the name.
pub const MAX_WIP: u32 = 10_000;
/// The longest SLA that can be set: ten years of hours.
pub const MAX_SLA_HOURS: u32 = 87_600;
/// The longest lease that can be asked for: one week, in seconds.
pub const MAX_LEASE_SECONDS: u32 = 7 * 24 * 3600;
/// The most budgets of a ledger: one of each registered agent, and those that are not of an agent.
pub const MAX_BUDGETS: usize = MAX_AGENTS + BUCKETS + 2;

/// The rules of one class of service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Encode, Decode)]
pub struct BucketRule {
    /// How many orders may be in progress at once.
    pub wip_limit: u32,
    /// Hours from entry to done; None promises nothing.
    pub sla_hours: Option<u32>,
}

impl BucketRule {
    /// Returns the SLA in microseconds, if there is one.
    pub fn sla(self) -> Option<i64> {
        self.sla_hours.map(|hours| i64::from(hours) * HOUR)
    }
}

/// A column between queued and done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Encode, Decode)]
pub struct Stage {
    /// Its name: lower case letters, digits, `-` and `_`.
    pub name: String,
    /// How many orders may stand in it; None sets no limit.
    pub wip_limit: Option<u32>,
}

/// Times that rules use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Encode, Decode)]
pub struct Policy {
    /// How long a claim lasts when the agent does not say, in seconds.
    pub lease_seconds: u32,
    /// Minutes after which an alert that nobody acknowledged grows worse, by severity from low; 0 is never.
    pub escalate_minutes: [u32; Severity::ALL.len()],
}

impl Policy {
    /// Returns the default lease in microseconds.
    pub fn lease(&self) -> i64 {
        i64::from(self.lease_seconds) * SECOND
    }

    /// Returns after how many microseconds an alert of this severity grows worse, if ever.
    pub fn escalate(&self, severity: Severity) -> Option<i64> {
        let minutes = self.escalate_minutes[severity as usize];
        (minutes > 0).then(|| i64::from(minutes) * MINUTE)
    }
}

/// Every setting that rules use. Genesis writes the defaults as events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Encode, Decode)]
pub struct Settings {
    /// The rules by [`Bucket::index`].
    pub buckets: [BucketRule; BUCKETS],
    /// The board's stages, left to right; never empty.
    pub stages: Vec<Stage>,
    /// Times that rules use.
    pub policy: Policy,
    /// Quality gates by name. Not written where there are none: older ledgers know none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub gates: BTreeMap<String, GateRule>,
    /// Budgets by what they are of. Not written where there are none: older ledgers know none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub budgets: BTreeMap<BudgetScope, Budget>,
}

impl Settings {
    /// Returns a bucket's rules.
    pub fn bucket(&self, bucket: Bucket) -> BucketRule {
        self.buckets[bucket.index()]
    }

    /// Returns a stage's place from the left, if there is such a stage.
    pub fn stage_index(&self, name: &str) -> Option<usize> {
        self.stages.iter().position(|stage| stage.name == name)
    }
}

impl Default for Settings {
    /// Returns what genesis writes. A later version may write other defaults into new ledgers;
    /// an old ledger keeps its own.
    fn default() -> Self {
        let rule = |wip_limit, sla_hours| BucketRule {
            wip_limit,
            sla_hours,
        };
        let stage = |name: &str| Stage {
            name: name.into(),
            wip_limit: None,
        };
        Settings {
            buckets: [
                rule(5, Some(24)),
                rule(5, Some(168)),
                rule(5, Some(168)),
                rule(5, Some(720)),
                rule(10, Some(720)),
                rule(5, None),
            ],
            stages: vec![stage("design"), stage("code"), stage("test")],
            policy: Policy {
                lease_seconds: 900,
                escalate_minutes: [0, 240, 60, 0],
            },
            gates: BTreeMap::new(),
            budgets: BTreeMap::new(),
        }
    }
}
