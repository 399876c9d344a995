//! SLA burn: how promises are kept, and how much of each open one is gone.

use ratatui::layout::Rect;

use super::{cell, list, number, plain};
use crate::{
    domain::{
        order::Bucket,
        query::{
            order_view::SlaState,
            reports::{due::DueOrder, sla::Sla},
        },
        time::{HOUR, SECOND},
    },
    ui::{
        layout,
        model::Model,
        pen::Pen,
        theme::{Glyphs, Role},
        widget::{
            meter,
            plot::{self, Ends},
            wrapped_text::Paragraph,
        },
        words,
    },
};

/// From this height on the share of kept promises is drawn above the list.
const WITH_CHART: u16 = 14;
/// The narrowest drawing that has bars.
const WITH_BARS: u16 = 60;
/// The cells of a bar.
const BAR: u16 = 16;

/// Returns the figures in words.
pub(super) fn words(sla: &Sla) -> Vec<Paragraph> {
    let mut said = vec![match sla.compliance_percent {
        Some(percent) => Paragraph::of(format!("{percent} %"), Role::Title)
            .with(format!(" in time since {}", sla.since), Role::Text),
        None => plain(format!(
            "nothing promised was completed since {}",
            sla.since
        )),
    }];
    said.push(
        Paragraph::of(sla.due.total.to_string(), Role::Title)
            .with(" open with a promise", Role::Text)
            .with(format!(", {} past it", sla.due.breached), Role::Text),
    );
    for bucket in &sla.buckets {
        let Some(hours) = bucket.sla_hours else {
            continue;
        };
        let open = bucket.at_risk + bucket.breached;
        let ended = bucket.met + bucket.missed;
        if open == 0 && ended == 0 {
            continue;
        }
        let mut line = Paragraph::of(words::plain(bucket.bucket.word()), Role::Text)
            .with(
                format!(" {}", words::span(i64::from(hours) * HOUR)),
                Role::Muted,
            )
            .hanging(2);
        if ended > 0 {
            line = line.with(format!(": {} of {ended} in time", bucket.met), Role::Text);
        }
        if bucket.at_risk > 0 {
            line = line.with(format!("; {} at risk", bucket.at_risk), Role::SlaAtRisk);
        }
        if bucket.breached > 0 {
            line = line.with(format!("; {} past it", bucket.breached), Role::SlaBreached);
        }
        said.push(line);
    }
    said
}

/// Returns where the chart is, and where the list.
pub(super) fn split(area: Rect) -> (Rect, Rect) {
    let rows = match area.height >= WITH_CHART {
        true => area.height / 2 - 1,
        false => 0,
    };
    layout::split_top(area, rows)
}

/// Draws how promises were kept day by day, and the open ones, soonest due first.
pub(super) fn draw(model: &Model, sla: &Sla, area: Rect, pen: &mut Pen<'_>) {
    let (chart, below) = split(area);
    kept(sla, chart, pen);
    let (head, body) = layout::split_top(below, 1);
    if sla.due.orders.is_empty() {
        pen.say(head, 0, 0, "no open order has a promise", Role::Muted);
        return;
    }
    let bar = if area.width >= WITH_BARS { BAR } else { 0 };
    let title = 27 + if bar > 0 { bar + 2 } else { 0 };
    for (at, name) in [
        (2, "order"),
        (12, "left"),
        (27, if bar > 0 { "gone" } else { "" }),
    ] {
        pen.say(head, at, 0, name, Role::Header);
    }
    list(model, body, sla.due.orders.len(), pen, |at, row, pen| {
        let Some(one) = sla.due.orders.get(at) else {
            return;
        };
        let (mark, role) = standing(one.sla, pen.glyphs());
        cell(pen, row, (2, 9), &one.order.id.to_string(), Role::Link);
        cell(pen, row, (12, 1), mark, role);
        number(pen, row, (14, 11), &left(one.left_seconds), role);
        if bar > 0 {
            let place = layout::split_left(layout::split_left(row, 27).1, bar).0;
            let (gone, whole) = burnt(sla, one.order.bucket, one);
            meter::meter(pen, place, gone, whole, role);
        }
        pen.say(row, title, 0, &one.order.title, Role::Text);
    });
}

/// Returns how long until a promise is broken, or for how long it has been.
pub(super) fn left(seconds: i64) -> String {
    let span = words::span(seconds.saturating_abs().saturating_mul(SECOND));
    match seconds {
        0.. => span,
        _ => format!("{span} over"),
    }
}

fn standing(sla: SlaState, glyphs: &Glyphs) -> (&'static str, Role) {
    match sla {
        SlaState::Breached => (glyphs.sla_breached, Role::SlaBreached),
        SlaState::AtRisk => (glyphs.sla_at_risk, Role::SlaAtRisk),
        _ => (glyphs.sla_ok, Role::SlaOk),
    }
}

/// Returns the seconds of a promise that are gone, and all that it has.
fn burnt(sla: &Sla, bucket: Bucket, one: &DueOrder) -> (u64, u64) {
    let rule = sla.buckets.iter().find(|row| row.bucket == bucket);
    let hours = rule.and_then(|row| row.sla_hours).unwrap_or(0);
    let whole = i64::from(hours) * (HOUR / SECOND);
    let gone = whole.saturating_sub(one.left_seconds).clamp(0, whole);
    let seconds = |value: i64| u64::try_from(value).unwrap_or(0);
    (seconds(gone), seconds(whole))
}

/// Draws, for each day, the share of promises kept since the first day.
fn kept(sla: &Sla, area: Rect, pen: &mut Pen<'_>) {
    let (Some(first), Some(last)) = (sla.days.first(), sla.days.last()) else {
        return;
    };
    if area.height == 0 {
        return;
    }
    let (head, rest) = layout::split_top(area, 1);
    pen.say(
        head,
        0,
        0,
        "in time, of what was completed until each day",
        Role::Header,
    );
    let inner = plot::axes(
        pen,
        rest,
        Ends {
            top: "100 %",
            bottom: "0 %",
            left: &first.date,
            right: &last.date,
        },
    );
    for x in 0..inner.width {
        let day = sla.days.get(plot::value_at(x, inner.width, sla.days.len()));
        let Some(percent) = day.and_then(|day| day.compliance_percent) else {
            continue;
        };
        let place = layout::split_left(layout::split_left(inner, x).1, 1).0;
        let thousandths = u64::try_from(percent.0).unwrap_or(0);
        plot::column(pen, place, thousandths, 100_000, Role::Chart);
    }
}
