//! What was made in a worktree is committed, put on top of the project's branch, and becomes that branch.

use std::{fmt, path::Path, time::Duration};

use super::place::{Repository, Worktree};
use crate::engine::git::{Git, Trouble};

/// How many files a sentence names.
const SHOWN: usize = 5;

/// How often a merge is tried while somebody else's git is at work in the same folder.
const TRIES: usize = 10;
/// How long is waited between two tries.
const BETWEEN: Duration = Duration::from_millis(500);

/// Where the work of a worktree stands: on top of the project's branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stand {
    /// The branch it is for, in full.
    pub target: String,
    /// The commit of that branch on which it stands.
    pub base: String,
    /// Its newest commit.
    pub head: String,
}

/// What a merge came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Landed {
    /// The project's branch has it.
    Merged,
    /// The project's branch has moved meanwhile: the work is to be put on top of it anew.
    Moved,
}

/// Why work did not get onto the project's branch. Nothing of it is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unlanded {
    /// The agent left something unfinished in its worktree.
    Unfinished(String),
    /// Both changed the same.
    Conflict {
        /// The branch that it was to get onto.
        target: String,
        /// Where.
        files: Vec<String>,
    },
    /// Changes that are not committed, where the project's branch is checked out, are in the way.
    Dirty {
        /// Where that is.
        place: String,
        /// Which files.
        files: Vec<String>,
    },
    /// Git would not, and these are its words.
    Failed(String),
}

impl fmt::Display for Unlanded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unlanded::Unfinished(what) | Unlanded::Failed(what) => f.write_str(what),
            Unlanded::Conflict { target, files } => {
                write!(f, "it conflicts with {} in {}", short(target), some(files))
            }
            Unlanded::Dirty { place, files } => write!(
                f,
                "changes that are not committed in {place} are in the way: {}",
                some(files)
            ),
        }
    }
}

impl Unlanded {
    /// Returns what a person does about it, step by step.
    pub fn mend(&self, worktree: &Worktree) -> String {
        let (path, branch) = (worktree.path.display(), worktree.branch());
        match self {
            Unlanded::Conflict { target, .. } => format!(
                "(1) cd {path} (branch {branch}); (2) git rebase {}; (3) settle the conflicts, git add the files, git rebase --continue; \
                 (4) resolve this alert: it is gated again and merged. Resolved without that, an agent does it again",
                short(target)
            ),
            Unlanded::Dirty { place, .. } => format!(
                "(1) commit those changes in {place}, or git stash them; (2) resolve this alert: what is in {path} (branch {branch}) is merged then"
            ),
            Unlanded::Unfinished(_) | Unlanded::Failed(_) => format!(
                "(1) look into {path} (branch {branch}), and mend it there; (2) resolve this alert: it is tried again then"
            ),
        }
    }
}

impl From<Trouble> for Unlanded {
    fn from(trouble: Trouble) -> Self {
        Unlanded::Failed(trouble.to_string())
    }
}

fn short(branch: &str) -> &str {
    branch.strip_prefix("refs/heads/").unwrap_or(branch)
}

