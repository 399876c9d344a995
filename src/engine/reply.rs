//! What a caller hears.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    domain::{record::Record, refusal::Refusal},
    ledger::Fault,
};

/// What a command came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Outcome {
    /// Its records; none if there was nothing to change. Of a dry run: what they would be.
    pub records: Vec<Record>,
    /// Whether nothing was written because nothing should be.
    #[serde(default)]
    pub dry_run: bool,
    /// Whether the command had been applied before, and this is its first answer again.
    #[serde(default)]
    pub repeated: bool,
}

/// Why nobody could decide or write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// Nothing was written.
    NotApplied(Fault),
    /// It may have been written: ask again with the same command id.
    Unknown(Fault),
}

impl Failure {
    /// Returns what went wrong.
    pub fn fault(&self) -> &Fault {
        match self {
            Failure::NotApplied(fault) | Failure::Unknown(fault) => fault,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::NotApplied(fault) => write!(f, "nothing was written: {fault}"),
            Failure::Unknown(fault) => {
                write!(f, "it is not known whether this was written: {fault}")
            }
        }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Failure::NotApplied(fault)
    }
}

/// The answer to a submission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// It is on the ledger, or there was nothing to change.
    Done(Outcome),
    /// A rule does not allow it. Nothing was changed.
    Refused(Refusal),
    /// The ledger could not be written, or nobody can tell.
    Failed(Failure),
}
