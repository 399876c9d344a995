//! Where the files of a ledger lie.

use std::{
    fs, io,
    os::unix::{
        ffi::OsStrExt as _,
        fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    },
    path::{Path, PathBuf},
};

use super::{Fault, FaultKind};
use crate::domain::record::Hash;

/// The longest path of a socket beside the ledger, in bytes. The kernel's own limit is 104 to 108 with its end mark,
/// by system; below it, some room for the temporary name of a socket that takes over.
pub const MAX_SOCKET_PATH: usize = 100;

/// The folder of a ledger, as an absolute path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Home {
    path: PathBuf,
}

impl Home {
    /// Returns the home at `path`, which need not exist yet. Two spellings of one existing folder are one home.
    pub fn new(path: impl AsRef<Path>) -> Result<Self, Fault> {
        let path = path.as_ref();
        let path = match fs::canonicalize(path) {
            Ok(path) => path,
            Err(error) if error.kind() == io::ErrorKind::NotFound => std::path::absolute(path)
                .map_err(|error| Fault::io(path, "finding the folder", &error))?,
            Err(error) => return Err(Fault::io(path, "finding the folder", &error)),
        };
        Ok(Home { path })
    }

    /// Returns the folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the database of records, archive and identity.
    pub fn database(&self) -> PathBuf {
        self.path.join("ledger.db")
    }

    /// Returns the fault that the folder holds no ledger, if so. Who lost its ledger makes nothing where it lay: whatever
    /// stood there would be in the way of the one that is put back.
    ///
    /// # Errors
    ///
    /// There is no database.
    pub fn holds_ledger(&self) -> Result<(), Fault> {
        let database = self.database();
        match fs::metadata(&database) {
            Ok(_) => Ok(()),
            Err(error) => Err(Fault::io(&database, "finding the ledger", &error)
                .mend("Put it back, or make one with `obeya init`.")),
        }
    }

    /// Returns the lock that is a writer's turn.
    pub fn write_lock(&self) -> PathBuf {
        self.path.join("write.lock")
    }

    /// Returns the lock that its host holds for life.
    pub fn host_lock(&self) -> PathBuf {
        self.path.join("host.lock")
    }

    /// Returns the file that is written after each turn that appended.
    pub fn doorbell(&self) -> PathBuf {
        self.path.join("doorbell")
    }

    /// Returns the database of what may be lost.
    pub fn telemetry(&self) -> PathBuf {
        self.path.join("telemetry.db")
    }

    /// Returns the database of messages.
    pub fn messages(&self) -> PathBuf {
        self.path.join("messages.db")
    }

    /// Returns the lock that is a writer's turn at the messages.
    pub fn messages_lock(&self) -> PathBuf {
        self.path.join("messages.lock")
    }

    /// Returns the file that is written after each turn that sent messages.
    pub fn messages_bell(&self) -> PathBuf {
        self.path.join("messages.bell")
    }

    /// Returns the database of tokens and of the audit.
    pub fn access(&self) -> PathBuf {
        self.path.join("access.db")
    }

    /// Returns the lock that is a writer's turn at the tokens and the audit.
    pub fn access_lock(&self) -> PathBuf {
        self.path.join("access.lock")
    }

    /// Returns the file with the token by which the same user's processes reach a running server.
    pub fn local_token(&self) -> PathBuf {
        self.path.join("local.token")
    }

    /// Returns the folder of snapshots.
    pub fn snapshots(&self) -> PathBuf {
        self.path.join("snapshots")
    }

    /// Returns the folder of logs.
    pub fn logs(&self) -> PathBuf {
        self.path.join("logs")
    }

    /// Returns the folder with a folder for each run of an agent.
    pub fn runs(&self) -> PathBuf {
        self.logs().join("runs")
    }

    /// Returns the folder with a worktree for each order that has one.
    pub fn worktrees(&self) -> PathBuf {
        self.path.join("worktrees")
    }

    /// Returns the file in which a host says what its agents are about.
    pub fn lives(&self) -> PathBuf {
        self.path.join("agents.json")
    }

    /// Returns the project that the ledger belongs to: the folder around it.
    pub fn project(&self) -> &Path {
        self.path.parent().unwrap_or(&self.path)
    }

    /// Returns the host's socket: beside the ledger, or in the runtime directory if that path is longer than
    /// [`MAX_SOCKET_PATH`]. Makes the folder in the runtime directory where needed.
    pub fn socket(&self) -> Result<PathBuf, Fault> {
        let beside = self.path.join("host.sock");
        if beside.as_os_str().len() <= MAX_SOCKET_PATH {
            return Ok(beside);
        }
        let given = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        self.socket_under(
            given.filter(|path| path.is_absolute()).as_deref(),
            &std::env::temp_dir(),
        )
    }

    /// Returns the socket in `runtime/obeya`, else in `temporary/obeya-UID`, by a name that only this home has.
    fn socket_under(&self, runtime: Option<&Path>, temporary: &Path) -> Result<PathBuf, Fault> {
        let uid = rustix::process::getuid().as_raw();
        let name = Hash::of(self.path.as_os_str().as_bytes()).to_string();
        let name = format!("{}.sock", name.get(..16).unwrap_or(&name));
        let places = [
            runtime.map(|dir| dir.join("obeya")),
            Some(temporary.join(format!("obeya-{uid}"))),
        ];
        let fits = |dir: &PathBuf| dir.as_os_str().len() + 1 + name.len() <= MAX_SOCKET_PATH;
        let Some(dir) = places.into_iter().flatten().find(fits) else {
            let what = "no runtime directory has a path short enough for a socket";
            return Err(Fault::new(FaultKind::Io, &self.path, what)
                .mend("Set XDG_RUNTIME_DIR to a folder with a short path."));
        };
        make_folder(&dir)?;
        // Others may write where this folder lies, so that it could be theirs, or lead elsewhere.
        let found =
            fs::symlink_metadata(&dir).map_err(|error| Fault::io(&dir, "reading", &error))?;
        if !found.is_dir() || found.uid() != uid || found.mode() & 0o077 != 0 {
            let what = "this folder is not yours alone, so that no socket is put into it";
            return Err(Fault::new(FaultKind::Permission, &dir, what)
                .mend("Remove it, or set XDG_RUNTIME_DIR."));
        }
        Ok(dir.join(name))
    }

