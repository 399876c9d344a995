//! Tokens and cost as text.

use crate::{
    cli::{
        context::Call,
        error::Done,
        output::Tone,
        table::{Cell, Table, cell, flex, left, maybe, right},
        work_order::show::heading,
    },
    domain::{
        query::reports::usage::{BudgetStanding, UsageReport},
        usage::UsageView,
    },
};

/// What a row is of, a title, and what was used up.
type Row<'a> = (String, &'a str, UsageView);

/// Prints what was used up by days, or by what was asked for, and how budgets stand.
pub(super) fn show(call: &mut Call<'_>, report: &UsageReport, by: Option<&str>) -> Done {
    let (name, rows, total): (_, Vec<Row<'_>>, _) = match by {
        Some("bucket") => {
            let buckets = report.buckets.iter();
            let rows = buckets.map(|one| (one.bucket.to_string(), "", one.used));
            ("BUCKET", rows.collect(), report.buckets.len())
        }
        Some("agent") => {
            let agents = report.agents.iter();
            let rows = agents.map(|one| (one.agent.clone(), "", one.used));
            ("AGENT", rows.collect(), report.agents_total)
        }
        Some("order") => {
            let orders = report.orders.iter();
            let rows = orders.map(|one| (one.id.to_string(), &*one.title, one.used));
            ("ORDER", rows.collect(), report.orders_total)
        }
        _ => {
            let days = report.days.iter();
            let rows = days.map(|one| (one.date.clone(), "", one.used));
            ("DAY", rows.collect(), report.days.len())
        }
    };
    let mut table = Table::new([left(name), right("TOKENS"), right("COST"), flex("")]);
    let shown = rows.len();
    for (name, title, used) in rows {
        table.row([cell(name), cell(used.tokens), cell(used.cost), cell(title)]);
    }
    call.out.table(&table)?;
    if shown < total {
        let more = format!("{shown} of {total}; raise --limit");
        call.out.tone(Tone::Muted, &more)?;
    }
    let used = format!("{} from {} to {}", report.used, report.since, report.until);
    call.out.block(0, &used)?;
    if report.budgets.is_empty() {
        return Ok(());
    }
    heading(call, "budgets")?;
    let mut table = Table::new([
        left("OF"),
        left("STATE"),
        left("UNTIL").drop(1),
        flex("USED"),
    ]);
    for budget in &report.budgets {
        table.row([
            cell(format!("  {}", budget.scope)),
            state(budget),
            maybe(budget.until),
            cell(budget.limit.against(budget.used)),
        ]);
    }
    call.out.table(&table)
}

fn state(budget: &BudgetStanding) -> Cell {
    match budget.spent {
        true => Cell::toned(Tone::Bad, "spent"),
        false => Cell::toned(Tone::Good, "open"),
    }
}
