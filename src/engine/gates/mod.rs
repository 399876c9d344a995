//! Quality gates as they are run: what `obeya.toml` says, the process, the verdict, the evidence.
//!
//! The commands stay in the file beside the ledger; the ledger learns the rules and what was seen. A run is the same in a
//! host and in a caller's own process: a claim makes sure that it goes on once, and whoever dies in it leaves no verdict.

mod judge;
mod run;
mod runner;
mod store;
mod tree;

use std::path::{Path, PathBuf};

pub use run::{Asked, GateAsk, Line, Ready, prepare, run_gate};
pub use runner::{Desk, Runner};

use self::store::Store;
use super::{own_act, workspace};
use crate::{
    config::{
        Document, Problem,
        line::{
            LINE_FILE,
            gates::{self, GateSpec, Opens, Words},
        },
    },
    domain::{
        andon::Severity,
        command::{Command, Submission},
        gate::{GateHold, GateRule, Tree},
        id::OrderId,
        order::{Bucket, Kind},
        record::Hash,
        state::State,
    },
    ledger::Home,
};

/// The name of a ledger's folder in a project, beside which the project's files lie.
const LEDGER_FOLDER: &str = ".obeya";
/// The project around a ledger.
#[derive(Clone, Debug)]
pub struct Project {
    home: Home,
    root: PathBuf,
}

impl Project {
    /// Returns the project of a ledger: the folder in which its `.obeya` lies; a ledger of another name is its own.
    pub fn of(home: &Home) -> Self {
        let path = home.path();
        let named = path.file_name().is_some_and(|name| name == LEDGER_FOLDER);
        let root = path.parent().filter(|_| named).unwrap_or(path).to_owned();
        Project {
            home: home.clone(),
            root,
        }
    }

    /// Returns the project's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns where the project's `obeya.toml` is, or would be.
    pub fn line_file(&self) -> PathBuf {
        self.root.join(LINE_FILE)
    }

    /// Returns the gates that the project defines, and what was wrong in them. Where `stages` names those of the board, a gate of
    /// another one is wrong.
    pub fn gates(&self, stages: &[&str]) -> (Vec<GateSpec>, Vec<Problem>) {
        match Document::read(&self.line_file()) {
            Ok(None) => (vec![], vec![]),
            Ok(Some(document)) => {
                let bucket = words(Bucket::ALL, Bucket::word);
                let kind = words(Kind::ALL, Kind::word);
                let severity = words(Severity::ALL, Severity::word);
                let hold = words(GateHold::ALL, GateHold::word);
                let words = Words {
                    buckets: &bucket,
                    kinds: &kind,
                    severities: &severity,
                    holds: &hold,
                    stages,
                };
                gates::read(&document, words)
            }
            Err(problem) => (vec![], vec![problem]),
        }
    }

    /// Returns the names of the gates that the file has a table for, whatever is in it.
    fn gate_names(&self) -> Vec<String> {
        match Document::read(&self.line_file()) {
            Ok(Some(document)) => gates::names(&document),
            Ok(None) | Err(_) => vec![],
        }
    }

    /// Returns where the code of an order is: in its workspace if it has one, else in the project's folder.
    pub fn workspace(&self, order: Option<OrderId>) -> PathBuf {
        order
            .and_then(|order| workspace::folder_of(&self.home, &self.root, order))
            .unwrap_or_else(|| self.root.clone())
    }

    /// Returns the code of an order as it is now. It reads files, and runs git.
    pub fn tree(&self, order: Option<OrderId>) -> Tree {
        tree::tree(
            &self.workspace(order),
            self.home.path(),
            &Store::of(&self.home).scratch(),
        )
    }

    /// Returns the tree that a command is decided by, if it is decided by one.
    pub fn tree_for(&self, state: &State, command: &Command) -> Option<Tree> {
        crate::domain::decide::needs_tree(state, command).then(|| self.tree(command.order()))
    }

    /// Returns what is kept of an output, or None if it is gone or is not what it was.
    pub fn output(&self, order: OrderId, gate: &str, hash: &Hash) -> Option<Vec<u8>> {
        Store::of(&self.home).output(order, gate, hash)
    }

    /// Returns what has to be submitted so that the ledger's gates are those of the project, and what was wrong in its
    /// file. While anything is wrong no gate is taken down, and one that has a mistake in it from the first stands shut: a
    /// slip of the pen opens none.
    pub fn changes(&self, state: &State) -> (Vec<Submission>, Vec<Problem>) {
        let stages = state.settings.stages.iter();
        let stages: Vec<_> = stages.map(|stage| stage.name.as_str()).collect();
        let (specs, problems) = self.gates(&stages);
        let known = &state.settings.gates;
        let mut commands = vec![];
        for spec in &specs {
            let rule = rule_of(spec);
            if known.get(&spec.name) != Some(&rule) {
                let (name, rule) = (spec.name.clone(), Box::new(rule));
                commands.push(Command::SetGate { name, rule });
            }
        }
        for name in self.gate_names() {
            let is_sound = specs.iter().any(|spec| spec.name == name);
            if !is_sound && !known.contains_key(&name) {
                let rule = Box::new(shut());
                commands.push(Command::SetGate { name, rule });
            }
        }
        if problems.is_empty() {
            let gone = known
                .keys()
                .filter(|name| specs.iter().all(|spec| spec.name != **name));
            commands.extend(gone.cloned().map(|name| Command::RemoveGate { name }));
        }
        (commands.into_iter().map(own_act).collect(), problems)
    }
}

fn words<T: Copy>(all: &[T], word: fn(T) -> &'static str) -> Vec<&'static str> {
    all.iter().map(|value| word(*value)).collect()
}

/// Returns the rule of a gate whose table has a mistake in it: it is asked of every order, and nobody can run it.
fn shut() -> GateRule {
    GateRule {
        stage: None,
        buckets: vec![],
        kinds: vec![],
        required: true,
        approval: false,
        severity: Severity::Medium,
        hold: GateHold::Nothing,
        digest: Hash::of(b"a table with a mistake in it"),
    }
}

/// Returns what the rules know of a gate.
pub fn rule_of(spec: &GateSpec) -> GateRule {
    let mut buckets: Vec<Bucket> = spec
        .buckets
        .iter()
        .filter_map(|word| word.parse().ok())
        .collect();
    let mut kinds: Vec<Kind> = spec
        .kinds
        .iter()
        .filter_map(|word| word.parse().ok())
        .collect();
    buckets.sort();
    buckets.dedup();
    kinds.sort();
    kinds.dedup();
    GateRule {
        stage: spec.stage.clone(),
        buckets,
        kinds,
        required: spec.required,
        approval: spec.opens == Opens::Approval,
        severity: spec.severity.parse().unwrap_or(Severity::Medium),
        hold: spec.hold.parse().unwrap_or(GateHold::Nothing),
        // A definition is text and finite numbers, which are always JSON.
        digest: Hash::of(&serde_json::to_vec(spec).unwrap_or_default()),
    }
}
