//! `obeya demo`: a line that moves, on a ledger that is thrown away.

use std::{
    io::{self, IsTerminal as _, Write as _},
    path::PathBuf,
};

use clap::{ArgMatches, Command};
use serde_json::json;

use super::{
    arguments::option,
    context::{Call, value},
    error::{CliError, Done},
};
use crate::demo::{Demo, MAX_SPEED, SEED};

const AFTER: &str = "\
It works on a ledger of its own in a temporary folder, never on yours, and
removes it at the end; --out keeps it. Four agents are processes that take
orders, write small programs and call them done; quality gates run what they
wrote. Two people create orders, pull the andon cord and mend what stopped. All
of it goes by the ordinary commands, and you can join in. The same seed tells
the same story up to now; from now on it is up to the processes.

Examples:
  obeya demo
  obeya demo --speed 5 --seed 42
  obeya demo --out demo > /dev/null && obeya --ledger demo/.obeya report flow";

pub(super) fn grammar(noun: Command) -> Command {
    let speeds = clap::value_parser!(u32).range(1..=i64::from(MAX_SPEED));
    noun.args([
        option("seed", "N", "Which story").value_parser(clap::value_parser!(u64)),
        option("speed", "N", "How many times faster than usual, 1 to 100").value_parser(speeds),
        option("out", "DIR", "Make the ledger in this folder, and keep it")
            .value_parser(clap::value_parser!(PathBuf)),
    ])
    .after_help(AFTER)
}

pub(super) fn run(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    call.process_only("demo")?;
    call.no_dry_run("A demo")?;
    if call.globals.choice.is_made() {
        let what = "a demo makes a ledger of its own: leave --ledger, --attach and --context out, and name a folder with --out to keep it";
        return Err(CliError::Usage(what.into()));
    }
    let out: Option<PathBuf> = value(matches, "out");
    let terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
    if !terminal && out.is_none() {
        let what = "a demo opens the console, which needs a terminal; \
                    obeya demo --out DIR makes its ledger without one, for the other commands to look at";
        return Err(CliError::Usage(what.into()));
    }
    let seed = value(matches, "seed").unwrap_or(SEED);
    if terminal {
        // Where nobody reads it, nobody misses it.
        let _ = writeln!(io::stderr(), "making a line with ten days behind it…");
    }
    let speed = value(matches, "speed").unwrap_or(1);
    let (mut demo, simulator) = Demo::prepare(out.as_deref(), seed, speed)?;
    if terminal && !call.json() {
        demo.go(simulator, speed)?;
        call.demo = Some(demo);
        return Ok(());
    }
    let ledger = demo.ledger().display().to_string();
    if call.json() {
        return call.out.json(&json!({ "ledger": ledger, "seed": seed }));
    }
    call.out.line(&format!("made {ledger}"))?;
    call.out.line(&format!(
        "next: obeya --ledger {ledger} dashboard summary, or just obeya --ledger {ledger}"
    ))
}
