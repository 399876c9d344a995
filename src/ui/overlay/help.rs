//! Pages of text: the keys of a view, what a command printed.

use ratatui::layout::Rect;

use crate::ui::{
    action::Action,
    filter::TERMS,
    keymap::{Scope, chord},
    layout,
    model::Model,
    pen::Pen,
    theme::Role,
    widget::wrapped_text::{Paragraph, WrappedText},
};

/// A page that scrolls.
#[derive(Debug)]
pub struct Page {
    title: String,
    text: WrappedText,
    /// The first line shown.
    pub scroll: usize,
}

/// The widest page: longer lines are tiring to read.
const WIDTH: u16 = 100;

impl Page {
    /// Returns a page of text as it came.
    pub fn printed(title: impl Into<String>, text: &str, area: Rect) -> Self {
        let lines = crate::text::clean_block(text);
        let paragraphs = lines
            .lines()
            .map(|line| Paragraph::of(line, Role::Text).verbatim());
        Page::new(title.into(), paragraphs.collect(), area)
    }

    fn new(title: String, paragraphs: Vec<Paragraph>, area: Rect) -> Self {
        let width = usize::from(area.width.min(WIDTH).saturating_sub(4));
        Page {
            title,
            text: WrappedText::new(paragraphs, width),
            scroll: 0,
        }
    }

    /// Returns the keys that hold in a view now, with what they do and why some would not.
    pub fn keys(model: &Model) -> Self {
        let mut paragraphs = Vec::new();
        let mut scopes = model.scopes();
        let bindings = model.keymap.reachable(&scopes, &[]);
        // On the board the acts of the day come first, how it is arranged next.
        if let [board @ Scope::Board, order @ Scope::Order, ..] = scopes.as_mut_slice() {
            std::mem::swap(board, order);
        }
        for scope in &scopes {
            let mut seen: Vec<&str> = Vec::new();
            let here = bindings.iter().filter(|binding| binding.scope == *scope);
            let here: Vec<_> = here.collect();
            if here.is_empty() {
                continue;
            }
            if !paragraphs.is_empty() {
                paragraphs.push(Paragraph::blank());
            }
            paragraphs.push(Paragraph::of(heading(*scope), Role::Title));
            for binding in &here {
                if seen.contains(&binding.run.as_str()) {
                    continue;
                }
                seen.push(&binding.run);
                let same = here.iter().filter(|other| other.run == binding.run);
                let keys: Vec<String> = same.map(|other| chord(&other.on)).collect();
                let action = Action::parse(&binding.run).map(|(action, _)| action);
                let why_not = action.and_then(|action| action.available(model).err());
                let about = match (binding.desc.as_str(), action) {
                    ("", Some(action)) => action.about(),
                    (desc, _) => desc,
                };
                let mut line = Paragraph::of(format!("  {:<18}", keys.join(", ")), Role::Key)
                    .with(
                        about,
                        if why_not.is_some() {
                            Role::Muted
                        } else {
                            Role::Text
                        },
                    )
                    .hanging(20);
                if let Some(why) = why_not {
                    line = line.with(format!("  (not now: {why})"), Role::Muted);
                }
                paragraphs.push(line);
            }
        }
        paragraphs.push(Paragraph::blank());
        paragraphs.push(Paragraph::of("Filter terms", Role::Title));
        for (term, about) in TERMS {
            let line = Paragraph::of(format!("  {term:<22}"), Role::Key).with(*about, Role::Text);
            paragraphs.push(line.hanging(24));
        }
        paragraphs.push(Paragraph::blank());
        paragraphs.push(Paragraph::of("Marks", Role::Title));
        let glyphs = model.theme.glyphs();
        for (glyph, role, word) in [
            (glyphs.ready, Role::Ready, "ready: can be pulled now"),
            (glyphs.blocked, Role::Blocked, "B  waits for another order"),
            (glyphs.held, Role::Held, "H  held by an alert"),
            (glyphs.failed, Role::Error, "G  failed at a quality gate"),
            (glyphs.in_progress, Role::StatusInProgress, "in progress"),
            (glyphs.completed, Role::StatusCompleted, "completed"),
            (
                glyphs.sla_at_risk,
                Role::SlaAtRisk,
                "4h left: four fifths of its SLA are gone",
            ),
            (
                glyphs.sla_breached,
                Role::SlaBreached,
                "+2d: so long past its SLA",
            ),
        ] {
            let line = Paragraph::of(format!("  {glyph:<4}"), role).with(word, Role::Text);
            paragraphs.push(line);
        }
        Page::new(
            format!("Keys: {}", model.view.name()),
            paragraphs,
            model.area(),
        )
    }

    /// Scrolls by lines.
    pub fn step(&mut self, lines: isize, area: Rect) {
        let shown = usize::from(area.height.saturating_sub(3));
        let last = self.text.len().saturating_sub(shown);
        self.scroll = self.scroll.saturating_add_signed(lines).min(last);
    }

    /// Draws it in the middle, as large as it needs.
    pub fn draw(&self, area: Rect, pen: &mut Pen<'_>) {
        let height = u16::try_from(self.text.len() + 2).unwrap_or(u16::MAX);
        let area = layout::dialog(area, WIDTH.min(area.width), height.min(area.height));
        pen.clear(area);
        let inner = pen.pane(area, &self.title, true);
        let body = Rect {
            x: inner.x + 1,
            width: inner.width.saturating_sub(2),
            ..inner
        };
        self.text.draw(pen, body, self.scroll);
        let shown = usize::from(inner.height);
        if self.text.len() > shown {
            let last = (self.scroll + shown).min(self.text.len());
            let place = format!(" {last} of {} lines ", self.text.len());
            let (_, bottom) = layout::split_bottom(area, 1);
            pen.parts_right(
                Rect {
                    width: bottom.width.saturating_sub(2),
                    ..bottom
                },
                0,
                &[(&place, Role::Muted)],
            );
        }
    }
}

fn heading(scope: Scope) -> &'static str {
    match scope {
        Scope::Global => "Everywhere",
        Scope::List => "Moving",
        Scope::Order => "The selected order",
        Scope::Overview => "Overview",
        Scope::Board => "Board",
        Scope::Tree => "Tree",
        Scope::Graph => "Graph",
        Scope::Andon => "The selected alert",
        Scope::Agents => "The selected agent",
        Scope::Log => "This log",
        Scope::Events => "Events",
        Scope::Flow => "Flow",
        Scope::Messages => "The selected dead letter",
        Scope::Past => "The past",
        Scope::Detail => "This pane",
        Scope::Form => "Form",
        Scope::Prompt => "Line",
        Scope::Confirm => "Question",
        Scope::Help => "This page",
    }
}

/// Returns the first key of each action in `scopes` with its short word: `y yes  n no`.
pub fn keys_of(model: &Model, scopes: &[Scope], actions: &[Action]) -> String {
    let words: Vec<_> = actions.iter().map(|a| (*a, a.short())).collect();
    keys_in(model, scopes, &words)
}

/// Returns the first key of each action in `scopes` with the word that says best what it does here.
pub fn keys_in(model: &Model, scopes: &[Scope], words: &[(Action, &str)]) -> String {
    let shown = words.iter().filter_map(|(action, word)| {
        let keys = model.keymap.chords(scopes, action.name());
        Some(format!("{} {word}", chord(keys.first()?)))
    });
    shown.collect::<Vec<_>>().join("   ")
}
