//! The audit: who did what, or was denied it, from where, and what came of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    domain::{message::Name, order::Actor, query::value::Moment, record::Seq, time::Timestamp},
    text,
};

/// The widest address that is kept, in cells: the longest of IPv6 with its zone and port.
const MAX_ADDRESS: usize = 80;

/// The widest verb or endpoint that is kept, in cells.
const MAX_WHAT: usize = 160;

/// The widest reason or code that is kept, in cells.
const MAX_WHY: usize = 160;

/// The widest name of an actor or a token that is kept, in cells: 80 characters may be two cells wide each.
const MAX_NAME: usize = 160;

/// What came of something that was tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum AuditOutcome {
    /// It was done.
    Done {
        /// Its first record; none where nothing on the ledger changed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        first_seq: Option<Seq>,
        /// Its last record.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last_seq: Option<Seq>,
    },
    /// A rule did not allow it.
    Refused {
        /// The rule, as [`Refusal::rule`](crate::domain::refusal::Refusal::rule) names it.
        code: String,
    },
    /// The door did not open.
    Denied {
        /// Why.
        why: String,
    },
    /// The ledger or the engine could not do it, or nobody knows whether it was done.
    Failed,
}

impl AuditOutcome {
    /// Returns the outcome of what was done without a record.
    pub const DONE: AuditOutcome = AuditOutcome::Done {
        first_seq: None,
        last_seq: None,
    };

    /// Returns the outcome as a word.
    pub fn word(&self) -> &'static str {
        match self {
            AuditOutcome::Done { .. } => "done",
            AuditOutcome::Refused { .. } => "refused",
            AuditOutcome::Denied { .. } => DENIED,
            AuditOutcome::Failed => "failed",
        }
    }

    /// Returns whether the door did not open.
    pub fn is_denied(&self) -> bool {
        matches!(self, AuditOutcome::Denied { .. })
    }
}

/// The word of a denial, by which the index knows one.
pub(super) const DENIED: &str = "denied";

/// Something that was tried, for the audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Who, if the door knows.
    pub actor: Option<Actor>,
    /// The name of the token it came with.
    pub token: Option<Name>,
    /// From where.
    pub address: String,
    /// The verb or endpoint.
    pub what: String,
    /// What came of it.
    pub outcome: AuditOutcome,
    /// How often, told as one; 1 for what happened once.
    pub count: u64,
}

impl AuditEntry {
    /// Returns the same with every text cleaned and cut: whoever is denied chooses most of them.
    pub(super) fn cleaned(&self) -> AuditEntry {
        let outcome = match &self.outcome {
            AuditOutcome::Refused { code } => AuditOutcome::Refused {
                code: line(code, MAX_WHY),
            },
            AuditOutcome::Denied { why } => AuditOutcome::Denied {
                why: line(why, MAX_WHY),
            },
            other => other.clone(),
        };
        AuditEntry {
            at: self.at,
            actor: self.actor.as_ref().map(|actor| Actor {
                kind: actor.kind,
                name: line(&actor.name, MAX_NAME),
            }),
            token: self.token.clone(),
            address: line(&self.address, MAX_ADDRESS),
            what: line(&self.what, MAX_WHAT),
            outcome,
            count: self.count.max(1),
        }
    }
}

fn line(text: &str, cells: usize) -> String {
    text::cut(&text::clean(text), cells, "…").into_owned()
}

/// A row of the audit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditRow {
    /// Its number, which no other row ever has.
    pub number: u64,
    /// When; the first time, if it stands for several.
    pub at: Moment,
    /// The last time.
    pub last_at: Moment,
    /// How often.
    pub count: u64,
    /// Who, if the door knew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<Actor>,
    /// The name of the token it came with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// From where.
    pub address: String,
    /// The verb or endpoint.
    pub what: String,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: AuditOutcome,
}

/// Which rows are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Those from this moment on.
    pub since: Option<Timestamp>,
    /// Those of an actor: by name, or by sort and name, like `agent:rust-dev`.
    pub actor: Option<String>,
    /// Those that came with a token of this name.
    pub token: Option<String>,
    /// Only denials.
    pub denied: bool,
}

/// Where a page of the audit begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditPage {
    /// With the newest row.
    Newest,
    /// Below this number, newest first.
    Before(u64),
    /// Above this number, oldest first.
    After(u64),
}
