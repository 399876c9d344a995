//! The parts of the model: lists, the tree, the panes, the events, the notice.

use std::collections::{BTreeSet, VecDeque};

use super::{pane::Pane, theme::Role, widget::window_list::Window};
use crate::domain::{
    id::{AlertId, OrderId},
    query::{deps::Direction, events::Entry},
    record::Seq,
};

/// A list with a selected id.
#[derive(Clone, Debug)]
pub struct List<Id> {
    /// The selected one.
    pub selected: Option<Id>,
    /// Where the list is scrolled to.
    pub window: Window,
    row: usize,
}

impl<Id> Default for List<Id> {
    fn default() -> Self {
        List {
            selected: None,
            window: Window::default(),
            row: 0,
        }
    }
}

impl<Id: Clone + PartialEq> List<Id> {
    /// Keeps the selection on its id; if that is gone, on what stands in its place now.
    pub fn settle(&mut self, ids: &[Id], shown: usize) {
        let found = self
            .selected
            .as_ref()
            .and_then(|id| ids.iter().position(|i| i == id));
        self.row = found.unwrap_or(self.row).min(ids.len().saturating_sub(1));
        self.selected = ids.get(self.row).cloned();
        self.window.follow(self.row, ids.len(), shown);
    }

    /// Moves the selection by rows.
    pub fn step(&mut self, ids: &[Id], rows: isize) {
        self.row = self
            .row
            .saturating_add_signed(rows)
            .min(ids.len().saturating_sub(1));
        self.selected = ids.get(self.row).cloned();
    }
}

/// The dependency tree on screen.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// The order it begins with.
    pub root: Option<OrderId>,
    /// The roots before this one, to go back to.
    pub trail: Vec<OrderId>,
    /// Which way it looks.
    pub direction: Direction,
    /// The orders whose branches are hidden.
    pub folded: BTreeSet<OrderId>,
    /// The rows of the answer that folding leaves, by their place in it.
    pub visible: Vec<usize>,
    /// The selected row: an order, and which of its rows.
    pub list: List<(OrderId, usize)>,
    /// The visible rows' ids, in their order.
    pub ids: Vec<(OrderId, usize)>,
}

/// The detail pane of an order.
#[derive(Clone, Debug)]
pub struct Detail {
    /// The order shown.
    pub id: OrderId,
    /// Its text.
    pub pane: Pane,
    /// The section to go to once the text is there.
    pub seek: Option<&'static str>,
    /// What the text was made of: which answers, the state's head and the minute, the width.
    pub made_of: Option<(u64, (Seq, i64), u16)>,
    /// The pane that it was gone to from, to go back to.
    pub from: Option<Box<Detail>>,
}

impl Detail {
    /// Returns the pane for an order, empty until its text is made.
    pub fn new(id: OrderId) -> Self {
        Detail {
            id,
            pane: Pane::default(),
            seek: None,
            made_of: None,
            from: None,
        }
    }
}

/// The pane about the selected alert.
#[derive(Clone, Debug, Default)]
pub struct AlertPane {
    /// Its text.
    pub pane: Pane,
    /// What the text was made of: which alert, which answer, the state's head and the minute, the width.
    pub made_of: Option<(AlertId, u64, (Seq, i64), u16)>,
}

/// The events, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Events {
    /// The newest of them.
    pub entries: VecDeque<Entry>,
    /// The words that a line must have to be shown, as they were typed.
    pub words: String,
    /// The records that are shown: while paused none that came since, and only those that have the words.
    pub shown: Vec<Seq>,
    /// The selected one; None follows the newest.
    pub list: List<Seq>,
    /// When paused: how many arrived since.
    pub paused: Option<usize>,
    /// The last one shown while paused.
    pub held_at: Seq,
}

impl Events {
    /// Returns an event by its record's number.
    pub fn entry(&self, seq: Seq) -> Option<&Entry> {
        let at = self.entries.binary_search_by_key(&seq, |e| e.seq).ok()?;
        self.entries.get(at)
    }
}

/// What happened last, said once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What happened.
    pub text: String,
    /// What stands before the first of the ways out.
    pub lead: &'static str,
    /// What would lift it, if it was refused.
    pub lift: Vec<String>,
    /// How it looks.
    pub role: Role,
    /// Whether it stays until it is closed.
    pub sticky: bool,
}
