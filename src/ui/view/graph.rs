//! The dependencies as a graph: boxes in layers, lines at right angles, and below it the order under the cursor.

use ratatui::{buffer::Buffer, layout::Rect};

use super::standing;
use crate::{
    domain::{
        id::OrderId,
        order::{Order, Wait},
        query::{deps::Direction, detail::Neighbour, graph::DependencyGraph},
        time::MINUTE,
    },
    ui::{
        graph::{
            Drawing, Look,
            lines::{Lines, Weight},
        },
        layout,
        model::{Focus, Model},
        pen::Pen,
        theme::{Role, Theme},
        words,
    },
};

/// Rows above the drawing and below it, where there is room for them.
const HEAD: u16 = 2;
/// From this height of the view on it has a head and a strip of two rows; below, of one, and least of all none.
const ROOMY: u16 = 12;

/// Where the parts of the view are.
struct Parts {
    head: Rect,
    window: Rect,
    strip: Rect,
}

fn split(area: Rect) -> Parts {
    let (head, strip) = match area.height {
        ROOMY.. => (HEAD, 2),
        5.. => (1, 1),
        _ => (0, 0),
    };
    let (head, rest) = layout::split_top(area, head);
    let (window, strip) = layout::split_bottom(rest, strip);
    Parts {
        head,
        window,
        strip,
    }
}

/// Returns where the window over the drawing is.
pub fn window(model: &Model) -> Rect {
    split(model.screen().body).window
}

/// Returns the order that is drawn at a cell of the screen.
pub fn order_at(model: &Model, x: u16, y: u16) -> Option<OrderId> {
    let window = window(model);
    if !window.contains((x, y).into()) {
        return None;
    }
    let drawing = model.graph.drawing()?.as_ref().ok()?;
    let (left, top) = model.graph.origin;
    drawing.at(
        left + i32::from(x - window.x),
        top + i32::from(y - window.y),
    )
}

/// Draws the graph.
pub fn draw(model: &Model, area: Rect, pen: &mut Pen<'_>) {
    let parts = split(area);
    title(model, parts.head, pen);
    let graph = model.asks.graph();
    let Some(graph) = graph.filter(|graph| graph.root == model.tree.root) else {
        pen.say(parts.window, 2, 0, "…", Role::Muted);
        return;
    };
    summary(model, graph, parts.head, pen);
    match model.graph.drawing() {
        None => {}
        Some(Err(_)) => {
            let text = "too many long waits to draw: fold (every order: fold-all), or choose a root with fewer";
            pen.say(parts.window, 2, 0, text, Role::Warning);
        }
        Some(Ok(drawing)) if drawing.places.is_empty() => {
            let text = match graph.root {
                Some(_) => "nothing is beneath it, and it waits for nothing",
                None => "no open order that the filter admits waits for another",
            };
            pen.say(parts.window, 2, 0, text, Role::Muted);
        }
        Some(Ok(drawing)) => {
            window_of(model, graph, drawing, parts.window, pen);
            strip(model, graph, parts.strip, pen);
        }
    }
}

fn title(model: &Model, head: Rect, pen: &mut Pen<'_>) {
    let (id, of) = match model.tree.root {
        Some(root) if root.is_epic() => (root.to_string(), "and what is beneath it"),
        Some(root) => (
            root.to_string(),
            "with what it waits for and what waits for it",
        ),
        None if model.filter.is_empty() => ("All open work".into(), "that waits or is waited for"),
        None => (
            "The filter's open work".into(),
            "that waits or is waited for",
        ),
    };
    let parts = [
        (id.as_str(), Role::Title),
        (" ", Role::Text),
        (of, Role::Muted),
    ];
    pen.parts(head, 1, 0, &parts);
}

fn summary(model: &Model, graph: &DependencyGraph, head: Rect, pen: &mut Pen<'_>) {
    let glyphs = pen.glyphs();
    let mut text = words::count(graph.total, "order");
    if model.graph.open_only {
        text += ", open ones only";
    }
    let mut x = 1 + pen.say(head, 1, 1, &text, Role::Muted);
    if graph.omitted > 0 {
        let count = graph.omitted;
        let text = match graph.root {
            Some(_) => format!(", {count} closed or far ones not drawn: choose a nearer root"),
            None => {
                format!(
                    ", the last {count} by number not drawn: choose a root, or filter the board"
                )
            }
        };
        x += pen.say(head, x, 1, &text, Role::Warning);
    }
    let drawing = model
        .graph
        .drawing()
        .and_then(|drawing| drawing.as_ref().ok());
    let drawn = drawing.map_or(graph.nodes.len(), |drawing| drawing.places.len());
    let hidden = graph.nodes.len().saturating_sub(drawn);
    if hidden > 0 {
        let text = format!(", {hidden} folded away");
        x += pen.say(head, x, 1, &text, Role::Muted);
    }
    if graph.critical_path.len() > 1 {
        let took = words::span(graph.critical_minutes.saturating_mul(MINUTE));
        let steps = words::count(graph.critical_path.len(), "order");
        let text = format!("   {} critical path {took}, {steps}", glyphs.critical_path);
        x += pen.say(head, x, 1, &text, Role::CriticalPath);
    }
    let way = match model.tree.direction {
        Direction::DependsOn => "folding hides what it waits for",
        Direction::Blocks => "folding hides what waits for it",
    };
    pen.say(head, x, 1, &format!("   {way}"), Role::Muted);
}

