//! A question before something that stops work or throws it away. Never answered by enter, and never by the key
//! that led here: it has keys of its own.

use ratatui::layout::Rect;

use crate::{
    domain::{andon::Scope as Held, command::Command, query::blast::Affected},
    text,
    ui::{
        action::Action,
        asks::Slot,
        keymap::Scope,
        layout,
        model::Model,
        overlay::{form::Form, help::keys_of},
        pen::Pen,
        theme::Role,
        words,
    },
};

/// A command waiting for a yes. What it is about was fixed when it was asked.
#[derive(Debug)]
pub struct Confirm {
    /// What is asked.
    pub question: String,
    /// What to know before answering.
    pub facts: Vec<String>,
    /// What would be held; its consequences are shown before a yes counts.
    pub scope: Option<Held>,
    /// What a yes submits.
    pub command: Box<Command>,
    /// The form it came from.
    pub form: Option<Box<Form>>,
}

impl Confirm {
    /// Returns whether everything that was asked about the consequences is on screen.
    pub fn is_informed(&self, model: &Model) -> bool {
        self.scope.is_none() || self.previewed(model) || model.asks.failure(Slot::Blast).is_some()
    }

    fn previewed(&self, model: &Model) -> bool {
        let scope = self.scope.as_ref().map(Held::to_string);
        let blast = model.asks.blast();
        blast.is_some_and(|blast| Some(&blast.scope) == scope.as_ref())
    }

    fn lines(&self, model: &Model) -> Vec<(String, Role)> {
        let mut lines: Vec<_> = self.facts.iter().map(|f| (f.clone(), Role::Text)).collect();
        let Some(scope) = &self.scope else {
            return lines;
        };
        lines.push((String::new(), Role::Text));
        let Some(blast) = model.asks.blast().filter(|_| self.previewed(model)) else {
            lines.push(match model.asks.failure(Slot::Blast) {
                Some(_) => (
                    "What it would stop could not be found out.".into(),
                    Role::Error,
                ),
                None => ("Looking what it would stop …".into(), Role::Muted),
            });
            return lines;
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
        lines
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
        let keys = keys_of(model, &[Scope::Confirm], &[Action::Yes, Action::No]);
        if self.is_informed(model) {
            pen.say(inner, 1, last, &keys, Role::Key);
        } else {
            let keys = keys_of(model, &[Scope::Confirm], &[Action::No]);
            pen.say(inner, 1, last, &keys, Role::Muted);
        }
    }
}
