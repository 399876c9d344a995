//! Work orders as text.

use crate::cli::{
    context::Call,
    error::Done,
    output::Tone,
    table::{Cell, Table, cell, flex, left, maybe, right},
};
use crate::domain::{
    order::Status,
    query::{
        detail::{Neighbour, OrderDetail},
        order_view::{OrderView, SlaState},
        orders::WorkOrders,
        value::span,
        why::Why,
    },
    record::ActorKind,
    time::{MINUTE, SECOND},
};

/// Prints a page of orders.
pub(super) fn list(call: &mut Call<'_>, page: &WorkOrders) -> Done {
    if call.json() {
        return call.out.json(page);
    }
    if page.work_orders.is_empty() {
        return call.out.line("no work orders");
    }
    let mut table = Table::new([
        left("ID"),
        right("PRI"),
        left("STATUS"),
        left("BUCKET").drop(3),
        left("KIND").drop(5),
        left("HOLDER").drop(2),
        right("AGE").drop(4),
        left("SLA").drop(1),
        flex("TITLE"),
    ]);
    for order in &page.work_orders {
        let (tone, standing) = standing(order);
        table.row([
            cell(order.id),
            cell(order.priority),
            Cell::toned(tone, standing),
            cell(order.bucket),
            cell(order.kind),
            maybe(order.holder.as_ref()),
            cell(span(order.age_seconds.saturating_mul(SECOND))),
            sla(order.sla),
            cell(&order.title),
        ]);
    }
    call.out.table(&table)?;
    let shown = page.work_orders.len();
    match &page.next {
        Some(next) => {
            let text = format!(
                "{shown} of {}; more with a higher --limit, or the next page with --after {next}",
                page.total
            );
            call.out.whole(&[(Tone::Muted, &text)])
        }
        None => Ok(()),
    }
}

fn sla(state: SlaState) -> Cell {
    match state {
        SlaState::Ok => Cell::toned(Tone::Good, "ok"),
        SlaState::AtRisk => Cell::toned(Tone::Warn, "at risk"),
        SlaState::Breached => Cell::toned(Tone::Bad, "breached"),
        SlaState::None => Cell::default(),
    }
}

/// Returns an order's status in a word or two: a stage when in progress, what is in the way when queued.
fn standing(order: &OrderView) -> (Tone, String) {
    match order.status {
        Status::InProgress => {
            let tone = if order.held_by.is_empty() {
                Tone::Plain
            } else {
                Tone::Bad
            };
            let stage = order.stage.as_deref().unwrap_or("in progress");
            match (
                order.held_by.is_empty(),
                order.waits_for_approval.is_empty(),
            ) {
                (false, _) => (tone, format!("{stage}, held")),
                (true, true) => (tone, stage.into()),
                (true, false) => (Tone::Warn, format!("{stage}, waits for approval")),
            }
        }
        Status::Queued if !order.held_by.is_empty() => (Tone::Bad, "held".into()),
        Status::Queued if order.blocked => (Tone::Warn, "blocked".into()),
        Status::Queued if order.ready => (Tone::Good, "ready".into()),
        status => (Tone::Muted, status.to_string()),
    }
}

/// Prints where one order stands.
pub(super) fn status(call: &mut Call<'_>, order: &OrderView) -> Done {
    if call.json() {
        return call.out.json(order);
    }
    call.out.whole(&[
        (Tone::Head, &order.id.to_string()),
        (Tone::Plain, "  "),
        (Tone::Plain, &order.title),
    ])?;
    facts(call, order)
}

fn facts(call: &mut Call<'_>, order: &OrderView) -> Done {
    let (_, short) = standing(order);
    let mut status = order.status.to_string();
    if status != short {
        status = format!("{status} ({short})");
    }
    call.out.fact("status", &status)?;
    if let Some(holder) = &order.holder {
        let lease = order.lease.map_or_else(String::new, |lease| {
            format!(", epoch {}, until {}", lease.epoch, lease.expires_at)
        });
        let sort = if holder.kind == ActorKind::Agent {
            "agent "
        } else {
            ""
        };
        call.out
            .fact("held by", &format!("{sort}{holder}{lease}"))?;
    }
    let class = format!(
        "{}, priority {}, {}",
        order.bucket, order.priority, order.kind
    );
    call.out.fact("class", &class)?;
    if let Some(due) = order.due_at {
        call.out.fact(
            "due",
            &format!("{due} ({})", order.sla.word().replace('_', " ")),
        )?;
    }
    call.out.fact(
        "created",
        &format!(
            "{}, {} old",
            order.created_at,
            span(order.age_seconds.saturating_mul(SECOND))
        ),
    )?;
    if let Some(closed) = order.closed_at {
        call.out.fact("closed", &closed.to_string())?;
    }
    let texts = [
        ("reason", order.cancel_reason.clone()),
        ("sku", order.sku.clone()),
        (
            "receipt",
            order.receipt.map(|number| format!("number {number}")),
        ),
        ("assignee", order.assignee.clone()),
        ("labels", some(&order.labels)),
        ("parent", order.parent.map(|id| id.to_string())),
        (
            "estimate",
            order
                .estimate_minutes
                .map(|minutes| span(i64::from(minutes) * MINUTE)),
        ),
        ("elsewhere", order.external_id.clone()),
        ("held by", some(&order.held_by)),
        ("waits for", some(&order.waits_for)),
        ("blocks", some(&order.blocks)),
        ("mends", some(&order.corrective_for)),
        (
            "used",
            (!order.usage.is_none()).then(|| order.usage.to_string()),
        ),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            call.out.fact(name, &text)?;
        }
    }
    if let Some(children) = order.children {
        let text = format!(
            "{} open, {} completed, {} cancelled",
            children.open, children.completed, children.cancelled
        );
        call.out.fact("children", &text)?;
    }
    Ok(())
}

