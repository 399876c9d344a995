//! What came, what stood where and what was done, as text.

use super::{due, percent};
use crate::{
    cli::{
        context::Call,
        error::Done,
        output::Tone,
        table::{Cell, Table, cell, flex, left, maybe, right},
        work_order::show::heading,
    },
    domain::query::reports::{
        flow::{Flow, FlowOn},
        sla::Sla,
        velocity::Velocity,
    },
};

/// The longest bar of a chart, in cells.
const BAR: u64 = 40;

fn bar(call: &Call<'_>, value: u64, most: u64) -> String {
    let cells = value.saturating_mul(BAR).checked_div(most).unwrap_or(0);
    let block = if call.out.style.unicode { "█" } else { "#" };
    block.repeat(usize::try_from(cells).unwrap_or(0))
}

/// Prints completions by day.
pub(super) fn velocity(call: &mut Call<'_>, velocity: &Velocity) -> Done {
    let most = velocity
        .days
        .iter()
        .map(|day| day.completed)
        .max()
        .unwrap_or(0);
    let mut table = Table::new([left("DAY"), right("COMPLETED"), flex("")]);
    for day in &velocity.days {
        let bar = bar(call, day.completed, most);
        table.row([
            cell(&day.date),
            cell(day.completed),
            Cell::toned(Tone::Good, bar),
        ]);
    }
    call.out.table(&table)?;
    let trend = velocity
        .trend
        .map_or_else(String::new, |trend| format!(", trend {trend} a day"));
    call.out.block(
        0,
        &format!(
            "{} completed from {} to {}: {} a day, {} a week{trend}",
            velocity.completed, velocity.since, velocity.until, velocity.per_day, velocity.per_week
        ),
    )?;
    let done = velocity
        .buckets
        .iter()
        .filter(|bucket| bucket.completed > 0);
    let texts: Vec<String> = done
        .map(|bucket| format!("{} {}", bucket.bucket, bucket.completed))
        .collect();
    match texts.is_empty() {
        true => Ok(()),
        false => call.out.line(&texts.join(", ")),
    }
}

/// Prints how promises are kept, and what is left until the next are broken.
pub(super) fn sla(call: &mut Call<'_>, sla: &Sla) -> Done {
    let mut table = Table::new([
        left("BUCKET"),
        right("SLA"),
        right("IN TIME"),
        right("LATE"),
        right("COMPLIANCE"),
        right("AT RISK").drop(2),
        right("BREACHED").drop(1),
    ]);
    for bucket in &sla.buckets {
        table.row([
            cell(bucket.bucket),
            maybe(bucket.sla_hours.map(|hours| format!("{hours}h"))),
            cell(bucket.met),
            cell(bucket.missed),
            cell(percent(bucket.compliance_percent)),
            cell(bucket.at_risk),
            cell(bucket.breached),
        ]);
    }
    call.out.table(&table)?;
    let text = match sla.compliance_percent {
        Some(percent) => format!("since {}: {percent} % in time", sla.since),
        None => format!("since {}: nothing with a promise was completed", sla.since),
    };
    call.out.block(0, &text)?;
    if sla.due.orders.is_empty() {
        return Ok(());
    }
    heading(call, &format!("next of {} that are due", sla.due.total))?;
    due(call, &sla.due.orders)
}

/// Prints how many orders stood where at each day's end.
pub(super) fn flow(call: &mut Call<'_>, flow: &Flow) -> Done {
    let mut table = Table::new([
        left("DAY"),
        right("ARRIVED").drop(1),
        right("DEPARTED").drop(2),
        right("QUEUED"),
        right("IN PROGRESS"),
        right("DONE"),
        flex("BY STAGE"),
    ]);
    for day in &flow.days {
        table.row([
            cell(&day.date),
            cell(day.arrived),
            cell(day.departed),
            cell(day.queued),
            cell(day.in_progress),
            cell(day.done),
            cell(by_stage(flow, day)),
        ]);
    }
    call.out.table(&table)?;
    call.out.block(
        0,
        &format!("{} arrived, {} departed", flow.arrived, flow.departed),
    )
}

/// Returns how many stood in each stage, those stages left out in which none did.
fn by_stage(flow: &Flow, day: &FlowOn) -> String {
    let counts = flow.stages.iter().zip(&day.stages);
    let texts: Vec<String> = counts
        .filter(|(_, count)| **count > 0)
        .map(|(stage, count)| format!("{stage} {count}"))
        .collect();
    texts.join(", ")
}
