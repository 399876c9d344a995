//! `obeya bucket …`.

use clap::{ArgMatches, Command};

use super::{
    arguments::{option, positional, reads, verb, verbs, words},
    context::{Call, answer, value},
    error::{CliError, Done},
    events::{sentences, submit},
    output::Tone,
    table::{Cell, Table, cell, left, maybe, right},
};
use crate::domain::{
    command::{Command as Intent, Sla},
    order::Bucket,
    query::{Query, settings::BucketView},
};

const NOUN: &str = "bucket";

pub(super) fn grammar(noun: Command) -> Command {
    verbs(
        noun,
        [
            verb(NOUN, "list"),
            verb(NOUN, "set").args([
                positional("bucket", "BUCKET", "Which")
                    .value_parser(words(Bucket::ALL, Bucket::word)),
                option("wip", "N", "How many may be in progress at once")
                    .value_parser(clap::value_parser!(u32)),
                option("sla", "HOURS", "Hours from entry to done, or none")
                    .value_parser(reads(sla)),
            ]),
        ],
    )
}

fn sla(text: &str) -> Result<Sla, String> {
    match text.trim() {
        "none" => Ok(Sla::None),
        hours => hours
            .strip_suffix('h')
            .unwrap_or(hours)
            .parse()
            .map(Sla::Hours)
            .map_err(|_| "an SLA is a number of hours, or none".into()),
    }
}

pub(super) fn run(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    match matches.subcommand() {
        Some(("set", matches)) => set(matches, call),
        _ => {
            let buckets = answer!(call, Query::Buckets, Buckets);
            match call.json() {
                true => call.out.json(&buckets),
                false => table(call, &buckets.buckets),
            }
        }
    }
}

/// Prints buckets with their rules and how they stand.
pub(super) fn table(call: &mut Call<'_>, buckets: &[BucketView]) -> Done {
    let mut table = Table::new([
        left("BUCKET"),
        right("WIP"),
        right("LIMIT"),
        right("QUEUED").drop(1),
        right("SLA").drop(2),
        right("AT RISK").drop(4),
        right("BREACHED").drop(3),
        left("HELD BY").drop(5),
    ]);
    for bucket in buckets {
        let full = bucket.wip >= bucket.wip_limit;
        let alarm = |count: u32, tone| match count {
            0 => cell(0),
            count => Cell::toned(tone, count),
        };
        let held: Vec<String> = bucket.held_by.iter().map(ToString::to_string).collect();
        table.row([
            cell(bucket.bucket),
            Cell::toned(if full { Tone::Warn } else { Tone::Plain }, bucket.wip),
            cell(bucket.wip_limit),
            cell(bucket.queued),
            maybe(bucket.sla_hours.map(|hours| format!("{hours}h"))),
            alarm(bucket.at_risk, Tone::Warn),
            alarm(bucket.breached, Tone::Bad),
            Cell::toned(Tone::Bad, held.join(", ")),
        ]);
    }
    call.out.table(&table)
}

fn set(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    let Some(bucket) = value::<Bucket>(matches, "bucket") else {
        return Err(CliError::Usage("a bucket is needed".into()));
    };
    let (wip_limit, sla) = (value(matches, "wip"), value(matches, "sla"));
    if wip_limit.is_none() && sla.is_none() {
        return Err(CliError::Usage(
            "name what changes: --wip, --sla or both".into(),
        ));
    }
    let intent = Intent::SetBucket {
        bucket,
        wip_limit,
        sla,
    };
    let Some(outcome) = submit(call, intent)? else {
        return Ok(());
    };
    if !call.json() {
        return sentences(call, &outcome);
    }
    let buckets = answer!(call, Query::Buckets, Buckets);
    match buckets.buckets.iter().find(|view| view.bucket == bucket) {
        Some(view) => call.out.json(view),
        None => Ok(()),
    }
}
