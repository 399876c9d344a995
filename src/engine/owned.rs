//! Whether a file is the user's own: what stands in `obeya.toml` is run, so that it must be as much his as what he types.

use std::{fs, os::unix::fs::MetadataExt as _, path::Path};

use crate::config::Problem;

/// Returns what is wrong with a file that is somebody else's, or that anybody may write; nothing where there is none.
pub(super) fn foreign(file: &Path) -> Option<Problem> {
    let about = fs::metadata(file).ok()?;
    let open = about.mode() & 0o002 != 0;
    let ours = [0, rustix::process::getuid().as_raw()].contains(&about.uid());
    (open || !ours).then(|| {
        let what = "it is somebody else's, or anybody may write it, so nothing in it is run";
        Problem::new(
            file.display(),
            what,
            "own it, and take the others' right away",
        )
    })
}
