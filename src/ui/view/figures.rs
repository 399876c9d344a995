//! The line's six figures, at the head of the overview.

use ratatui::layout::Rect;

use super::standing;
use crate::{
    domain::query::{summary::Summary, value::Decimal},
    text,
    ui::{layout, model::Model, pen::Pen, theme::Role},
};

/// Draws the figures, as wide as there is room for.
pub(super) fn draw(model: &Model, summary: Option<&Summary>, area: Rect, pen: &mut Pen<'_>) {
    let counts = &model.state.counts;
    let wip: u64 = counts.wip.iter().map(|n| u64::from(*n)).sum();
    let limits = model.state.settings.buckets.iter();
    let limit: u64 = limits.map(|rule| u64::from(rule.wip_limit)).sum();
    let queued: u64 = counts.queued.iter().map(|n| u64::from(*n)).sum();
    let unknown = || "…".to_owned();
    let sla = summary.map_or_else(unknown, |s| {
        s.sla_percent
            .map_or("none due".into(), |percent| format!("{percent}%"))
    });
    let velocity = summary.map_or_else(unknown, |s| format!("{}/day", tenth(s.velocity_per_day)));
    let alerts = model.state.alerts.len();
    let held = summary.map_or(0, |s| s.held);
    let alert_role = match model.alerts().first() {
        Some(alert) => standing::severity(alert.severity, pen.glyphs()).1,
        None => Role::Ok,
    };
    let late = summary.map_or(0, |s| s.breached);
    let cells: [Figure<'_>; 6] = [
        (
            "WIP",
            format!("{wip}/{limit}"),
            Role::StatusInProgress,
            "in progress".into(),
        ),
        (
            "Queued",
            queued.to_string(),
            Role::StatusQueued,
            summary.map_or_else(unknown, |s| {
                format!("{} ready, {} blocked", s.ready, s.blocked)
            }),
        ),
        (
            "Completed",
            counts.completed.to_string(),
            Role::StatusCompleted,
            format!("{} cancelled", counts.cancelled),
        ),
        (
            "SLA",
            sla,
            if late > 0 {
                Role::SlaAtRisk
            } else {
                Role::SlaOk
            },
            summary.map_or_else(unknown, |s| format!("{late} over, {} at risk", s.at_risk)),
        ),
        (
            "Alerts",
            alerts.to_string(),
            alert_role,
            format!("{held} orders held"),
        ),
        ("Velocity", velocity, Role::Chart, "over 7 days".into()),
    ];
    if area.width >= 110 {
        figures_in_a_row(&cells, area, pen);
    } else {
        figures_in_a_grid(&cells, area, pen);
    }
}

/// A figure: its name, its value and how that looks, and what to know beside it.
type Figure<'a> = (&'a str, String, Role, String);

/// Draws every figure over its note, each as wide as it needs to be, with the spare room shared out between them.
fn figures_in_a_row(cells: &[Figure<'_>], area: Rect, pen: &mut Pen<'_>) {
    const GAP: usize = 2;
    let needs = |(name, value, _, note): &Figure<'_>| {
        (text::width(name) + 1 + text::width(value)).max(text::width(note)) + GAP
    };
    let needed: usize = cells.iter().map(needs).sum();
    let spare = usize::from(area.width).saturating_sub(needed + 1) / cells.len().max(1);
    let mut x = 0;
    for cell in cells {
        let (name, value, role, note) = cell;
        let width = u16::try_from(needs(cell) + spare).unwrap_or(area.width);
        let (_, rest) = layout::split_left(area, x);
        let place = Rect {
            width: rest.width.min(width),
            ..rest
        };
        pen.parts(
            place,
            1,
            0,
            &[(name, Role::Muted), (" ", Role::Text), (value, *role)],
        );
        pen.say(place, 1, 1, note, Role::Muted);
        x += width;
    }
}

/// Draws the figures in two rows of three, their notes in brackets as far as they fit.
fn figures_in_a_grid(cells: &[Figure<'_>], area: Rect, pen: &mut Pen<'_>) {
    const ACROSS: u16 = 3;
    let width = area.width / ACROSS;
    for (at, (name, value, role, note)) in (0u16..).zip(cells) {
        let (row, column) = (at / ACROSS, at % ACROSS);
        if row >= area.height {
            break;
        }
        let place = Rect {
            x: area.x + column * width,
            y: area.y + row,
            width: width.saturating_sub(1),
            height: 1,
        };
        let parts = [(*name, Role::Muted), (" ", Role::Text), (value, *role)];
        let used = 1 + pen.parts(place, 1, 0, &parts);
        // The first half of a note is worth more than a cut whole.
        let half = note.split(", ").next().unwrap_or_default();
        let room = usize::from(place.width.saturating_sub(used + 1));
        let fitting = [note.as_str(), half]
            .map(|note| format!("({note})"))
            .into_iter()
            .find(|note| text::width(note) <= room);
        pen.say(
            place,
            used + 1,
            0,
            &fitting.unwrap_or_default(),
            Role::Muted,
        );
    }
}

/// Returns a decimal to one place: what more there is tells nothing at a glance.
fn tenth(value: Decimal) -> String {
    Decimal((value.0 + 50) / 100 * 100).to_string()
}
