//! The events, the newest at the bottom.

use ratatui::layout::Rect;

use crate::{
    domain::query::events::Entry,
    text,
    ui::{layout, model::Model, pen::Pen, theme::Role, words},
};

/// Draws the tail of the ledger; while paused, what stood there then.
pub fn draw(model: &Model, area: Rect, pen: &mut Pen<'_>) {
    let (head, body) = layout::split_top(area, 1);
    let glyphs = pen.glyphs();
    let events = &model.events;
    match events.paused {
        Some(new) => {
            let text = format!("{} PAUSED, {new} new", glyphs.held);
            pen.say(head, 1, 0, &text, Role::Warning)
        }
        None => pen.say(head, 1, 0, "live", Role::Ok),
    };
    let total = format!("{} records ", model.state.head.seq);
    pen.parts_right(head, 0, &[(&total, Role::Muted)]);
    if events.entries.is_empty() {
        pen.say(body, 2, 0, "nothing has happened yet", Role::Muted);
        return;
    }
    if events.shown.is_empty() {
        pen.say(body, 2, 0, "no event passes the filter", Role::Muted);
        return;
    }
    let rows = usize::from(body.height);
    let range = events.list.window.range(events.shown.len(), rows);
    for (y, seq) in (0..body.height).zip(events.shown.get(range).unwrap_or_default()) {
        let Some(entry) = events.entry(*seq) else {
            break;
        };
        let row = Rect {
            y: body.y + y,
            height: 1,
            ..body
        };
        let chosen = events.list.selected == Some(entry.seq);
        if chosen {
            pen.say(row, 0, 0, glyphs.selected, Role::Key);
        }
        let place = Rect {
            x: row.x + 2,
            width: row.width.saturating_sub(3),
            ..row
        };
        line(model, entry, place, pen);
        if chosen {
            pen.shade(row, Role::Selection);
        }
    }
}

/// Draws one event in one line: its age, its mark, what happened, who did it.
pub fn line(model: &Model, entry: &Entry, area: Rect, pen: &mut Pen<'_>) {
    let age = format!("{:>4} ", words::age(model.now.since(entry.at.0)));
    let (mark, role) = mark(entry, pen);
    let mut room = area;
    let said = entry.text.contains(&entry.actor.name);
    if !said && area.width >= 60 {
        let by = text::cut(&entry.actor.name, 18, pen.glyphs().ellipsis);
        room.width -= pen.parts_right(area, 0, &[("  ", Role::Text), (&by, Role::Muted)]);
    }
    pen.parts(
        room,
        0,
        0,
        &[
            (&age, Role::Muted),
            (mark, role),
            (" ", Role::Text),
            (&entry.text, Role::Text),
        ],
    );
}

/// Returns the mark of an event's sort.
fn mark(entry: &Entry, pen: &Pen<'_>) -> (&'static str, Role) {
    let glyphs = pen.glyphs();
    match entry.event.as_str() {
        "order_created" | "order_imported" => (glyphs.queued, Role::StatusQueued),
        "order_started" => (glyphs.in_progress, Role::StatusInProgress),
        "order_moved" => (glyphs.right, Role::StatusInProgress),
        "order_completed" => (glyphs.completed, Role::StatusCompleted),
        "order_cancelled" | "order_closed_elsewhere" => (glyphs.cancelled, Role::StatusCancelled),
        "order_released" | "lease_lapsed" | "order_reopened" => (glyphs.left, Role::Warning),
        "sla_breached" => (glyphs.sla_breached, Role::SlaBreached),
        "alert_raised" | "alert_repeated" | "alert_escalated" => {
            (glyphs.andon_high, Role::AndonHigh)
        }
        "alert_resolved" | "alert_recovered" => (glyphs.ok, Role::Ok),
        _ => (glyphs.bullet, Role::Muted),
    }
}
