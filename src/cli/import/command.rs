//! `obeya import SOURCE FILE`: one command, one transaction, whoever else is writing.

use std::{
    io::{self, BufRead, BufReader, IsTerminal as _},
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{ArgAction, ArgMatches, Command};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::{BrokenFile, Imported, Mapping, Options, ReadFile, SOURCES, Source, render_report};
use crate::{
    cli::{
        arguments::{flag, option, positional, verbs},
        context::{Call, text, value, values},
        error::{self, CliError, Done},
        log,
    },
    domain::{command::Command as Intent, record::Door},
};

/// How wide a report is where lines may be of any length.
const REPORT_WIDTH: usize = 100;

/// The file's name that stands for standard input.
const STDIN: &str = "-";

/// How much of the file is read between two looks at the progress bar: often enough for eyes, seldom enough for speed.
const STEP: u64 = 1 << 20;

/// What every import promises, for help.
const PROMISE: &str = "\
All of the file comes in, in one transaction, or nothing of it. Imported again
it appends nothing; a newer file brings in what changed there, and overwrites
nothing that changed here since. Takes the role operator.";

pub(in crate::cli) fn grammar(noun: Command) -> Command {
    verbs(noun, SOURCES.iter().map(grammar_of))
}

fn grammar_of(source: &'static Source) -> Command {
    let verb = Command::new(source.name)
        .about(source.about)
        .after_help(format!("Example:\n{}\n\n{PROMISE}", source.example))
        .args([
            positional("file", "FILE", source.file).value_parser(clap::value_parser!(PathBuf)),
            flag("skip-invalid", "Leave broken records out, and list them"),
            option(
                "source",
                "NAME",
                "What the ledger calls the file's system: ids are told apart within it",
            ),
        ]);
    let map = "A TOML file that says which words stand for which of ours";
    match source.is_table() {
        false => verb.arg(option("map", "FILE", map).value_parser(clap::value_parser!(PathBuf))),
        true => verb.args([
            option(
                "map",
                "FIELD=COLUMN",
                "Which column stands for a field; or, without =, a TOML file of words",
            )
            .action(ArgAction::Append),
            option(
                "date-format",
                "FORM",
                "How dates are written, as strftime has it: %d.%m.%Y",
            ),
        ]),
    }
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
    let Some((verb, matches)) = matches.subcommand() else {
        return Ok(());
    };
    let Some(source) = Source::named(verb) else {
        return Err(CliError::Usage(format!(
            "nothing is imported from '{verb}'"
        )));
    };
    let connection = call.connection()?.clone();
    let options = options(source, matches, call)?;
    let path: PathBuf = value(matches, "file").unwrap_or_default();
    if path == Path::new(STDIN) {
        call.process_only("Reading standard input")?;
    }
    // The ledger is looked for first: a long file is not read for nothing.
    if let Some(home) = connection.home() {
        log::start(home);
        home.holds_ledger()?;
    }
    let bar = bar();
    let read = read(&path, source, &options, &bar, call);
    let mut file = read.inspect_err(|_| bar.finish_and_clear())?;
    bar.set_style(ProgressStyle::default_spinner());
    bar.set_message(format!("writing {} items", file.items.len()));
    bar.enable_steady_tick(Duration::from_millis(100));
    let mut submission = call.submission(Intent::Import {
        source: options.system.clone(),
        items: std::mem::take(&mut file.items),
    });
    submission.door = Door::Import;
    let reason = format!("import of {} from {}", path.display(), options.system);
    let imported = connection.import(&reason, &submission);
    bar.finish_and_clear();
    let (reply, report) = imported?;
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

fn options(source: &Source, matches: &ArgMatches, call: &Call<'_>) -> Result<Options, CliError> {
    let mut options = source.options();
    options.skip_invalid = matches.get_flag("skip-invalid");
    if let Some(name) = text(matches, "source") {
        options.system = name;
    }
    if !source.is_table() {
        if let Some(path) = value::<PathBuf>(matches, "map") {
            options.mapping = mapping(&path, call)?;
        }
        return Ok(options);
    }
    options.dates = text(matches, "date-format");
    for map in values::<String>(matches, "map") {
        match map.split_once('=') {
            None => options.mapping = mapping(Path::new(&map), call)?,
            Some((field, column)) => {
                let field = field.parse().map_err(CliError::Usage)?;
                options.columns.insert(field, column.to_owned());
            }
        }
    }
    Ok(options)
}

/// Returns a bar on standard error, or nothing where nobody looks.
fn bar() -> ProgressBar {
    match io::stderr().is_terminal() {
        true => ProgressBar::no_length(),
        false => ProgressBar::hidden(),
    }
}

fn mapping(path: &Path, call: &Call<'_>) -> Result<Mapping, CliError> {
    let text = io::read_to_string(call.open(path)?);
    let text = text.map_err(|fault| error::file(path, "reading", &fault))?;
    Mapping::from_toml(&text).map_err(|bad| CliError::Usage(format!("{}: {bad}", path.display())))
}

fn read(
    path: &Path,
    source: &Source,
    options: &Options,
    bar: &ProgressBar,
    call: &Call<'_>,
) -> Result<ReadFile, CliError> {
    if path == Path::new(STDIN) {
        return parse(&mut io::stdin().lock(), path, source, options, bar);
    }
    let file = call.open(path)?;
    if let Ok(length) = file.metadata().map(|about| about.len()) {
        bar.set_length(length);
    }
    let mut reader = BufReader::with_capacity(STEP as usize, file);
    parse(&mut reader, path, source, options, bar)
}

fn parse(
    reader: &mut dyn BufRead,
    path: &Path,
    source: &Source,
    options: &Options,
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
    source.read(reader, options, &mut progress).map_err(broken)
}