fn some<T: ToString>(items: &[T]) -> Option<String> {
    let texts: Vec<String> = items.iter().map(T::to_string).collect();
    (!texts.is_empty()).then(|| texts.join(", "))
}

/// Prints all about one order.
pub(super) fn detail(call: &mut Call<'_>, detail: &OrderDetail) -> Done {
    if call.json() {
        return call.out.json(detail);
    }
    status(call, &detail.order)?;
    if let Some(description) = detail
        .description
        .as_deref()
        .filter(|text| !text.is_empty())
    {
        call.out.line("")?;
        call.out.block(2, description)?;
    }
    neighbours(call, "depends on", &detail.depends_on)?;
    neighbours(call, "blocks", &detail.dependents)?;
    neighbours(call, "children", &detail.child_orders)?;
    neighbours(call, "part of", detail.parent_order.as_slice())?;
    if !detail.links.is_empty() {
        heading(call, "links")?;
        for link in &detail.links {
            call.out.line(&format!("  {} {}", link.kind, link.target))?;
        }
    }
    if !detail.why.is_empty() {
        heading(call, "why it is not moving")?;
        for reason in &detail.why {
            call.out.line(&format!("  {}", reason.text))?;
        }
    }
    if !detail.gates.is_empty() {
        heading(call, "quality gates")?;
        for view in &detail.gates {
            let standing = view.standing.as_ref().map(|s| s.words(view.rule.approval));
            let advisory = if view.rule.required {
                ""
            } else {
                " (advisory)"
            };
            let words = standing.unwrap_or_default();
            call.out
                .line(&format!("  {}: {words}{advisory}", view.gate))?;
        }
    }
    if let Some(none) = &detail.no_receipt {
        heading(call, "no receipt")?;
        call.out.line(&format!("  {none}"))?;
    }
    if !detail.latest_comments.is_empty() {
        heading(call, "comments")?;
        for comment in &detail.latest_comments {
            call.out
                .tone(Tone::Muted, &format!("  {} {}", comment.at, comment.author))?;
            call.out.block(4, &comment.text)?;
        }
    }
    heading(call, "timeline")?;
    for entry in &detail.timeline {
        call.out.spans(&[
            (Tone::Muted, &format!("  {}  {}  ", entry.at, entry.actor)),
            (Tone::Plain, &entry.text),
        ])?;
    }
    Ok(())
}

/// Prints a heading with an empty line before it.
pub(in crate::cli) fn heading(call: &mut Call<'_>, text: &str) -> Done {
    call.out.line("")?;
    call.out.tone(Tone::Head, text)
}

fn neighbours(call: &mut Call<'_>, name: &str, neighbours: &[Neighbour]) -> Done {
    if neighbours.is_empty() {
        return Ok(());
    }
    heading(call, name)?;
    let mut table = Table::new([left(""), left(""), flex("")]);
    for neighbour in neighbours {
        table.row(row(neighbour));
    }
    call.out.rows(&table)
}

/// Returns an order's id, status and title as cells.
pub(in crate::cli) fn row(neighbour: &Neighbour) -> [Cell; 3] {
    [
        cell(format!("  {}", neighbour.id)),
        maybe(neighbour.status),
        cell(&neighbour.title),
    ]
}

/// Prints why an order is not moving.
pub(super) fn why(call: &mut Call<'_>, why: &Why) -> Done {
    if call.json() {
        return call.out.json(why);
    }
    if why.reasons.is_empty() {
        return call
            .out
            .line(&format!("nothing is in the way of {}", why.id));
    }
    why.reasons
        .iter()
        .try_for_each(|reason| call.out.line(&reason.text))
}

/// Prints an order that the caller has just got.
pub(super) fn taken(call: &mut Call<'_>, order: &OrderView) -> Done {
    let stage = order.stage.as_deref().unwrap_or_default();
    let holder = order.holder.as_ref().map_or("", |holder| &holder.name);
    call.out.whole(&[
        (Tone::Head, &order.id.to_string()),
        (Tone::Plain, "  "),
        (Tone::Plain, &order.title),
    ])?;
    call.out.line(&format!("  in {stage}, held by {holder}"))?;
    match order.lease {
        Some(lease) => call.out.line(&format!(
            "  epoch {}, until {} unless renewed by a heartbeat",
            lease.epoch, lease.expires_at
        )),
        None => Ok(()),
    }
}
