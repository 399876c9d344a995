//! What whoever looks at a line wants to know about its `obeya.toml`: what is wrong in it, and whether it is heeded.

use std::{fs, time::SystemTime};

use super::is_trusted;
use crate::{
    config::Problem,
    engine::{gates::Project, supervisor},
    ledger::Home,
};

/// What an `obeya.toml` comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineFile {
    /// What is wrong in it, in the order of the file.
    pub problems: Vec<Problem>,
    /// Whether it names anything that would be run.
    pub runs_something: bool,
    /// Whether this user lets consoles here run it.
    pub trusted: bool,
    stamp: Option<(SystemTime, u64)>,
}

impl LineFile {
    /// Returns the problems with the file's name as seen from the project: each is said in one line.
    pub fn said(&self, home: &Home) -> Vec<String> {
        let project = format!("{}/", home.project().display());
        let said = self.problems.iter().map(|problem| {
            let said = problem.to_string();
            said.strip_prefix(&project).unwrap_or(&said).to_owned()
        });
        said.collect()
    }
}

/// Looks at the project's file, given what was seen `before`. It is read again only if it has changed since, so this is
/// cheap enough for every few seconds.
pub fn look_at_line_file(home: &Home, before: Option<&LineFile>) -> LineFile {
    let file = Project::of(home).line_file();
    let about = fs::metadata(&file).ok();
    let stamp = about.and_then(|about| Some((about.modified().ok()?, about.len())));
    let trusted = is_trusted(home);
    if let Some(before) = before.filter(|before| before.stamp == stamp) {
        return LineFile {
            trusted,
            ..before.clone()
        };
    }
    let (line, mut problems) = supervisor::read(&file);
    let (gates, more) = Project::of(home).gates();
    for problem in more {
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
    LineFile {
        runs_something: !line.agents.is_empty() || !gates.is_empty(),
        problems,
        trusted,
        stamp,
    }
}
