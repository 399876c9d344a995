//! The host's election: whoever holds `host.lock` for life is the host.

use std::{
    fs::{File, TryLockError},
    io::Write as _,
};

use super::{
    Fault,
    paths::{Home, open_private},
    turn::{holder_of, reason_in},
};

/// Proof of being the host; dropping it, or dying, ends it.
#[derive(Debug)]
pub struct HostLock {
    file: File,
}

impl Drop for HostLock {
    /// Unlocks rather than only closes: a child that is just being started shares the open file for a moment, and
    /// would keep the lock as long.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

impl HostLock {
    /// Becomes the host of `home` if nobody is. `title` says who, for example `console` or `serve`.
    pub fn try_acquire(home: &Home, title: &str) -> Result<Option<Self>, Fault> {
        let path = home.host_lock();
        let mut file = open_private(&path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(Fault::io(&path, "locking", &error)),
        }
        // Only for people who look: the lock counts, not what stands in the file.
        let note = format!(
            "process {}, {}\n",
            std::process::id(),
            super::one_line(title)
        );
        let _ = file
            .set_len(0)
            .and_then(|()| file.write_all(note.as_bytes()));
        Ok(Some(HostLock { file }))
    }

    /// Returns who holds the lock of `home`, as it left its note; none if nobody does.
    pub fn holder(home: &Home) -> Option<String> {
        let path = home.host_lock();
        let process = holder_of(&path)?;
        Some(reason_in(&path).unwrap_or(process))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    #[test]
    fn there_is_one_host_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path()).unwrap();
        assert_eq!(HostLock::holder(&home), None);
        let host = HostLock::try_acquire(&home, "console").unwrap();
        assert!(host.is_some());
        assert!(HostLock::try_acquire(&home, "serve").unwrap().is_none());
        assert!(HostLock::holder(&home).is_some_and(|holder| holder.ends_with("console")));
        drop(host);
        assert!(HostLock::try_acquire(&home, "serve").unwrap().is_some());
    }
}
