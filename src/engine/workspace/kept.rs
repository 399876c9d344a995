//! Which worktrees there are, and which may go: those whose order is closed and that hold nothing of their own.

use std::{fs, path::Path};

use serde::Serialize;

use super::{
    done,
    place::{Repository, Worktree},
};
use crate::{domain::id::OrderId, engine::git::Trouble, ledger::Home};

/// The most files whose size is added up: beyond it the sum says "at least".
const FILES: usize = 1_000_000;

/// A worktree that is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// Whose.
    pub order: OrderId,
    /// The branch.
    pub branch: String,
    /// Where it lies.
    pub path: String,
    /// The bytes of its files.
    pub bytes: u64,
    /// Why it holds something that the project's branch does not; None if it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holds: Option<String>,
}

/// Returns the orders that have a worktree, sorted. It reads one folder.
pub(in crate::engine) fn orders(home: &Home) -> Vec<OrderId> {
    let entries = fs::read_dir(home.worktrees())
        .into_iter()
        .flatten()
        .flatten();
    let mut orders: Vec<OrderId> = entries
        .filter(|entry| entry.path().join(".git").exists())
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    orders.sort();
    orders
}

/// Returns every worktree beside a ledger, by order.
pub fn kept(home: &Home) -> Vec<Kept> {
    let found = orders(home).into_iter();
    found
        .filter_map(|order| Worktree::found(home, order))
        .map(|worktree| Kept {
            order: worktree.order,
            branch: worktree.branch(),
            path: worktree.path.display().to_string(),
            bytes: size(&worktree.path),
            holds: worktree.holds().unwrap_or_else(|why| Some(why.to_string())),
        })
        .collect()
}

/// Removes the worktree of an order, with its branch, if it holds nothing that the project's branch does not have. The order
/// must be closed, and nobody at work in it. Returns whether there was one, or what it holds.
///
/// # Errors
///
/// In words: what would be lost, or why it cannot be removed.
pub fn put_away(home: &Home, order: OrderId) -> Result<bool, String> {
    let Some(worktree) = Worktree::found(home, order) else {
        return Ok(false);
    };
    let repository = Repository::of(home)?;
    let _lock = repository.lock()?;
    let told = |trouble: Trouble| trouble.to_string();
    if let Some(what) = worktree.holds().map_err(told)? {
        return Err(what);
    }
    let path = worktree.path.display().to_string();
    // Without force: should something have come in since, git refuses, and nothing is lost.
    let git = &repository.git;
    git.run(&["worktree", "remove", "--", &path])
        .map_err(told)?;
    git.run(&["branch", "--quiet", "--delete", "--", &worktree.branch()])
        .map_err(told)?;
    done::forget_done(home, order);
    Ok(true)
}

impl Worktree {
    /// Returns what it holds that the project's branch does not have.
    fn holds(&self) -> Result<Option<String>, Trouble> {
        if !self.is_clean()? {
            return Ok(Some("changes that are not committed".into()));
        }
        let target = match self.target() {
            Ok(target) => target,
            Err(why) => return Ok(Some(why)),
        };
        let range = format!("{target}..HEAD");
        let count = self.git().ask(&["rev-list", "--count", &range])?;
        let branch = target.strip_prefix("refs/heads/").unwrap_or(&target);
        Ok(match count.as_str() {
            "0" => None,
            "1" => Some(format!("1 commit that {branch} does not have")),
            count => Some(format!("{count} commits that {branch} does not have")),
        })
    }
}

/// Returns the bytes of all files in a folder. Links are not followed.
fn size(folder: &Path) -> u64 {
    let (mut bytes, mut files) = (0u64, 0);
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(about) = entry.metadata() else {
                continue;
            };
            files += 1;
            if files > FILES {
                return bytes;
            }
            match about.is_dir() {
                true => folders.push(entry.path()),
                false => bytes = bytes.saturating_add(about.len()),
            }
        }
    }
    bytes
}
