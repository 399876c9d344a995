//! `obeya doctor`.

use clap::{ArgMatches, Command};
use serde_json::json;

use super::{
    context::{Call, unexpected},
    error::{CliError, Done},
    output::Tone,
};
use crate::link::protocol::{FolderAnswer, FolderCall};

pub(super) fn grammar(noun: Command) -> Command {
    noun
}

pub(super) fn run(_: &ArgMatches, call: &mut Call<'_>) -> Done {
    let FolderAnswer::Doctor { ledger, findings } = call.folder(FolderCall::Doctor)? else {
        return Err(unexpected());
    };
    let mut ok = true;
    let rows: Vec<_> = findings
        .iter()
        .map(|finding| {
            let level = serde_json::to_value(finding.level).unwrap_or_default();
            let level = level.as_str().unwrap_or_default().to_owned();
            ok &= level != "bad";
            (level, finding)
        })
        .collect();
    if call.json() {
        call.out
            .json(&json!({ "ledger": ledger, "ok": ok, "findings": findings }))?;
    } else {
        call.out.line(&ledger)?;
        for (level, finding) in rows {
            let tone = match level.as_str() {
                "ok" => Tone::Good,
                "warn" => Tone::Warn,
                _ => Tone::Bad,
            };
            let text = format!("{}: {}", finding.name, finding.found);
            call.out
                .spans(&[(tone, &format!("{level:<5}")), (Tone::Plain, &text)])?;
            if !finding.mend.is_empty() {
                call.out.block(7, &finding.mend)?;
            }
        }
    }
    match ok {
        true => Ok(()),
        false => Err(CliError::Wrong),
    }
}
