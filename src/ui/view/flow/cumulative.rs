//! The cumulative flow: bands of what is done, in progress and queued, day by day.

use ratatui::layout::Rect;

use super::{figure, plain};
use crate::{
    domain::query::reports::flow::{Flow, FlowOn},
    ui::{
        pen::Pen,
        theme::{Glyphs, Role},
        widget::{
            plot::{self, Ends},
            wrapped_text::Paragraph,
        },
    },
};

/// The days below which a trend says little.
const THIN: usize = 7;

/// How a cell of a band looks, and how many orders the band has on a day.
type Band = (&'static str, Role, fn(&FlowOn) -> u64);

/// Returns the bands from the bottom up: how a cell of each looks, and its count on a day.
fn bands(glyphs: &Glyphs) -> [Band; 3] {
    [
        (glyphs.band_done, Role::StatusCompleted, |day| day.done),
        (glyphs.bar_full, Role::StatusInProgress, |day| {
            day.in_progress
        }),
        (glyphs.bar_empty, Role::StatusQueued, |day| day.queued),
    ]
}

/// Returns the figures in words.
pub(super) fn words(flow: &Flow, glyphs: &Glyphs) -> Vec<Paragraph> {
    let (Some(first), Some(last)) = (flow.days.first(), flow.days.last()) else {
        return vec![plain("no day is known yet")];
    };
    let mut said = vec![plain(format!("{} to {}", first.date, last.date))];
    let of = [
        "done and cancelled".to_owned(),
        match stages(flow, last) {
            stages if stages.is_empty() => "in progress".to_owned(),
            stages => format!("in progress: {stages}"),
        },
        "queued, epics too".to_owned(),
    ];
    let bands = bands(glyphs);
    for ((mark, role, count), of) in bands.iter().zip(of).rev() {
        said.push(figure(mark, *role, count(last).to_string(), of));
    }
    said.push(plain(format!(
        "{} came, {} ended: {}",
        flow.arrived,
        flow.departed,
        balance(flow.arrived, flow.departed)
    )));
    if flow.days.len() < THIN {
        said.push(plain("few days yet: too early for a trend"));
    }
    said
}

fn balance(came: u64, ended: u64) -> String {
    match (came.checked_sub(ended), ended.checked_sub(came)) {
        (Some(0), _) => "as many as before are open".into(),
        (Some(more), _) => format!("{more} more are open"),
        (None, Some(fewer)) => format!("{fewer} fewer are open"),
        (None, None) => String::new(),
    }
}

/// Returns how many stand in each stage now, those stages left out in which none do.
fn stages(flow: &Flow, day: &FlowOn) -> String {
    let counts = flow.stages.iter().zip(&day.stages);
    let texts: Vec<String> = counts
        .filter(|(_, count)| **count > 0)
        .map(|(stage, count)| format!("{stage} {count}"))
        .collect();
    texts.join(", ")
}

/// Draws the bands. What was done before the first day is below the drawing's edge, where the axis says how much it is:
/// else a long history would press everything that happens now into one line.
pub(super) fn draw(flow: &Flow, area: Rect, pen: &mut Pen<'_>) {
    let (Some(first), Some(last)) = (flow.days.first(), flow.days.last()) else {
        return;
    };
    let base = flow.days.iter().map(|day| day.done).min().unwrap_or(0);
    let base = base.saturating_sub(first.departed);
    let total = |day: &FlowOn| day.done.saturating_sub(base) + day.in_progress + day.queued;
    let most = flow.days.iter().map(total).max().unwrap_or(0);
    let inner = plot::axes(
        pen,
        area,
        Ends {
            top: &(base + most).to_string(),
            bottom: &base.to_string(),
            left: &first.date,
            right: &last.date,
        },
    );
    let bands = bands(pen.glyphs());
    for x in 0..inner.width {
        let at = plot::value_at(x, inner.width, flow.days.len());
        let Some(day) = flow.days.get(at) else {
            continue;
        };
        let mut heights = bands.map(|(_, _, count)| count(day));
        if let Some(done) = heights.first_mut() {
            *done = done.saturating_sub(base);
        }
        let mut heights = heights.map(|value| plot::scaled(value, most, inner.height));
        // Each band that there is has a cell; the largest one gives way.
        while heights.iter().sum::<u16>() > inner.height {
            let Some(largest) = heights.iter_mut().max() else {
                break;
            };
            *largest -= 1;
        }
        let mut y = inner.height;
        for ((glyph, role, _), height) in bands.iter().zip(heights) {
            for _ in 0..height {
                y = y.saturating_sub(1);
                pen.say(inner, x, y, glyph, *role);
            }
        }
    }
}
