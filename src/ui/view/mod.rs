//! Views borrow the model and write cells. Only what is on screen is built.

mod addresses;
pub mod agents;
mod alert;
pub mod andon;
pub mod dependencies;
pub mod detail;
pub mod events;
mod figures;
pub mod flow;
pub mod frame;
pub mod graph;
pub mod kanban;
pub mod messages;
pub mod overview;
mod past;
mod runs;
pub mod standing;
mod wall;
mod which_key;

use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    layout,
    model::{Focus, Model, View},
    overlay::{Overlay, toast},
    pen::Pen,
};

/// Draws the whole screen.
pub fn draw(model: &Model, buffer: &mut Buffer) {
    let area = buffer.area;
    let mut pen = Pen::new(buffer, &model.theme);
    pen.clear(area);
    if model.wall.is_some() {
        return wall::draw(model, area, &mut pen);
    }
    if layout::is_tiny(area) {
        frame::counts(model, area, &mut pen);
        return;
    }
    let screen = model.screen();
    frame::header(model, screen.header, &mut pen);
    past::banner(model, screen.past, &mut pen);
    frame::band(model, screen.band, &mut pen);
    frame::filter(model, screen.filter, &mut pen);
    if screen.body.area() > 0 {
        body(model, screen.body, &mut pen);
    }
    if let Some(detail) = &model.detail {
        let title = detail.id.to_string();
        let focus = model.focus == Focus::Detail;
        detail.pane.draw(screen.detail, &title, focus, &mut pen);
    }
    frame::hints(model, screen.hints, &mut pen);
    if let Some(notice) = &model.notice {
        toast::draw(notice, screen.notice, &mut pen);
    }
    if let Some(overlay) = &model.overlay {
        overlay.draw(model, area, &mut pen);
    }
    which_key::draw(model, area, &mut pen);
}

/// Returns the row that is looked at first after a key: on a slow link a frame comes from there.
pub fn eye(model: &Model) -> u16 {
    match &model.overlay {
        // What is typed stands in the second row of a box at the bottom.
        Some(Overlay::Prompt(_)) => model.size.1.saturating_sub(3),
        Some(Overlay::Palette(palette)) => palette.typed_at(model.area()),
        _ => 0,
    }
}

fn body(model: &Model, area: Rect, pen: &mut Pen<'_>) {
    if model.is_empty()
        && matches!(
            model.view,
            View::Overview | View::Kanban | View::Dependencies
        )
    {
        frame::welcome(model, area, pen);
        return;
    }
    match model.view {
        View::Overview => overview::draw(model, area, pen),
        View::Kanban => kanban::draw(model, area, pen),
        View::Dependencies if model.graph.shown => graph::draw(model, area, pen),
        View::Dependencies => dependencies::draw(model, area, pen),
        View::Andon => andon::draw(model, area, pen),
        View::Agents => agents::draw(model, area, pen),
        View::Events => events::draw(model, area, pen),
        View::Flow => flow::draw(model, area, pen),
        View::Messages => messages::draw(model, area, pen),
    }
}
