//! What was typed before, in a file that only its owner reads.

use std::{
    fs,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use directories::ProjectDirs;
use reedline::{FileBackedHistory, History};

/// The lines that are kept: a year of much typing.
const LINES: usize = 5_000;
/// The largest file that is read: what is larger is none that this program wrote.
const MAX_BYTES: u64 = 16 << 20;
/// Lines hold titles and reasons, which are nobody else's business.
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// Returns the file: `shell_history` in the folder for state, `~/.local/state/obeya` if nothing else is set.
fn file() -> Option<PathBuf> {
    let folders = ProjectDirs::from("", "", "obeya")?;
    let folder = folders.state_dir().unwrap_or(folders.data_local_dir());
    Some(folder.join("shell_history"))
}

/// Returns the history, and why it lasts no longer than this session where that is so.
pub(super) fn open() -> (Box<dyn History>, Option<String>) {
    let kept = match file() {
        Some(file) => keep(&file).map_err(|why| format!("{}: {why}", file.display())),
        None => Err("there is no home folder".into()),
    };
    match kept {
        Ok(history) => (history, None),
        Err(why) => {
            let forgotten = FileBackedHistory::default();
            (
                Box::new(forgotten),
                Some(format!("what you type is not kept: {why}")),
            )
        }
    }
}

fn keep(file: &Path) -> Result<Box<dyn History>, String> {
    make(file).map_err(|error| error.to_string())?;
    let about = fs::metadata(file).map_err(|error| error.to_string())?;
    if !about.is_file() {
        return Err("it is no file".into());
    }
    if about.len() > MAX_BYTES {
        return Err("it is too large: move it away".into());
    }
    let history = FileBackedHistory::with_file(LINES, file.to_owned());
    Ok(Box::new(history.map_err(|error| error.to_string())?))
}

/// Makes the file where it is not there, and takes everybody else's rights from one that is.
fn make(file: &Path) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(FOLDER_MODE)
            .create(folder)?;
    }
    if let Ok(about) = fs::metadata(file) {
        // A pipe in its place would never open.
        return match about.is_file() && about.permissions().mode() & 0o077 != 0 {
            true => fs::set_permissions(file, fs::Permissions::from_mode(FILE_MODE)),
            false => Ok(()),
        };
    }
    let mut options = fs::OpenOptions::new();
    options.append(true).create(true).mode(FILE_MODE);
    options.open(file).map(drop)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use reedline::HistoryItem;

    use super::*;

    #[test]
    fn it_is_kept_for_its_owner_only_and_never_grows_past_its_bound() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state/obeya/shell_history");
        let mut history = keep(&file).unwrap();
        for n in 0..LINES + 100 {
            history
                .save(HistoryItem::from_command_line(format!("wo show WO-{n}")))
                .unwrap();
        }
        history.sync().unwrap();
        drop(history);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&file), 0o600);
        assert_eq!(mode(file.parent().unwrap()), 0o700);
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(text.lines().count(), LINES);
        assert!(text.ends_with(&format!("wo show WO-{}\n", LINES + 99)));

        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(keep(&file).unwrap().count_all().unwrap(), LINES as i64);
        assert_eq!(mode(&file), 0o600);
    }

    #[test]
    fn what_is_no_history_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("shell_history");
        fs::write(&file, b"\xff\xfe\n").unwrap();
        assert!(keep(&file).is_err());
        assert_eq!(fs::read(&file).unwrap(), b"\xff\xfe\n");
        fs::remove_file(&file).unwrap();
        fs::create_dir(&file).unwrap();
        assert!(keep(&file).is_err_and(|why| why == "it is no file"));
    }
}
