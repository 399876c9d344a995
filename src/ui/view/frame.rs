//! What is around every view: the ledger's name, the views, the alerts, the filter, the keys.

use std::ops::Range;

use ratatui::{layout::Rect, style::Color};

use super::standing;
use crate::{
    domain::andon::Severity,
    text,
    ui::{
        action::{Action, hints as hinted},
        arrange::{LanesBy, Sort},
        keymap::chord as written,
        layout,
        model::{Model, View},
        msg::Connection,
        pen::Pen,
        queue,
        theme::Role,
        words,
    },
};

/// Most cells of the ledger's name; a longer one is cut.
const NAME: usize = 16;

/// Draws the ledger's name and connection, the views, and the open alerts.
///
/// Returns the cells of each view's name; none where there is no room for them.
pub fn header(model: &Model, area: Rect, pen: &mut Pen<'_>) -> Vec<(View, Range<u16>)> {
    let glyphs = pen.glyphs();
    let alerts = alerts(model, pen);
    let right: Vec<(&str, Role)> = alerts.iter().map(|(t, r)| (t.as_str(), *r)).collect();
    let taken = pen.parts_right(
        Rect {
            width: area.width.saturating_sub(1),
            ..area
        },
        0,
        &right,
    );
    let area = Rect {
        width: area.width.saturating_sub(taken + 2),
        ..area
    };
    let (chip, role_of_chip) = chip(model, pen);
    // A chip without a label is the name itself.
    let named = model.mark.as_ref().is_some_and(|mark| mark.label.is_none());
    let name = match named {
        true => std::borrow::Cow::Borrowed(""),
        false => text::cut(&model.session.ledger, NAME, glyphs.ellipsis),
    };
    let (dot, role) = match &model.session.connection {
        Connection::Host | Connection::Attached | Connection::Live => {
            (glyphs.agent_active, Role::Ok)
        }
        Connection::Late { .. } => (glyphs.agent_stale, Role::Warning),
        Connection::Alone => (glyphs.agent_stale, Role::Muted),
        Connection::Down { .. } => (glyphs.failed, Role::Error),
    };
    let link = model.session.connection.word(model.present_now());
    let word = match (model.observes(), model.session.connection.is_elsewhere()) {
        (false, _) => link,
        (true, false) => "read-only".into(),
        (true, true) => format!("{link} read-only"),
    };
    let role_of_word = if model.observes() {
        Role::Warning
    } else {
        Role::Muted
    };
    let gap = if chip.is_empty() || named { "" } else { " " };
    let slow = if model.session.slow {
        "  slow link"
    } else {
        ""
    };
    let mend = model
        .line
        .word()
        .map(|word| format!("  {} {word}", glyphs.failed));
    let parts = [
        (chip.as_str(), role_of_chip),
        (gap, Role::Text),
        (&*name, Role::Title),
        (" ", Role::Text),
        (dot, role),
        (" ", Role::Text),
        (&*word, role_of_word),
        (mend.as_deref().unwrap_or_default(), Role::Warning),
        (slow, Role::Warning),
    ];
    let mut x = 1 + pen.parts(area, 1, 0, &parts) + 2;
    let tabs = |length: Length| {
        let tab = |view: &View| tab(*view, length, *view == model.view);
        View::ALL.iter().map(tab).collect::<Vec<_>>()
    };
    let room = usize::from(area.width.saturating_sub(x));
    let width = |tabs: &[String]| tabs.iter().map(|tab| text::width(tab)).sum::<usize>();
    let fitting = [Length::Long, Length::Short, Length::Least, Length::Numbers]
        .into_iter()
        .map(tabs)
        .find(|tabs| width(tabs) <= room);
    let Some(shown) = fitting else {
        // Too narrow for tabs: say only where one is.
        pen.say(area, x, 0, model.view.name(), Role::Selection);
        return Vec::new();
    };
    let mut places = Vec::new();
    for (view, tab) in View::ALL.iter().zip(&shown) {
        let role = if *view == model.view {
            Role::Selection
        } else {
            Role::Bar
        };
        let begin = area.x + x;
        x += pen.say(area, x, 0, tab, role);
        places.push((*view, begin..area.x + x));
    }
    places
}

