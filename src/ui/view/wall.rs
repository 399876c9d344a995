//! The wall's screens: few figures, so large that they are read from across a room. What is wrong has a shape of its own.

use ratatui::layout::Rect;

use super::standing;
use crate::{
    domain::{
        andon::Alert,
        order::Order,
        query::agents::roster,
        time::{MINUTE, SECOND},
    },
    text,
    ui::{
        layout,
        model::{Model, View},
        msg::Connection,
        pen::Pen,
        theme::Role,
        wall,
        widget::block,
        words,
    },
};

/// A figure: what it is called, what it is, how that looks, and what to know beside it.
type Figure = (String, String, Role, String);

/// Draws the wall, shifted by where it is in its round.
pub(super) fn draw(model: &Model, area: Rect, pen: &mut Pen<'_>) {
    let Some(wall) = &model.wall else { return };
    let (right, down) = wall.shift();
    let area = Rect {
        x: area.x + right.min(area.width),
        y: area.y + down.min(area.height),
        width: area.width.saturating_sub(1),
        height: area.height.saturating_sub(1),
    };
    let (head, rest) = layout::split_top(area, 1);
    let (body, foot) = layout::split_bottom(rest, 1);
    header(model, head, pen);
    footer(model, foot, pen);
    if model.state.head.seq == 0 {
        return announce(pen, body, "NO LEDGER", Role::Error, "it is looked for");
    }
    match model.view {
        View::Kanban => stages(model, body, pen),
        View::Andon => andon(model, body, pen),
        View::Agents => agents(model, body, pen),
        _ => overview(model, body, pen),
    }
}

fn header(model: &Model, area: Rect, pen: &mut Pen<'_>) {
    let alerts = model.alerts();
    let glyphs = pen.glyphs();
    // Without a ledger nobody knows whether anything is wrong.
    let known = model.state.head.seq > 0;
    let (mark, role) = match alerts.first() {
        Some(worst) => standing::severity(worst.severity, glyphs),
        None if known => (glyphs.ok, Role::Ok),
        None => (glyphs.failed, Role::Muted),
    };
    let open = match alerts.len() {
        0 if known => format!("{mark} no alerts "),
        0 => format!("{mark} alerts unknown "),
        n => format!("{mark} {} ", words::count(n, "open alert")),
    };
    let taken = pen.parts_right(area, 0, &[(&open, role)]);
    let left = Rect {
        width: area.width.saturating_sub(taken + 1),
        ..area
    };
    let mut x = 1 + pen.parts(
        left,
        1,
        0,
        &[(&model.session.ledger, Role::Title), ("  ", Role::Text)],
    );
    for view in model.wall.iter().flat_map(|wall| wall.views()) {
        let role = match *view == model.view {
            true => Role::Selection,
            false => Role::Bar,
        };
        x += pen.say(left, x, 0, &format!(" {} ", view.name()), role);
    }
}

/// Draws how old what is on screen is: a wall that stands still must not look like a line that does.
fn footer(model: &Model, area: Rect, pen: &mut Pen<'_>) {
    let glyphs = pen.glyphs();
    let age = wall::staleness(model.now, model.state.time);
    let last = match age {
        0 => "last event just now".to_owned(),
        age if age < MINUTE => format!("last event {} s ago", age / SECOND),
        age => format!("last event {} ago", words::span(age)),
    };
    let line = match &model.session.connection {
        Connection::Down { since, why, .. } => {
            let ago = words::ago(model.now, *since);
            let next = model.session.connection.next_try(model.now);
            let again = next.as_deref().unwrap_or(match model.state.head.seq {
                0 => "looked for every 5 s",
                _ => "tried again every 5 s",
            });
            let (said, last) = match model.state.head.seq {
                0 => (
                    format!("WAITING for a ledger, begun {ago}, {again}: "),
                    String::new(),
                ),
                _ => (format!("LOST {ago}, {again}: "), format!("   {last}")),
            };
            let said = format!("{} {said}", glyphs.failed);
            let taken = 2 + text::width(&said) + text::width(&last);
            let room = usize::from(area.width).saturating_sub(taken);
            let why = text::cut_left(why, room, glyphs.ellipsis);
            let line = format!("{said}{why}{last}");
            pen.shade(area, Role::AndonCritical);
            pen.say(area, 1, 0, &line, Role::AndonCritical);
            return;
        }
        _ if wall::silence(model).is_some() => {
            let silence = wall::silence(model).unwrap_or_default();
            let silence = match silence {
                short if short < MINUTE => format!("{} s", short / SECOND),
                long => words::span(long),
            };
            let text = format!(
                "{} ENGINE SILENT for {silence}: this may be old   {last}",
                glyphs.failed
            );
            pen.shade(area, Role::AndonCritical);
            pen.say(area, 1, 0, &text, Role::AndonCritical);
            return;
        }
        _ => format!("{} {last}", glyphs.bullet),
    };
    let clock = format!("{} UTC ", words::clock(model.now));
    pen.parts_right(area, 0, &[(&clock, Role::Muted)]);
    pen.say(area, 1, 0, &line, Role::Muted);
}

