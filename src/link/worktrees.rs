//! The worktrees beside a ledger: which there are, what they hold, and which may go.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::admin;
use crate::{
    engine::workspace::{self, Kept},
    ledger::{
        Fault, Home,
        doctor::{Finding, Level},
    },
};

/// A mebibyte, as sizes are shown.
const MEBIBYTE: u64 = 1 << 20;

/// A worktree, and whether anybody still needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WorktreeView {
    /// What it is.
    #[serde(flatten)]
    pub kept: Kept,
    /// Whether its order is still open.
    pub open: bool,
}

impl WorktreeView {
    /// Returns why it is kept, in words; None if it need not be.
    pub fn why(&self) -> Option<String> {
        match (&self.kept.holds, self.open) {
            (Some(what), _) => Some(what.clone()),
            (None, true) => Some("its order is open".into()),
            (None, false) => None,
        }
    }
}

/// Returns every worktree beside a ledger, by order.
///
/// # Errors
///
/// The ledger could not be read.
pub fn worktrees(home: &Home) -> Result<Vec<WorktreeView>, Fault> {
    let kept = workspace::kept(home);
    if kept.is_empty() {
        return Ok(vec![]);
    }
    let state = admin::state(home)?;
    let view = |kept: Kept| WorktreeView {
        open: state.order(kept.order).is_some(),
        kept,
    };
    Ok(kept.into_iter().map(view).collect())
}

/// Removes a worktree whose order is closed and that holds nothing that the project's branch does not have. Returns why it
/// is kept, if it is.
pub fn put_away(home: &Home, worktree: &WorktreeView) -> Option<String> {
    match worktree.why() {
        Some(why) => Some(why),
        None => workspace::put_away(home, worktree.kept.order).err(),
    }
}

/// Looks at the worktrees for the doctor.
pub(super) fn finding(home: &Home) -> Option<Finding> {
    let all = worktrees(home).ok().filter(|all| !all.is_empty())?;
    let shown = |view: &WorktreeView| {
        let why = view.why().unwrap_or_else(|| "not needed any more".into());
        let size = view.kept.bytes.div_ceil(MEBIBYTE);
        format!("{}, {size} MiB ({why})", view.kept.order)
    };
    // What an open order has is at work; what outlives its order wants somebody.
    let left = all.iter().any(|view| !view.open);
    let words: Vec<_> = all.iter().map(shown).collect();
    Some(Finding {
        name: "worktrees".into(),
        level: if left { Level::Warn } else { Level::Ok },
        found: words.join("; "),
        mend: match left {
            true => "Merge what is worth it, or delete it; `obeya agent worktrees --prune` removes what holds nothing of its own.".into(),
            false => String::new(),
        },
    })
}
