//! The board as columns of ids, derived from the state once for each version and filter.

use std::{collections::BTreeSet, ops::Range};

use super::{
    arrange::{Lane, LanesBy, Sort},
    filter::Filter,
    widget::window_list::Window,
};
use crate::domain::{
    id::OrderId,
    order::{Order, Phase},
    query::orders::WorkOrders,
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
    /// Its orders that pass the filter, in the order in which they are shown: lane by lane.
    pub ids: Vec<OrderId>,
    /// Where each lane's orders begin among them.
    starts: Vec<usize>,
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
    /// Returns the rows of a lane's orders.
    pub fn rows(&self, lane: usize) -> Range<usize> {
        let begin = |lane: usize| self.starts.get(lane).copied().unwrap_or(self.ids.len());
        begin(lane)..begin(lane + 1)
    }

    /// Returns the lane of a row.
    fn lane(&self, row: usize) -> usize {
        let before = self.starts.partition_point(|start| *start <= row);
        before.saturating_sub(1)
    }

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
    /// The order within the columns.
    pub sort: Sort,
    /// What the lanes stand for.
    pub by: LanesBy,
    /// The lanes that have an order, downwards; one where there are none.
    pub lanes: Vec<Lane>,
    /// The first lane on screen.
    pub first_lane: usize,
    /// Where the selection's cell, its column in its lane, is scrolled to.
    pub cell: Window,
    /// How many open orders the filter hides.
    pub hidden: usize,
    /// The column that has the selection.
    pub column: usize,
    /// The selected order, if the column has any.
    pub selected: Option<OrderId>,
    /// The row the selection was last seen at, to stay near when it leaves.
    row: usize,
    /// The lane the selection was last seen in, to stay there across an empty column.
    lane: usize,
    /// Where to go back to, until the selection is moved by hand.
    home: Option<Home>,
    /// The first column on screen.
    pub first_column: usize,
}

impl Board {
    /// Puts the open orders that pass `filter` into columns and lanes, sorted as is wanted. Keeps the selection by id.
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
            starts: Vec::new(),
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
        let mut placed: Vec<Vec<Placed>> = vec![Vec::new(); columns.len()];
        self.hidden = 0;
        for order in state.work_orders() {
            if !filter.is_empty() && !filter.admits(state, order, now) {
                self.hidden += 1;
                continue;
            }
            if let Some(list) = placed.get_mut(column_of(state, order)) {
                let lane = self.by.of(state, order);
                list.push((lane, self.sort.key(state, order), order.id));
            }
        }
        for list in &mut placed {
            list.sort_unstable();
        }
        if filter.admits_done() {
            columns.push(column(Kind::Done, state.counts.completed, None));
            let mut list = Vec::new();
            if let (Some(last), Some(page)) = (columns.last_mut(), done) {
                let orders = page.work_orders.iter();
                let passing = orders.filter(|view| filter.admits_closed(state, view, now));
                list.extend(passing.map(|view| {
                    let lane = self.by.of_closed(state, view);
                    (lane, Default::default(), view.id)
                }));
                last.more = page.next.is_some();
            }
            // A stable sort: within a lane the newest stay first.
            list.sort_by(|(one, ..), (other, ..)| one.cmp(other));
            placed.push(list);
        }
        let lanes: BTreeSet<&Lane> = placed.iter().flatten().map(|(lane, ..)| lane).collect();
        self.lanes = lanes.into_iter().cloned().collect();
        for (column, list) in columns.iter_mut().zip(placed) {
            let starts = self.lanes.iter();
            column.starts = starts
                .map(|lane| list.partition_point(|(other, ..)| other < lane))
                .collect();
            column.ids = list.into_iter().map(|(.., id)| id).collect();
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
        self.lane = self.lane();
    }

    /// Moves the selection by rows, staying in the column.
    pub fn step(&mut self, rows: isize) {
        self.home = None;
        self.select_row(self.row.saturating_add_signed(rows));
    }

    /// Moves the selection by columns, to the card at the same height: of the same lane if that has one there, else of
    /// the nearest.
    pub fn turn(&mut self, columns: isize) {
        self.home = None;
        let height = self.row.saturating_sub(self.first_row());
        let lane = self.lane();
        self.column = self
            .column
            .saturating_add_signed(columns)
            .min(self.columns.len().saturating_sub(1));
        if self.by == LanesBy::None {
            return self.select_row(self.first_row() + height);
        }
        let rows = self.columns.get(self.column).map(|column| {
            let near = (0..self.lanes.len()).filter(|at| !column.rows(*at).is_empty());
            let near = near.min_by_key(|at| at.abs_diff(lane));
            let rows = near.map_or(0..0, |at| column.rows(at));
            let kept = if near == Some(lane) { height } else { 0 };
            (rows.start + kept).min(rows.end.saturating_sub(1))
        });
        self.select_row(rows.unwrap_or(0));
    }

    /// Returns the lane of the selection.
    pub fn lane(&self) -> usize {
        let column = self.columns.get(self.column);
        let filled = column.filter(|column| !column.ids.is_empty());
        let lane = filled.map_or(self.lane, |column| column.lane(self.row));
        lane.min(self.lanes.len().saturating_sub(1))
    }

    /// Returns how many cards the fullest column has in each lane.
    pub fn heights(&self) -> Vec<usize> {
        let height = |lane| {
            let columns = self.columns.iter();
            columns.map(|column| column.rows(lane).len()).max()
        };
        (0..self.lanes.len())
            .map(|lane| height(lane).unwrap_or(0))
            .collect()
    }

    fn first_row(&self) -> usize {
        let column = self.columns.get(self.column);
        match self.by {
            LanesBy::None => column.map_or(0, |column| column.window.first),
            _ => column.map_or(0, |column| column.rows(self.lane()).start) + self.cell.first,
        }
    }
}

/// An order on its way to its column: its lane, its place there, its id.
type Placed = (Lane, [i64; 3], OrderId);

fn column_of(state: &State, order: &Order) -> usize {
    match &order.phase {
        Phase::Queued => 0,
        Phase::InProgress(work) => state.settings.stage_index(&work.stage).unwrap_or(0) + 1,
    }
}
