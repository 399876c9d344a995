//! The pane about the selected agent's runs: which there are, and what the chosen one writes.

use ratatui::layout::Rect;

use crate::{
    text,
    ui::{
        action::Action,
        keymap::chord,
        layout,
        log::{LogLine, RunSeen, Sight, find},
        model::Model,
        pen::Pen,
        runs::{Stand, blind, is_whole},
        theme::Role,
        words,
    },
};

/// From this width on the runs have a column of their own; else they are gone through by keys.
const BROAD: u16 = 110;
/// That column's width.
const RUNS: u16 = 40;
/// From this height on what is known of the agent has a line of its own.
const TALL: u16 = 6;

/// Where the parts of the pane are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Places {
    facts: Rect,
    runs: Rect,
    /// The lines of the log.
    pub(super) log: Rect,
}

/// Cuts the pane into its parts.
pub(super) fn places(model: &Model, pane: Rect) -> Places {
    let inner = Rect {
        x: pane.x.saturating_add(2),
        y: pane.y.saturating_add(1),
        width: pane.width.saturating_sub(4),
        height: pane.height.saturating_sub(2),
    };
    let tall = u16::from(inner.height >= TALL);
    let (facts, rest) = layout::split_top(inner, tall);
    let sight = model
        .selected_agent()
        .and_then(|agent| model.runs.of(agent));
    let several = sight.is_some_and(|sight| sight.runs.len() > 1);
    let (runs, log) = match several && inner.width >= BROAD {
        true => layout::split_left(rest, RUNS),
        false => (Rect::default(), rest),
    };
    Places { facts, runs, log }
}

/// Draws the pane.
pub(super) fn draw(model: &Model, area: Rect, facts: &[(String, Role)], pen: &mut Pen<'_>) {
    let Some(agent) = model.selected_agent().filter(|_| area.height > 2) else {
        return;
    };
    let sight = model.runs.of(agent);
    let shown = sight.and_then(Sight::shown);
    let places = places(model, area);
    let title = match sight.zip(shown) {
        Some((sight, run)) => {
            let nth = nth(sight).filter(|_| places.runs.width == 0);
            let nth = nth.map(|nth| format!("  run {nth} of {}", sight.runs.len()));
            let words = run_words(model, run);
            format!("{agent}{}  {words}", nth.unwrap_or_default())
        }
        None => agent.to_owned(),
    };
    pen.pane(area, &title, is_whole(model));
    let mut x = 0;
    for (fact, role) in facts {
        x += pen.say(places.facts, x, 0, fact, *role) + 2;
    }
    let Some((sight, run)) = sight.zip(shown).filter(|_| blind(model).is_none()) else {
        let why = blind(model).unwrap_or(match (sight, facts.len()) {
            (None, _) => "looking for what it wrote",
            (Some(_), 0 | 1) => {
                "nothing it writes is kept here: a host keeps what it runs, as [agents.NAME] in obeya.toml says"
            }
            (Some(_), _) => "it has not run yet",
        });
        paragraph(why, places.log, pen);
        return;
    };
    if places.runs.width > 0 {
        column(model, sight, places.runs, pen);
    }
    log(model, sight, run, places.log, pen);
    foot(model, sight, run, area, pen);
}

/// Returns which of several runs is shown, counted from the oldest.
fn nth(sight: &Sight) -> Option<usize> {
    let shown = |run: &RunSeen| Some(&run.run) == sight.run.as_ref();
    let at = sight.runs.iter().rev().position(shown)?;
    (sight.runs.len() > 1).then_some(at + 1)
}

fn paragraph(said: &str, area: Rect, pen: &mut Pen<'_>) {
    let lines = text::wrap(said, usize::from(area.width.max(1)));
    for (y, range) in (0..area.height).zip(lines) {
        pen.say(area, 0, y, said.get(range).unwrap_or_default(), Role::Muted);
    }
}

/// Returns when a run began, for what, and how it stands.
fn run_words(model: &Model, run: &RunSeen) -> String {
    let day = |time| words::date(time).get(..10).map(str::to_owned);
    let began = match day(run.began) == day(model.now) {
        true => words::clock(run.began),
        false => words::date(run.began),
    };
    let order = run
        .order
        .map(|order| format!(" {order}"))
        .unwrap_or_default();
    let end = run.end.as_deref().unwrap_or("running");
    format!("{began}{order} {end}")
}

/// Draws the runs, newest first, those around the chosen one.
fn column(model: &Model, sight: &Sight, area: Rect, pen: &mut Pen<'_>) {
    let rows = usize::from(area.height);
    let chosen = sight
        .runs
        .iter()
        .position(|run| Some(&run.run) == sight.run.as_ref());
    let first = chosen.unwrap_or(0).saturating_sub(rows.saturating_sub(1));
    let list = Rect {
        width: area.width.saturating_sub(2),
        ..area
    };
    for (y, (at, run)) in (0..area.height).zip(sight.runs.iter().enumerate().skip(first)) {
        let row = Rect {
            y: list.y + y,
            height: 1,
            ..list
        };
        let role = match &run.end {
            None => Role::AgentActive,
            Some(_) => Role::Muted,
        };
        pen.say(row, 0, 0, &run_words(model, run), role);
        if chosen == Some(at) {
            pen.shade(row, Role::Selection);
        }
    }
}

