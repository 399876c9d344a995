//! A choice from a list, narrowed by typing: actions, orders, priorities, buckets.

use nucleo_matcher::{
    Config, Matcher, Utf32Str,
    pattern::{CaseMatching, Normalization, Pattern},
};
use ratatui::layout::Rect;
use unicode_segmentation::UnicodeSegmentation as _;

use super::editor::Editor;
use crate::{
    domain::{
        command::Command,
        event::Changes,
        id::{AlertId, OrderId},
        order::External,
        query::order_view::OrderView,
    },
    text,
    ui::{keymap::Key, layout, pen::Pen, theme::Role, widget::window_list::Window, words},
};

/// Rows above the list: the edge, what is typed, a line.
const ABOVE: u16 = 3;

/// The cells of a list at the side.
const ASIDE: u16 = 28;

/// The most rows that are found: more than anyone scrolls through.
const MAX_FOUND: usize = 200;

/// The fewest letters by which completed orders are looked for.
const LEAST_WORD: usize = 3;

/// Returns whether a text has every word as it was typed, in any case.
fn has_all(text: &str, words: &str) -> bool {
    words::found(text, &words.replace('!', ""))
}

/// What choosing a row does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Runs an action.
    Run(String),
    /// Goes to an order.
    Order(OrderId),
    /// Goes to an alert.
    Alert(AlertId),
    /// Keeps a theme.
    Theme(String),
    /// Changes fields of many orders.
    Edit(Vec<OrderId>, Box<Changes>),
    /// Puts alerts to sleep for so many seconds.
    Snooze(Vec<AlertId>, u32),
    /// Submits a command.
    Submit(Box<Command>),
    /// Runs a line of the command line's words.
    Line(String),
    /// Makes the first order wait for the second.
    Depend(OrderId, OrderId),
}

/// A row to choose.
#[derive(Clone, Debug)]
pub struct Item {
    /// What is searched and shown.
    pub label: String,
    /// What is searched too, and stands before the note: an order's name elsewhere.
    pub known_as: String,
    /// What is shown beside it.
    pub note: String,
    /// What it does.
    pub choice: Choice,
    /// Why it cannot be chosen now.
    pub why_not: Option<String>,
}

impl Item {
    /// Returns a row that can be chosen.
    pub fn new(label: impl Into<String>, note: impl Into<String>, choice: Choice) -> Self {
        Item {
            label: label.into(),
            known_as: String::new(),
            note: note.into(),
            choice,
            why_not: None,
        }
    }

    /// Returns the row with the name that an order has elsewhere, if it has one.
    pub fn known_as(mut self, external: Option<&External>) -> Self {
        self.known_as = external.map(|name| name.id.clone()).unwrap_or_default();
        self
    }

    /// Returns what is searched: the label, the name beside it, and of an action its keys.
    fn searched(&self) -> String {
        let keys = match self.choice {
            Choice::Run(_) => self.note.as_str(),
            _ => "",
        };
        format!("{} {} {keys}", self.label, self.known_as)
    }

    /// Returns whether these words are its very name; of a work order its bare number is.
    fn is_named(&self, words: &str) -> bool {
        let id = match self.choice {
            Choice::Order(id) | Choice::Depend(_, id) => {
                let bare = !id.is_epic() && words.parse() == Ok(id.number());
                bare || words.parse() == Ok(id)
            }
            _ => false,
        };
        id || (!self.known_as.is_empty() && self.known_as.eq_ignore_ascii_case(words))
    }
}

/// What finds the letters to mark; it is large, and made only where something is marked.
#[derive(Default)]
struct Found(Option<Matcher>);

/// A list that is narrowed by typing.
#[derive(Debug)]
pub struct Palette {
    title: String,
    editor: Editor,
    items: Vec<Item>,
    found: Vec<usize>,
    /// How many of those have every word as it was typed; letters that stand apart come behind.
    whole: usize,
    /// Completed orders that have the words.
    closed: Vec<Item>,
    row: usize,
    window: Window,
    /// An id typed in full that no row has: a closed order, perhaps.
    by_id: Option<Item>,
    /// Whether an id that no row has can be chosen.
    any_order: Option<Option<OrderId>>,
    /// Whether it stands at the side, so that the view is seen beside it.
    aside: bool,
}

