//! Text that is being typed, in one line or several.

use ratatui::{
    layout::Rect,
    style::{Modifier, Style},
    widgets::Widget as _,
};
use tui_textarea::{CursorMove, Input, Key as Named, TextArea, WrapMode};

use crate::{
    text,
    ui::{
        keymap::{Code, Key},
        pen::Pen,
        theme::Role,
    },
};

/// An editor of one line or many.
#[derive(Clone, Debug)]
pub struct Editor {
    area: TextArea<'static>,
    many: bool,
}

impl Editor {
    /// Returns an editor of one line.
    pub fn line(text: &str) -> Self {
        Self::new(text::clean(text).lines(), false)
    }

    /// Returns an editor of many lines, wrapped at its edge.
    pub fn block(text: &str) -> Self {
        Self::new(text::clean_block(text).lines(), true)
    }

    fn new<'a>(lines: impl Iterator<Item = &'a str>, many: bool) -> Self {
        let mut area = TextArea::new(lines.map(str::to_owned).collect());
        area.set_cursor_line_style(Style::new());
        area.set_cursor_style(Style::new().add_modifier(Modifier::REVERSED));
        if many {
            area.set_wrap_mode(WrapMode::WordOrGlyph);
        }
        area.move_cursor(CursorMove::Bottom);
        area.move_cursor(CursorMove::End);
        Editor { area, many }
    }

    /// Returns the text.
    pub fn text(&self) -> String {
        self.area.lines().join("\n")
    }

    /// Puts another text in its place.
    pub fn replace(&mut self, text: &str) {
        *self = if self.many {
            Editor::block(text)
        } else {
            Editor::line(text)
        };
    }

    /// Takes a key and returns whether the text changed. A one-line editor ignores enter, and ctrl-u clears it as in a shell.
    pub fn key(&mut self, key: Key) -> bool {
        if key.code == Code::Enter && !self.many {
            return false;
        }
        if key.code == Code::Char('u') && key.ctrl && !self.many {
            let changed = !self.text().is_empty();
            self.replace("");
            return changed;
        }
        self.area.input(input(key))
    }

    /// Takes pasted text, cleaned; in one line, line ends become spaces.
    pub fn paste(&mut self, pasted: &str) {
        if self.many {
            self.area.insert_str(text::clean_block(pasted));
        } else {
            self.area.insert_str(text::clean(pasted));
        }
    }

    /// Draws the text, with the cursor if it has the keys.
    pub fn draw(&self, pen: &mut Pen<'_>, area: Rect, focus: bool) {
        let mut shown = self.area.clone();
        shown.set_style(pen.style(Role::Text));
        if !focus {
            shown.set_cursor_style(Style::new());
        }
        let area = area.intersection(pen.buffer().area);
        shown.render(area, pen.buffer());
    }
}

fn input(key: Key) -> Input {
    let named = match key.code {
        Code::Char(c) => Named::Char(c),
        Code::Enter => Named::Enter,
        Code::Tab | Code::BackTab | Code::Esc | Code::Insert => Named::Null,
        Code::Backspace => Named::Backspace,
        Code::Delete => Named::Delete,
        Code::Home => Named::Home,
        Code::End => Named::End,
        Code::PageUp => Named::PageUp,
        Code::PageDown => Named::PageDown,
        Code::Up => Named::Up,
        Code::Down => Named::Down,
        Code::Left => Named::Left,
        Code::Right => Named::Right,
        Code::F(number) => Named::F(number),
    };
    Input {
        key: named,
        ctrl: key.ctrl,
        alt: key.alt,
        shift: key.shift,
    }
}
