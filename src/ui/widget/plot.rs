//! The frame of a drawing: two axes with what stands at their ends.

use ratatui::layout::Rect;

use crate::{
    text,
    ui::{layout, pen::Pen, theme::Role},
};

/// The lowest drawing with room for axes; a lower one has its cells for itself.
const LEAST: u16 = 5;

/// What stands at the ends of the axes.
#[derive(Clone, Copy, Debug)]
pub struct Ends<'a> {
    /// At the top of the upright axis.
    pub top: &'a str,
    /// At its bottom.
    pub bottom: &'a str,
    /// At the left of the level axis.
    pub left: &'a str,
    /// At its right.
    pub right: &'a str,
}

/// Draws the axes and returns what is between them.
pub fn axes(pen: &mut Pen<'_>, area: Rect, ends: Ends<'_>) -> Rect {
    if area.height < LEAST {
        return area;
    }
    let glyphs = pen.glyphs();
    let cells = text::width(ends.top).max(text::width(ends.bottom));
    let (left, rest) = layout::split_left(area, u16::try_from(cells + 1).unwrap_or(area.width));
    let (upper, foot) = layout::split_bottom(rest, 2);
    let (_, inner) = layout::split_left(upper, 1);
    let (scale, _) = layout::split_bottom(left, 2);
    pen.parts_right(scale, 0, &[(ends.top, Role::Muted), (" ", Role::Muted)]);
    let last = scale.height.saturating_sub(1);
    pen.parts_right(
        scale,
        last,
        &[(ends.bottom, Role::Muted), (" ", Role::Muted)],
    );
    pen.upright(upper, 0, Role::ChartEmpty);
    pen.rule(foot, 0, Role::ChartEmpty);
    pen.say(foot, 0, 0, glyphs.branch_end, Role::ChartEmpty);
    let (_, dates) = layout::split_left(foot, 1);
    let taken = pen.say(dates, 0, 1, ends.left, Role::Muted);
    let (_, right) = layout::split_left(dates, taken + 1);
    pen.parts_right(right, 1, &[(ends.right, Role::Muted)]);
    inner
}

/// Returns which of `count` values stands in column `x` of `width`: each value is as wide as its share, and where there
/// are more values than columns, a column shows the last of its own.
pub fn value_at(x: u16, width: u16, count: usize) -> usize {
    let (x, width) = (usize::from(x), usize::from(width.max(1)));
    ((x + 1) * count).saturating_sub(1) / width
}

/// Returns how many of `cells` a value takes where `most` takes all: rounded, and at least one for anything above nothing.
pub fn scaled(value: u64, most: u64, cells: u16) -> u16 {
    if value == 0 || cells == 0 {
        return 0;
    }
    let (value, most) = (u128::from(value), u128::from(most.max(1)));
    let taken = (value * u128::from(cells) * 2 + most) / (most * 2);
    u16::try_from(taken).unwrap_or(cells).clamp(1, cells)
}

/// Draws a column upwards from the bottom of `area`, its top to an eighth of a cell.
pub fn column(pen: &mut Pen<'_>, area: Rect, value: u64, most: u64, role: Role) {
    let levels = pen.glyphs().levels;
    let eighths = scaled(value, most, area.height.saturating_mul(8));
    for y in 0..area.height {
        let below = (area.height - 1 - y) * 8;
        let level = eighths.saturating_sub(below).min(8);
        if let Some(glyph) = levels.get(usize::from(level)).filter(|_| level > 0) {
            pen.say(area, 0, y, &glyph.repeat(usize::from(area.width)), role);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_has_a_value_and_the_last_one_the_last() {
        for width in 1..40_u16 {
            for count in 1..90 {
                let all: Vec<_> = (0..width).map(|x| value_at(x, width, count)).collect();
                assert!(all.is_sorted() && all.iter().all(|at| *at < count));
                assert_eq!(all.last(), Some(&(count - 1)));
            }
        }
    }

    #[test]
    fn little_is_seen_and_much_stays_within() {
        assert_eq!(scaled(0, 10, 8), 0);
        assert_eq!(scaled(1, 1_000_000, 8), 1);
        assert_eq!(scaled(5, 10, 8), 4);
        assert_eq!(scaled(u64::MAX, 1, 8), 8);
    }
}
