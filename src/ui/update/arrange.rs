//! How the board is arranged and narrowed: sort, lanes, saved filters.

use crate::{
    config::Filters,
    ui::{
        arrange::{LanesBy, Sort},
        effect::Effect,
        filter::Filter,
        look::Wanted,
        model::{Model, View},
        theme::Role,
    },
};

/// Sorts the board's columns another way.
pub(super) fn sort(model: &mut Model, name: &str) -> Vec<Effect> {
    if let Some(sort) = Sort::named(name) {
        model.board.sort = sort;
        model.board_of = None;
        model.say(format!("cards {}", sort.said()), Role::Muted);
    }
    Vec::new()
}

/// Cuts the board into other lanes.
pub(super) fn lanes(model: &mut Model, name: &str) -> Vec<Effect> {
    if let Some(by) = LanesBy::named(name) {
        model.board.by = by;
        model.board_of = None;
        model.say(by.said(), Role::Muted);
    }
    Vec::new()
}

/// Applies a saved filter, saves the active one under a name, or forgets one.
pub(super) fn filter(model: &mut Model, argument: &str) -> Vec<Effect> {
    let words: Vec<&str> = argument.split_whitespace().collect();
    match words.as_slice() {
        ["save", name] if model.filter.is_empty() => {
            let text = format!("no filter is active that could be saved as {name}");
            model.say(text, Role::Warning);
            Vec::new()
        }
        ["save", name] => keep(name, Some(model.filter.text().to_owned())),
        ["forget", name] => keep(name, None),
        [name] => {
            let Some(text) = model.filters.get(*name) else {
                model.say(format!("there is no filter '{name}'"), Role::Warning);
                return Vec::new();
            };
            model.filter = Filter::parse(text).0;
            super::go(model, View::Kanban.name());
            Vec::new()
        }
        _ => Vec::new(),
    }
}

fn keep(name: &str, text: Option<String>) -> Vec<Effect> {
    vec![Effect::Files(Wanted::KeepFilter(name.to_owned(), text))]
}

/// Takes the saved filters as the file has them now.
pub(super) fn kept(model: &mut Model, filters: Filters, said: Result<String, String>) {
    model.filters = filters;
    match said {
        Ok(text) if text.is_empty() => {}
        Ok(text) => model.say(text, Role::Ok),
        Err(text) => model.say(text, Role::Error),
    }
}
