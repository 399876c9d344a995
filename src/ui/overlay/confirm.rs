//! A question before something that stops work or throws it away. Never answered by enter, and never by the key
//! that led here: it has keys of its own.

use ratatui::layout::Rect;

use crate::{
    domain::{
        andon::Scope as Held,
        command::Command,
        id::{AlertId, OrderId},
        query::blast::{Affected, Blast},
        time::MINUTE,
    },
    text,
    ui::{
        action::Action,
        asks::Slot,
        errand::Step,
        keymap::Scope,
        layout,
        mail::MailAct,
        model::Model,
        overlay::{form::Form, help::keys_in},
        pen::Pen,
        theme::Role,
        words,
    },
};

/// A question. What it is about was fixed when it was asked.
#[derive(Debug)]
pub struct Confirm {
    /// What is asked.
    pub question: String,
    /// What to know before answering.
    pub facts: Vec<String>,
    /// What has to be looked up and shown before a yes counts.
    pub stake: Option<Stake>,
    /// What a yes does.
    pub yes: Yes,
    /// The form it came from: a no gives it back.
    pub form: Option<Box<Form>>,
}

/// What a yes does.
#[derive(Debug)]
pub enum Yes {
    /// Submits a command; one about a claim only as long as that claim holds.
    Submit(Box<Command>, Option<u32>),
    /// Does one thing, in a word or two, with many orders or alerts.
    Each(String, Vec<Step>),
    /// Takes those of the alerts that are still open then, with one order that is to mend them.
    Take(Vec<AlertId>),
    /// Does something about a dead letter.
    Mail(MailAct),
    /// Runs a line of the command line's grammar.
    Line(String),
    /// Throws the form away.
    Discard,
}

/// What a yes is about, beyond what the state knows.
#[derive(Debug)]
pub enum Stake {
    /// What a hold would stop.
    Hold(Held),
    /// How long an agent's lease on an order still runs.
    Lease(OrderId),
}

impl Confirm {
    /// Returns whether everything that has to be looked up is on screen, or cannot be found out.
    pub fn is_informed(&self, model: &Model) -> bool {
        match &self.stake {
            None => true,
            Some(Stake::Hold(scope)) => {
                blast(model, scope).is_some() || model.asks.failure(Slot::Blast).is_some()
            }
            Some(Stake::Lease(id)) => {
                model.asks.lease(*id).is_some() || model.asks.failure(Slot::Lease).is_some()
            }
        }
    }

    fn lines(&self, model: &Model) -> Vec<(String, Role)> {
        let mut lines: Vec<_> = self.facts.iter().map(|f| (f.clone(), Role::Text)).collect();
        match &self.stake {
            None => {}
            Some(Stake::Hold(scope)) => self.consequences(model, scope, &mut lines),
            // Behind the title: who it is comes before what it means.
            Some(Stake::Lease(id)) => lines.insert(lines.len().min(1), lease(model, *id)),
        }
        lines
    }

    fn consequences(&self, model: &Model, scope: &Held, lines: &mut Vec<(String, Role)>) {
        lines.push((String::new(), Role::Text));
        let Some(blast) = blast(model, scope) else {
            lines.push(match model.asks.failure(Slot::Blast) {
                Some(_) => (
                    "What it would stop could not be found out.".into(),
                    Role::Error,
                ),
                None => ("Looking what it would stop …".into(), Role::Muted),
            });
            return;
        };
        lines.push((format!("Holding {scope} would stop"), Role::Title));
        let total = |affected: &Affected| usize::try_from(affected.total).unwrap_or(usize::MAX);
        let parts = [
            (
                &blast.in_progress,
                "in progress",
                "cannot move on or complete",
            ),
            (&blast.ready, "ready", "cannot start"),
            (&blast.downstream, "downstream", "waiting outside the scope"),
        ];
        for (affected, word, why) in parts {
            let role = if affected.total > 0 {
                Role::Warning
            } else {
                Role::Muted
            };
            lines.push((format!("  {:>5} {word}: {why}", total(affected)), role));
            for order in affected.orders.iter().take(3) {
                let holder = order.holder.as_ref().map(|h| format!("  ({})", h.name));
                let line = format!(
                    "        {} {}{}",
                    order.id,
                    order.title,
                    holder.unwrap_or_default()
                );
                lines.push((line, Role::Muted));
            }
        }
        if !blast.held_already_by.is_empty() {
            let ids: Vec<String> = blast
                .held_already_by
                .iter()
                .map(ToString::to_string)
                .collect();
            lines.push((format!("  held already by {}", ids.join(", ")), Role::Muted));
        }
        if !blast.exempt.is_empty() {
            let mending = words::count(blast.exempt.len(), "corrective order");
            lines.push((format!("  {mending} may go on"), Role::Muted));
        }
    }

    /// Draws it in the middle.
    pub fn draw(&self, model: &Model, area: Rect, pen: &mut Pen<'_>) {
        let lines = self.lines(model);
        let widest = lines
            .iter()
            .map(|(line, _)| text::width(line))
            .max()
            .unwrap_or(0);
        let width = u16::try_from(widest.max(text::width(&self.question)) + 6).unwrap_or(80);
        let height = u16::try_from(lines.len() + 4).unwrap_or(u16::MAX);
        let area = layout::dialog(area, width.clamp(44, 90), height);
        pen.clear(area);
        let inner = pen.pane_in(area, &self.question, Role::Error);
        let room = inner.height.saturating_sub(2);
        for (y, (line, role)) in (0..room).zip(&lines) {
            pen.say(inner, 1, y, line, *role);
        }
        let last = inner.height.saturating_sub(1);
        let words = match self.yes {
            Yes::Submit(..) | Yes::Each(..) | Yes::Take(_) | Yes::Line(_) => {
                [(Action::Yes, "yes"), (Action::No, "no")]
            }
            Yes::Mail(_) => [(Action::Yes, "throw it away"), (Action::No, "keep it")],
            Yes::Discard => [(Action::Yes, "discard it"), (Action::No, "keep writing")],
        };
        if self.is_informed(model) {
            let keys = keys_in(model, &[Scope::Confirm], &words);
            pen.say(inner, 1, last, &keys, Role::Key);
        } else {
            let keys = keys_in(model, &[Scope::Confirm], &words[1..]);
            pen.say(inner, 1, last, &keys, Role::Muted);
        }
    }
}

/// Returns what a hold of this very scope would stop, once that was answered.
fn blast<'a>(model: &'a Model, scope: &Held) -> Option<&'a Blast> {
    let scope = scope.to_string();
    model.asks.blast().filter(|blast| blast.scope == scope)
}

fn lease(model: &Model, id: OrderId) -> (String, Role) {
    let holder = model.state.order(id).and_then(|order| order.work());
    let Some(holder) = holder.map(|work| &work.holder) else {
        return ("Nobody holds it any more.".into(), Role::Warning);
    };
    let Some(found) = model.asks.lease(id) else {
        return match model.asks.failure(Slot::Lease) {
            Some(_) => (
                format!("{holder} holds it; how long the lease runs could not be found out."),
                Role::Error,
            ),
            None => (
                "Looking how long its lease still runs …".into(),
                Role::Muted,
            ),
        };
    };
    let left = found.map(|lease| lease.expires_at.0.since(model.now));
    let text = match left {
        None => format!("{holder} holds it without a lease."),
        Some(0) => format!("{holder} holds it; its lease lapses now."),
        Some(left) => {
            let left = match left {
                left if left < MINUTE => words::left(left),
                left => words::span(left),
            };
            format!("{holder} holds it, and its lease runs {left} more.")
        }
    };
    (text, Role::AgentActive)
}
