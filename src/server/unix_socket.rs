//! The unix socket's place: taken only where nobody is, and left at the end.

use std::{
    fs, io,
    os::unix::{
        fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _},
        net::UnixStream,
    },
    path::{Path, PathBuf},
};

use tokio::net::UnixListener;

/// A socket at a path. Dropping it removes the path, as long as it is this socket's.
pub(super) struct UnixSocket {
    pub(super) socket: UnixListener,
    path: PathBuf,
    own: Option<(u64, u64)>,
}

impl UnixSocket {
    /// Listens at a path, for this user alone, within a runtime.
    ///
    /// # Errors
    ///
    /// Somebody answers there, or something else than a socket lies there.
    pub(super) fn open(path: &Path) -> io::Result<UnixSocket> {
        clear(path)?;
        let named = |error: io::Error| refused(&error, path, "it cannot be listened at");
        let socket = UnixListener::bind(path).map_err(named)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(named)?;
        Ok(UnixSocket {
            socket,
            path: path.to_owned(),
            own: identity(path),
        })
    }
}

impl Drop for UnixSocket {
    fn drop(&mut self) {
        // What somebody else put there is theirs.
        if self.own.is_some() && identity(&self.path) == self.own {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Removes the socket that a killed server left, and nothing else.
fn clear(path: &Path) -> io::Result<()> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found.map_err(|error| refused(&error, path, "it cannot be looked at"))?,
    };
    if !found.file_type().is_socket() {
        let error = io::ErrorKind::AlreadyExists.into();
        return Err(refused(
            &error,
            path,
            "something else than a socket lies there",
        ));
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) => Err(refused(
            &error,
            path,
            "it cannot be asked who listens there",
        )),
        Ok(_) => {
            let error = io::ErrorKind::AddrInUse.into();
            Err(refused(&error, path, "another process listens there"))
        }
    }
}

fn refused(error: &io::Error, path: &Path, why: &str) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {why} ({error})", path.display()))
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    let found = fs::symlink_metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    #[tokio::test]
    async fn a_stale_socket_is_replaced_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("line.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let open = UnixSocket::open(&path).unwrap();
        let mode = fs::symlink_metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let taken = UnixSocket::open(&path).err().unwrap();
        assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
        drop(open);
        assert!(!path.exists(), "it is left behind");
        fs::write(&path, "a file").unwrap();
        let other = UnixSocket::open(&path).err().unwrap();
        assert_eq!(other.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"a file");
    }

    #[tokio::test]
    async fn what_another_put_in_its_place_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("line.sock");
        let open = UnixSocket::open(&path).unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(&path, "theirs").unwrap();
        drop(open);
        assert!(path.exists());
    }
}
