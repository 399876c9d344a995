//! The line at a glance: the owner's overview.

use ratatui::layout::Rect;

use super::{events, figures, standing};
use crate::{
    domain::{
        order::Bucket,
        query::{
            agents::{AgentStatus, AgentView},
            summary::Summary,
        },
    },
    text,
    ui::{
        layout,
        model::Model,
        pen::Pen,
        theme::Role,
        widget::meter::{meter, sparkline},
        words,
    },
};

/// From this height on there is room for stages, alerts and air.
const ROOMY: u16 = 30;
/// The cells of a bar's name.
const LABEL: u16 = 18;
/// How many days the small chart of completions shows.
const DAYS: u32 = 30;

/// Draws figures above, then orders by status and bucket, agents and events, as far as there is room.
pub fn draw(model: &Model, area: Rect, pen: &mut Pen<'_>) {
    let summary = model.asks.summary();
    let wide = area.width >= 100;
    // A line of air above the figures, where there is room for it.
    let area = layout::split_top(area, u16::from(area.height >= ROOMY)).1;
    let (top, rest) = layout::split_top(area, 3);
    figures::draw(model, summary, top, pen);
    let (left, right) = if wide {
        let (left, right) = layout::split_left(rest, rest.width / 2);
        (
            left,
            Rect {
                x: right.x + 1,
                width: right.width.saturating_sub(1),
                ..right
            },
        )
    } else {
        (rest, Rect::default())
    };
    let mut y = 0;
    y += section(left, y, "Orders by status", pen, |area, pen| {
        by_status(model, area, pen)
    });
    if left.height.saturating_sub(y) >= 4 {
        y += section(
            left,
            y,
            "Buckets: in progress of limit, queued",
            pen,
            |area, pen| by_bucket(model, summary, area, pen),
        );
    }
    if area.height >= ROOMY {
        y += section(left, y, "Stages", pen, |area, pen| {
            by_stage(model, area, pen)
        });
        y += section(left, y, "Open alerts", pen, |area, pen| {
            open_alerts(model, area, pen)
        });
    }
    if wide {
        let agents = section(right, 0, "Agents", pen, |area, pen| {
            let room = Rect {
                height: area.height.min(9),
                ..area
            };
            agents(model, summary, room, pen)
        });
        section(right, agents, "Recent events", pen, |area, pen| {
            recent(model, area, pen)
        });
    } else if left.height.saturating_sub(y) >= 3 {
        section(left, y, "Recent events", pen, |area, pen| {
            recent(model, area, pen)
        });
    }
}

