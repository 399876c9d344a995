//! A place in the ledger's history, as somebody names it who wants to see the line as it stood there.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{record::Seq, time::Timestamp};

/// Where to stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// After everything that was written by then.
    At(Timestamp),
    /// Before the command that wrote this record.
    Before(Seq),
    /// After the command that wrote the next record.
    After(Seq),
}