fn some(files: &[String]) -> String {
    let shown: Vec<_> = files.iter().take(SHOWN).map(String::as_str).collect();
    match files.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

impl Worktree {
    /// Commits what is left, as the agent.
    ///
    /// # Errors
    ///
    /// The agent left a merge or a rebase in the middle, or is on another branch.
    pub fn commit(&self, agent: &str, title: &str) -> Result<(), Unlanded> {
        let git = self.git().by(agent);
        self.on_its_branch(&git)?;
        let unmerged = git.parts(&["diff", "--name-only", "--diff-filter=U", "-z"])?;
        if !unmerged.is_empty() {
            let what = format!("conflicts were left in {}", some(&unmerged));
            return Err(Unlanded::Unfinished(what));
        }
        if let Err(trouble) = git.run(&["add", "--all"]) {
            return Err(match trouble.unborn() {
                Some(place) => Unlanded::Unfinished(format!(
                    "{place} is a repository without a commit, which no branch can have: remove its .git, or commit there"
                )),
                None => trouble.into(),
            });
        }
        let merging = git.is(&["rev-parse", "--verify", "--quiet", "MERGE_HEAD"])?;
        if merging || !git.is(&["diff", "--cached", "--quiet"])? {
            let message = format!("--message={}: {}", self.order, title.replace('\0', ""));
            let commit = ["commit", "--quiet", "--no-verify", "--cleanup=whitespace"];
            git.run(&[&commit[..], &[&message]].concat())?;
        }
        Ok(())
    }

    /// Brings commits that were made elsewhere onto the worktree's own branch, if it leads there.
    fn on_its_branch(&self, git: &Git) -> Result<(), Unlanded> {
        let (branch, full) = (self.branch(), format!("refs/heads/{}", self.branch()));
        match git.ask(&["symbolic-ref", "--quiet", "HEAD"]) {
            Ok(head) if head == full => return Ok(()),
            Ok(_) | Err(Trouble::Refused(_)) => {}
            Err(trouble) => return Err(trouble.into()),
        }
        let rebasing = git.ask(&[
            "rev-parse",
            "--path-format=absolute",
            "--git-path",
            "rebase-merge",
        ])?;
        if Path::new(&rebasing).exists() {
            return Err(Unlanded::Unfinished(
                "a rebase was left in the middle".into(),
            ));
        }
        if !git.is(&["merge-base", "--is-ancestor", &full, "HEAD"])? {
            let what = format!("what is checked out there is not {branch}, and does not have it");
            return Err(Unlanded::Unfinished(what));
        }
        git.run(&["checkout", "--quiet", "-B", &branch])?;
        Ok(())
    }

    /// Returns where the work stands as it is.
    ///
    /// # Errors
    ///
    /// Git does not say.
    pub fn stand(&self) -> Result<Stand, Unlanded> {
        let git = self.git();
        let target = self.target().map_err(Unlanded::Failed)?;
        let base = git.ask(&["merge-base", "HEAD", &target])?;
        let head = git.ask(&["rev-parse", "--verify", "HEAD"])?;
        Ok(Stand { target, base, head })
    }

    /// Puts the work on top of the project's branch. Work that does not fit there is left as it was.
    ///
    /// # Errors
    ///
    /// It conflicts.
    pub fn rebase(&self, agent: &str) -> Result<Stand, Unlanded> {
        let git = self.git().by(agent);
        let target = self.target().map_err(Unlanded::Failed)?;
        if self.is_in(&target)? {
            return self.stand();
        }
        let base = git.ask(&["rev-parse", "--verify", &target])?;
        if !git.is(&["merge-base", "--is-ancestor", &base, "HEAD"])? {
            let rebase = ["rebase", "--quiet", "--no-fork-point", &base];
            if let Err(trouble) = git.run(&rebase) {
                let files = git.parts(&["diff", "--name-only", "--diff-filter=U", "-z"]);
                let aborted = git.run(&["rebase", "--abort"]);
                return Err(match (files, aborted) {
                    (Ok(files), Ok(_)) if !files.is_empty() => Unlanded::Conflict { target, files },
                    _ => trouble.into(),
                });
            }
        }
        let head = git.ask(&["rev-parse", "--verify", "HEAD"])?;
        Ok(Stand { target, base, head })
    }

    /// Makes the work the newest of the project's branch, and nothing else: a fast-forward, in the folder where the branch
    /// is checked out, if it is.
    ///
    /// # Errors
    ///
    /// Changes there are in the way, or git would not for another reason.
    pub fn merge(&self, stand: &Stand) -> Result<Landed, Unlanded> {
        let Stand { target, base, head } = stand;
        let repository = Repository::of(&self.home).map_err(Unlanded::Failed)?;
        let _lock = repository.lock().map_err(Unlanded::Failed)?;
        let git = self.git();
        let has = || git.is(&["merge-base", "--is-ancestor", head, target]);
        if has()? {
            return Ok(Landed::Merged);
        }
        if git.ask(&["rev-parse", "--verify", target])? != *base {
            return Ok(Landed::Moved);
        }
        let entries = repository.worktrees()?;
        let out = entries
            .iter()
            .find(|entry| entry.branch.as_deref() == Some(target));
        let forward = || match out {
            Some(entry) => {
                let merge = [
                    "merge",
                    "--ff-only",
                    "--quiet",
                    "--no-overwrite-ignore",
                    head,
                ];
                Git::at(&entry.path).run(&merge)
            }
            // Unlike a bare change of the name, this refuses a branch that somebody is rebasing.
            None => {
                let update = format!("refs/heads/{}:{target}", self.branch());
                git.run(&["fetch", "--quiet", "--no-tags", ".", &update])
            }
        };
        let mut done = forward();
        for _ in 0..TRIES {
            if !matches!(&done, Err(Trouble::Refused(why)) if why.contains(".lock")) {
                break;
            }
            std::thread::sleep(BETWEEN);
            done = forward();
        }
        let Err(trouble) = done else {
            return Ok(Landed::Merged);
        };
        if has()? {
            return Ok(Landed::Merged);
        }
        if git.ask(&["rev-parse", "--verify", target])? != *base {
            return Ok(Landed::Moved);
        }
        let Some(entry) = out else {
            return Err(trouble.into());
        };
        let there = Git::at(&entry.path);
        let touched = there.parts(&["diff", "--name-only", "-z", base, head])?;
        let changed = there.parts(&[
            "status",
            "--porcelain",
            "--no-renames",
            "--ignored=matching",
            "--untracked-files=all",
            "-z",
        ])?;
        let changed = changed.iter().filter_map(|line| line.get(3..));
        let files: Vec<String> = changed
            .filter(|file| touched.iter().any(|other| other == file))
            .map(str::to_owned)
            .collect();
        let place = entry.path.display().to_string();
        Err(match files.is_empty() {
            true => trouble.into(),
            false => Unlanded::Dirty { place, files },
        })
    }
}
