//! The command line: `obeya NOUN VERB …`, and the same words behind the console's `:`.
//!
//! `grammar` says what can be typed, one file a noun does it, `context` knows who acts on which ledger, `output` prints
//! and `error` explains. Everything goes through [`link`] and the types of [`domain`](crate::domain).

mod agent;
mod andon;
mod arguments;
mod audit;
mod bucket;
mod bus;
mod complete;
mod completions;
mod context;
mod contexts;
mod dashboard;
mod debug;
mod demo;
mod deps;
mod doctor;
mod duration;
mod error;
mod events;
mod export;
mod filter;
mod globals;
mod grammar;
mod host;
mod hosting;
pub mod import;
mod init;
mod json;
mod keymap;
mod ledger;
mod line;
mod log;
mod man;
mod matched;
mod mcp;
mod metrics;
mod output;
mod quality_gate;
mod receipt;
mod report;
mod rest;
mod serve;
mod shell;
mod stage;
mod table;
mod theme;
mod token;
mod user;
mod voice;
mod watch;
mod work_order;

use std::{env, ffi::OsString, io::Write as _, path::PathBuf};

use clap::{ArgMatches, Command};

use self::{
    context::{Call, Globals},
    error::{CliError, Done},
    grammar::NOUNS,
    output::Style,
};
use crate::{
    demo::Demo,
    domain::order::Actor,
    link::{self, Chosen, remote::Target},
    ui::{model::View, wall::EVERY},
};

pub use self::{
    complete::{Completion, complete_line},
    error::{EXIT_DONE, EXIT_REFUSED, EXIT_UNAVAILABLE, EXIT_USAGE},
    line::{LineContext, LineOutput, run_line},
    log::{start as start_log, start_away as start_log_away},
    output::Colour,
};

/// The word that a host starts its runners with.
const RUNNER: &str = "runner";

/// What the arguments come to.
#[derive(Debug)]
pub enum Invocation {
    /// The console is to be opened.
    Console(ConsoleOptions),
    /// The console is to be opened on a demo, which lasts as long as it is held.
    Demo(Demo, ConsoleOptions),
    /// A command was run; this is its exit code.
    Done(u8),
}

/// How the console is to be opened.
#[derive(Clone, Debug)]
pub struct ConsoleOptions {
    /// So that nothing can be changed.
    pub read_only: bool,
    /// Which ledger, if it was said.
    pub ledger: Option<PathBuf>,
    /// An engine elsewhere to attach to, in place of a ledger.
    pub target: Option<Target>,
    /// The theme that the engine's context names.
    pub theme: Option<String>,
    /// Who acts.
    pub actor: Actor,
    /// When there is colour.
    pub colour: Colour,
    /// As a wall, which nobody works at.
    pub wall: Option<WallOptions>,
}

/// What a wall shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WallOptions {
    /// In this order; every view that a wall has, if there are none.
    pub views: Vec<View>,
    /// How long each stays, in microseconds.
    pub every: i64,
}

/// Runs what the arguments ask for, or returns how the console is to be opened. The first argument is the program.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Invocation {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    // What a host starts its agents with is no part of the grammar: nobody types it.
    if arguments.len() == 2 && arguments.get(1).is_some_and(|word| word == RUNNER) {
        return Invocation::Done(crate::link::run_runner());
    }
    let is_hook = agent::is_hook(&arguments);
    match invoked(&arguments) {
        Invocation::Done(_) if is_hook => Invocation::Done(EXIT_DONE),
        invocation => invocation,
    }
}

fn invoked(arguments: &[OsString]) -> Invocation {
    let narrow = grammar::narrow(arguments);
    // What the narrow grammar cannot read, the whole one explains.
    let matches = narrow.and_then(|narrow| read(narrow, arguments).ok());
    match matches.map_or_else(|| read(grammar::tree(), arguments), Ok) {
        Ok(matches) => started(&matches),
        Err(error) => Invocation::Done(misread(&error, arguments)),
    }
}

fn read(mut grammar: Command, arguments: &[OsString]) -> Result<ArgMatches, clap::Error> {
    let matches = grammar.try_get_matches_from_mut(arguments);
    // It is read once a process, which ends sooner if it takes nothing apart.
    std::mem::forget(grammar);
    matches
}

