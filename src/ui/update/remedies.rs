//! What would lift a refusal, in the console's own words: a key where one does it here, else a line to type.

use crate::{
    domain::refusal::Refusal,
    ui::{action::Action, keymap::chord, model::Model},
};

/// The commands that a key does, on what is selected, if that is what the command is about.
const KEYS: &[(&str, Action)] = &[
    ("work-order start", Action::Start),
    ("work-order complete", Action::Complete),
    ("work-order reopen", Action::Reopen),
    ("work-order release", Action::Release),
    ("work-order create", Action::Create),
    ("work-order list", Action::Palette),
    ("andon resolve", Action::Resolve),
    ("agent resume", Action::PauseAgent),
    ("deps show", Action::Tree),
];

/// Returns what would lift a refusal.
pub(super) fn of(model: &Model, refusal: &Refusal) -> Vec<String> {
    let lift = refusal.lift();
    lift.into_iter().map(|line| here(model, line)).collect()
}

/// Returns a remedy as this console does it; a plain sentence stays one.
fn here(model: &Model, line: String) -> String {
    let Some(command) = line.strip_prefix("obeya ") else {
        return line;
    };
    let scopes = model.scopes();
    let key = |action: Action| {
        let keys = model.keymap.chords(&scopes, action.name());
        keys.first().map(|keys| chord(keys))
    };
    let named = |(words, action): &(&str, Action)| Some((command.strip_prefix(words)?, *action));
    if let Some((rest, action)) = KEYS.iter().find_map(named)
        && is_selected(model, action, rest.trim_start())
        && action.available(model).is_ok()
        && let Some(key) = key(action)
    {
        return format!("{key} {}", action.short());
    }
    match key(Action::Command) {
        Some(key) => format!("{key}{command}"),
        None => line,
    }
}

/// Returns whether an action would be about what a command names: its first word, if it is about anything at all.
fn is_selected(model: &Model, action: Action, rest: &str) -> bool {
    let named = rest.split(' ').next().unwrap_or_default();
    match action {
        Action::Create | Action::Palette => true,
        Action::Resolve => model.selected_alert().map(|id| id.to_string()) == Some(named.into()),
        Action::PauseAgent => model.selected_agent() == Some(named),
        _ => model.selected_order().map(|id| id.to_string()) == Some(named.into()),
    }
}
