//! What the project's `obeya.toml` comes to, said where it matters: what is wrong in it, and that it is not heeded here.

use serde::{Deserialize, Serialize};

use super::{model::Model, theme::Role};

/// What mends a line that is not trusted.
const TRUST: &str =
    "run `obeya host` here, or `obeya init` where there is no ledger yet, to let it";

/// What was seen of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineSeen {
    /// What is wrong in it: where, what, and what to write instead.
    pub problems: Vec<String>,
    /// Whether it names what would be run, and this user never let it.
    pub untrusted: bool,
}

impl LineSeen {
    /// Returns the word for the line of the header, if something is to be mended.
    pub fn word(&self) -> Option<&'static str> {
        match (self.untrusted, self.problems.is_empty()) {
            (true, _) => Some("untrusted"),
            (false, false) => Some("obeya.toml"),
            (false, true) => None,
        }
    }
}

/// Returns what is to be mended, one sentence a line, the weightiest first.
pub fn notes(model: &Model) -> Vec<(String, Role)> {
    let mut notes = Vec::new();
    if model.line.untrusted {
        let what =
            "this console runs nothing of obeya.toml: you never let this project run programs";
        notes.push((format!("{what}; {TRUST}"), Role::Warning));
    }
    let problems = model.line.problems.iter();
    notes.extend(problems.map(|problem| (problem.clone(), Role::Warning)));
    notes
}
