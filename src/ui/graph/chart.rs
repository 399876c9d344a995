//! The graph on screen: what of it is chosen, which window of it is shown, and what was laid out when.

use std::collections::{BTreeMap, BTreeSet};

use super::{Drawing, Look, Shape, Tangled, Way};
use crate::domain::{id::OrderId, query::deps::Direction};

/// From this many orders on each is drawn as one line, unless cards are asked for: a screen then holds a hundred.
pub const MANY: usize = 60;
/// Cells kept between the order under the cursor and the window's edge, where there is room: what is next to it is seen.
const MARGIN: (i32, i32) = (8, 2);

/// The graph on screen.
#[derive(Clone, Debug, Default)]
pub struct Chart {
    /// Whether it is shown, and not the tree.
    pub shown: bool,
    /// Whether closed orders are left out.
    pub open_only: bool,
    /// How large orders are drawn, if that was asked for.
    pub look: Option<Look>,
    /// The order under the cursor.
    pub cursor: Option<OrderId>,
    /// The drawing's cell in the window's left upper corner.
    pub origin: (i32, i32),
    /// Whether the window was moved away from the cursor.
    pub adrift: bool,
    /// The size of the window as it was followed last: in another one the cursor is looked for again.
    window: (i32, i32),
    /// How many orders each folded one hides.
    pub hidden: BTreeMap<OrderId, usize>,
    /// What the drawing was made of: which answer, what is folded which way, how large orders are to be.
    pub made_of: Option<(u64, BTreeSet<OrderId>, Direction, Option<Look>)>,
    /// What is laid out; none before the first answer.
    drawing: Option<Result<Drawing, Tangled>>,
    /// Which graph the drawing is of, to see another one from its beginning.
    of: Option<Option<OrderId>>,
}

impl Chart {
    /// Returns what is laid out, or that it cannot be; none before there is an answer.
    pub fn drawing(&self) -> Option<&Result<Drawing, Tangled>> {
        self.drawing.as_ref()
    }

    /// Returns how large the orders of a graph of so many are drawn.
    pub fn look(&self, orders: usize) -> Look {
        self.look.unwrap_or(match orders < MANY {
            true => Look::Card,
            false => Look::Line,
        })
    }

    /// Lays a shape out, unless that is what is laid out already, and keeps the cursor on an order that is drawn.
    pub fn settle(
        &mut self,
        root: Option<OrderId>,
        shape: Shape,
        hidden: BTreeMap<OrderId, usize>,
    ) {
        self.hidden = hidden;
        let known = matches!(&self.drawing, Some(Ok(drawing)) if drawing.shape == shape);
        if !known {
            let look = shape.look;
            // What is drawn larger or smaller is elsewhere.
            self.adrift &= matches!(&self.drawing, Some(Ok(old)) if old.shape.look == look);
            self.drawing = Some(Drawing::of(shape));
        }
        let Some(Ok(drawing)) = &self.drawing else {
            return;
        };
        let drawn = |id: &OrderId| drawing.find(*id).is_some();
        let kept = self.cursor.filter(drawn);
        self.cursor = match self.of == Some(root) {
            true => kept.or_else(|| first(drawing)),
            false => root.filter(drawn).or(kept).or_else(|| first(drawing)),
        };
        if self.of != Some(root) {
            self.of = Some(root);
            self.adrift = false;
            self.origin = (0, 0);
        }
    }

    /// Moves the window so that the cursor is in it, as little as possible, unless it was moved away on purpose.
    pub fn follow(&mut self, window: (i32, i32)) {
        let Some(Ok(drawing)) = &self.drawing else {
            return;
        };
        self.adrift &= self.window == window;
        self.window = window;
        if let (false, Some(place)) = (self.adrift, self.place(drawing)) {
            let size = drawing.shape.look.size();
            self.origin = (
                nearest(self.origin.0, place.0, size.0, window.0, MARGIN.0),
                nearest(self.origin.1, place.1, size.1, window.1, MARGIN.1),
            );
        }
        let most = (drawing.size.0 - window.0, drawing.size.1 - window.1);
        self.origin = (
            self.origin.0.clamp(0, most.0.max(0)),
            self.origin.1.clamp(0, most.1.max(0)),
        );
    }

    fn place(&self, drawing: &Drawing) -> Option<(i32, i32)> {
        let node = drawing.find(self.cursor?)?;
        drawing.places.get(node).copied()
    }

    /// Moves the window and leaves the cursor where it is. It is brought back within the drawing before it is shown.
    pub fn pan(&mut self, columns: i32, rows: i32) {
        self.adrift = true;
        self.origin = (
            self.origin.0.saturating_add(columns),
            self.origin.1.saturating_add(rows),
        );
    }

    /// Moves the cursor by orders, as far as there are any that way.
    pub fn step(&mut self, way: Way, orders: usize) {
        self.adrift = false;
        let Some(Ok(drawing)) = &self.drawing else {
            return;
        };
        for _ in 0..orders.min(drawing.places.len()) {
            let node = self.cursor.and_then(|id| drawing.find(id));
            let next = node.and_then(|node| drawing.beside(node, way));
            let Some(id) = next.and_then(|next| drawing.shape.nodes.get(next)) else {
                break;
            };
            self.cursor = Some(*id);
        }
    }

    /// Moves the cursor to the first order, or to the last: those that stand farthest left and right.
    pub fn leap(&mut self, last: bool) {
        self.adrift = false;
        if let Some(Ok(drawing)) = &self.drawing {
            let places = drawing.places.iter().zip(&drawing.shape.nodes);
            let end = match last {
                true => places.max_by_key(|(place, _)| **place),
                false => places.min_by_key(|(place, _)| **place),
            };
            self.cursor = end.map(|(_, id)| *id).or(self.cursor);
        }
    }
}

/// Returns where one begins to look: at the start of the critical path, or else at the left.
fn first(drawing: &Drawing) -> Option<OrderId> {
    let edges = || drawing.shape.edges.iter().filter(|edge| edge.critical);
    let waiting: BTreeSet<usize> = edges().map(|edge| edge.after).collect();
    let start = edges().find(|edge| !waiting.contains(&edge.before));
    let places = drawing.places.iter().enumerate();
    let left = || {
        places
            .min_by_key(|(_, place)| **place)
            .map(|(node, _)| node)
    };
    let node = start.map(|edge| edge.before).or_else(left)?;
    drawing.shape.nodes.get(node).copied()
}

/// Returns the window's beginning nearest to `origin` that shows all of a place, with a margin where there is room.
fn nearest(origin: i32, place: i32, size: i32, window: i32, margin: i32) -> i32 {
    let margin = margin.min((window - size) / 2).max(0);
    let (low, high) = (place + size + margin - window, place - margin);
    // A window smaller than the place shows its beginning.
    match low <= high {
        true => origin.clamp(low, high),
        false => place,
    }
}
