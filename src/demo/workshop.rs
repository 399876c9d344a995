//! What the demo's agents and gates are: an `obeya.toml` and a few short shell scripts beside its ledger, for the host to run
//! and for a newcomer to read.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    time::Duration,
};

use crate::config::line::LINE_FILE;

/// The scripts, by name.
const SCRIPTS: [(&str, &str); 3] = [
    ("agent.sh", include_str!("workshop/agent.sh")),
    ("compilation.sh", include_str!("workshop/compilation.sh")),
    ("coverage.sh", include_str!("workshop/coverage.sh")),
];
/// The project's file, with places for obeya itself and for how long an agent's step takes.
const LINE: &str = include_str!("workshop/obeya.toml");
/// How long agents take for a step, as multiples: so that they do not move in step.
const PACES: [(&str, f64); 3] = [("@BRISK@", 0.6), ("@STEADY@", 1.0), ("@SLOW@", 1.5)];
/// The gate that a person opens.
pub(super) const REVIEW: &str = "review";

/// Writes the workshop into a project's folder. `program` is obeya itself, which the agents call; `pause` is how long each
/// of their steps takes.
///
/// # Errors
///
/// The folder cannot be written, or there is a workshop already.
pub(super) fn write(project: &Path, program: &Path, pause: Duration) -> io::Result<()> {
    let folder = project.join("workshop");
    fs::create_dir(&folder)?;
    for (name, text) in SCRIPTS {
        make(&folder.join(name), text)?;
    }
    let program = program.to_str().ok_or_else(|| {
        let what = format!("{} has letters that no text has", program.display());
        io::Error::new(io::ErrorKind::InvalidInput, what)
    })?;
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let line = PACES.iter().fold(LINE.to_owned(), |line, (place, pace)| {
        let pause = format!("{:.2}", pause.as_secs_f64() * pace);
        line.replace(place, &quoted(&pause))
    });
    let line = line.replace("@OBEYA@", &quoted(program));
    make(&project.join(LINE_FILE), &line)
}

/// Writes a new file that only its user may change: what anybody may write is not run.
fn make(path: &Path, text: &str) -> io::Result<()> {
    let mut file = fs::File::options()
        .write(true)
        .create_new(true)
        .mode(0o644)
        .open(path)?;
    file.write_all(text.as_bytes())
}
