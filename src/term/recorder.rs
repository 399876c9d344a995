//! Where a recording is written: a private file beside the logs, when somebody asks for it or the console panics.

use std::{
    cmp::Reverse,
    fs,
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use crate::ui::{recorder::Recorder, recording::Dress};

/// How many recordings are kept: the newest are looked at, and each takes some megabytes.
pub const RECORDINGS: usize = 10;

/// A recorder that the console's thread and its last moment share, and the folder for what it has.
#[derive(Clone, Debug)]
pub struct Keeper {
    recorder: Arc<Mutex<Recorder>>,
    folder: PathBuf,
}

impl Keeper {
    /// Returns a keeper that writes into a folder, which is made when it is needed.
    pub fn new(dress: Dress, folder: PathBuf) -> Keeper {
        Keeper {
            recorder: Arc::new(Mutex::new(Recorder::new(dress))),
            folder,
        }
    }

    /// Does something with the recorder.
    pub fn with<T>(&self, deed: impl FnOnce(&mut Recorder) -> T) -> T {
        deed(&mut self.recorder.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Writes the recording and returns where.
    ///
    /// # Errors
    ///
    /// The file cannot be made or written.
    pub fn write(&self) -> io::Result<PathBuf> {
        let text = self.with(|recorder| recorder.text());
        self.put(&text)
    }

    /// Writes it when the console panics: never waits for a lock that the panicking thread may hold. Returns what to say.
    pub fn last_words(&self) -> Option<String> {
        let text = match self.recorder.try_lock() {
            Ok(recorder) => recorder.text(),
            Err(_) => return None,
        };
        if text.is_empty() {
            return None;
        }
        Some(match self.put(&text) {
            Ok(file) => format!(
                "what the console heard last is in {}; it holds what was on the screen and typed",
                file.display()
            ),
            Err(error) => format!("no recording could be written: {error}"),
        })
    }

    fn put(&self, text: &[u8]) -> io::Result<PathBuf> {
        let mut folder = fs::DirBuilder::new();
        // Only in a ledger's folder that is still there: none is made anew.
        match folder.mode(0o700).create(&self.folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let named = now.map_or(0, |since| since.as_micros());
        let file = self.folder.join(format!("recording-{named}.jsonl"));
        let mut options = fs::OpenOptions::new();
        let mut out = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&file)?;
        out.write_all(text)?;
        self.clear();
        Ok(file)
    }

    /// Removes all but the newest recordings. One that cannot be removed is not worth a word.
    fn clear(&self) {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut recordings: Vec<_> = entries.filter_map(|entry| named(&entry.path())).collect();
        recordings.sort_unstable_by_key(|(made, _)| Reverse(*made));
        for (_, file) in recordings.iter().skip(RECORDINGS) {
            let _ = fs::remove_file(file);
        }
    }
}

/// Returns when a recording was made, if the file is one, in microseconds.
fn named(file: &Path) -> Option<(u128, PathBuf)> {
    let name = file.file_name()?.to_str()?;
    let made = name.strip_prefix("recording-")?.strip_suffix(".jsonl")?;
    Some((made.parse().ok()?, file.to_owned()))
}
