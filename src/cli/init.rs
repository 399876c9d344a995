//! `obeya init`: a ledger in this folder, or where `--ledger` or `OBEYA_LEDGER` says.

use std::{env, path::PathBuf};

use clap::{ArgMatches, Command};
use serde_json::json;

use super::{
    context::Call,
    error::{CliError, Done},
};
use crate::link::{self, Home, LEDGER_FOLDER, LEDGER_VARIABLE};

pub(super) fn grammar(noun: Command) -> Command {
    noun.after_help("Makes .obeya/ here, or the folder that --ledger or OBEYA_LEDGER names.")
}

pub(super) fn run(_: &ArgMatches, call: &mut Call<'_>) -> Done {
    call.shell_only("init")?;
    call.no_dry_run("A new ledger")?;
    super::ledger::may_replace(call)?;
    let choice = &call.globals.choice;
    if choice.attach.is_some() || choice.context.is_some() {
        let what = "a ledger is made on its own machine: leave --attach and --context out, and run it there";
        return Err(CliError::Usage(what.into()));
    }
    let named = choice.ledger.clone();
    let named = named.or_else(|| env::var_os(LEDGER_VARIABLE).map(PathBuf::from));
    let folder = named
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or_else(|| LEDGER_FOLDER.into());
    let home = Home::new(folder)?;
    let head = link::init(&home)?;
    // Whoever makes the ledger wants run what the project names. Without a home folder a host is started by hand.
    let _ = link::trust(&home);
    if call.json() {
        let ledger = home.path().display().to_string();
        return call
            .out
            .json(&json!({ "ledger": ledger, "seq": head.seq, "head": head.hash }));
    }
    call.out.line(&format!("made {}", home.path().display()))?;
    call.out
        .line("next: obeya work-order create --title \"…\", obeya import beads FILE, or just obeya")
}
