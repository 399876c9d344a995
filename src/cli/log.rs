//! Structured logs in a file beside the ledger, a new one every day and whenever one is full; never on the screen.
//!
//! The file is opened when something is logged: a cold call that has nothing to say pays nothing.

use std::{
    env,
    fs::{self, File},
    io,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    fmt::MakeWriter,
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::link::{self, Home};

/// The variable with the least level that is logged, `debug` or `obeya::engine=trace,warn`.
pub(super) const LOG_VARIABLE: &str = "OBEYA_LOG";
/// How many files of logs are kept: a week of a quiet line, and no more disk than so many full ones take.
const KEPT: usize = 7;
/// How long a file becomes before the next begins: an editor opens it still.
const MAX_BYTES: u64 = 8 << 20;
/// How many full files of one day are told apart; the last is written over by then.
const MOST_A_DAY: usize = 999;
/// What the name of a log begins with, before its date.
const PREFIX: &str = "obeya.";
/// What it ends with.
const SUFFIX: &str = ".log";
/// How many characters of a moment are its date: `2026-02-02`.
const DATE: usize = 10;

/// Logs beside this ledger from here on: what is worth a warning, or what `OBEYA_LOG` says.
pub fn start(home: &Home) {
    start_log(Log {
        folder: home.logs(),
        ledger: Some(home.clone()),
    });
}

/// Logs in a folder of the user's own: for who works on a ledger that is elsewhere.
pub fn start_away(folder: &Path) {
    start_log(Log {
        folder: folder.to_owned(),
        ledger: None,
    });
}

fn start_log(log: Log) {
    let asked = env::var(LOG_VARIABLE).ok();
    let targets = asked.and_then(|text| text.parse::<Targets>().ok());
    let targets = targets.unwrap_or_else(|| Targets::new().with_default(LevelFilter::WARN));
    let layer = tracing_subscriber::fmt::layer()
        .json()
        // What cannot be logged is not said on the screen either, which is the console's.
        .log_internal_errors(false)
        .with_writer(log);
    // A second start in one process keeps the first: there is one log.
    let _ = tracing_subscriber::registry()
        .with(targets)
        .with(layer)
        .try_init();
}

/// A log. Where it cannot be written nothing is logged: a log must not stop the line.
struct Log {
    folder: PathBuf,
    /// The ledger whose log it is, if it lies here.
    ledger: Option<Home>,
}

impl Log {
    /// Returns the file of today, opened for this line alone: a ledger that went and came back, or another in its place,
    /// has its lines in its own folder, and none is made where no ledger is.
    fn today(&self) -> io::Result<File> {
        let folder = &self.folder;
        let date = link::now().to_string();
        let date = date.get(..DATE).unwrap_or(&date);
        let path = folder.join(format!("{PREFIX}{date}{SUFFIX}"));
        let mut options = fs::OpenOptions::new();
        options.append(true).mode(0o600);
        match options.open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Ok(file) if file.metadata()?.len() >= MAX_BYTES => put_aside(folder, date, &path)?,
            opened => return opened,
        }
        if let Some(home) = &self.ledger {
            home.holds_ledger().map_err(io::Error::other)?;
        }
        let made = fs::DirBuilder::new()
            .mode(0o700)
            .recursive(self.ledger.is_none())
            .create(folder);
        match made {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let file = options.create(true).open(&path)?;
        prune(folder);
        Ok(file)
    }
}

/// Gives a full file a number behind its date, which sorts before the one that is written.
fn put_aside(folder: &Path, date: &str, path: &Path) -> io::Result<()> {
    let numbered = |n| folder.join(format!("{PREFIX}{date}.{n:03}{SUFFIX}"));
    let free = (1..MOST_A_DAY).map(numbered).find(|path| !path.exists());
    let moved = fs::rename(path, free.unwrap_or_else(|| numbered(MOST_A_DAY)));
    match moved {
        // Another process was first.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        moved => moved,
    }
}

/// Removes all logs but the newest, as far as that can be done.
fn prune(folder: &Path) {
    let names = fs::read_dir(folder).into_iter().flatten().flatten();
    let ours = |name: &String| name.starts_with(PREFIX) && name.ends_with(SUFFIX);
    let mut days: Vec<String> = names
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(ours)
        .collect();
    days.sort_unstable();
    let over = days.len().saturating_sub(KEPT);
    for name in days.iter().take(over) {
        let _ = fs::remove_file(folder.join(name));
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line(self)
    }
}

/// The way of one line into the log.
struct Line<'a>(&'a Log);

impl io::Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.0.today().and_then(|mut file| file.write_all(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_line_is_logged_beside_a_ledger_and_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path().join("ledger")).unwrap();
        let log = Log {
            folder: home.logs(),
            ledger: Some(home.clone()),
        };
        let write = || Line(&log).write_all(b"a line\n").unwrap();
        write();
        assert!(!home.path().exists(), "it made a folder for no ledger");
        fs::create_dir(home.path()).unwrap();
        write();
        assert!(!home.logs().exists(), "it made logs for no ledger");
        fs::write(home.database(), "").unwrap();
        fs::create_dir(home.logs()).unwrap();
        for day in 1..=9 {
            fs::write(home.logs().join(format!("obeya.2020-01-0{day}.log")), "").unwrap();
        }
        fs::write(home.logs().join("recording-1.jsonl"), "").unwrap();
        write();
        write();
        let names = fs::read_dir(home.logs()).unwrap().flatten();
        let mut names: Vec<_> = names.map(|entry| entry.file_name()).collect();
        names.sort();
        // The newest days, today's among them, and what is no log.
        assert_eq!(names.len(), KEPT + 1, "{names:?}");
        assert_eq!(names[0], "obeya.2020-01-04.log");
        let today = fs::read_to_string(home.logs().join(&names[KEPT - 1])).unwrap();
        assert_eq!(today, "a line\na line\n");
    }

    #[test]
    fn a_full_log_is_put_aside_and_all_of_them_are_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path().join("ledger")).unwrap();
        fs::create_dir(home.path()).unwrap();
        fs::write(home.database(), "").unwrap();
        let log = Log {
            folder: home.logs(),
            ledger: Some(home.clone()),
        };
        let logs = || {
            let names = fs::read_dir(home.logs()).unwrap().flatten();
            let mut names: Vec<_> = names.map(|entry| entry.path()).collect();
            names.sort();
            names
        };
        for _ in 0..2 * KEPT {
            Line(&log).write_all(b"a line\n").unwrap();
            let newest = logs().pop().unwrap();
            assert_eq!(
                fs::read(&newest).unwrap(),
                b"a line\n",
                "{newest:?} is the one in use"
            );
            let full = fs::OpenOptions::new().write(true).open(&newest).unwrap();
            full.set_len(MAX_BYTES).unwrap();
        }
        assert_eq!(logs().len(), KEPT, "{:?}", logs());
    }
}
