//! What is to be expected, as text.

use super::{left_until, standing};
use crate::{
    cli::{
        context::Call,
        error::Done,
        output::Tone,
        table::{Cell, Table, cell, flex, left, maybe, right},
    },
    domain::query::reports::{
        forecast::{Forecast, Sampled},
        risk::{Risk, RiskBasis},
    },
};

/// Prints when work will be done.
pub(super) fn forecast(call: &mut Call<'_>, forecast: &Forecast) -> Done {
    let what = match forecast.epic {
        Some(epic) => format!("{epic}: {} open orders", forecast.remaining),
        None => format!("{} open orders", forecast.remaining),
    };
    call.out.tone(Tone::Head, &what)?;
    if forecast.remaining == 0 {
        return call.out.line("  nothing is left to be done");
    }
    let mut table = Table::new([left(""), left(""), right("")]);
    for finish in [&forecast.p50, &forecast.p85, &forecast.p95]
        .into_iter()
        .flatten()
    {
        table.row([
            cell(format!("  {} %", finish.percent)),
            cell(format!("done by {}", finish.date)),
            cell(format!("in {} days", finish.days)),
        ]);
    }
    call.out.rows(&table)?;
    if forecast.p50.is_none() {
        call.out.tone(Tone::Warn, "  no date can be given")?;
    }
    let from = &forecast.throughput;
    let whose = match from.of {
        Sampled::Own => "their own throughput",
        Sampled::Line => "the whole line's throughput",
    };
    let sampled = match from.days {
        0 => format!("{whose}: no whole day has passed yet"),
        _ => format!(
            "{whose}, {} to {}: {} completed, {} a day, {} of {} days without any",
            from.since, from.until, from.completed, from.per_day, from.idle_days, from.days
        ),
    };
    call.out.block(0, &sampled)?;
    call.out.tone(
        Tone::Muted,
        &format!("{} trials, seed {}", forecast.trials, forecast.seed),
    )?;
    forecast
        .doubts
        .iter()
        .try_for_each(|doubt| call.out.block(0, &format!("doubt: {doubt}")))
}

/// Prints which promises are likely to be broken.
pub(super) fn risk(call: &mut Call<'_>, risk: &Risk) -> Done {
    if risk.orders.is_empty() {
        return call.out.line("no open order has a promise");
    }
    let mut table = Table::new([
        left("ID"),
        right("RISK"),
        right("BLOCKS"),
        right("LATE"),
        right("LEFT"),
        left("BASIS").drop(4),
        left("STAGE").drop(2),
        left("HOLDER").drop(1),
        left("").drop(3),
        flex("TITLE"),
    ]);
    for one in &risk.orders {
        let tone = match (one.basis, one.percent.0) {
            (RiskBasis::Breached, _) => Tone::Bad,
            (_, 50_000..) => Tone::Warn,
            _ => Tone::Plain,
        };
        table.row([
            cell(one.order.id),
            Cell::toned(tone, format!("{} %", one.percent)),
            cell(one.blocks),
            cell(one.expected_late),
            left_until(one.left_seconds),
            cell(one.basis),
            maybe(one.order.stage.as_ref()),
            maybe(one.order.holder.as_ref()),
            standing(&one.order),
            cell(&one.order.title),
        ]);
    }
    call.out.table(&table)?;
    let more = risk.total.saturating_sub(risk.orders.len() as u64);
    if more > 0 {
        let text = format!("and {more} more; raise --limit");
        call.out.tone(Tone::Muted, &text)?;
    }
    call.out.block(
        0,
        &format!(
            "{} of these promises are expected to be broken, by what was done since {}",
            risk.expected_breaches, risk.since
        ),
    )
}
