//! Ageing work: each order in progress as a bar, beside how long such orders took.

use ratatui::layout::Rect;

use super::{cell, figure, lateness, length, list, number, plain};
use crate::{
    domain::query::reports::ageing::{Ageing, AgeingOrder},
    ui::{
        layout,
        model::Model,
        pen::Pen,
        theme::Role,
        widget::{plot, wrapped_text::Paragraph},
    },
};

/// The narrowest drawing that has bars; a narrower one has titles only.
const WITH_BARS: u16 = 64;

/// Returns the figures in words.
pub(super) fn words(ageing: &Ageing) -> Vec<Paragraph> {
    let old = |least: u8| {
        let than = |one: &&AgeingOrder| one.older_than_percent.is_some_and(|share| share >= least);
        ageing.orders.iter().filter(than).count()
    };
    let mut said = vec![
        Paragraph::of(ageing.total.to_string(), Role::Title)
            .with(" in progress, oldest first", Role::Text),
    ];
    let cycle = &ageing.cycle;
    let (Some(half), Some(most), Some(nearly)) =
        (cycle.p50_seconds, cycle.p85_seconds, cycle.p95_seconds)
    else {
        said.push(plain(
            "nothing was started and completed here yet: no age can be judged",
        ));
        return said;
    };
    said.push(plain(format!(
        "of {} completed since {}",
        cycle.count, ageing.since
    )));
    for (name, seconds) in [("half", half), ("85 %", most), ("95 %", nearly)] {
        let of = format!("or less: {name}");
        said.push(figure(" ", Role::Text, length(seconds), of));
    }
    said.push(plain(format!(
        "{} are older than 85 % of those, {} of them than 95 %",
        old(85),
        old(95)
    )));
    let more = ageing.total.saturating_sub(ageing.orders.len() as u64);
    if more > 0 {
        said.push(plain(format!(
            "and {more} younger ones that are not listed"
        )));
    }
    said
}

/// Draws a row for each order, with its bar where there is room.
pub(super) fn draw(model: &Model, ageing: &Ageing, area: Rect, pen: &mut Pen<'_>) {
    let (head, body) = layout::split_top(area, 1);
    if ageing.orders.is_empty() {
        pen.say(head, 0, 0, "nothing is in progress", Role::Muted);
        return;
    }
    let bar = match area.width >= WITH_BARS {
        true => (area.width - 38) / 2,
        false => 0,
    };
    let cycle = &ageing.cycle;
    let oldest = ageing.orders.iter().map(|one| one.age_seconds).max();
    let most = oldest.max(cycle.p95_seconds).unwrap_or(0).max(1);
    let seconds = |value: i64| u64::try_from(value).unwrap_or(0);
    let place = |value: i64| plot::scaled(seconds(value), seconds(most), bar).saturating_sub(1);
    let lines = [
        ("50", cycle.p50_seconds),
        ("85", cycle.p85_seconds),
        ("95", cycle.p95_seconds),
    ];
    let ticks: Vec<(&str, u16)> = lines
        .into_iter()
        .filter_map(|(name, value)| Some((name, place(value?))))
        .collect();
    for (at, name) in [
        (2, "order"),
        (12, "   age"),
        (20, "older than"),
        (31, "stage"),
    ] {
        pen.say(head, at, 0, name, Role::Header);
    }
    let bars = 41;
    if bar > 0 {
        let mut free = 0;
        for (name, x) in &ticks {
            // Where limits are too close, the lower one names the place.
            if *x >= free && *x + 3 < bar {
                pen.say(head, bars + x, 0, &format!("{name}%"), Role::Header);
                free = x + 4;
            }
        }
    }
    list(model, body, ageing.orders.len(), pen, |at, row, pen| {
        let Some(one) = ageing.orders.get(at) else {
            return;
        };
        let glyphs = pen.glyphs();
        let (mark, role) = match one.older_than_percent {
            Some(share) => lateness(share, glyphs),
            None => (" ", Role::Text),
        };
        let share = one.older_than_percent.map(|share| format!("{share} %"));
        cell(pen, row, (2, 9), &one.order.id.to_string(), Role::Link);
        number(pen, row, (11, 7), &length(one.age_seconds), Role::Text);
        number(pen, row, (20, 6), share.as_deref().unwrap_or("-"), role);
        cell(pen, row, (27, 1), mark, role);
        cell(
            pen,
            row,
            (31, 9),
            one.order.stage.as_deref().unwrap_or("-"),
            Role::Muted,
        );
        let title = match bar {
            0 => 41,
            bar => bars + bar + 2,
        };
        if bar > 0 {
            let place = layout::split_left(layout::split_left(row, bars).1, bar).0;
            for (_, x) in &ticks {
                pen.say(place, *x, 0, glyphs.tick, Role::Muted);
            }
            let cells = plot::scaled(seconds(one.age_seconds), seconds(most), bar);
            let filled = glyphs.bar_full.repeat(usize::from(cells));
            pen.say(place, 0, 0, &filled, role);
        }
        pen.say(row, title, 0, &one.order.title, Role::Text);
    });
}
