//! Structured logs in a file beside the ledger, a new one every day; never on the screen.
//!
//! The file is opened when something is logged for the first time: a cold call that has nothing to say pays nothing.

use std::{
    env, io,
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    fmt::MakeWriter,
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::link::Home;

/// The variable with the least level that is logged, `debug` or `obeya::engine=trace,warn`.
pub(super) const LOG_VARIABLE: &str = "OBEYA_LOG";
/// How many days of logs are kept.
const KEPT: usize = 7;

/// Logs beside this ledger from here on: what is worth a warning, or what `OBEYA_LOG` says.
pub fn start(home: &Home) {
    let asked = env::var(LOG_VARIABLE).ok();
    let targets = asked.and_then(|text| text.parse::<Targets>().ok());
    let targets = targets.unwrap_or_else(|| Targets::new().with_default(LevelFilter::WARN));
    let layer = tracing_subscriber::fmt::layer().json().with_writer(Lazy {
        folder: home.logs(),
        file: Mutex::default(),
    });
    // A second start in one process keeps the first: there is one log.
    let _ = tracing_subscriber::registry()
        .with(targets)
        .with(layer)
        .try_init();
}

/// A file that is opened by its first line. Where that fails nothing is logged: a log must not stop the line.
struct Lazy {
    folder: PathBuf,
    file: Mutex<Option<RollingFileAppender>>,
}

impl<'a> MakeWriter<'a> for Lazy {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if file.is_none() {
            *file = RollingFileAppender::builder()
                .rotation(Rotation::DAILY)
                .filename_prefix("obeya")
                .filename_suffix("log")
                .max_log_files(KEPT)
                .build(&self.folder)
                .ok();
        }
        Line(file)
    }
}

/// The file for the time of one line.
struct Line<'a>(MutexGuard<'a, Option<RollingFileAppender>>);

impl io::Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .as_mut()
            .map_or(Ok(bytes.len()), |file| file.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.as_mut().map_or(Ok(()), io::Write::flush)
    }
}
