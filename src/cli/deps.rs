//! `obeya deps …`.

use std::{fs, path::PathBuf};

use clap::{ArgMatches, Command};

use super::{
    arguments::{flag, limit, option, order, positional, verb, verbs},
    context::{Call, answer, value, word},
    error::{self, CliError, Done},
    events::{report, submit},
    output::Tone,
    table::{Table, cell, flex, left, maybe, right},
    work_order::show::row,
};
use crate::domain::{
    command::Command as Intent,
    id::OrderId,
    order::Status,
    query::{
        Query,
        deps::{DependencyTree, Direction, Hang, TreeRow},
        detail::Neighbour,
        value::span,
    },
    time::MINUTE,
};

const NOUN: &str = "deps";

pub(super) fn grammar(noun: Command) -> Command {
    let on = || {
        [
            positional("on", "ON", "What it waits for")
                .required(false)
                .conflicts_with("depends-on"),
            option("depends-on", "ID", "What it waits for").required_unless_present("on"),
        ]
    };
    let epic = || positional("epic", "EPIC", "Only what is beneath this one").required(false);
    verbs(
        noun,
        [
            verb(NOUN, "add").arg(order()).args(on()),
            verb(NOUN, "remove").arg(order()).args(on()),
            verb(NOUN, "show").args([
                order(),
                flag("blocks", "Look the other way: what waits for it"),
                limit(),
            ]),
            verb(NOUN, "path").args([
                positional("id", "FROM", "Which waits"),
                positional("to", "TO", "For which"),
            ]),
            verb(NOUN, "order").args([
                epic(),
                flag("layers", "By how many must come before").conflicts_with("critical"),
                flag("critical", "Only the chain that takes longest"),
                limit(),
            ]),
            verb(NOUN, "diagram").visible_alias("graph").args([
                positional(
                    "epic",
                    "ID",
                    "An epic with all beneath it, or an order with its neighbours",
                )
                .required(false),
                option("output", "FILE", "Write it to a file")
                    .value_parser(clap::value_parser!(PathBuf)),
            ]),
        ],
    )
}

pub(super) fn run(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    let Some((verb, matches)) = matches.subcommand() else {
        return Ok(());
    };
    match verb {
        "add" | "remove" => change(verb, matches, call),
        "show" => {
            let query = Query::Tree {
                order: call.order_of(matches)?,
                direction: match matches.get_flag("blocks") {
                    true => Direction::Blocks,
                    false => Direction::DependsOn,
                },
                limit: value(matches, "limit"),
            };
            let tree = answer!(call, query, Tree);
            show(call, &tree)
        }
        "path" => {
            let from = call.order_of(matches)?;
            let to = call.order(word(matches, "to"))?;
            let path = answer!(call, Query::Path { from, to }, Path);
            if call.json() {
                return call.out.json(&path);
            }
            match path.path.is_empty() {
                true => call.out.line(&format!("{from} does not wait for {to}")),
                false => {
                    neighbours(call, &path.path)?;
                    count(call, path.path.len(), path.total)
                }
            }
        }
        "order" => order_of(matches, call),
        "diagram" => diagram(matches, call),
        _ => Err(CliError::Usage(format!("there is no verb '{verb}'"))),
    }
}

fn change(verb: &str, matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    let id = call.order_of(matches)?;
    let on = match word(matches, "on") {
        "" => word(matches, "depends-on"),
        on => on,
    };
    let on = call.order(on)?;
    let intent = match verb {
        "add" => Intent::AddDependency { id, on },
        _ => Intent::RemoveDependency { id, on },
    };
    let Some(outcome) = submit(call, intent)? else {
        return Ok(());
    };
    let order = id.to_string();
    report(call, &outcome, &Query::Status { order })
}

fn epic(matches: &ArgMatches, call: &mut Call<'_>) -> Result<Option<OrderId>, CliError> {
    match word(matches, "epic") {
        "" => Ok(None),
        id => call.order(id).map(Some),
    }
}

fn show(call: &mut Call<'_>, tree: &DependencyTree) -> Done {
    if call.json() {
        return call.out.json(tree);
    }
    let unicode = call.out.style.unicode;
    for line in &tree.rows {
        let tone = match line.status {
            Some(Status::Completed) => Tone::Good,
            Some(Status::Cancelled) => Tone::Bad,
            _ => Tone::Plain,
        };
        let status = line.status.map_or("", Status::word);
        let mut notes = String::new();
        if line.critical {
            notes.push_str("  critical");
        }
        if line.repeated {
            notes.push_str("  see above");
        }
        if line.hidden > 0 {
            notes.push_str(&format!("  {} more beneath", line.hidden));
        }
        call.out.spans(&[
            (Tone::Muted, &branch(line, unicode)),
            (Tone::Head, &line.id.to_string()),
            (tone, &format!("  {status:<11}  ")),
            (Tone::Plain, &line.title),
            (Tone::Warn, &notes),
        ])?;
    }
    if tree.omitted > 0 {
        let text = format!(
            "{} of {} are not shown; raise --limit",
            tree.omitted, tree.total
        );
        call.out.tone(Tone::Muted, &text)?;
    }
    if tree.critical_path.len() > 1 {
        let ids: Vec<String> = tree.critical_path.iter().map(OrderId::to_string).collect();
        let time = span(tree.critical_minutes.saturating_mul(MINUTE));
        call.out
            .line(&format!("longest chain: {} ({time})", ids.join(", ")))?;
    }
    Ok(())
}

