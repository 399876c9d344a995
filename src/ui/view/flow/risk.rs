//! The breach radar: open orders by how likely they break their promise, times what waits for them.

use ratatui::layout::Rect;

use super::{cell, due::left, list, number, plain, tenths};
use crate::{
    domain::query::reports::risk::{Risk, RiskBasis, RiskOrder},
    ui::{
        layout,
        model::Model,
        pen::Pen,
        theme::{Glyphs, Role},
        widget::{meter, wrapped_text::Paragraph},
        words,
    },
};

/// The narrowest drawing that has bars.
const WITH_BARS: u16 = 66;
/// The cells of a bar.
const BAR: u16 = 10;
/// All of a chance, as [`RiskOrder::percent`] counts: thousandths of a percent.
const WHOLE: u64 = 100_000;
/// A chance from which on a breach is likelier than not.
const LIKELY: i64 = 50_000;

/// Returns the figures in words.
pub(super) fn words(risk: &Risk) -> Vec<Paragraph> {
    let of = |basis: RiskBasis| risk.orders.iter().filter(|one| one.basis == basis).count();
    let total = usize::try_from(risk.total).unwrap_or(usize::MAX);
    let mut said = vec![
        Paragraph::of(words::count(total, "open order"), Role::Title)
            .with(" with a promise", Role::Text),
        Paragraph::of(tenths(risk.expected_breaches), Role::Title)
            .with(" more promises will probably be broken", Role::Text),
    ];
    let bases = [
        (RiskBasis::Breached, "past it already"),
        (RiskBasis::Bucket, "judged by orders of their bucket"),
        (RiskBasis::Line, "judged by the whole line"),
        (
            RiskBasis::Assumed,
            "without enough history: by the time that is gone",
        ),
    ];
    for (basis, word) in bases {
        match of(basis) {
            0 => {}
            count => said.push(
                Paragraph::of(format!("{count:>4} "), Role::Text)
                    .with(word, Role::Muted)
                    .hanging(5),
            ),
        }
    }
    said.push(plain(
        "late: the chance, times the order and all that wait for it",
    ));
    said.push(plain(format!("history since {}", risk.since)));
    let more = risk.total.saturating_sub(risk.orders.len() as u64);
    if more > 0 {
        said.push(plain(format!(
            "and {more} less risky ones that are not listed"
        )));
    }
    said
}

fn standing(one: &RiskOrder, glyphs: &Glyphs) -> (&'static str, Role) {
    match (one.basis, one.percent.0) {
        (RiskBasis::Breached, _) => (glyphs.sla_breached, Role::SlaBreached),
        (_, LIKELY..) => (glyphs.sla_at_risk, Role::SlaAtRisk),
        _ => (glyphs.sla_ok, Role::SlaOk),
    }
}

/// Draws a row for each order, the riskiest first.
pub(super) fn draw(model: &Model, risk: &Risk, area: Rect, pen: &mut Pen<'_>) {
    let (head, body) = layout::split_top(area, 1);
    if risk.orders.is_empty() {
        pen.say(head, 0, 0, "no open order has a promise", Role::Muted);
        return;
    }
    let bar = if area.width >= WITH_BARS { BAR } else { 0 };
    let after = 20 + if bar > 0 { bar + 1 } else { 0 };
    for (at, name) in [
        (2, "order"),
        (12, "chance"),
        (after, "late"),
        (after + 7, "waits"),
        (after + 14, "left"),
    ] {
        pen.say(head, at, 0, name, Role::Header);
    }
    list(model, body, risk.orders.len(), pen, |at, row, pen| {
        let Some(one) = risk.orders.get(at) else {
            return;
        };
        let (mark, role) = standing(one, pen.glyphs());
        cell(pen, row, (2, 9), &one.order.id.to_string(), Role::Link);
        cell(pen, row, (12, 1), mark, role);
        // A percent more or less tells nothing.
        let percent = one.percent.0.saturating_add(500) / 1000;
        number(pen, row, (13, 6), &format!("{percent} %"), role);
        if bar > 0 {
            let place = layout::split_left(layout::split_left(row, 20).1, bar).0;
            let chance = u64::try_from(one.percent.0).unwrap_or(0);
            meter::meter(pen, place, chance, WHOLE, role);
        }
        let late = tenths(one.expected_late);
        cell(pen, row, (after, 6), &late, Role::Text);
        cell(
            pen,
            row,
            (after + 7, 6),
            &one.blocks.to_string(),
            Role::Text,
        );
        cell(pen, row, (after + 14, 11), &left(one.left_seconds), role);
        pen.say(row, after + 26, 0, &one.order.title, Role::Text);
    });
}
