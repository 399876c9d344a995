//! Moving within views and opening what is selected.

use crate::{
    domain::{
        id::OrderId,
        query::{agents::roster, deps::Direction},
    },
    ui::{
        effect::Effect,
        layout::WIDE,
        model::{Detail, Focus, Model, View},
        overlay::Overlay,
        theme::Role,
    },
};

/// Moves down by rows, or up; in a pane of text it scrolls.
pub(super) fn step(model: &mut Model, rows: isize) -> Vec<Effect> {
    let area = model.area();
    match &mut model.overlay {
        Some(Overlay::Page(page)) => page.step(rows, area),
        Some(Overlay::Palette(palette)) => palette.step(rows),
        Some(Overlay::Prompt(_)) => super::dialogs::recall(model, -rows),
        Some(_) => {}
        None if model.focus == Focus::Detail => scroll(model, rows),
        None => select(model, rows),
    }
    Vec::new()
}

fn select(model: &mut Model, rows: isize) {
    match model.view {
        View::Overview => {}
        View::Kanban => model.board.step(rows),
        View::Dependencies => {
            let ids = std::mem::take(&mut model.tree.ids);
            model.tree.list.step(&ids, rows);
            model.tree.ids = ids;
        }
        View::Andon => {
            let ids: Vec<_> = model.alerts().iter().map(|alert| alert.id).collect();
            model.andon.step(&ids, rows);
        }
        View::Agents => {
            let ids: Vec<_> = roster(&model.state)
                .iter()
                .map(|agent| agent.name.clone())
                .collect();
            model.agents.step(&ids, rows);
        }
        View::Events => {
            let ids: Vec<_> = shown_events(model);
            model.events.list.step(&ids, rows);
        }
    }
}

fn scroll(model: &mut Model, lines: isize) {
    let shown = usize::from(model.screen().detail.height.saturating_sub(2));
    if let Some(detail) = &mut model.detail {
        let last = detail.text.len().saturating_sub(shown);
        detail.scroll = detail.scroll.saturating_add_signed(lines).min(last);
    }
}

/// Moves by a part of a page.
pub(super) fn page(model: &mut Model, sign: isize, part: isize) -> Vec<Effect> {
    let screen = model.screen();
    let height = screen.body.height.max(screen.detail.height);
    let rows = match model.view {
        View::Kanban if model.focus == Focus::View => height / 2,
        _ => height,
    };
    let rows = isize::try_from(rows).unwrap_or(10) / part;
    step(model, sign * rows.max(1))
}

/// Moves between columns; in the detail pane, between its sections; in the tree, folds.
pub(super) fn turn(model: &mut Model, columns: isize) -> Vec<Effect> {
    if model.focus == Focus::Detail {
        section(model, columns > 0);
    } else if model.view == View::Kanban {
        model.board.turn(columns);
    } else if model.view == View::Dependencies
        && let Some((id, _)) = model.tree.list.selected
    {
        if columns < 0 {
            model.tree.folded.insert(id);
        } else {
            model.tree.folded.remove(&id);
        }
    }
    Vec::new()
}

fn section(model: &mut Model, forward: bool) {
    let Some(detail) = &mut model.detail else {
        return;
    };
    let lines = detail
        .sections
        .iter()
        .map(|(paragraph, _)| detail.text.line_of(*paragraph));
    let found = if forward {
        lines.filter(|line| *line > detail.scroll).min()
    } else {
        lines.filter(|line| *line < detail.scroll).max()
    };
    detail.scroll = match (found, forward) {
        (Some(line), _) => line,
        (None, false) => 0,
        (None, true) => detail.scroll,
    };
}

/// Opens what is selected: an order's detail, an alert's order, an agent's order. In the pane it gives the keys back
/// to the view beside it, where the pane then follows the selection.
pub(super) fn open(model: &mut Model) -> Vec<Effect> {
    if model.focus == Focus::Detail {
        if model.size.0 >= WIDE {
            model.focus = Focus::View;
        }
        return Vec::new();
    }
    if model.view == View::Overview {
        return Vec::new();
    }
    match model.selected_order() {
        Some(id) => show(model, id),
        None => model.say("there is no order to open here", Role::Muted),
    }
    Vec::new()
}

/// Opens an order's detail pane and gives it the keys.
pub(super) fn show(model: &mut Model, id: OrderId) {
    if model.detail.as_ref().is_none_or(|detail| detail.id != id) {
        model.detail = Some(Detail::new(id));
    }
    model.focus = Focus::Detail;
}

