//! Wearing a theme: one that was read, one that is tried on, one that is kept.

use crate::ui::{
    effect::Effect,
    look::{Fitting, Look, Wanted},
    model::{Model, Notice},
    overlay::{
        Overlay,
        palette::{Choice, Item, Palette},
    },
    theme::{Role, Theme},
};

/// What stands before what mends a file.
const MEND: &str = "to mend it,";

/// Takes what the user's files say now. Where something is wrong in them all stays as it was: half a theme or keymap is
/// worse than the one before.
pub(super) fn dress(model: &mut Model, look: Look) {
    let Some(first) = look.problems.first() else {
        let before = (model.theme.clone(), model.mark.clone());
        let rebound = model.keymap != look.keymap;
        if rebound {
            model.keymap = look.keymap;
            model.pending.clear();
        }
        model.mark = look.mark;
        match &mut model.fitting {
            Some(fitting) => fitting.before = look.theme,
            None => wear(model, look.theme),
        }
        // What was said of a theme that was just kept is not talked over by the news that it is in the file.
        let changed = rebound || before != (model.theme.clone(), model.mark.clone());
        let said = model.notice.as_ref().is_some_and(|said| said.lead != MEND);
        if said && !changed {
            return;
        }
        return model.say(
            "themes, keys and settings are as the files say now",
            Role::Muted,
        );
    };
    let more = look.problems.len() - 1;
    let mut mend = vec![first.mend.clone()];
    if more > 0 {
        mend.push(format!("{more} more: obeya keymap check, obeya theme list"));
    }
    let place = first.place.map(|place| format!(":{place}"));
    model.notice = Some(Notice {
        text: format!(
            "all stays as it was: {}{}: {}",
            first.file,
            place.unwrap_or_default(),
            first.what
        ),
        lead: MEND,
        lift: mend,
        undo: String::new(),
        role: Role::Error,
        sticky: true,
    });
}

/// Wears a theme, with the mark of the ledger upon it.
fn wear(model: &mut Model, theme: Theme) {
    model.theme = match &model.mark {
        Some(mark) => theme.marked(mark.accent),
        None => theme,
    };
}

/// Opens the list of themes.
pub(super) fn choose(model: &mut Model, themes: Vec<Theme>) {
    if model.overlay.is_some() {
        return;
    }
    let items = themes.iter().map(|theme| {
        let name = theme.name().to_owned();
        Item::new(name.clone(), "", Choice::Theme(name))
    });
    let palette = Palette::new("Themes: type, or arrows", items.collect()).aside();
    let worn = model.theme.name().to_owned();
    model.overlay = Some(Overlay::Palette(Box::new(palette.at(&worn))));
    model.fitting = Some(Fitting {
        themes,
        before: model.theme.clone(),
    });
}

/// Wears the theme that the list of themes is at; once it is closed, what was worn before.
pub(super) fn try_on(model: &mut Model) {
    let Some(fitting) = &model.fitting else {
        return;
    };
    let chosen = match &model.overlay {
        Some(Overlay::Palette(palette)) => palette.chosen(),
        _ => return put_back(model),
    };
    let named = chosen.and_then(|item| match &item.choice {
        Choice::Theme(name) => fitting.themes.iter().find(|theme| theme.name() == name),
        _ => None,
    });
    if let Some(theme) = named.filter(|theme| theme.name() != model.theme.name()) {
        let theme = theme.clone();
        wear(model, theme);
    }
}

/// Wears again what was worn before the list of themes was opened.
fn put_back(model: &mut Model) {
    if let Some(fitting) = model.fitting.take() {
        wear(model, fitting.before);
    }
}

/// Keeps the theme that is tried on.
pub(super) fn keep(model: &mut Model, name: String) -> Vec<Effect> {
    if let Some(fitting) = model.fitting.take()
        && let Some(theme) = fitting
            .themes
            .into_iter()
            .find(|theme| theme.name() == name)
    {
        wear(model, theme);
    }
    vec![Effect::Files(Wanted::KeepTheme(name))]
}
