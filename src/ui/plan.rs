//! Where the board's cards are on screen. What is drawn and what a mouse points at both come from here.

use ratatui::layout::Rect;

use super::{
    arrange::LanesBy,
    board::Board,
    layout::{self, AIRY},
    widget::window_list::Window,
};
use crate::domain::id::OrderId;

/// Rows of a column's head: its name and a line.
const HEAD: u16 = 2;
/// Rows of a card.
const CARD: u16 = 2;
/// Cards of a lane that does not have the selection, where there are more: that it has some is seen, what they are is
/// seen when one goes there.
const PEEK: usize = 1;

/// A card on screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Card {
    /// The order.
    pub id: OrderId,
    /// The column it is in.
    pub column: usize,
    /// Where it is.
    pub area: Rect,
}

/// The head of a lane on screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneHead {
    /// The lane.
    pub lane: usize,
    /// Where its head is: one row across all columns.
    pub area: Rect,
}

/// A column on screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The column.
    pub column: usize,
    /// Where it is, its head included.
    pub area: Rect,
}

/// The cards of a column that are above or below what is shown of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct More {
    /// Of which column.
    pub column: usize,
    /// The row and column in which that is said.
    pub area: Rect,
    /// How many are above.
    pub above: usize,
    /// How many are below.
    pub below: usize,
}

/// The board on screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The columns, left to right.
    pub places: Vec<Place>,
    /// The heads of the lanes, if there are lanes.
    pub heads: Vec<LaneHead>,
    /// The cards.
    pub cards: Vec<Card>,
    /// What is out of sight.
    pub more: Vec<More>,
    /// How many columns are left of those shown, and right of them.
    pub beside: (usize, usize),
}

/// Returns the rows from one card to the next: with a second one for its title where there is room.
fn pitch(screen: u16, by: LanesBy) -> u16 {
    match by {
        LanesBy::None if screen >= AIRY => CARD + 1,
        _ => CARD,
    }
}

/// Scrolls the board so that its selection is on screen. `screen` is the height of the whole screen.
pub fn follow(board: &mut Board, area: Rect, screen: u16) {
    let rows = area.height.saturating_sub(HEAD);
    let pitch = pitch(screen, board.by);
    let (selected, row) = (board.column, board.row());
    let count = board.columns.len();
    let columns = layout::columns(area.width, count, selected, board.first_column);
    board.first_column = columns.first;
    if board.by == LanesBy::None {
        let cards = usize::from((rows / pitch).max(1));
        for (at, column) in board.columns.iter_mut().enumerate() {
            let len = column.ids.len();
            if at == selected {
                column.window.follow(row, len, cards);
            } else {
                column.window.scroll(0, len, cards);
            }
        }
        return;
    }
    let lane = board.lane();
    let (first, shown) = fit(&board.heights(), lane, board.first_lane, rows, pitch);
    board.first_lane = first;
    let cards = shown.get(lane - first.min(lane)).copied().unwrap_or(1);
    let of_lane = board.columns.get(selected).map(|column| column.rows(lane));
    let of_lane = of_lane.unwrap_or(0..0);
    let within = row.saturating_sub(of_lane.start);
    board.cell.follow(within, of_lane.len(), cards.max(1));
}

/// Returns the first lane to show and how many cards high it and those below it are. The selected lane is among them
/// and has at least half of the rows, as far as it needs them; the others show that they are there.
fn fit(
    heights: &[usize],
    selected: usize,
    first: usize,
    rows: u16,
    pitch: u16,
) -> (usize, Vec<usize>) {
    let (rows, pitch) = (usize::from(rows), usize::from(pitch.max(1)));
    let need = |lane: usize| heights.get(lane).copied().unwrap_or(0);
    let half = (rows / 2).saturating_sub(1) / pitch;
    let wanted = |lane: usize| match lane == selected {
        true => need(lane).min(half.max(PEEK)),
        false => need(lane).min(PEEK),
    };
    let cost = |lane: usize, cards: usize| usize::from(need(lane) > 0) + cards * pitch;
    let mut first = first.min(selected);
    let mut used: usize = (first..=selected)
        .map(|lane| cost(lane, wanted(lane)))
        .sum();
    while used > rows && first < selected {
        used -= cost(first, wanted(first));
        first += 1;
    }
    let mut shown: Vec<usize> = (first..=selected).map(wanted).collect();
    for lane in selected + 1..heights.len() {
        let more = cost(lane, wanted(lane));
        if used + more > rows {
            break;
        }
        used += more;
        shown.push(wanted(lane));
    }
    // Lanes above come back once there is room for them.
    while first > 0 && used + cost(first - 1, wanted(first - 1)) <= rows {
        first -= 1;
        used += cost(first, wanted(first));
        shown.insert(0, wanted(first));
    }
    // What is left goes to the selected lane, then to the others from above.
    let selected_first = std::iter::once(selected - first).chain(0..shown.len());
    for at in selected_first {
        if let Some(cards) = shown.get_mut(at) {
            let more = (rows.saturating_sub(used) / pitch).min(need(first + at) - *cards);
            *cards += more;
            used += more * pitch;
        }
    }
    (first, shown)
}