impl Palette {
    /// Returns a list of items, all of them found at first.
    pub fn new(title: impl Into<String>, items: Vec<Item>) -> Self {
        let mut palette = Palette {
            title: title.into(),
            editor: Editor::line(""),
            items,
            found: Vec::new(),
            whole: 0,
            closed: Vec::new(),
            row: 0,
            window: Window::default(),
            by_id: None,
            any_order: None,
            aside: false,
        };
        palette.search();
        palette
    }

    /// Returns the list in which any order's id can be typed; it is gone to, or `waiting` is made to wait for it.
    pub fn with_ids(mut self, waiting: Option<OrderId>) -> Self {
        self.any_order = Some(waiting);
        self
    }

    /// Returns the list at the side of the screen.
    pub fn aside(mut self) -> Self {
        self.aside = true;
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
        self.by_id = self.typed_id();
        self.closed.clear();
        if words.trim().is_empty() {
            self.found = (0..self.items.len().min(MAX_FOUND)).collect();
            self.whole = self.found.len();
            return;
        }
        let mut matcher = Matcher::new(Config::DEFAULT);
        let pattern = Pattern::parse(&words, CaseMatching::Ignore, Normalization::Smart);
        let mut buffer = Vec::new();
        let mut scored = Vec::new();
        for (at, item) in self.items.iter().enumerate() {
            let searched = item.searched();
            let haystack = Utf32Str::new(&searched, &mut buffer);
            let Some(score) = pattern.score(haystack, &mut matcher) else {
                continue;
            };
            let apart = !has_all(&searched, &words);
            // Letters that stand apart mean an order mistyped sooner than an action.
            if !apart || !matches!(item.choice, Choice::Run(_)) {
                let other = !item.is_named(words.trim());
                scored.push((other, apart, std::cmp::Reverse(score), at));
            }
        }
        scored.sort_unstable();
        scored.truncate(MAX_FOUND);
        self.whole = scored.partition_point(|(other, apart, ..)| !other || !apart);
        self.found = scored.into_iter().map(|(.., at)| at).collect();
    }

    /// Returns what is typed, if it may be the name of an order that no row has: one that is closed, perhaps.
    pub fn name(&self) -> Option<String> {
        self.any_order?;
        let words = self.editor.text();
        let name = words.trim();
        let one = !name.is_empty() && !name.contains(char::is_whitespace);
        let listed = || self.items.iter().any(|item| item.is_named(name));
        (one && !listed()).then(|| name.to_owned())
    }

    /// Returns the words that are typed, if completed orders are to be found by them.
    pub fn words(&self) -> Option<String> {
        let words = self.editor.text();
        let enough = words.trim().chars().count() >= LEAST_WORD;
        (enough && self.any_order == Some(None)).then(|| words.trim().to_owned())
    }

