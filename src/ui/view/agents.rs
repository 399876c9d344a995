//! Agents, what they are about and how that is known; beneath them what the selected one runs and writes.

use ratatui::layout::Rect;

use super::{
    overview::{mark_of, what_it_does},
    runs,
};
use crate::{
    domain::{
        agent::Agent,
        query::{
            agents::{AgentView, roster},
            life::{Life, LifeSource, LifeState},
        },
    },
    text,
    ui::{
        action::Action,
        keymap::{Scope, chord},
        layout, line,
        model::{Model, View},
        pen::Pen,
        runs::is_whole,
        theme::Role,
        words,
    },
};

/// Rows above the agents and what is to be mended: a count, and the columns' names.
const HEAD: u16 = 2;

/// The least room for what an agent holds, in columns: an id and a word, beside its lease.
const HELD: u16 = 24;

/// The least rows of the pane beneath: its frame, and enough of a log to read.
const PANE: u16 = 6;

/// The most rows for what is to be mended, on a low screen and on others.
const NOTES: (usize, usize) = (3, 6);

/// From this height on a screen is not low.
const HIGH: u16 = 30;

/// From this width on there is room for how a state is known.
const BROAD: u16 = 100;

/// Where the parts of the view are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// What is to be mended.
    pub notes: Rect,
    /// The count and the columns' names.
    head: Rect,
    /// The agents, one a row.
    pub list: Rect,
    /// The runs of the selected one.
    pub pane: Rect,
}

/// Cuts the view into its parts for so many agents. Where the log has the keys it has the whole of it.
pub fn places(model: &Model, area: Rect, agents: usize) -> Places {
    if is_whole(model) {
        return Places {
            pane: area,
            ..Places::default()
        };
    }
    let wanted = u16::try_from(notes(model, area).len()).unwrap_or(u16::MAX);
    let (notes, rest) = layout::split_top(area, wanted.min(area.height / 2));
    let (head, rest) = layout::split_top(rest, HEAD);
    let agents = u16::try_from(agents.max(1)).unwrap_or(u16::MAX);
    let listed = agents.min((rest.height / 3).max(1));
    let (list, pane) = match rest.height >= listed + PANE {
        true => layout::split_top(rest, listed),
        false => (rest, Rect::default()),
    };
    Places {
        notes,
        head,
        list,
        pane,
    }
}

/// Returns how many agents are listed at once.
pub fn rows(model: &Model, agents: usize) -> usize {
    let body = model.screen().body;
    usize::from(places(model, body, agents).list.height)
}

/// Returns how many lines of a log are shown, and how many cells of each.
pub fn log_room(model: &Model) -> (usize, usize) {
    if model.view != View::Agents {
        return (0, 0);
    }
    let body = model.screen().body;
    let pane = places(model, body, roster(&model.state).len()).pane;
    let log = runs::places(model, pane).log;
    (usize::from(log.height), usize::from(log.width))
}

/// Returns what is to be mended, wrapped to the view's width.
fn notes(model: &Model, area: Rect) -> Vec<(String, Role)> {
    let most = if area.height < HIGH { NOTES.0 } else { NOTES.1 };
    let room = usize::from(area.width.saturating_sub(4));
    let all = line::notes(model);
    let mut lines = Vec::new();
    for (at, (note, role)) in all.iter().enumerate() {
        let wrapped = text::wrap(note, room);
        if lines.len() + wrapped.len() > most && at > 0 {
            let left = words::count(all.len() - at, "more mistake");
            lines.truncate(most.saturating_sub(1));
            lines.push((format!("and {left}: obeya host says them all"), Role::Muted));
            break;
        }
        let part = |range: std::ops::Range<usize>| note.get(range).unwrap_or_default().to_owned();
        lines.extend(wrapped.into_iter().map(|range| (part(range), *role)));
    }
    lines
}

/// Draws what is to be mended, a row for each agent, and the pane beneath them.
pub fn draw(model: &Model, area: Rect, pen: &mut Pen<'_>) {
    let known = roster(&model.state);
    let places = places(model, area, known.len());
    for (y, (note, role)) in (0..places.notes.height).zip(notes(model, area)) {
        if y == 0 {
            pen.say(places.notes, 1, 0, pen.glyphs().failed, Role::Warning);
        }
        pen.say(places.notes, 3, y, &note, role);
    }
    if places.list.height > 0 {
        list(model, &known, &places, pen);
    }
    if known.is_empty() {
        return;
    }
    let view = model
        .selected_agent()
        .and_then(|name| seen(model, name).map(|view| (name, view)));
    let facts = view.map(|(_, view)| facts(model, view)).unwrap_or_default();
    runs::draw(model, places.pane, &facts, pen);
}

fn seen<'a>(model: &'a Model, name: &str) -> Option<&'a AgentView> {
    let known = &model.asks.agents()?.agents;
    known.iter().find(|agent| agent.name == name)
}

