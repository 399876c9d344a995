//! Moving within views and opening what is selected.

use super::storm;
use crate::{
    domain::{
        id::{AlertId, OrderId},
        query::{agents::roster, deps::Direction, why::Place},
        record::Seq,
    },
    ui::{
        effect::Effect,
        layout::WIDE,
        model::{Detail, Focus, Model, View},
        overlay::Overlay,
        runs,
        theme::Role,
        words,
    },
};

/// Moves down by rows, or up; in a pane of text it scrolls.
pub(super) fn step(model: &mut Model, rows: isize) -> Vec<Effect> {
    let area = model.area();
    let whole = runs::is_whole(model);
    match &mut model.overlay {
        Some(Overlay::Page(page)) => page.step(rows, area),
        Some(Overlay::Palette(palette)) => palette.step(rows),
        Some(Overlay::Prompt(_)) => super::dialogs::recall(model, -rows),
        Some(_) => {}
        None if whole => model.runs.step(rows),
        None => match model.pane() {
            Some(pane) => pane.step(rows),
            None => select(model, rows),
        },
    }
    Vec::new()
}

fn select(model: &mut Model, rows: isize) {
    match model.view {
        View::Overview => {}
        View::Kanban => {
            model.board.step(rows);
            if rows > 0 {
                say_older(model);
            }
        }
        View::Dependencies if model.graph.shown => super::graph::step(model, rows),
        View::Dependencies if model.tree.root.is_none() => {
            let ids = epics(model);
            model.epics.step(&ids, rows);
        }
        View::Dependencies => {
            let ids = std::mem::take(&mut model.tree.ids);
            model.tree.list.step(&ids, rows);
            model.tree.ids = ids;
        }
        View::Andon => {
            let ids = model.queue.heads();
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
            let events = &mut model.events;
            events.list.step(&events.shown, rows);
        }
        View::Messages => model.mail.step(rows),
        View::Flow => {
            let ids = model.asks.flow_rows(model.flow.page);
            model.flow.list_mut().step(&ids, rows);
        }
    }
}

/// Says at the end of the done column that there are older ones, and how they are found.
fn say_older(model: &mut Model) {
    let board = &model.board;
    let column = board.columns.get(board.column);
    let Some(column) = column.filter(|column| column.more && board.row() + 1 >= column.ids.len())
    else {
        return;
    };
    let shown = u64::try_from(column.ids.len()).unwrap_or(u64::MAX);
    let older = match model.filter.is_empty() {
        true => format!("{} older", column.total.saturating_sub(shown)),
        false => "older ones too".to_owned(),
    };
    let said = format!("{older}: obeya wo list --all, or / with words that find them");
    model.say(said, Role::Muted);
}

