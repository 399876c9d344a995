//! How an unfinished chord may go on.

use ratatui::layout::Rect;

use crate::{
    text,
    ui::{action::Action, keymap::chord, layout, model::Model, pen::Pen, theme::Role},
};

/// The cells between two columns.
const GAP: u16 = 2;

/// Draws every continuation of the keys pressed so far, in as many columns as it takes. It comes with the very key, so
/// that nothing has to wake up for it later, and whoever knows the chord has typed on before it is seen.
pub(super) fn draw(model: &Model, area: Rect, pen: &mut Pen<'_>) {
    if model.pending.is_empty() {
        return;
    }
    let next = model.keymap.reachable(&model.scopes(), &model.pending);
    let rows: Vec<(String, &str, Role)> = next
        .iter()
        .map(|binding| {
            let rest = binding.on.get(model.pending.len()..).unwrap_or_default();
            let action = Action::parse(&binding.run).map(|(action, _)| action);
            let about = match binding.desc.as_str() {
                "" => action.map_or("", Action::about),
                desc => desc,
            };
            let can = action.is_none_or(|action| action.available(model).is_ok());
            (
                chord(rest),
                about,
                if can { Role::Text } else { Role::Muted },
            )
        })
        .collect();
    let widest = |width: &dyn Fn(&(String, &str, Role)) -> usize| {
        let widest = rows.iter().map(width).max().unwrap_or(0);
        u16::try_from(widest).unwrap_or(area.width)
    };
    let keys = widest(&|(keys, ..)| text::width(keys));
    let column = keys + GAP + widest(&|(_, about, _)| text::width(about));
    // The borders and the row of hints beneath stay.
    let high = usize::from(area.height.saturating_sub(3)).max(1);
    let room = usize::from((area.width.saturating_sub(4) + GAP) / (column + GAP)).max(1);
    let columns = rows.len().div_ceil(high).min(room).max(1);
    let high = rows.len().div_ceil(columns).min(high);
    let count = u16::try_from(columns).unwrap_or(1);
    let width = (column.saturating_mul(count) + GAP * (count - 1) + 4).min(area.width);
    let height = u16::try_from(high + 2).unwrap_or(u16::MAX).min(area.height);
    let (_, right) = layout::split_right(area, width);
    let (_, corner) = layout::split_bottom(right, height + 1);
    let (place, _) = layout::split_top(corner, height);
    pen.clear(place);
    let title = format!("{} {}", chord(&model.pending), pen.glyphs().ellipsis);
    let inner = pen.pane(place, &title, true);
    for (at, (shown, about, role)) in rows.iter().enumerate().take(high * columns) {
        let (x, y) = (at / high, at % high);
        let x = 1 + u16::try_from(x).unwrap_or(0) * (column + GAP);
        let y = u16::try_from(y).unwrap_or(u16::MAX);
        pen.say(inner, x, y, shown, Role::Key);
        pen.say(inner, x + keys + GAP, y, about, *role);
    }
}
