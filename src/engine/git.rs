//! Git as this program calls it: without the user's surprises, bounded in time and output, and gone at the end.
//!
//! Hooks are off: they may wait for a terminal, or change what was looked at between two steps. What is to be checked on
//! the line is a quality gate. Nothing is signed, no editor opens, nobody is asked for a password, and of the environment
//! only what every command gets is passed on, so that a `GIT_DIR` of the caller's leads nowhere else.

use std::{
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::AtomicBool,
    time::Duration,
};

use super::process::{self, End};
use crate::text;

/// How long one call may take: the checkout of a large tree is minutes.
const PATIENCE: Duration = Duration::from_secs(300);
/// What of git's own words is told, in characters.
const WORDS: usize = 300;
/// Settings that would bring in somebody else's programs, wait for somebody, or move what was not named.
const SETTINGS: &[&str] = &[
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.quotePath=false",
    "commit.gpgSign=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "merge.autoStash=false",
    "rebase.autoStash=false",
    "rebase.updateRefs=false",
    "rerere.enabled=false",
    "submodule.recurse=false",
];

/// Why git did not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It ended in failure, with these words.
    Refused(String),
    /// It is not there, or took too long.
    NoAnswer(String),
}

impl Trouble {
    /// Returns the repository without a commit, inside the one that was to be added to, at which git stopped; if it did.
    pub(super) fn unborn(&self) -> Option<&str> {
        let Trouble::Refused(why) = self else {
            return None;
        };
        let (_, from) = why.split_once("error: '")?;
        let (place, _) = from.split_once("' does not have a commit checked out")?;
        Some(place.trim_end_matches('/')).filter(|place| !place.is_empty())
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Refused(why) | Trouble::NoAnswer(why) => f.write_str(why),
        }
    }
}

/// Git in a folder.
#[derive(Clone, Debug)]
pub(super) struct Git {
    root: PathBuf,
    patience: Duration,
    environment: Vec<(&'static str, OsString)>,
}

impl Git {
    /// Returns git in a folder.
    pub(super) fn at(root: &Path) -> Git {
        Git {
            root: root.to_owned(),
            patience: PATIENCE,
            environment: vec![],
        }
    }

    /// Returns it with another bound of time for each call.
    pub(super) fn within(mut self, patience: Duration) -> Git {
        self.patience = patience;
        self
    }

    /// Returns it with a variable of its environment set.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<OsString>) -> Git {
        self.environment.push((name, value.into()));
        self
    }

    /// Returns it as somebody who commits.
    pub(super) fn by(self, name: &str) -> Git {
        let mail = format!("{name}@obeya");
        self.with("GIT_AUTHOR_NAME", name)
            .with("GIT_AUTHOR_EMAIL", &mail)
            .with("GIT_COMMITTER_NAME", name)
            .with("GIT_COMMITTER_EMAIL", &mail)
    }

    /// Returns the folder.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the first line of what git answers.
    pub(super) fn ask(&self, arguments: &[&str]) -> Result<String, Trouble> {
        let answer = self.run(arguments)?;
        Ok(answer.lines().next().unwrap_or_default().to_owned())
    }

    /// Returns whether git says yes to a question that it answers by its exit code.
    pub(super) fn is(&self, arguments: &[&str]) -> Result<bool, Trouble> {
        match self.run(arguments) {
            Ok(_) => Ok(true),
            Err(Trouble::Refused(_)) => Ok(false),
            Err(trouble) => Err(trouble),
        }
    }

    /// Returns the parts of an answer that end with a NUL each.
    pub(super) fn parts(&self, arguments: &[&str]) -> Result<Vec<String>, Trouble> {
        let answer = self.run(arguments)?;
        let parts = answer.split('\0').filter(|part| !part.is_empty());
        Ok(parts.map(str::to_owned).collect())
    }

    /// Returns what git writes to standard output.
    pub(super) fn run(&self, arguments: &[&str]) -> Result<String, Trouble> {
        let mut command = Command::new("git");
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        command.args(arguments).current_dir(&self.root);
        process::environment(&mut command, &[]);
        command.envs([
            ("GIT_OPTIONAL_LOCKS", "0"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_EDITOR", "true"),
            ("LC_ALL", "C"),
        ]);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let ran = process::run(&mut command, self.patience, &AtomicBool::new(false))
            .map_err(|error| Trouble::NoAnswer(format!("git cannot be started: {error}")))?;
        let verb = arguments.first().copied().unwrap_or_default();
        match ran.end {
            // A name of a file may be any bytes; what is no text is shown, never opened.
            End::Exited(status) if status.success() => {
                Ok(String::from_utf8_lossy(&ran.stdout.into_bytes()).into_owned())
            }
            End::Exited(_) => Err(Trouble::Refused(words(verb, &ran.all.into_bytes()))),
            End::TimedOut | End::Stopped => {
                let seconds = self.patience.as_secs();
                let why = format!("git {verb} took longer than {seconds} s");
                Err(Trouble::NoAnswer(why))
            }
        }
    }
}

/// Returns what git said, as one clean line: what it calls an error first, for that says why.
fn words(verb: &str, said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let said = text::clean_block(&said);
    let marks = ["fatal:", "error:", "CONFLICT"];
    let told = |line: &&str| marks.iter().any(|mark| line.starts_with(mark));
    let line = said
        .lines()
        .find(told)
        .or_else(|| said.lines().find(|line| !line.trim().is_empty()));
    let line = line.unwrap_or("it failed without a word");
    let line: String = line.chars().take(WORDS).collect();
    format!("git {verb}: {}", line.trim())
}