/// Returns where everything is in an area.
pub fn plan(board: &Board, area: Rect, screen: u16) -> Plan {
    let count = board.columns.len();
    let columns = layout::columns(area.width, count, board.column, board.first_column);
    let last = columns.first + columns.shown;
    let mut plan = Plan {
        beside: (columns.first, count.saturating_sub(last)),
        ..Plan::default()
    };
    for (nth, column) in (0u16..).zip(columns.first..last.min(count)) {
        let x = nth * columns.width;
        let is_last = column + 1 == last;
        plan.places.push(Place {
            column,
            area: Rect {
                x: area.x + x,
                width: match is_last {
                    true => area.width - x,
                    false => columns.width - 1,
                },
                ..area
            },
        });
    }
    match board.by {
        LanesBy::None => plan.whole(board, screen),
        _ => plan.in_lanes(board, area, screen),
    }
    plan
}

impl Plan {
    fn whole(&mut self, board: &Board, screen: u16) {
        let pitch = pitch(screen, board.by);
        for place in self.places.clone() {
            let Some(column) = board.columns.get(place.column) else {
                continue;
            };
            let (head, body) = layout::split_top(place.area, HEAD);
            let shown = usize::from((body.height / pitch).max(1));
            let ids = &column.ids;
            self.column(place.column, ids, column.window, shown, pitch, body);
            let above = column.window.first;
            let below = ids.len().saturating_sub(above + shown);
            self.say_more(place.column, layout::split_bottom(head, 1).1, above, below);
        }
    }

    fn in_lanes(&mut self, board: &Board, area: Rect, screen: u16) {
        let pitch = pitch(screen, board.by);
        let (_, mut rest) = layout::split_top(area, HEAD);
        let selected = board.lane();
        let heights = board.heights();
        let (first, shown) = fit(&heights, selected, board.first_lane, rest.height, pitch);
        for (lane, cards) in (first..).zip(shown) {
            let (head, below) = layout::split_top(rest, 1);
            let rows = u16::try_from(cards).unwrap_or(u16::MAX);
            let (body, after) = layout::split_top(below, rows.saturating_mul(pitch));
            rest = after;
            self.heads.push(LaneHead { lane, area: head });
            for place in self.places.clone() {
                let Some(column) = board.columns.get(place.column) else {
                    continue;
                };
                let across = |area: Rect| Rect {
                    x: place.area.x,
                    width: place.area.width,
                    ..area
                };
                let ids = column.ids.get(column.rows(lane)).unwrap_or_default();
                let window = match (lane, place.column) == (selected, board.column) {
                    true => board.cell,
                    false => Window::default(),
                };
                self.column(place.column, ids, window, cards, pitch, across(body));
                let below = ids.len().saturating_sub(window.first + cards);
                self.say_more(place.column, across(head), window.first, below);
            }
        }
    }

    fn column(
        &mut self,
        column: usize,
        ids: &[OrderId],
        window: Window,
        shown: usize,
        pitch: u16,
        body: Rect,
    ) {
        let ids = ids
            .get(window.range(ids.len(), shown))
            .unwrap_or_default()
            .iter();
        let rows = (0..body.height).step_by(usize::from(pitch));
        self.cards.extend(rows.zip(ids).map(|(y, id)| Card {
            id: *id,
            column,
            area: Rect {
                y: body.y + y,
                height: pitch.min(body.height - y),
                ..body
            },
        }));
    }

    fn say_more(&mut self, column: usize, area: Rect, above: usize, below: usize) {
        if above + below > 0 {
            let more = More {
                column,
                area,
                above,
                below,
            };
            self.more.push(more);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_selected_lane_is_always_shown_and_nothing_is_drawn_outside() {
        for rows in 0..40u16 {
            for heights in [&[1, 1, 1][..], &[30, 2, 9, 1, 1, 7], &[5], &[2; 40]] {
                let mut first = 0;
                for selected in (0..heights.len()).chain((0..heights.len()).rev()) {
                    let (from, shown) = fit(heights, selected, first, rows, CARD);
                    first = from;
                    assert!((from..from + shown.len()).contains(&selected));
                    let used: usize = shown.iter().map(|cards| 1 + cards * 2).sum();
                    let least = 1 + 2 * PEEK;
                    assert!(used <= usize::from(rows).max(least), "{rows} {shown:?}");
                    let needs = heights.iter().skip(from);
                    assert!(shown.iter().zip(needs).all(|(cards, need)| cards <= need));
                }
            }
        }
    }

    #[test]
    fn a_lane_with_the_selection_has_half_of_the_rows() {
        let (first, shown) = fit(&[30, 30, 30, 30, 30], 2, 0, 20, CARD);
        assert_eq!(first, 0);
        assert!(shown[2] >= 4, "{shown:?}");
    }
}
