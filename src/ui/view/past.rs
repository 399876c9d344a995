//! The line across the screen that says that it shows the past.

use ratatui::layout::Rect;

use crate::ui::{
    action::Action, keymap::chord as written, model::Model, pen::Pen, theme::Role, travel::SPEEDS,
    words,
};

/// Draws where in time the screen stands, how the past is played, and the keys that lead on and back.
pub(super) fn banner(model: &Model, area: Rect, pen: &mut Pen<'_>) {
    if area.height == 0 {
        return;
    }
    pen.shade(area, Role::Selection);
    let way = match model.travel.way.and_then(|way| way.gone) {
        Some((gone, all)) => format!("  replaying {} % ", gone * 100 / all.max(1)),
        None if model.travel.way.is_some() && model.travel.present.is_none() => {
            "  going back … ".into()
        }
        None => String::new(),
    };
    let Some(present) = &model.travel.present else {
        pen.say(area, 1, 0, way.trim(), Role::Warning);
        return;
    };
    let scopes = model.scopes();
    let key = |run: &str| {
        let keys = model.keymap.chords(&scopes, run);
        keys.first().map(|keys| written(keys)).unwrap_or_default()
    };
    let play = match model.travel.play {
        Some(play) => {
            let speed = SPEEDS.get(play.speed).copied().unwrap_or(1);
            format!("  playing {speed}x")
        }
        None => String::new(),
    };
    let keys = [
        (key(Action::Earlier.name()), "earlier"),
        (key(Action::Later.name()), "later"),
        (key(Action::Play.name()), "play"),
        (key(Action::Back.name()), "now"),
    ];
    let hints: Vec<_> = keys.iter().filter(|(key, _)| !key.is_empty()).collect();
    let mut right = Vec::new();
    for (key, word) in &hints {
        right.extend([
            (key.as_str(), Role::Key),
            (" ", Role::Bar),
            (word, Role::Bar),
            ("  ", Role::Bar),
        ]);
    }
    // Where it is narrow, the moment matters more than the keys.
    let taken = match area.width >= 76 {
        true => pen.parts_right(area, 0, &right),
        false => 0,
    };
    let left = Rect {
        width: area.width.saturating_sub(taken + 1),
        ..area
    };
    let moment = format!(
        "{}, {}",
        words::second(model.now),
        words::ago(present.now, model.now)
    );
    let record = format!(
        "  record {} of {}",
        model.state.head.seq, present.state.head.seq
    );
    let parts = [
        (" PAST ", Role::Warning),
        (moment.as_str(), Role::Title),
        (play.as_str(), Role::Warning),
        (way.as_str(), Role::Warning),
        (record.as_str(), Role::Muted),
    ];
    pen.parts(left, 0, 0, &parts);
}