/// Draws the part of the drawing that is in the window. It is drawn aside, with a margin as large as an order, so that
/// an order at the edge is cut and not squeezed.
fn window_of(
    model: &Model,
    graph: &DependencyGraph,
    drawing: &Drawing,
    window: Rect,
    pen: &mut Pen<'_>,
) {
    let (width, height) = drawing.shape.look.size();
    let (mx, my) = (
        u16::try_from(width).unwrap_or(0),
        u16::try_from(height).unwrap_or(0),
    );
    let whole = Rect::new(0, 0, window.width + 2 * mx, window.height + 2 * my);
    let mut aside = Buffer::empty(whole);
    let mut paper = Pen::new(&mut aside, &model.theme);
    paper.clear(whole);
    let origin = (model.graph.origin.0 - width, model.graph.origin.1 - height);
    wires(model, drawing, origin, whole, &mut paper);
    for (id, place) in drawing.shape.nodes.iter().zip(&drawing.places) {
        let (x, y) = (place.0 - origin.0, place.1 - origin.1);
        let (Ok(x), Ok(y)) = (u16::try_from(x), u16::try_from(y)) else {
            continue;
        };
        if x > window.width + mx || y > window.height + my {
            continue;
        }
        let found = graph.nodes.binary_search_by_key(id, |node| node.id);
        if let Some(node) = found.ok().and_then(|at| graph.nodes.get(at)) {
            // One order alone is no path.
            let path = &graph.critical_path;
            let critical = path.len() > 1 && path.contains(id);
            let area = Rect::new(x, y, mx, my);
            order(model, node, critical, drawing.shape.look, area, &mut paper);
        }
    }
    let buffer = pen.buffer();
    for y in 0..window.height {
        for x in 0..window.width {
            let from = aside.cell((x + mx, y + my)).cloned();
            let to = buffer.cell_mut((window.x + x, window.y + y));
            if let (Some(from), Some(to)) = (from, to) {
                *to = from;
            }
        }
    }
    bounds(model, drawing, window, pen);
}

/// Draws the lines, those of the order under the cursor over the critical path, and that over the others.
fn wires(model: &Model, drawing: &Drawing, origin: (i32, i32), area: Rect, pen: &mut Pen<'_>) {
    let glyphs = pen.glyphs();
    let cursor = model.graph.cursor.and_then(|id| drawing.find(id));
    let lit = cursor.map(|node| drawing.lit(node)).unwrap_or_default();
    let mut lines = Lines::new(origin, (i32::from(area.width), i32::from(area.height)));
    for (at, wire) in drawing.wires.iter().enumerate() {
        lines.lay(wire, lit.get(at).copied().unwrap_or(false));
    }
    for (x, y, stroke) in lines.strokes() {
        let role = match stroke.weight {
            Weight::Plain => Role::Border,
            Weight::Critical => Role::CriticalPath,
            Weight::Lit => Role::Key,
        };
        let set = if stroke.critical {
            &glyphs.heavy_lines
        } else {
            &glyphs.lines
        };
        let glyph = match stroke.arms {
            0 => glyphs.right,
            arms => set.get(usize::from(arms)).copied().unwrap_or(" "),
        };
        pen.say(area, x, y, glyph, role);
    }
}

/// Draws an order as a box or as one line.
fn order(
    model: &Model,
    node: &Neighbour,
    critical: bool,
    look: Look,
    area: Rect,
    pen: &mut Pen<'_>,
) {
    let glyphs = pen.glyphs();
    let (mark, role, word) = stands(model, node, &model.theme);
    let closed = model.state.order(node.id).is_none();
    let frame = if critical {
        Role::CriticalPath
    } else {
        Role::Border
    };
    let inner = match look {
        Look::Card => pen.pane_in(area, "", frame),
        Look::Line => {
            let set = if critical {
                glyphs.border_focus
            } else {
                glyphs.border
            };
            pen.say(area, 0, 0, set.vertical_left, frame);
            pen.say(
                area,
                area.width.saturating_sub(1),
                0,
                set.vertical_right,
                frame,
            );
            Rect {
                x: area.x + 1,
                width: area.width.saturating_sub(2),
                ..area
            }
        }
    };
    let hidden = model.graph.hidden.get(&node.id);
    let fold = hidden.map(|count| format!("+{count}"));
    let badge = [
        (
            if critical { glyphs.critical_path } else { "" },
            Role::CriticalPath,
        ),
        (if fold.is_some() { " " } else { "" }, Role::Text),
        (fold.as_deref().unwrap_or(""), Role::Key),
    ];
    let taken = pen.parts_right(inner, 0, &badge);
    let room = Rect {
        width: inner.width.saturating_sub(taken),
        ..inner
    };
    let id = node.id.to_string();
    let text = if closed { Role::Muted } else { Role::Text };
    let parts = [
        (mark.as_str(), role),
        (" ", Role::Text),
        (&id, Role::Link),
        (" ", Role::Text),
        (&word, Role::Muted),
    ];
    let x = pen.parts(room, 0, 0, &parts);
    match look {
        Look::Card => pen.say(inner, 0, 1, &node.title, text),
        Look::Line => pen.say(room, x + 1, 0, &node.title, text),
    };
    if model.graph.cursor == Some(node.id) {
        pen.say(
            area,
            0,
            u16::try_from(look.pin()).unwrap_or(0),
            glyphs.selected,
            Role::Key,
        );
        if model.focus == Focus::View {
            pen.shade(inner, Role::Selection);
        }
    }
}