fn list(model: &Model, known: &[std::sync::Arc<Agent>], places: &Places, pen: &mut Pen<'_>) {
    let (head, body) = (places.head, places.list);
    let total = known.len();
    let active = known.iter().filter(|a| !a.holds.is_empty()).count();
    let said = format!("{active} of {} at work", words::count(total, "agent"));
    pen.say(head, 1, 0, &said, Role::Muted);
    if total == 0 {
        pen.say(body, 2, 0, &registering(model), Role::Muted);
        return;
    }
    let columns = Columns::of(body.width);
    let mut names = vec![
        (2, "agent"),
        (columns.status, "status"),
        (columns.since, "for"),
        (columns.holds, "holds"),
    ];
    if let Some(x) = columns.source {
        names.extend([(x, "known by"), (x + 11, "crashes"), (x + 20, "done")]);
    }
    for (x, word) in names {
        pen.say(head, x, 1, word, Role::Header);
    }
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
            pen.say(row, 0, 0, pen.glyphs().selected, Role::Key);
        }
        let cell = usize::from(columns.status.saturating_sub(3));
        let name_cut = text::cut(name, cell, pen.glyphs().ellipsis);
        pen.say(row, 2, 0, &name_cut, Role::Text);
        if let Some(agent) = seen(model, name) {
            about(model, agent, &columns, row, pen);
        }
        if chosen {
            pen.shade(row, Role::Selection);
        }
    }
}

/// Draws what one agent is about.
fn about(model: &Model, agent: &AgentView, columns: &Columns, row: Rect, pen: &mut Pen<'_>) {
    let life = agent.life.as_ref();
    let (mark, role) = mark_of(agent, pen);
    let word = match life {
        Some(life) => life.state.word(),
        None => agent.status.word(),
    };
    let state = [(mark, role), (" ", Role::Text), (word, role)];
    pen.parts(row, columns.status, 0, &state);
    let held = || agent.holds.first().map(|held| held.since);
    let since = life
        .map(|life| life.since)
        .or(agent.paused_at)
        .or_else(held);
    if let Some(since) = since {
        let age = words::age(model.now.since(since.0));
        pen.say(row, columns.since, 0, &age, Role::Muted);
    }
    if let Some(x) = columns.source {
        let source = life.map_or("", |life| life.source.word());
        pen.say(row, x, 0, source, Role::Muted);
        let crashes = life.map_or(0, |life| life.crashes);
        if crashes > 0 {
            pen.say(row, x + 11, 0, &format!("{crashes:>4}"), Role::Warning);
        }
        let done = match agent.registered {
            true => format!("{:>4}", agent.completed),
            false => "   -".to_owned(),
        };
        pen.say(row, x + 20, 0, &done, Role::Muted);
    }
    let mut room = Rect {
        width: row.width.saturating_sub(1),
        ..row
    };
    // Who holds what comes before until when.
    let fits = room.width >= columns.holds + HELD;
    let lease = agent.holds.first().and_then(|held| held.lease);
    if let Some(lease) = lease.filter(|_| fits) {
        let left = lease.expires_at.0.since(model.now);
        let (when, role) = match left {
            0 => ("lapses now".into(), Role::AgentStale),
            left => (format!("lease {}", words::left(left)), Role::Muted),
        };
        room.width -= pen.parts_right(room, 0, &[("  ", Role::Text), (&when, role)]);
    }
    let what = match (&agent.paused_at, &agent.pause_reason) {
        (Some(_), Some(why)) => format!("paused: {why}"),
        _ if life_says(agent).is_some() => life_says(agent).unwrap_or_default(),
        _ if agent.holds.is_empty() => String::new(),
        _ => what_it_does(agent),
    };
    pen.say(room, columns.holds, 0, &what, Role::Text);
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
    Some(format!("{work}{note}{until}"))
}

/// Returns how a state is known, in words.
fn known_by(life: &Life) -> String {
    match life.source {
        LifeSource::Operator => "an operator wants it so".into(),
        source => format!("by its {source}"),
    }
}

/// Returns what to know about an agent before its log is read: what is narrow does not show it in its row.
fn facts(model: &Model, agent: &AgentView) -> Vec<(String, Role)> {
    let Some(life) = &agent.life else {
        let status = agent.status.word();
        return vec![(format!("{status}; no host runs it"), Role::Muted)];
    };
    let age = match words::age(model.now.since(life.since.0)).as_str() {
        "now" => "just now".to_owned(),
        age => format!("for {age}"),
    };
    let state = format!("{} {age}, {}", life.state, known_by(life));
    let mut facts = vec![(state, Role::Text)];
    let runs = format!("{} of {} at once", life.runs.len(), life.wanted);
    facts.push((runs, Role::Muted));
    if life.crashes > 0 {
        let crashes = if life.crashes == 1 {
            "crash counts"
        } else {
            "crashes count"
        };
        facts.push((format!("{} {crashes}", life.crashes), Role::Warning));
    }
    let orders = life.runs.iter().filter_map(|run| run.order);
    let orders: Vec<String> = orders.map(|order| order.to_string()).collect();
    if !orders.is_empty() {
        facts.push((format!("on {}", orders.join(", ")), Role::Link));
    }
    facts
}

/// Returns the mark of a state that a host knows.
pub(super) fn life_mark(state: LifeState, pen: &Pen<'_>) -> (&'static str, Role) {
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
    format!("no agent is registered yet: {key}agent register NAME, or [agents.NAME] in obeya.toml")
}

struct Columns {
    status: u16,
    since: u16,
    /// How the state is known, the crashes and what was done; only on a broad screen.
    source: Option<u16>,
    holds: u16,
}

impl Columns {
    fn of(width: u16) -> Self {
        let name = (width / 5).clamp(10, 30);
        let since = name + 15;
        let source = (width >= BROAD).then_some(since + 6);
        Columns {
            status: name + 3,
            since,
            source,
            holds: since + 6 + source.map_or(0, |_| 26),
        }
    }
}
