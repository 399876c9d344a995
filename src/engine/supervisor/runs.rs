//! What was started, noted before it is: so that a host that comes after one that was killed knows what may still run.
//!
//! Each run has a folder with its note and its output. The folders are few and small, and the oldest go.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::runner::Identity;
use crate::{
    domain::{id::OrderId, time::Timestamp},
    ledger::Home,
};

/// How many runs are kept; with the bound of each run's output that is at most 2 GiB, and usually a few MiB.
const KEPT: usize = 256;
/// The note's file in a run's folder.
const NOTE: &str = "run.json";

/// A run, as it is noted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunNote {
    /// Its name: unique, and in the order of time.
    pub run: String,
    /// Whose.
    pub agent: String,
    /// The order it was started for.
    pub order: Option<OrderId>,
    /// The claim's fencing number.
    pub epoch: Option<u32>,
    /// The term of the host that started it.
    pub term: u64,
    /// When.
    pub began: Timestamp,
    /// The process between host and agent.
    pub runner: Option<Identity>,
    /// The agent's process.
    pub process: Option<Identity>,
    /// How it ended, once it has.
    pub end: Option<String>,
    /// What the agent said it used up, once it has said anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<serde_json::Value>,
    /// Whether what it uses up is counted.
    #[serde(default)]
    pub metered: bool,
}

impl RunNote {
    /// Returns the folder of the run.
    pub fn folder(&self, home: &Home) -> PathBuf {
        home.runs().join(format!("{}@{}", self.agent, self.run))
    }

    /// Writes the note, whole or not at all.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn write(&self, home: &Home) -> io::Result<()> {
        let folder = self.folder(home);
        fs::create_dir_all(&folder)?;
        let fresh = folder.join("run.new");
        fs::write(&fresh, serde_json::to_vec(self)?)?;
        fs::rename(fresh, folder.join(NOTE))
    }
}

fn note_in(folder: &Path) -> Option<RunNote> {
    serde_json::from_slice(&fs::read(folder.join(NOTE)).ok()?).ok()
}

/// Returns the folders of runs, of one agent or of all, oldest first.
fn folders(home: &Home, agent: Option<&str>) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(home.runs()).into_iter().flatten().flatten();
    let mut found: Vec<(String, PathBuf)> = entries
        .filter_map(|entry| {
            let name = entry.file_name();
            let (owner, run) = name.to_str()?.rsplit_once('@')?;
            let wanted = agent.is_none_or(|agent| agent == owner);
            wanted.then(|| (run.to_owned(), entry.path()))
        })
        .collect();
    found.sort();
    found
}

/// Returns the runs that have not ended, as far as their notes say.
pub(super) fn open(home: &Home) -> Vec<RunNote> {
    let mut all = all(home);
    all.retain(|note| note.end.is_none());
    all
}

/// Returns the runs that are known, oldest first.
pub(super) fn all(home: &Home) -> Vec<RunNote> {
    let all = folders(home, None).into_iter();
    all.filter_map(|(_, folder)| note_in(&folder)).collect()
}

/// Returns an agent's newest runs, newest first, with their folders.
pub fn newest(home: &Home, agent: &str, limit: usize) -> Vec<(RunNote, PathBuf)> {
    let all = folders(home, Some(agent)).into_iter().rev();
    all.filter_map(|(_, folder)| Some((note_in(&folder)?, folder)))
        .take(limit)
        .collect()
}

/// Drops the oldest runs that have ended.
pub(super) fn prune(home: &Home) {
    let all = folders(home, None);
    let surplus = all.len().saturating_sub(KEPT);
    for (_, folder) in all.into_iter().take(surplus) {
        if note_in(&folder).is_none_or(|note| note.end.is_some())
            && let Err(error) = fs::remove_dir_all(&folder)
        {
            tracing::warn!(%error, "an old run could not be removed");
        }
    }
}
