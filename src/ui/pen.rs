//! Writes text and boxes into cells. Every text passes here, is cleaned and is cut by cells.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Style,
    widgets::{Block, Borders, Widget as _},
};

use super::theme::{Glyphs, Role, Theme};
use crate::text;

/// A buffer with a theme to write in.
pub struct Pen<'a> {
    buffer: &'a mut Buffer,
    theme: &'a Theme,
}

impl<'a> Pen<'a> {
    /// Returns a pen that writes into `buffer`.
    pub fn new(buffer: &'a mut Buffer, theme: &'a Theme) -> Self {
        Pen { buffer, theme }
    }

    /// Returns the glyphs to draw with.
    pub fn glyphs(&self) -> &'static Glyphs {
        self.theme.glyphs()
    }

    /// Returns the style of a role.
    pub fn style(&self, role: Role) -> Style {
        self.theme.style(role)
    }

    /// Returns the buffer, for widgets of other crates.
    pub fn buffer(&mut self) -> &mut Buffer {
        self.buffer
    }

    /// Writes `text` at a place within `area`, cut behind a word with an ellipsis, and returns the
    /// cells it took.
    pub fn put(&mut self, area: Rect, x: u16, y: u16, text: &str, style: impl Into<Style>) -> u16 {
        let (column, row) = (area.x.saturating_add(x), area.y.saturating_add(y));
        let room = area.width.saturating_sub(x);
        if room == 0 || y >= area.height || !self.buffer.area.contains((column, row).into()) {
            return 0;
        }
        let clean = text::clean(text);
        let shown = text::cut_at_word(&clean, usize::from(room), self.glyphs().ellipsis);
        let (end, _) = self
            .buffer
            .set_stringn(column, row, shown, usize::from(room), style);
        end - column
    }

    /// Writes `text` in a role's style; see [`Pen::put`].
    pub fn say(&mut self, area: Rect, x: u16, y: u16, text: &str, role: Role) -> u16 {
        self.put(area, x, y, text, self.theme.style(role))
    }

    /// Writes parts one after another and returns the cells they took.
    pub fn parts(&mut self, area: Rect, x: u16, y: u16, parts: &[(&str, Role)]) -> u16 {
        let mut at = x;
        for (text, role) in parts {
            at += self.say(area, at, y, text, *role);
        }
        at - x
    }

    /// Writes parts that end at the right edge of `area`, and returns the cells they took; parts
    /// that do not fit are left out from the left.
    pub fn parts_right(&mut self, area: Rect, y: u16, parts: &[(&str, Role)]) -> u16 {
        let mut taken = 0;
        for (text, role) in parts.iter().rev() {
            let width = u16::try_from(text::width(text)).unwrap_or(u16::MAX);
            if width > area.width.saturating_sub(taken) {
                break;
            }
            taken += width;
            self.say(area, area.width - taken, y, text, *role);
        }
        taken
    }

    /// Patches a role's style over a row of `area`.
    pub fn shade(&mut self, area: Rect, role: Role) {
        let area = area.intersection(self.buffer.area);
        self.buffer.set_style(area, self.theme.style(role));
    }

    /// Empties an area down to the theme's ground, so that what is beneath a dialog does not show through.
    pub fn clear(&mut self, area: Rect) {
        let area = area.intersection(self.buffer.area);
        ratatui::widgets::Clear.render(area, self.buffer);
        self.shade(area, Role::Text);
    }

    /// Draws a box with a title and returns what is inside; the box that has the keys looks different.
    pub fn pane(&mut self, area: Rect, title: &str, focus: bool) -> Rect {
        let role = if focus {
            Role::BorderFocus
        } else {
            Role::Border
        };
        self.pane_in(area, title, role)
    }

    /// Draws a box in a role's style, thin only for [`Role::Border`]; see [`Pen::pane`].
    pub fn pane_in(&mut self, area: Rect, title: &str, role: Role) -> Rect {
        let glyphs = self.glyphs();
        let set = match role {
            Role::Border => glyphs.border,
            _ => glyphs.border_focus,
        };
        let block = Block::new()
            .borders(Borders::ALL)
            .border_set(set)
            .border_style(self.style(role));
        let area = area.intersection(self.buffer.area);
        let inner = block.inner(area);
        block.render(area, self.buffer);
        let top = Rect {
            x: area.x.saturating_add(2),
            width: area.width.saturating_sub(4),
            height: area.height.min(1),
            ..area
        };
        if !title.is_empty() {
            self.say(top, 0, 0, &format!(" {title} "), Role::Title);
        }
        inner
    }

    /// Draws a horizontal line over the whole of row `y`.
    pub fn rule(&mut self, area: Rect, y: u16, role: Role) {
        let line = self
            .glyphs()
            .border
            .horizontal_top
            .repeat(usize::from(area.width));
        self.say(area, 0, y, &line, role);
    }

    /// Draws a vertical line over the whole of column `x`.
    pub fn upright(&mut self, area: Rect, x: u16, role: Role) {
        for y in 0..area.height {
            self.say(area, x, y, self.glyphs().separator, role);
        }
    }
}
