//! `obeya report …`.

mod flow;
mod handover;
mod outlook;
mod progress;
mod times;
mod usage;

use clap::{Arg, ArgMatches, Command};
use serde::Serialize;

use super::{
    arguments::{limit, option, order, positional, reads, verb, verbs},
    context::{Call, answer, text, value},
    duration::{self, Since},
    error::{CliError, Done},
    filter,
    output::Tone,
    table::{Cell, Table, cell, flex, left, maybe, right},
};
use crate::{
    domain::{
        query::{
            Query,
            filter::Filter,
            reports::{
                due::{DueOrder, Standing},
                forecast::{DEFAULT_DAYS, DEFAULT_SEED, DEFAULT_TRIALS, MAX_TRIALS},
                handover::SHIFT,
                risk::HISTORY_DAYS,
                velocity::Velocity,
            },
            value::{Decimal, span},
        },
        time::{DAY, SECOND, Timestamp},
    },
    link,
};

const NOUN: &str = "report";

/// How far back a report looks where nothing was said: a month tells more than it hides.
const WINDOW: Since = Since::Ago(30 * DAY);
/// How far back the velocity looks: a week, as people count it.
const WEEK: Since = Since::Ago(7 * DAY);
/// Orders whose promises are told beside how they were kept, where no limit was given.
const NEXT_DUE: usize = 10;

pub(super) fn grammar(noun: Command) -> Command {
    let since = |help: String| -> Arg {
        option("since", "WHEN", "")
            .help(help)
            .value_parser(reads(duration::since))
    };
    let from = |what: &str, days: i64| {
        since(format!(
            "{what} from when on, like \"7 days ago\" or 2026-02-01; {days} days if not given"
        ))
    };
    let month = || from("Count", 30);
    let history = |days: u32| from("Learn", i64::from(days));
    let epic = positional("id", "EPIC", "Only beneath this epic, however deep")
        .required(false)
        .conflicts_with("epic");
    let trials = option("trials", "N", "")
        .help(format!(
            "How many times to try; {DEFAULT_TRIALS} if not given"
        ))
        .value_parser(clap::value_parser!(u32).range(1..=i64::from(MAX_TRIALS)));
    let seed = option("seed", "N", "")
        .help(format!(
            "Where the chance comes from: the same one gives the same forecast; {DEFAULT_SEED} if not given"
        ))
        .value_parser(clap::value_parser!(u32));
    verbs(
        noun,
        [
            verb(NOUN, "progress").arg(order()),
            verb(NOUN, "velocity")
                .args(filter::lasting())
                .arg(from("Count", 7)),
            verb(NOUN, "sla")
                .args(filter::lasting())
                .args([month(), limit()]),
            verb(NOUN, "flow").args(filter::lasting()).arg(month()),
            verb(NOUN, "lead-time").args(filter::lasting()).arg(month()),
            verb(NOUN, "cycle-time")
                .args(filter::lasting())
                .args([month(), limit()]),
            verb(NOUN, "ageing")
                .visible_alias("aging")
                .args(filter::present())
                .args(filter::lasting())
                .args([history(HISTORY_DAYS), limit()]),
            verb(NOUN, "forecast")
                .arg(epic)
                .args(filter::present())
                .args(filter::lasting())
                .args([history(DEFAULT_DAYS), trials, seed]),
            verb(NOUN, "risk")
                .args(filter::present())
                .args(filter::lasting())
                .args([history(HISTORY_DAYS), limit()]),
            verb(NOUN, "usage").args([
                option("by", "WHAT", "What the table is of; day if not given")
                    .value_parser(["day", "bucket", "agent", "order"]),
                month(),
                limit(),
            ]),
            verb(NOUN, "handover").args([
                since("From when on, like 8h or 2026-02-01T06:00:00Z; 8 hours if not given".into()),
                limit(),
            ]),
        ],
    )
}

