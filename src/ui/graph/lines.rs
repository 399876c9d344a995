//! Which lines meet in a cell: pieces of lines are laid over each other, and each cell then says how it is drawn.

use super::route::Wire;

/// An arm of a cell; a set of them is their sum.
pub const UP: u8 = 1;
/// Down.
pub const DOWN: u8 = 2;
/// To the left.
pub const LEFT: u8 = 4;
/// To the right.
pub const RIGHT: u8 = 8;

/// How a line is to be seen, the more wanted last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// One among many.
    #[default]
    Plain,
    /// A step of the critical path.
    Critical,
    /// It belongs to what is under the cursor.
    Lit,
}

/// What a cell shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stroke {
    /// Its arms, or none for the head of an arrow.
    pub arms: u8,
    /// How it is to be seen.
    pub weight: Weight,
    /// Whether a step of the critical path goes through it.
    pub critical: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    /// The lines that only pass upright, and those that only pass level.
    upright: Option<(Weight, bool)>,
    level: Option<(Weight, bool)>,
    /// The arms of those that turn or end.
    turns: u8,
    turning: Option<(Weight, bool)>,
    arrow: bool,
}

/// A window over the drawing, in which lines are laid.
#[derive(Clone, Debug)]
pub struct Lines {
    origin: (i32, i32),
    size: (i32, i32),
    cells: Vec<Cell>,
}

impl Lines {
    /// Returns an empty window of `size` cells, whose left upper cell is the drawing's cell `origin`.
    pub fn new(origin: (i32, i32), size: (i32, i32)) -> Self {
        let size = (size.0.max(0), size.1.max(0));
        let count = usize::try_from(size.0 * size.1).unwrap_or(0);
        Lines {
            origin,
            size,
            cells: vec![Cell::default(); count],
        }
    }

    /// Lays a line.
    pub fn lay(&mut self, wire: &Wire, lit: bool) {
        let [start, track, end] = wire.columns;
        let [from, to] = wire.rows;
        let weight = match (lit, wire.critical) {
            (true, _) => Weight::Lit,
            (false, true) => Weight::Critical,
            (false, false) => Weight::Plain,
        };
        let seen = (weight, wire.critical);
        if from == to {
            self.pass(start..=end, from, seen);
        } else {
            self.pass(start..=track - 1, from, seen);
            self.pass(track + 1..=end, to, seen);
            let (first, second) = if from < to { (DOWN, UP) } else { (UP, DOWN) };
            self.turn(track, from, LEFT | first, seen);
            self.turn(track, to, second | RIGHT, seen);
            let (top, bottom) = (from.min(to) + 1, from.max(to) - 1);
            for y in top.max(self.origin.1)..=bottom.min(self.origin.1 + self.size.1 - 1) {
                if let Some(cell) = self.cell(track, y) {
                    cell.upright = cell.upright.max(Some(seen));
                }
            }
        }
        if wire.arrow
            && let Some(cell) = self.cell(end, to)
        {
            cell.arrow = true;
        }
    }

    fn pass(&mut self, columns: std::ops::RangeInclusive<i32>, y: i32, seen: (Weight, bool)) {
        let first = (*columns.start()).max(self.origin.0);
        let last = (*columns.end()).min(self.origin.0 + self.size.0 - 1);
        for x in first..=last {
            if let Some(cell) = self.cell(x, y) {
                cell.level = cell.level.max(Some(seen));
            }
        }
    }

    fn turn(&mut self, x: i32, y: i32, arms: u8, seen: (Weight, bool)) {
        if let Some(cell) = self.cell(x, y) {
            cell.turns |= arms;
            cell.turning = cell.turning.max(Some(seen));
        }
    }

    fn cell(&mut self, x: i32, y: i32) -> Option<&mut Cell> {
        let (x, y) = (x - self.origin.0, y - self.origin.1);
        if !(0..self.size.0).contains(&x) || !(0..self.size.1).contains(&y) {
            return None;
        }
        let at = usize::try_from(y * self.size.0 + x).ok()?;
        self.cells.get_mut(at)
    }

    /// Returns what is drawn, by its column and row in the window.
    pub fn strokes(&self) -> impl Iterator<Item = (u16, u16, Stroke)> {
        let width = usize::try_from(self.size.0.max(1)).unwrap_or(1);
        self.cells.iter().enumerate().filter_map(move |(at, cell)| {
            let x = u16::try_from(at % width).ok()?;
            let y = u16::try_from(at / width).ok()?;
            cell.stroke().map(|stroke| (x, y, stroke))
        })
    }
}

impl Cell {
    /// Lines that turn in a cell, and those that pass through it where they do, are joined. Where one only crosses
    /// another the upright one is drawn and the level one passes beneath it, unless that is wanted more: a crossing must
    /// not look like a joint.
    fn stroke(&self) -> Option<Stroke> {
        let (upright, level) = (UP | DOWN, LEFT | RIGHT);
        let (arms, seen) = match (self.turning, self.upright, self.level) {
            (None, Some(up), Some(across)) if across > up => (level, across),
            (None, Some(up), _) => (upright, up),
            (None, None, across) => (level, across?),
            (Some(turning), up, across) => {
                let passing = up.map_or(0, |_| upright) | across.map_or(0, |_| level);
                let seen = Some(turning).max(up).max(across)?;
                (self.turns | passing, seen)
            }
        };
        Some(Stroke {
            arms: if self.arrow { 0 } else { arms },
            weight: seen.0,
            critical: seen.1,
        })
    }
}
