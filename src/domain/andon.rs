//! The andon cord: alerts and what they hold.

use std::{fmt, str::FromStr};

use bitcode::{Decode, Encode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    id::{AlertId, OrderId},
    order::{Actor, Bucket, vocabulary},
    time::Timestamp,
};

vocabulary! {
    /// How bad an alert is.
    Severity ("severity") {
        /// Worth a look today.
        Low = "low",
        /// Worth a look this shift.
        Medium = "medium",
        /// Somebody must look now.
        High = "high",
        /// The line must stop.
        Critical = "critical",
    }
}

impl Severity {
    /// Returns the next worse severity, if there is one.
    pub fn worse(self) -> Option<Severity> {
        Severity::ALL.get(self as usize + 1).copied()
    }
}

/// What an alert holds: nothing starts, moves forward or completes there.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema, Encode, Decode,
)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Everything.
    Line,
    /// One class of service.
    Bucket(Bucket),
    /// An epic (or any parent) and everything beneath it.
    Epic(OrderId),
    /// Orders that stand in, or would enter, a stage.
    Stage(String),
    /// One order.
    Order(OrderId),
    /// What one agent holds or would pull.
    Agent(String),
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scope::Line => f.pad("line"),
            Scope::Bucket(bucket) => f.pad(&format!("bucket:{bucket}")),
            Scope::Epic(id) => f.pad(&format!("epic:{id}")),
            Scope::Stage(stage) => f.pad(&format!("stage:{stage}")),
            Scope::Order(id) => f.pad(&format!("order:{id}")),
            Scope::Agent(name) => f.pad(&format!("agent:{name}")),
        }
    }
}

impl FromStr for Scope {
    type Err = String;

    /// Reads `line`, `bucket:security`, `epic:EPIC-001`, `stage:test`, `order:WO-001`, `agent:rust-dev`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (sort, name) = text.trim().split_once(':').unwrap_or((text.trim(), ""));
        let scope = match (sort.to_ascii_lowercase().as_str(), name) {
            ("line", "") => Scope::Line,
            ("bucket", _) => Scope::Bucket(name.parse()?),
            ("epic", _) => Scope::Epic(name.parse().map_err(|e| format!("{e}"))?),
            ("order", _) => Scope::Order(name.parse().map_err(|e| format!("{e}"))?),
            ("stage", name) if !name.is_empty() => Scope::Stage(name.into()),
            ("agent", name) if !name.is_empty() => Scope::Agent(name.into()),
            _ => {
                let shown: String = text.chars().take(80).collect();
                return Err(format!(
                    "'{shown}' is not a scope; use line, bucket:NAME, epic:EPIC-001, stage:NAME, \
                     order:WO-001 or agent:NAME"
                ));
            }
        };
        Ok(scope)
    }
}

/// Who did something, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Encode, Decode)]
pub struct Act {
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

/// What the end of an alert sets free: the orders that its hold stopped, and that nothing else holds. Counted at that
/// moment, since nobody can count it later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Freed {
    /// Orders in progress, which may move on and complete again.
    pub in_progress: u32,
    /// Queued orders, which may start again.
    pub ready: u32,
}

/// An open alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Encode, Decode)]
pub struct Alert {
    /// Its id.
    pub id: AlertId,
    /// How bad it is now.
    pub severity: Severity,
    /// What is wrong, one cleaned line.
    pub reason: String,
    /// The condition it stands for: a repeat of the same one counts up instead of raising another.
    pub fingerprint: Option<String>,
    /// What it holds, if anything.
    pub hold: Option<Scope>,
    /// The order it is about, if one.
    pub order: Option<OrderId>,
    /// Who raised it, and when.
    pub raised: Act,
    /// How often the condition was seen.
    pub count: u32,
    /// When it was last seen.
    pub last_seen: Timestamp,
    /// Who took notice, and when.
    pub acknowledged: Option<Act>,
    /// Quiet until then.
    pub snoozed_until: Option<Timestamp>,
    /// When the condition was last seen to be over.
    pub recovered: Option<Timestamp>,
    /// When it last grew worse.
    pub escalated: Option<Timestamp>,
    /// The orders that are to mend it, sorted.
    pub corrective: Vec<OrderId>,
}

impl Alert {
    /// Returns whether nothing was done about it since it was raised, and the condition was not seen again.
    pub fn is_untouched(&self) -> bool {
        self.count == 1
            && self.acknowledged.is_none()
            && self.snoozed_until.is_none()
            && self.recovered.is_none()
            && self.escalated.is_none()
            && self.corrective.is_empty()
    }
}

/// An alert that is over, as the archive keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ResolvedAlert {
    /// The alert as it last stood.
    pub alert: Alert,
    /// Who resolved it, and when.
    pub resolved: Act,
    /// What was done.
    pub resolution: String,
}
