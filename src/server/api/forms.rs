//! What the API reads and says beside questions, commands and their answers.

use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::book::know;
use crate::domain::{
    command::{Command, Role},
    order::Actor,
    query::{life::Life, value::Moment},
    record::{Record, Seq},
    time::Timestamp,
};
use crate::{
    link::{
        access::{AuditRow, Secret, TokenView},
        protocol::{BusAnswer, BusCall, FolderAnswer, FolderCall},
    },
    server::health::Health,
};

/// Any command, with what its envelope may say.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Told {
    /// The command.
    pub(super) command: Command,
    /// The fencing number of the caller's claim, if it has one.
    #[serde(default)]
    pub(super) epoch: Option<u32>,
    /// When the order it writes to had last changed, as far as the caller knows, in microseconds since 1970: changed
    /// since, it is left alone.
    #[serde(default)]
    pub(super) as_of: Option<Timestamp>,
    /// Show what would happen, and do nothing.
    #[serde(default)]
    pub(super) dry_run: bool,
    /// Who wants it, where an admin acts for somebody else.
    #[serde(default)]
    pub(super) actor: Option<Actor>,
    /// The command that led to this one.
    #[serde(default)]
    pub(super) causation: Option<Uuid>,
    /// The conversation it belongs to.
    #[serde(default)]
    pub(super) correlation: Option<Uuid>,
}

/// A sign of life of whoever holds a lease.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Beat {
    /// The claim's fencing number.
    pub(super) epoch: u32,
    /// What it is doing, one line.
    #[serde(default)]
    pub(super) note: String,
}

/// How many times an agent is to run at once.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Scale {
    /// So many times.
    pub(super) count: usize,
}

/// A token that is wanted.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenWish {
    /// What it is called, and whom it stands for.
    pub(super) name: String,
    /// The most it may do.
    pub(super) role: Role,
    /// For how many seconds it opens; for ever if None.
    #[serde(default)]
    pub(super) expires_in: Option<u32>,
}

/// A page of the ledger's records.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Events {
    /// The records, oldest first.
    pub(super) records: Vec<Record>,
    /// Behind which one the next page begins, if there may be one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<Seq>,
}

/// How long a lease now holds.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Renewed {
    /// Until when.
    pub(super) until: Moment,
}

/// Every token.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Tokens {
    /// They, without their secrets.
    pub(super) tokens: Vec<TokenView>,
}

/// A token that was made.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Made {
    /// What opens; it is not kept, and not told again.
    pub(super) secret: Secret,
    /// What is kept of it.
    pub(super) token: TokenView,
}

/// A page of the audit.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Audit {
    /// Its rows, oldest first.
    pub(super) rows: Vec<AuditRow>,
}

/// Has a generator know everything of this that is read.
pub(super) fn read(generator: &mut SchemaGenerator) {
    know::<Told>(generator);
    know::<Beat>(generator);
    know::<Scale>(generator);
    know::<TokenWish>(generator);
    know::<BusCall>(generator);
    know::<FolderCall>(generator);
}

/// Has a generator know everything of this that is said.
pub(super) fn said(generator: &mut SchemaGenerator) {
    know::<Events>(generator);
    know::<Renewed>(generator);
    know::<Life>(generator);
    know::<Tokens>(generator);
    know::<Made>(generator);
    know::<Audit>(generator);
    know::<Record>(generator);
    know::<Health>(generator);
    know::<BusAnswer>(generator);
    know::<FolderAnswer>(generator);
}
