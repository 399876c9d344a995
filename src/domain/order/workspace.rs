//! Where the code of an order is made, apart from everybody else's, and how far it has come.

use bitcode::{Decode, Encode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::vocabulary;

vocabulary! {
    /// How far the work in a workspace has come.
    Landing ("state of a workspace") {
        /// The project's branch is to get it, and has not yet.
        Open = "open",
        /// The project's branch has it.
        Merged = "merged",
        /// It stays on its own branch: whoever set the agent up wants it so.
        Kept = "kept",
    }
}

/// The branch on which an order's work is made. What lies where is the engine's; the ledger has the names of commits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Encode, Decode)]
pub struct Workspace {
    /// The branch.
    pub branch: String,
    /// The commit of the project's branch that the work stands on: what was there before it.
    pub base: String,
    /// The newest commit of the work; the base where there is none yet.
    pub head: String,
    /// How far it has come.
    pub landing: Landing,
}
