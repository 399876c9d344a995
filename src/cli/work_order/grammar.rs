//! What can be typed after `obeya work-order`.

use std::path::PathBuf;

use clap::{Arg, Command};

use super::{NOUN, watch};
use crate::{
    cli::{
        arguments::{
            flag, limit, many, option, order, positional, prose, reads, verb, verbs, words,
        },
        duration, filter,
    },
    domain::{
        id::AlertId,
        order::{Bucket, Kind, Priority},
        query::filter::{Cursor, Sort},
        usage::Money,
    },
};

pub(in crate::cli) fn grammar(noun: Command) -> Command {
    let agent = || option("agent", "NAME", "Act as this agent");
    let lease = || {
        option(
            "lease",
            "TIME",
            "How long the lease lasts, like 15m; the ledger's default if not given",
        )
        .value_parser(reads(duration::seconds))
    };
    verbs(
        noun,
        [
            verb(NOUN, "create")
                .arg(prose("title", "TEXT", "What it is, in one line").required(true))
                .args(fields())
                .args([
                    many("depends-on", "ID", "What it waits for"),
                    many("corrective", "ALERT", "The alert that it is to mend")
                        .value_parser(clap::value_parser!(AlertId)),
                    option(
                        "source",
                        "TEXT",
                        "Where the wish came from, for example an address",
                    ),
                ]),
            verb(NOUN, "list")
                .args(filter::present())
                .args(filter::lasting())
                .args(list_args()),
            verb(NOUN, "show").arg(order()),
            verb(NOUN, "status").arg(order()),
            verb(NOUN, "edit")
                .arg(order())
                .arg(prose("title", "TEXT", "What it is, in one line"))
                .args(fields())
                .args([
                    many("remove-label", "LABEL", "A label to take off"),
                    flag("no-parent", "Take it out of its epic").conflicts_with("parent"),
                ]),
            verb(NOUN, "start").args([order(), agent(), lease()]),
            verb(NOUN, "claim").args([order(), agent(), lease()]),
            verb(NOUN, "next")
                .args([agent(), lease()])
                .args(pull_filter()),
            verb(NOUN, "move").args([
                order(),
                positional("to", "STAGE", "The stage, or left or right"),
            ]),
            verb(NOUN, "complete").args([
                order(),
                option("sku", "SKU", "What was delivered"),
                prose("note", "TEXT", "What to remember"),
            ]),
            verb(NOUN, "cancel").args([order(), prose("reason", "TEXT", "Why").required(true)]),
            verb(NOUN, "reopen").args([order(), prose("reason", "TEXT", "Why")]),
            verb(NOUN, "release").args([
                order(),
                flag("force", "Break somebody else's hold").requires("reason"),
                prose("reason", "TEXT", "Why"),
            ]),
            verb(NOUN, "heartbeat").args([
                order(),
                agent(),
                prose("note", "TEXT", "What is being done, in one line"),
            ]),
            verb(NOUN, "usage").args([
                order(),
                agent(),
                option("tokens", "N", "How many more tokens, in and out")
                    .value_parser(clap::value_parser!(u64))
                    .required_unless_present("cost"),
                option("cost", "AMOUNT", "How much more money, like 0.42")
                    .value_parser(reads(str::parse::<Money>)),
                option("run", "NAME", "The run that used it up"),
            ]),
            verb(NOUN, "comment").args([
                order(),
                positional("text", "TEXT", "What to say; - reads standard input")
                    .allow_hyphen_values(true),
            ]),
            verb(NOUN, "link").args([order(), relation(), target()]),
            verb(NOUN, "unlink").args([order(), relation(), target()]),
            verb(NOUN, "why").arg(order()),
            verb(NOUN, "watch").args(watch::args()),
        ],
    )
}

fn relation() -> Arg {
    positional(
        "relation",
        "RELATION",
        "The relation: related, duplicates, …",
    )
}

fn target() -> Arg {
    positional(
        "target",
        "TARGET",
        "An id here, an id elsewhere, or an address",
    )
}

/// The fields that are given at creation and changed later.
fn fields() -> [Arg; 9] {
    [
        option("bucket", "BUCKET", "Its class of service")
            .value_parser(words(Bucket::ALL, Bucket::word)),
        option("priority", "N", "1 to 10, 10 most urgent")
            .value_parser(reads(str::parse::<Priority>)),
        option("kind", "KIND", "What sort of work").value_parser(words(Kind::ALL, Kind::word)),
        prose("description", "TEXT", "Any text; - reads standard input"),
        option(
            "description-file",
            "FILE",
            "Any text, from a file, or from standard input for -",
        )
        .value_parser(clap::value_parser!(PathBuf))
        .conflicts_with("description"),
        many("label", "LABEL", "A label to put on"),
        option(
            "estimate",
            "TIME",
            "The expected work, like 4h; a day has 24 hours",
        )
        .value_parser(reads(duration::minutes)),
        option("assignee", "NAME", "Who is meant to do it"),
        option("parent", "ID", "The epic, or other order, it is part of").visible_alias("epic"),
    ]
}

/// What a pull may be narrowed to.
pub(in crate::cli) fn pull_filter() -> [Arg; 3] {
    [
        many("bucket", "BUCKET", "Only these classes of service")
            .value_parser(words(Bucket::ALL, Bucket::word)),
        many("kind", "KIND", "Only these sorts of work").value_parser(words(Kind::ALL, Kind::word)),
        many("label", "LABEL", "Only with one of these labels"),
    ]
}

fn list_args() -> [Arg; 4] {
    [
        flag("all", "Closed ones too, behind the open ones"),
        option("sort", "ORDER", "How open ones are sorted")
            .value_parser(words(Sort::ALL, Sort::word)),
        limit(),
        option(
            "after",
            "PLACE",
            "Only behind this place: the \"next\" of the page before",
        )
        .value_parser(reads(str::parse::<Cursor>)),
    ]
}