/// Goes to an order wherever it is: on the board or in the tree if that shows it, and its detail pane.
pub(super) fn jump(model: &mut Model, id: OrderId) {
    if model.view == View::Dependencies {
        reroot(model, id);
    } else if model.view == View::Kanban && !model.board.select(id) {
        let elsewhere = id.is_epic() || model.state.order(id).is_none();
        if !elsewhere {
            model.say(format!("the filter hides {id}"), Role::Muted);
        }
    }
    show(model, id);
}

/// Shows the detail pane at the reasons why the order is not moving.
pub(super) fn why(model: &mut Model) -> Vec<Effect> {
    if let Some(id) = model.selected_order() {
        show(model, id);
        if let Some(detail) = &mut model.detail {
            detail.seek = Some(crate::ui::view::detail::WHY);
            detail.made_of = None;
        }
    }
    Vec::new()
}

fn reroot(model: &mut Model, id: OrderId) {
    if model.tree.root != Some(id) {
        model.tree.trail.extend(model.tree.root);
        model.tree.root = Some(id);
        model.tree.list.selected = Some((id, 0));
    }
}

/// Shows the selected order's dependencies.
pub(super) fn root_here(model: &mut Model) -> Vec<Effect> {
    if let Some(id) = model.selected_order() {
        reroot(model, id);
        model.view = View::Dependencies;
        model.detail = None;
        model.focus = Focus::View;
    }
    Vec::new()
}

/// Folds the selected row's branches, or unfolds them.
pub(super) fn fold(model: &mut Model) -> Vec<Effect> {
    if let Some((id, _)) = model.tree.list.selected
        && !model.tree.folded.remove(&id)
    {
        model.tree.folded.insert(id);
    }
    Vec::new()
}

/// Folds every branch below the root's own, or unfolds everything.
pub(super) fn fold_all(model: &mut Model, folded: bool) -> Vec<Effect> {
    model.tree.folded.clear();
    if folded && let Some(tree) = model.asks.tree() {
        let below = tree.rows.iter().filter(|row| row.depth > 0);
        model.tree.folded = below.map(|row| row.id).collect();
    }
    Vec::new()
}

/// Looks the other way from the same root.
pub(super) fn flip(model: &mut Model) -> Vec<Effect> {
    model.tree.direction = match model.tree.direction {
        Direction::DependsOn => Direction::Blocks,
        Direction::Blocks => Direction::DependsOn,
    };
    Vec::new()
}

/// Derives the tree's visible rows from the answer and what is folded.
pub(super) fn settle_tree(model: &mut Model, shown: usize) {
    if model.tree.root.is_none() {
        let first = model
            .state
            .open_epics()
            .next()
            .or(model.state.work_orders().next());
        model.tree.root = first.map(|order| order.id);
    }
    model.tree.visible.clear();
    model.tree.ids.clear();
    if let Some(tree) = model.asks.tree() {
        let mut hidden_below = usize::MAX;
        let mut seen = std::collections::BTreeMap::<OrderId, usize>::new();
        for (at, row) in tree.rows.iter().enumerate() {
            let nth = seen.entry(row.id).or_default();
            let key = (row.id, *nth);
            *nth += 1;
            if row.depth > hidden_below {
                continue;
            }
            hidden_below = if model.tree.folded.contains(&row.id) {
                row.depth
            } else {
                usize::MAX
            };
            model.tree.visible.push(at);
            model.tree.ids.push(key);
        }
    }
    let ids = std::mem::take(&mut model.tree.ids);
    model.tree.list.settle(&ids, shown);
    model.tree.ids = ids;
}

/// Returns the events that are shown: while paused, none that came since.
pub(super) fn shown_events(model: &Model) -> Vec<u64> {
    let paused = model.events.paused.is_some();
    let entries = model.events.entries.iter();
    entries
        .map(|entry| entry.seq)
        .filter(|seq| !paused || *seq <= model.events.held_at)
        .collect()
}

/// Keeps the event list at its newest, unless an older one is selected or the list is paused.
pub(super) fn settle_events(model: &mut Model, shown: usize) {
    if model.view != View::Events {
        return;
    }
    let ids = shown_events(model);
    model.events.list.settle(&ids, shown);
}

/// Holds the event list still, or lets it run again.
pub(super) fn pause(model: &mut Model) -> Vec<Effect> {
    model.events.paused = match model.events.paused {
        Some(_) => {
            model.events.list.selected = model.events.entries.back().map(|entry| entry.seq);
            None
        }
        None => {
            model.events.held_at = model.events.entries.back().map_or(0, |entry| entry.seq);
            Some(0)
        }
    };
    Vec::new()
}
