//! One line of text: a filter, a command, a reason.

use ratatui::layout::Rect;

use super::editor::Editor;
use crate::{
    domain::{
        id::{AlertId, OrderId},
        order::{Actor, Order},
        record::ActorKind,
    },
    text,
    ui::{
        action::Action,
        complete::Offers,
        filter::{Filter, TERMS},
        keymap::{Code, Key, Scope},
        layout,
        model::{Model, View},
        pen::Pen,
        theme::Role,
        travel,
        widget::window_list::Window,
        words,
    },
};

/// The most offers that are seen at once: the view stays in sight above them.
const OFFERS: u16 = 8;

/// In how many processes at once an agent may be run; `agent scale` takes no more.
const MOST_AT_ONCE: u8 = 64;

/// What a line is typed for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To narrow the lists.
    Filter,
    /// To narrow the events or the alerts.
    Words,
    /// To run in the grammar of the command line.
    Command,
    /// What was delivered.
    Complete(OrderId),
    /// Why an order is given up.
    Cancel(OrderId),
    /// Why many are given up.
    CancelMany(Vec<OrderId>),
    /// Why it is opened again.
    Reopen(OrderId),
    /// Why somebody else's hold is broken.
    ForceRelease(Claim),
    /// What was done about these alerts.
    Resolve(Vec<AlertId>),
    /// Where in time to go.
    Moment,
    /// Why an agent is paused.
    PauseAgent(String),
    /// In how many processes an agent is to run.
    Scale(String),
    /// What to search a log for.
    Search,
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
    /// Whether something was typed yet.
    touched: bool,
    /// What may come next.
    pub offers: Option<Offers>,
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
            touched: false,
            offers: None,
        }
    }

    /// Takes a key that is text.
    pub fn typed(&mut self, key: Key) {
        self.begin(matches!(key.code, Code::Char(_)) && !key.ctrl && !key.alt);
        self.editor.key(key);
    }

    /// Takes pasted text.
    pub fn pasted(&mut self, text: &str) {
        self.begin(true);
        self.editor.paste(text);
    }

    /// A number that stood there from the beginning gives way to the first one that is written, as in any form.
    fn begin(&mut self, writes: bool) {
        if writes && !self.touched && matches!(self.purpose, Purpose::Scale(_)) {
            self.editor.replace("");
        }
        self.touched = true;
    }

    fn title(&self, model: &Model) -> String {
        match &self.purpose {
            Purpose::Filter if model.follows_filter() => "Filter".into(),
            Purpose::Filter => "Filter the board, and go there".into(),
            Purpose::Words if model.view == View::Andon => "Filter alerts".into(),
            Purpose::Words => "Filter events".into(),
            Purpose::Command => "Command".into(),
            Purpose::Complete(id) => format!("Complete {id}"),
            Purpose::Cancel(id) => format!("Cancel {id}"),
            Purpose::CancelMany(ids) => {
                format!("Cancel {}", words::count(ids.len(), "marked order"))
            }
            Purpose::Reopen(id) => format!("Reopen {id}"),
            Purpose::ForceRelease(claim) => format!("Take {} from {}", claim.id, claim.holder),
            Purpose::Resolve(ids) => match ids.as_slice() {
                [id] => format!("Resolve {id}"),
                ids => format!("Resolve {}", words::count(ids.len(), "alert")),
            },
            Purpose::PauseAgent(name) => format!("Pause {name}"),
            Purpose::Scale(name) => format!("Run {name}"),
            Purpose::Search => "Search the log".into(),
            Purpose::Moment => "Show the line as it stood".into(),
        }
    }

    /// Returns what is wrong with a text that is to be done.
    pub fn refuses(&self, text: &str) -> Option<String> {
        if text.is_empty() && !self.may_be_empty() {
            return Some("this needs a text".into());
        }
        let fits = |count: u8| count <= MOST_AT_ONCE;
        let is_wrong = matches!(self.purpose, Purpose::Scale(_)) && !text.parse().is_ok_and(fits);
        is_wrong.then(|| format!("this needs a whole number from 0 to {MOST_AT_ONCE}"))
    }

    /// Returns what was found so far of what is searched for.
    fn found(&self, model: &Model) -> Option<String> {
        let words = self.editor.text();
        let words = words.trim();
        let found = &model.runs.sight.as_ref()?.found;
        let known = self.purpose == Purpose::Search && !words.is_empty() && found.words == words;
        let lines = usize::try_from(found.count).unwrap_or(usize::MAX);
        known.then(|| format!("in {}", words::count(lines, "line")))
    }

    fn hint(&self) -> &'static str {
        match &self.purpose {
            Purpose::Filter => "words and terms; empty shows everything",
            Purpose::Words => "words that a line must have, !word for none; empty shows everything",
            Purpose::Command => "as after `obeya` in a shell, or the name of an action",
            Purpose::Complete(_) => "what was delivered, for example a SKU; may be empty",
            Purpose::Cancel(_) | Purpose::CancelMany(_) => "why; you will be asked once more",
            Purpose::Reopen(_) => "why; may be empty",
            Purpose::ForceRelease(_) => "why; it is recorded",
            Purpose::Resolve(ids) if ids.len() > 1 => "what was done; you will be asked once more",
            Purpose::Resolve(_) => "what was done; frees what the alert holds",
            Purpose::PauseAgent(_) => "why; may be empty",
            Purpose::Scale(_) => "how many at once, from 0 to 64; holds as long as its host runs",
            Purpose::Search => "text as it stands there; a capital letter is meant",
            Purpose::Moment => travel::FORMS,
        }
    }

    /// Returns whether an empty text is an answer.
    pub fn may_be_empty(&self) -> bool {
        !matches!(
            self.purpose,
            Purpose::Cancel(_)
                | Purpose::CancelMany(_)
                | Purpose::Moment
                | Purpose::Scale(_)
                | Purpose::Resolve(_)
                | Purpose::ForceRelease(_)
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

    /// Completes the last word of a command or filter: as far as it is unambiguous, then goes through what there is.
    pub fn complete(&mut self) {
        let Some(line) = self.offers.as_mut().and_then(Offers::further) else {
            return;
        };
        self.editor.replace(&line);
    }

    /// Draws what may come next above the line.
    fn draw_offers(&self, area: Rect, pen: &mut Pen<'_>) {
        let Some(offers) = self.offers.as_ref().filter(|offers| !offers.all.is_empty()) else {
            return;
        };
        let rows = OFFERS.min(area.height.saturating_sub(3));
        let shown = offers.all.len().min(usize::from(rows));
        let height = u16::try_from(shown).unwrap_or(rows) + 2;
        if rows == 0 || height > area.height {
            return;
        }
        let (_, area) = layout::split_bottom(area, height);
        pen.clear(area);
        let inner = pen.pane(area, "", false);
        let taken = offers.taken.unwrap_or(0);
        let mut window = Window::default();
        window.follow(taken, offers.all.len(), shown);
        let widest = offers.all.iter().map(|offer| text::width(&offer.word));
        let column = u16::try_from(widest.max().unwrap_or(0)).unwrap_or(u16::MAX);
        let column = column.min(inner.width / 2);
        let range = window.range(offers.all.len(), shown);
        let here = range.clone().zip(offers.all.get(range).unwrap_or_default());
        for (y, (at, offer)) in (0..inner.height).zip(here) {
            let row = Rect {
                y: inner.y + y,
                height: 1,
                ..inner
            };
            let (word, rest) = layout::split_left(row, column + 3);
            pen.say(word, 2, 0, &offer.word, Role::Key);
            pen.say(rest, 1, 0, &offer.about, Role::Muted);
            if offers.taken == Some(at) {
                pen.shade(row, Role::Selection);
            }
        }
        let more = offers.all.len().saturating_sub(shown);
        if more > 0 {
            let (_, bottom) = layout::split_bottom(area, 1);
            let note = format!(" {more} more ");
            let line = Rect {
                width: bottom.width.saturating_sub(2),
                ..bottom
            };
            pen.parts_right(line, 0, &[(&note, Role::Muted)]);
        }
    }

    /// Draws it at the bottom, where the eye is when one types.
    pub fn draw(&self, model: &Model, area: Rect, pen: &mut Pen<'_>) {
        let height = 4.min(area.height);
        let (above, area) = layout::split_bottom(area, height);
        self.draw_offers(above, pen);
        pen.clear(area);
        let inner = pen.pane(area, &self.title(model), true);
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
                let found = self.found(model);
                let hint = found.as_deref().unwrap_or(self.hint());
                let used = pen.say(inner, 3, 1, hint, Role::Muted);
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
