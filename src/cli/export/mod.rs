//! `obeya export …`: everything as JSON, the orders as a table, or their network as a drawing, as it stood at one moment.

mod document;
mod graph;
mod sheet;
mod sink;

use std::path::PathBuf;

use clap::{ArgMatches, Command};

use self::sink::Sink;
use super::{
    arguments::{flag, option, positional, verb, verbs},
    context::{Call, answer, word},
    error::{CliError, Done},
};
use crate::{
    domain::{
        id::OrderId,
        query::{
            Answer, Query,
            detail::OrderDetail,
            filter::{Cursor, Filter, Sort},
        },
    },
    link::Observer,
};

const NOUN: &str = "export";

/// How many things are asked for at once.
const PAGE: usize = 1_000;

pub(super) fn grammar(noun: Command) -> Command {
    let form = |name: &'static str, example: &'static str| {
        verb(NOUN, name)
            .after_help(format!("Example:\n  {example}"))
            .arg(
                option(
                    "output",
                    "FILE",
                    "Write to a file instead of standard output",
                )
                .value_parser(clap::value_parser!(PathBuf)),
            )
    };
    let epic =
        || positional("epic", "EPIC", "Only this one with all that is beneath it").required(false);
    let all = || {
        flag(
            "all",
            "Closed orders too, not only those that open ones wait for",
        )
    };
    verbs(
        noun,
        [
            form("json", "obeya export json --output everything.json"),
            form("jsonl", "obeya export jsonl | grep '^{\"work_order\"'"),
            form("csv", "obeya export csv EPIC-001 --output epic.csv").arg(epic()),
            form("mermaid", "obeya export mermaid EPIC-001 --output epic.mmd")
                .args([epic(), all()]),
            form("dot", "obeya export dot | dot -Tsvg -o orders.svg").args([epic(), all()]),
        ],
    )
}

pub(super) fn run(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    let Some((form, matches)) = matches.subcommand() else {
        return Ok(());
    };
    call.no_dry_run("An export")?;
    let mut source = Source(call.connection()?.freeze()?);
    let epic = match matches.try_contains_id("epic") {
        Ok(true) => Some(source.order(word(matches, "epic"))?),
        _ => None,
    };
    let sink = Sink::open(matches.get_one::<PathBuf>("output"))?;
    match form {
        "csv" => sheet::write(call, &mut source, sink, epic),
        "mermaid" | "dot" => {
            // All of an epic tells how far it is; of a whole ledger the past would hide what is open.
            let all = epic.is_some() || matches.get_flag("all");
            graph::write(call, &mut source, sink, epic, all, form == "dot")
        }
        _ => document::write(call, &mut source, sink, form == "jsonl"),
    }
}

/// The ledger at the moment that is exported.
struct Source(Box<dyn Observer>);

impl Source {
    fn ask(&mut self, query: &Query) -> Result<Answer, CliError> {
        Ok(self.0.ask(query)??)
    }

    /// Returns the order that a text names, by its id here or elsewhere.
    fn order(&mut self, name: &str) -> Result<OrderId, CliError> {
        let order = name.to_owned();
        Ok(answer!(self, Query::Status { order }, Status).id)
    }

    /// Goes through the orders by number, the closed ones behind the open ones if they are wanted: all of them, or one
    /// with what is beneath it.
    fn orders(
        &mut self,
        root: Option<OrderId>,
        all: bool,
        each: &mut dyn FnMut(OrderDetail) -> Done,
    ) -> Done {
        if let Some(root) = root {
            let order = root.to_string();
            each(*answer!(self, Query::WorkOrder { order }, WorkOrder))?;
        }
        let mut after: Option<Cursor> = None;
        loop {
            let query = Query::WorkOrders {
                filter: Filter {
                    epic: root,
                    ..Filter::default()
                },
                all,
                sort: Sort::Id,
                limit: Some(PAGE),
                after,
            };
            let page = answer!(self, query, WorkOrders);
            for view in page.work_orders {
                let order = view.id.to_string();
                each(*answer!(self, Query::WorkOrder { order }, WorkOrder))?;
            }
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }
}
