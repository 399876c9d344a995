//! The mouse: what it does, and what on screen it points at. Off until it is wanted, since a terminal that reports the
//! mouse lets nobody select text.

use ratatui::{buffer::Buffer, layout::Rect};

use serde::{Deserialize, Serialize};

use super::{
    layout,
    mail::Page,
    model::{Focus, Model, View},
    overlay::Overlay,
    pen::Pen,
    plan::plan,
    view::{self, frame},
};
use crate::domain::{
    id::{AlertId, OrderId},
    record::Seq,
    time::Timestamp,
};

/// The longest time between two clicks that are one double click: what desktops use.
pub const DOUBLE_CLICK: i64 = 500_000;

/// What a mouse did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Deed {
    /// The first button went down.
    Down,
    /// It moved while the button was down.
    Drag,
    /// The button went up.
    Up,
    /// The wheel was turned towards the hand, so that what is below comes up.
    WheelDown,
    /// The wheel was turned away.
    WheelUp,
}

/// What a mouse did, where and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mouse {
    /// What.
    pub deed: Deed,
    /// The column, from 0.
    pub x: u16,
    /// The row, from 0.
    pub y: u16,
    /// When: two clicks soon after one another are one double click.
    pub at: Timestamp,
}

/// Something that can be pointed at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The name of a view.
    Tab(View),
    /// The band of a critical alert.
    Band(AlertId),
    /// A card of the board.
    Card(OrderId),
    /// A column of the board, beside its cards.
    Column,
    /// A row of the dependency tree.
    Branch((OrderId, usize)),
    /// An order of the dependency graph.
    Node(OrderId),
    /// An epic to choose as a root.
    Epic(OrderId),
    /// An alert of the queue.
    Alert(AlertId),
    /// An agent.
    Agent(String),
    /// An event.
    Event(Seq),
    /// The name of a page about messages.
    MailPage(Page),
    /// A row of the page about messages, by its number.
    MailRow(u64),
    /// A row of a list of choices.
    Choice(usize),
    /// A line of a pane of text, counted from its top.
    Line(u16),
    /// Nothing that does anything.
    Nothing,
}

/// A card on its way to another column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drag {
    /// The order.
    pub id: OrderId,
    /// The column it was taken from.
    pub from: usize,
    /// The column it is over.
    pub over: usize,
}

/// The mouse as the console knows it.
#[derive(Clone, Debug, Default)]
pub struct Pointer {
    /// Whether the terminal reports it.
    pub on: bool,
    /// The last click: when, and on what.
    pub clicked: Option<(Timestamp, Target)>,
    /// What is being dragged.
    pub drag: Option<Drag>,
}

fn holds(area: Rect, x: u16, y: u16) -> bool {
    area.contains((x, y).into())
}

/// Returns what is at a place of the screen.
pub fn target(model: &Model, x: u16, y: u16) -> Target {
    if let Some(overlay) = &model.overlay {
        let row = match overlay {
            Overlay::Palette(palette) => palette.row_at(model.area(), x, y),
            _ => None,
        };
        return row.map_or(Target::Nothing, Target::Choice);
    }
    let screen = model.screen();
    if holds(screen.header, x, y) {
        return tab(model, screen.header, x).map_or(Target::Nothing, Target::Tab);
    }
    if holds(screen.band, x, y) {
        let alert = model.worst_critical();
        return alert.map_or(Target::Nothing, |alert| Target::Band(alert.id));
    }
    if holds(screen.detail, x, y) {
        return Target::Line(y.saturating_sub(screen.detail.y + 1));
    }
    if !holds(screen.body, x, y) {
        return Target::Nothing;
    }
    in_view(model, screen.body, x, y).unwrap_or(Target::Nothing)
}

/// Returns the view whose name is there. The header says where it draws them; it is drawn aside for that.
fn tab(model: &Model, area: Rect, x: u16) -> Option<View> {
    let mut aside = Buffer::empty(area);
    let tabs = frame::header(model, area, &mut Pen::new(&mut aside, &model.theme));
    let found = tabs.into_iter().find(|(_, cells)| cells.contains(&x));
    found.map(|(view, _)| view)
}

fn in_view(model: &Model, body: Rect, x: u16, y: u16) -> Option<Target> {
    let row = |head: u16, rows: u16| {
        let below = y.checked_sub(body.y + head)?;
        Some(usize::from(below / rows))
    };
    match model.view {
        View::Overview | View::Flow => None,
        View::Messages => view::messages::at(model, body, x, y),
        View::Kanban => {
            let plan = plan(&model.board, body, model.size.1);
            let card = plan.cards.iter().find(|card| holds(card.area, x, y));
            card.map(|card| Target::Card(card.id))
                .or_else(|| column_at(model, x, y).map(|_| Target::Column))
        }
        View::Dependencies if model.graph.shown => {
            view::graph::order_at(model, x, y).map(Target::Node)
        }
        View::Dependencies if model.tree.root.is_none() => {
            let at = model.epics.window.first + row(view::dependencies::HEAD, 1)?;
            let epic = model.state.open_epics().nth(at)?;
            Some(Target::Epic(epic.id))
        }
        View::Dependencies => {
            let at = model.tree.list.window.first + row(view::dependencies::HEAD, 1)?;
            model.tree.ids.get(at).copied().map(Target::Branch)
        }
        View::Andon => {
            let heads = model.queue.heads();
            let (queue, pane) = view::andon::split(body, heads.len());
            if holds(pane, x, y) {
                return Some(Target::Line(y.saturating_sub(pane.y + 1)));
            }
            if !holds(queue, x, y) {
                return None;
            }
            let at = model.andon.window.first + row(1, view::andon::ROWS)?;
            heads.get(at).copied().map(Target::Alert)
        }
        View::Agents => {
            let known = crate::domain::query::agents::roster(&model.state);
            let places = view::agents::places(model, body, known.len());
            if holds(places.pane, x, y) {
                return Some(Target::Line(y.saturating_sub(places.pane.y + 1)));
            }
            if !holds(places.list, x, y) {
                return None;
            }
            let below = usize::from(y - places.list.y);
            let at = model.agents.window.first + below;
            known.get(at).map(|agent| Target::Agent(agent.name.clone()))
        }
        View::Events => {
            let at = model.events.list.window.first + row(1, 1)?;
            model.events.shown.get(at).copied().map(Target::Event)
        }
    }
}

/// Returns the column of the board that is there, its head and its empty part included.
pub fn column_at(model: &Model, x: u16, y: u16) -> Option<usize> {
    let body = model.screen().body;
    if model.view != View::Kanban || !holds(body, x, y) {
        return None;
    }
    let plan = plan(&model.board, body, model.size.1);
    let place = plan.places.iter().find(|place| holds(place.area, x, y));
    place.map(|place| place.column)
}

/// Returns whether a place is in the pane that is beside or over the view.
pub fn in_pane(model: &Model, target: &Target) -> bool {
    let line = matches!(target, Target::Line(_));
    let beside = matches!(model.view, View::Andon | View::Agents);
    line && (model.detail.is_some() || beside)
}

/// Returns whether the pane of text is wide enough to be beside the view: there a click in the view gives it the keys.
pub fn is_beside(model: &Model) -> bool {
    model.focus == Focus::Detail && (model.size.0 >= layout::WIDE || model.detail.is_none())
}
