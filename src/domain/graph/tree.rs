//! One order's surroundings as rows of a tree: what it waits for, or what waits for it.
//!
//! A graph is not a tree: an order that is reached twice is unfolded where it stands nearest to the root, and shown
//! again as a reference everywhere else. Nothing direct is ever hidden because something distant was shown first.

use std::collections::BTreeSet;

use crate::domain::id::OrderId;

/// Rows in a tree: more than anyone reads, and drawn in a few milliseconds.
pub const ROW_LIMIT: usize = 2_000;
/// Levels below the root: one bit each in a row's flags, and wider than any terminal at two cells a level.
pub const DEPTH_LIMIT: usize = 63;

/// How a row hangs on the row above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Link {
    /// One waits for the other.
    Wait,
    /// One is the child of the other.
    Child,
}

/// One line of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The order.
    pub id: OrderId,
    /// Levels below the root, which is at 0.
    pub depth: usize,
    /// How it hangs on its parent row; none for the root.
    pub link: Option<Link>,
    /// Whether its branches, if any, are shown at another row of the same order.
    pub repeated: bool,
    /// Branches of this row that the limits left out.
    pub hidden: usize,
    /// Bit n: at depth n, this row or the one it hangs under is the last of its siblings.
    last: u64,
}

impl Row {
    /// Returns whether at `depth` this row, or the one it hangs under, is the last of its siblings:
    /// below its own depth it decides between a line and a blank, at its own between a tee and a corner.
    pub fn is_last(&self, depth: usize) -> bool {
        depth <= DEPTH_LIMIT && self.last >> depth & 1 == 1
    }
}

/// A tree in the order of its lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    /// The lines, the root first.
    pub rows: Vec<Row>,
    /// Orders that are reached from the root and stand on no row.
    pub omitted: usize,
}

/// Returns the tree under `root`. `branches` gives an order's branches in the order in which they are to be shown;
/// it is asked once for each order that is reached, the omitted ones too, since they are counted.
///
/// Rows are given out level by level, so that [`ROW_LIMIT`] cuts what is farthest away.
pub fn tree(root: OrderId, mut branches: impl FnMut(OrderId) -> Vec<(OrderId, Link)>) -> Tree {
    let mut seats = vec![Seat::new(root, 0, None)];
    let mut reached = BTreeSet::from([root]);
    let mut unseated = Vec::new();
    let mut at = 0;
    while let Some(&Seat {
        row: Row {
            id,
            depth,
            repeated,
            ..
        },
        ..
    }) = seats.get(at)
    {
        let found = if repeated { Vec::new() } else { branches(id) };
        let room = if depth < DEPTH_LIMIT {
            ROW_LIMIT.saturating_sub(seats.len())
        } else {
            0
        };
        let (shown, hidden) = found.split_at(found.len().min(room));
        seats[at].branches = (seats.len(), seats.len() + shown.len());
        seats[at].row.hidden = hidden.len();
        for &(id, link) in shown {
            let mut seat = Seat::new(id, depth + 1, Some(link));
            seat.row.repeated = !reached.insert(id);
            seats.push(seat);
        }
        unseated.extend(hidden.iter().map(|(id, _)| *id));
        at += 1;
    }
    Tree {
        omitted: count(unseated, reached, branches),
        rows: rows(&seats),
    }
}

/// A row before it has its line: rows stand level by level, and know where their branches are.
struct Seat {
    row: Row,
    branches: (usize, usize),
}

impl Seat {
    fn new(id: OrderId, depth: usize, link: Option<Link>) -> Self {
        Seat {
            row: Row {
                id,
                depth,
                link,
                repeated: false,
                hidden: 0,
                last: 0,
            },
            branches: (0, 0),
        }
    }
}

/// Counts what is reached from `todo` and was not reached before.
fn count(
    mut todo: Vec<OrderId>,
    mut reached: BTreeSet<OrderId>,
    mut branches: impl FnMut(OrderId) -> Vec<(OrderId, Link)>,
) -> usize {
    let before = reached.len();
    while let Some(id) = todo.pop() {
        if reached.insert(id) {
            todo.extend(branches(id).into_iter().map(|(id, _)| id));
        }
    }
    reached.len() - before
}

/// Puts the rows in the order of their lines and tells each who is last.
fn rows(seats: &[Seat]) -> Vec<Row> {
    let mut lines = Vec::with_capacity(seats.len());
    let mut todo = vec![(0, 1)];
    while let Some((at, last)) = todo.pop() {
        let Some(seat) = seats.get(at) else { continue };
        lines.push(Row { last, ..seat.row });
        let (from, to) = seat.branches;
        for branch in (from..to).rev() {
            let own = u64::from(branch + 1 == to) << (seat.row.depth + 1);
            todo.push((branch, last | own));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Draws the tree of some waits (after, before), each row as `depth:number` with its marks.
    fn check(edges: &[(u32, u32)], expected: &str) {
        let tree = tree(OrderId::work(1), |id| {
            let direct = edges
                .iter()
                .filter(|(after, _)| OrderId::work(*after) == id);
            direct
                .map(|(_, before)| (OrderId::work(*before), Link::Wait))
                .collect()
        });
        let mut text = String::new();
        for row in &tree.rows {
            for depth in 1..=row.depth {
                text += match (depth == row.depth, row.is_last(depth)) {
                    (true, true) => "└",
                    (true, false) => "├",
                    (false, true) => " ",
                    (false, false) => "│",
                };
            }
            text += &format!(
                "{}{} ",
                row.id.number(),
                if row.repeated { "*" } else { "" }
            );
        }
        assert_eq!(text.trim_end(), expected);
        assert_eq!(tree.omitted, 0);
    }

    #[test]
    fn a_diamond_shows_every_direct_blocker() {
        check(&[], "1");
        check(&[(1, 2), (1, 3), (2, 4), (3, 4)], "1 ├2 │└4 └3  └4*");
        // 3 blocks 1 directly and through 2: it is unfolded at the direct place.
        check(&[(1, 2), (1, 3), (2, 3), (3, 4)], "1 ├2 │└3* └3  └4");
        // A circle, which closed orders may still show, ends.
        check(&[(1, 2), (2, 1)], "1 └2  └1*");
    }

    #[test]
    fn the_limits_cut_the_farthest_and_count_what_is_missing() {
        let wide = |id: OrderId| {
            let n = id.number();
            let children = if n <= 3 {
                n * 10_000..n * 10_000 + 1_500
            } else {
                0..0
            };
            let next = (n < 3).then(|| (OrderId::work(n + 1), Link::Wait));
            children
                .map(|n| (OrderId::work(n), Link::Child))
                .chain(next)
                .collect()
        };
        let found = tree(OrderId::work(1), wide);
        assert_eq!(found.rows.len(), ROW_LIMIT);
        assert_eq!(
            found.rows.iter().filter(|row| row.depth == 1).count(),
            1_501
        );
        assert_eq!(found.rows.len() + found.omitted, 3 + 3 * 1_500);
        let hidden: usize = found.rows.iter().map(|row| row.hidden).sum();
        assert_eq!(hidden, 1_501 - (ROW_LIMIT - 1_502));

        let deep = tree(OrderId::work(1), |id| {
            (id.number() < 500)
                .then(|| (OrderId::work(id.number() + 1), Link::Wait))
                .into_iter()
                .collect()
        });
        assert_eq!(
            (deep.rows.len(), deep.omitted),
            (DEPTH_LIMIT + 1, 500 - DEPTH_LIMIT - 1)
        );
    }
}
