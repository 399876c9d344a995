//! One line of text: a filter, a command, a reason.

use ratatui::layout::Rect;

use super::editor::Editor;
use crate::{
    domain::{
        command::COMMANDS,
        id::{AlertId, OrderId},
        order::{Actor, Order},
        record::ActorKind,
    },
    ui::{
        action::Action,
        filter::{Filter, TERMS},
        keymap::Scope,
        layout,
        model::{Model, View},
        pen::Pen,
        theme::Role,
    },
};

/// What a line is typed for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To narrow the lists.
    Filter,
    /// To narrow the events.
    Words,
    /// To run in the grammar of the command line.
    Command,
    /// What was delivered.
    Complete(OrderId),
    /// Why an order is given up.
    Cancel(OrderId),
    /// Why it is opened again.
    Reopen(OrderId),
    /// Why somebody else's hold is broken.
    ForceRelease(Claim),
    /// What was done about an alert.
    Resolve(AlertId),
    /// Why an agent is paused.
    PauseAgent(String),
}

/// A hold on an order as it was when somebody decided about it: another one that follows has another number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The order.
    pub id: OrderId,
    /// Who held it.
    pub holder: Actor,
    /// The number.
    pub epoch: u32,
    /// Whether it ends by itself.
    pub leased: bool,
}

impl Claim {
    /// Returns the hold on an order, if there is one.
    pub fn on(order: &Order) -> Option<Self> {
        order.work().map(|work| Claim {
            id: order.id,
            holder: work.holder.clone(),
            epoch: order.epoch,
            leased: work.lease.is_some(),
        })
    }

    /// Returns whether it is an agent's, by a lease.
    pub fn is_agents(&self) -> bool {
        self.leased && self.holder.kind == ActorKind::Agent
    }
}

/// A line being typed.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// What it is for.
    pub purpose: Purpose,
    /// The text that it began with.
    pub before: String,
    /// The text.
    pub editor: Editor,
    /// What is wrong with it.
    pub problem: Option<String>,
    /// How far back in the history it is.
    pub back: usize,
}

impl Prompt {
    /// Returns a prompt that begins with `text`.
    pub fn new(purpose: Purpose, text: &str) -> Self {
        Prompt {
            purpose,
            before: text.to_owned(),
            editor: Editor::line(text),
            problem: None,
            back: 0,
        }
    }

    fn title(&self) -> String {
        match &self.purpose {
            Purpose::Filter => "Filter".into(),
            Purpose::Words => "Filter events".into(),
            Purpose::Command => "Command".into(),
            Purpose::Complete(id) => format!("Complete {id}"),
            Purpose::Cancel(id) => format!("Cancel {id}"),
            Purpose::Reopen(id) => format!("Reopen {id}"),
            Purpose::ForceRelease(claim) => format!("Take {} from {}", claim.id, claim.holder),
            Purpose::Resolve(id) => format!("Resolve {id}"),
            Purpose::PauseAgent(name) => format!("Pause {name}"),
        }
    }