fn log(model: &Model, sight: &Sight, run: &RunSeen, area: Rect, pen: &mut Pen<'_>) {
    let lines = &sight.window.lines;
    if lines.is_empty() {
        let word = match run.end {
            Some(_) => "it wrote nothing",
            None => "it has written nothing yet",
        };
        pen.say(area, 0, 0, word, Role::Muted);
        return;
    }
    let shown = lines.iter().skip(model.runs.first());
    for (y, line) in (0..area.height).zip(shown) {
        let row = Rect {
            y: area.y + y,
            height: 1,
            ..area
        };
        draw_line(model, line, row, pen);
        if model.runs.stand == Stand::Hit(line.at) {
            pen.shade(row, Role::Selection);
        }
    }
}

/// Draws what is in sight of a line; of one that is too long, the part that was searched for.
fn draw_line(model: &Model, line: &LogLine, row: Rect, pen: &mut Pen<'_>) {
    let (text, room) = (line.text.as_str(), usize::from(row.width));
    let found = find(text, &model.runs.words).filter(|_| !line.gap);
    let found = found.unwrap_or(text.len()..text.len());
    let before = |end: usize| text::width(text.get(..end).unwrap_or_default());
    let left = match model.runs.left() {
        0 if !found.is_empty() && before(found.end) > room => {
            before(found.start).saturating_sub(room / 2)
        }
        left => left,
    };
    // The mark of what is beyond the edge takes a cell of what it hides.
    let mark = if left > 0 { pen.glyphs().ellipsis } else { "" };
    let rest = match left {
        0 => text,
        left => text::behind(text, left + text::width(mark)),
    };
    let mark = if rest.is_empty() { "" } else { mark };
    let skipped = text.len() - rest.len();
    let shown = text::cut(
        rest,
        room.saturating_sub(text::width(mark)),
        pen.glyphs().ellipsis,
    );
    let kept = match rest.starts_with(&*shown) {
        true => shown.len(),
        false => shown.len().saturating_sub(pen.glyphs().ellipsis.len()),
    };
    let place = |at: usize| at.saturating_sub(skipped).min(kept);
    let (start, end) = (place(found.start), place(found.end));
    let part = |range: std::ops::Range<usize>| shown.get(range).unwrap_or_default();
    let role = if line.gap { Role::Muted } else { Role::Text };
    let parts = [
        (mark, Role::Muted),
        (part(0..start), role),
        (part(start..end), Role::Match),
        (part(end..shown.len()), role),
    ];
    pen.parts(row, 0, 0, &parts);
}

/// Returns the first key that runs an action here.
fn key(model: &Model, run: &str) -> Option<String> {
    let keys = model.keymap.chords(&model.scopes(), run);
    keys.first().map(|keys| chord(keys))
}

/// Says in the frame what is searched for, and where one stands.
fn foot(model: &Model, sight: &Sight, run: &RunSeen, area: Rect, pen: &mut Pen<'_>) {
    let (_, bottom) = layout::split_bottom(area, 1);
    let line = Rect {
        x: bottom.x + 1,
        width: bottom.width.saturating_sub(2),
        ..bottom
    };
    let at = match model.runs.stand {
        _ if sight.window.lines.is_empty() => String::new(),
        Stand::Follow if run.end.is_some() => " end ".to_owned(),
        Stand::Follow => " following ".to_owned(),
        Stand::Top(_) | Stand::Hit(_) => {
            let first = sight.window.lines.get(model.runs.first());
            let first = first.map_or(0, |line| line.at);
            let part = first.saturating_mul(100) / sight.window.end.max(1);
            let key = key(model, Action::Follow.name());
            let key = key.map(|key| format!(", {key} follows"));
            format!(" {part} %{} ", key.unwrap_or_default())
        }
    };
    // Where a line goes on, that is said, and how one gets there.
    let on = match (model.runs.left(), model.runs.goes_on()) {
        (0, false) => String::new(),
        (0, true) => {
            let key = key(model, "slide right")
                .filter(|_| is_whole(model) && model.runs.words.is_empty());
            key.map(|key| format!(" {key} shows more of long lines "))
                .unwrap_or_default()
        }
        (left, _) => format!(" from column {} ", left + 1),
    };
    let taken = pen.parts_right(line, 0, &[(&on, Role::Muted), (&at, Role::Muted)]);
    if model.runs.words.is_empty() {
        return;
    }
    let count = match (sight.found.words == model.runs.words)
        .then(|| model.runs.hit())
        .flatten()
    {
        None => pen.glyphs().ellipsis.to_owned(),
        Some((_, 0)) => "not found".to_owned(),
        Some((0, all)) => format!(
            "in {}",
            words::count(usize::try_from(all).unwrap_or(usize::MAX), "line")
        ),
        Some((nth, all)) => format!("{nth} of {all}"),
    };
    let left = Rect {
        width: line.width.saturating_sub(taken + 1),
        ..line
    };
    let parts = [
        (" / ", Role::Key),
        (model.runs.words.as_str(), Role::Match),
        (" ", Role::Text),
        (count.as_str(), Role::Muted),
        (" ", Role::Text),
    ];
    pen.parts(left, 1, 0, &parts);
}