/// Moves by a part of a page.
pub(super) fn page(model: &mut Model, sign: isize, part: isize) -> Vec<Effect> {
    if model.overlay.is_none()
        && let Some(pane) = model.pane()
    {
        pane.page(sign, usize::try_from(part).unwrap_or(1));
        return Vec::new();
    }
    if model.overlay.is_none() && runs::is_whole(model) {
        let rows = isize::try_from(model.runs.rows()).unwrap_or(10) / part;
        model.runs.step(sign * rows.max(1));
        return Vec::new();
    }
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
    if let Some(pane) = model.pane() {
        pane.turn(columns > 0);
    } else if model.view == View::Kanban {
        model.board.turn(columns);
    } else if model.view == View::Agents {
        model.runs.turn(columns > 0);
    } else if model.view == View::Messages {
        model.mail.turn(columns);
    } else if model.view == View::Flow {
        model.flow.turn(columns);
    } else if model.draws_graph() {
        super::graph::turn(model, columns);
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

/// Opens what is selected: an order's detail, an alert's pane, the tree of an epic that is to be the root. In a pane it
/// goes where the line leads, and else gives the keys back to the view beside it, which the pane then follows.
pub(super) fn open(model: &mut Model) -> Vec<Effect> {
    if model.focus == Focus::Detail {
        if let Some(place) = model.place().cloned() {
            follow(model, place);
        } else if model.size.0 >= WIDE || model.detail.is_none() {
            super::leave_pane(model);
        }
        return Vec::new();
    }
    match model.view {
        View::Overview | View::Messages => {}
        View::Agents if runs::shown(model).is_some() => model.focus = Focus::Detail,
        View::Andon => match storm::head(model) {
            Some(group) => model.queue.open = Some(group),
            None => model.focus = Focus::Detail,
        },
        View::Dependencies if model.tree.root.is_none() && !model.graph.shown => {
            return root_here(model);
        }
        _ => match model.selected_order() {
            Some(id) => show(model, id),
            None => model.say("there is no order to open here", Role::Muted),
        },
    }
    Vec::new()
}

/// Goes where a line leads.
fn follow(model: &mut Model, place: Place) {
    match place {
        Place::Order(id) => jump(model, id),
        Place::Alert(id) => go_to_alert(model, id),
        Place::Agent(name) => {
            leave_pane(model, View::Agents);
            model.agents.selected = Some(name);
        }
        Place::Bucket(_) | Place::Stage(_) => {}
    }
}

/// Goes to an alert in its queue.
pub(super) fn go_to_alert(model: &mut Model, id: AlertId) {
    leave_pane(model, View::Andon);
    crate::ui::queue::reveal(model, id);
    model.andon.selected = Some(id);
}

fn leave_pane(model: &mut Model, to: View) {
    model.view = to;
    model.detail = None;
    model.focus = Focus::View;
}

/// Opens an order's detail pane and gives it the keys. From another pane that had them one can go back there.
pub(super) fn show(model: &mut Model, id: OrderId) {
    if model.detail.as_ref().is_none_or(|detail| detail.id != id) {
        let before = model.detail.take();
        let followed = before.filter(|_| model.focus == Focus::Detail);
        model.detail = Some(Detail {
            from: followed.map(Box::new),
            ..Detail::new(id)
        });
    }
    model.focus = Focus::Detail;
}

/// Goes to an order wherever it is: on the board or in the tree if that shows it, and its detail pane.
pub(super) fn jump(model: &mut Model, id: OrderId) {
    if model.draws_graph() && super::graph::holds(model, id) {
        model.graph.cursor = Some(id);
    } else if model.view == View::Dependencies {
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

/// Makes an order the tree's root; the one before is gone back to.
pub(super) fn reroot(model: &mut Model, id: OrderId) {
    if model.tree.root != Some(id) {
        model.tree.trail.extend(model.tree.root);
        model.tree.root = Some(id);
        model.tree.list.selected = Some((id, 0));
    }
}

/// Leaves the tree without a root, to choose one.
pub(super) fn uproot(model: &mut Model) {
    model.tree.root = None;
    model.tree.trail.clear();
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
    let row = model.tree.list.selected.map(|(id, _)| id);
    let here = if model.graph.shown {
        model.graph.cursor
    } else {
        row
    };
    if let Some(id) = here
        && !model.tree.folded.remove(&id)
    {
        model.tree.folded.insert(id);
    }
    Vec::new()
}

/// Folds every branch below the root's own, or unfolds everything.
pub(super) fn fold_all(model: &mut Model, folded: bool) -> Vec<Effect> {
    model.tree.folded.clear();
    if folded && model.graph.shown {
        model.tree.folded = super::graph::foldable(model);
    } else if folded && let Some(tree) = model.asks.tree() {
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
        let ids = epics(model);
        model.epics.settle(&ids, shown);
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

/// Returns the epics that a root is chosen from.
fn epics(model: &Model) -> Vec<OrderId> {
    model.state.open_epics().map(|epic| epic.id).collect()
}

/// Derives which events are shown. The list stays at its newest, unless an older one is selected or it is paused.
pub(super) fn settle_events(model: &mut Model, shown: usize) {
    if model.view != View::Events {
        return;
    }
    let events = &mut model.events;
    let last = events.shown.last().copied();
    let selected = events.list.selected;
    let following = selected.is_none_or(|seq| last.is_none_or(|last| seq >= last));
    let till = events.paused.map_or(Seq::MAX, |_| events.held_at);
    let entries = events.entries.iter().take_while(|entry| entry.seq <= till);
    let passing = entries.filter(|entry| {
        let line = || format!("{} {} {}", entry.text, entry.actor.name, entry.event);
        events.words.is_empty() || words::found(&line(), &events.words)
    });
    events.shown = passing.map(|entry| entry.seq).collect();
    // The selected one may not pass: then the one before it is nearest.
    let upto = match selected {
        Some(seq) if !following => events.shown.partition_point(|other| *other <= seq),
        _ => events.shown.len(),
    };
    events.list.selected = events.shown.get(upto.saturating_sub(1)).copied();
    events.list.settle(&events.shown, shown);
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

/// Opens the order that the selected agent works on.
pub(super) fn agents_order(model: &mut Model) -> Vec<Effect> {
    if let Some(id) = model.selected_order() {
        show(model, id);
    }
    Vec::new()
}
