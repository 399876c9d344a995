//! The local token: how the same user's processes reach a running server without being given a token.
//!
//! It lies in `local.token` beside the ledger, for its owner alone, as long as the server runs. The server holds a lock on
//! the file, so that what a killed one left behind is known for stale and sent to nobody. The port stands behind the token:
//! whatever else listens on this machine, another user's program too, is not sent it.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::fs::OFlags;

use super::token::{LOCAL_ID, Secret, is_same};
use crate::{
    domain::record::Hash,
    ledger::{
        Fault, FaultKind, Home,
        paths::{FileId, beside, refuse_shared},
        turn::Turn,
    },
};

/// The most that is read of a file with a token: one has 77 characters and a line's end.
const MAX_BYTES: u64 = 256;

/// How long to wait while another server makes its token.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server's local token. Dropping it removes the file, and what it opened stays shut.
#[derive(Debug)]
pub struct LocalToken {
    path: PathBuf,
    /// Held open for its lock, as long as the server runs.
    file: File,
    digest: Hash,
}

impl LocalToken {
    /// Makes the token of a server that begins to listen on a port, in place of what a killed one left.
    ///
    /// # Errors
    ///
    /// Another server runs on this ledger, or the file cannot be written.
    pub fn make(home: &Home, port: Option<u16>) -> Result<LocalToken, Fault> {
        home.holds_ledger()?;
        let path = home.local_token();
        let mut turn = Turn::new(home.access_lock());
        turn.take(PATIENCE)?;
        let made = make(&path, port);
        turn.give();
        made
    }

    /// Returns the token of the server that runs on this ledger, with the port that it listens on; None if none does.
    ///
    /// # Errors
    ///
    /// The file is not this user's alone, or is no token.
    pub fn read(home: &Home) -> Result<Option<(Secret, Option<u16>)>, Fault> {
        let path = home.local_token();
        let Some(file) = open(&path)? else {
            return Ok(None);
        };
        if !is_held(&path, &file)? {
            return Ok(None);
        }
        let mut text = String::new();
        (&file)
            .take(MAX_BYTES)
            .read_to_string(&mut text)
            .map_err(|error| Fault::io(&path, "reading", &error))?;
        let (token, port) = text.split_once('\n').unwrap_or((&text, ""));
        match Secret::read(token.trim_end(), |id| id == LOCAL_ID) {
            Some(secret) => Ok(Some((secret, port.trim_end().parse().ok()))),
            None => {
                let what = "this is not a local token";
                Err(Fault::new(FaultKind::Corrupt, &path, what)
                    .mend("Stop the server, remove the file, and start it again."))
            }
        }
    }

    /// Returns whether a text is this token, in a time that does not tell how far it is.
    pub fn matches(&self, text: &str) -> bool {
        is_same(&self.digest, &Hash::of(text.as_bytes()))
    }
}

impl Drop for LocalToken {
    fn drop(&mut self) {
        // What somebody else put there is theirs.
        if FileId::of(&self.file).is_some_and(|own| FileId::at(&self.path) == Some(own)) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Writes a token beside and renames it, so that nobody reads half of one. The caller has the turn.
fn make(path: &Path, port: Option<u16>) -> Result<LocalToken, Fault> {
    let failed = |doing| move |error: io::Error| Fault::io(path, doing, &error);
    if let Some(file) = open_any(path).map_err(failed("opening"))?
        && is_held(path, &file)?
    {
        let what = "a server runs on this ledger already";
        return Err(Fault::new(FaultKind::Busy, path, what).mend("Stop it first, or attach to it."));
    }
    let secret = Secret::draw_local().map_err(failed("drawing a secret"))?;
    let new = beside(path, ".new");
    // One that died in the middle of this left it; its turn is over.
    let _ = fs::remove_file(&new);
    let written = write(&new, &secret, port).and_then(|file| {
        file.lock()?;
        fs::rename(&new, path)?;
        Ok(file)
    });
    match written {
        Ok(file) => Ok(LocalToken {
            path: path.to_owned(),
            file,
            digest: secret.digest(),
        }),
        Err(error) => {
            let _ = fs::remove_file(&new);
            Err(failed("writing the local token")(error))
        }
    }
}

/// Makes a file that nobody else could ever open, and writes a secret and its port into it.
fn write(path: &Path, secret: &Secret, port: Option<u16>) -> io::Result<File> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    let port = port.map_or_else(String::new, |port| format!("{port}\n"));
    file.write_all(format!("{}\n{port}", secret.expose()).as_bytes())?;
    Ok(file)
}

/// Opens a file that is there, not following a link, and without waiting should it be a pipe.
fn open_any(path: &Path) -> io::Result<Option<File>> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path);
    match opened {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Opens a token that is there and is this user's alone.
fn open(path: &Path) -> Result<Option<File>, Fault> {
    let failed = |error: io::Error| Fault::io(path, "opening", &error);
    let Some(file) = open_any(path).map_err(failed)? else {
        return Ok(None);
    };
    refuse_shared(path, &file.metadata().map_err(failed)?)?;
    Ok(Some(file))
}

/// Returns whether a server holds the file.
fn is_held(path: &Path, file: &File) -> Result<bool, Fault> {
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(Fault::io(path, "looking at its lock", &error)),
        Ok(()) => Ok(false),
    }
}
