//! `obeya audit`: who did what by a server, and who was denied.

use clap::{ArgMatches, Command};

use super::{
    arguments::{flag, limit, option, prose, reads},
    context::{Call, folder, text, value},
    duration::{self, Since},
    error::Done,
    output::Tone,
    table::{Cell, Table, cell, flex, left, maybe, right},
};
use crate::link::{
    self,
    access::{AuditFilter, AuditOutcome, AuditPage, AuditRow},
    protocol::FolderCall,
};

/// How many rows are shown where nobody says how many: a few screens.
const SHOWN: usize = 100;

const AFTER: &str = "\
Every write that came in by a server is a row, whatever became of it, and so is
every denial; denials of one address within a second are one row with a count.
Making a token and taking it back are rows too. The newest 100,000 are kept in
access.db beside the ledger, at most 25,000 of them denials; no backup holds it.
Newest last.

Examples:
  obeya audit --since 1d
  obeya audit --denied --since \"7 days ago\"
  obeya audit --by agent:rust-dev --limit 20
  obeya audit --token wall --json";

pub(super) fn grammar(noun: Command) -> Command {
    noun.args([
        option(
            "since",
            "TIME",
            "Only what happened since: 1d, yesterday, 2026-02-01",
        )
        .value_parser(reads(duration::since)),
        prose(
            "by",
            "NAME",
            "Only what this actor did: a name, or agent:NAME",
        ),
        prose("token", "NAME", "Only what came with this token"),
        flag("denied", "Only denials"),
        limit(),
    ])
    .after_help(AFTER)
}

pub(super) fn run(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    let filter = AuditFilter {
        since: value::<Since>(matches, "since").map(|since| since.at(link::now())),
        actor: text(matches, "by"),
        token: text(matches, "token"),
        denied: matches.get_flag("denied"),
    };
    let is_all = filter == AuditFilter::default();
    let limit = value(matches, "limit").unwrap_or(SHOWN);
    let wanted = FolderCall::Audit {
        filter,
        page: AuditPage::Newest,
        limit,
    };
    let mut rows = folder!(call, wanted, Audit);
    rows.reverse();
    if call.json() {
        return call.out.json(&rows);
    }
    if rows.is_empty() {
        return call.out.line(match is_all {
            true => "nothing is in the audit",
            false => "nothing in the audit is about that",
        });
    }
    let mut table = Table::new([
        left("WHEN"),
        left("OUTCOME"),
        right("TIMES").drop(3),
        flex("WHAT"),
        left("WHY").drop(4),
        left("ACTOR"),
        left("TOKEN").drop(2),
        left("ADDRESS").drop(1),
    ]);
    for found in &rows {
        table.row(row(found));
    }
    call.out.table(&table)
}

fn row(found: &AuditRow) -> [Cell; 8] {
    let (tone, why) = match &found.outcome {
        AuditOutcome::Done {
            first_seq: Some(first),
            last_seq: Some(last),
        } if first < last => (Tone::Good, format!("records {first} to {last}")),
        AuditOutcome::Done {
            first_seq: Some(first),
            ..
        } => (Tone::Good, format!("record {first}")),
        AuditOutcome::Done { .. } => (Tone::Good, String::new()),
        AuditOutcome::Refused { code } => (Tone::Warn, code.clone()),
        AuditOutcome::Denied { why } => (Tone::Bad, why.clone()),
        AuditOutcome::Failed => (Tone::Bad, String::new()),
    };
    [
        cell(found.at),
        Cell::toned(tone, found.outcome.word()),
        maybe((found.count > 1).then_some(found.count)),
        cell(&found.what),
        cell(why),
        maybe(found.actor.as_ref()),
        maybe(found.token.as_ref()),
        cell(&found.address),
    ]
}