    /// Takes the completed orders that have the words.
    pub fn found_closed<'a>(&mut self, views: impl Iterator<Item = &'a OrderView>) {
        let named = self.by_id.as_ref().map(|item| &item.choice);
        let items = views.map(|view| {
            let label = format!("{} {}", view.id, view.title);
            Item::new(label, view.status.word(), Choice::Order(view.id))
        });
        self.closed = items.filter(|item| Some(&item.choice) != named).collect();
    }

    /// Takes which order has the name that is typed: None inside if none has.
    pub fn answered(&mut self, found: Option<Option<&OrderView>>) {
        match (found, &mut self.by_id) {
            (None, _) | (Some(None), None) => {}
            (Some(None), Some(item)) => item.why_not = Some(format!("there is no {}", item.label)),
            (Some(Some(order)), shown) => {
                if shown.is_none() && self.row > 0 {
                    self.row += 1;
                }
                let name = order.external_id.clone().unwrap_or_default();
                let item = Item {
                    known_as: name,
                    ..self.order(
                        order.id,
                        format!("{} {}", order.id, order.title),
                        order.status.word(),
                    )
                };
                self.by_id = Some(item);
            }
        }
    }

    fn order(&self, id: OrderId, label: String, note: &str) -> Item {
        let choice = match self.any_order.flatten() {
            Some(waiting) => Choice::Depend(waiting, id),
            None => Choice::Order(id),
        };
        Item::new(label, note, choice)
    }

    fn typed_id(&self) -> Option<Item> {
        let id: OrderId = self.name()?.parse().ok()?;
        Some(self.order(id, id.to_string(), "not on the board; perhaps closed"))
    }

    fn rows(&self) -> impl Iterator<Item = &Item> {
        let found = self.found.iter().filter_map(|at| self.items.get(*at));
        let apart = found.clone().skip(self.whole);
        let whole = found.take(self.whole);
        self.by_id
            .iter()
            .chain(whole)
            .chain(&self.closed)
            .chain(apart)
    }

    /// Returns the cells of a row's label that what is typed found.
    fn matched(&self, item: &Item, found: &mut Found) -> Vec<u16> {
        let words = self.editor.text();
        if words.trim().is_empty() {
            return Vec::new();
        }
        let matcher = found.0.get_or_insert_with(|| Matcher::new(Config::DEFAULT));
        let pattern = Pattern::parse(&words, CaseMatching::Ignore, Normalization::Smart);
        let (mut buffer, mut places) = (Vec::new(), Vec::new());
        let searched = item.searched();
        let haystack = Utf32Str::new(&searched, &mut buffer);
        pattern.indices(haystack, matcher, &mut places);
        let mut cells = Vec::new();
        let mut x = 0;
        for (place, letter) in (0u32..).zip(item.label.graphemes(true)) {
            let width = u16::try_from(text::width(letter)).unwrap_or(1);
            if places.contains(&place) {
                cells.extend(x..x + width);
            }
            x += width;
        }
        cells
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

    /// Returns the row in which what is typed stands, on a screen of this area.
    pub fn typed_at(&self, area: Rect) -> u16 {
        self.place(area).y.saturating_add(1)
    }

    /// Returns where it is drawn.
    fn place(&self, area: Rect) -> Rect {
        let shown = Self::shown(area).min(self.rows().count().max(1));
        let height = u16::try_from(shown + 4).unwrap_or(u16::MAX);
        let area = match self.aside {
            true => layout::split_bottom(layout::split_right(area, ASIDE).1, height + 1).1,
            false => layout::dialog(area, 84, height),
        };
        layout::split_top(area, height).0
    }

    /// Returns the row that is drawn at a place of the screen.
    pub fn row_at(&self, area: Rect, x: u16, y: u16) -> Option<usize> {
        let place = self.place(area);
        let inside = Rect {
            y: place.y + ABOVE,
            height: place.height.saturating_sub(ABOVE + 1),
            ..place
        };
        let row = self.window.first + usize::from(y.checked_sub(inside.y)?);
        let there = inside.contains((x, y).into()) && row < self.rows().count();
        there.then_some(row)
    }

    /// Selects a row.
    pub fn choose(&mut self, row: usize) {
        self.row = row.min(self.rows().count().saturating_sub(1));
    }

    /// Draws it in the middle.
    pub fn draw(&self, area: Rect, pen: &mut Pen<'_>) {
        let area = self.place(area);
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
        let mut found = Found::default();
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
            let note = match item.known_as.as_str() {
                "" => note.to_owned(),
                name => format!("{name}  {note}"),
            };
            let half = usize::from(row.width / 2);
            let note = text::cut(&note, half, glyphs.ellipsis);
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
            for cell in self.matched(item, &mut found) {
                let x = label.x + 2 + cell;
                if cell < label.width.saturating_sub(3) {
                    let cell = Rect {
                        x,
                        width: 1,
                        ..label
                    };
                    pen.shade(cell, Role::Match);
                }
            }
            if at == self.row {
                pen.shade(row, Role::Selection);
            }
        }
    }
}
