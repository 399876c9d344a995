//! Which orders are meant: the options that lists and reports share.

use clap::{Arg, ArgMatches};

use super::{
    arguments::{option, reads, words},
    context::{Call, text, value},
    duration,
    error::CliError,
};
use crate::domain::{
    order::{Bucket, Kind, Priority},
    query::filter::{Condition, Filter},
    time::SECOND,
};

/// Returns the options that say what an order is, through all its days.
pub(super) fn lasting() -> [Arg; 8] {
    [
        option("bucket", "BUCKET", "Only this class of service")
            .value_parser(words(Bucket::ALL, Bucket::word)),
        option("kind", "KIND", "Only this sort of work").value_parser(words(Kind::ALL, Kind::word)),
        option("assignee", "NAME", "Only meant for this one"),
        option("label", "LABEL", "Only with this label"),
        option("priority", "N", "Only so urgent, or more")
            .value_parser(reads(str::parse::<Priority>)),
        option("text", "TEXT", "Only with this in title or id").short('t'),
        option("parent", "ID", "Only children of this one"),
        option("epic", "ID", "Only beneath this one, however deep"),
    ]
}

/// Returns the options that say how an order stands now.
pub(super) fn present() -> [Arg; 4] {
    [
        option("status", "STATUS", "Only in this status or condition")
            .value_parser(words(Condition::ALL, Condition::word)),
        option("stage", "STAGE", "Only in progress in this stage"),
        option("agent", "NAME", "Only in these hands").visible_alias("holder"),
        option(
            "older-than",
            "TIME",
            "Only created at least so long ago, like 7d",
        )
        .value_parser(reads(duration::span)),
    ]
}

/// Returns what was typed of these.
pub(super) fn filter(matches: &ArgMatches, call: &mut Call<'_>) -> Result<Filter, CliError> {
    let mut id = |name| text(matches, name).map(|id| call.order(&id)).transpose();
    Ok(Filter {
        parent: id("parent")?,
        epic: id("epic")?,
        status: value(matches, "status"),
        bucket: value(matches, "bucket"),
        kind: value(matches, "kind"),
        stage: text(matches, "stage"),
        holder: text(matches, "agent"),
        assignee: text(matches, "assignee"),
        label: text(matches, "label"),
        min_priority: value(matches, "priority"),
        text: text(matches, "text"),
        older_than_seconds: value::<i64>(matches, "older-than").map(|micros| micros / SECOND),
    })
}
