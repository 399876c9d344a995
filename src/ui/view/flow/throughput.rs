//! Throughput by week, and when the remaining work will be done by it.

use ratatui::layout::Rect;

use super::{figure, plain, tenths};
use crate::{
    domain::query::reports::{
        forecast::{Finish, Forecast, Sampled},
        velocity::Velocity,
    },
    ui::{
        asks::Slot,
        layout,
        model::Model,
        pen::Pen,
        theme::Role,
        widget::{
            plot::{self, Ends},
            wrapped_text::Paragraph,
        },
    },
};

/// From this height on the odds are drawn below the weeks.
const WITH_ODDS: u16 = 16;
/// The rows of the odds: a title, and a row for each of them.
const ODDS: u16 = 5;
/// The widest column of a week.
const WIDEST: u16 = 8;

/// Returns the figures in words: the forecast first, since it is what one comes for.
pub(super) fn words(model: &Model, velocity: &Velocity) -> Vec<Paragraph> {
    let mut said = match model.asks.forecast() {
        Some(forecast) => outlook(forecast),
        None => match model.asks.failure(Slot::Outlook) {
            Some(failure) => vec![Paragraph::of(failure.to_string(), Role::Error)],
            None => vec![plain("trying what may come …")],
        },
    };
    said.push(plain(format!(
        "{} completed since {}: {} a week",
        velocity.completed,
        velocity.since,
        tenths(velocity.per_week)
    )));
    said
}

fn outlook(forecast: &Forecast) -> Vec<Paragraph> {
    let open = match forecast.remaining {
        1 => "order is open".to_owned(),
        _ => "orders are open".to_owned(),
    };
    let mut said = vec![
        Paragraph::of(forecast.remaining.to_string(), Role::Title)
            .with(format!(" {open}"), Role::Text),
    ];
    if forecast.remaining == 0 {
        said.push(plain("nothing is left to be done"));
        return said;
    }
    for finish in finishes(forecast) {
        let of = format!("by {}, in {} days", finish.date, finish.days);
        said.push(figure(" ", Role::Text, format!("{} %", finish.percent), of));
    }
    if forecast.p50.is_none() {
        said.push(Paragraph::of("no date can be given", Role::Warning));
    }
    let doubts = forecast.doubts.iter();
    said.extend(doubts.map(|doubt| {
        Paragraph::of("doubt: ", Role::Warning)
            .with(doubt.clone(), Role::Text)
            .hanging(2)
    }));
    let from = &forecast.throughput;
    let whose = match from.of {
        Sampled::Own => "their own days",
        Sampled::Line => "the whole line's days",
    };
    if forecast.p50.is_some() {
        said.push(plain(format!(
            "{} trials from {whose}, {} to {}",
            forecast.trials, from.since, from.until
        )));
    }
    said
}

fn finishes(forecast: &Forecast) -> impl Iterator<Item = &Finish> {
    [&forecast.p50, &forecast.p85, &forecast.p95]
        .into_iter()
        .flatten()
}

/// Draws a column for each week, and below them how far away each finish is.
pub(super) fn draw(model: &Model, velocity: &Velocity, area: Rect, pen: &mut Pen<'_>) {
    let forecast = model.asks.forecast().filter(|one| one.p50.is_some());
    let rows = match forecast {
        Some(_) if area.height >= WITH_ODDS => ODDS,
        _ => 0,
    };
    let (upper, lower) = layout::split_bottom(area, rows);
    weeks(velocity, upper, pen);
    if let Some(forecast) = forecast {
        odds(forecast, lower, pen);
    }
}

fn weeks(velocity: &Velocity, area: Rect, pen: &mut Pen<'_>) {
    let most = velocity.weeks.iter().map(|week| week.completed).max();
    let most = most.unwrap_or(0);
    if most == 0 {
        let said = format!("nothing was completed since {}", velocity.since);
        pen.say(area, 0, 0, &said, Role::Muted);
        return;
    }
    let (head, area) = layout::split_top(area, 1);
    pen.say(
        head,
        0,
        0,
        "completed by week, the last one not over",
        Role::Header,
    );
    let inner = plot::axes(
        pen,
        area,
        Ends {
            top: &most.to_string(),
            bottom: "0",
            left: &velocity.since,
            right: &velocity.until,
        },
    );
    let count = velocity.weeks.len();
    let each = inner.width / u16::try_from(count).unwrap_or(u16::MAX).max(1);
    if each == 0 {
        return;
    }
    let gap = u16::from(each > 2);
    let width = (each - gap).min(WIDEST);
    // Above the highest column is room for its figure.
    let figures = u16::from(inner.height > 3 && width >= 2);
    let (_, columns) = layout::split_top(inner, figures);
    for (nth, week) in (0_u16..).zip(&velocity.weeks) {
        let place =
            |area: Rect| layout::split_left(layout::split_left(area, nth * each).1, width).0;
        plot::column(pen, place(columns), week.completed, most, Role::Chart);
        if figures > 0 && week.completed > 0 {
            let high = plot::scaled(week.completed, most, columns.height.saturating_mul(8));
            let y = columns.height.saturating_sub(high.div_ceil(8));
            let figure = week.completed.to_string();
            pen.parts_right(place(inner), y, &[(&figure, Role::Text)]);
        }
    }
}

/// Draws how far away each finish is, from today.
fn odds(forecast: &Forecast, area: Rect, pen: &mut Pen<'_>) {
    let furthest = finishes(forecast)
        .map(|finish| finish.days)
        .max()
        .unwrap_or(0);
    if area.height < ODDS {
        return;
    }
    pen.say(area, 0, 1, "done by, from today", Role::Header);
    let glyphs = pen.glyphs();
    let room = area.width.saturating_sub(20);
    for (y, finish) in (2..area.height).zip(finishes(forecast)) {
        pen.say(area, 0, y, &format!("{} %", finish.percent), Role::Text);
        let cells = plot::scaled(finish.days.into(), furthest.into(), room);
        let line = glyphs
            .branch_arm
            .repeat(usize::from(cells.saturating_sub(1)));
        let x = 6 + pen.say(area, 6, y, &line, Role::Chart);
        let x = x + pen.say(area, x, y, glyphs.ready, Role::Chart);
        pen.say(area, x + 1, y, &finish.date, Role::Text);
    }
}
