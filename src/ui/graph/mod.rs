//! The dependency graph as a drawing: from orders and waits to places and lines, in cells.
//!
//! This is the layered drawing of Sugiyama, Tagawa and Toda (1981), left to right: [`fold`] leaves out what is folded,
//! [`layers`] gives each order a column and each long wait a bend in every column it passes, [`sweep`] orders the columns
//! so that few lines cross, [`rows`] gives each its row, [`route`] lays the lines at right angles between the columns.
//! All of it is a pure function of the [`Shape`], made once for a shape and kept; a frame only cuts a window out of it.

pub mod chart;
pub mod export;
pub mod fold;
pub mod layers;
pub mod lines;
pub mod route;
pub mod rows;
pub mod sweep;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use self::{layers::Layered, route::Wire};
use crate::domain::id::OrderId;

/// The most places, bends of long waits among them: what is laid out in less than a third of a second.
pub const PLACE_LIMIT: usize = 40_000;
/// Rows between two parts that no wait joins.
const PART_GAP: i32 = 1;
/// Columns between orders that wait for nothing and that nothing waits for.
const LONE_GAP: i32 = 3;
/// How wide lone orders may spread where no other part is wider: four cards.
const LONE_WIDTH: i32 = 120;

/// How large an order is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Look {
    /// A box of two lines.
    #[default]
    Card,
    /// One line.
    Line,
}

impl Look {
    /// Returns the columns and rows of an order.
    pub const fn size(self) -> (i32, i32) {
        match self {
            Look::Card => (28, 4),
            Look::Line => (30, 1),
        }
    }

    /// Returns the row, within an order's own, at which lines come and go.
    pub const fn pin(self) -> i32 {
        match self {
            Look::Card => 1,
            Look::Line => 0,
        }
    }
}

/// A wait, by the places of its ends in [`Shape::nodes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// What comes first.
    pub before: usize,
    /// What waits for it.
    pub after: usize,
    /// Whether it is a step of the critical path.
    pub critical: bool,
}

/// What is drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// The orders, by id.
    pub nodes: Vec<OrderId>,
    /// The waits among them.
    pub edges: Vec<Edge>,
    /// How large the orders are.
    pub look: Look,
}

/// The shape has more places than [`PLACE_LIMIT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tangled;

/// A shape laid out. Places count from the left upper corner of the whole, in cells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drawing {
    /// What is drawn.
    pub shape: Shape,
    /// Where each order's left upper corner is: column, row.
    pub places: Vec<(i32, i32)>,
    /// The lines.
    pub wires: Vec<Wire>,
    /// The columns and rows of the whole.
    pub size: (i32, i32),
    /// How often two lines cross.
    pub crossings: usize,
    /// The lines that begin and that end at each vertex, orders first, then bends.
    ends: Vec<(Vec<usize>, Vec<usize>)>,
}

impl Drawing {
    /// Lays a shape out.
    ///
    /// # Errors
    ///
    /// Its waits reach over too many layers.
    pub fn of(shape: Shape) -> Result<Self, Tangled> {
        let parts = layers::parts(&shape)?;
        let count = shape.nodes.len();
        let mut drawing = Drawing {
            places: vec![(0, 0); count],
            ends: vec![Default::default(); count],
            ..Drawing::default()
        };
        let mut lone = Vec::new();
        for part in parts {
            match part.vertices.as_slice() {
                [only] => lone.extend(only.node),
                _ => drawing.add(part, shape.look),
            }
        }
        drawing.add_lone(&lone, shape.look);
        drawing.shape = shape;
        Ok(drawing)
    }

    /// Adds a part below those that are there.
    fn add(&mut self, mut part: Layered, look: Look) {
        self.crossings += sweep::order(&mut part);
        let rows = rows::rows(&part, look);
        let (columns, mut wires) = route::route(&part, &rows, look);
        let top = match self.size.1 {
            0 => 0,
            below => below + PART_GAP,
        };
        let (width, height) = look.size();
        // Orders are the first vertices of the whole, bends come behind them.
        let mut names = Vec::with_capacity(part.vertices.len());
        for (vertex, pin) in part.vertices.iter().zip(&rows) {
            let column = columns.get(vertex.layer).copied().unwrap_or(0);
            let bottom = match vertex.node {
                Some(node) => {
                    let row = top + pin - look.pin();
                    if let Some(place) = self.places.get_mut(node) {
                        *place = (column, row);
                    }
                    names.push(node);
                    row + height
                }
                None => {
                    self.ends.push(Default::default());
                    names.push(self.ends.len() - 1);
                    top + pin + 1
                }
            };
            self.size.0 = self.size.0.max(column + width);
            self.size.1 = self.size.1.max(bottom);
        }
        let name = |vertex: usize| names.get(vertex).copied().unwrap_or(0);
        for wire in &mut wires {
            wire.rows = [top + wire.rows[0], top + wire.rows[1]];
            (wire.from, wire.to) = (name(wire.from), name(wire.to));
            let at = self.wires.len();
            if let Some((out, _)) = self.ends.get_mut(wire.from) {
                out.push(at);
            }
            if let Some((_, into)) = self.ends.get_mut(wire.to) {
                into.push(at);
            }
            self.wires.push(*wire);
        }
    }

