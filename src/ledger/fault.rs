//! What can go wrong below the rules, as data: what, where, and how to mend it.

use std::{fmt, io, path::Path};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The sort of a fault, for those who act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Another process holds what is needed; later it may work.
    Busy,
    /// No space is left.
    DiskFull,
    /// The file or its file system takes no writes.
    ReadOnly,
    /// The operating system forbids it.
    Permission,
    /// What was read is not what was written.
    Corrupt,
    /// The ledger was written by a newer obeya.
    NewerFormat,
    /// The file is something else.
    NotALedger,
    /// The ledger lies where locks cannot be trusted.
    NetworkFileSystem,
    /// There is no such file.
    Missing,
    /// There is such a file already, and it is not replaced.
    Exists,
    /// A record of this command is there already.
    Duplicate,
    /// The caller broke the trait's contract: a defect of obeya.
    Misuse,
    /// The operating system reported something else.
    Io,
}

/// A failure below the rules. It never means that a rule refused something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fault {
    /// What sort.
    pub kind: FaultKind,
    /// What happened, as a clause without a full stop.
    pub what: String,
    /// The file it happened to, shown lossily; may be empty.
    pub path: String,
    /// How to mend it, as a sentence; may be empty.
    pub mend: String,
}

impl Fault {
    /// Returns a fault of `kind` with the usual way to mend it.
    pub fn new(kind: FaultKind, path: &Path, what: impl Into<String>) -> Self {
        Fault {
            kind,
            what: what.into(),
            path: path.display().to_string(),
            mend: kind.usual_mend().to_owned(),
        }
    }

    /// Returns the same fault with another way to mend it.
    #[must_use]
    pub fn mend(mut self, mend: impl Into<String>) -> Self {
        self.mend = mend.into();
        self
    }

    /// Returns the fault that an error of the operating system at `path` means; `doing` is what was tried,
    /// for example `opening`.
    pub fn io(path: &Path, doing: &str, error: &io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => FaultKind::DiskFull,
            io::ErrorKind::ReadOnlyFilesystem => FaultKind::ReadOnly,
            io::ErrorKind::PermissionDenied => FaultKind::Permission,
            io::ErrorKind::NotFound => FaultKind::Missing,
            io::ErrorKind::AlreadyExists => FaultKind::Exists,
            io::ErrorKind::WouldBlock => FaultKind::Busy,
            _ => FaultKind::Io,
        };
        Fault::new(kind, path, format!("{doing} failed: {error}"))
    }

    /// Returns the fault that an error of SQLite on the file at `path` means.
    pub(super) fn sqlite(path: &Path, doing: &str, error: &rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as Code;
        let kind = match error.sqlite_error_code() {
            Some(Code::DatabaseBusy | Code::DatabaseLocked) => FaultKind::Busy,
            Some(Code::DiskFull) => FaultKind::DiskFull,
            Some(Code::ReadOnly) => FaultKind::ReadOnly,
            Some(Code::PermissionDenied) => FaultKind::Permission,
            Some(Code::CannotOpen) => unopened(path),
            Some(Code::DatabaseCorrupt) => FaultKind::Corrupt,
            Some(Code::NotADatabase) => FaultKind::NotALedger,
            // The tables refuse what breaks their rules, such as a second record (command, n).
            Some(Code::ConstraintViolation) => FaultKind::Duplicate,
            Some(_) => FaultKind::Io,
            // Not SQLite's own error, so a stored value could not be read as what it should be.
            None => FaultKind::Corrupt,
        };
        Fault::new(kind, path, format!("{doing} failed: {error}"))
    }
}

/// SQLite says only that it could not open a file; the operating system knows why.
fn unopened(path: &Path) -> FaultKind {
    let error = match std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
    {
        Ok(_) => return FaultKind::ReadOnly,
        Err(error) => error,
    };
    Fault::io(path, "opening", &error).kind
}

impl FaultKind {
    fn usual_mend(self) -> &'static str {
        match self {
            FaultKind::Busy => "Try again when the other process is done.",
            FaultKind::DiskFull => "Free some space; nothing was written by halves.",
            FaultKind::ReadOnly => "Make the folder and its files writable, or use another ledger.",
            FaultKind::Permission => "Check who owns the folder and its files.",
            FaultKind::Corrupt => {
                "Run `obeya doctor`, then `obeya ledger restore` with your latest backup."
            }
            FaultKind::NewerFormat => "Use a newer obeya.",
            FaultKind::NotALedger => "Name an obeya ledger, or make one with `obeya init`.",
            FaultKind::NetworkFileSystem => "Keep the ledger on a local disk.",
            FaultKind::Missing => "Make a ledger with `obeya init`.",
            FaultKind::Exists => "Choose another name.",
            FaultKind::Duplicate => "Nothing needs mending: the command was applied before.",
            FaultKind::Misuse => "This is a defect of obeya; please report it.",
            FaultKind::Io => "Run `obeya doctor`.",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.what)?;
        if !self.mend.is_empty() {
            write!(f, ". {}", self.mend)?;
        }
        Ok(())
    }
}

impl std::error::Error for Fault {}