/// Returns the lines that lead to a row: a child hangs on a double line, a wait on a single one.
fn branch(line: &TreeRow, unicode: bool) -> String {
    let Some((own, above)) = line.last.split_last() else {
        return String::new();
    };
    let child = line.link == Some(Hang::Child);
    let mut text = String::new();
    for last in above {
        text.push_str(match (last, unicode) {
            (true, _) => "   ",
            (false, true) => "│  ",
            (false, false) => "|  ",
        });
    }
    text.push_str(match (unicode, own, child) {
        (true, true, false) => "└─ ",
        (true, false, false) => "├─ ",
        (true, true, true) => "╘═ ",
        (true, false, true) => "╞═ ",
        (false, true, false) => "`- ",
        (false, false, false) => "|- ",
        (false, true, true) => "`= ",
        (false, false, true) => "|= ",
    });
    text
}

fn neighbours(call: &mut Call<'_>, neighbours: &[Neighbour]) -> Done {
    let mut table = Table::new([left(""), left(""), flex("")]);
    for neighbour in neighbours {
        table.row(row(neighbour));
    }
    call.out.rows(&table)
}

fn order_of(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    let (epic, limit) = (epic(matches, call)?, value(matches, "limit"));
    if matches.get_flag("critical") {
        let chain = answer!(call, Query::CriticalPath { epic }, CriticalPath);
        if call.json() {
            return call.out.json(&chain);
        }
        let mut table = Table::new([
            left("ID"),
            left("STATUS").drop(2),
            right("TIME"),
            left("BY").drop(1),
            flex("TITLE"),
        ]);
        for step in &chain.chain {
            table.row([
                cell(step.order.id),
                maybe(step.order.status),
                cell(span(step.minutes.saturating_mul(MINUTE))),
                cell(step.basis),
                cell(&step.order.title),
            ]);
        }
        call.out.table(&table)?;
        let time = span(chain.total_minutes.saturating_mul(MINUTE));
        return call
            .out
            .line(&format!("{} work orders, {time} in all", chain.total));
    }
    if matches.get_flag("layers") {
        let layers = answer!(call, Query::Layers { epic, limit }, Layers);
        if call.json() {
            return call.out.json(&layers);
        }
        for (depth, layer) in layers.layers.iter().enumerate() {
            call.out.tone(Tone::Head, &format!("after {depth}"))?;
            neighbours(call, layer)?;
        }
        return count(call, layers.layers.iter().map(Vec::len).sum(), layers.total);
    }
    let order = answer!(
        call,
        Query::TopologicalOrder { epic, limit },
        TopologicalOrder
    );
    if call.json() {
        return call.out.json(&order);
    }
    neighbours(call, &order.order)?;
    count(call, order.order.len(), order.total)
}

fn count(call: &mut Call<'_>, shown: usize, total: usize) -> Done {
    match shown < total {
        true => call
            .out
            .tone(Tone::Muted, &format!("{shown} of {total}; raise --limit")),
        false => Ok(()),
    }
}

fn diagram(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    let root = epic(matches, call)?;
    let diagram = answer!(call, Query::Diagram { root }, Diagram);
    let Some(path) = matches.get_one::<PathBuf>("output") else {
        return match call.json() {
            true => call.out.json(&diagram),
            false => call.out.block(0, &diagram.mermaid),
        };
    };
    call.no_dry_run("Writing a file")?;
    fs::write(path, &diagram.mermaid).map_err(|fault| error::file(path, "writing", &fault))?;
    if call.json() {
        let output = path.display().to_string();
        let (total, omitted) = (diagram.total, diagram.omitted);
        return call
            .out
            .json(&serde_json::json!({ "output": output, "total": total, "omitted": omitted }));
    }
    let left_out = match diagram.omitted {
        0 => String::new(),
        omitted => format!(", {omitted} left out"),
    };
    call.out.line(&format!(
        "wrote {}: {} work orders{left_out}",
        path.display(),
        diagram.total
    ))
}
