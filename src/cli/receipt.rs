//! `obeya receipt …`.

use std::{io::Read as _, path::Path};

use clap::{ArgMatches, Command};

use super::{
    arguments::{flag, limit, order, positional, verb, verbs},
    context::{Call, answer, text, value},
    error::{CliError, Done, file},
    output::Tone,
    table::{Table, cell, flex, left, maybe, right},
};
use crate::domain::{
    gate::GateEvidence,
    query::{
        Query,
        receipts::{
            ReceiptView, Verification,
            file::{RECEIPT_FILE_LIMIT, ReceiptFile},
        },
    },
    receipt::Evidence,
};

const NOUN: &str = "receipt";

pub(super) fn grammar(noun: Command) -> Command {
    verbs(
        noun,
        [
            verb(NOUN, "show").arg(order()),
            verb(NOUN, "verify").args([
                positional(
                    "id",
                    "ID|FILE",
                    "The work order, or a receipt's file, which ends in .json",
                ),
                flag(
                    "alone",
                    "Check a file by itself, and hold it against no ledger",
                ),
            ]),
            verb(NOUN, "chain").args([order(), limit()]),
        ],
    )
}

pub(super) fn run(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    let Some((verb, matches)) = matches.subcommand() else {
        return Ok(());
    };
    let order = text(matches, "id").unwrap_or_default();
    match verb {
        "verify" if is_file(&order) => verify_file(&order, matches.get_flag("alone"), call),
        "verify" => {
            let found = answer!(call, Query::VerifyReceipt { order }, Verification);
            verified(&found, call)
        }
        "chain" => {
            let limit = value(matches, "limit");
            let chain = answer!(call, Query::ReceiptChain { order, limit }, ReceiptChain);
            if call.json() {
                return call.out.json(&chain);
            }
            let mut table = Table::new([
                right("NO"),
                left("ORDER"),
                left("COMPLETED").drop(1),
                left("BY").drop(2),
                left("SKU").drop(3),
                flex("HASH"),
            ]);
            for receipt in &chain.receipts {
                table.row([
                    cell(receipt.number),
                    cell(receipt.order),
                    cell(receipt.completed_at),
                    cell(&receipt.completed_by),
                    maybe(receipt.sku.as_ref()),
                    cell(receipt.hash),
                ]);
            }
            call.out.table(&table)?;
            let shown = chain.receipts.len() as u64;
            match shown < chain.total {
                true => call.out.tone(
                    Tone::Muted,
                    &format!("{shown} of {}; raise --limit", chain.total),
                ),
                false => Ok(()),
            }
        }
        _ => {
            let receipt = answer!(call, Query::Receipt { order }, Receipt);
            match call.json() {
                true => call.out.json(&receipt),
                false => show(call, &receipt),
            }
        }
    }
}

fn show(call: &mut Call<'_>, receipt: &ReceiptView) -> Done {
    let title = format!("receipt {} of {}", receipt.number, receipt.order);
    call.out.tone(Tone::Head, &title)?;
    let evidence = match &receipt.evidence {
        Evidence::NoneRequired => "none was required".to_owned(),
        Evidence::Gates(seen) => seen.iter().map(seen_at).collect::<Vec<_>>().join("; "),
    };
    let made = receipt.workspace.as_ref();
    let facts = [
        (
            "completed",
            Some(format!(
                "{} by {}",
                receipt.completed_at, receipt.completed_by
            )),
        ),
        ("sku", receipt.sku.clone()),
        ("note", receipt.note.clone()),
        ("evidence", Some(evidence)),
        ("branch", made.map(|made| made.branch.clone())),
        ("before", made.map(|made| made.base.clone())),
        ("after", made.map(|made| made.head.clone())),
        (
            "used",
            (!receipt.usage.is_none()).then(|| receipt.usage.to_string()),
        ),
        (
            "record",
            Some(format!("{} {}", receipt.seq, receipt.record_hash)),
        ),
        ("previous", Some(receipt.previous.to_string())),
        ("hash", Some(receipt.hash.to_string())),
    ];
    for (name, text) in facts {
        if let Some(text) = text {
            call.out.fact(name, &text)?;
        }
    }
    Ok(())
}

/// Returns what was seen at a gate, in a few words.
fn seen_at(seen: &GateEvidence) -> String {
    let by = match &seen.run.command {
        Some(command) => format!("`{command}`"),
        None => seen.by.to_string(),
    };
    format!(
        "{} {} ({by}), record {}",
        seen.gate,
        seen.run.verdict.words(),
        seen.seq
    )
}

/// Returns whether a file is meant: no order has such a name.
fn is_file(name: &str) -> bool {
    name.ends_with(".json")
}

/// Checks a receipt's file by itself, and against the ledger if there is one here.
fn verify_file(name: &str, alone: bool, call: &mut Call<'_>) -> Done {
    let path = Path::new(name);
    let mut text = String::new();
    call.open(path)?
        .take(RECEIPT_FILE_LIMIT)
        .read_to_string(&mut text)
        .map_err(|error| file(path, "reading", &error))?;
    let read: Box<ReceiptFile> = serde_json::from_str(&text)
        .map_err(|error| CliError::Usage(format!("{name} is no receipt: {error}")))?;
    let ledger = match alone {
        true => false,
        false if call.is_lent() => true,
        false => match call.connection() {
            Ok(_) => true,
            Err(CliError::NoLedger(_)) => false,
            Err(error) => return Err(error),
        },
    };
    let found = match ledger {
        true => answer!(call, Query::VerifyReceiptFile { file: read }, Verification),
        false => read.verify(),
    };
    if !ledger && !call.json() {
        let note = "held against no ledger: the file says nothing of which one it is from";
        call.out.tone(Tone::Muted, note)?;
    }
    verified(&found, call)
}

fn verified(found: &Verification, call: &mut Call<'_>) -> Done {
    if call.json() {
        call.out.json(found)?;
    } else {
        for check in &found.checks {
            let (tone, word) = match check.ok {
                true => (Tone::Good, "ok   "),
                false => (Tone::Bad, "wrong"),
            };
            call.out.spans(&[
                (tone, word),
                (Tone::Plain, &format!("  {}: {}", check.name, check.text)),
            ])?;
        }
        let verdict = match found.verified {
            true => "is what it claims",
            false => "is NOT what it claims",
        };
        call.out.line(&format!(
            "receipt {} of {} {verdict}",
            found.number, found.order
        ))?;
    }
    match found.verified {
        true => Ok(()),
        false => Err(CliError::Wrong),
    }
}