fn overview(model: &Model, area: Rect, pen: &mut Pen<'_>) {
    let counts = &model.state.counts;
    let wip: u64 = counts.wip.iter().map(|n| u64::from(*n)).sum();
    let queued: u64 = counts.queued.iter().map(|n| u64::from(*n)).sum();
    let summary = model.asks.summary();
    let sla = summary.and_then(|s| s.sla_percent);
    let sla = sla.map_or("-".to_owned(), |percent| format!("{}%", percent.0 / 1000));
    let late = summary.map_or(0, |s| s.breached);
    let alerts = model.alerts();
    let (mark, role) = match alerts.first() {
        Some(worst) => (
            shape(worst),
            standing::severity(worst.severity, pen.glyphs()).1,
        ),
        None => (block::FINE, Role::Ok),
    };
    let flow = summary.map_or(String::new(), |s| {
        format!("{} ready, {} blocked, {} held", s.ready, s.blocked, s.held)
    });
    let late_role = if late > 0 {
        Role::SlaBreached
    } else {
        Role::SlaOk
    };
    let figures: [Figure; 6] = [
        (
            "In progress".into(),
            wip.to_string(),
            Role::StatusInProgress,
            "orders".into(),
        ),
        (
            "Queued".into(),
            queued.to_string(),
            Role::StatusQueued,
            flow,
        ),
        (
            "Done today".into(),
            done_today(model).to_string(),
            Role::StatusCompleted,
            format!("{} in all", counts.completed),
        ),
        ("SLA".into(), sla, Role::SlaOk, "in time, 30 days".into()),
        (
            "Late".into(),
            late.to_string(),
            late_role,
            "orders past their SLA".into(),
        ),
        (
            "Alerts".into(),
            format!("{mark} {}", alerts.len()),
            role,
            worst(model),
        ),
    ];
    grid(&figures, area, pen);
}

fn stages(model: &Model, area: Rect, pen: &mut Pen<'_>) {
    let counts = &model.state.counts;
    let queued: u64 = counts.queued.iter().map(|n| u64::from(*n)).sum();
    let mut figures: Vec<Figure> = vec![(
        "Queued".into(),
        queued.to_string(),
        Role::StatusQueued,
        String::new(),
    )];
    figures.extend(model.state.settings.stages.iter().map(|stage| {
        let count = counts.stage(&stage.name);
        let full = stage.wip_limit.is_some_and(|limit| count >= limit);
        let note = match stage.wip_limit {
            Some(limit) if full => format!("FULL, limit {limit}"),
            Some(limit) => format!("limit {limit}"),
            None => String::new(),
        };
        let role = if full {
            Role::Warning
        } else {
            Role::StatusInProgress
        };
        (stage.name.clone(), count.to_string(), role, note)
    }));
    figures.push((
        "Done today".into(),
        done_today(model).to_string(),
        Role::StatusCompleted,
        String::new(),
    ));
    grid(&figures, area, pen);
}

