//! A bar of full and empty cells.

use ratatui::layout::Rect;

use crate::ui::{pen::Pen, theme::Role};

/// Draws `value` of `most` as a bar over the width of `area`; anything above nothing shows at least one cell.
pub fn meter(pen: &mut Pen<'_>, area: Rect, value: u64, most: u64, role: Role) {
    let cells = u64::from(area.width);
    let full = match value {
        0 => 0,
        _ => (value.saturating_mul(cells) / most.max(1)).clamp(1, cells.max(1)),
    };
    let full = u16::try_from(full).unwrap_or(area.width).min(area.width);
    let glyphs = pen.glyphs();
    pen.say(area, 0, 0, &glyphs.bar_full.repeat(usize::from(full)), role);
    let empty = glyphs.bar_empty.repeat(usize::from(area.width - full));
    pen.say(area, full, 0, &empty, Role::ChartEmpty);
}

/// Draws a small chart, one cell for each value, the newest at the right edge.
pub fn sparkline(pen: &mut Pen<'_>, area: Rect, values: &[u32], role: Role) {
    let levels = pen.glyphs().levels;
    let shown = &values[values.len().saturating_sub(usize::from(area.width))..];
    let most = shown.iter().copied().max().unwrap_or(0).max(1);
    let line: String = shown
        .iter()
        .map(|value| {
            let level = (u64::from(*value) * 8).div_ceil(u64::from(most));
            levels
                .get(usize::try_from(level).unwrap_or(0))
                .copied()
                .unwrap_or(" ")
        })
        .collect();
    pen.say(area, 0, 0, &line, role);
}
