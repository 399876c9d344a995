//! The cycle-time scatter: a point for each completed order, and lines below which so many percent lie.

use ratatui::layout::Rect;

use super::{figure, length, plain};
use crate::{
    domain::{
        query::reports::{cycle_time::CycleTimes, lead_time::Percentiles},
        time::{DAY, MINUTE, SECOND},
    },
    ui::{
        layout,
        model::Model,
        pen::Pen,
        theme::{Glyphs, Role},
        widget::{
            plot::{self, Ends},
            wrapped_text::Paragraph,
        },
        words,
    },
};

/// The fewest orders of which percentiles say something: of fewer, 95 percent is the longest of them.
const THIN: u64 = 20;
/// The cells that name a line at its right end.
const NAMES: u16 = 12;
/// How many times the median the longest may take until the height is drawn by its logarithm: else the lines, about
/// which the drawing is, lie on the ground.
const SKEWED: i64 = 10;

/// How times become heights.
struct Height {
    least: i64,
    most: i64,
    logarithmic: bool,
}

impl Height {
    fn of(times: &CycleTimes) -> Self {
        let all = || times.orders.iter().map(|order| order.cycle_seconds);
        let minute = MINUTE / SECOND;
        let most = all().max().unwrap_or(0).max(minute);
        let half = times.cycle.p50_seconds.unwrap_or(most).max(minute);
        Height {
            least: all().min().unwrap_or(0).max(minute),
            most,
            logarithmic: most / half > SKEWED,
        }
    }

    /// Returns the row from the top of a drawing that is so many rows high.
    fn row(&self, seconds: i64, rows: u16) -> u16 {
        let part = match self.logarithmic {
            true => {
                let log = |seconds: i64| (seconds.max(self.least) as f64).ln();
                let (low, high) = (log(self.least), log(self.most));
                (log(seconds) - low) / (high - low).max(f64::EPSILON)
            }
            false => seconds as f64 / self.most as f64,
        };
        let last = rows.saturating_sub(1);
        // A cast from a float saturates.
        let up = (part.clamp(0.0, 1.0) * f64::from(last)).round() as u16;
        last.saturating_sub(up)
    }
}

fn lines(of: &Percentiles) -> [(u8, Option<i64>); 3] {
    [
        (50, of.p50_seconds),
        (85, of.p85_seconds),
        (95, of.p95_seconds),
    ]
}

/// Returns the figures in words.
pub(super) fn words(times: &CycleTimes, glyphs: &Glyphs) -> Vec<Paragraph> {
    let mut said = vec![plain(format!("completed since {}", times.since))];
    let unstarted = times.without_start;
    if times.total == 0 {
        said.push(Paragraph::of(
            "nothing was started and completed here",
            Role::Title,
        ));
    } else {
        let of = "started and completed".to_owned();
        said.push(figure(
            glyphs.point,
            Role::Chart,
            times.total.to_string(),
            of,
        ));
        let marks = [
            ("half", Role::Text),
            ("85 %", Role::Warning),
            ("95 %", Role::Error),
        ];
        for ((name, role), (_, seconds)) in marks.into_iter().zip(lines(&times.cycle)) {
            let Some(seconds) = seconds else { continue };
            let of = format!("or less: {name}");
            said.push(figure(glyphs.branch_arm, role, length(seconds), of));
        }
        said.push(plain("from the first start to done"));
        if times.total < THIN {
            said.push(plain("few orders yet: the lines will move"));
        }
        if Height::of(times).logarithmic {
            said.push(plain("the height is logarithmic"));
        }
        if times.total > times.orders.len() as u64 {
            let drawn = times.orders.len();
            said.push(plain(format!("the newest {drawn} are drawn")));
        }
    }
    if unstarted > 0 {
        said.push(plain(format!(
            "{unstarted} more were completed without a start here"
        )));
    }
    said
}

/// Draws the points over the lines.
pub(super) fn draw(model: &Model, times: &CycleTimes, area: Rect, pen: &mut Pen<'_>) {
    let closed = times.orders.iter().map(|order| order.completed_at.0);
    let Some(oldest) = closed.min() else { return };
    let start = oldest.0.div_euclid(DAY) * DAY;
    let whole = model.now.0.saturating_sub(start).max(1);
    let height = Height::of(times);
    let (left, names) = layout::split_right(area, NAMES.min(area.width / 4));
    let bottom = match height.logarithmic {
        true => length(height.least),
        false => "0".into(),
    };
    let inner = plot::axes(
        pen,
        left,
        Ends {
            top: &length(height.most),
            bottom: &bottom,
            left: words::date(oldest).get(..10).unwrap_or_default(),
            right: "today",
        },
    );
    let glyphs = pen.glyphs();
    let roles = [Role::Text, Role::Warning, Role::Error];
    for (role, (percent, seconds)) in roles.into_iter().zip(lines(&times.cycle)) {
        let Some(seconds) = seconds else { continue };
        let y = height.row(seconds, inner.height);
        let line = glyphs.branch_arm.repeat(usize::from(inner.width));
        pen.say(inner, 0, y, &line, role);
        // Where two lines are one, the higher percentage names it.
        let blank = " ".repeat(usize::from(names.width));
        pen.say(names, 0, y, &blank, Role::Text);
        pen.say(
            names,
            1,
            y,
            &format!("P{percent} {}", length(seconds)),
            role,
        );
    }
    let mut cells = vec![0_u32; usize::from(inner.width) * usize::from(inner.height)];
    for order in &times.orders {
        let since = order.completed_at.0.0.saturating_sub(start).max(0);
        let last = i128::from(inner.width.saturating_sub(1));
        let x = (i128::from(since) * last / i128::from(whole)).clamp(0, last);
        let y = usize::from(height.row(order.cycle_seconds, inner.height));
        let at = y * usize::from(inner.width) + usize::try_from(x).unwrap_or(0);
        if let Some(count) = cells.get_mut(at) {
            *count += 1;
        }
    }
    let width = usize::from(inner.width.max(1));
    for (at, count) in cells.iter().enumerate().filter(|(_, count)| **count > 0) {
        let (x, y) = (at % width, at / width);
        let glyph = if *count > 1 {
            glyphs.points
        } else {
            glyphs.point
        };
        let (x, y) = (u16::try_from(x).unwrap_or(0), u16::try_from(y).unwrap_or(0));
        pen.say(inner, x, y, glyph, Role::Chart);
    }
}
