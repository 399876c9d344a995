//! Quality gates: what must have been seen before an order leaves a stage or is done, and what was seen.
//!
//! The rules know a gate by its [`GateRule`]; what a host runs for it stays in a file beside the ledger and is known
//! here by its digest only. A pass is evidence of one tree, one definition and one stay in a stage: [`gatekeeper`](super::gatekeeper) says
//! whether it still counts.

use bitcode::{Decode, Encode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    andon::{Scope, Severity},
    order::{Bucket, Kind, Order, vocabulary},
    record::Hash,
};

pub use super::order::{GateEvidence, GateRun, Gating, Tree, Verdict};

/// The most gates of a ledger; each may be asked of every order.
pub const MAX_GATES: usize = 64;

vocabulary! {
    /// What a failure holds.
    GateHold ("hold of a gate") {
        /// Nothing.
        Nothing = "none",
        /// The order that failed.
        Order = "order",
        /// Its bucket.
        Bucket = "bucket",
        /// The stage it stands in.
        Stage = "stage",
        /// Everything.
        Line = "line",
    }
}

impl GateHold {
    /// Returns the scope that a failure of this order holds, if any.
    pub fn scope(self, order: &Order) -> Option<Scope> {
        match self {
            GateHold::Nothing => None,
            GateHold::Order => Some(Scope::Order(order.id)),
            GateHold::Bucket => Some(Scope::Bucket(order.bucket)),
            GateHold::Stage => order.work().map(|work| Scope::Stage(work.stage.clone())),
            GateHold::Line => Some(Scope::Line),
        }
    }
}

vocabulary! {
    /// Why what was seen no longer counts.
    Stale ("reason for stale evidence") {
        /// What is to be done was edited since, or the order was reopened.
        Edited = "edited",
        /// The order entered the gate's stage again.
        Entered = "entered",
        /// The gate is defined otherwise now.
        Defined = "defined",
        /// The code moved.
        Moved = "moved",
        /// Nobody can tell whether the code moved.
        Unknown = "unknown",
    }
}

impl Stale {
    /// Returns the words that a sentence says.
    pub const fn words(self) -> &'static str {
        match self {
            Stale::Edited => "the order was edited since",
            Stale::Entered => "the order entered the stage again",
            Stale::Defined => "the gate is defined otherwise now",
            Stale::Moved => "the code moved since",
            Stale::Unknown => "nobody can tell whether the code moved",
        }
    }
}

/// What a gate's rule knows. What is run for it is not here: nobody who can write to the ledger may thereby run a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Encode, Decode)]
pub struct GateRule {
    /// The stage whose exit it guards; None guards completion only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// Orders of these buckets, sorted; of any if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buckets: Vec<Bucket>,
    /// Orders of these kinds, sorted; of any but epics if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<Kind>,
    /// Whether an order is held without it; otherwise it only informs.
    pub required: bool,
    /// Whether a person says so, and nothing is run.
    pub approval: bool,
    /// How bad a failure is.
    pub severity: Severity,
    /// What a failure holds.
    pub hold: GateHold,
    /// The digest of the whole definition, with the parts that stay beside the ledger.
    pub digest: Hash,
}

impl GateRule {
    /// Returns whether the gate is asked of an order.
    pub fn fits(&self, order: &Order) -> bool {
        let kind = match self.kinds.as_slice() {
            [] => !order.is_epic(),
            kinds => kinds.contains(&order.kind),
        };
        kind && (self.buckets.is_empty() || self.buckets.contains(&order.bucket))
    }
}

/// How an order stands at a gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Standing {
    /// It may pass.
    Passed,
    /// Nothing was seen yet.
    Missing,
    /// It is being run now. No rule knows that: the host says so.
    Running,
    /// What was seen is not a pass.
    Failed {
        /// What it came to.
        verdict: Verdict,
    },
    /// It had passed, and that no longer counts.
    Stale {
        /// Why.
        why: Stale,
    },
}

impl Standing {
    /// Returns the words that a sentence says of an approval or of a run.
    pub fn words(&self, approval: bool) -> String {
        match self {
            Standing::Passed if approval => "approved".into(),
            Standing::Passed => "passed".into(),
            Standing::Missing if approval => "not approved yet".into(),
            Standing::Missing => "not run yet".into(),
            Standing::Running => "being run now".into(),
            Standing::Failed { .. } if approval => "rejected".into(),
            Standing::Failed { verdict } => verdict.words().into(),
            Standing::Stale { why } => format!("stale: {}", why.words()),
        }
    }
}

/// A gate that holds an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClosedGate {
    /// Which.
    pub gate: String,
    /// Whether a person opens it.
    pub approval: bool,
    /// How the order stands at it.
    #[serde(flatten)]
    pub standing: Standing,
}

/// Where an order wants to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit<'a> {
    /// Out of this stage, to the right.
    Stage(&'a str),
    /// To be done.
    Done,
}

impl Tree {
    /// Returns why evidence of this code does not stand for the code as it is `now`.
    pub fn moved(&self, now: &Tree) -> Option<Stale> {
        match (self, now) {
            (Tree::Unknown, _) | (_, Tree::Unknown) => Some(Stale::Unknown),
            (Tree::Git { tree, .. }, Tree::Git { tree: now, .. }) if tree == now => None,
            (Tree::Unversioned, Tree::Unversioned) => None,
            _ => Some(Stale::Moved),
        }
    }
}
