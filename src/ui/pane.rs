//! A pane of text: it scrolls with a line that has the cursor, and what a line names can be gone to.

use ratatui::layout::Rect;

use super::{
    layout,
    pen::Pen,
    theme::Role,
    widget::{
        window_list::Window,
        wrapped_text::{Paragraph, WrappedText},
    },
};
use crate::domain::query::why::Place;

/// What a pane is made of: paragraphs, where its sections begin, and what its lines name.
#[derive(Debug, Default)]
pub struct Page {
    lines: Vec<Paragraph>,
    sections: Vec<(usize, &'static str)>,
    places: Vec<(usize, Place)>,
}

impl Page {
    /// Adds a paragraph.
    pub fn line(&mut self, line: Paragraph) {
        self.lines.push(line);
    }

    /// Adds several.
    pub fn lines(&mut self, lines: impl IntoIterator<Item = Paragraph>) {
        self.lines.extend(lines);
    }

    /// Adds a paragraph that names a place to go to.
    pub fn link(&mut self, line: Paragraph, place: Place) {
        self.places.push((self.lines.len(), place));
        self.lines.push(line);
    }

    /// Begins a section.
    pub fn section(&mut self, name: &'static str) {
        self.lines.push(Paragraph::blank());
        self.sections.push((self.lines.len(), name));
        self.lines.push(Paragraph::of(name, Role::Header));
    }

    /// Adds a name and its value.
    pub fn fact(&mut self, name: &str, value: impl Into<String>, role: Role) {
        self.lines.push(fact(name, value, role));
    }
}

/// Returns a line of a name and its value.
pub fn fact(name: &str, value: impl Into<String>, role: Role) -> Paragraph {
    const NAME: usize = 10;
    let line = Paragraph::of(format!("{name:<NAME$}"), Role::Muted);
    line.with(value, role).hanging(NAME)
}

/// Text on screen with a cursor.
#[derive(Clone, Debug, Default)]
pub struct Pane {
    text: WrappedText,
    sections: Vec<(usize, &'static str)>,
    places: Vec<(usize, Place)>,
    cursor: usize,
    window: Window,
    shown: usize,
}

impl Pane {
    /// Puts another text in, wrapped to `width` and seen through `shown` lines. The cursor stays on its line.
    pub fn fill(&mut self, page: Page, width: u16, shown: u16) {
        self.text = WrappedText::new(page.lines, usize::from(width));
        self.sections = page.sections;
        self.places = page.places;
        self.look(shown);
    }

    /// Sees the text through `shown` lines, those around the cursor.
    pub fn look(&mut self, shown: u16) {
        self.shown = usize::from(shown);
        self.step(0);
    }

    /// Moves the cursor by lines, and the text no more than it takes to see it.
    pub fn step(&mut self, lines: isize) {
        let last = self.text.len().saturating_sub(1);
        self.cursor = self.cursor.saturating_add_signed(lines).min(last);
        self.window
            .follow(self.cursor, self.text.len(), self.shown.max(1));
    }

    /// Puts the cursor on a line that is seen, counted from the first of them.
    pub fn point(&mut self, line: usize) {
        let last = self.text.len().saturating_sub(1);
        self.cursor = (self.window.first + line).min(last);
        self.step(0);
    }

    /// Moves by a part of what is seen, down or up by `sign`.
    pub fn page(&mut self, sign: isize, part: usize) {
        let lines = isize::try_from((self.shown / part).max(1)).unwrap_or(1);
        self.step(sign * lines);
    }

    /// Goes to the next section, or the one before, and shows as much of it as there is room for.
    pub fn turn(&mut self, forward: bool) {
        let begins = self.sections.iter();
        let lines = begins.map(|(paragraph, _)| self.text.line_of(*paragraph));
        let found = if forward {
            lines.filter(|line| *line > self.cursor).min()
        } else {
            lines.filter(|line| *line < self.cursor).max()
        };
        match (found, forward) {
            (Some(line), _) => self.go(line),
            (None, false) => self.go(0),
            (None, true) => {}
        }
    }

    /// Goes to the first line of a section, if the text has it.
    pub fn seek(&mut self, name: &str) {
        if let Some((at, _)) = self.sections.iter().find(|(_, section)| *section == name) {
            let line = self.text.line_of(*at);
            self.go(line);
            self.step(1);
        }
    }

    fn go(&mut self, line: usize) {
        self.cursor = line;
        self.window.first = line;
        self.step(0);
    }

    /// Returns what the line under the cursor names.
    pub fn place(&self) -> Option<&Place> {
        let paragraph = self.text.paragraph_of(self.cursor)?;
        let found = self.places.iter().find(|(at, _)| *at == paragraph);
        found.map(|(_, place)| place)
    }

    /// Draws the text in a box, and where it has the keys the cursor.
    pub fn draw(&self, area: Rect, title: &str, focus: bool, pen: &mut Pen<'_>) {
        let inner = pen.pane(area, title, focus);
        let body = Rect {
            x: inner.x + 1,
            width: inner.width.saturating_sub(2),
            ..inner
        };
        let first = self.window.first;
        self.text.draw(pen, body, first);
        let row = u16::try_from(self.cursor.saturating_sub(first)).unwrap_or(u16::MAX);
        if focus && row < inner.height {
            let line = Rect {
                y: inner.y + row,
                height: 1,
                ..inner
            };
            pen.say(line, 0, 0, pen.glyphs().selected, Role::Key);
            if self.place().is_some() {
                pen.shade(line, Role::Selection);
            }
        }
        let (shown, all) = (usize::from(body.height), self.text.len());
        if all > shown {
            let last = (first + shown).min(all);
            let (_, bottom) = layout::split_bottom(area, 1);
            let place = format!(" {last} of {all} lines ");
            let line = Rect {
                width: bottom.width.saturating_sub(2),
                ..bottom
            };
            pen.parts_right(line, 0, &[(&place, Role::Muted)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::OrderId;

    #[test]
    fn the_cursor_is_always_seen_and_knows_its_place() {
        let mut page = Page::default();
        page.line(Paragraph::of("a title", Role::Title));
        page.section("Part");
        page.link(
            Paragraph::of("a line so long that it is wrapped", Role::Text),
            Place::Order(OrderId::work(7)),
        );
        let mut pane = Pane::default();
        pane.fill(page, 10, 3);
        assert_eq!(pane.place(), None);
        pane.seek("Part");
        assert_eq!(pane.place(), Some(&Place::Order(OrderId::work(7))));
        for lines in [1, 1, isize::MAX, -1, isize::MIN + 1, 2] {
            pane.step(lines);
            let range = pane.window.range(pane.text.len(), 3);
            assert!(range.contains(&pane.cursor), "{range:?} {}", pane.cursor);
        }
    }
}
