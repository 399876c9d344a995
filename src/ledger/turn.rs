//! The writers' turn: a flock on `write.lock`.
//!
//! SQLite's own busy handler starves (8 processes: worst wait 4.4 s, one process did nearly all the work); flock wakes
//! those who wait, and the kernel gives it back when its holder dies.

use std::{
    fs::{File, TryLockError},
    io::{Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
    sync::mpsc,
    time::Duration,
};

use super::{
    Fault, FaultKind, MAX_REASON, misuse, one_line,
    paths::{FileId, open_private},
};

/// A writer's place in the queue for the turn.
pub(super) struct Turn {
    path: PathBuf,
    held: Option<File>,
    /// Kept open between turns, so that taking a free turn costs one system call.
    idle: Option<File>,
    explained: bool,
}

impl Turn {
    /// Returns a place in the queue at the lock file `path`, without the turn.
    pub(super) fn new(path: PathBuf) -> Self {
        Turn {
            path,
            held: None,
            idle: None,
            explained: false,
        }
    }

    /// Returns whether this is the one whose turn it is.
    pub(super) fn is_held(&self) -> bool {
        self.held.is_some()
    }

    /// Takes the turn, waiting at most `patience`.
    pub(super) fn take(&mut self, patience: Duration) -> Result<(), Fault> {
        if self.is_held() {
            return Err(misuse("the turn is held already"));
        }
        // Where another ledger was put, the old one's lock keeps nobody out.
        let same =
            |file: &File| FileId::of(file).is_some_and(|id| Some(id) == FileId::at(&self.path));
        let file = match self.idle.take().filter(same) {
            Some(file) => file,
            None => open_private(&self.path)?,
        };
        let file = match file.try_lock() {
            Ok(()) => file,
            Err(TryLockError::WouldBlock) => self.wait(file, patience)?,
            Err(TryLockError::Error(error)) => {
                return Err(Fault::io(&self.path, "locking", &error));
            }
        };
        // A reason left by a holder that was killed would be quoted as this one's.
        if file.metadata().is_ok_and(|found| found.len() > 0) {
            let _ = file.set_len(0);
        }
        self.held = Some(file);
        Ok(())
    }

    /// Waits in the kernel's queue, on a thread since flock knows no time limit. If patience ends first, the thread
    /// finds nobody to hand the file to, and dropping it gives the turn back.
    fn wait(&self, file: File, patience: Duration) -> Result<File, Fault> {
        let (give, take) = mpsc::channel();
        std::thread::Builder::new()
            .name("turn".into())
            .spawn(move || {
                let locked = file.lock();
                let _ = give.send(locked.map(|()| file));
            })
            .map_err(|error| Fault::io(&self.path, "waiting for the turn", &error))?;
        match take.recv_timeout(patience) {
            Ok(Ok(file)) => Ok(file),
            Ok(Err(error)) => Err(Fault::io(&self.path, "locking", &error)),
            Err(_) => {
                let holder = holder_of(&self.path).unwrap_or_else(|| "another process".into());
                let reason = match reason_in(&self.path) {
                    Some(reason) => format!(": {reason}"),
                    None => String::new(),
                };
                let what = format!(
                    "{holder} has held the ledger for more than {:.1} s{reason}",
                    patience.as_secs_f64()
                );
                let fault = Fault::new(FaultKind::Busy, &self.path, what);
                Err(match stopped_holder(&self.path) {
                    // The kernel frees the lock when its holder dies; nobody else may take it from a stopped one, which
                    // would write on where it stood.
                    Some(pid) => fault.mend(format!(
                        "That process is stopped: let it go on with `kill -CONT {pid}`, or end it with `kill -KILL {pid}`; nothing is lost."
                    )),
                    None => fault,
                })
            }
        }
    }

    /// Leaves a reason for those who wait. Best effort: a reason that cannot be written is not worth a failure.
    pub(super) fn explain(&mut self, reason: &str) {
        if let Some(file) = &mut self.held {
            let reason = one_line(reason);
            let written = file
                .rewind()
                .and_then(|()| file.write_all(reason.as_bytes()));
            let _ = written.and_then(|()| file.set_len(reason.len() as u64));
            self.explained = true;
        }
    }

    /// Gives the turn back; harmless without it.
    pub(super) fn give(&mut self) {
        let Some(file) = self.held.take() else { return };
        if std::mem::take(&mut self.explained) {
            let _ = file.set_len(0);
        }
        // A file that cannot be unlocked is closed, which unlocks it.
        self.idle = file.unlock().is_ok().then_some(file);
    }
}

/// Returns what the holder of a lock left in its file, cleaned.
pub(super) fn reason_in(path: &Path) -> Option<String> {
    let mut bytes = Vec::new();
    // A character takes at most four bytes.
    File::open(path)
        .ok()?
        .take(4 * MAX_REASON as u64)
        .read_to_end(&mut bytes)
        .ok()?;
    Some(one_line(&String::from_utf8_lossy(&bytes))).filter(|reason| !reason.trim().is_empty())
}

/// Returns who holds the flock on `path`, as `process 123 (name)` where the system tells; none if nobody does.
pub(super) fn holder_of(path: &Path) -> Option<String> {
    let file = File::open(path).ok()?;
    // A shared lock tells, and stands in nobody's way for longer than this call.
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {
            Some(process_of(path).unwrap_or_else(|| "another process".into()))
        }
        _ => None,
    }
}

/// Returns who holds the flock on `path`, as `process 123 (name)`.
fn process_of(path: &Path) -> Option<String> {
    let pid = pid_of(path)?;
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    Some(format!("process {pid} ({})", one_line(&name)))
}

/// Returns the process that holds the flock on `path` and is stopped, by SIGSTOP or Ctrl-Z: proc_pid_stat(5), field 3.
fn stopped_holder(path: &Path) -> Option<u32> {
    let pid = pid_of(path)?;
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before it, in parentheses, may hold anything.
    let state = stat.rsplit_once(')')?.1.split_whitespace().next()?;
    matches!(state, "T" | "t").then_some(pid)
}

/// Returns the id of the process that holds the flock on `path`: proc_locks(5), fields 2, 5 and 6.
fn pid_of(path: &Path) -> Option<u32> {
    use std::os::unix::fs::MetadataExt as _;
    let inode = std::fs::metadata(path).ok()?.ino().to_string();
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    locks.lines().find_map(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let [_, "FLOCK", _, _, pid, file, ..] = fields.as_slice() else {
            return None;
        };
        let found = file.rsplit(':').next().is_some_and(|found| found == inode);
        found.then(|| pid.parse().ok()).flatten()
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    #[test]
    fn a_wait_in_vain_quotes_the_reason_and_leaves_no_lock_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("write.lock");
        let (mut one, mut two) = (Turn::new(path.clone()), Turn::new(path.clone()));
        one.take(Duration::ZERO).unwrap();
        one.explain("importing 5,722 items\u{1b}[2J");
        let fault = two.take(Duration::from_millis(5)).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Busy);
        assert!(
            fault.what.ends_with(": importing 5,722 items[2J"),
            "{}",
            fault.what
        );
        one.give();
        // The thread that waited in vain may hold the lock for a moment, and must let it go.
        two.take(Duration::from_secs(10)).unwrap();
        assert_eq!(reason_in(&path), None);
        assert!(one.take(Duration::ZERO).is_err());
        two.give();
        one.take(Duration::from_secs(10)).unwrap();
    }
}
