//! How far an epic is, as text.

use super::percent;
use crate::{
    cli::{
        context::Call,
        error::Done,
        output::Tone,
        table::{Table, flex, left},
        work_order::show::{heading, row},
    },
    domain::{
        query::{reports::progress::Progress, value::span},
        time::MINUTE,
    },
};

/// Prints how far an epic is.
pub(super) fn show(call: &mut Call<'_>, progress: &Progress) -> Done {
    call.out.spans(&[
        (Tone::Head, &progress.id.to_string()),
        (Tone::Plain, &format!("  {}", progress.title)),
    ])?;
    if progress.total == 0 {
        return call
            .out
            .line(&format!("  {}, with nothing beneath it", progress.status));
    }
    let done = progress.total.saturating_sub(progress.cancelled);
    call.out.line(&format!(
        "  {} done: {} of {done} completed, {} in progress, {} queued, {} cancelled",
        percent(progress.percent),
        progress.completed,
        progress.in_progress,
        progress.queued,
        progress.cancelled
    ))?;
    call.out.line(&format!(
        "  {} blocked, {} held",
        progress.blocked, progress.held
    ))?;
    if progress.percent_by_estimate.is_some() {
        let left = i64::try_from(progress.remaining_minutes).unwrap_or(i64::MAX);
        let text = format!(
            "  by estimates {} done, {} to go",
            percent(progress.percent_by_estimate),
            span(left.saturating_mul(MINUTE))
        );
        call.out.line(&text)?;
    }
    if !progress.open.is_empty() {
        heading(call, "open")?;
        let mut table = Table::new([left(""), left(""), flex("")]);
        for order in &progress.open {
            table.row(row(order));
        }
        call.out.rows(&table)?;
    }
    if !progress.critical_path.chain.is_empty() {
        let time = span(progress.critical_path.total_minutes.saturating_mul(MINUTE));
        heading(call, &format!("the chain that takes longest: {time}"))?;
        let mut table = Table::new([left(""), left(""), flex("")]);
        for step in &progress.critical_path.chain {
            table.row(row(&step.order));
        }
        call.out.rows(&table)?;
    }
    Ok(())
}
