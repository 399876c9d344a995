//! What a caller wants of the ledger's folder, beside the line itself, and what it hears.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        command::Role,
        id::OrderId,
        message::Name,
        query::life::LifeState,
        record::{Hash, Head},
        settings::Stage,
    },
    ledger::doctor::Finding,
    link::{
        Piece, RunNote, Stats, WorktreeView,
        access::{AuditFilter, AuditPage, AuditRow, NewToken, Secret, TokenView},
    },
};

/// What is wanted of the ledger's folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FolderCall {
    /// The last record of the ledger.
    Head,
    /// The ledger in figures.
    Stats,
    /// Everything that can be wrong.
    Doctor,
    /// Where orders are made apart.
    Worktrees,
    /// The gates that the project's file defines.
    Gates {
        /// The stages of the board; where there are none any name of one is right.
        #[serde(default)]
        stages: Vec<String>,
    },
    /// What is wrong in the project's file.
    Problems {
        /// The stages of the board; where there are none any name of one is right.
        #[serde(default)]
        stages: Vec<Stage>,
    },
    /// What was kept of the output of a gate's run.
    GateOutput {
        /// On which order.
        order: OrderId,
        /// Of which gate.
        gate: String,
        /// Its digest.
        hash: Hash,
    },
    /// An agent's newest runs, newest first.
    Runs {
        /// Whose.
        agent: String,
        /// At most so many.
        limit: usize,
    },
    /// A piece of what an agent wrote in a run.
    Log {
        /// Whose.
        agent: String,
        /// In which run.
        run: String,
        /// From this byte on.
        from: u64,
        /// Before this byte; at most [`MOST_LOG`] bytes come at once.
        to: u64,
    },
    /// What an agent's hook says.
    Report {
        /// Which agent.
        agent: Name,
        /// Which session of it.
        session: String,
        /// What it is about; none once it is over.
        state: Option<LifeState>,
        /// One line.
        note: String,
    },
    /// Every token.
    Tokens,
    /// A token is to be made.
    CreateToken(NewToken),
    /// A token is to be taken back.
    RevokeToken(Name),
    /// Rows of the audit.
    Audit {
        /// Which.
        filter: AuditFilter,
        /// Where they begin.
        page: AuditPage,
        /// At most so many.
        limit: usize,
    },
}

/// The most bytes of a log in one answer: some screens of the longest lines, and a slow link shows progress.
pub const MOST_LOG: u64 = 256 << 10;

impl FolderCall {
    /// Returns what a caller must be allowed to do.
    pub fn needs(&self) -> Role {
        match self {
            FolderCall::Head
            | FolderCall::Stats
            | FolderCall::Doctor
            | FolderCall::Worktrees
            | FolderCall::Gates { .. }
            | FolderCall::Problems { .. }
            | FolderCall::GateOutput { .. }
            | FolderCall::Runs { .. }
            | FolderCall::Log { .. } => Role::Viewer,
            FolderCall::Report { .. } => Role::Agent,
            FolderCall::Tokens
            | FolderCall::CreateToken(_)
            | FolderCall::RevokeToken(_)
            | FolderCall::Audit { .. } => Role::Admin,
        }
    }

    /// Returns what it is, as the audit calls it.
    pub fn word(&self) -> String {
        let word = match self {
            FolderCall::Head => "ledger head",
            FolderCall::Stats => "ledger stats",
            FolderCall::Doctor => "doctor",
            FolderCall::Worktrees => "agent worktrees",
            FolderCall::Gates { .. } => "quality-gate check",
            FolderCall::Problems { .. } => "obeya.toml",
            FolderCall::GateOutput { .. } => "quality-gate log",
            FolderCall::Runs { .. } | FolderCall::Log { .. } => "agent logs",
            FolderCall::Report { .. } => "agent hook",
            FolderCall::Tokens => "token list",
            FolderCall::CreateToken(new) => {
                return format!("token create {} {}", new.name, new.role);
            }
            FolderCall::RevokeToken(name) => return format!("token revoke {name}"),
            FolderCall::Audit { .. } => "audit",
        };
        word.to_owned()
    }

