//! Several fields at once: an order, a comment, an andon cord.

use ratatui::layout::Rect;

use super::editor::Editor;
use crate::{
    domain::id::{AlertId, OrderId},
    text,
    ui::{
        keymap::{Code, Key},
        layout,
        pen::Pen,
        theme::Role,
    },
};

/// The widest form: longer lines are tiring to write.
const WIDTH: u16 = 88;
/// The cells of a field's name.
const LABEL: u16 = 15;
/// The cells around a choice that stands beside others: brackets where it is the chosen one.
const AROUND: u16 = 2;

/// What a form is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A new order.
    Create,
    /// A new order that mends these alerts.
    Correct(Vec<AlertId>),
    /// Changes to an order.
    Edit(OrderId),
    /// Something to say about an order.
    Comment(OrderId),
    /// The andon cord, about an order perhaps.
    Andon(Option<OrderId>),
}

/// What is typed or chosen.
#[derive(Clone, Debug)]
pub enum Input {
    /// One line.
    Line(Editor),
    /// Many lines.
    Block(Editor),
    /// One of a list.
    Choice {
        /// The words, and what each means.
        options: Vec<(String, String)>,
        /// The chosen one.
        at: usize,
        /// Whether all of them are shown, side by side.
        spread: bool,
    },
}

/// A field.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name on screen, by which it is read back.
    pub name: &'static str,
    /// What to put in.
    pub hint: &'static str,
    /// What is in.
    pub input: Input,
}

impl Field {
    /// Returns a field of one line.
    pub fn line(name: &'static str, hint: &'static str, text: &str) -> Self {
        Field {
            name,
            hint,
            input: Input::Line(Editor::line(text)),
        }
    }

    /// Returns a field of many lines.
    pub fn block(name: &'static str, hint: &'static str, text: &str) -> Self {
        Field {
            name,
            hint,
            input: Input::Block(Editor::block(text)),
        }
    }

    /// Returns a field of choices, at the one that is `chosen`.
    pub fn choice(name: &'static str, options: Vec<(String, String)>, chosen: &str) -> Self {
        let at = options.iter().position(|(word, _)| word == chosen);
        Field {
            name,
            hint: "",
            input: Input::Choice {
                options,
                at: at.unwrap_or(0),
                spread: false,
            },
        }
    }

    /// Returns the field with all of its choices shown.
    pub fn spread(mut self) -> Self {
        if let Input::Choice { spread, .. } = &mut self.input {
            *spread = true;
        }
        self
    }

    fn value(&self) -> String {
        match &self.input {
            Input::Line(editor) | Input::Block(editor) => editor.text().trim().to_owned(),
            Input::Choice { options, at, .. } => options
                .get(*at)
                .map(|(word, _)| word.clone())
                .unwrap_or_default(),
        }
    }

    /// Returns where each choice of a spread field stands in `width` cells: row and column.
    fn spots(&self, width: u16) -> Vec<(u16, u16)> {
        let Input::Choice {
            options,
            spread: true,
            ..
        } = &self.input
        else {
            return Vec::new();
        };
        let (mut row, mut column) = (0u16, 0u16);
        let spot = |(word, _): &(String, String)| {
            let cells = u16::try_from(text::width(word)).unwrap_or(u16::MAX);
            let wide = cells.saturating_add(AROUND);
            if column > 0 && column.saturating_add(wide) > width {
                (row, column) = (row.saturating_add(1), 0);
            }
            let here = (row, column);
            column = column.saturating_add(wide);
            here
        };
        options.iter().map(spot).collect()
    }

    /// Returns the rows it takes in `width` cells, if that does not depend on how many there are.
    fn rows(&self, width: u16) -> Option<u16> {
        match self.input {
            Input::Block(_) => None,
            _ => Some(self.spots(width).last().map_or(1, |(row, _)| row + 1)),
        }
    }

    /// Returns what to put in, or what the choice means.
    fn about(&self) -> &str {
        match &self.input {
            Input::Choice { options, at, .. } => {
                options.get(*at).map_or("", |(_, meaning)| meaning.as_str())
            }
            _ => self.hint,
        }
    }
}

/// A form.
#[derive(Clone, Debug)]
pub struct Form {
    /// What it is for.
    pub purpose: Purpose,
    title: String,
    pub(in crate::ui) fields: Vec<Field>,
    at: usize,
    /// What is wrong, after it was sent once.
    pub problem: Option<String>,
    keys: String,
    /// What was in before anything was typed.
    begun: Vec<String>,
}

impl Form {
    /// Returns a form; `keys` is the line of keys at its bottom.
    pub fn new(
        purpose: Purpose,
        title: impl Into<String>,
        fields: Vec<Field>,
        keys: String,
    ) -> Self {
        Form {
            purpose,
            title: title.into(),
            begun: fields.iter().map(Field::value).collect(),
            fields,
            at: 0,
            problem: None,
            keys,
        }
    }

    /// Returns what it is headed with.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Returns what is in a field: its text, or the word chosen.
    pub fn value(&self, name: &str) -> String {
        let field = self.fields.iter().find(|field| field.name == name);
        field.map(Field::value).unwrap_or_default()
    }

    /// Returns whether anything was written or chosen that closing it would lose.
    pub fn is_dirty(&self) -> bool {
        !self
            .fields
            .iter()
            .map(Field::value)
            .eq(self.begun.iter().cloned())
    }

    /// Goes to the next field, or back.
    pub fn turn(&mut self, forward: bool) {
        let count = self.fields.len().max(1);
        self.at = (self.at + if forward { 1 } else { count - 1 }) % count;
    }

