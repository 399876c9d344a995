//! `obeya shell`: one command after another, typed with history and completion, or read from a script.
//!
//! A line is the command line's own grammar without the program's name. The engine is opened by the first line that
//! needs it and stays; each answer is from the ledger as it then is, whoever wrote to it.

mod completion;
mod editor;
mod history;
mod script;
mod session;

use std::{
    env,
    io::{self, IsTerminal as _},
};

use clap::{ArgAction, ArgMatches, Command};

use self::{script::Reader, session::Session};
use super::{
    arguments::flag,
    context::{Call, Globals},
    error::{CliError, Done},
};

/// The longest line, in bytes: four times the longest text that the rules allow.
const MAX_LINE: usize = 256 * 1024;

const AFTER: &str = "\
On a terminal: Tab completes, the arrows and Ctrl-R go back, Ctrl-C clears the
line, Ctrl-D or exit leaves. help lists what can be typed, help NOUN tells
more. A # begins a comment.

From a pipe or a file: each line is done in turn, what fails is said with its
line's number and does not end it, and the exit code is that of the worst
failure (3 before 2 before 1).

Examples:
  obeya shell
  obeya shell < monday.obeya
  printf 'wo list\\nmetrics velocity 7\\n' | obeya shell --stop-on-error";

pub(super) fn grammar(noun: Command) -> Command {
    noun.arg(
        flag("stop-on-error", "End a script at its first failure")
            .short('e')
            .action(ArgAction::SetTrue),
    )
    .after_help(AFTER)
}

pub(super) fn run(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    call.process_only("shell")?;
    if call.globals.is_of_one_command() {
        let what = "--command-id and --epoch belong to one command: give them on its line";
        return Err(CliError::Usage(what.into()));
    }
    let mut session = Session::new(call, Globals::colour(matches));
    if !(io::stdin().is_terminal() && io::stdout().is_terminal()) {
        let stop = matches.get_flag("stop-on-error");
        return script::run(&mut session, Reader::Script { stop });
    }
    // Such a terminal moves no cursor.
    let dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
    match dumb {
        true => script::run(&mut session, Reader::Dialogue),
        false => editor::run(&mut session),
    }
}
