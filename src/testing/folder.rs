//! A folder that only this user can enter, and that is gone at the end.

use std::{
    fs,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use uuid::Uuid;

use crate::link::Fault;

/// A folder that is removed with the value.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Makes a folder that was not there before.
    pub(super) fn new() -> Result<Folder, Fault> {
        let name = format!("obeya-testing-{}", Uuid::now_v7().simple());
        let path = std::env::temp_dir().join(name);
        let made = fs::DirBuilder::new().mode(0o700).create(&path);
        made.map_err(|error| {
            Fault::io(&path, "creating", &error).mend("Set TMPDIR to a folder that can be written.")
        })?;
        Ok(Folder(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(folder = %self.0.display(), %error, "a test's folder was not removed");
        }
    }
}
