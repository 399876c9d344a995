//! `obeya import beads FILE`: one command, one transaction, whoever else is writing.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, IsTerminal as _},
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{ArgMatches, Command};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::{BrokenFile, Imported, Mapping, ReadFile, read_beads, render_report};
use crate::{
    cli::{
        arguments::{flag, option, positional, verb, verbs},
        context::{Call, value},
        error::{self, CliError, Done},
        log,
    },
    domain::{command::Command as Intent, record::Door},
    link::Cold,
};

const NOUN: &str = "import";

/// The name under which the ledger knows the system that the file comes from.
const BEADS: &str = "beads";

/// How wide a report is where lines may be of any length.
const REPORT_WIDTH: usize = 100;

/// How much of the file is read between two looks at the progress bar: often enough for eyes, seldom enough for speed.
const STEP: u64 = 1 << 20;

pub(in crate::cli) fn grammar(noun: Command) -> Command {
    verbs(
        noun,
        [verb(NOUN, "beads").args([
            positional(
                "file",
                "FILE",
                "The issues file, one JSON object a line; - reads standard input",
            )
            .value_parser(clap::value_parser!(PathBuf)),
            flag("skip-invalid", "Leave broken lines out, and list them"),
            option(
                "map",
                "FILE",
                "A TOML file that says which words stand for which of ours",
            )
            .value_parser(clap::value_parser!(PathBuf)),
        ])],
    )
}

/// The JSON of an import.
#[derive(Serialize)]
struct Document<'a> {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
    #[serde(flatten)]
    imported: &'a Imported,
}

pub(in crate::cli) fn run(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    let Some((_, matches)) = matches.subcommand() else {
        return Ok(());
    };
    let home = call.home()?;
    let mapping = match matches.get_one::<PathBuf>("map") {
        Some(path) => mapping(path)?,
        None => Mapping::default(),
    };
    let path: PathBuf = value(matches, "file").unwrap_or_default();
    // The ledger is opened first: a long file is not read for nothing.
    log::start(&home);
    let mut engine = Cold::open(&home)?;
    let bar = bar();
    let read = read(&path, &mapping, matches.get_flag("skip-invalid"), &bar);
    let mut file = read.inspect_err(|_| bar.finish_and_clear())?;
    bar.set_style(ProgressStyle::default_spinner());
    bar.set_message(format!("writing {} items", file.items.len()));
    bar.enable_steady_tick(Duration::from_millis(100));
    let mut submission = call.submission(Intent::Import {
        source: BEADS.into(),
        items: std::mem::take(&mut file.items),
    });
    submission.door = Door::Import;
    let reason = format!("import of {} from {}", path.display(), BEADS);
    let (reply, report) = engine.import(&reason, &submission);
    bar.finish_and_clear();
    let outcome = call.outcome(reply, submission.id)?;
    let imported = Imported::new(&file, report.unwrap_or_default());
    if call.json() {
        return call.out.json(&Document {
            dry_run: outcome.dry_run,
            imported: &imported,
        });
    }
    if outcome.dry_run {
        let text = format!("dry run: {} events would be written", outcome.records.len());
        call.out.line(&text)?;
    }
    let width = call.out.style.width.unwrap_or(REPORT_WIDTH);
    call.out.block(0, &render_report(&imported, width))
}

/// Returns a bar on standard error, or nothing where nobody looks.
fn bar() -> ProgressBar {
    match io::stderr().is_terminal() {
        true => ProgressBar::no_length(),
        false => ProgressBar::hidden(),
    }
}

fn mapping(path: &Path) -> Result<Mapping, CliError> {
    let text = fs::read_to_string(path).map_err(|fault| error::file(path, "reading", &fault))?;
    Mapping::from_toml(&text).map_err(|bad| CliError::Usage(format!("{}: {bad}", path.display())))
}

fn read(
    path: &Path,
    mapping: &Mapping,
    skip_invalid: bool,
    bar: &ProgressBar,
) -> Result<ReadFile, CliError> {
    if path == Path::new("-") {
        return parse(io::stdin().lock(), path, mapping, skip_invalid, bar);
    }
    let file = File::open(path).map_err(|fault| error::file(path, "opening", &fault))?;
    if let Ok(length) = file.metadata().map(|about| about.len()) {
        bar.set_length(length);
    }
    parse(
        BufReader::with_capacity(STEP as usize, file),
        path,
        mapping,
        skip_invalid,
        bar,
    )
}

fn parse(
    reader: impl BufRead,
    path: &Path,
    mapping: &Mapping,
    skip_invalid: bool,
    bar: &ProgressBar,
) -> Result<ReadFile, CliError> {
    let mut shown = 0;
    let mut progress = |bytes: u64| {
        if bytes >= shown + STEP {
            shown = bytes;
            bar.set_position(bytes);
        }
    };
    let broken = |broken: BrokenFile| CliError::BrokenFile {
        path: path.to_owned(),
        broken,
    };
    read_beads(reader, mapping, skip_invalid, &mut progress).map_err(broken)
}
