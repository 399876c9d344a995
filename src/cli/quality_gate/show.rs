//! Gates and evidence as text.

use crate::{
    cli::{
        context::{Call, answer},
        error::Done,
        output::Tone,
        table::{Cell, Table, cell, flex, left, maybe},
    },
    domain::{
        gate::{GateEvidence, GateHold, GateRule, Standing, Tree},
        query::{
            Query,
            gates::{GateView, Gates},
        },
    },
};

/// How many orders in progress are shown with their gates.
const ORDERS: usize = 200;

/// Prints the gates' rules.
pub(super) fn rules(call: &mut Call<'_>, gates: &[GateView]) -> Done {
    if gates.is_empty() {
        return call.out.line("there are no quality gates: write [gates.NAME] into obeya.toml, or see `obeya quality-gate preset --help`");
    }
    let mut table = Table::new([
        left("GATE"),
        left("SORT"),
        left("STAGE"),
        left("FOR").drop(2),
        left("ON FAILURE").drop(1),
    ]);
    for GateView { gate, rule, .. } in gates {
        table.row([
            cell(gate),
            cell(sort(rule)),
            maybe(rule.stage.as_ref()),
            cell(asked_of(rule)),
            cell(match rule.hold {
                GateHold::Nothing => rule.severity.to_string(),
                hold => format!("{}, holds {hold}", rule.severity),
            }),
        ]);
    }
    call.out.table(&table)
}

fn sort(rule: &GateRule) -> &'static str {
    match (rule.approval, rule.required) {
        (true, true) => "approval",
        (true, false) => "advisory approval",
        (false, true) => "required",
        (false, false) => "advisory",
    }
}

fn asked_of(rule: &GateRule) -> String {
    let buckets = rule.buckets.iter().map(ToString::to_string);
    let all: Vec<_> = buckets
        .chain(rule.kinds.iter().map(ToString::to_string))
        .collect();
    match all.is_empty() {
        true => "all".into(),
        false => all.join(", "),
    }
}

fn tone(standing: &Standing) -> Tone {
    match standing {
        Standing::Passed => Tone::Good,
        Standing::Missing | Standing::Running | Standing::Stale { .. } => Tone::Warn,
        Standing::Failed { .. } => Tone::Bad,
    }
}

/// Prints how one order stands at its gates.
pub(super) fn order(call: &mut Call<'_>, gates: &Gates) -> Done {
    let Some(id) = gates.order else { return Ok(()) };
    if gates.gates.is_empty() {
        return call.out.line(&format!("no quality gate is asked of {id}"));
    }
    let mut table = Table::new([
        left("GATE"),
        left("STANDS"),
        left("SORT"),
        left("STAGE").drop(1),
        left("SEEN").drop(2),
        flex("WHAT"),
    ]);
    for view in &gates.gates {
        let standing = view.standing.as_ref().unwrap_or(&Standing::Missing);
        let seen = view.evidence.as_ref();
        table.row([
            cell(&view.gate),
            Cell::toned(tone(standing), standing.words(view.rule.approval)),
            cell(sort(&view.rule)),
            maybe(view.rule.stage.as_ref()),
            maybe(seen.map(|seen| crate::domain::query::value::Moment(seen.at))),
            maybe(seen.and_then(|seen| seen.run.note.as_ref().or(seen.run.command.as_ref()))),
        ]);
    }
    call.out.table(&table)
}

/// Prints how the orders in progress stand.
pub(super) fn orders(call: &mut Call<'_>) -> Done {
    let filter = crate::domain::query::filter::Filter {
        status: Some(crate::domain::query::filter::Condition::InProgress),
        ..Default::default()
    };
    let (all, sort, limit, after) = (false, Default::default(), Some(ORDERS), None);
    let query = Query::WorkOrders {
        filter,
        all,
        sort,
        limit,
        after,
    };
    let orders = answer!(call, query, WorkOrders);
    let mut views = vec![];
    for order in &orders.work_orders {
        let order = Some(order.id.to_string());
        views.push(answer!(call, Query::Gates { order }, Gates));
    }
    if call.json() {
        return call.out.json(&views);
    }
    let mut table = Table::new([
        left("ORDER"),
        left("GATE"),
        left("STANDS"),
        left("SORT").drop(1),
    ]);
    for gates in &views {
        for view in &gates.gates {
            let standing = view.standing.as_ref().unwrap_or(&Standing::Missing);
            table.row([
                maybe(gates.order),
                cell(&view.gate),
                Cell::toned(tone(standing), standing.words(view.rule.approval)),
                cell(self::sort(&view.rule)),
            ]);
        }
    }
    if views.iter().all(|gates| gates.gates.is_empty()) {
        return call
            .out
            .line("no quality gate is asked of what is in progress");
    }
    call.out.table(&table)
}

/// Prints what was seen.
pub(super) fn evidence(call: &mut Call<'_>, seen: &GateEvidence) -> Done {
    let run = &seen.run;
    let tree = match &run.tree {
        Tree::Git { commit, tree } => format!(
            "tree {tree} on {}",
            commit.as_deref().unwrap_or("no commit")
        ),
        Tree::Unversioned => "not under version control".into(),
        Tree::Unknown => "not known".into(),
    };
    let facts = [
        ("verdict", Some(run.verdict.words().to_owned())),
        ("note", run.note.clone()),
        ("command", run.command.clone()),
        ("exit", run.exit.map(|exit| exit.to_string())),
        ("took", run.duration_ms.map(|ms| format!("{ms} ms"))),
        ("code", Some(tree)),
        (
            "by",
            Some(
                run.asked
                    .as_ref()
                    .map_or(seen.by.to_string(), ToString::to_string),
            ),
        ),
        ("record", Some(seen.seq.to_string())),
        ("output", run.output.map(|hash| format!("SHA-256 {hash}"))),
    ];
    for (name, text) in facts {
        if let Some(text) = text {
            call.out.fact(name, &text)?;
        }
    }
    Ok(())
}
