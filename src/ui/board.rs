//! The board as columns of ids, derived from the state once for each version and filter.

use super::{filter::Filter, widget::window_list::Window};
use crate::domain::{
    id::OrderId,
    order::{Order, Phase},
    query::{filter::Sort, orders::WorkOrders},
    state::State,
    time::Timestamp,
};

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Orders that wait to be pulled.
    Queued,
    /// Orders in progress in one stage.
    Stage(String),
    /// Completed orders, newest first, as far as they were fetched.
    Done,
}

/// A column of the board.
#[derive(Clone, Debug)]
pub struct Column {
    /// What it holds.
    pub kind: Kind,
    /// Its orders that pass the filter, in the order in which they are shown.
    pub ids: Vec<OrderId>,
    /// How many orders it has, whatever the filter.
    pub total: u64,
    /// How many it may have.
    pub limit: Option<u32>,
    /// Whether there may be more orders that pass the filter than were fetched.
    pub more: bool,
    /// Where it is scrolled to.
    pub window: Window,
}

impl Column {
    /// Returns the word in the column's head.
    pub fn name(&self) -> &str {
        match &self.kind {
            Kind::Queued => "queued",
            Kind::Stage(name) => name,
            Kind::Done => "done",
        }
    }
}

/// Where the selection was when a filter was begun: it goes back there when the filter lets it.
#[derive(Clone, Debug)]
struct Home {
    kind: Kind,
    id: Option<OrderId>,
    row: usize,
}

/// The board.
#[derive(Clone, Debug, Default)]
pub struct Board {
    /// The columns, left to right.
    pub columns: Vec<Column>,
    /// How many open orders the filter hides.
    pub hidden: usize,
    /// The column that has the selection.
    pub column: usize,
    /// The selected order, if the column has any.
    pub selected: Option<OrderId>,
    /// The row the selection was last seen at, to stay near when it leaves.
    row: usize,
    /// Where to go back to, until the selection is moved by hand.
    home: Option<Home>,
    /// The first column on screen.
    pub first_column: usize,
}

impl Board {
    /// Sorts the open orders that pass `filter` into columns, in the order in which they would be pulled; orders in
    /// progress by how long they stand there. Keeps the selection by id.
    pub fn rebuild(
        &mut self,
        state: &State,
        filter: &Filter,
        done: Option<&WorkOrders>,
        now: Timestamp,
    ) {
        let mut columns = Vec::with_capacity(state.settings.stages.len() + 2);
        let column = |kind, total, limit| Column {
            kind,
            ids: Vec::new(),
            total,
            limit,
            more: false,
            window: Window::default(),
        };
        let queued: u64 = state.counts.queued.iter().map(|n| u64::from(*n)).sum();
        columns.push(column(Kind::Queued, queued, None));
        for stage in &state.settings.stages {
            let total = state.counts.stage(&stage.name).into();
            columns.push(column(
                Kind::Stage(stage.name.clone()),
                total,
                stage.wip_limit,
            ));
        }
        let mut placed: Vec<Vec<(_, OrderId)>> = vec![Vec::new(); columns.len()];
        self.hidden = 0;
        for order in state.work_orders() {
            if !filter.is_empty() && !filter.admits(state, order, now) {
                self.hidden += 1;
                continue;
            }
            let (at, key) = place(state, order);
            if let Some(list) = placed.get_mut(at) {
                list.push((key, order.id));
            }
        }
        for (column, mut list) in columns.iter_mut().zip(placed) {
            list.sort_unstable();
            column.ids = list.into_iter().map(|(_, id)| id).collect();
        }
        if filter.admits_done() {
            columns.push(column(Kind::Done, state.counts.completed, None));
            if let (Some(last), Some(page)) = (columns.last_mut(), done) {
                let passing = page
                    .work_orders
                    .iter()
                    .filter(|view| filter.admits_closed(state, view, now));
                last.ids = passing.map(|view| view.id).collect();
                last.more = page.next.is_some();
            }
        }
        for column in &mut columns {
            let before = self.columns.iter().find(|old| old.kind == column.kind);
            column.window = before.map_or(Window::default(), |old| old.window);
        }
        self.columns = columns;
        self.settle();
    }

