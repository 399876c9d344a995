//! `obeya metrics …`: the two figures that are asked for most, in few words.

use clap::{ArgMatches, Command};

use super::{
    arguments::{positional, verb, verbs},
    context::{Call, answer, value},
    dashboard,
    error::Done,
    report,
};
use crate::{
    domain::{
        query::{Query, filter::Filter},
        time::DAY,
    },
    link,
};

const NOUN: &str = "metrics";

/// How many days count where none were given: a week, as people count it.
const WEEK: u32 = 7;
/// The most days that can be asked for: ten years, which no line is older than.
const MAX_DAYS: u32 = 3_660;

pub(super) fn grammar(noun: Command) -> Command {
    let read = |text: &str| match text.parse::<u32>() {
        Ok(days) if (1..=MAX_DAYS).contains(&days) => Ok(days),
        _ => Err(format!("it takes a number of days, from 1 to {MAX_DAYS}")),
    };
    let days = positional("days", "DAYS", "")
        .help(format!(
            "The last so many days, today among them; {WEEK} if not given"
        ))
        .required(false)
        .value_parser(read);
    verbs(
        noun,
        [verb(NOUN, "summary"), verb(NOUN, "velocity").arg(days)],
    )
}

pub(super) fn run(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    match matches.subcommand() {
        Some(("velocity", matches)) => {
            let days: u32 = value(matches, "days").unwrap_or(WEEK);
            // Today is the last of them.
            let since = link::now().plus(-(i64::from(days) - 1).saturating_mul(DAY));
            let filter = Filter::default();
            let velocity = answer!(call, Query::Velocity { since, filter }, Velocity);
            report::velocity(call, &velocity)
        }
        _ => dashboard::summary(call),
    }
}
