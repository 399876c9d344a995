//! One order's dependencies as a tree, both ways, with the critical path.

use ratatui::layout::Rect;

use super::standing;
use crate::{
    domain::query::deps::{DependencyTree, Direction, Hang, TreeRow},
    ui::{
        layout,
        model::{Focus, Model},
        pen::Pen,
        theme::{Glyphs, Role},
        widget::meter::meter,
        words,
    },
};

/// Rows above the tree, or above the list of epics.
pub const HEAD: u16 = 3;

/// Draws the tree's visible rows.
pub fn draw(model: &Model, area: Rect, pen: &mut Pen<'_>) {
    let (head, body) = layout::split_top(area, HEAD);
    let Some(root) = model.tree.root else {
        epics(model, head, body, pen);
        return;
    };
    let glyphs = pen.glyphs();
    let way = match model.tree.direction {
        Direction::DependsOn => "and what it waits for",
        Direction::Blocks => "and what waits for it",
    };
    let id = root.to_string();
    pen.parts(
        head,
        1,
        0,
        &[(&id, Role::Title), (" ", Role::Text), (way, Role::Muted)],
    );
    let tree = model
        .asks
        .tree()
        .filter(|tree| tree.id == root && tree.direction == model.tree.direction);
    let Some(tree) = tree else {
        pen.say(body, 2, 0, "…", Role::Muted);
        return;
    };
    summary(tree, head, pen);
    let rows = usize::from(body.height);
    let len = model.tree.visible.len();
    for (y, at) in (0..body.height).zip(model.tree.list.window.range(len, rows)) {
        let row = model
            .tree
            .visible
            .get(at)
            .and_then(|row| tree.rows.get(*row));
        let Some(row) = row else { break };
        let place = Rect {
            y: body.y + y,
            height: 1,
            ..body
        };
        let chosen = model
            .tree
            .ids
            .get(at)
            .is_some_and(|id| model.tree.list.selected == Some(*id));
        draw_row(model, row, place, pen);
        if chosen {
            pen.say(place, 0, 0, glyphs.selected, Role::Key);
            if model.focus == Focus::View {
                pen.shade(place, Role::Selection);
            }
        }
    }
}

/// Draws the open epics with how many of their children are done, to choose a root from.
fn epics(model: &Model, head: Rect, body: Rect, pen: &mut Pen<'_>) {
    const BAR: u16 = 16;
    /// Below this width the title needs the room that words and bar would take.
    const ROOMY: u16 = 60;
    let roomy = body.width >= ROOMY;
    let all: Vec<_> = model.state.open_epics().collect();
    let count = words::count(all.len(), "open epic");
    pen.say(head, 1, 0, &count, Role::Title);
    let way = match all.is_empty() {
        true => "an order's own tree is shown from wherever the order is selected",
        false => "choose one to see what is beneath it, and what that waits for",
    };
    pen.say(head, 1, 1, way, Role::Muted);
    let rows = usize::from(body.height);
    let range = model.epics.window.range(all.len(), rows);
    for (y, epic) in (0..body.height).zip(all.get(range).unwrap_or_default()) {
        let row = Rect {
            y: body.y + y,
            height: 1,
            width: body.width.saturating_sub(1),
            ..body
        };
        let done = u64::from(epic.children_completed);
        let whole = done + epic.children.len() as u64;
        let note = match whole {
            0 => "no children".to_owned(),
            _ if roomy => format!("{done} of {whole} children done"),
            _ => format!("{done}/{whole}"),
        };
        let (rest, bar) = layout::split_right(row, if roomy { BAR } else { BAR / 2 });
        if whole > 0 {
            meter(pen, bar, done, whole, Role::StatusCompleted);
        }
        let taken = pen.parts_right(rest, 0, &[(&note, Role::Muted), ("  ", Role::Text)]);
        let title = Rect {
            width: rest.width.saturating_sub(taken + 2),
            ..rest
        };
        let (mark, role) = standing::mark(&model.state, epic, pen.glyphs());
        let id = epic.id.to_string();
        let parts = [
            (mark.as_str(), role),
            (" ", Role::Text),
            (&id, Role::Link),
            (" ", Role::Text),
            (&epic.title, Role::Text),
        ];
        pen.parts(title, 2, 0, &parts);
        if model.epics.selected == Some(epic.id) {
            pen.say(row, 0, 0, pen.glyphs().selected, Role::Key);
            if model.focus == Focus::View {
                pen.shade(row, Role::Selection);
            }
        }
    }
}