    /// Makes the selection name an order that is there: the same one wherever it went, else its neighbour.
    fn settle(&mut self) {
        self.column = self.column.min(self.columns.len().saturating_sub(1));
        if let Some(home) = self.home.clone()
            && let Some(at) = self.columns.iter().position(|c| c.kind == home.kind)
        {
            self.settle_near(&home, at);
            return;
        }
        let found = self.selected.and_then(|id| self.find(id));
        if let Some((column, row)) = found {
            (self.column, self.row) = (column, row);
            return;
        }
        // The order is closed or hidden: stay where it was; an empty board selects its first order.
        if self.ids(self.column).is_empty()
            && self.selected.is_none()
            && let Some(filled) = self
                .columns
                .iter()
                .position(|column| !column.ids.is_empty())
        {
            self.column = filled;
        }
        self.select_row(self.row);
    }

    /// Selects where the filter was begun, else the first match in that column, else in the nearest one; what is
    /// done comes last.
    fn settle_near(&mut self, home: &Home, at: usize) {
        let ids = self.ids(at);
        if let Some(row) = home.id.and_then(|id| ids.iter().position(|i| *i == id)) {
            (self.column, self.row, self.selected) = (at, row, home.id);
            return;
        }
        let filled = self.columns.iter().enumerate();
        let nearest = filled
            .filter(|(_, column)| !column.ids.is_empty())
            .min_by_key(|(n, column)| (*n != at, column.kind == Kind::Done, n.abs_diff(at)));
        let Some((column, _)) = nearest else {
            self.column = at;
            self.select_row(home.row);
            return;
        };
        // What was selected in that column stays so while it passes.
        let kept = self
            .selected
            .and_then(|id| self.ids(column).iter().position(|i| *i == id));
        self.column = column;
        self.select_row(kept.unwrap_or(0));
    }

    /// Remembers where the selection is, before a filter moves it.
    pub fn set_out(&mut self) {
        if self.home.is_none()
            && let Some(column) = self.columns.get(self.column)
        {
            self.home = Some(Home {
                kind: column.kind.clone(),
                id: self.selected,
                row: self.row,
            });
        }
    }

    /// Forgets where the filter was begun: the selection stays where it is.
    pub fn stay(&mut self) {
        self.home = None;
    }

    /// Selects an order that the next [`Board::rebuild`] shows, wherever that is.
    pub fn await_order(&mut self, id: OrderId) {
        self.home = None;
        self.selected = Some(id);
    }

    /// Returns where an order stands: column and row.
    pub fn find(&self, id: OrderId) -> Option<(usize, usize)> {
        // The column it was in is asked first; it is nearly always there.
        let order = std::iter::once(self.column).chain(0..self.columns.len());
        order
            .filter_map(|at| Some((at, self.columns.get(at)?)))
            .find_map(|(at, column)| Some((at, column.ids.iter().position(|i| *i == id)?)))
    }

    /// Selects an order, if the board shows it, and returns whether it does.
    pub fn select(&mut self, id: OrderId) -> bool {
        let found = self.find(id);
        if let Some((column, row)) = found {
            (self.column, self.row, self.selected) = (column, row, Some(id));
            self.home = None;
        }
        found.is_some()
    }

    fn ids(&self, column: usize) -> &[OrderId] {
        self.columns.get(column).map_or(&[], |column| &column.ids)
    }

    /// Returns the row of the selection in its column.
    pub fn row(&self) -> usize {
        self.row
    }

    fn select_row(&mut self, row: usize) {
        let ids = self.ids(self.column);
        let row = row.min(ids.len().saturating_sub(1));
        self.selected = ids.get(row).copied();
        self.row = row;
    }

    /// Moves the selection by rows, staying in the column.
    pub fn step(&mut self, rows: isize) {
        self.home = None;
        self.select_row(self.row.saturating_add_signed(rows));
    }

    /// Moves the selection by columns, to the card at the same height.
    pub fn turn(&mut self, columns: isize) {
        self.home = None;
        let height = self.row.saturating_sub(self.first_row());
        self.column = self
            .column
            .saturating_add_signed(columns)
            .min(self.columns.len().saturating_sub(1));
        self.select_row(self.first_row() + height);
    }

    fn first_row(&self) -> usize {
        self.columns
            .get(self.column)
            .map_or(0, |column| column.window.first)
    }
}

fn place(state: &State, order: &Order) -> (usize, [i64; 3]) {
    match &order.phase {
        Phase::Queued => (0, Sort::Ready.key(state, order).0),
        Phase::InProgress(work) => {
            let at = state.settings.stage_index(&work.stage).unwrap_or(0) + 1;
            // What stands longest comes first: that is what needs a hand.
            (at, [work.since.0, 0, 0])
        }
    }
}
