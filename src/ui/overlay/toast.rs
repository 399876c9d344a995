//! What happened last: an answer, or a refusal with what would lift it.

use ratatui::layout::Rect;

use crate::ui::{model::Notice, pen::Pen, theme::Role};

/// Draws the notice: one line, and one for each way to lift a refusal.
pub fn draw(notice: &Notice, area: Rect, pen: &mut Pen<'_>) {
    pen.clear(area);
    let glyphs = pen.glyphs();
    let mark = match notice.role {
        Role::Error => glyphs.failed,
        Role::Ok => glyphs.ok,
        Role::Warning => glyphs.andon_medium,
        _ => glyphs.bullet,
    };
    pen.parts(
        area,
        1,
        0,
        &[
            (mark, notice.role),
            (" ", Role::Text),
            (&notice.text, notice.role),
        ],
    );
    for (y, lift) in (1..area.height).zip(&notice.lift) {
        let lead = match y {
            1 => notice.lead.to_owned(),
            _ => format!("{:>1$}", "or", notice.lead.len()),
        };
        pen.parts(
            area,
            3,
            y,
            &[(&lead, Role::Muted), (" ", Role::Text), (lift, Role::Text)],
        );
    }
}
