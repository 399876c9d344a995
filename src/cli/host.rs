//! `obeya host`: the host of a ledger without a console. It runs the agents of `obeya.toml`, and prints one line an event.

use clap::{ArgMatches, Command};

use super::{
    arguments::flag,
    context::Call,
    error::Done,
    hosting::{Hosting, keep},
};

const AFTER: &str = "\
Agents stand in obeya.toml, beside the ledger's folder:
  [agents.greeter]
  command = [\"sh\", \"-c\", \"echo working on $OBEYA_ORDER; echo '{\\\"result\\\":\\\"done\\\"}'\"]

It ends with code 0 when it is interrupted or told to terminate: its agents are
asked to end, and killed after their grace. With --until-idle it ends by itself,
with code 1 if something is ready that none of its agents takes. It goes on when
nobody reads what it prints. What is done
and only waits for a person's approval it names, and leaves under its claim:
once that is given, the next host completes it.";

pub(super) fn grammar(noun: Command) -> Command {
    noun.args([flag(
        "until-idle",
        "End when nothing is in progress, nothing is ready and nothing runs, but for what waits for a person's approval",
    )])
    .after_help(AFTER)
}

pub(super) fn run(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    call.shell_only("host")?;
    call.no_dry_run("A host")?;
    let home = call.home("A host")?;
    super::log::start(&home);
    let hosting = Hosting {
        title: "host",
        until_idle: matches.get_flag("until-idle"),
        instead_of_console: false,
    };
    keep(&hosting, &home, call, &mut |_, _| Ok(()))
}