fn summary(tree: &DependencyTree, area: Rect, pen: &mut Pen<'_>) {
    let glyphs = pen.glyphs();
    let mut x = 1;
    x += pen.say(area, x, 1, &words::count(tree.total, "order"), Role::Muted);
    if tree.omitted > 0 {
        x += pen.say(
            area,
            x,
            1,
            &format!(", {} not shown", tree.omitted),
            Role::Warning,
        );
    }
    if tree.critical_path.len() > 1 {
        let ids: Vec<String> = tree.critical_path.iter().map(ToString::to_string).collect();
        let took = words::span(
            tree.critical_minutes
                .saturating_mul(crate::domain::time::MINUTE),
        );
        let chain = ids.join(&format!(" {} ", glyphs.right));
        let text = format!("   {} critical path {took}: {chain}", glyphs.critical_path);
        pen.say(area, x, 1, &text, Role::CriticalPath);
    }
}

fn draw_row(model: &Model, row: &TreeRow, area: Rect, pen: &mut Pen<'_>) {
    let glyphs = pen.glyphs();
    let mut x = 2 + pen.say(area, 2, 0, &branches(row, glyphs), Role::Border);
    let open = model.state.order(row.id);
    let (mark, role) = match (open, row.status) {
        (Some(order), _) => standing::mark(&model.state, order, glyphs),
        (None, Some(status)) => {
            let (mark, role) = standing::status(status, glyphs);
            (mark.to_owned(), role)
        }
        (None, None) => ("?".to_owned(), Role::Muted),
    };
    let folded = model.tree.folded.contains(&row.id) && !row.repeated;
    let fold = if folded { glyphs.folded } else { "" };
    let id = row.id.to_string();
    let critical = if row.critical {
        glyphs.critical_path
    } else {
        ""
    };
    let closed = open.is_none();
    let title_role = if closed || row.repeated {
        Role::Muted
    } else {
        Role::Text
    };
    x += pen.parts(
        area,
        x,
        0,
        &[
            (&mark, role),
            (" ", Role::Text),
            (&id, Role::Link),
            (" ", Role::Text),
        ],
    );
    let mut note = match (open.and_then(|order| order.work()), row.status) {
        (Some(work), _) => format!("{}, {}", work.stage, work.holder.name),
        (None, _) if row.id.is_epic() && !closed => {
            let children = open.map_or(0, |epic| epic.children.len());
            format!("{children} open beneath it")
        }
        (None, Some(status)) => words::plain(status.word()),
        (None, None) => String::new(),
    };
    if row.repeated {
        note = "shown above or below".into();
    } else if row.hidden > 0 {
        note = format!("{} more", row.hidden);
    }
    let room = Rect {
        width: area.width.saturating_sub(1),
        ..area
    };
    let taken = pen.parts_right(room, 0, &[("  ", Role::Text), (&note, Role::Muted)]);
    let title = Rect {
        width: room.width.saturating_sub(taken),
        ..room
    };
    x += pen.parts(
        title,
        x,
        0,
        &[(critical, Role::CriticalPath), (fold, Role::Key)],
    );
    if !critical.is_empty() || !fold.is_empty() {
        x += 1;
    }
    pen.say(title, x, 0, &row.title, title_role);
}

/// Returns the lines that lead to a row: `│ ├─` to a child, `│ ├→` where one waits for the other.
fn branches(row: &TreeRow, glyphs: &Glyphs) -> String {
    let mut line = String::new();
    for (depth, last) in row.last.iter().enumerate() {
        let own = depth + 1 == row.depth;
        line += match (own, last) {
            (true, true) => glyphs.branch_end,
            (true, false) => glyphs.branch_tee,
            (false, true) => " ",
            (false, false) => glyphs.branch_pass,
        };
        line += match (own, row.link) {
            (true, Some(Hang::Wait)) => glyphs.right,
            (true, _) => glyphs.branch_arm,
            (false, _) => " ",
        };
    }
    if row.depth > 0 {
        line.push(' ');
    }
    line
}
