//! What is done to the graph: shown, moved in, folded, copied and written.

use std::collections::BTreeSet;

use crate::{
    domain::{id::OrderId, query::deps::Direction},
    ui::{
        action::Action,
        effect::Effect,
        graph::{
            Look, Way,
            export::{self, Export},
            fold::fold,
        },
        look::Wanted,
        model::Model,
        theme::Role,
        view,
    },
};

/// The part of the window by which it is moved.
const PAN_PART: i32 = 3;

/// Runs an action about the graph.
pub(super) fn run(model: &mut Model, action: Action, argument: &str) -> Vec<Effect> {
    match action {
        Action::Graph => match Export::parse(argument) {
            Some(Export::Toggle) | None => toggle(model),
            Some(wish) => return give(model, wish),
        },
        Action::Pan => {
            if let Some(way) = Way::named(argument) {
                pan(model, way, 1);
            }
        }
        Action::Zoom => {
            model.graph.look = match model.graph.look(orders(model)) {
                Look::Card => Some(Look::Line),
                Look::Line => Some(Look::Card),
            };
        }
        _ => {
            model.graph.open_only = !model.graph.open_only;
            let text = match model.graph.open_only {
                true => "closed orders are left out",
                false => "closed orders are shown",
            };
            model.say(text, Role::Muted);
        }
    }
    Vec::new()
}

/// Shows the graph in the tree's place, or the tree again; what was selected in one is so in the other.
fn toggle(model: &mut Model) {
    let selected = model.selected_order();
    model.graph.shown = !model.graph.shown;
    model.graph.adrift = false;
    match (model.graph.shown, model.tree.root) {
        (true, Some(_)) => model.graph.cursor = selected,
        (true, None) => model.graph.cursor = None,
        (false, Some(_)) => model.tree.list.selected = selected.map(|id| (id, 0)),
        (false, None) => model.epics.selected = selected.or(model.epics.selected),
    }
}

fn orders(model: &Model) -> usize {
    model.asks.graph().map_or(0, |graph| graph.nodes.len())
}

/// Puts the graph as text on the clipboard or into a file. It is that of the moment on screen, the past included.
fn give(model: &mut Model, wish: Export<'_>) -> Vec<Effect> {
    let drawing = model
        .graph
        .drawing()
        .and_then(|drawing| drawing.as_ref().ok());
    let (Some(graph), Some(drawing), true) = (model.asks.graph(), drawing, model.graph.shown)
    else {
        model.say(
            "show the graph first: what is drawn is given",
            Role::Warning,
        );
        return Vec::new();
    };
    match wish {
        Export::Toggle => Vec::new(),
        Export::Copy(format) => {
            let (text, what) = export::text(graph, &drawing.shape, format);
            vec![Effect::Copy { what, text }]
        }
        Export::Write(format, path) => {
            let (text, _) = export::text(graph, &drawing.shape, format);
            let path = path.to_owned();
            vec![Effect::Files(Wanted::NewFile { path, text })]
        }
    }
}

/// Moves the window over the drawing by a part of itself.
pub(super) fn pan(model: &mut Model, way: Way, steps: i32) {
    let window = view::graph::window(model);
    let (columns, rows) = (
        (i32::from(window.width) / PAN_PART).max(1),
        (i32::from(window.height) / PAN_PART).max(1),
    );
    let (x, y) = match way {
        Way::Left => (-columns, 0),
        Way::Right => (columns, 0),
        Way::Up => (0, -rows),
        Way::Down => (0, rows),
    };
    model.graph.pan(x * steps, y * steps);
}

/// Moves the cursor up or down by orders; by as many as there are it goes to the first or the last.
pub(super) fn step(model: &mut Model, rows: isize) {
    match rows {
        isize::MAX => model.graph.leap(true),
        rows if rows < -isize::MAX / 2 => model.graph.leap(false),
        rows if rows < 0 => model.graph.step(Way::Up, rows.unsigned_abs()),
        rows => model.graph.step(Way::Down, rows.unsigned_abs()),
    }
}

/// Moves the cursor along the waits.
pub(super) fn turn(model: &mut Model, columns: isize) {
    let way = if columns < 0 { Way::Left } else { Way::Right };
    model.graph.step(way, columns.unsigned_abs());
}

/// Returns whether an order is drawn.
pub(super) fn holds(model: &Model, id: OrderId) -> bool {
    let drawing = model
        .graph
        .drawing()
        .and_then(|drawing| drawing.as_ref().ok());
    drawing.is_some_and(|drawing| drawing.find(id).is_some())
}

/// Returns the orders that hide something when they are folded: all on which others hang, but for the root.
pub(super) fn foldable(model: &Model) -> BTreeSet<OrderId> {
    let Some(graph) = model.asks.graph() else {
        return BTreeSet::new();
    };
    let ends = graph.edges.iter().map(|edge| match model.tree.direction {
        Direction::DependsOn => edge.after,
        Direction::Blocks => edge.before,
    });
    ends.filter(|id| Some(*id) != graph.root).collect()
}

/// Lays the graph out if it changed, and keeps the cursor in the window.
pub(super) fn settle(model: &mut Model) {
    if !model.draws_graph() {
        return;
    }
    let Some(graph) = model
        .asks
        .graph()
        .filter(|graph| graph.root == model.tree.root)
    else {
        return;
    };
    let of = (
        model.asks.arrivals(crate::ui::asks::Slot::Graph),
        model.tree.folded.clone(),
        model.tree.direction,
        model.graph.look,
    );
    if model.graph.made_of.as_ref() != Some(&of) {
        let look = model.graph.look(graph.nodes.len());
        let folded = fold(graph, &of.1, of.2, look);
        model.graph.settle(graph.root, folded.shape, folded.hidden);
        model.graph.made_of = Some(of);
    }
    let window = view::graph::window(model);
    let size = (i32::from(window.width), i32::from(window.height));
    model.graph.follow(size);
}
