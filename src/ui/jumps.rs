//! Where one was: views with their selections, to go back to and forward again.

use super::{
    flow::Page,
    model::{Focus, Model, View},
    parts::Detail,
};
use crate::domain::{
    id::{AlertId, OrderId},
    record::Seq,
};

/// How many places are remembered: more than anyone goes back.
const MAX_JUMPS: usize = 100;

/// A view with what was selected in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot {
    view: View,
    card: Option<OrderId>,
    root: Option<OrderId>,
    row: Option<(OrderId, usize)>,
    graph: bool,
    node: Option<OrderId>,
    epic: Option<OrderId>,
    alert: Option<AlertId>,
    agent: Option<String>,
    event: Option<Seq>,
    page: Page,
    detail: Option<OrderId>,
    focus: Focus,
}

impl Spot {
    /// Returns where the console is.
    pub fn here(model: &Model) -> Self {
        Spot {
            view: model.view,
            card: model.board.selected,
            root: model.tree.root,
            row: model.tree.list.selected,
            graph: model.graph.shown,
            node: model.graph.cursor,
            epic: model.epics.selected,
            alert: model.andon.selected,
            agent: model.agents.selected.clone(),
            event: model.events.list.selected,
            page: model.flow.page,
            detail: model.detail.as_ref().map(|detail| detail.id),
            focus: model.focus,
        }
    }

    /// Returns whether going from here to `other` is a jump: to another view, another root, another order's pane.
    pub fn is_apart(&self, other: &Spot) -> bool {
        (self.view, self.root, self.detail) != (other.view, other.root, other.detail)
    }

    /// Goes there. What is gone meanwhile is settled by the lists, as ever.
    fn visit(self, model: &mut Model) {
        model.view = self.view;
        model.focus = self.focus;
        model.detail = self.detail.map(Detail::new);
        model.tree.root = self.root;
        model.tree.list.selected = self.row;
        model.graph.shown = self.graph;
        model.graph.cursor = self.node;
        model.epics.selected = self.epic;
        model.andon.selected = self.alert;
        model.agents.selected = self.agent;
        model.events.list.selected = self.event;
        model.flow.page = self.page;
        if let Some(card) = self.card
            && !model.board.select(card)
        {
            model.board.await_order(card);
        }
    }
}

/// The places, oldest first, and where among them one is.
#[derive(Clone, Debug, Default)]
pub struct Jumps {
    behind: Vec<Spot>,
    ahead: Vec<Spot>,
}

impl Jumps {
    /// Remembers a place that was left: what lay ahead of it is forgotten.
    pub fn leave(&mut self, spot: Spot) {
        self.ahead.clear();
        self.behind.retain(|other| *other != spot);
        if self.behind.len() == MAX_JUMPS {
            self.behind.remove(0);
        }
        self.behind.push(spot);
    }

    /// Returns whether there is a place to go to.
    pub fn leads(&self, back: bool) -> bool {
        match back {
            true => !self.behind.is_empty(),
            false => !self.ahead.is_empty(),
        }
    }
}

/// Goes to the place before, or forward again.
pub fn go(model: &mut Model, back: bool) {
    let here = Spot::here(model);
    let (from, to) = match back {
        true => (&mut model.jumps.behind, &mut model.jumps.ahead),
        false => (&mut model.jumps.ahead, &mut model.jumps.behind),
    };
    if let Some(spot) = from.pop() {
        to.push(here);
        spot.visit(model);
    }
}
