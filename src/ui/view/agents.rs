//! Agents, what they hold, and until when.

use ratatui::layout::Rect;

use super::overview::{agent_mark, what_it_does};
use crate::{
    domain::query::{
        agents::{AgentView, roster},
        life::LifeState,
    },
    text,
    ui::{
        action::Action,
        keymap::{Scope, chord},
        layout,
        model::Model,
        pen::Pen,
        theme::Role,
        words,
    },
};

/// Rows above the agents.
pub const HEAD: u16 = 2;

/// The least room for what an agent holds, in columns: an id and a word, beside its lease.
const HELD: u16 = 24;

/// Draws a row for each agent.
pub fn draw(model: &Model, area: Rect, pen: &mut Pen<'_>) {
    let (head, body) = layout::split_top(area, HEAD);
    let glyphs = pen.glyphs();
    let known = roster(&model.state);
    let total = known.len();
    let active = known.iter().filter(|a| !a.holds.is_empty()).count();
    pen.say(
        head,
        1,
        0,
        &format!("{active} of {} at work", words::count(total, "agent")),
        Role::Muted,
    );
    if total == 0 {
        pen.say(body, 2, 0, &registering(model), Role::Muted);
        return;
    }
    let columns = Columns::of(area.width);
    for (x, word) in [
        (2, "agent"),
        (columns.status, "status"),
        (columns.done, "done"),
        (columns.holds, "holds"),
    ] {
        pen.say(head, x, 1, word, Role::Header);
    }
    let fetched = model.asks.agents();
    let rows = usize::from(body.height);
    let range = model.agents.window.range(total, rows);
    let names = known.iter().map(|agent| &agent.name).enumerate();
    let shown = names.filter(|(at, _)| range.contains(at));
    for (y, (_, name)) in (0..body.height).zip(shown) {
        let row = Rect {
            y: body.y + y,
            height: 1,
            ..body
        };
        let chosen = model.agents.selected.as_ref() == Some(name);
        if chosen {
            pen.say(row, 0, 0, glyphs.selected, Role::Key);
        }
        let cell = usize::from(columns.status.saturating_sub(3));
        pen.say(
            row,
            2,
            0,
            &text::cut(name, cell, glyphs.ellipsis),
            Role::Text,
        );
        let view = fetched.and_then(|all| all.agents.iter().find(|agent| agent.name == *name));
        if let Some(agent) = view {
            let (mark, role) = match &agent.life {
                Some(life) => life_mark(life.state, pen),
                None => agent_mark(agent.status, pen),
            };
            let word = match &agent.life {
                Some(life) => life.state.word(),
                None => agent.status.word(),
            };
            pen.parts(
                row,
                columns.status,
                0,
                &[(mark, role), (" ", Role::Text), (word, role)],
            );
            pen.say(
                row,
                columns.done,
                0,
                &match agent.registered {
                    true => format!("{:>4}", agent.completed),
                    false => "   -".to_owned(),
                },
                Role::Muted,
            );
            let lease = agent
                .holds
                .first()
                .and_then(|held| held.lease)
                .map(|lease| {
                    let left = lease.expires_at.0.since(model.now);
                    let when = if left == 0 {
                        "lapses now".into()
                    } else {
                        format!("lease {}", words::age(left))
                    };
                    let role = if left == 0 {
                        Role::AgentStale
                    } else {
                        Role::Muted
                    };
                    (when, role)
                });
            let mut room = Rect {
                width: row.width.saturating_sub(1),
                ..row
            };
            // Who holds what comes before until when.
            let fits = room.width >= columns.holds + HELD;
            if let Some((when, role)) = lease.filter(|_| fits) {
                room.width -= pen.parts_right(room, 0, &[("  ", Role::Text), (&when, role)]);
            }
            let what = match (&agent.paused_at, &agent.pause_reason) {
                (Some(at), Some(why)) => format!("paused {}: {why}", words::ago(model.now, at.0)),
                (Some(at), None) => format!("paused {}", words::ago(model.now, at.0)),
                _ if life_says(agent).is_some() => life_says(agent).unwrap_or_default(),
                _ if agent.holds.is_empty() => String::new(),
                _ => what_it_does(agent),
            };
            pen.say(room, columns.holds, 0, &what, Role::Text);
        }
        if chosen {
            pen.shade(row, Role::Selection);
        }
    }
}

/// Returns what a host's agent says about itself, where that is more than the order it holds.
fn life_says(agent: &AgentView) -> Option<String> {
    let life = agent.life.as_ref()?;
    let note = life.note.as_ref()?;
    let work = agent
        .holds
        .first()
        .map(|held| format!("{}  ", held.id))
        .unwrap_or_default();
    let until = life
        .until
        .map(|until| format!(", until {until}"))
        .unwrap_or_default();
    Some(format!("{work}{note}{until} (by its {})", life.source))
}

fn life_mark(state: LifeState, pen: &Pen<'_>) -> (&'static str, Role) {
    let glyphs = pen.glyphs();
    match state {
        LifeState::Busy | LifeState::Starting => (glyphs.agent_active, Role::AgentActive),
        LifeState::Paused | LifeState::Waiting | LifeState::Throttled | LifeState::Parked => {
            (glyphs.agent_paused, Role::AgentPaused)
        }
        LifeState::Lost | LifeState::Unknown => (glyphs.queued, Role::AgentStale),
        LifeState::Idle | LifeState::Stopped => (glyphs.queued, Role::Muted),
    }
}

/// Returns how a first agent comes here.
pub fn registering(model: &Model) -> String {
    let keys = model
        .keymap
        .chords(&[Scope::Global], Action::Command.name());
    let key = keys.first().map(|keys| chord(keys)).unwrap_or_default();
    format!("no agent is registered yet: {key}agent register NAME")
}

struct Columns {
    status: u16,
    done: u16,
    holds: u16,
}

impl Columns {
    fn of(width: u16) -> Self {
        let name = (width / 4).clamp(12, 30);
        Columns {
            status: name + 3,
            done: name + 14,
            holds: name + 21,
        }
    }
}
