//! From an area to named rectangles. Pure; the breakpoints are here and nowhere else.

use ratatui::layout::Rect;

/// From here on the detail pane stands beside the view; below it takes the view's place.
pub const WIDE: u16 = 110;
/// Below this width or height nothing but a line of counts is drawn.
pub const LEAST: (u16, u16) = (30, 6);
/// The narrowest column of the board: an id, two marks and an age.
pub const COLUMN: u16 = 24;
/// From this height on a card has a second line for its title.
pub const AIRY: u16 = 36;

/// Where the parts of the screen are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Screen {
    /// The ledger's name, the views and the alerts.
    pub header: Rect,
    /// Where in time the screen stands, while that is the past.
    pub past: Rect,
    /// The worst critical alert, while there is one.
    pub band: Rect,
    /// The filter and how many orders it hides, while there is one.
    pub filter: Rect,
    /// The view.
    pub body: Rect,
    /// The detail pane, while one is open.
    pub detail: Rect,
    /// What happened last: refusals, answers.
    pub notice: Rect,
    /// The keys.
    pub hints: Rect,
}

/// What the screen has to make room for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// Whether the past is shown, or gone to.
    pub past: bool,
    /// Whether a critical alert is open.
    pub band: bool,
    /// Whether a filter is active.
    pub filter: bool,
    /// Whether a detail pane is open.
    pub detail: bool,
    /// How many lines the notice has.
    pub notice: u16,
}

/// Returns whether an area is too small for anything but counts.
pub fn is_tiny(area: Rect) -> bool {
    area.width < LEAST.0 || area.height < LEAST.1
}

/// Returns where the parts are. On a low screen the hints go; what narrows the view stays in sight at every size that
/// has a view.
pub fn screen(area: Rect, parts: Parts) -> Screen {
    let mut rest = area;
    let mut top = |rows: u16| {
        let (taken, left) = split_top(rest, rows);
        rest = left;
        taken
    };
    let header = top(1);
    let past = top(u16::from(parts.past));
    let band = top(u16::from(parts.band));
    let filter = top(u16::from(parts.filter));
    let (left, hints) = split_bottom(rest, u16::from(area.height >= 8));
    let (body, notice) = split_bottom(left, parts.notice.min(left.height / 2));
    let (body, detail) = match (parts.detail, area.width >= WIDE) {
        (false, _) => (body, Rect::default()),
        (true, true) => split_right(body, (body.width * 9 / 20).min(90)),
        (true, false) => (Rect::default(), body),
    };
    Screen {
        header,
        past,
        band,
        filter,
        body,
        detail,
        notice,
        hints,
    }
}

/// Returns the first `rows` of an area, and what is below.
pub fn split_top(area: Rect, rows: u16) -> (Rect, Rect) {
    let rows = rows.min(area.height);
    let top = Rect {
        height: rows,
        ..area
    };
    let rest = Rect {
        y: area.y + rows,
        height: area.height - rows,
        ..area
    };
    (top, rest)
}

/// Returns what is above the last `rows` of an area, and those.
pub fn split_bottom(area: Rect, rows: u16) -> (Rect, Rect) {
    split_top(area, area.height.saturating_sub(rows))
}

/// Returns the first `columns` of an area, and what is to the right.
pub fn split_left(area: Rect, columns: u16) -> (Rect, Rect) {
    let columns = columns.min(area.width);
    let left = Rect {
        width: columns,
        ..area
    };
    let rest = Rect {
        x: area.x + columns,
        width: area.width - columns,
        ..area
    };
    (left, rest)
}

/// Returns what is left of the last `columns` of an area, and those.
pub fn split_right(area: Rect, columns: u16) -> (Rect, Rect) {
    split_left(area, area.width.saturating_sub(columns))
}

/// Returns an area in the middle of `area`, no larger than it, leaving a margin where there is room.
pub fn dialog(area: Rect, width: u16, height: u16) -> Rect {
    // Of what is beneath, a strip narrower than two cells shows nothing but pieces of frames.
    let width = match width.saturating_add(4) > area.width {
        true => area.width,
        false => width,
    };
    let height = height.min(area.height);
    Rect {
        x: area.x + (area.width - width) / 2,
        // A little above the middle is where the eye looks.
        y: area.y + (area.height - height) / 3,
        width,
        height,
    }
}

/// Which columns of the board are shown, and how wide each is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Columns {
    /// The first one shown.
    pub first: usize,
    /// How many are shown.
    pub shown: usize,
    /// Their width in cells, the line between them included.
    pub width: u16,
}

/// Returns the columns that fit into `width`, keeping `selected` visible and moving `first` as little as possible.
pub fn columns(width: u16, count: usize, selected: usize, first: usize) -> Columns {
    let count = count.max(1);
    let shown = usize::from(width / COLUMN).clamp(1, count);
    let first = first.clamp(
        (selected + 1).saturating_sub(shown),
        selected
            .min(count - shown)
            .max((selected + 1).saturating_sub(shown)),
    );
    Columns {
        first,
        shown,
        width: width / u16::try_from(shown).unwrap_or(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_size_breaks_the_layout() {
        for width in 0..130 {
            for height in 0..40 {
                for bits in 0..16u8 {
                    let parts = Parts {
                        band: bits & 1 > 0,
                        filter: bits & 2 > 0,
                        detail: bits & 4 > 0,
                        past: bits & 8 > 0,
                        notice: 4,
                    };
                    let area = Rect::new(0, 0, width, height);
                    let screen = screen(area, parts);
                    for part in [
                        screen.header,
                        screen.band,
                        screen.body,
                        screen.detail,
                        screen.hints,
                    ] {
                        assert_eq!(
                            part.intersection(area).area(),
                            part.area(),
                            "{area} {screen:?}"
                        );
                    }
                    assert!(area.contains_rect(dialog(area, 60, 20)));
                }
            }
        }
    }

    trait ContainsRect {
        fn contains_rect(&self, inner: Rect) -> bool;
    }

    impl ContainsRect for Rect {
        fn contains_rect(&self, inner: Rect) -> bool {
            self.intersection(inner).area() == inner.area()
        }
    }

    #[test]
    fn the_selected_column_is_always_shown() {
        for width in 0..200 {
            for count in 1..14 {
                for selected in 0..count {
                    for first in 0..count {
                        let found = columns(width, count, selected, first);
                        assert!(found.first <= selected && selected < found.first + found.shown);
                        assert!(found.first + found.shown <= count);
                    }
                }
            }
        }
    }
}
