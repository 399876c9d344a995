//! `obeya ledger …`.

use std::path::{self, PathBuf};

use clap::{ArgMatches, Command};
use serde_json::json;

use super::{
    arguments::{limit, option, positional, reads, verb, verbs},
    context::{Call, answer, folder, text, unexpected, value},
    error::{self, CliError, Done},
    events::entry,
    output::Tone,
};
use crate::{
    domain::{
        command::Role,
        query::Query,
        record::{Hash, Head, Seq},
        refusal::Refusal,
    },
    link::{
        self,
        protocol::{FolderAnswer, FolderCall},
    },
};

const NOUN: &str = "ledger";

pub(super) fn grammar(noun: Command) -> Command {
    let file = |help| positional("file", "FILE", help).value_parser(clap::value_parser!(PathBuf));
    verbs(
        noun,
        [
            verb(NOUN, "verify").arg(
                option(
                    "anchor",
                    "SEQ:HASH",
                    "A head that was kept outside; it must be on the way",
                )
                .value_parser(reads(anchor)),
            ),
            verb(NOUN, "head"),
            verb(NOUN, "log").args([
                positional(
                    "subject",
                    "SUBJECT",
                    "Only about this: WO-001, ALERT-001, agent:NAME or ledger",
                )
                .required(false),
                option("after", "SEQ", "Only what came after this record")
                    .value_parser(clap::value_parser!(u64)),
                limit(),
            ]),
            verb(NOUN, "stats"),
            verb(NOUN, "backup").arg(file("The file to write; it must not be there yet")),
            verb(NOUN, "restore").arg(file("A file that backup wrote")),
        ],
    )
}

/// Returns what `ledger head` prints, read back.
fn anchor(text: &str) -> Result<Head, String> {
    let wanted = "an anchor is what `obeya ledger head` prints: SEQ:HASH";
    let (seq, hash) = text.trim().split_once([':', ' ']).ok_or(wanted)?;
    let hash: Hash = serde_json::from_value(hash.trim().into()).map_err(|_| wanted)?;
    let seq = seq.parse().map_err(|_| wanted)?;
    Ok(Head { seq, hash })
}

pub(super) fn run(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    let Some((verb, matches)) = matches.subcommand() else {
        return Ok(());
    };
    match verb {
        "log" => log(matches, call),
        "verify" => verify(matches, call),
        "head" => {
            let head = folder!(call, FolderCall::Head, Head);
            match call.json() {
                true => call.out.json(&head),
                false => call.out.verbatim(&format!("{}:{}\n", head.seq, head.hash)),
            }
        }
        "stats" => stats(call),
        "backup" => backup(matches, call),
        _ => restore(matches, call),
    }
}

fn log(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    let (after, limit) = (value::<Seq>(matches, "after"), value(matches, "limit"));
    let query = match text(matches, "subject") {
        Some(subject) => Query::History {
            subject,
            after: after.unwrap_or_default(),
            limit,
        },
        None => Query::Log { after, limit },
    };
    let log = answer!(call, query, Log);
    if call.json() {
        return call.out.json(&log);
    }
    log.events.iter().try_for_each(|event| entry(call, event))
}

/// Returns the file that was named, whole: its folder is needed too.
fn file(matches: &ArgMatches) -> Result<PathBuf, CliError> {
    let named: PathBuf = value(matches, "file").unwrap_or_default();
    path::absolute(&named).map_err(|fault| error::file(&named, "finding", &fault))
}

fn verify(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    let verdict = call.connection()?.verify(value(matches, "anchor"))?;
    let Head { seq, hash } = verdict.head;
    let wrong = verdict.bad.map(|bad| (bad.seq, bad.to_string()));
    if call.json() {
        let mut document = json!({ "ok": wrong.is_none(), "head": verdict.head });
        if let Some((seq, text)) = &wrong {
            document["bad"] = json!({ "seq": seq, "message": text });
        }
        call.out.json(&document)?;
    } else if let Some((_, text)) = &wrong {
        call.out.tone(Tone::Bad, text)?;
        call.out
            .line(&format!("the {seq} records before it are sound"))?;
    } else {
        call.out
            .line(&format!("{seq} records are sound; the head is {hash}"))?;
    }
    match wrong {
        None => Ok(()),
        Some(_) => Err(CliError::Wrong),
    }
}

fn stats(call: &mut Call<'_>) -> Done {
    let FolderAnswer::Stats { ledger, stats } = call.folder(FolderCall::Stats)? else {
        return Err(unexpected());
    };
    if call.json() {
        return call.out.json(&stats);
    }
    let facts = [
        ("ledger", ledger),
        ("uuid", stats.uuid.to_string()),
        ("incarnation", stats.incarnation.to_string()),
        ("records", stats.head.seq.to_string()),
        ("head", stats.head.hash.to_string()),
        ("open", stats.open.to_string()),
        ("completed", stats.completed.to_string()),
        ("cancelled", stats.cancelled.to_string()),
        ("alerts", stats.alerts.to_string()),
        ("receipts", stats.receipts.to_string()),
        ("agents", stats.agents.to_string()),
        ("state hash", stats.state_hash),
        (
            "size",
            format!("{} KiB", stats.database_bytes.div_ceil(1024)),
        ),
    ];
    for (name, text) in facts {
        call.out.fact(name, &text)?;
    }
    Ok(())
}

fn backup(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    call.no_dry_run("A backup")?;
    let target = file(matches)?;
    let backup = link::backup(&call.home("ledger backup")?, &target, &mut |_| {})?;
    let shown = target.display().to_string();
    if call.json() {
        return call
            .out
            .json(&json!({ "file": shown, "head": backup.head, "bytes": backup.bytes }));
    }
    let text = format!(
        "wrote {shown}: {} records, verified; messages, tokens and audit are not in it",
        backup.head.seq
    );
    call.out.line(&text)
}

/// Refuses a viewer what goes past the engine, which refuses it all else.
pub(super) fn may_replace(call: &Call<'_>) -> Result<(), CliError> {
    let has = call.caller().role;
    let needs = Role::Admin;
    match has {
        Role::Viewer => Err(Refusal::Role { has, needs }.into()),
        _ => Ok(()),
    }
}

fn restore(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    call.no_dry_run("A restore")?;
    may_replace(call)?;
    let restored = link::restore(&call.home("ledger restore")?, &file(matches)?, &mut |_| {})?;
    let aside = restored.aside.map(|path| path.display().to_string());
    if call.json() {
        return call.out.json(&json!({
            "head": restored.head,
            "incarnation": restored.identity.incarnation,
            "replaced": restored.replaced,
            "aside": aside,
        }));
    }
    let text = format!(
        "restored {} records; this is incarnation {}",
        restored.head.seq, restored.identity.incarnation
    );
    call.out.line(&text)?;
    match aside {
        Some(aside) => call
            .out
            .line(&format!("the ledger it replaced lies in {aside}")),
        None => Ok(()),
    }
}
