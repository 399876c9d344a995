//! `obeya completions SHELL`.

use clap::{ArgMatches, Command};
use clap_complete::Shell;

use super::{
    arguments::positional,
    context::{Call, value},
    error::Done,
    grammar,
};

pub(super) fn grammar(noun: Command) -> Command {
    let shell = positional("shell", "SHELL", "Which shell")
        .value_parser(clap::builder::EnumValueParser::<Shell>::new());
    noun.arg(shell).arg_required_else_help(true)
}

pub(super) fn run(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    call.shell_only("completions")?;
    let mut script = vec![];
    if let Some(shell) = value::<Shell>(matches, "shell") {
        clap_complete::generate(shell, &mut grammar::tree(), "obeya", &mut script);
    }
    call.out.verbatim(&String::from_utf8_lossy(&script))
}