    /// Goes to a field by its name.
    pub fn go(&mut self, name: &str) {
        if let Some(at) = self.fields.iter().position(|field| field.name == name) {
            self.at = at;
        }
    }

    /// Takes a key that the keymap gives no meaning here.
    pub fn key(&mut self, key: Key) {
        let Some(field) = self.fields.get_mut(self.at) else {
            return;
        };
        match &mut field.input {
            Input::Line(_) if matches!(key.code, Code::Enter | Code::Down) => self.turn(true),
            Input::Line(_) if key.code == Code::Up => self.turn(false),
            Input::Line(editor) | Input::Block(editor) => {
                editor.key(key);
            }
            Input::Choice { options, at, .. } => match key.code {
                Code::Left => *at = at.checked_sub(1).unwrap_or(options.len().saturating_sub(1)),
                Code::Right | Code::Char(' ') => *at = (*at + 1) % options.len().max(1),
                Code::Enter | Code::Down => self.turn(true),
                Code::Up => self.turn(false),
                Code::Char(c) => {
                    let begins = |(word, _): &(String, String)| {
                        word.chars()
                            .next()
                            .is_some_and(|w| w.eq_ignore_ascii_case(&c))
                    };
                    let after = options.iter().enumerate().skip(*at + 1);
                    let around = after.chain(options.iter().enumerate());
                    if let Some((found, _)) = around.into_iter().find(|(_, o)| begins(o)) {
                        *at = found;
                    }
                }
                _ => {}
            },
        }
    }

    /// Takes pasted text into the field that has the keys.
    pub fn paste(&mut self, text: &str) {
        if let Some(Input::Line(editor) | Input::Block(editor)) =
            self.fields.get_mut(self.at).map(|field| &mut field.input)
        {
            editor.paste(text);
        }
    }

    /// Draws it in the middle.
    pub fn draw(&self, area: Rect, pen: &mut Pen<'_>) {
        let blocks = self
            .fields
            .iter()
            .filter(|f| matches!(f.input, Input::Block(_)));
        let blocks = u16::try_from(blocks.count()).unwrap_or(0);
        let width = layout::dialog(area, WIDTH, 1)
            .width
            .saturating_sub(2 + LABEL);
        let rows: Vec<_> = self.fields.iter().map(|field| field.rows(width)).collect();
        let lines: u16 = rows.iter().flatten().sum();
        let area = layout::dialog(area, WIDTH, lines + blocks * 9 + 5);
        pen.clear(area);
        let inner = pen.pane(area, &self.title, true);
        let (body, foot) = layout::split_bottom(inner, 2);
        let spare = body.height.saturating_sub(lines + 1);
        let block = (spare / blocks.max(1)).clamp(1, 9);
        let mut y = 0;
        for ((at, field), rows) in self.fields.iter().enumerate().zip(rows) {
            let height = rows.unwrap_or(block);
            let place = Rect {
                y: body.y.saturating_add(y),
                height: height.min(body.height.saturating_sub(y)),
                ..body
            };
            self.draw_field(field, at == self.at, place, pen);
            y += height;
        }
        match &self.problem {
            Some(problem) => {
                let mark = format!("{} {problem}", pen.glyphs().failed);
                pen.say(foot, 1, 0, &mark, Role::Error)
            }
            None => {
                let hint = self.fields.get(self.at).map_or("", Field::about);
                pen.say(foot, 1, 0, hint, Role::Muted)
            }
        };
        pen.say(foot, 1, 1, &self.keys, Role::Key);
    }

    fn draw_field(&self, field: &Field, focus: bool, area: Rect, pen: &mut Pen<'_>) {
        let glyphs = pen.glyphs();
        if area.height == 0 {
            return;
        }
        if focus {
            pen.say(area, 0, 0, glyphs.selected, Role::Key);
        }
        let role = if focus { Role::Title } else { Role::Muted };
        pen.say(area, 2, 0, field.name, role);
        let (_, place) = layout::split_left(area, LABEL);
        match &field.input {
            Input::Line(editor) | Input::Block(editor) => {
                let place = Rect {
                    width: place.width.saturating_sub(1),
                    ..place
                };
                if !focus && editor.text().is_empty() {
                    pen.say(place, 0, 0, field.hint, Role::Muted);
                } else {
                    editor.draw(pen, place, focus);
                }
            }
            Input::Choice {
                options,
                at,
                spread: true,
            } => {
                for (nth, ((word, _), (row, column))) in
                    options.iter().zip(field.spots(place.width)).enumerate()
                {
                    if nth != *at {
                        pen.say(place, column + 1, row, word, Role::Muted);
                        continue;
                    }
                    let used = pen.say(place, column, row, &format!("[{word}]"), Role::Title);
                    if focus && row < place.height {
                        let spot = Rect {
                            x: place.x + column,
                            y: place.y + row,
                            width: used,
                            height: 1,
                        };
                        pen.shade(spot, Role::Selection);
                    }
                }
            }
            Input::Choice { options, at, .. } => {
                let Some((word, meaning)) = options.get(*at) else {
                    return;
                };
                let (left, right) = (glyphs.left, glyphs.right);
                let parts: &[(&str, Role)] = if focus {
                    &[
                        (left, Role::Key),
                        (" ", Role::Text),
                        (word, Role::Title),
                        (" ", Role::Text),
                        (right, Role::Key),
                    ]
                } else {
                    &[(word, Role::Text)]
                };
                let used = pen.parts(place, 0, 0, parts);
                pen.say(place, used + 2, 0, meaning, Role::Muted);
            }
        }
    }
}
