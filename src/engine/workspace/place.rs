//! Where a worktree is, and how it is made.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use super::done;
use crate::{
    domain::id::OrderId,
    engine::git::{Git, Trouble},
    ledger::Home,
};

/// How long the repository's lock is waited for: whoever has it makes a worktree, or merges.
const PATIENCE: Duration = Duration::from_secs(300);
/// How long one question may take where it is asked before new work is begun: git that hangs must not hold up who else works.
const GLIMPSE: Duration = Duration::from_secs(10);
/// How often it is looked whether the lock is free.
const GLANCE: Duration = Duration::from_millis(50);
/// How long a lock that git left in a worktree may stand: its programs are gone when this is looked at, but for one that
/// a host which was killed had started.
const LEFT_BEHIND: Duration = Duration::from_secs(5);

/// The project's repository.
pub(super) struct Repository {
    /// Git in the project's folder.
    pub(super) git: Git,
    /// The folder that all worktrees share.
    common: PathBuf,
    /// Where the project lies in its repository: empty, or with a slash at its end.
    prefix: String,
    /// The branch that is checked out in the project, in full.
    target: String,
}

/// The right to change what all worktrees share. It ends with the value, or with the process.
pub(super) struct Lock(File);

impl Drop for Lock {
    /// Unlocks rather than only closes: a child that is just being started shares the open file for a moment.
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

/// Returns nothing where worktrees can be made of the project, or says why not.
///
/// # Errors
///
/// There is no repository, it has no commit yet, or no branch is checked out; in words, with what mends it.
pub fn check(home: &Home) -> Result<(), String> {
    Repository::seen_by(Git::at(home.project()).within(GLIMPSE), home).map(drop)
}

impl Repository {
    pub(super) fn of(home: &Home) -> Result<Repository, String> {
        Self::seen_by(Git::at(home.project()), home)
    }

