//! `obeya work-order …`.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use clap::{Arg, ArgMatches, Command};
use serde::Serialize;
use serde_json::json;

use super::{
    context::{Call, answer, text, value, values, word},
    duration,
    error::{self, CliError, Done},
    events::{report, sentences, submit},
    grammar::{flag, limit, many, option, order, positional, prose, reads, verb, verbs, words},
    order_text, watch,
};
use crate::domain::{
    agent::PullFilter,
    command::{Command as Intent, Destination, NewOrder},
    event::{Changes, Event, Parent},
    id::{AlertId, OrderId},
    order::{Bucket, Kind, Link, Priority},
    query::{
        Query,
        filter::{Condition, Cursor, Filter, Sort},
        order_view::{LeaseView, OrderView},
        value::Moment,
    },
    time::SECOND,
};

const NOUN: &str = "work-order";

/// The most of a text that is read from a file or standard input: well above what the rules allow, far below memory.
const MAX_INPUT: u64 = 1 << 20;

pub(super) fn grammar(noun: Command) -> Command {
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
            verb(NOUN, "list").args(list_args()),
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
        option("description-file", "FILE", "Any text, from a file")
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
pub(super) fn pull_filter() -> [Arg; 3] {
    [
        many("bucket", "BUCKET", "Only these classes of service")
            .value_parser(words(Bucket::ALL, Bucket::word)),
        many("kind", "KIND", "Only these sorts of work").value_parser(words(Kind::ALL, Kind::word)),
        many("label", "LABEL", "Only with one of these labels"),
    ]
}

/// Returns what a pull is narrowed to.
pub(super) fn pulled(matches: &ArgMatches) -> PullFilter {
    PullFilter {
        buckets: values(matches, "bucket"),
        kinds: values(matches, "kind"),
        labels: values(matches, "label"),
    }
}

fn list_args() -> [Arg; 16] {
    [
        flag("all", "Closed ones too, behind the open ones"),
        option("status", "STATUS", "Only in this status or condition")
            .value_parser(words(Condition::ALL, Condition::word)),
        option("bucket", "BUCKET", "Only this class of service")
            .value_parser(words(Bucket::ALL, Bucket::word)),
        option("kind", "KIND", "Only this sort of work").value_parser(words(Kind::ALL, Kind::word)),
        option("stage", "STAGE", "Only in progress in this stage"),
        option("agent", "NAME", "Only in these hands").visible_alias("holder"),
        option("assignee", "NAME", "Only meant for this one"),
        option("label", "LABEL", "Only with this label"),
        option("priority", "N", "Only so urgent, or more")
            .value_parser(reads(str::parse::<Priority>)),
        option("text", "TEXT", "Only with this in title or id").short('t'),
        option("parent", "ID", "Only children of this one"),
        option("epic", "ID", "Only beneath this one, however deep"),
        option(
            "older-than",
            "TIME",
            "Only created at least so long ago, like 7d",
        )
        .value_parser(reads(duration::span)),
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

pub(super) fn run(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    let Some((verb, matches)) = matches.subcommand() else {
        return Ok(());
    };
    match verb {
        "create" => create(matches, call),
        "list" => list(matches, call),
        "show" => {
            let order = text(matches, "id").unwrap_or_default();
            let detail = answer!(call, Query::WorkOrder { order }, WorkOrder);
            order_text::detail(call, &detail)
        }
        "status" => {
            let order = text(matches, "id").unwrap_or_default();
            let view = answer!(call, Query::Status { order }, Status);
            order_text::status(call, &view)
        }
        "why" => {
            let order = text(matches, "id").unwrap_or_default();
            let why = answer!(call, Query::Why { order }, Why);
            order_text::why(call, &why)
        }
        "watch" => watch::run(matches, call),
        "next" => {
            call.act_as(matches.get_one("agent"));
            let pull = Intent::PullNext {
                filter: pulled(matches),
                lease_seconds: value(matches, "lease"),
            };
            take(call, pull)
        }
        _ => {
            let id = call.order_of(matches)?;
            one(verb, id, matches, call)
        }
    }
}

/// Does what is done to one order.
fn one(verb: &str, id: OrderId, matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    let reason = || text(matches, "reason");
    let intent = match verb {
        "edit" => edit(id, matches, call)?,
        "start" | "claim" => {
            call.act_as(matches.get_one("agent"));
            let lease_seconds: Option<u32> = value(matches, "lease");
            let intent = match verb == "claim" || lease_seconds.is_some() {
                true => Intent::ClaimOrder { id, lease_seconds },
                false => Intent::StartOrder { id },
            };
            return take(call, intent);
        }
        "heartbeat" => return heartbeat(id, matches, call),
        "move" => Intent::MoveOrder {
            id,
            to: match word(matches, "to") {
                "right" => Destination::Right,
                "left" => Destination::Left,
                stage => Destination::Stage(stage.into()),
            },
        },
        "complete" => Intent::CompleteOrder {
            id,
            sku: text(matches, "sku"),
            note: text(matches, "note"),
        },
        "cancel" => Intent::CancelOrder {
            id,
            reason: reason().unwrap_or_default(),
        },
        "reopen" => Intent::ReopenOrder {
            id,
            reason: reason(),
        },
        "release" => Intent::ReleaseOrder {
            id,
            force: matches.get_flag("force"),
            reason: reason(),
        },
        "comment" => Intent::CommentOrder {
            id,
            text: given(call, word(matches, "text"))?,
        },
        "link" => Intent::AddLink {
            id,
            link: relation_of(matches),
        },
        "unlink" => Intent::RemoveLink {
            id,
            link: relation_of(matches),
        },
        _ => return Err(CliError::Usage(format!("there is no verb '{verb}'"))),
    };
    let Some(outcome) = submit(call, intent)? else {
        return Ok(());
    };
    report(call, &outcome, &standing(id))
}

fn relation_of(matches: &ArgMatches) -> Link {
    Link {
        kind: word(matches, "relation").into(),
        target: word(matches, "target").into(),
    }
}

fn standing(id: OrderId) -> Query {
    Query::Status {
        order: id.to_string(),
    }
}

fn create(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    let mut order = NewOrder::task(word(matches, "title"));
    order.kind = value(matches, "kind").unwrap_or(order.kind);
    order.bucket = value(matches, "bucket").unwrap_or(order.bucket);
    order.priority = value(matches, "priority").unwrap_or(order.priority);
    order.description = description(matches, call)?;
    order.labels = values(matches, "label");
    order.estimate = value(matches, "estimate");
    order.assignee = text(matches, "assignee");
    order.parent = parent(matches, call)?;
    order.depends_on = values::<String>(matches, "depends-on")
        .iter()
        .map(|id| call.order(id))
        .collect::<Result<_, _>>()?;
    order.corrective = values(matches, "corrective");
    order.signal.kind = call.door().word().into();
    order.signal.source = text(matches, "source");
    let Some(outcome) = submit(call, Intent::CreateOrder { order })? else {
        return Ok(());
    };
    let created = outcome
        .records
        .iter()
        .find_map(|record| match record.event() {
            Some(Event::OrderCreated { id, .. }) => Some(id),
            _ => None,
        });
    match created {
        Some(id) if call.json() => report(call, &outcome, &standing(id)),
        Some(id) => call.out.line(&id.to_string()),
        None => sentences(call, &outcome),
    }
}

fn edit(id: OrderId, matches: &ArgMatches, call: &mut Call<'_>) -> Result<Intent, CliError> {
    let changes = Changes {
        title: text(matches, "title"),
        description: description(matches, call)?,
        kind: value(matches, "kind"),
        bucket: value(matches, "bucket"),
        priority: value(matches, "priority"),
        labels: None,
        estimate: value(matches, "estimate"),
        assignee: text(matches, "assignee"),
        parent: match matches.get_flag("no-parent") {
            true => Some(Parent::None),
            false => parent(matches, call)?.map(Parent::Of),
        },
    };
    let (add_labels, remove_labels) = (values(matches, "label"), values(matches, "remove-label"));
    if changes.is_empty() && add_labels.is_empty() && remove_labels.is_empty() {
        let what = "nothing to change was named; see `obeya work-order edit --help`";
        return Err(CliError::Usage(what.into()));
    }
    Ok(Intent::EditOrder {
        id,
        changes,
        add_labels,
        remove_labels,
    })
}

fn parent(matches: &ArgMatches, call: &mut Call<'_>) -> Result<Option<OrderId>, CliError> {
    text(matches, "parent")
        .map(|id| call.order(&id))
        .transpose()
}

fn description(matches: &ArgMatches, call: &Call<'_>) -> Result<Option<String>, CliError> {
    if let Some(path) = matches.get_one::<PathBuf>("description-file") {
        let file = fs::File::open(path).map_err(|fault| error::file(path, "opening", &fault))?;
        return all_of(file, path).map(Some);
    }
    text(matches, "description")
        .map(|text| given(call, &text))
        .transpose()
}

/// Returns a text that was given, or standard input for `-`.
fn given(call: &Call<'_>, text: &str) -> Result<String, CliError> {
    match text {
        "-" => {
            call.shell_only("Reading standard input")?;
            all_of(io::stdin().lock(), "standard input".as_ref())
        }
        text => Ok(text.to_owned()),
    }
}

fn all_of(input: impl Read, path: &Path) -> Result<String, CliError> {
    let mut text = String::new();
    let read = input.take(MAX_INPUT + 1).read_to_string(&mut text);
    read.map_err(|fault| error::file(path, "reading", &fault))?;
    if text.len() as u64 > MAX_INPUT {
        let what = format!("{} holds more than {MAX_INPUT} bytes", path.display());
        return Err(CliError::Usage(what));
    }
    Ok(text)
}

fn list(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    let mut id = |name| text(matches, name).map(|id| call.order(&id)).transpose();
    let filter = Filter {
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
    };
    let query = Query::WorkOrders {
        filter,
        all: matches.get_flag("all"),
        sort: value(matches, "sort").unwrap_or_default(),
        limit: value(matches, "limit"),
        after: value(matches, "after"),
    };
    let page = answer!(call, query, WorkOrders);
    order_text::list(call, &page)
}

/// The JSON of `start`, `claim` and `next`.
#[derive(Serialize)]
struct Taken<'a> {
    work_order: &'a OrderView,
    #[serde(skip_serializing_if = "Option::is_none")]
    lease: Option<LeaseView>,
}

/// Submits what gives the caller a hold, and shows the order with its lease.
fn take(call: &mut Call<'_>, intent: Intent) -> Done {
    let Some(outcome) = submit(call, intent)? else {
        return Ok(());
    };
    let started = outcome
        .records
        .iter()
        .find_map(|record| match record.event() {
            Some(Event::OrderStarted { id, .. }) => Some(id),
            _ => None,
        });
    let Some(id) = started else {
        return sentences(call, &outcome);
    };
    let view = answer!(call, standing(id), Status);
    if call.json() {
        return call.out.json(&Taken {
            lease: view.lease,
            work_order: &view,
        });
    }
    order_text::taken(call, &view)
}

fn heartbeat(id: OrderId, matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    call.no_dry_run("A heartbeat")?;
    call.act_as(matches.get_one("agent"));
    let until = call.heartbeat(id, text(matches, "note").unwrap_or_default())?;
    if call.json() {
        let epoch = call.epoch();
        let until = Moment(until);
        return call
            .out
            .json(&json!({ "id": id, "lease": { "epoch": epoch, "expires_at": until } }));
    }
    call.out.line(&format!("{id} is held until {until}"))
}
