//! What gates leave beside the ledger: the mark of a run that goes on, and the output that was kept.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    time::SystemTime,
};

use crate::{
    domain::{id::OrderId, record::Hash},
    engine::process::Mark,
    ledger::{Fault, Home},
};

/// How many outputs of one gate on one order are kept.
const KEPT: usize = 3;
/// The most bytes that all outputs may take: beyond it the oldest go.
const TOTAL: u64 = 256 << 20;
/// The longest mark that is read.
const MARK: u64 = 1_024;

/// The folder of the gates beside a ledger.
pub(super) struct Store {
    folder: PathBuf,
}

/// The right to run one gate on one order, or to run one more at all. It ends with the value, or with the process.
pub(super) struct Claim {
    file: File,
    /// What somebody left running who died under it.
    left: Option<Mark>,
}

impl Drop for Claim {
    /// Unlocks rather than only closes: a child that is just being started shares the open file for a moment. What was
    /// left and nobody has ended stays noted: who only looked whether the name is free does not lose it for the next.
    fn drop(&mut self) {
        if self.left.is_none() {
            let _ = self.file.set_len(0);
        }
        let _ = self.file.unlock();
    }
}

impl Store {
    pub(super) fn of(home: &Home) -> Self {
        Store {
            folder: home.path().join("gates"),
        }
    }

    /// Returns where files may be written for a moment.
    pub(super) fn scratch(&self) -> PathBuf {
        self.folder.join("scratch")
    }

    /// Claims a name, if nobody has it.
    pub(super) fn claim(&self, name: &str) -> Result<Option<Claim>, Fault> {
        let folder = self.folder.join("claims");
        let path = folder.join(name);
        let failed = |error: io::Error| Fault::io(&path, "claiming a gate", &error);
        private(&folder).map_err(failed)?;
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let mut left = String::new();
        let read = (&mut file).take(MARK).read_to_string(&mut left);
        let left = read.ok().and_then(|_| serde_json::from_str(&left).ok());
        Ok(Some(Claim { file, left }))
    }

    /// Keeps an output and returns its hash. The oldest of this gate and order go.
    pub(super) fn keep(&self, order: OrderId, gate: &str, output: &[u8]) -> Result<Hash, Fault> {
        let hash = Hash::of(output);
        let folder = self.outputs(order, gate);
        let path = folder.join(format!("{hash}.log"));
        let write = || {
            private(&folder)?;
            let mut file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&path)?;
            file.write_all(output)
        };
        write().map_err(|error| Fault::io(&path, "keeping a gate's output", &error))?;
        let newest = by_age(&folder);
        for (path, _, _) in newest.iter().skip(KEPT) {
            let _ = fs::remove_file(path);
        }
        self.bound();
        Ok(hash)
    }

    /// Lets the oldest outputs go where all together take too much.
    fn bound(&self) {
        let folders = |folder: &Path| {
            fs::read_dir(folder)
                .into_iter()
                .flatten()
                .flatten()
                .map(|entry| entry.path())
        };
        let mut files: Vec<_> = folders(&self.folder.join("output"))
            .flat_map(|order| folders(&order).collect::<Vec<_>>())
            .flat_map(|gate| by_age(&gate))
            .collect();
        files.sort_by_key(|(_, age, _)| std::cmp::Reverse(*age));
        let mut total = 0u64;
        for (path, _, length) in files {
            total = total.saturating_add(length);
            if total > TOTAL {
                let _ = fs::remove_file(path);
            }
        }
    }

    /// Returns the output of that hash, or None if it is gone or is not what it was.
    pub(super) fn output(&self, order: OrderId, gate: &str, hash: &Hash) -> Option<Vec<u8>> {
        let output = fs::read(self.outputs(order, gate).join(format!("{hash}.log"))).ok()?;
        (Hash::of(&output) == *hash).then_some(output)
    }

    fn outputs(&self, order: OrderId, gate: &str) -> PathBuf {
        self.folder
            .join("output")
            .join(order.to_string())
            .join(gate)
    }
}

impl Claim {
    /// Sees that nothing runs any more that somebody left who died under the claim.
    pub(super) fn end_what_was_left(&mut self) {
        if let Some(left) = self.left.take() {
            left.end();
        }
    }

    /// Notes what runs under the claim, so that whoever claims after a crash can end it.
    pub(super) fn note(&mut self, mark: &Mark) {
        let write = |file: &mut File| {
            file.set_len(0)?;
            file.rewind()?;
            file.write_all(&serde_json::to_vec(mark)?)
        };
        if let Err(error) = write(&mut self.file) {
            tracing::warn!(%error, "a gate's process was not noted");
        }
    }
}

/// Returns the files of a folder with their age and length, newest first.
fn by_age(folder: &Path) -> Vec<(PathBuf, SystemTime, u64)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries
        .filter_map(|entry| {
            let about = entry.metadata().ok().filter(fs::Metadata::is_file)?;
            Some((entry.path(), about.modified().ok()?, about.len()))
        })
        .collect();
    files.sort_by_key(|(_, age, _)| std::cmp::Reverse(*age));
    files
}

fn private(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn what_a_dead_run_left_is_known_until_it_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store {
            folder: folder.path().to_owned(),
        };
        drop(store.claim("WO-001.slow").unwrap());
        let mark = r#"{"run":"nobody-runs-under-this-name","runner":null}"#;
        fs::write(folder.path().join("claims/WO-001.slow"), mark).unwrap();
        // Somebody looks whether anybody runs it.
        drop(store.claim("WO-001.slow").unwrap());
        let mut claim = store.claim("WO-001.slow").unwrap().unwrap();
        assert!(claim.left.is_some(), "it is forgotten by looking");
        claim.end_what_was_left();
        drop(claim);
        let claim = store.claim("WO-001.slow").unwrap().unwrap();
        assert!(claim.left.is_none());
    }
}