    /// Adds the orders that nothing joins, in rows below the rest.
    fn add_lone(&mut self, lone: &[usize], look: Look) {
        let (width, height) = look.size();
        let gap = i32::from(look == Look::Card);
        let room = self.size.0.max(LONE_WIDTH);
        let (mut x, mut y) = (0, self.size.1);
        if y > 0 && !lone.is_empty() {
            y += PART_GAP;
        }
        for node in lone {
            if x > 0 && x + width > room {
                (x, y) = (0, y + height + gap);
            }
            if let Some(place) = self.places.get_mut(*node) {
                *place = (x, y);
            }
            self.size = (self.size.0.max(x + width), self.size.1.max(y + height));
            x += width + LONE_GAP;
        }
    }

    /// Returns the place of an order among those that are drawn.
    pub fn find(&self, id: OrderId) -> Option<usize> {
        self.shape.nodes.binary_search(&id).ok()
    }

    /// Returns the order that is drawn at a cell.
    pub fn at(&self, x: i32, y: i32) -> Option<OrderId> {
        let (width, height) = self.shape.look.size();
        let holds = |place: &(i32, i32)| {
            (place.0..place.0 + width).contains(&x) && (place.1..place.1 + height).contains(&y)
        };
        let found = self.places.iter().position(holds)?;
        self.shape.nodes.get(found).copied()
    }

    /// Returns for each line whether it is part of a wait of this order or for it.
    pub fn lit(&self, node: usize) -> Vec<bool> {
        let mut lit = vec![false; self.wires.len()];
        for forward in [true, false] {
            let mut todo = vec![node];
            while let Some(vertex) = todo.pop() {
                let Some((out, into)) = self.ends.get(vertex) else {
                    continue;
                };
                for at in if forward { out } else { into } {
                    let (Some(lit), Some(wire)) = (lit.get_mut(*at), self.wires.get(*at)) else {
                        continue;
                    };
                    let next = if forward { wire.to } else { wire.from };
                    // Lines go on through bends and end at orders.
                    if !std::mem::replace(lit, true) && next >= self.places.len() {
                        todo.push(next);
                    }
                }
            }
        }
        lit
    }

    /// Returns the order to go to from one: among those that the lines lead to, or else any, the nearest that way.
    pub fn beside(&self, node: usize, way: Way) -> Option<usize> {
        let from = *self.places.get(node)?;
        let edges = self.shape.edges.iter();
        let joined: BTreeSet<usize> = edges
            .filter_map(|edge| match way {
                Way::Right => (edge.before == node).then_some(edge.after),
                Way::Left => (edge.after == node).then_some(edge.before),
                Way::Up | Way::Down => None,
            })
            .collect();
        let ways = self.places.iter().enumerate().filter_map(|(other, place)| {
            let (x, y) = (place.0 - from.0, place.1 - from.1);
            let (ahead, aside) = match way {
                Way::Right => (x, y),
                Way::Left => (-x, y),
                Way::Down => (y, x),
                Way::Up => (-y, x),
            };
            // A step aside counts double, and in rows twice again: a cell is twice as high as wide.
            let far = match way {
                Way::Left | Way::Right => ahead + 4 * aside.abs(),
                Way::Up | Way::Down => 2 * ahead + 2 * aside.abs(),
            };
            (ahead > 0).then_some((!joined.contains(&other), far, other))
        });
        ways.min().map(|(.., other)| other)
    }
}

/// A way to go on the drawing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To what comes first.
    Left,
    /// To what waits.
    Right,
    /// Up.
    Up,
    /// Down.
    Down,
}

impl Way {
    /// Returns the way of that name.
    pub fn named(name: &str) -> Option<Way> {
        Some(match name {
            "left" => Way::Left,
            "right" => Way::Right,
            "up" => Way::Up,
            "down" => Way::Down,
            _ => return None,
        })
    }
}
