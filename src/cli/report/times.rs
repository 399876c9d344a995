//! How long orders take, as text.

use super::{length, standing};
use crate::{
    cli::{
        context::Call,
        error::Done,
        output::Tone,
        table::{Cell, Table, cell, flex, left, maybe, right},
    },
    domain::query::reports::{
        ageing::Ageing,
        cycle_time::CycleTimes,
        lead_time::{LeadTime, Percentiles},
    },
};

/// Prints percentiles of lead and cycle time.
pub(super) fn lead_time(call: &mut Call<'_>, times: &LeadTime) -> Done {
    let mut table = Table::new([
        left("BUCKET"),
        left("TIME"),
        right("COUNT"),
        right("HALF"),
        right("85 %"),
        right("95 %"),
    ]);
    let mut add = |name: &str, sort: &str, of: &Percentiles| {
        let time = |seconds: Option<i64>| cell(seconds.map_or_else(|| "-".into(), length));
        table.row([
            cell(name),
            cell(sort),
            cell(of.count),
            time(of.p50_seconds),
            time(of.p85_seconds),
            time(of.p95_seconds),
        ]);
    };
    add("all", "lead", &times.lead);
    add("", "cycle", &times.cycle);
    for bucket in &times.buckets {
        add(bucket.bucket.word(), "lead", &bucket.lead);
        add("", "cycle", &bucket.cycle);
    }
    call.out.table(&table)?;
    call.out.block(
        0,
        &format!(
            "since {}: lead from creation, cycle from the first start",
            times.since
        ),
    )
}

/// Prints the cycle times of completed orders.
pub(super) fn cycle_times(call: &mut Call<'_>, times: &CycleTimes) -> Done {
    let mut table = Table::new([
        left("ID"),
        left("COMPLETED"),
        right("CYCLE"),
        right("LEAD").drop(1),
        left("BUCKET").drop(2),
        flex("TITLE"),
    ]);
    for order in &times.orders {
        table.row([
            cell(order.id),
            cell(order.completed_at),
            cell(length(order.cycle_seconds)),
            cell(length(order.lead_seconds)),
            cell(order.bucket),
            cell(&order.title),
        ]);
    }
    if !times.orders.is_empty() {
        call.out.table(&table)?;
    }
    let more = times.total.saturating_sub(times.orders.len() as u64);
    if more > 0 {
        let text = format!("and {more} more; raise --limit");
        call.out.tone(Tone::Muted, &text)?;
    }
    call.out.block(
        0,
        &format!(
            "since {}: {}; {} more were completed without a start here",
            times.since,
            quantiles(&times.cycle),
            times.without_start
        ),
    )
}

/// Prints the orders in progress by age.
pub(super) fn ageing(call: &mut Call<'_>, ageing: &Ageing) -> Done {
    let mut table = Table::new([
        left("ID"),
        left("STAGE"),
        right("AGE"),
        right("IN STAGE").drop(1),
        right("OLDER THAN"),
        left("HOLDER").drop(2),
        left("").drop(3),
        flex("TITLE"),
    ]);
    for one in &ageing.orders {
        let (tone, share) = match one.older_than_percent {
            Some(share) if share >= 95 => (Tone::Bad, Some(share)),
            Some(share) if share >= 85 => (Tone::Warn, Some(share)),
            share => (Tone::Plain, share),
        };
        let share = share.map_or_else(|| "-".into(), |share| format!("{share} %"));
        table.row([
            cell(one.order.id),
            maybe(one.order.stage.as_ref()),
            cell(length(one.age_seconds)),
            cell(length(one.in_stage_seconds)),
            Cell::toned(tone, share),
            maybe(one.order.holder.as_ref()),
            standing(&one.order),
            cell(&one.order.title),
        ]);
    }
    match ageing.orders.is_empty() {
        true => call.out.line("nothing is in progress")?,
        false => call.out.table(&table)?,
    }
    let more = ageing.total.saturating_sub(ageing.orders.len() as u64);
    if more > 0 {
        let text = format!("and {more} more; raise --limit");
        call.out.tone(Tone::Muted, &text)?;
    }
    call.out.block(
        0,
        &format!(
            "completed since {}: {}",
            ageing.since,
            quantiles(&ageing.cycle)
        ),
    )
}

/// Returns percentiles in words.
fn quantiles(of: &Percentiles) -> String {
    match (of.p50_seconds, of.p85_seconds, of.p95_seconds) {
        (Some(half), Some(most), Some(nearly)) => format!(
            "of {} orders half took at most {}, 85 % {}, 95 % {}",
            of.count,
            length(half),
            length(most),
            length(nearly)
        ),
        _ => "no order was started and completed".into(),
    }
}
