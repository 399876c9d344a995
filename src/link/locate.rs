//! Which ledger a call is about. A write never goes silently elsewhere.

use std::{
    env, fmt, fs, io,
    path::{Path, PathBuf},
};

use crate::ledger::{Fault, Home};

/// The folder of a ledger in a project.
pub const LEDGER_FOLDER: &str = ".obeya";
/// The variable that names a ledger; agents inherit it.
pub const LEDGER_VARIABLE: &str = "OBEYA_LEDGER";

/// How a ledger was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// By `--ledger`.
    Flag,
    /// By `OBEYA_LEDGER`.
    Variable,
    /// By `.obeya/` here or in a folder above.
    Folder,
    /// By `.obeya/` in the main worktree of this git repository.
    MainWorktree,
    /// The user's own; only a console falls back to it.
    User,
}

/// A ledger, and how it was found.
#[derive(Clone, Debug)]
pub struct Place {
    /// The ledger's folder.
    pub home: Home,
    /// How it was found.
    pub source: Source,
}

impl Place {
    /// Returns the short name that is always on screen: the project's folder, or `user`.
    pub fn name(&self) -> String {
        let path = self.home.path();
        let named = match path.file_name().is_some_and(|name| name == LEDGER_FOLDER) {
            true => path.parent().unwrap_or(path),
            false => path,
        };
        match self.source {
            Source::User => "user".into(),
            _ => named.file_name().map_or_else(
                || named.display().to_string(),
                |name| crate::text::clean(&name.to_string_lossy()).into_owned(),
            ),
        }
    }
}

/// There is no ledger where one was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoLedger {
    /// Where the search began.
    pub from: PathBuf,
    /// The user's own ledger, if there is one; nothing but a console falls back to it by itself.
    pub own: Option<PathBuf>,
}

impl fmt::Display for NoLedger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "no ledger: there is no {LEDGER_FOLDER}/ in {} or above it, and {LEDGER_VARIABLE} is not set",
            self.from.display()
        )
    }
}

/// Finds the ledger: the flag, the variable, `.obeya/` upwards, then the main worktree's.
///
/// # Errors
///
/// A path that cannot be used; or, inside, that there is none.
pub fn locate(flag: Option<&Path>, from: &Path) -> Result<Result<Place, NoLedger>, Fault> {
    if let Some(path) = flag {
        return Ok(Ok(Place {
            home: Home::new(path)?,
            source: Source::Flag,
        }));
    }
    if let Some(path) = env::var_os(LEDGER_VARIABLE).filter(|path| !path.is_empty()) {
        return Ok(Ok(Place {
            home: Home::new(path)?,
            source: Source::Variable,
        }));
    }
    if let Some(folder) = upwards(from) {
        return Ok(Ok(Place {
            home: Home::new(folder)?,
            source: Source::Folder,
        }));
    }
    if let Some(folder) = main_worktree(from).and_then(|tree| ledger_in(&tree)) {
        return Ok(Ok(Place {
            home: Home::new(folder)?,
            source: Source::MainWorktree,
        }));
    }
    Ok(Err(NoLedger {
        from: from.to_owned(),
        own: user_ledger()
            .ok()
            .filter(|place| place.home.database().exists())
            .map(|place| place.home.path().to_owned()),
    }))
}

/// Returns the user's own ledger, which a console opens where there is no other.
///
/// # Errors
///
/// The system names no folder for a user's data.
pub fn user_ledger() -> Result<Place, Fault> {
    let folders = directories::ProjectDirs::from("", "", "obeya").ok_or_else(|| {
        let error = io::Error::new(io::ErrorKind::NotFound, "no home folder is known");
        Fault::io(Path::new(""), "finding your own ledger", &error)
            .mend("Name one with --ledger, or set HOME.")
    })?;
    let home = Home::new(folders.data_dir().join("ledger"))?;
    Ok(Place {
        home,
        source: Source::User,
    })
}

fn ledger_in(folder: &Path) -> Option<PathBuf> {
    let candidate = folder.join(LEDGER_FOLDER);
    candidate.join("ledger.db").exists().then_some(candidate)
}

fn upwards(from: &Path) -> Option<PathBuf> {
    from.ancestors().find_map(ledger_in)
}

/// Returns the main worktree of the git repository around `from`, read from git's own files: a linked worktree has a
/// file `.git` that names its folder, in which `commondir` names the main one.
fn main_worktree(from: &Path) -> Option<PathBuf> {
    let dot_git = from
        .ancestors()
        .map(|folder| folder.join(".git"))
        .find(|path| path.is_file())?;
    let link = fs::read_to_string(&dot_git).ok()?;
    let own = dot_git.parent()?.join(link.strip_prefix("gitdir:")?.trim());
    let common = own.join(fs::read_to_string(own.join("commondir")).ok()?.trim());
    common.canonicalize().ok()?.parent().map(Path::to_owned)
}