/// Returns the mark of the ledger, empty if it has none: a word on its colour, in brackets where there are no colours.
fn chip(model: &Model, pen: &Pen<'_>) -> (String, Role) {
    let Some(mark) = &model.mark else {
        return (String::new(), Role::Text);
    };
    let role = Role::of_accent(mark.accent);
    let word = mark.label.as_ref().unwrap_or(&model.session.ledger);
    let word = text::cut(word, NAME, pen.glyphs().ellipsis);
    let plain = matches!(pen.style(role).bg, None | Some(Color::Reset));
    let chip = if plain {
        format!("[{word}]")
    } else {
        format!(" {word} ")
    };
    (chip, role)
}

/// How much of the views' names there is room for.
#[derive(Clone, Copy)]
enum Length {
    Long,
    Short,
    Least,
    /// Only the current view is named.
    Numbers,
}

fn tab(view: View, length: Length, current: bool) -> String {
    let (long, short, least) = match view {
        View::Overview => ("Overview", "Over", "Over"),
        View::Kanban => ("Kanban", "Kanban", "Kan"),
        View::Dependencies => ("Dependencies", "Deps", "Dep"),
        View::Andon => ("Andon", "Andon", "And"),
        View::Agents => ("Agents", "Agents", "Age"),
        View::Events => ("Events", "Events", "Ev"),
        View::Flow => ("Flow", "Flow", "Flow"),
        View::Messages => ("Messages", "Mail", "Mail"),
    };
    let number = view as usize + 1;
    match length {
        Length::Long => format!(" {number} {long} "),
        Length::Short => format!(" {number} {short} "),
        Length::Least => format!("{number} {least} "),
        Length::Numbers if current => format!(" {number} {short} "),
        Length::Numbers => format!(" {number} "),
    }
}

/// Returns the open alerts by severity, worst first: `■ 1 critical  ▲ 2 high`; only marks and counts where it is narrow.
fn alerts(model: &Model, pen: &Pen<'_>) -> Vec<(String, Role)> {
    let glyphs = pen.glyphs();
    let mut parts: Vec<(String, Role)> = Vec::new();
    for severity in Severity::ALL.iter().rev() {
        let open = model
            .state
            .alerts
            .values()
            .filter(|a| a.severity == *severity)
            .count();
        if open == 0 {
            continue;
        }
        let (mark, role) = standing::severity(*severity, glyphs);
        if !parts.is_empty() {
            parts.push((" ".into(), Role::Text));
        }
        // A capital letter, since `1h` would be an hour.
        let word = severity.word();
        let letter = word.get(..1).unwrap_or_default().to_uppercase();
        let text = if model.size.0 >= layout::WIDE {
            format!("{mark} {open} {word}")
        } else {
            format!("{mark}{open}{letter}")
        };
        parts.push((text, role));
    }
    // Of a line of which nothing has come nobody knows whether anything is wrong.
    if parts.is_empty() && model.state.head.seq == 0 {
        parts.push(("alerts unknown".into(), Role::Muted));
    } else if parts.is_empty() {
        parts.push((format!("{} no alerts", glyphs.ok), Role::Muted));
    }
    if model.mail.dead() > 0 {
        let dead = format!("  {} {} dead", glyphs.failed, model.mail.dead());
        parts.insert(0, ("  ".into(), Role::Text));
        parts.insert(0, (dead, Role::Warning));
    }
    parts
}

/// Returns the window's title: what is wrong comes first, for a window that is seen only by its name.
pub fn title(model: &Model) -> String {
    let label = model.mark.as_ref().and_then(|mark| mark.label.as_deref());
    let label = label.map(|label| format!("{label} ")).unwrap_or_default();
    let name = format!("obeya {label}{}", model.session.ledger);
    match model.worst_critical() {
        Some(alert) => {
            let mark = model.theme.glyphs().andon_critical;
            format!("{mark} {} {} - {name}", alert.id, alert.reason)
        }
        None => name,
    }
}

