//! The andon queue: what stopped, why, and what thaws it.

use ratatui::layout::Rect;

use super::{alert::about, standing};
use crate::{
    domain::{
        andon::Severity,
        query::andon::{AlertStatus, AlertView},
    },
    ui::{
        asks::Slot,
        layout,
        model::{AlertPane, Focus, Model},
        pen::Pen,
        queue::{self, GroupBy, Row},
        theme::Role,
        words,
    },
};

/// Rows of an alert in the queue.
pub const ROWS: u16 = 2;

/// Returns how many alerts the queue shows in an area.
pub fn rows(area: Rect, alerts: usize) -> usize {
    let (queue, _) = split(area, alerts);
    usize::from((queue.height.saturating_sub(1) / ROWS).max(1))
}

/// Returns the queue and the pane about the selected alert: beside it, or below it where it is narrow. There a short
/// queue leaves its rows to the pane.
pub fn split(area: Rect, alerts: usize) -> (Rect, Rect) {
    if area.width >= 90 {
        layout::split_left(area, area.width * 2 / 5)
    } else {
        let wanted = u16::try_from(alerts)
            .unwrap_or(u16::MAX)
            .saturating_mul(ROWS);
        let queue = wanted.saturating_add(1).min(area.height / 2).max(3);
        layout::split_top(area, queue)
    }
}

/// Draws the queue by severity and age, and the selected alert beside it.
pub fn draw(model: &Model, area: Rect, pen: &mut Pen<'_>) {
    let rows = &model.queue.rows;
    if rows.is_empty() {
        let glyphs = pen.glyphs();
        let (line, role) = match model.state.alerts.len() {
            0 => ("No alert is open. The line runs.".to_owned(), Role::Ok),
            n => (
                format!("None of {} has these words.", words::count(n, "open alert")),
                Role::Muted,
            ),
        };
        let mark = if role == Role::Ok { glyphs.ok } else { "" };
        pen.say(area, 2, 1, format!("{mark} {line}").trim_start(), role);
        return;
    }
    let (queue, pane) = split(area, rows.len());
    pen.say(queue, 1, 0, &head(model), Role::Muted);
    let (_, list) = layout::split_top(queue, 1);
    let range = model
        .andon
        .window
        .range(rows.len(), self::rows(area, rows.len()));
    for (y, at) in (0..list.height).step_by(usize::from(ROWS)).zip(range) {
        let Some((row, id)) = rows.get(at).and_then(|row| Some((row, *row.ids.first()?))) else {
            break;
        };
        let place = Rect {
            y: list.y + y,
            height: ROWS.min(list.height - y),
            width: list.width.saturating_sub(1),
            ..list
        };
        match (&row.group, model.state.alert(id)) {
            (Some(group), _) => draw_group(model, row, group, place, pen),
            (None, Some(alert)) => {
                let view = AlertView::open(&model.state, alert, model.now);
                draw_alert(model, &view, place, pen);
            }
            (None, None) => {
                if let Some(view) = queue::resolved(model).find(|view| view.id == id) {
                    draw_alert(model, view, place, pen);
                }
            }
        }
        if row.ids.iter().all(|id| model.queue.marks.contains(id)) {
            pen.say(place, 1, 0, pen.glyphs().marked, Role::Match);
        }
        if model.andon.selected == Some(id) {
            for y in 0..place.height {
                pen.say(place, 0, y, pen.glyphs().selected, Role::Key);
            }
            pen.shade(place, Role::Selection);
        }
    }
    let title = model.shown_alert().map(|id| id.to_string());
    let focus = model.focus == Focus::Detail && model.detail.is_none();
    let text = &model.alert.pane;
    text.draw(pane, &title.unwrap_or_default(), focus, pen);
}

/// Returns what there is in all: a storm is counted before it is read.
fn head(model: &Model) -> String {
    let alerts = &model.state.alerts;
    let holding = alerts.values().filter(|alert| alert.hold.is_some()).count();
    let new = alerts.values().filter(|alert| alert.acknowledged.is_none());
    let mut said = format!(
        "{}, {} new, {holding} holding",
        words::count(alerts.len(), "open alert"),
        new.count()
    );
    if model.queue.by != GroupBy::Nothing {
        said += &format!(", by {}", model.queue.by.name());
    }
    match model.queue.marks.len() {
        0 => said,
        n => format!("{n} marked of {said}"),
    }
}