    fn seen_by(git: Git, home: &Home) -> Result<Repository, String> {
        let shown = home.project().display();
        match git.ask(&["rev-parse", "--is-inside-work-tree"]) {
            Ok(answer) if answer == "true" => {}
            Err(Trouble::NoAnswer(why)) => return Err(why),
            Ok(_) | Err(Trouble::Refused(_)) => {
                return Err(format!(
                    "{shown} is in no git repository: run `git init` there and commit"
                ));
            }
        }
        let told = |trouble: Trouble| trouble.to_string();
        if !git
            .is(&["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])
            .map_err(told)?
        {
            return Err(format!(
                "the repository of {shown} has no commit yet: commit what is there"
            ));
        }
        let target = match git.ask(&["symbolic-ref", "--quiet", "HEAD"]) {
            Ok(target) if target.starts_with("refs/heads/") => target,
            Err(Trouble::NoAnswer(why)) => return Err(why),
            Ok(_) | Err(Trouble::Refused(_)) => {
                return Err(format!(
                    "no branch is checked out in {shown}: `git switch` to one"
                ));
            }
        };
        let common = git
            .ask(&["rev-parse", "--path-format=absolute", "--git-common-dir"])
            .map_err(told)?;
        let prefix = git.ask(&["rev-parse", "--show-prefix"]).map_err(told)?;
        Ok(Repository {
            git,
            common: common.into(),
            prefix,
            target,
        })
    }

    /// Waits until nobody else changes what all worktrees share.
    pub(super) fn lock(&self) -> Result<Lock, String> {
        let path = self.common.join("obeya.lock");
        let failed = |error: io::Error| format!("{}: {error}", path.display());
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        let until = Instant::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Lock(file)),
                Err(TryLockError::WouldBlock) if Instant::now() < until => thread::sleep(GLANCE),
                Err(TryLockError::WouldBlock) => {
                    return Err("another host has been at this repository for too long".into());
                }
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
    }

    /// Returns every worktree of the repository.
    pub(super) fn worktrees(&self) -> Result<Vec<Entry>, Trouble> {
        let answer = self.git.run(&["worktree", "list", "--porcelain", "-z"])?;
        let entries = answer.split("\0\0").filter(|entry| !entry.is_empty());
        Ok(entries.map(Entry::of).collect())
    }
}

/// A worktree, as git lists it.
pub(super) struct Entry {
    pub(super) path: PathBuf,
    /// The branch that is checked out, in full.
    pub(super) branch: Option<String>,
    /// It was being made when whoever made it was ended.
    half_made: bool,
}

impl Entry {
    fn of(text: &str) -> Entry {
        let field = |name: &str| {
            let mut lines = text.split('\0');
            lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
        };
        Entry {
            path: field("worktree").unwrap_or_default().into(),
            branch: field("branch").map(str::to_owned),
            half_made: field("locked") == Some("initializing"),
        }
    }
}

/// The worktree of an order.
#[derive(Clone, Debug)]
pub struct Worktree {
    pub(super) home: Home,
    pub(super) order: OrderId,
    pub(super) path: PathBuf,
    prefix: String,
}

/// Returns the folder of an order's worktree.
fn path_of(home: &Home, order: OrderId) -> PathBuf {
    home.worktrees().join(order.to_string())
}

/// Returns the branch on which an order's code is made.
pub(super) fn branch_of(order: OrderId) -> String {
    format!("obeya/{order}")
}

/// Returns what in an order's worktree stands for the project's folder, or None if there is no worktree. It asks no git.
pub fn folder_of(home: &Home, project: &Path, order: OrderId) -> Option<PathBuf> {
    let path = path_of(home, order);
    if !path.join(".git").exists() {
        return None;
    }
    let mut above = project.ancestors();
    let top = above.find(|folder| folder.join(".git").exists())?;
    let inside = project.strip_prefix(top).ok()?;
    Some(path.join(inside))
}

impl Worktree {
    /// Returns an order's worktree as it was left, or makes it from where the project's branch is. Programs that worked in
    /// it must be gone. `known` says whether the ledger knows of one: a branch of its name that nobody here made is
    /// somebody's own.
    ///
    /// # Errors
    ///
    /// In words: why there can be none.
    pub fn open(home: &Home, order: OrderId, known: bool) -> Result<Worktree, String> {
        let repository = Repository::of(home)?;
        let _lock = repository.lock()?;
        let worktree = Worktree {
            home: home.clone(),
            order,
            path: path_of(home, order),
            prefix: repository.prefix.clone(),
        };
        worktree
            .make(&repository, known)
            .and_then(|()| worktree.tidy())
            .map_err(|why| format!("there is no worktree for {order}: {why}"))?;
        Ok(worktree)
    }

    /// Returns the worktree of an order if there is one.
    pub fn found(home: &Home, order: OrderId) -> Option<Worktree> {
        let path = path_of(home, order);
        let git = Git::at(&path);
        path.join(".git").exists().then_some(())?;
        let project = Git::at(home.project());
        let prefix = project.ask(&["rev-parse", "--show-prefix"]).ok()?;
        let top = git.ask(&["rev-parse", "--show-toplevel"]).ok()?;
        (Path::new(&top) == path.canonicalize().ok()?).then_some(())?;
        Some(Worktree {
            home: home.clone(),
            order,
            path,
            prefix,
        })
    }

    /// Returns the folder in it that stands for the project's.
    pub fn folder(&self) -> PathBuf {
        match self.prefix.trim_end_matches('/') {
            "" => self.path.clone(),
            inside => self.path.join(inside),
        }
    }

    /// Returns whose it is.
    pub fn order(&self) -> OrderId {
        self.order
    }

    /// Returns the branch.
    pub fn branch(&self) -> String {
        branch_of(self.order)
    }

    /// Returns git in it.
    pub(super) fn git(&self) -> Git {
        Git::at(&self.path)
    }