    /// Returns whether it is meant to change something that the audit tells of.
    pub fn acts(&self) -> bool {
        matches!(
            self,
            FolderCall::CreateToken(_) | FolderCall::RevokeToken(_)
        )
    }

    /// Returns whether asking twice does nothing twice.
    pub fn may_repeat(&self) -> bool {
        !self.acts()
    }
}

/// What comes of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FolderAnswer {
    /// To [`FolderCall::Head`].
    Head(Head),
    /// To [`FolderCall::Stats`].
    Stats {
        /// The ledger's folder, where it is.
        ledger: String,
        /// They.
        stats: Stats,
    },
    /// To [`FolderCall::Doctor`].
    Doctor {
        /// The ledger's folder, where it is.
        ledger: String,
        /// What was looked at.
        findings: Vec<Finding>,
    },
    /// To [`FolderCall::Worktrees`].
    Worktrees(Vec<WorktreeView>),
    /// To [`FolderCall::Gates`].
    Gates(GatesFile),
    /// To [`FolderCall::Problems`], as sentences, in the order of the file.
    Problems(Vec<String>),
    /// To [`FolderCall::GateOutput`]: none where it is not kept any more, or is not what it was.
    GateOutput(Option<String>),
    /// To [`FolderCall::Runs`].
    Runs(Vec<RunNote>),
    /// To [`FolderCall::Log`]: none where there is no such run.
    Log(Option<LogPart>),
    /// To [`FolderCall::Report`].
    Reported,
    /// To [`FolderCall::Tokens`].
    Tokens(Vec<TokenView>),
    /// To [`FolderCall::CreateToken`].
    Created {
        /// What opens the door, this once.
        secret: Secret,
        /// The rest.
        token: TokenView,
    },
    /// To [`FolderCall::RevokeToken`].
    Revoked(TokenView),
    /// To [`FolderCall::Audit`].
    Audit(Vec<AuditRow>),
}

/// The gates that a project's file defines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GatesFile {
    /// The file, where it is.
    pub file: String,
    /// They, in its order.
    pub gates: Vec<GateEntry>,
    /// What is wrong in it, as sentences.
    pub problems: Vec<String>,
}

/// A gate of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GateEntry {
    /// Its name.
    pub name: String,
    /// The stage whose exit it guards.
    pub stage: Option<String>,
    /// Whether a person opens it; else it is run.
    pub approval: bool,
}

/// A part of what an agent wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogPart {
    /// Where each file of the log begins, and its length, in order: what lies between two is not kept.
    pub extents: Vec<(u64, u64)>,
    /// What there is between the two places, in order.
    pub pieces: Vec<Piece>,
}

impl LogPart {
    /// Returns the place behind the last byte of the log.
    pub fn end(&self) -> u64 {
        let ends = self.extents.iter();
        let ends = ends.map(|(begins, length)| begins.saturating_add(*length));
        ends.max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]

    use super::*;

    #[test]
    fn a_new_tokens_secret_is_sent_and_not_printed() {
        let text = r#"{"created":{"secret":"obeya_hush","token":{"id":"1","name":"wall","role":"viewer",
            "standing":"live","created_at":"2026-01-01T00:00:00Z"}}}"#;
        let answer: FolderAnswer = serde_json::from_str(text).unwrap();
        assert!(!format!("{answer:?}").contains("hush"));
        assert!(
            serde_json::to_string(&answer)
                .unwrap()
                .contains("obeya_hush")
        );
    }

    #[test]
    fn a_log_of_any_extents_has_an_end() {
        let part = LogPart {
            extents: vec![(u64::MAX, 7), (1, 2)],
            pieces: vec![],
        };
        assert_eq!(part.end(), u64::MAX);
    }
}
