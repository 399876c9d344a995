//! Workspaces as plain as they can be.

use obeya::domain::order::{Landing, Workspace};

/// Returns a workspace whose work stands as said.
pub(crate) fn at(landing: Landing) -> Workspace {
    Workspace {
        branch: "obeya/WO-001".into(),
        base: "a".repeat(40),
        head: "b".repeat(40),
        landing,
    }
}