fn agents(model: &Model, area: Rect, pen: &mut Pen<'_>) {
    let known = roster(&model.state);
    let paused = known.iter().filter(|agent| agent.paused.is_some());
    let paused = paused.count();
    let working = known.iter().filter(|agent| !agent.holds.is_empty()).count();
    let idle = known.len().saturating_sub(working + paused);
    let (top, rest) = layout::split_top(area, area.height * 3 / 5);
    let figures: [Figure; 3] = [
        (
            "At work".into(),
            working.to_string(),
            Role::AgentActive,
            format!("of {}", words::count(known.len(), "agent")),
        ),
        ("Idle".into(), idle.to_string(), Role::Text, String::new()),
        (
            "Paused".into(),
            paused.to_string(),
            Role::AgentPaused,
            String::new(),
        ),
    ];
    grid(&figures, top, pen);
    let glyphs = pen.glyphs();
    for (y, agent) in (0..rest.height).zip(known.iter().filter(|agent| !agent.holds.is_empty())) {
        let first = agent.holds.first().and_then(|id| model.state.order(*id));
        let what = first.map(on).unwrap_or_default();
        let parts = [
            (glyphs.agent_active, Role::AgentActive),
            (" ", Role::Text),
            (agent.name.as_str(), Role::Title),
            ("  ", Role::Text),
            (&what, Role::Text),
        ];
        pen.parts(rest, 2, y, &parts);
    }
}

fn on(order: &std::sync::Arc<Order>) -> String {
    let stage = order.work().map_or("", |work| work.stage.as_str());
    format!("{} in {stage}  {}", order.id, order.title)
}

fn andon(model: &Model, area: Rect, pen: &mut Pen<'_>) {
    let alerts = model.alerts();
    let Some(alert) = alerts.first() else {
        let head = format!("{} THE LINE RUNS", block::FINE);
        return announce(pen, area, &head, Role::Ok, "No alert is open.");
    };
    let (mark, role) = standing::severity(alert.severity, pen.glyphs());
    let shape = shape(alert);
    let word = alert.severity.word();
    let (top, rest) = layout::split_top(area, (area.height * 2 / 5).max(2));
    let heads = [
        format!("{shape} {word} {}", alerts.len()),
        format!("{shape} {word}"),
    ];
    let plain = format!(
        "{mark} {word}: {}",
        words::count(alerts.len(), "open alert")
    );
    headline(pen, top, &heads, &plain, role);
    let (rest, others) = layout::split_bottom(rest, rest.height.saturating_sub(3).min(4));
    let facts = about(model, alert);
    pen.say(rest, 2, 0, &facts, Role::Title);
    let (_, rest) = layout::split_top(rest, 2);
    reason(pen, rest, &alert.reason);
    for (y, alert) in (0..others.height).zip(alerts.iter().skip(1)) {
        let (mark, role) = standing::severity(alert.severity, pen.glyphs());
        let line = format!(" {}  {}", alert.id, alert.reason);
        pen.parts(others, 2, y, &[(mark, role), (&line, Role::Text)]);
    }
}

fn about(model: &Model, alert: &Alert) -> String {
    let holds = alert.hold.as_ref().map(|scope| format!("HOLDS {scope}"));
    let seen = match &alert.acknowledged {
        Some(act) => format!("seen by {}", act.by),
        None => "nobody has acknowledged it".into(),
    };
    let holds = holds.unwrap_or_else(|| "holds nothing".into());
    format!(
        "{}   {holds}   {}   {seen}",
        alert.id,
        words::ago(model.now, alert.raised.at)
    )
}

/// Draws what is wrong in large letters if there is room for all of it, else in small ones.
fn reason(pen: &mut Pen<'_>, area: Rect, reason: &str) {
    let (_, area) = layout::split_left(area, 2);
    let large = block::lines(reason, area.width);
    let fitting = large.filter(|lines| lines.len() <= usize::from((area.height + 1) / block::LINE));
    let Some(lines) = fitting else {
        let clean = text::clean(reason);
        let rows = text::wrap(&clean, usize::from(area.width).max(1));
        for (y, range) in (0..area.height).zip(rows) {
            pen.say(
                area,
                0,
                y,
                clean.get(range).unwrap_or_default(),
                Role::Title,
            );
        }
        return;
    };
    let mut area = area;
    for line in lines {
        block::draw(pen, area, &line, 1, Role::Title);
        (_, area) = layout::split_top(area, block::LINE);
    }
}

