//! The handover of a shift, as text.

use super::{due, length, standing};
use crate::{
    cli::{
        context::Call,
        error::Done,
        output::Tone,
        table::{Cell, Table, cell, flex, left, maybe, right},
        work_order::show::heading,
    },
    domain::{
        andon::Severity,
        query::reports::{
            due::Standing,
            handover::{Deeds, Handover, HandoverAlert},
        },
        record::Head,
        time::{SECOND, Timestamp},
    },
};

/// Prints what the next shift needs to know.
pub(super) fn show(call: &mut Call<'_>, handover: &Handover) -> Done {
    call.out.tone(
        Tone::Head,
        &format!("handover at {}, since {}", handover.at, handover.since),
    )?;
    call.out.block(
        0,
        &format!(
            "{} open alerts; {} past their SLA, {} break it within a shift; {} in progress",
            handover.alerts_total,
            handover.due.breached,
            handover.due_next_shift,
            handover.working_total
        ),
    )?;
    alerts(call, &handover.alerts, handover.alerts_total)?;
    if !handover.due.orders.is_empty() {
        heading(call, &format!("due next: {}", handover.due.total))?;
        due(call, &handover.due.orders)?;
        rest(call, handover.due.orders.len(), handover.due.total)?;
    }
    for (name, of) in [
        ("completed", &handover.completed),
        ("cancelled", &handover.cancelled),
        ("started", &handover.started),
        ("blocked", &handover.blocked),
        ("alerts raised", &handover.raised),
        ("alerts resolved", &handover.resolved),
    ] {
        deeds(call, name, of)?;
    }
    if !handover.working.is_empty() {
        heading(call, &format!("in progress: {}", handover.working_total))?;
        let mut table = Table::new([
            left(""),
            left(""),
            left("").drop(1),
            left("").drop(2),
            flex(""),
        ]);
        for hands in &handover.working {
            for order in &hands.orders {
                table.row([
                    cell(format!("  {}", hands.holder)),
                    cell(order.id),
                    maybe(order.stage.as_ref()),
                    standing(order),
                    cell(&order.title),
                ]);
            }
        }
        call.out.rows(&table)?;
        let shown = handover.working.iter().map(|hands| hands.orders.len());
        rest(call, shown.sum(), handover.working_total)?;
    }
    leases(call, handover)?;
    let Head { seq, hash } = handover.anchor;
    call.out.line("")?;
    // Whole, whatever the width: it is to be copied.
    call.out.verbatim(&format!(
        "checked by: obeya ledger verify --anchor {seq}:{hash}\n"
    ))
}

fn alerts(call: &mut Call<'_>, alerts: &[HandoverAlert], total: u64) -> Done {
    if alerts.is_empty() {
        return Ok(());
    }
    heading(call, &format!("open alerts: {total}"))?;
    let mut table = Table::new([
        left(""),
        left(""),
        right("").drop(4),
        left("").drop(2),
        left(""),
        left("").drop(3),
        flex(""),
    ]);
    for one in alerts {
        let alert = &one.alert;
        let tone = match alert.severity {
            Severity::Critical | Severity::High => Tone::Bad,
            Severity::Medium => Tone::Warn,
            Severity::Low => Tone::Plain,
        };
        let noticed = match &alert.acknowledged_by {
            Some(by) => cell(format!("noticed by {by}")),
            None => Cell::toned(Tone::Warn, "nobody took notice"),
        };
        let names: Vec<String> = one.owners.iter().map(ToString::to_string).collect();
        let owners = match names.is_empty() {
            true => Cell::default(),
            false => cell(format!("mended by {}", names.join(", "))),
        };
        table.row([
            cell(format!("  {}", alert.id)),
            Cell::toned(tone, alert.severity),
            cell(length(alert.age_seconds)),
            maybe(alert.hold.as_ref().map(|scope| format!("holds {scope}"))),
            noticed,
            owners,
            cell(&alert.reason),
        ]);
    }
    call.out.rows(&table)?;
    rest(call, alerts.len(), total)
}

fn deeds(call: &mut Call<'_>, name: &str, of: &Deeds) -> Done {
    if of.deeds.is_empty() {
        return Ok(());
    }
    heading(call, &format!("{name}: {}", of.total))?;
    let mut table = Table::new([left(""), left("").drop(1), flex(""), flex("")]);
    for deed in &of.deeds {
        table.row([
            cell(format!("  {}", deed.subject)),
            cell(&deed.by),
            cell(&deed.text),
            maybe(deed.note.as_ref()),
        ]);
    }
    call.out.rows(&table)?;
    rest(call, of.deeds.len(), of.total)
}

fn leases(call: &mut Call<'_>, handover: &Handover) -> Done {
    if handover.leases.is_empty() {
        return Ok(());
    }
    heading(
        call,
        &format!("leases that lapse next: {}", handover.leases_total),
    )?;
    let mut table = Table::new([left(""), right(""), left(""), flex("")]);
    for order in &handover.leases {
        table.row([
            cell(format!("  {}", order.id)),
            lapses(order, handover.at.0),
            maybe(order.holder.as_ref()),
            cell(&order.title),
        ]);
    }
    call.out.rows(&table)?;
    rest(call, handover.leases.len(), handover.leases_total)
}

fn lapses(order: &Standing, now: Timestamp) -> Cell {
    let Some(lease) = order.lease else {
        return Cell::default();
    };
    match lease.expires_at.0.since(now) / SECOND {
        0 => Cell::toned(Tone::Bad, "over"),
        left => cell(format!("in {}", length(left))),
    }
}

fn rest(call: &mut Call<'_>, shown: usize, total: u64) -> Done {
    match total.saturating_sub(shown as u64) {
        0 => Ok(()),
        more => call
            .out
            .tone(Tone::Muted, &format!("  and {more} more; raise --limit")),
    }
}
