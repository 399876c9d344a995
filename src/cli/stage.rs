//! `obeya stage …`.

use clap::{ArgMatches, Command};

use super::{
    arguments::{flag, option, positional, reads, verb, verbs},
    context::{Call, answer, value, word},
    error::{CliError, Done},
    events::{report, submit},
    output::Tone,
    table::{Cell, Table, cell, left, right},
};
use crate::domain::{
    command::{Command as Intent, StageChange},
    query::{Query, settings::StageView},
};

const NOUN: &str = "stage";

pub(super) fn grammar(noun: Command) -> Command {
    verbs(
        noun,
        [
            verb(NOUN, "list"),
            verb(NOUN, "set").args([
                positional("stage", "STAGE", "Which; a new name makes a new stage"),
                option("wip", "N", "How many may stand in it, or none").value_parser(reads(wip)),
                option("position", "N", "Its place from the left, from 1")
                    .value_parser(clap::value_parser!(u32)),
                flag("remove", "Take it away").conflicts_with_all(["wip", "position"]),
            ]),
        ],
    )
}

fn wip(text: &str) -> Result<u32, String> {
    match text.trim() {
        "none" => Ok(0),
        limit => limit
            .parse()
            .map_err(|_| "a limit is a number, or none".into()),
    }
}

pub(super) fn run(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    match matches.subcommand() {
        Some(("set", matches)) => set(matches, call),
        _ => {
            let stages = answer!(call, Query::Stages, Stages);
            match call.json() {
                true => call.out.json(&stages),
                false => table(call, &stages.stages),
            }
        }
    }
}

/// Prints stages with their limits and how they stand.
pub(super) fn table(call: &mut Call<'_>, stages: &[StageView]) -> Done {
    let mut table = Table::new([
        left("STAGE"),
        right("ORDERS"),
        right("LIMIT"),
        left("HELD BY").drop(1),
    ]);
    for stage in stages {
        let full = stage.wip_limit.is_some_and(|limit| stage.orders >= limit);
        let held: Vec<String> = stage.held_by.iter().map(ToString::to_string).collect();
        table.row([
            cell(&stage.stage),
            Cell::toned(if full { Tone::Warn } else { Tone::Plain }, stage.orders),
            cell(
                stage
                    .wip_limit
                    .map_or("none".into(), |limit| limit.to_string()),
            ),
            Cell::toned(Tone::Bad, held.join(", ")),
        ]);
    }
    call.out.table(&table)
}

fn set(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    let intent = Intent::SetStage {
        name: word(matches, "stage").into(),
        change: match matches.get_flag("remove") {
            true => StageChange::Remove,
            false => StageChange::Put {
                wip_limit: value(matches, "wip"),
                position: value(matches, "position"),
            },
        },
    };
    match submit(call, intent)? {
        Some(outcome) => report(call, &outcome, &Query::Stages),
        None => Ok::<(), CliError>(()),
    }
}
