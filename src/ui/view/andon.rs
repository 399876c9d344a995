//! The andon queue: what stopped, why, and what thaws it.

use ratatui::layout::Rect;

use super::standing;
use crate::{
    domain::{
        andon::Alert,
        query::{andon::AlertDetail, blast::Affected, why::Place},
    },
    text,
    ui::{
        asks::Slot,
        layout,
        model::{AlertPane, Focus, Model},
        pane::{Page, fact},
        pen::Pen,
        theme::Role,
        widget::wrapped_text::Paragraph,
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
    let alerts = model.alerts();
    if alerts.is_empty() {
        let glyphs = pen.glyphs();
        let line = format!("{} No alert is open. The line runs.", glyphs.ok);
        pen.say(area, 2, 1, &line, Role::Ok);
        return;
    }
    let (queue, pane) = split(area, alerts.len());
    let holding = alerts.iter().filter(|alert| alert.hold.is_some()).count();
    let head = format!(
        "{}, {holding} holding",
        words::count(alerts.len(), "open alert")
    );
    pen.say(queue, 1, 0, &head, Role::Muted);
    let (_, list) = layout::split_top(queue, 1);
    let range = model
        .andon
        .window
        .range(alerts.len(), rows(area, alerts.len()));
    for (y, at) in (0..list.height).step_by(usize::from(ROWS)).zip(range) {
        let Some(alert) = alerts.get(at) else { break };
        let row = Rect {
            y: list.y + y,
            height: ROWS.min(list.height - y),
            width: list.width.saturating_sub(1),
            ..list
        };
        let chosen = model.andon.selected == Some(alert.id);
        draw_alert(model, alert, row, pen);
        if chosen {
            for y in 0..row.height {
                pen.say(row, 0, y, pen.glyphs().selected, Role::Key);
            }
            pen.shade(row, Role::Selection);
        }
    }
    let title = model.andon.selected.map(|id| id.to_string());
    let focus = model.focus == Focus::Detail && model.detail.is_none();
    let text = &model.alert.pane;
    text.draw(pane, &title.unwrap_or_default(), focus, pen);
}

/// Makes the text about the selected alert, if what it is made of changed.
pub fn compose(model: &mut Model) {
    let (_, place) = split(model.screen().body, model.state.alerts.len());
    let (width, shown) = (
        place.width.saturating_sub(4),
        place.height.saturating_sub(2),
    );
    let selected = model.andon.selected.and_then(|id| model.state.alert(id));
    let Some(alert) = selected else {
        model.alert = AlertPane::default();
        return;
    };
    let made_of = (
        alert.id,
        model.asks.arrivals(Slot::Alert),
        (model.state.head.seq, model.minute()),
        width,
    );
    if model.alert.made_of != Some(made_of) {
        let detail = model.asks.alert();
        let detail = detail.filter(|detail| detail.alert.id == alert.id);
        let page = about(model, alert, detail);
        if model.alert.made_of.is_none_or(|(id, ..)| id != made_of.0) {
            model.alert = AlertPane::default();
        }
        model.alert.pane.fill(page, width, shown);
        model.alert.made_of = Some(made_of);
    }
    model.alert.pane.look(shown);
}

fn draw_alert(model: &Model, alert: &Alert, area: Rect, pen: &mut Pen<'_>) {
    let glyphs = pen.glyphs();
    let (mark, role) = standing::severity(alert.severity, glyphs);
    let badge = format!("{mark} {}", alert.severity.word());
    let age = format!(" {}", words::age(model.now.since(alert.raised.at)));
    let line = Rect { height: 1, ..area };
    let state = state_of(model, alert);
    let taken = pen.parts_right(line, 0, &[(&state.0, state.1), (&age, Role::Muted)]);
    let left = Rect {
        width: line.width.saturating_sub(taken + 1),
        ..line
    };
    let id = format!(" {}", alert.id);
    let hold = alert
        .hold
        .as_ref()
        .map(|scope| format!(" {} {scope}", glyphs.held));
    pen.parts(
        left,
        2,
        0,
        &[
            (&badge, role),
            (&id, Role::Link),
            (hold.as_deref().unwrap_or(""), Role::Held),
        ],
    );
    let times = if alert.count > 1 {
        format!(" ({} times)", alert.count)
    } else {
        String::new()
    };
    let reason = format!("{}{times}", alert.reason);
    pen.say(area, 2, 1, &reason, Role::Text);
}

fn state_of(model: &Model, alert: &Alert) -> (String, Role) {
    if alert.snoozed_until.is_some_and(|until| until > model.now) {
        return ("snoozed".into(), Role::Muted);
    }
    match &alert.acknowledged {
        Some(_) => ("seen".into(), Role::Muted),
        None => ("new".into(), Role::Warning),
    }
}

/// Returns what to know about an alert: what it holds, whom it stops, what happened, how to end it.
fn about(model: &Model, alert: &Alert, detail: Option<&AlertDetail>) -> Page {
    let glyphs = model.theme.glyphs();
    let (mark, role) = standing::severity(alert.severity, glyphs);
    let mut page = Page::default();
    page.line(
        Paragraph::of(format!("{mark} {}", alert.severity.word()), role)
            .with(format!("  {}", alert.reason), Role::Title),
    );
    page.line(Paragraph::blank());
    let raised = format!(
        "{} by {}",
        words::ago(model.now, alert.raised.at),
        alert.raised.by
    );
    page.fact("raised", raised, Role::Text);
    if alert.count > 1 {
        let seen = format!(
            "{} times, last {}",
            alert.count,
            words::ago(model.now, alert.last_seen)
        );
        page.fact("seen", seen, Role::Text);
    }
    match &alert.acknowledged {
        Some(act) => {
            let text = format!("{}, {}", act.by, words::ago(model.now, act.at));
            page.fact("seen by", text, Role::Text);
        }
        None => page.fact("seen by", "nobody yet", Role::Warning),
    }
    if let Some(until) = alert.snoozed_until.filter(|until| *until > model.now) {
        let text = format!(
            "for {} more; what it holds stays held",
            words::age(until.since(model.now))
        );
        page.fact("snoozed", text, Role::Muted);
    }
    if let Some(escalates) = detail.and_then(|detail| detail.alert.escalates_at) {
        let text = format!(
            "grows worse in {} unless acknowledged",
            words::age(escalates.0.since(model.now))
        );
        page.fact("escalates", text, Role::Warning);
    }
    if let Some(order) = alert.order {
        let title = model
            .state
            .order(order)
            .map(|o| format!("{order} {}", o.title));
        let line = fact("about", title.unwrap_or(order.to_string()), Role::Link);
        page.link(line, Place::Order(order));
    }
    if let Some(at) = alert.recovered {
        page.fact(
            "recovered",
            format!("{}; resolve it to close it", words::ago(model.now, at)),
            Role::Ok,
        );
    }
    match &alert.hold {
        Some(scope) => page.fact("holds", format!("{scope} until it is resolved"), Role::Held),
        None => page.fact("holds", "nothing: work goes on", Role::Muted),
    }
    if let Some(detail) = detail {
        consequences(detail, &mut page);
        mending(detail, glyphs, &mut page);
        timeline(model, detail, &mut page);
    }
    page
}

fn consequences(detail: &AlertDetail, page: &mut Page) {
    let Some(blast) = &detail.blast else { return };
    page.section("What it stops");
    let parts: [(&Affected, &str); 3] = [
        (&blast.in_progress, "in progress, cannot move on"),
        (&blast.ready, "ready, cannot start"),
        (&blast.downstream, "downstream, waiting for those"),
    ];
    for (affected, word) in parts {
        let role = if affected.total > 0 {
            Role::Held
        } else {
            Role::Muted
        };
        page.line(Paragraph::of(format!("{:>4} {word}", affected.total), role).hanging(5));
        for order in affected.orders.iter().take(3) {
            let holder = order.holder.as_ref().map(|h| format!("  {}", h.name));
            let line = Paragraph::of(format!("     {} ", order.id), Role::Link)
                .with(order.title.clone(), Role::Text)
                .with(holder.unwrap_or_default(), Role::AgentActive)
                .verbatim();
            page.link(line, Place::Order(order.id));
        }
    }
}

fn mending(detail: &AlertDetail, glyphs: &crate::ui::theme::Glyphs, page: &mut Page) {
    if detail.corrective_orders.is_empty() {
        return;
    }
    page.section("What mends it");
    for order in &detail.corrective_orders {
        let (mark, role) = order
            .status
            .map_or(("?", Role::Muted), |s| standing::status(s, glyphs));
        let line = Paragraph::of(format!("  {mark} "), role)
            .with(format!("{} ", order.id), Role::Link)
            .with(order.title.clone(), Role::Text)
            .hanging(4);
        page.link(line, Place::Order(order.id));
    }
}

fn timeline(model: &Model, detail: &AlertDetail, page: &mut Page) {
    page.section("Timeline");
    for entry in detail.timeline.iter().rev() {
        let said = entry.text.strip_prefix(&format!("{} ", entry.subject));
        let said = said.unwrap_or(&entry.text);
        let age = text::pad(&words::age(model.now.since(entry.at.0)), 5).into_owned();
        page.line(
            Paragraph::of(format!("  {age}"), Role::Muted)
                .with(said, Role::Text)
                .hanging(7),
        );
    }
}
