//! A choice from a list, narrowed by typing: actions, orders, priorities, buckets.

use nucleo_matcher::{
    Config, Matcher, Utf32Str,
    pattern::{CaseMatching, Normalization, Pattern},
};
use ratatui::layout::Rect;

use super::editor::Editor;
use crate::{
    domain::{
        command::Command,
        id::{AlertId, OrderId},
    },
    text,
    ui::{keymap::Key, layout, pen::Pen, theme::Role, widget::window_list::Window},
};

/// The most rows that are found: more than anyone scrolls through.
const MAX_FOUND: usize = 200;

/// What choosing a row does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Runs an action.
    Run(String),
    /// Goes to an order.
    Order(OrderId),
    /// Goes to an alert.
    Alert(AlertId),
    /// Submits a command.
    Submit(Box<Command>),
    /// Makes the first order wait for the second.
    Depend(OrderId, OrderId),
}

/// A row to choose.
#[derive(Clone, Debug)]
pub struct Item {
    /// What is searched and shown.
    pub label: String,
    /// What is shown beside it.
    pub note: String,
    /// What it does.
    pub choice: Choice,
    /// Why it cannot be chosen now.
    pub why_not: Option<String>,
}

/// A list that is narrowed by typing.
#[derive(Debug)]
pub struct Palette {
    title: String,
    editor: Editor,
    items: Vec<Item>,
    found: Vec<usize>,
    row: usize,
    window: Window,
    /// An id typed in full that no row has: a closed order, perhaps.
    by_id: Option<Item>,
    /// Whether an id that no row has can be chosen.
    any_order: Option<Option<OrderId>>,
}

impl Palette {
    /// Returns a list of items, all of them found at first.
    pub fn new(title: impl Into<String>, items: Vec<Item>) -> Self {
        let mut palette = Palette {
            title: title.into(),
            editor: Editor::line(""),
            items,
            found: Vec::new(),
            row: 0,
            window: Window::default(),
            by_id: None,
            any_order: None,
        };
        palette.search();
        palette
    }

    /// Returns the list in which any order's id can be typed; it is gone to, or `waiting` is made to wait for it.
    pub fn with_ids(mut self, waiting: Option<OrderId>) -> Self {
        self.any_order = Some(waiting);
        self
    }

    /// Selects the row that makes this choice.
    pub fn at(mut self, label: &str) -> Self {
        let found = self
            .found
            .iter()
            .position(|at| self.items.get(*at).is_some_and(|item| item.label == label));
        self.row = found.unwrap_or(0);
        self
    }

    /// Takes a key, and finds anew if it changed the words.
    pub fn typed(&mut self, key: Key) {
        if self.editor.key(key) {
            self.search();
        }
    }

    /// Takes pasted words.
    pub fn pasted(&mut self, text: &str) {
        self.editor.paste(text);
        self.search();
    }

    /// Finds the rows that what is typed names, best first.
    fn search(&mut self) {
        let words = self.editor.text();
        self.row = 0;
        self.by_id = self.typed_id(&words);
        if words.trim().is_empty() {
            self.found = (0..self.items.len().min(MAX_FOUND)).collect();
            return;
        }
        let mut matcher = Matcher::new(Config::DEFAULT);
        let pattern = Pattern::parse(&words, CaseMatching::Ignore, Normalization::Smart);
        let mut buffer = Vec::new();
        let mut scored: Vec<(std::cmp::Reverse<u32>, usize)> = Vec::new();
        for (at, item) in self.items.iter().enumerate() {
            let haystack = Utf32Str::new(&item.label, &mut buffer);
            if let Some(score) = pattern.score(haystack, &mut matcher) {
                scored.push((std::cmp::Reverse(score), at));
            }
        }
        scored.sort_unstable();
        scored.truncate(MAX_FOUND);
        self.found = scored.into_iter().map(|(_, at)| at).collect();
    }

    fn typed_id(&self, words: &str) -> Option<Item> {
        let waiting = self.any_order?;
        let id: OrderId = words.trim().parse().ok()?;
        let label = id.to_string();
        let choice = match waiting {
            Some(waiting) => Choice::Depend(waiting, id),
            None => Choice::Order(id),
        };
        let listed = self.items.iter().any(|item| item.choice == choice);
        (!listed).then(|| Item {
            label,
            note: "not on the board; perhaps closed".into(),
            choice,
            why_not: None,
        })
    }

    fn rows(&self) -> impl Iterator<Item = &Item> {
        let found = self.found.iter().filter_map(|at| self.items.get(*at));
        self.by_id.iter().chain(found)
    }

    /// Returns the selected row.
    pub fn chosen(&self) -> Option<&Item> {
        self.rows().nth(self.row)
    }

    /// Moves the selection.
    pub fn step(&mut self, rows: isize) {
        let last = self.rows().count().saturating_sub(1);
        self.row = self.row.saturating_add_signed(rows).min(last);
    }

    /// Keeps the selection on screen.
    pub fn settle(&mut self, area: Rect) {
        let (count, shown) = (self.rows().count(), Self::shown(area));
        self.window.follow(self.row, count, shown);
    }

    fn shown(area: Rect) -> usize {
        usize::from(area.height.saturating_sub(6).min(18))
    }

    /// Draws it in the middle.
    pub fn draw(&self, area: Rect, pen: &mut Pen<'_>) {
        let shown = Self::shown(area).min(self.rows().count().max(1));
        let height = u16::try_from(shown + 4).unwrap_or(u16::MAX);
        let area = layout::dialog(area, 84, height);
        pen.clear(area);
        let inner = pen.pane(area, &self.title, true);
        let glyphs = pen.glyphs();
        pen.say(inner, 1, 0, glyphs.prompt, Role::Key);
        let (top, rest) = layout::split_top(inner, 2);
        let (field, _) = layout::split_top(layout::split_left(top, 3).1, 1);
        self.editor.draw(pen, field, true);
        pen.rule(inner, 1, Role::Border);
        if self.rows().next().is_none() {
            pen.say(rest, 1, 0, "nothing has that name", Role::Muted);
        }
        let rows = self.rows().enumerate().skip(self.window.first);
        for (y, (at, item)) in (0..rest.height).zip(rows) {
            let row = Rect {
                y: rest.y + y,
                height: 1,
                ..rest
            };
            let role = if item.why_not.is_some() {
                Role::Muted
            } else {
                Role::Text
            };
            if at == self.row {
                pen.say(row, 0, 0, glyphs.selected, Role::Key);
            }
            let note = item.why_not.as_deref().unwrap_or(&item.note);
            let half = usize::from(row.width / 2);
            let note = text::cut(note, half, glyphs.ellipsis);
            let taken = pen.parts_right(
                Rect {
                    width: row.width.saturating_sub(1),
                    ..row
                },
                0,
                &[(&note, Role::Muted)],
            );
            let label = Rect {
                width: row.width.saturating_sub(taken + 3),
                ..row
            };
            pen.say(label, 2, 0, &item.label, role);
            if at == self.row {
                pen.shade(row, Role::Selection);
            }
        }
    }
}