    fn hint(&self) -> &'static str {
        match &self.purpose {
            Purpose::Filter => "words and terms; empty shows everything",
            Purpose::Words => "words that a line must have, !word for none; empty shows everything",
            Purpose::Command => "as after `obeya` in a shell, or the name of an action",
            Purpose::Complete(_) => "what was delivered, for example a SKU; may be empty",
            Purpose::Cancel(_) => "why; you will be asked once more",
            Purpose::Reopen(_) => "why; may be empty",
            Purpose::ForceRelease(_) => "why; it is recorded",
            Purpose::Resolve(_) => "what was done; frees what the alert holds",
            Purpose::PauseAgent(_) => "why; may be empty",
        }
    }

    /// Returns whether an empty text is an answer.
    pub fn may_be_empty(&self) -> bool {
        !matches!(
            self.purpose,
            Purpose::Cancel(_) | Purpose::Resolve(_) | Purpose::ForceRelease(_)
        )
    }

    /// Looks at the text as it is typed.
    pub fn check(&mut self) {
        self.problem = match &self.purpose {
            Purpose::Filter => {
                let (_, problems) = Filter::parse(&self.editor.text());
                problems.first().map(|problem| problem.what.clone())
            }
            _ => None,
        };
    }

    /// Completes the last word of a command or filter, as far as it is unambiguous.
    pub fn complete(&mut self) {
        let text = self.editor.text();
        let (before, word) = text
            .rsplit_once(' ')
            .map_or(("", text.as_str()), |(b, w)| (b, w));
        let words: Vec<&str> = match (&self.purpose, before) {
            (Purpose::Filter, _) => TERMS
                .iter()
                .flat_map(|(term, _)| term.split(' '))
                .filter_map(|term| term.split_inclusive([':', '>']).next())
                .filter(|term| *term != "word" && !term.starts_with('!'))
                .collect(),
            (Purpose::Command, "") => {
                let nouns = COMMANDS.iter().map(|spec| spec.noun);
                nouns
                    .chain(Action::ALL.iter().map(|action| action.name()))
                    .collect()
            }
            (Purpose::Command, "view") => View::ALL.iter().map(|view| view.name()).collect(),
            (Purpose::Command, noun) => {
                let verbs = COMMANDS.iter().filter(|spec| spec.noun == noun);
                verbs.map(|spec| spec.verb).collect()
            }
            _ => return,
        };
        let fitting: Vec<&str> = words.into_iter().filter(|w| w.starts_with(word)).collect();
        let Some(first) = fitting.first() else { return };
        let shared = fitting.iter().fold(*first, |shared, word| {
            let same = shared.char_indices().zip(word.chars());
            let end = same.take_while(|((_, a), b)| a == b).last();
            let end = end.map_or(0, |((at, c), _)| at + c.len_utf8());
            shared.get(..end).unwrap_or_default()
        });
        if shared.len() >= word.len() {
            let gap = if before.is_empty() { "" } else { " " };
            let whole = fitting.iter().all(|w| *w == *first) && !first.ends_with([':', '>']);
            let space = if whole { " " } else { "" };
            self.editor
                .replace(&format!("{before}{gap}{shared}{space}"));
        }
    }

    /// Draws it at the bottom, where the eye is when one types.
    pub fn draw(&self, model: &Model, area: Rect, pen: &mut Pen<'_>) {
        let height = 4.min(area.height);
        let (_, area) = layout::split_bottom(area, height);
        pen.clear(area);
        let inner = pen.pane(area, &self.title(), true);
        let glyphs = pen.glyphs();
        pen.say(inner, 1, 0, glyphs.prompt, Role::Key);
        let (_, field) = layout::split_left(inner, 3);
        let (field, _) = layout::split_top(field, 1);
        self.editor.draw(pen, field, true);
        match &self.problem {
            Some(problem) => {
                let mark = format!("{} {problem}", glyphs.failed);
                pen.say(inner, 1, 1, &mark, Role::Error);
            }
            None => {
                let used = pen.say(inner, 3, 1, self.hint(), Role::Muted);
                if self.purpose == Purpose::Filter {
                    let mut terms = String::new();
                    for (term, _) in TERMS.iter().skip(1) {
                        terms += term;
                        terms += "  ";
                    }
                    pen.say(inner, used + 6, 1, terms.trim_end(), Role::Muted);
                }
            }
        }
        let keys = super::help::keys_of(model, &[Scope::Prompt], &[Action::Accept, Action::Back]);
        let bottom = Rect {
            x: area.x + 2,
            y: area.y + area.height.saturating_sub(1),
            width: area.width.saturating_sub(4),
            height: 1,
        };
        pen.say(bottom, 0, 0, &format!(" {keys} "), Role::Muted);
    }
}
