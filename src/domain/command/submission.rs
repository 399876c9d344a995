//! An intent on its way to the engine.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Command, Role};
use crate::domain::{
    order::Actor,
    record::{Door, Hash},
    time::Timestamp,
};

/// A command on its way to the engine, with everything that the record's envelope needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Submission {
    /// Unique; a retry carries the same one.
    pub id: Uuid,
    /// Who wants it.
    pub actor: Actor,
    /// What the caller may do.
    pub role: Role,
    /// The door it came in by.
    pub door: Door,
    /// The caller's user id in the operating system.
    pub uid: u32,
    /// The fencing number of the caller's claim, if it has one.
    #[serde(default)]
    pub epoch: Option<u32>,
    /// The command that led to this one.
    #[serde(default)]
    pub causation: Option<Uuid>,
    /// The conversation it belongs to.
    #[serde(default)]
    pub correlation: Option<Uuid>,
    /// Show what would happen, and do nothing.
    #[serde(default)]
    pub dry_run: bool,
    /// Microseconds since boot after which the caller has gone elsewhere with it: from then on it is not decided here.
    #[serde(default)]
    pub until: Option<i64>,
    /// When the order it writes to had last changed, as far as the caller knows: changed since, it is left alone.
    #[serde(default)]
    pub as_of: Option<Timestamp>,
    /// The intent.
    pub command: Command,
}

impl Submission {
    /// Returns whether anything may come onto the ledger by this: not by a dry run, and not where the role does not do.
    pub fn may_write(&self) -> bool {
        !self.dry_run && self.role >= self.command.spec().role
    }

    /// Returns the SHA-256 of the command's body: a retry has the same one. Who, where and when are not part of it.
    pub fn command_hash(&self) -> Hash {
        // Most bodies fit, so that they are written without growing.
        let mut body = Vec::with_capacity(1 << 10);
        // Writing into memory cannot fail, and every key of every map here is a string.
        let written = serde_json::to_writer(&mut body, &(&self.command, self.epoch));
        debug_assert!(written.is_ok(), "{written:?}");
        Hash::of(&body)
    }
}