    fn make(&self, repository: &Repository, known: bool) -> Result<(), String> {
        let git = &repository.git;
        let told = |trouble: Trouble| trouble.to_string();
        let (path, branch) = (self.path.display().to_string(), self.branch());
        let full = format!("refs/heads/{branch}");
        fs::create_dir_all(self.home.worktrees())
            .map_err(|error| format!("{}: {error}", self.home.worktrees().display()))?;
        let own = self.path.canonicalize().unwrap_or(self.path.clone());
        let entries = repository.worktrees().map_err(told)?;
        match entries.iter().find(|entry| entry.path == own) {
            Some(entry) if entry.half_made => {
                // Its files are not all there: what is missing would be taken for what was deleted.
                git.run(&["worktree", "remove", "--force", "--force", "--", &path])
                    .map_err(told)?;
            }
            Some(_) if self.path.join(".git").exists() => return Ok(()),
            // Its folder is gone; what it was on is on its branch.
            Some(_) => {
                git.run(&["worktree", "remove", "--force", "--", &path])
                    .map_err(told)?;
            }
            None if self.path.exists() => return Err(format!("{path} is in the way")),
            None => {}
        }
        let target = repository.target.as_str();
        let exists = git
            .is(&["show-ref", "--verify", "--quiet", &full])
            .map_err(told)?;
        if !exists {
            let add = ["worktree", "add", "--quiet", "--track", "-b", &branch, "--"];
            let add = [&add[..], &[&path, target]].concat();
            return git.run(&add).map(drop).map_err(told);
        }
        let untouched = ["merge-base", "--is-ancestor", &full, target];
        if !known && !git.is(&untouched).map_err(told)? {
            return Err(format!(
                "a branch {branch} is there that nobody here made: rename it or delete it"
            ));
        }
        let add = ["worktree", "add", "--quiet", "--", &path, &branch];
        git.run(&add).map_err(told)?;
        if self.target().is_err() {
            let follow = format!("--set-upstream-to={target}");
            git.run(&["branch", "--quiet", &follow, "--", &branch])
                .map_err(told)?;
        }
        Ok(())
    }

    /// Takes away what programs left in the middle of something, and lets work that has not begun begin from where the
    /// project's branch is now.
    fn tidy(&self) -> Result<(), String> {
        let git = self.git();
        let told = |trouble: Trouble| trouble.to_string();
        let path = |name: &str| {
            git.ask(&["rev-parse", "--path-format=absolute", "--git-path", name])
                .map(PathBuf::from)
                .map_err(told)
        };
        let lock = path("index.lock")?;
        let until = Instant::now() + LEFT_BEHIND;
        while lock.exists() && Instant::now() < until {
            thread::sleep(GLANCE);
        }
        if lock.exists() {
            let _ = fs::remove_file(&lock);
        }
        if path("rebase-merge")?.exists() || path("rebase-apply")?.exists() {
            git.run(&["rebase", "--abort"]).map_err(told)?;
        }
        let target = self.target()?;
        // What is done and merged stays what it was, for its receipt.
        if !done::file(&self.home, self.order).exists()
            && self.is_clean().map_err(told)?
            && self.is_in(&target).map_err(told)?
        {
            git.run(&["merge", "--ff-only", "--quiet", &target])
                .map_err(told)?;
        }
        Ok(())
    }

    /// Returns the branch that the work is for, in full: what was checked out in the project when the worktree was made.
    pub(super) fn target(&self) -> Result<String, String> {
        let upstream = format!("{}@{{upstream}}", self.branch());
        let found = self
            .git()
            .ask(&["rev-parse", "--symbolic-full-name", &upstream]);
        match found {
            Ok(target) if target.starts_with("refs/heads/") => Ok(target),
            Err(Trouble::NoAnswer(why)) => Err(why),
            Ok(_) | Err(Trouble::Refused(_)) => Err(format!(
                "branch {0} is for no branch: say which with `git branch --set-upstream-to=BRANCH {0}`",
                self.branch()
            )),
        }
    }

    /// Returns whether everything in it is committed.
    pub(super) fn is_clean(&self) -> Result<bool, Trouble> {
        let status = ["status", "--porcelain", "--untracked-files=normal"];
        self.git().run(&status).map(|status| status.is_empty())
    }

    /// Returns whether another branch has every commit that is checked out here.
    pub(super) fn is_in(&self, branch: &str) -> Result<bool, Trouble> {
        self.git()
            .is(&["merge-base", "--is-ancestor", "HEAD", branch])
    }
}