/// Draws a titled part at row `y` and returns the rows it took, an empty one included.
fn section(
    area: Rect,
    y: u16,
    title: &str,
    pen: &mut Pen<'_>,
    draw: impl FnOnce(Rect, &mut Pen<'_>) -> u16,
) -> u16 {
    let (_, rest) = layout::split_top(area, y);
    if rest.height < 2 {
        return 0;
    }
    let (head, body) = layout::split_top(rest, 1);
    let used = pen.say(head, 1, 0, title, Role::Title);
    let line = Rect {
        x: head.x + used + 2,
        width: head.width.saturating_sub(used + 3),
        ..head
    };
    pen.rule(line, 0, Role::ChartEmpty);
    let body = Rect {
        x: body.x + 1,
        width: body.width.saturating_sub(2),
        ..body
    };
    draw(body, pen) + 2
}

fn by_status(model: &Model, area: Rect, pen: &mut Pen<'_>) -> u16 {
    let counts = &model.state.counts;
    let wip: u64 = counts.wip.iter().map(|n| u64::from(*n)).sum();
    let queued: u64 = counts.queued.iter().map(|n| u64::from(*n)).sum();
    let glyphs = pen.glyphs();
    let rows = [
        (
            glyphs.in_progress,
            "in progress",
            wip,
            Role::StatusInProgress,
        ),
        (glyphs.queued, "queued", queued, Role::Chart),
        (
            glyphs.completed,
            "completed",
            counts.completed,
            Role::StatusCompleted,
        ),
    ];
    let most = rows
        .iter()
        .map(|(_, _, count, _)| *count)
        .max()
        .unwrap_or(0);
    for (y, (glyph, word, count, role)) in (0..area.height).zip(&rows) {
        bar(
            area,
            y,
            (glyph, word),
            *count,
            most,
            &count.to_string(),
            *role,
            pen,
        );
    }
    let y = 3;
    if area.height > y + 1 {
        let today = model.now.day();
        let completed = |day: u32| {
            let day = model.state.day(day);
            day.map_or(0, |day| day.0.iter().map(|row| row.completed).sum())
        };
        let values: Vec<u32> = (today.saturating_sub(DAYS - 1)..=today)
            .map(completed)
            .collect();
        let chart = Rect {
            x: area.x + LABEL,
            y: area.y + y,
            width: area.width.saturating_sub(LABEL),
            height: 1,
        };
        pen.say(area, 2, y, "done, 30 days", Role::Muted);
        sparkline(pen, chart, &values, Role::StatusCompleted);
        return y + 1;
    }
    3.min(area.height)
}

#[expect(clippy::too_many_arguments, reason = "a row of a table has its cells")]
fn bar(
    area: Rect,
    y: u16,
    (glyph, word): (&str, &str),
    value: u64,
    most: u64,
    note: &str,
    role: Role,
    pen: &mut Pen<'_>,
) {
    const NOTE: u16 = 26;
    pen.parts(
        area,
        0,
        y,
        &[(glyph, role), (" ", Role::Text), (word, Role::Text)],
    );
    let width = area.width.saturating_sub(LABEL + NOTE).min(60);
    let place = Rect {
        x: area.x + LABEL,
        y: area.y + y,
        width,
        height: 1,
    };
    meter(pen, place, value, most, role);
    pen.say(area, LABEL + width + 1, y, note, Role::Muted);
}

fn by_bucket(model: &Model, summary: Option<&Summary>, area: Rect, pen: &mut Pen<'_>) -> u16 {
    let counts = &model.state.counts;
    let glyphs = pen.glyphs();
    let mut rows = 0;
    for (y, bucket) in (0..area.height).zip(Bucket::ALL) {
        let at = bucket.index();
        let wip = counts.wip.get(at).copied().unwrap_or(0);
        let queued = counts.queued.get(at).copied().unwrap_or(0);
        let limit = model.state.settings.bucket(*bucket).wip_limit;
        let view = summary.and_then(|s| s.buckets.iter().find(|b| b.bucket == *bucket));
        let held = view.is_some_and(|view| !view.held_by.is_empty());
        let late = view.map_or(0, |view| view.breached);
        let (glyph, role) = if held {
            (glyphs.held, Role::Held)
        } else if wip >= limit {
            (glyphs.andon_medium, Role::Warning)
        } else {
            (glyphs.bullet, Role::Chart)
        };
        let mut note = format!("{wip:>2}/{limit:<2} {queued:>3} queued");
        if held {
            note = format!("{wip:>2}/{limit:<2} {queued:>3} queued held");
        } else if wip >= limit {
            note = format!("{wip:>2}/{limit:<2} {queued:>3} queued full");
        } else if late > 0 {
            note = format!("{wip:>2}/{limit:<2} {queued:>3}q {late} late");
        }
        let word = words::plain(bucket.word());
        bar(
            area,
            y,
            (glyph, &word),
            wip.into(),
            limit.into(),
            &note,
            role,
            pen,
        );
        rows = y + 1;
    }
    rows
}

fn by_stage(model: &Model, area: Rect, pen: &mut Pen<'_>) -> u16 {
    let glyphs = pen.glyphs();
    let stages = &model.state.settings.stages;
    let most = stages
        .iter()
        .map(|stage| model.state.counts.stage(&stage.name))
        .max();
    let mut rows = 0;
    for (y, stage) in (0..area.height).zip(stages) {
        let count = model.state.counts.stage(&stage.name);
        let full = stage.wip_limit.is_some_and(|limit| count >= limit);
        let note = match stage.wip_limit {
            Some(limit) if full => format!("{count:>2}/{limit} full"),
            Some(limit) => format!("{count:>2}/{limit}"),
            None => format!("{count:>2}"),
        };
        let role = if full { Role::Warning } else { Role::Chart };
        let whole = stage.wip_limit.or(most).unwrap_or(0).max(1);
        let name = (glyphs.bullet, stage.name.as_str());
        bar(area, y, name, count.into(), whole.into(), &note, role, pen);
        rows = y + 1;
    }
    rows
}

fn open_alerts(model: &Model, area: Rect, pen: &mut Pen<'_>) -> u16 {
    let alerts = model.alerts();
    let glyphs = pen.glyphs();
    if alerts.is_empty() {
        let line = format!("{} none: the line runs", glyphs.ok);
        pen.say(area, 0, 0, &line, Role::Ok);
        return 1;
    }
    for (y, alert) in (0..area.height).zip(&alerts) {
        let (mark, role) = standing::severity(alert.severity, glyphs);
        let age = format!("{:>4} ", words::age(model.now.since(alert.raised.at)));
        let badge = format!("{mark} {} ", alert.severity.word());
        let id = format!("{} ", alert.id);
        pen.parts(
            area,
            0,
            y,
            &[
                (&age, Role::Muted),
                (&badge, role),
                (&id, Role::Link),
                (&alert.reason, Role::Text),
            ],
        );
    }
    u16::try_from(alerts.len())
        .unwrap_or(area.height)
        .min(area.height)
}

fn agents(model: &Model, summary: Option<&Summary>, area: Rect, pen: &mut Pen<'_>) -> u16 {
    let Some(summary) = summary else {
        pen.say(area, 0, 0, "…", Role::Muted);
        return 1;
    };
    let agents = &summary.agents;
    if agents.total == 0 {
        pen.say(area, 0, 0, &super::agents::registering(model), Role::Muted);
        return 1;
    }
    let paused = match agents.paused {
        0 => String::new(),
        n => format!(", {n} paused"),
    };
    let line = format!("{} of {} at work{paused}", agents.active, agents.total);
    pen.say(area, 0, 0, &line, Role::Muted);
    let rows = area.height.saturating_sub(1);
    for (y, agent) in (1..=rows).zip(&agents.first) {
        let (glyph, role) = mark_of(agent, pen);
        let what = what_it_does(agent);
        let name = format!("{:<22} ", text::cut(&agent.name, 22, pen.glyphs().ellipsis));
        pen.parts(
            area,
            0,
            y,
            &[
                (glyph, role),
                (" ", Role::Text),
                (&name, Role::Text),
                (&what, Role::Muted),
            ],
        );
    }
    let shown = u16::try_from(agents.first.len()).unwrap_or(rows).min(rows);
    1 + shown
}

/// Returns the mark of an agent: its host knows more of it than whether it holds work.
pub fn mark_of(agent: &AgentView, pen: &Pen<'_>) -> (&'static str, Role) {
    match &agent.life {
        Some(life) => super::agents::life_mark(life.state, pen),
        None => agent_mark(agent.status, pen),
    }
}

fn agent_mark(status: AgentStatus, pen: &Pen<'_>) -> (&'static str, Role) {
    let glyphs = pen.glyphs();
    match status {
        AgentStatus::Working => (glyphs.agent_active, Role::AgentActive),
        AgentStatus::Idle => (glyphs.queued, Role::Muted),
        AgentStatus::Paused => (glyphs.agent_paused, Role::AgentPaused),
    }
}

/// Returns what an agent is about, in words.
pub fn what_it_does(agent: &AgentView) -> String {
    match agent.holds.as_slice() {
        [] => match &agent.life {
            Some(life) => match &life.note {
                Some(note) => format!("{}: {note}", life.state.word()),
                None => life.state.word().to_owned(),
            },
            None => agent.status.word().to_owned(),
        },
        [one] => format!("{} in {}  {}", one.id, one.stage, one.title),
        [first, rest @ ..] => format!("{} in {} and {} more", first.id, first.stage, rest.len()),
    }
}

fn recent(model: &Model, area: Rect, pen: &mut Pen<'_>) -> u16 {
    for (y, entry) in (0..area.height).zip(model.events.entries.iter().rev()) {
        events::line(
            model,
            entry,
            Rect {
                y: area.y + y,
                height: 1,
                ..area
            },
            pen,
        );
    }
    area.height
}
