//! `obeya work-order …`.

mod grammar;
pub(super) mod show;
mod watch;

use std::{
    io::{self, Read},
    path::{Path, PathBuf},
};

use clap::ArgMatches;
use serde::Serialize;
use serde_json::json;

use super::{
    context::{Call, answer, text, value, values, word},
    error::{self, CliError, Done},
    events::{report, sentences, submit},
    filter::filter,
};
use crate::domain::{
    agent::PullFilter,
    command::{Command as Intent, Destination, NewOrder},
    event::{Changes, Event, Parent},
    id::OrderId,
    order::Link,
    query::{
        Query,
        order_view::{LeaseView, OrderView},
        value::Moment,
    },
    usage::Money,
};

pub(super) use self::grammar::{grammar, pull_filter};

const NOUN: &str = "work-order";

/// The most of a text that is read from a file or standard input: well above what the rules allow, far below memory.
const MAX_INPUT: u64 = 1 << 20;

/// Returns what a pull is narrowed to.
pub(super) fn pulled(matches: &ArgMatches) -> PullFilter {
    PullFilter {
        buckets: values(matches, "bucket"),
        kinds: values(matches, "kind"),
        labels: values(matches, "label"),
    }
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
            show::detail(call, &detail)
        }
        "status" => {
            let order = text(matches, "id").unwrap_or_default();
            let view = answer!(call, Query::Status { order }, Status);
            show::status(call, &view)
        }
        "why" => {
            let order = text(matches, "id").unwrap_or_default();
            let why = answer!(call, Query::Why { order }, Why);
            show::why(call, &why)
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
        "usage" => {
            call.act_as(matches.get_one("agent"));
            Intent::RecordUsage {
                id,
                agent: None,
                run: text(matches, "run"),
                tokens: value(matches, "tokens").unwrap_or(0),
                cost: value::<Money>(matches, "cost").unwrap_or_default().0,
            }
        }
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
        if path == Path::new("-") {
            return given(call, "-").map(Some);
        }
        return all_of(call.open(path)?, path).map(Some);
    }
    text(matches, "description")
        .map(|text| given(call, &text))
        .transpose()
}

/// Returns a text that was given, or standard input for `-`.
pub(in crate::cli) fn given(call: &Call<'_>, text: &str) -> Result<String, CliError> {
    match text {
        "-" => {
            call.process_only("Reading standard input")?;
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
    let filter = filter(matches, call)?;
    let query = Query::WorkOrders {
        filter,
        all: matches.get_flag("all"),
        sort: value(matches, "sort").unwrap_or_default(),
        limit: value(matches, "limit"),
        after: value(matches, "after"),
    };
    let page = answer!(call, query, WorkOrders);
    show::list(call, &page)
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
    show::taken(call, &view)
}

fn heartbeat(id: OrderId, matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    call.no_dry_run("A heartbeat")?;
    call.act_as(matches.get_one("agent"));
    let until = call.heartbeat(id, text(matches, "note").unwrap_or_default())?;
    if call.json() {
        let epoch = call.epoch(id);
        let until = Moment(until);
        return call
            .out
            .json(&json!({ "id": id, "lease": { "epoch": epoch, "expires_at": until } }));
    }
    call.out.line(&format!("{id} is held until {until}"))
}
