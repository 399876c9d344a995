//! The board: queued, the stages, done. Cards of two lines; only those on screen are built.

use ratatui::layout::Rect;

use super::standing;
use crate::{
    domain::{
        order::{Order, Status},
        query::order_view::{OrderView, SlaState},
    },
    text,
    ui::{
        arrange::LanesBy,
        board::Kind,
        layout,
        model::{Focus, Model},
        pen::Pen,
        plan::{Card, LaneHead, More, plan},
        theme::Role,
        words,
    },
};

/// Draws the columns that fit, the selected one among them, and the lanes across them.
pub fn draw(model: &Model, area: Rect, pen: &mut Pen<'_>) {
    let board = &model.board;
    let plan = plan(board, area, model.size.1);
    for (nth, place) in plan.places.iter().enumerate() {
        let Some(column) = board.columns.get(place.column) else {
            continue;
        };
        let last = nth + 1 == plan.places.len();
        let before = if nth == 0 { plan.beside.0 } else { 0 };
        let after = if last { plan.beside.1 } else { 0 };
        head(model, place.column, (before, after), place.area, pen);
        if column.ids.is_empty() && (board.by == LanesBy::None || board.lanes.is_empty()) {
            let (_, body) = layout::split_top(place.area, 2);
            let why = if model.filter.is_empty() {
                "empty"
            } else {
                let why = "nothing passes the filter";
                if text::width(why) + 2 > usize::from(body.width) {
                    "none"
                } else {
                    why
                }
            };
            pen.say(body, 2, 0, why, Role::Muted);
        }
        if !last {
            let line = Rect {
                x: place.area.x + place.area.width,
                width: 1,
                ..area
            };
            pen.upright(line, 0, Role::ChartEmpty);
        }
    }
    for card in &plan.cards {
        draw_one(model, card, pen);
    }
    for head in &plan.heads {
        lane(model, head, &plan.more, pen);
    }
    if plan.heads.is_empty() {
        for more in &plan.more {
            let text = out_of_sight(more, pen);
            pen.parts_right(more.area, 0, &[(&text, Role::Muted), (" ", Role::Muted)]);
        }
    }
}

/// Draws a lane's head across the columns: what it is, how much is in it, and of each column how much of that is out of
/// sight. That stands above the column's right edge, or behind the lane's name where that is in the way.
fn lane(model: &Model, head: &LaneHead, more: &[More], pen: &mut Pen<'_>) {
    let (board, area) = (&model.board, head.area);
    let Some(lane) = board.lanes.get(head.lane) else {
        return;
    };
    let chosen = head.lane == board.lane();
    let (role, line) = match chosen {
        true => (Role::Title, Role::BorderFocus),
        false => (Role::Header, Role::ChartEmpty),
    };
    pen.rule(area, 0, line);
    let counted: usize = board.columns.iter().map(|c| c.rows(head.lane).len()).sum();
    let count = format!(", {}", words::count(counted, "order"));
    let room = usize::from(area.width * 3 / 4).saturating_sub(count.len() + 4);
    let title = lane.title(board.by, &model.state);
    let title = format!(" {}", text::cut(&title, room, pen.glyphs().ellipsis));
    let mut end = 2 + pen.parts(area, 2, 0, &[(&title, role), (&count, Role::Muted)]);
    for more in more.iter().filter(|more| more.area.y == area.y) {
        let text = out_of_sight(more, pen);
        let right = (more.area.x + more.area.width).saturating_sub(area.x);
        let width = u16::try_from(text::width(&text)).unwrap_or(u16::MAX);
        if end + width + 2 <= right {
            pen.parts_right(more.area, 0, &[(&text, Role::Muted), (" ", Role::Muted)]);
            continue;
        }
        let column = board.columns.get(more.column);
        let name = column.map_or("", |column| column.name());
        end += pen.say(area, end, 0, &format!(", {name}{text}"), Role::Muted);
    }
    pen.say(area, end, 0, " ", Role::Muted);
}

/// Draws a card, and what says that it is selected or marked.
fn draw_one(model: &Model, card: &Card, pen: &mut Pen<'_>) {
    let board = &model.board;
    let done = board.columns.get(card.column).map(|column| &column.kind) == Some(&Kind::Done);
    match (done, model.state.order(card.id)) {
        (true, _) => {
            // The page may hold orders that the filter hides.
            let page = model.asks.done();
            let view =
                page.and_then(|page| page.work_orders.iter().find(|view| view.id == card.id));
            if let Some(view) = view {
                draw_done(model, view, card.area, pen);
            }
        }
        (false, Some(order)) => draw_card(model, order, card.area, pen),
        (false, None) => {}
    }
    if model.marks.contains(&card.id) {
        pen.say(card.area, 1, 0, pen.glyphs().marked, Role::Match);
    }
    if board.selected == Some(card.id) && board.column == card.column {
        let glyph = pen.glyphs().selected;
        for y in 0..card.area.height {
            pen.say(card.area, 0, y, glyph, Role::Key);
        }
        if model.focus == Focus::View {
            pen.shade(card.area, Role::Selection);
        }
    }
}

/// Returns how many cards are out of sight above and below.
fn out_of_sight(more: &More, pen: &Pen<'_>) -> String {
    let glyphs = pen.glyphs();
    let mut text = String::new();
    if more.above > 0 {
        text += &format!(" {}{}", glyphs.up, more.above);
    }
    if more.below > 0 {
        text += &format!(" {}{}", glyphs.down, more.below);
    }
    text
}

/// Draws a column's name, its count and its limit, and how much of that is taken.
fn head(model: &Model, at: usize, (before, after): (usize, usize), area: Rect, pen: &mut Pen<'_>) {
    let Some(column) = model.board.columns.get(at) else {
        return;
    };
    let selected = at == model.board.column;
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
    if column.more && model.filter.is_empty() {
        count = format!("{shown} of {count}");
    }
    if !model.filter.is_empty() {
        let more = if column.more { "+" } else { "" };
        count = format!("{shown}{more} of {count}");
    }
    let drag = model.pointer.drag.as_ref();
    let target = drag.is_some_and(|drag| drag.over == at && drag.from != at);
    let role = match (target, selected) {
        (true, _) => Role::Selection,
        (false, true) => Role::Title,
        (false, false) => Role::Header,
    };
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
    draw_title(&order.title, line, Role::Text, pen);
}

/// Draws a title beneath the first line of a card, on as many lines as the card has; what is left over is cut.
fn draw_title(title: &str, card: Rect, role: Role, pen: &mut Pen<'_>) {
    let room = usize::from(card.width.saturating_sub(2));
    let lines = text::wrap(title, room);
    for (y, line) in (1..card.height).zip(&lines) {
        let is_last = y + 1 == card.height;
        let end = if is_last { title.len() } else { line.end };
        pen.say(
            card,
            2,
            y,
            title.get(line.start..end).unwrap_or_default(),
            role,
        );
    }
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
    draw_title(&view.title, line, Role::Muted, pen);
}
