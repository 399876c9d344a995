//! Going through what an agent's run wrote, and searching in it.

use crate::ui::{
    action::Action,
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

/// Runs an act on the log that is shown.
pub(super) fn run(model: &mut Model, action: Action, argument: &str) -> Vec<Effect> {
    match action {
        Action::Follow => model.runs.follow(),
        Action::Slide => model.runs.slide(argument == "right"),
        _ if model.runs.words.is_empty() => model.say("nothing is searched for", Role::Muted),
        _ => model.runs.go(action == Action::SearchNext),
    }
    Vec::new()
}
