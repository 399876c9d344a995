//! How work flows and what is to be expected: six pages, each a drawing with its figures in words beside it.

mod ageing;
mod cumulative;
mod cycle;
mod due;
mod risk;
mod throughput;

use ratatui::layout::Rect;

use crate::{
    domain::{
        query::{Answer, value::Decimal},
        time::SECOND,
    },
    text,
    ui::{
        asks::Slot,
        flow::Page,
        layout,
        model::{Focus, Model},
        pen::Pen,
        theme::{Glyphs, Role},
        widget::wrapped_text::{Paragraph, WrappedText},
        words,
    },
};

/// From this width on the words stand beside the drawing; below it, over it.
const BESIDE: u16 = 90;
/// The width of the words beside the drawing.
const WORDS: u16 = 36;
/// The lowest drawing that shows something.
const LEAST_DRAWING: u16 = 3;

/// Where the parts of the view are.
struct Places {
    tabs: Rect,
    note: Rect,
    words: Rect,
    drawing: Rect,
}

/// Draws the page on screen.
pub fn draw(model: &Model, area: Rect, pen: &mut Pen<'_>) {
    let text = wrapped(model, area);
    let places = places(model, area, text.as_ref());
    tabs(model, places.tabs, pen);
    pen.say(places.note, 1, 0, &note(model), Role::Warning);
    let Some(text) = text else {
        let (said, role) = match model.asks.failure(Slot::Flow) {
            Some(failure) => (failure.to_string(), Role::Error),
            None => (format!("counting {}", pen.glyphs().ellipsis), Role::Muted),
        };
        pen.say(places.drawing, 1, 0, &said, role);
        return;
    };
    text.draw(pen, places.words, 0);
    let area = places.drawing;
    if area.height < LEAST_DRAWING {
        return;
    }
    match (model.flow.page, model.asks.flow()) {
        (Page::Cumulative, Some(Answer::Flow(flow))) => cumulative::draw(flow, area, pen),
        (Page::Cycle, Some(Answer::CycleTimes(times))) => cycle::draw(model, times, area, pen),
        (Page::Ageing, Some(Answer::Ageing(of))) => ageing::draw(model, of, area, pen),
        (Page::Forecast, Some(Answer::Velocity(of))) => throughput::draw(model, of, area, pen),
        (Page::Sla, Some(Answer::Sla(sla))) => due::draw(model, sla, area, pen),
        (Page::Risk, Some(Answer::Risk(risk))) => risk::draw(model, risk, area, pen),
        _ => {}
    }
}

/// Returns how many rows of the page's list there is room for.
pub fn rows(model: &Model, area: Rect) -> usize {
    let text = wrapped(model, area);
    let drawing = places(model, area, text.as_ref()).drawing;
    let list = match model.flow.page {
        Page::Sla => due::split(drawing).1,
        _ => drawing,
    };
    usize::from(list.height.saturating_sub(1))
}

/// Returns the figures in words, wrapped for where they stand; None until the page's answer is there.
fn wrapped(model: &Model, area: Rect) -> Option<WrappedText> {
    let glyphs = model.theme.glyphs();
    let said = match (model.flow.page, model.asks.flow()?) {
        (Page::Cumulative, Answer::Flow(flow)) => cumulative::words(flow, glyphs),
        (Page::Cycle, Answer::CycleTimes(times)) => cycle::words(times, glyphs),
        (Page::Ageing, Answer::Ageing(of)) => ageing::words(of),
        (Page::Forecast, Answer::Velocity(of)) => throughput::words(model, of),
        (Page::Sla, Answer::Sla(sla)) => due::words(sla),
        (Page::Risk, Answer::Risk(risk)) => risk::words(risk),
        _ => return None,
    };
    let width = match area.width >= BESIDE {
        true => WORDS,
        false => area.width,
    };
    Some(WrappedText::new(said, usize::from(width.saturating_sub(2))))
}

fn places(model: &Model, area: Rect, text: Option<&WrappedText>) -> Places {
    let (tabs, rest) = layout::split_top(area, 1);
    let (note, rest) = layout::split_top(rest, u16::from(!note(model).is_empty()));
    let inset = |area: Rect| Rect {
        x: area.x + 1.min(area.width),
        width: area.width.saturating_sub(2),
        ..area
    };
    let lines = text.map_or(0, |text| u16::try_from(text.len()).unwrap_or(u16::MAX));
    let (words, drawing) = match area.width >= BESIDE {
        true => {
            let (drawing, words) = layout::split_right(rest, WORDS);
            (words, drawing)
        }
        // The drawing has at least half; where that is nothing to see, the words have all of it.
        false if rest.height / 2 < LEAST_DRAWING => (rest, Rect::default()),
        false => layout::split_top(rest, lines.min(rest.height / 2)),
    };
    Places {
        tabs,
        note: inset(note),
        words: inset(words),
        drawing: inset(drawing),
    }
}