pub(super) fn run(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    let Some((verb, matches)) = matches.subcommand() else {
        return Ok(());
    };
    let typed = matches
        .try_get_one::<Since>("since")
        .ok()
        .flatten()
        .copied();
    let from = |or: Since| -> Timestamp { typed.unwrap_or(or).first_day(link::now()) };
    let days = |days: u32| from(Since::Ago(i64::from(days) * DAY));
    let limit = value(matches, "limit");
    if verb == "usage" {
        let since = from(WINDOW);
        let answer = answer!(call, Query::Usage { since, limit }, Usage);
        let by = text(matches, "by");
        return match call.json() {
            true => call.out.json(&answer),
            false => usage::show(call, &answer, by.as_deref()),
        };
    }
    let filter = filter::filter(matches, call)?;
    match verb {
        "progress" => {
            let epic = call.order_of(matches)?;
            let answer = answer!(call, Query::Progress { epic }, Progress);
            shown(call, &*answer, progress::show)
        }
        "velocity" => {
            let since = from(WEEK);
            let answer = answer!(call, Query::Velocity { since, filter }, Velocity);
            self::velocity(call, &answer)
        }
        "sla" => {
            let since = from(WINDOW);
            let query = Query::Sla {
                since,
                filter,
                limit: limit.or(Some(NEXT_DUE)),
            };
            let answer = answer!(call, query, Sla);
            shown(call, &answer, flow::sla)
        }
        "flow" => {
            let since = from(WINDOW);
            let answer = answer!(call, Query::Flow { since, filter }, Flow);
            shown(call, &answer, flow::flow)
        }
        "lead-time" => {
            let since = from(WINDOW);
            let answer = answer!(call, Query::LeadTime { since, filter }, LeadTime);
            shown(call, &answer, times::lead_time)
        }
        "cycle-time" => {
            let since = from(WINDOW);
            let answer = answer!(
                call,
                Query::CycleTimes {
                    since,
                    filter,
                    limit
                },
                CycleTimes
            );
            shown(call, &answer, times::cycle_times)
        }
        "ageing" => {
            let since = days(HISTORY_DAYS);
            let answer = answer!(
                call,
                Query::Ageing {
                    since,
                    filter,
                    limit
                },
                Ageing
            );
            shown(call, &answer, times::ageing)
        }
        "forecast" => {
            let epic = text(matches, "id");
            let epic = epic.map(|epic| call.order(&epic)).transpose()?;
            let query = Query::Forecast {
                // The days that are over: today's is not sampled.
                since: days(DEFAULT_DAYS + 1),
                filter: Filter {
                    epic: epic.or(filter.epic),
                    ..filter
                },
                trials: value(matches, "trials"),
                seed: value(matches, "seed"),
            };
            let answer = answer!(call, query, Forecast);
            shown(call, &*answer, outlook::forecast)
        }
        "risk" => {
            let since = days(HISTORY_DAYS);
            let answer = answer!(
                call,
                Query::Risk {
                    since,
                    filter,
                    limit
                },
                Risk
            );
            shown(call, &answer, outlook::risk)
        }
        "handover" => {
            let since = typed.unwrap_or(Since::Ago(SHIFT)).at(link::now());
            let answer = answer!(call, Query::Handover { since, limit }, Handover);
            shown(call, &*answer, handover::show)
        }
        _ => Err(CliError::Usage(format!("there is no verb '{verb}'"))),
    }
}

/// Shows how many orders were completed.
pub(super) fn velocity(call: &mut Call<'_>, velocity: &Velocity) -> Done {
    shown(call, velocity, flow::velocity)
}

/// Prints an answer: as it is, or for people.
fn shown<T: Serialize>(
    call: &mut Call<'_>,
    answer: &T,
    show: fn(&mut Call<'_>, &T) -> Done,
) -> Done {
    match call.json() {
        true => call.out.json(answer),
        false => show(call, answer),
    }
}

fn percent(value: Option<Decimal>) -> String {
    value.map_or_else(|| "-".into(), |value| format!("{value} %"))
}

/// Returns seconds as people say them.
fn length(seconds: i64) -> String {
    span(seconds.saturating_mul(SECOND))
}

/// Returns what is in an order's way, in a word.
fn standing(order: &Standing) -> Cell {
    match (order.held, order.blocked) {
        (true, _) => Cell::toned(Tone::Bad, "held"),
        (_, true) => Cell::toned(Tone::Warn, "blocked"),
        _ => Cell::default(),
    }
}

/// Returns how long is left, or for how long it has been over.
fn left_until(seconds: i64) -> Cell {
    match seconds {
        ..0 => Cell::toned(Tone::Bad, format!("{} over", length(-seconds))),
        _ => cell(length(seconds)),
    }
}

/// Prints orders against their promises.
fn due(call: &mut Call<'_>, orders: &[DueOrder]) -> Done {
    let mut table = Table::new([
        left(""),
        right(""),
        left("").drop(3),
        left("").drop(1),
        left("").drop(2),
        left("").drop(4),
        flex(""),
    ]);
    for one in orders {
        let order = &one.order;
        table.row([
            cell(format!("  {}", order.id)),
            left_until(one.left_seconds),
            cell(order.bucket),
            maybe(order.stage.as_ref()),
            maybe(order.holder.as_ref()),
            standing(order),
            cell(&order.title),
        ]);
    }
    call.out.rows(&table)
}
