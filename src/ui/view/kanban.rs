//! The board: queued, the stages, done. Cards of two lines; only those on screen are built.

use ratatui::layout::Rect;

use super::standing;
use crate::{
    domain::{
        order::{Order, Status},
        query::order_view::{OrderView, SlaState},
    },
    ui::{
        board::{Column, Kind},
        layout::{self, AIRY},
        model::{Focus, Model},
        pen::Pen,
        theme::Role,
        words,
    },
};

/// Draws the columns that fit, the selected one among them.
pub fn draw(model: &Model, area: Rect, pen: &mut Pen<'_>) {
    let board = &model.board;
    let columns = layout::columns(
        area.width,
        board.columns.len(),
        board.column,
        board.first_column,
    );
    let shown = board
        .columns
        .iter()
        .enumerate()
        .skip(columns.first)
        .take(columns.shown);
    let last = columns.first + columns.shown;
    for (nth, (at, column)) in (0u16..).zip(shown) {
        let wide = usize::from(nth) + 1 == columns.shown;
        let x = nth * columns.width;
        let place = Rect {
            x: area.x + x,
            width: if wide {
                area.width - x
            } else {
                columns.width - 1
            },
            ..area
        };
        let before = if nth == 0 { columns.first } else { 0 };
        let after = if wide { board.columns.len() - last } else { 0 };
        draw_column(model, at, column, (before, after), place, pen);
        if !wide {
            let line = Rect {
                x: place.x + place.width,
                width: 1,
                ..area
            };
            pen.upright(line, 0, Role::ChartEmpty);
        }
    }
}

fn draw_column(
    model: &Model,
    at: usize,
    column: &Column,
    beside: (usize, usize),
    area: Rect,
    pen: &mut Pen<'_>,
) {
    let selected = at == model.board.column;
    head(model, column, selected, beside, area, pen);
    let (_, body) = layout::split_top(area, 2);
    let pitch = if model.size.1 >= AIRY { 3 } else { 2 };
    let cards = usize::from((body.height / pitch).max(1));
    if column.ids.is_empty() {
        let why = if model.filter.is_empty() {
            "empty"
        } else {
            "nothing passes the filter"
        };
        pen.say(body, 2, 0, why, Role::Muted);
        return;
    }
    let page = model.asks.done();
    for (y, row) in (0..body.height)
        .step_by(usize::from(pitch))
        .zip(column.window.range(column.ids.len(), cards))
    {
        let Some(id) = column.ids.get(row) else { break };
        let card = Rect {
            y: body.y + y,
            height: 2.min(body.height - y),
            ..body
        };
        let chosen = selected && model.board.selected == Some(*id);
        match (&column.kind, model.state.order(*id)) {
            (Kind::Done, _) => {
                // The page may hold orders that the filter hides.
                let view =
                    page.and_then(|page| page.work_orders.iter().find(|view| view.id == *id));
                if let Some(view) = view {
                    draw_done(model, view, card, pen);
                }
            }
            (_, Some(order)) => draw_card(model, order, card, pen),
            (_, None) => {}
        }
        if chosen {
            let glyph = pen.glyphs().selected;
            for y in 0..card.height {
                pen.say(card, 0, y, glyph, Role::Key);
            }
            if model.focus == Focus::View {
                pen.shade(card, Role::Selection);
            }
        }
    }
    let below = column.ids.len().saturating_sub(column.window.first + cards);
    if below > 0 || column.window.first > 0 {
        let glyphs = pen.glyphs();
        let up = column.window.first;
        let mut place = String::new();
        if up > 0 {
            place += &format!(" {}{up}", glyphs.up);
        }
        if below > 0 {
            place += &format!(" {}{below}", glyphs.down);
        }
        pen.parts_right(
            Rect {
                y: area.y + 1,
                height: 1,
                ..area
            },
            0,
            &[(&place, Role::Muted), (" ", Role::Muted)],
        );
    }
}

