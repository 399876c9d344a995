//! What whoever looks at a line wants to know about its `obeya.toml`: what is wrong in it, and whether it is heeded.

use std::{fs, time::SystemTime};

use super::is_trusted;
use crate::{
    config::{Problem, line::LINE_FILE},
    domain::settings::Stage,
    engine::{gates::Project, supervisor},
    ledger::{
        Home,
        doctor::{Finding, Level},
    },
};

/// What an `obeya.toml` comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineFile {
    /// What is wrong in it, in the order of the file.
    pub problems: Vec<Problem>,
    /// Whether it names anything that would be run.
    pub runs_something: bool,
    /// How many agents and gates it names that have no mistake in them.
    pub names: (usize, usize),
    /// Whether this user lets consoles here run it.
    pub trusted: bool,
    stamp: Option<(SystemTime, u64)>,
    stages: Vec<Stage>,
}

/// Looks at the project's file, given the stages of the board and what was seen `before`. It is read again only if it has
/// changed since, so this is cheap enough for every few seconds.
pub fn look_at_line_file(home: &Home, stages: &[Stage], before: Option<&LineFile>) -> LineFile {
    let file = Project::of(home).line_file();
    let about = fs::metadata(&file).ok();
    let stamp = about.and_then(|about| Some((about.modified().ok()?, about.len())));
    let trusted = is_trusted(home);
    if let Some(before) = before.filter(|before| before.stamp == stamp && before.stages == stages) {
        return LineFile {
            trusted,
            ..before.clone()
        };
    }
    let (line, mut problems) = supervisor::read(&file, stages);
    let known: Vec<_> = stages.iter().map(|stage| stage.name.as_str()).collect();
    let (gates, more) = Project::of(home).gates(&known);
    for problem in more {
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
    LineFile {
        runs_something: !line.agents.is_empty() || !gates.is_empty(),
        names: (line.agents.len(), gates.len()),
        problems,
        trusted,
        stamp,
        stages: stages.to_vec(),
    }
}

/// Looks at the project's file for the doctor, a finding for each mistake; nothing where there is no file.
pub(super) fn findings(home: &Home, stages: &[Stage]) -> Vec<Finding> {
    let seen = look_at_line_file(home, stages, None);
    let finding = |level, found, mend: &str| Finding {
        name: LINE_FILE.into(),
        level,
        found,
        mend: mend.into(),
    };
    if seen.stamp.is_none() {
        return vec![];
    }
    if seen.problems.is_empty() {
        let (agents, gates) = seen.names;
        let found = format!("agents: {agents}, gates: {gates}");
        return vec![finding(Level::Ok, found, "")];
    }
    let problems = seen.problems.iter();
    let bad = problems.map(|problem| finding(Level::Bad, problem.found(), &problem.mend));
    bad.collect()
}