fn announce(pen: &mut Pen<'_>, area: Rect, head: &str, role: Role, note: &str) {
    let (top, rest) = layout::split_top(area, area.height.saturating_sub(2));
    headline(pen, top, &[head.to_owned()], head, role);
    pen.say(rest, 2, 0, note, Role::Muted);
}

/// Draws the first of the words that fits as large as it can be, else plain ones.
fn headline(pen: &mut Pen<'_>, area: Rect, heads: &[String], plain: &str, role: Role) {
    let (width, height) = (area.width.saturating_sub(4), area.height.saturating_sub(1));
    let fitting = heads
        .iter()
        .find_map(|head| Some((head, block::largest(head, width, height)?)));
    let (_, area) = layout::split_left(area, 2);
    let (_, area) = layout::split_top(area, 1);
    match fitting {
        Some((head, point)) => drop(block::draw(pen, area, head, point, role)),
        None => drop(pen.say(area, 0, 0, plain, role)),
    }
}

/// Draws figures side by side, in as many rows as make them largest, all of one size.
fn grid(figures: &[Figure], area: Rect, pen: &mut Pen<'_>) {
    /// Rows of a figure's name and note, and the empty one beneath.
    const WORDS: u16 = 3;
    let count = u16::try_from(figures.len()).unwrap_or(u16::MAX).max(1);
    let size = |down: u16| {
        let across = count.div_ceil(down);
        let (width, height) = (area.width / across, area.height / down);
        let room = (width.saturating_sub(4), height.saturating_sub(WORDS));
        let sizes = figures
            .iter()
            .map(|(_, value, ..)| block::largest(value, room.0, room.1).unwrap_or(0));
        (sizes.min().unwrap_or(0), down)
    };
    // Of equal sizes the fewest rows, so that they are read as one line.
    let best = (1..=count)
        .map(size)
        .max_by_key(|(point, down)| (*point, u16::MAX - down));
    let (point, down) = best.unwrap_or((0, 1));
    let down = if point == 0 {
        down.max(count.min(area.height / 2)).max(1)
    } else {
        down
    };
    let across = count.div_ceil(down);
    let (width, height) = (area.width / across, (area.height / down).max(1));
    for (at, (name, value, role, note)) in (0u16..).zip(figures) {
        let place = Rect {
            x: area.x + (at % across) * width,
            y: area.y + (at / across) * height,
            width,
            height,
        }
        .intersection(area);
        let (_, place) = layout::split_left(place, 2);
        if point == 0 {
            let parts = [
                (name.as_str(), Role::Muted),
                (" ", Role::Text),
                (plain(value), *role),
            ];
            pen.parts(place, 0, 0, &parts);
            continue;
        }
        pen.say(place, 0, 0, name, Role::Title);
        let (_, drawn) = layout::split_top(place, 1);
        let (_, taken) = block::draw(pen, drawn, value, point, *role);
        let (_, beneath) = layout::split_top(drawn, taken);
        pen.say(beneath, 0, 0, note, Role::Muted);
    }
}

/// Returns a figure without the shape before it: small, its number is all there is room for.
fn plain(value: &str) -> &str {
    value.rsplit(' ').next().unwrap_or(value)
}

fn shape(alert: &Alert) -> &'static str {
    block::SEVERITIES
        .get(alert.severity as usize)
        .copied()
        .unwrap_or("!")
}

fn worst(model: &Model) -> String {
    match model.alerts().first() {
        Some(alert) => format!("{} {}", alert.severity.word(), alert.reason),
        None => "the line runs".into(),
    }
}

fn done_today(model: &Model) -> u32 {
    let day = model.state.day(model.now.day());
    day.map_or(0, |day| day.0.iter().map(|row| row.completed).sum())
}