/// Draws a column's name, its count and its limit, and how much of that is taken.
fn head(
    model: &Model,
    column: &Column,
    selected: bool,
    (before, after): (usize, usize),
    area: Rect,
    pen: &mut Pen<'_>,
) {
    let glyphs = pen.glyphs();
    let full = column
        .limit
        .is_some_and(|limit| column.total >= u64::from(limit));
    let mut count = match column.limit {
        Some(limit) => format!("{}/{limit}", column.total),
        None => column.total.to_string(),
    };
    if full {
        count += " full";
    }
    let shown = column.ids.len();
    if !model.filter.is_empty() {
        let more = if column.more { "+" } else { "" };
        count = format!("{shown}{more} of {count}");
    }
    let role = if selected { Role::Title } else { Role::Header };
    let left = format!("{}{before} ", glyphs.left);
    let right = format!(" {}{after}", glyphs.right);
    let mut x = 1;
    if before > 0 {
        x += pen.say(area, 0, 0, &left, Role::Key);
    }
    x += pen.say(area, x, 0, column.name(), role) + 1;
    pen.say(
        area,
        x,
        0,
        &count,
        if full { Role::Warning } else { Role::Muted },
    );
    if after > 0 {
        pen.parts_right(area, 0, &[(&right, Role::Key)]);
    }
    pen.rule(
        area,
        1,
        if selected {
            Role::BorderFocus
        } else {
            Role::ChartEmpty
        },
    );
}

fn draw_card(model: &Model, order: &Order, area: Rect, pen: &mut Pen<'_>) {
    let glyphs = pen.glyphs();
    let (mark, role) = standing::mark(&model.state, order, glyphs);
    let since = order.work().map_or(order.created, |work| work.since);
    let age = words::age(model.now.since(since));
    let sla = standing::sla(&model.state, order, model.now, glyphs);
    let (sla, sla_role) = sla.unwrap_or((String::new(), Role::SlaOk));
    let line = Rect {
        width: area.width.saturating_sub(1),
        ..area
    };
    let urgent = order.priority.get() >= 8;
    let priority = format!("p{}", order.priority);
    let priority_role = if urgent {
        Role::PriorityHigh
    } else {
        Role::Muted
    };
    let id = order.id.to_string();
    let used = 2 + pen.parts(
        line,
        2,
        0,
        &[
            (&mark, role),
            (" ", Role::Text),
            (&id, Role::Link),
            (" ", Role::Text),
            (&priority, priority_role),
        ],
    );
    // The SLA matters more than the age, and the holder is named where there is room left.
    let rest = layout::split_left(line, used + 1).1;
    let taken = if sla.is_empty() {
        pen.parts_right(rest, 0, &[(&age, Role::Muted)])
    } else {
        pen.parts_right(
            rest,
            0,
            &[(&age, Role::Muted), (" ", Role::Text), (&sla, sla_role)],
        )
    };
    let room = rest.width.saturating_sub(taken + 1);
    if let Some(work) = order.work()
        && room >= LEAST_NAME
    {
        let place = Rect {
            width: room,
            ..rest
        };
        pen.say(place, 0, 0, &work.holder.name, Role::AgentActive);
    }
    let title = layout::split_top(line, 2).0;
    pen.say(title, 2, 1, &order.title, Role::Text);
}

/// The fewest cells in which a cut name still tells something.
const LEAST_NAME: u16 = 4;

fn draw_done(model: &Model, view: &OrderView, area: Rect, pen: &mut Pen<'_>) {
    let glyphs = pen.glyphs();
    let (mark, role) = standing::status(Status::Completed, glyphs);
    let id = view.id.to_string();
    let closed = view.closed_at.map_or(model.now, |at| at.0);
    let age = words::age(model.now.since(closed));
    let line = Rect {
        width: area.width.saturating_sub(1),
        ..area
    };
    let late = view.sla == SlaState::Breached;
    let sla = if late {
        format!("{}late ", glyphs.sla_breached)
    } else {
        String::new()
    };
    let taken = pen.parts_right(line, 0, &[(&sla, Role::SlaBreached), (&age, Role::Muted)]);
    let left = Rect {
        width: line.width.saturating_sub(taken + 1),
        ..line
    };
    let sku = view.sku.as_deref().unwrap_or_default();
    pen.parts(
        left,
        2,
        0,
        &[
            (mark, role),
            (" ", Role::Text),
            (&id, Role::Link),
            (" ", Role::Text),
            (sku, Role::Muted),
        ],
    );
    pen.say(line, 2, 1, &view.title, Role::Muted);
}