/// Draws the worst critical alert across the screen.
pub fn band(model: &Model, area: Rect, pen: &mut Pen<'_>) {
    let Some(alert) = model.worst_critical().filter(|_| area.height > 0) else {
        return;
    };
    let glyphs = pen.glyphs();
    pen.shade(area, Role::AndonCritical);
    let holds = match &alert.hold {
        Some(scope) => format!("holds {scope}"),
        None => "holds nothing".into(),
    };
    let seen = match &alert.acknowledged {
        Some(act) => format!("seen by {}", act.by),
        None => "nobody has acknowledged it".into(),
    };
    let age = words::ago(model.now, alert.raised.at);
    let all = model.present_state().alerts.values();
    let critical = all.filter(|alert| alert.severity == Severity::Critical);
    let more = match critical.count() {
        0 | 1 => String::new(),
        n => format!(" and {} more", n - 1),
    };
    let line = format!(
        " {} CRITICAL {}{more} {}  {holds}, {age}, {seen}",
        glyphs.andon_critical, alert.id, alert.reason
    );
    pen.say(area, 0, 0, &line, Role::AndonCritical);
}

/// Draws the active filter and how much it hides.
pub fn filter(model: &Model, area: Rect, pen: &mut Pen<'_>) {
    if area.height == 0 {
        return;
    }
    let glyphs = pen.glyphs();
    let events = &model.events;
    let right = match model.view {
        View::Kanban => arranged(model),
        View::Events => vec![format!(
            "{} of {} ",
            events.shown.len(),
            events.entries.len()
        )],
        View::Andon => {
            let hidden = model.state.alerts.len() - queue::listed(model).len();
            vec![format!("{} hidden ", words::count(hidden, "alert"))]
        }
        // What it cannot count by, the view itself says.
        View::Flow => Vec::new(),
        _ if model.follows_filter() => Vec::new(),
        _ => vec!["narrows the board and the flow ".into()],
    };
    let right: Vec<_> = right.iter().map(|t| (t.as_str(), Role::Muted)).collect();
    let taken = pen.parts_right(area, 0, &right);
    let left = Rect {
        width: area.width.saturating_sub(taken + 2),
        ..area
    };
    let problems = match model.view {
        View::Events | View::Andon => Vec::new(),
        _ => model.filter.problems(),
    };
    let problem = problems
        .first()
        .map(|problem| format!("  {} {}", glyphs.failed, problem.what));
    let mut x = 1;
    if !model.filtered_by().is_empty() {
        let parts = [
            ("/ ", Role::Key),
            (model.filtered_by(), Role::Match),
            (problem.as_deref().unwrap_or_default(), Role::Warning),
            ("  ", Role::Text),
        ];
        x += pen.parts(left, x, 0, &parts);
    }
    if model.view == View::Kanban && !model.marks.is_empty() {
        let marks = format!("{} {} marked", glyphs.marked, model.marks.len());
        pen.say(left, x, 0, &marks, Role::Match);
    }
}

/// Returns how the board is shown otherwise than it comes; what the filter hides comes last, and is said wherever there
/// is room for anything.
fn arranged(model: &Model) -> Vec<String> {
    let board = &model.board;
    let mut said = Vec::new();
    if board.sort != Sort::Flow {
        said.push(format!("{}  ", board.sort.said()));
    }
    if board.by != LanesBy::None {
        said.push(format!("{}  ", board.by.said()));
    }
    if !model.filter.text().is_empty() {
        let hidden = words::count(board.hidden, "order");
        said.push(format!("{hidden} hidden "));
    }
    said
}

