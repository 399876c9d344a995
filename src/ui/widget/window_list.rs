//! The part of a long list that is on screen. Rows outside it are never built.

/// Rows kept between the selected one and the window's edge, so that one sees what comes next.
const MARGIN: usize = 1;

/// Where a list is scrolled to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// The first row shown.
    pub first: usize,
}

impl Window {
    /// Scrolls as little as possible so that `selected` is among the `shown` rows of `len`.
    pub fn follow(&mut self, selected: usize, len: usize, shown: usize) {
        let last = len.saturating_sub(shown);
        let margin = if shown > 2 * MARGIN { MARGIN } else { 0 };
        let low = (selected + margin + 1).saturating_sub(shown);
        let high = selected.saturating_sub(margin);
        self.first = self.first.clamp(low.min(high), high).min(last);
    }

    /// Scrolls by `rows`, staying within the list.
    pub fn scroll(&mut self, rows: isize, len: usize, shown: usize) {
        self.first = self
            .first
            .saturating_add_signed(rows)
            .min(len.saturating_sub(shown));
    }

    /// Returns the indices on screen.
    pub fn range(self, len: usize, shown: usize) -> std::ops::Range<usize> {
        let first = self.first.min(len);
        first..len.min(first + shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_selected_row_is_always_shown() {
        for len in 1..12 {
            for shown in 1..8 {
                let mut window = Window::default();
                for selected in (0..len).chain((0..len).rev()) {
                    window.follow(selected, len, shown);
                    assert!(
                        window.range(len, shown).contains(&selected),
                        "{len} {shown}"
                    );
                }
            }
        }
        let mut window = Window { first: 900 };
        window.follow(0, 0, 5);
        assert_eq!(window.range(0, 5), 0..0);
        window.scroll(isize::MAX, 10, 4);
        assert_eq!(window.first, 6);
    }
}