fn draw_group(model: &Model, row: &Row, group: &str, area: Rect, pen: &mut Pen<'_>) {
    let glyphs = pen.glyphs();
    let severity = queue::worst(model, &row.ids).unwrap_or(Severity::Low);
    let (mark, role) = standing::severity(severity, glyphs);
    let alerts = || row.ids.iter().filter_map(|id| model.state.alert(*id));
    let worst = alerts().filter(|alert| alert.severity == severity).count();
    let new = alerts()
        .filter(|alert| alert.acknowledged.is_none())
        .count();
    let holding = alerts().filter(|alert| alert.hold.is_some()).count();
    let count = format!(" {}", words::count(row.ids.len(), "alert"));
    let badge = match worst == row.ids.len() {
        true => format!("{mark} {}", severity.word()),
        false => format!("{mark} {worst} {}", severity.word()),
    };
    let held = match holding {
        0 => String::new(),
        n => format!(" {} {n} holding", glyphs.held),
    };
    let news = format!("{new} new");
    let taken = pen.parts_right(
        Rect { height: 1, ..area },
        0,
        &[(&news, if new > 0 { Role::Warning } else { Role::Muted })],
    );
    let left = Rect {
        width: area.width.saturating_sub(taken + 1),
        height: 1,
        ..area
    };
    let parts = [
        (badge.as_str(), role),
        (&count, Role::Link),
        (&held, Role::Held),
    ];
    pen.parts(left, 2, 0, &parts);
    pen.say(
        area,
        2,
        1,
        &format!("{} {group}", glyphs.folded),
        Role::Text,
    );
}

/// Makes the text about the selected alert, if what it is made of changed.
pub fn compose(model: &mut Model) {
    let (_, place) = split(model.screen().body, model.queue.rows.len());
    let (width, shown) = (
        place.width.saturating_sub(4),
        place.height.saturating_sub(2),
    );
    let Some(id) = model.shown_alert() else {
        model.alert = AlertPane::default();
        return;
    };
    let made_of = (
        id,
        model.asks.arrivals(Slot::Alert),
        (model.state.head.seq, model.minute()),
        width,
    );
    if model.alert.made_of != Some(made_of) {
        let detail = model.asks.alert();
        let detail = detail.filter(|detail| detail.alert.id == id);
        let open = model.state.alert(id);
        let view = match open {
            Some(alert) => Some(AlertView::open(&model.state, alert, model.now)),
            None => queue::resolved(model).find(|view| view.id == id).cloned(),
        };
        let page = view.map(|view| about(model, &view, detail));
        if model.alert.made_of.is_none_or(|(of, ..)| of != id) {
            model.alert = AlertPane::default();
        }
        model
            .alert
            .pane
            .fill(page.unwrap_or_default(), width, shown);
        model.alert.made_of = Some(made_of);
    }
    model.alert.pane.look(shown);
}

fn draw_alert(model: &Model, alert: &AlertView, area: Rect, pen: &mut Pen<'_>) {
    let glyphs = pen.glyphs();
    let (mark, role) = standing::severity(alert.severity, glyphs);
    let over = alert.status == AlertStatus::Resolved;
    let muted = |role| if over { Role::Muted } else { role };
    let badge = format!("{mark} {}", alert.severity.word());
    let age = format!(" {}", words::age(model.now.since(alert.raised_at.0)));
    let line = Rect { height: 1, ..area };
    let (state, tone) = match alert.status {
        AlertStatus::Open => ("new", Role::Warning),
        AlertStatus::Acknowledged => ("seen", Role::Muted),
        AlertStatus::Snoozed => ("snoozed", Role::Muted),
        AlertStatus::Resolved => ("resolved", Role::Muted),
    };
    let taken = pen.parts_right(line, 0, &[(state, tone), (&age, Role::Muted)]);
    let left = Rect {
        width: line.width.saturating_sub(taken + 1),
        ..line
    };
    let id = format!(" {}", alert.id);
    let hold = alert.hold.as_ref().filter(|_| !over);
    let hold = hold.map(|scope| format!(" {} {scope}", glyphs.held));
    pen.parts(
        left,
        2,
        0,
        &[
            (&badge, muted(role)),
            (&id, muted(Role::Link)),
            (hold.as_deref().unwrap_or(""), Role::Held),
        ],
    );
    let times = if alert.count > 1 {
        format!(" ({} times)", alert.count)
    } else {
        String::new()
    };
    let reason = format!("{}{times}", alert.reason);
    pen.say(area, 2, 1, &reason, muted(Role::Text));
}