    /// Makes the folder, with what keeps it out of git, if it is not there.
    pub(super) fn make(&self) -> Result<(), Fault> {
        for folder in [self.path.clone(), self.snapshots(), self.logs()] {
            make_folder(&folder)?;
        }
        let ignore = self.path.join(".gitignore");
        if !ignore.exists() {
            fs::write(&ignore, "*\n").map_err(|error| Fault::io(&ignore, "writing", &error))?;
        }
        Ok(())
    }
}

fn make_folder(path: &Path) -> Result<(), Fault> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| Fault::io(path, "making the folder", &error))
}

/// Opens a file of the ledger for reading and writing; makes it, for its owner alone, if it is not there.
pub(super) fn open_private(path: &Path) -> Result<fs::File, Fault> {
    fs::OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(|error| Fault::io(path, "opening", &error))
}

/// Refuses a file that holds secrets unless it is this user's and nobody else may read or write it: what others could
/// have put there, or could take from there, opens no door.
///
/// # Errors
///
/// It is another user's, open to others, or no plain file.
pub(super) fn refuse_shared(path: &Path, found: &fs::Metadata) -> Result<(), Fault> {
    let mode = found.mode() & 0o7777;
    let (what, mend) = if !found.is_file() {
        let mend = "Move it away.".to_owned();
        ("this is no plain file".to_owned(), mend)
    } else if found.uid() != rustix::process::geteuid().as_raw() {
        let mend = format!("Run this as the user with the number {}.", found.uid());
        ("this file belongs to another user".to_owned(), mend)
    } else if mode & 0o077 != 0 {
        let mend = format!(
            "Run `chmod 600 {}`; whoever could read it may have done so.",
            path.display()
        );
        (
            format!("others may read or write this file (mode {mode:04o})"),
            mend,
        )
    } else {
        return Ok(());
    };
    Err(Fault::new(FaultKind::Permission, path, what).mend(mend))
}

/// Returns `path` with `suffix` at the end of its name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Returns a path as text, which SQLite wants for the target of a copy.
pub(super) fn text(path: &Path) -> Result<&str, Fault> {
    path.to_str().ok_or_else(|| {
        Fault::new(
            FaultKind::Io,
            path,
            "this path is not UTF-8, so that SQLite cannot copy to it",
        )
        .mend("Choose another name.")
    })
}

/// Makes a rename in the folder of `path` last through a power cut.
pub(super) fn sync_folder_of(path: &Path) -> Result<(), Fault> {
    // A bare name lies in the folder where the process is.
    let folder = match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        Some(folder) => folder,
        None => Path::new("/"),
    };
    let synced = fs::File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|error| Fault::io(folder, "syncing the folder", &error))
}

/// Which file lies at a path, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    /// Returns which file lies at `path` now, if any.
    pub(super) fn at(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().as_ref().map(FileId::new)
    }

    /// Returns which file this is.
    pub(super) fn of(file: &fs::File) -> Option<Self> {
        file.metadata().ok().as_ref().map(FileId::new)
    }

    fn new(found: &fs::Metadata) -> Self {
        FileId {
            device: found.dev(),
            inode: found.ino(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    #[test]
    fn a_socket_moves_when_its_path_is_too_long() {
        let temporary = tempfile::tempdir().unwrap();
        let near = Home::new("/tmp/x").unwrap();
        assert_eq!(near.socket().unwrap(), Path::new("/tmp/x/host.sock"));
        let far = Home::new(temporary.path().join("long/".repeat(30))).unwrap();
        let other = Home::new(temporary.path().join("long/".repeat(31))).unwrap();
        let socket = far.socket_under(None, temporary.path()).unwrap();
        assert!(socket.as_os_str().len() <= MAX_SOCKET_PATH);
        assert_eq!(socket, far.socket_under(None, temporary.path()).unwrap());
        assert_ne!(socket, other.socket_under(None, temporary.path()).unwrap());
        let folder = fs::metadata(socket.parent().unwrap()).unwrap();
        assert_eq!(folder.mode() & 0o777, 0o700);
    }

    #[test]
    fn a_folder_without_its_ledger_is_told_of() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path().join("gone")).unwrap();
        assert_eq!(home.holds_ledger().unwrap_err().kind, FaultKind::Missing);
        fs::create_dir(home.path()).unwrap();
        assert_eq!(home.holds_ledger().unwrap_err().kind, FaultKind::Missing);
        fs::write(home.database(), "").unwrap();
        assert_eq!(home.holds_ledger(), Ok(()));
    }

    #[test]
    fn a_runtime_folder_open_to_others_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let temporary = tempfile::tempdir().unwrap();
        let runtime = temporary.path().join("obeya");
        fs::create_dir(&runtime).unwrap();
        fs::set_permissions(&runtime, fs::Permissions::from_mode(0o777)).unwrap();
        let far = Home::new(temporary.path().join("long/".repeat(30))).unwrap();
        let fault = far
            .socket_under(Some(temporary.path()), temporary.path())
            .unwrap_err();
        assert_eq!(fault.kind, FaultKind::Permission);
    }
}