fn started(matches: &ArgMatches) -> Invocation {
    let inner = innermost(matches);
    let style = Globals::style(inner);
    let globals = match Globals::read(inner) {
        Ok(globals) => globals,
        Err(error) => return Invocation::Done(ended(style, None, error)),
    };
    let Some((noun, beneath)) = matches.subcommand() else {
        let (target, theme) = match engine_of(&globals) {
            Ok(engine) => engine,
            Err(error) => return Invocation::Done(ended(style, None, error)),
        };
        return Invocation::Console(ConsoleOptions {
            read_only: matches.get_flag("read-only"),
            actor: globals.actor(),
            colour: Globals::colour(inner),
            ledger: globals.choice.ledger,
            target,
            theme,
            wall: matches.get_flag("wall").then(|| WallOptions {
                views: matches
                    .get_many::<View>("views")
                    .into_iter()
                    .flatten()
                    .copied()
                    .collect(),
                every: matches.get_one::<i64>("every").copied().unwrap_or(EVERY),
            }),
        });
    };
    let mut call = Call::shell(globals, style);
    let done = dispatch(noun, beneath, &mut call).and_then(|()| call.out.flush());
    if let Some(demo) = call.demo.take() {
        let options = ConsoleOptions {
            read_only: false,
            ledger: Some(demo.ledger().to_owned()),
            target: None,
            theme: None,
            actor: call.globals.actor(),
            colour: Globals::colour(inner),
            wall: None,
        };
        return Invocation::Demo(demo, options);
    }
    Invocation::Done(match done {
        Ok(()) => EXIT_DONE,
        Err(error) => ended(style, Some(&mut call), error),
    })
}

/// Returns the engine elsewhere that a console is to attach to, with the theme of its context; none where it is to be opened
/// on a ledger.
fn engine_of(globals: &Globals) -> Result<(Option<Target>, Option<String>), CliError> {
    let from = env::current_dir()
        .map_err(|fault| error::file("the working directory".as_ref(), "reading", &fault))?;
    Ok(match link::choose(&globals.choice, &from)? {
        Ok(Chosen::Engine(target, theme)) => (Some(*target), theme),
        Ok(Chosen::Ledger(_)) | Err(_) => (None, None),
    })
}

/// Returns the matches of the innermost command, in which clap gathers the flags that every command takes.
fn innermost(matches: &ArgMatches) -> &ArgMatches {
    let mut inner = matches;
    while let Some((_, beneath)) = inner.subcommand() {
        inner = beneath;
    }
    inner
}

fn dispatch(noun: &str, matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    match NOUNS.iter().find(|known| known.name == noun) {
        Some(noun) => (noun.run)(matches, call),
        None => Err(CliError::Usage(format!("there is no command '{noun}'"))),
    }
}

/// Prints what there is, then the error: as JSON on standard output, else as text on standard error.
fn ended(style: Style, call: Option<&mut Call<'_>>, error: CliError) -> u8 {
    let mut own = output::Output::new(style, output::Sink::Stdout);
    let out = call.map_or(&mut own, |call| &mut call.out);
    if style.json
        && let Some(document) = error.document()
    {
        let _ = out.json(&document);
    }
    // Where standard output is gone too there is nobody left to tell.
    let _ = out.flush();
    let text = error.to_string();
    if !style.json && !text.is_empty() {
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }
    error.code()
}

/// Prints why the arguments could not be read, or the help that they ask for.
fn misread(error: &clap::Error, arguments: &[OsString]) -> u8 {
    let asked = arguments.iter().take_while(|argument| *argument != "--");
    let json = asked.into_iter().any(|argument| argument == "--json");
    if error.exit_code() != 0 && json {
        let style = Style {
            json: true,
            ..Style::stdout(true, output::Colour::Never)
        };
        return ended(style, None, CliError::Usage(line::usage(error)));
    }
    // The arguments are quoted in it, and they may come from anywhere.
    let text = crate::text::clean_block(&error.render().to_string()).into_owned();
    if error.use_stderr() {
        let _ = write!(std::io::stderr().lock(), "{text}");
        return EXIT_USAGE;
    }
    let _ = write!(std::io::stdout().lock(), "{text}");
    EXIT_DONE
}
