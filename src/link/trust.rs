//! Where this user lets `obeya.toml` run programs.
//!
//! A clone or an archive of somebody else's may bring a ledger and an `obeya.toml` with it, and to open a console there must
//! not run what it names. So a console runs it only in projects where this user made the ledger or started a host by
//! hand; the list of them lies with the user, not with the project.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use directories::ProjectDirs;

use crate::ledger::{Fault, Home};

/// The projects that are remembered, the newest: more than anybody has.
const KEPT: usize = 1_000;
/// The largest list that is read: room for that many long paths.
const MAX_BYTES: u64 = 1 << 20;

/// Notes that this user lets the project of a ledger run what its `obeya.toml` names.
///
/// # Errors
///
/// There is no home folder, or the list in it cannot be written.
pub fn trust(home: &Home) -> Result<(), Fault> {
    let failed =
        |error: io::Error| Fault::io(home.path(), "noting that it may run programs", &error);
    let list = list().ok_or_else(|| failed(io::Error::other("there is no home folder")))?;
    note(&list, home, true).map_err(failed)
}

/// Forgets that this user lets the project of a ledger run anything, for one that is about to go.
pub fn distrust(home: &Home) {
    let forgotten = list().map(|list| note(&list, home, false));
    if let Some(Err(error)) = forgotten {
        tracing::debug!(%error, "a project stays trusted");
    }
}

/// Returns whether this user lets the project of a ledger run what its `obeya.toml` names.
pub fn is_trusted(home: &Home) -> bool {
    list().is_some_and(|list| names(&list, home))
}

/// Returns the user's folder for what obeya remembers, `~/.local/state/obeya` if nothing else is set; None where no home
/// folder is known.
pub fn state_folder() -> Option<PathBuf> {
    let folders = ProjectDirs::from("", "", "obeya")?;
    let folder = folders.state_dir().unwrap_or(folders.data_local_dir());
    Some(folder.to_owned())
}

/// Returns the list: `trusted` in that folder.
fn list() -> Option<PathBuf> {
    Some(state_folder()?.join("trusted"))
}

/// Returns a project as a line: the ledger's folder, where it really is. A path with a line break is none that is kept.
fn line(home: &Home) -> Option<String> {
    let real = fs::canonicalize(home.path()).ok()?;
    let line = real.to_str()?.to_owned();
    (!line.contains('\n')).then_some(line)
}

fn read(list: &Path) -> String {
    let small = fs::metadata(list).is_ok_and(|about| about.len() <= MAX_BYTES);
    match small {
        true => fs::read_to_string(list).unwrap_or_default(),
        false => String::new(),
    }
}

fn names(list: &Path, home: &Home) -> bool {
    line(home).is_some_and(|wanted| read(list).lines().any(|known| known == wanted))
}

fn note(list: &Path, home: &Home, trusted: bool) -> io::Result<()> {
    let line = line(home).ok_or_else(|| io::Error::other("its path cannot be written down"))?;
    let before = read(list);
    let mut lines: Vec<&str> = before.lines().filter(|known| *known != line).collect();
    lines.extend(trusted.then_some(&*line));
    let lines = lines
        .get(lines.len().saturating_sub(KEPT)..)
        .unwrap_or_default();
    if let Some(folder) = list.parent() {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    // Written beside and renamed, so that nobody reads half of it.
    let beside = list.with_extension(std::process::id().to_string());
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)?;
    file.write_all((lines.join("\n") + "\n").as_bytes())?;
    fs::rename(beside, list)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn only_what_was_noted_is_trusted_and_it_is_where_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("state/trusted");
        let home = |name: &str| {
            let path = folder.path().join(name).join(".obeya");
            fs::create_dir_all(&path).unwrap();
            Home::new(path).unwrap()
        };
        let (mine, other) = (home("mine"), home("other"));
        assert!(!names(&list, &mine));
        note(&list, &mine, true).unwrap();
        note(&list, &mine, true).unwrap();
        assert!(names(&list, &mine) && !names(&list, &other));
        assert_eq!(read(&list).lines().count(), 1);
        for n in 0..KEPT {
            note(&list, &home(&format!("p{n}")), true).unwrap();
        }
        assert_eq!(read(&list).lines().count(), KEPT);
        assert!(!names(&list, &mine), "the oldest is forgotten");
        let newest = home(&format!("p{}", KEPT - 1));
        note(&list, &newest, false).unwrap();
        assert!(!names(&list, &newest) && names(&list, &home("p0")));
    }
}
