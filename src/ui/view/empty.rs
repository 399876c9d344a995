//! What stands in a view's place while there is nothing to show in it.

use ratatui::layout::Rect;

use crate::{
    text,
    ui::{keymap::chord as written, layout, model::Model, msg::Connection, pen::Pen, theme::Role},
};

/// Draws what somebody sees who is attached to an engine of whose line nothing has come yet.
pub(super) fn waiting(model: &Model, area: Rect, pen: &mut Pen<'_>) {
    let what = format!("Nothing of '{}' has come yet.", model.session.ledger);
    let why = match &model.session.connection {
        Connection::Down { why, .. } => text::clean(why).into_owned(),
        _ => "It is on its way.".into(),
    };
    let width = usize::from(area.width.saturating_sub(4)).max(1);
    let why: Vec<&str> = text::wrap(&why, width)
        .into_iter()
        .filter_map(|row| why.get(row))
        .collect();
    let lines = why.iter().map(|line| text::width(line));
    let width = lines.chain([text::width(&what)]).max().unwrap_or(0);
    let height = u16::try_from(why.len() + 2).unwrap_or(area.height);
    let place = layout::dialog(area, u16::try_from(width).unwrap_or(area.width), height);
    pen.say(place, 0, 0, &what, Role::Title);
    for (y, line) in (2..place.height).zip(why) {
        pen.say(place, 0, y, line, Role::Muted);
    }
}

/// Draws what somebody sees who opens an empty ledger.
pub(super) fn welcome(model: &Model, area: Rect, pen: &mut Pen<'_>) {
    let scopes = model.scopes();
    let key = |action: &str| {
        let keys = model.keymap.chords(&scopes, action);
        keys.first().map(|keys| written(keys)).unwrap_or_default()
    };
    let mut lines = vec![
        (
            format!("The ledger '{}' is empty.", model.session.ledger),
            Role::Title,
        ),
        (String::new(), Role::Text),
    ];
    if model.observes() {
        lines.push((
            "This console only observes; it will show what others do.".into(),
            Role::Muted,
        ));
    } else {
        lines.push((
            format!("{:<8}create a work order", key("create")),
            Role::Text,
        ));
        lines.push((
            format!("{:<8}type a command, for example", key("command")),
            Role::Text,
        ));
        lines.push((String::new(), Role::Text));
        for line in [
            "work-order create --title \"First\" --bucket features",
            "import beads .beads/issues.jsonl",
            "agent register rust-dev",
        ] {
            lines.push((format!("          {line}"), Role::Link));
        }
        lines.push((String::new(), Role::Text));
        lines.push((
            format!("{:<8}all keys of this view", key("help")),
            Role::Text,
        ));
    }
    let width = lines
        .iter()
        .map(|(line, _)| text::width(line))
        .max()
        .unwrap_or(0);
    let height = u16::try_from(lines.len()).unwrap_or(area.height);
    let place = layout::dialog(area, u16::try_from(width).unwrap_or(area.width), height);
    for (y, (line, role)) in (0..place.height).zip(&lines) {
        pen.say(place, 0, y, line, *role);
    }
}