/// Draws the pages' names, that on screen like a selected row; where it is narrow only that one and its number.
fn tabs(model: &Model, area: Rect, pen: &mut Pen<'_>) {
    let glyphs = pen.glyphs();
    let page = model.flow.page;
    let mut right = Vec::new();
    let counting = format!("counting {} ", glyphs.ellipsis);
    if model.asks.is_behind(Slot::Flow) && wrapped(model, area).is_some() {
        right.push((counting.as_str(), Role::Muted));
    }
    let taken = pen.parts_right(area, 0, &right);
    let room = area.width.saturating_sub(taken);
    let name = |page: &Page| format!(" {} ", page.name());
    let all: usize = Page::ALL.iter().map(|page| text::width(&name(page))).sum();
    let mut x = 1 + pen.say(area, 1, 0, glyphs.left, Role::Key);
    if all + 4 <= usize::from(room) {
        for one in &Page::ALL {
            let role = if *one == page {
                Role::Selection
            } else {
                Role::Bar
            };
            x += pen.say(area, x, 0, &name(one), role);
        }
    } else {
        x += pen.say(area, x, 0, &name(&page), Role::Selection);
        let count = format!("{}/{} ", page as usize + 1, Page::ALL.len());
        x += pen.say(area, x, 0, &count, Role::Muted);
    }
    pen.say(area, x, 0, glyphs.right, Role::Key);
}

/// Returns what of the board's filter this page does not count by; empty if it counts by all of it.
fn note(model: &Model) -> String {
    let narrowed = model.filter.narrowed();
    let mut said = Vec::new();
    if !narrowed.left_out.is_empty() {
        said.push(format!("counted without {}", narrowed.left_out.join(" ")));
    }
    if model.flow.page.is_of_past() && !narrowed.of_now.is_empty() {
        let of_now = narrowed.of_now.join(" ");
        said.push(format!("the past is counted without {of_now}"));
    }
    said.join("; ")
}

/// Draws the rows of a list that are on screen, each by `row`, the selected one marked.
fn list(
    model: &Model,
    area: Rect,
    count: usize,
    pen: &mut Pen<'_>,
    mut row: impl FnMut(usize, Rect, &mut Pen<'_>),
) {
    let list = model.flow.list();
    let ids = model.asks.flow_rows(model.flow.page);
    let range = list.window.range(count, usize::from(area.height));
    for (y, at) in (0..area.height).zip(range) {
        let place = Rect {
            y: area.y + y,
            height: 1,
            ..area
        };
        row(at, place, pen);
        if list.selected.is_some() && list.selected.as_ref() == ids.get(at) {
            pen.say(place, 0, 0, pen.glyphs().selected, Role::Key);
            if model.focus == Focus::View {
                pen.shade(place, Role::Selection);
            }
        }
    }
}

/// Draws a cell of a table, cut to its width, at its right edge if it is a number.
fn cell(pen: &mut Pen<'_>, row: Rect, (x, width): (u16, u16), value: &str, role: Role) {
    let place = layout::split_left(layout::split_left(row, x).1, width).0;
    pen.say(place, 0, 0, value, role);
}

/// Draws a number at the right edge of its cell.
fn number(pen: &mut Pen<'_>, row: Rect, (x, width): (u16, u16), value: &str, role: Role) {
    let place = layout::split_left(layout::split_left(row, x).1, width).0;
    pen.parts_right(place, 0, &[(value, role)]);
}

/// Returns seconds as people say them.
fn length(seconds: i64) -> String {
    words::span(seconds.saturating_mul(SECOND))
}

/// Returns how an order looks that is later than so many percent of its like: at 85 it deserves a look, at 95 it stands out.
fn lateness(percent: u8, glyphs: &'static Glyphs) -> (&'static str, Role) {
    match percent {
        95.. => (glyphs.sla_breached, Role::SlaBreached),
        85.. => (glyphs.sla_at_risk, Role::SlaAtRisk),
        _ => (glyphs.sla_ok, Role::SlaOk),
    }
}

/// Returns a line of words: a mark as the drawing has it, a figure, and what it is of.
fn figure(mark: &str, role: Role, value: impl Into<String>, of: impl Into<String>) -> Paragraph {
    Paragraph::of(format!("{mark} "), role)
        .with(value.into(), Role::Title)
        .with(format!(" {}", of.into()), Role::Text)
        .hanging(2)
}

/// Returns a line of plain words.
fn plain(words: impl Into<String>) -> Paragraph {
    Paragraph::of(words, Role::Muted)
}

/// Returns a figure with one decimal: more of them tell nothing of what is expected.
fn tenths(value: Decimal) -> String {
    let tenths = value.0.saturating_add(50) / 100;
    format!("{}.{}", tenths / 10, tenths % 10)
}
