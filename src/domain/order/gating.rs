//! What is known of an order's quality gates: the evidence, and what makes it stale.

use bitcode::{Decode, Encode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Actor, vocabulary};
use crate::domain::{
    record::{Hash, Seq},
    time::Timestamp,
};

vocabulary! {
    /// What a look at a gate found.
    Verdict ("verdict") {
        /// It is as it should be.
        Passed = "passed",
        /// It is not.
        Failed = "failed",
        /// Nobody knows: it took too long and was ended.
        TimedOut = "timed_out",
        /// Nobody knows: it did not start, or its result could not be read.
        CouldNotRun = "could_not_run",
    }
}

impl Verdict {
    /// Returns the words that a sentence says.
    pub const fn words(self) -> &'static str {
        match self {
            Verdict::Passed => "passed",
            Verdict::Failed => "failed",
            Verdict::TimedOut => "timed out",
            Verdict::CouldNotRun => "could not run",
        }
    }
}

/// The code that something was seen of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Encode, Decode)]
#[serde(rename_all = "snake_case")]
pub enum Tree {
    /// Under version control.
    Git {
        /// What is checked out; None before the first commit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        commit: Option<String>,
        /// The name of the files' content, committed or not: a commit of just that does not change it.
        tree: String,
    },
    /// Not under version control: nobody watches whether it moves.
    Unversioned,
    /// It could not be told.
    Unknown,
}

/// What was seen at a gate: the evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Encode, Decode)]
pub struct GateRun {
    /// What it came to.
    pub verdict: Verdict,
    /// What ran, as a shell would be told; None where a person looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// Its exit code, if it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<i32>,
    /// How long it took, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// Of which code.
    pub tree: Tree,
    /// The SHA-256 of the output that was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Hash>,
    /// What was measured, or why nothing was, or what the person said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The digest of the gate's definition then.
    pub definition: Hash,
    /// The last record when it began: what happened to the order later was not seen.
    pub began: Seq,
    /// The term of the host that ran it; None for a caller that ran it by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub term: Option<u64>,
    /// Who asked for it; None where the engine did by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Actor>,
}

/// The newest evidence of one gate on one order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Encode, Decode)]
pub struct GateEvidence {
    /// Which gate.
    pub gate: String,
    /// The record that has it.
    pub seq: Seq,
    /// When it was recorded.
    pub at: Timestamp,
    /// By whom: the engine, or the person who judged.
    pub by: Actor,
    /// What was seen.
    #[serde(flatten)]
    pub run: GateRun,
}

/// What is known of an order's gates.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Encode, Decode,
)]
pub struct Gating {
    /// The newest evidence of each gate, sorted by gate.
    pub evidence: Vec<GateEvidence>,
    /// The record that last changed what is to be done.
    pub edited: Seq,
    /// The record by which the order last entered each stage; the start has an empty name.
    pub entered: Vec<(String, Seq)>,
    /// Who held it: they do not judge it.
    pub implementers: Vec<Actor>,
}

impl Gating {
    /// Returns the newest evidence of a gate.
    pub fn evidence(&self, gate: &str) -> Option<&GateEvidence> {
        self.evidence.iter().find(|seen| seen.gate == gate)
    }

    /// Returns the record by which the order last entered a stage, or was last started.
    pub fn entry(&self, stage: &str) -> Seq {
        let entry = self.entered.iter().find(|(name, _)| name == stage);
        entry.map_or(0, |(_, seq)| *seq)
    }
}