/// Draws the keys that do something here, or the chord begun.
pub fn hints(model: &Model, area: Rect, pen: &mut Pen<'_>) {
    if area.height == 0 {
        return;
    }
    let glyphs = pen.glyphs();
    let scopes = model.scopes();
    let mut right = String::new();
    if !model.submitted.is_empty() {
        right += "working … ";
    }
    if !model.pending.is_empty() {
        right += &format!("{} … ", written(&model.pending));
    }
    // Help and the way out have their place at the right, however narrow the screen.
    let fixed = [Action::Help, Action::Quit].map(|action| {
        let keys = model.keymap.chords(&scopes, action.name());
        let key = keys.first().map(|keys| written(keys)).unwrap_or_default();
        let word = match key.is_empty() {
            true => String::new(),
            false => format!(" {}", action.short()),
        };
        (key, word)
    });
    let mut parts = vec![(right.as_str(), Role::Warning)];
    for (key, word) in &fixed {
        if !key.is_empty() {
            parts.push(("  ", Role::Bar));
        }
        parts.extend([(key.as_str(), Role::Key), (word.as_str(), Role::Bar)]);
    }
    parts.push((" ", Role::Bar));
    // The mark stands in the opposite corner too, where the eye goes for keys.
    let (chip, role) = chip(model, pen);
    if area.width >= layout::WIDE {
        parts.push((&chip, role));
    }
    let taken = pen.parts_right(area, 0, &parts);
    let room = area.width.saturating_sub(taken);
    // While the ledger is gone no act is possible: what is the matter has the room of their keys.
    if let Connection::Down { since, why, .. } = &model.session.connection {
        let since = words::clock(*since);
        let next = model.session.connection.next_try(model.present_now());
        let said = match next {
            None => format!("LOST since {since}, looked for every 5 s"),
            Some(next) if model.present_state().head.seq == 0 => format!("NOT REACHED, {next}"),
            Some(next) => format!("DOWN, as of {since}, {next}"),
        };
        let said = format!("{} {said}: ", glyphs.failed);
        let left = usize::from(room).saturating_sub(2 + text::width(&said));
        let why = text::cut_left(why, left, glyphs.ellipsis);
        let left = Rect {
            width: room.saturating_sub(1),
            ..area
        };
        pen.parts(left, 1, 0, &[(&said, Role::Error), (&why, Role::Error)]);
        return;
    }
    let mut x = 1;
    let undo = model.undo.as_ref().map(|_| &Action::Undo);
    for action in undo.into_iter().chain(hinted(model)) {
        let keys = model.keymap.chords(&scopes, action.name());
        let Some(keys) = keys.first() else { continue };
        if action.available(model).is_err() {
            continue;
        }
        let key = written(keys);
        let width = text::width(&key) + 1 + text::width(action.short());
        if usize::from(room.saturating_sub(x)) < width + 1 {
            break;
        }
        let parts = [
            (key.as_str(), Role::Key),
            (" ", Role::Bar),
            (action.short(), Role::Bar),
        ];
        x += pen.parts(area, x, 0, &parts) + 3;
    }
}

/// Draws what a screen too small for a view has room for: the counts that matter most, first.
pub fn counts(model: &Model, area: Rect, pen: &mut Pen<'_>) {
    let counts = &model.state.counts;
    let wip: u64 = counts.wip.iter().map(|n| u64::from(*n)).sum();
    let queued: u64 = counts.queued.iter().map(|n| u64::from(*n)).sum();
    let worst = model.alerts().first().map(|alert| alert.severity);
    let glyphs = pen.glyphs();
    let (mark, role) = worst.map_or((glyphs.ok, Role::Ok), |s| standing::severity(s, glyphs));
    let parts = [
        format!("{mark}{} ", model.state.alerts.len()),
        format!("wip {wip} "),
        format!("q {queued} "),
        format!("done {}", counts.completed),
    ];
    let roles = [
        role,
        Role::StatusInProgress,
        Role::StatusQueued,
        Role::StatusCompleted,
    ];
    let parts: Vec<_> = parts.iter().map(String::as_str).zip(roles).collect();
    pen.parts(area, 0, 0, &parts);
    if area.height > 1 {
        let (chip, role) = chip(model, pen);
        let x = pen.say(area, 0, 1, &chip, role);
        let x = if x > 0 { x + 1 } else { 0 };
        pen.say(area, x, 1, &model.session.ledger, Role::Muted);
    }
}