/// Returns the mark, its colour and the word of how an order stands: `blocked`, `held`, `ready`, its stage, its end.
fn stands(model: &Model, node: &Neighbour, theme: &Theme) -> (String, Role, String) {
    let glyphs = theme.glyphs();
    let Some(order) = model.state.order(node.id) else {
        return match node.status {
            Some(status) => {
                let (mark, role) = standing::status(status, glyphs);
                (mark.to_owned(), role, words::plain(status.word()))
            }
            None => ("?".to_owned(), Role::Muted, String::new()),
        };
    };
    let (mark, role) = standing::mark(&model.state, order, glyphs);
    (mark, role, word(model, order))
}

fn word(model: &Model, order: &Order) -> String {
    let held = model.state.held_by(order).next().is_some();
    match (held, order.work()) {
        (true, _) => "held".to_owned(),
        _ if order.is_blocked() => "blocked".to_owned(),
        (_, Some(work)) => work.stage.clone(),
        _ if order.is_epic() => "epic".to_owned(),
        _ => "ready".to_owned(),
    }
}

/// Draws at the window's edges where the drawing goes on.
fn bounds(model: &Model, drawing: &Drawing, window: Rect, pen: &mut Pen<'_>) {
    let glyphs = pen.glyphs();
    let (left, top) = model.graph.origin;
    let right = left + i32::from(window.width);
    let bottom = top + i32::from(window.height);
    let (middle, half) = (window.height / 2, window.width / 2);
    let edges = [
        (left > 0, 0, middle, glyphs.left),
        (
            right < drawing.size.0,
            window.width.saturating_sub(1),
            middle,
            glyphs.right,
        ),
        (top > 0, half, 0, glyphs.up),
        (
            bottom < drawing.size.1,
            half,
            window.height.saturating_sub(1),
            glyphs.down,
        ),
    ];
    for (_, x, y, glyph) in edges.into_iter().filter(|(goes_on, ..)| *goes_on) {
        pen.say(window, x, y, glyph, Role::Key);
    }
}

/// Draws the order under the cursor: its whole title, how it stands, and why it does not move.
fn strip(model: &Model, graph: &DependencyGraph, area: Rect, pen: &mut Pen<'_>) {
    let Some(id) = model.graph.cursor else { return };
    let found = graph.nodes.binary_search_by_key(&id, |node| node.id);
    let Some(node) = found.ok().and_then(|at| graph.nodes.get(at)) else {
        return;
    };
    let (mark, role, word) = stands(model, node, &model.theme);
    let name = id.to_string();
    let parts = [
        (mark.as_str(), role),
        (" ", Role::Text),
        (&name, Role::Link),
        (" ", Role::Text),
        (&node.title, Role::Title),
    ];
    let x = 1 + pen.parts(area, 1, 0, &parts);
    let why = reason(model, id).unwrap_or(word);
    match area.height {
        2.. => pen.say(area, 3, 1, &why, Role::Muted),
        _ => pen.say(area, x + 2, 0, &why, Role::Muted),
    };
}

/// Returns why an open order is where it is, in one line; [`Action::Why`](crate::ui::action::Action::Why) says it all.
fn reason(model: &Model, id: OrderId) -> Option<String> {
    let order = model.state.order(id)?;
    let list = |ids: Vec<String>| ids.join(", ");
    let holds: Vec<String> = model
        .state
        .held_by(order)
        .map(|alert| alert.to_string())
        .collect();
    let waits = order
        .depends_on
        .iter()
        .filter(|wait| wait.state != Wait::Completed);
    let waits: Vec<String> = waits.map(|wait| wait.on.to_string()).collect();
    let mut said = Vec::new();
    if let Some(work) = order.work() {
        said.push(format!("in {} with {}", work.stage, work.holder.name));
    }
    if !holds.is_empty() {
        said.push(format!("held by {}", list(holds)));
    }
    if !waits.is_empty() {
        said.push(format!("waits for {}", list(waits)));
    }
    if order.is_epic() {
        said.push(words::count(order.children.len(), "open child"));
    }
    if said.is_empty() {
        said.push("ready to be pulled".to_owned());
    }
    if !order.blocks.is_empty() {
        let ids = order.blocks.iter().map(ToString::to_string).collect();
        said.push(format!("waited for by {}", list(ids)));
    }
    Some(said.join("; "))
}
