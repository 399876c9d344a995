//! Searching in what an agent's run wrote.

use crate::ui::{
    effect::Effect,
    model::{Focus, Model, View},
    overlay::{
        Overlay,
        prompt::{Prompt, Purpose},
    },
    runs,
    theme::Role,
};

/// Returns whether what is on screen to be searched is a run's output.
pub(super) fn fits(model: &Model) -> bool {
    model.view == View::Agents && runs::shown(model).is_some() && runs::blind(model).is_none()
}

/// Asks what to search for.
pub(super) fn ask(model: &mut Model) {
    let prompt = Prompt::new(Purpose::Search, &model.runs.words);
    model.overlay = Some(Overlay::Prompt(Box::new(prompt)));
}

/// Searches, and goes to what is found, over the whole screen.
pub(super) fn accept(model: &mut Model, words: &str) {
    model.runs.search(words, true);
    if !words.is_empty() {
        model.focus = Focus::Detail;
    }
}

/// Goes to the next line that was found, or the one before.
pub(super) fn go(model: &mut Model, next: bool) -> Vec<Effect> {
    if model.runs.words.is_empty() {
        model.say("nothing is searched for", Role::Muted);
    } else {
        model.runs.go(next);
    }
    Vec::new()
}
