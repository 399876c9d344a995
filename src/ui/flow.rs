//! The pages about the flow of work: which there are, what each asks, and what is selected on it.

use super::{model::Model, parts::List};
use crate::domain::{
    id::OrderId,
    query::{
        Query,
        reports::{forecast::DEFAULT_DAYS, risk::HISTORY_DAYS},
    },
    time::{DAY, Timestamp},
};

/// The days of the pages that look back: a quarter shows a trend and still fits the width of a screen.
pub const DAYS_BACK: u32 = 90;
/// The days over which promises are judged: a month, as the command line's report does.
pub const SLA_DAYS: u32 = 30;
/// The most rows that a page lists; a page down goes through them, and the words beside say how many there are in all.
pub const ROWS: usize = 500;
/// The most points of the scatter: more than a large screen has cells.
pub const POINTS: usize = 10_000;

/// A page about the flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Page {
    /// How many orders stood where at each day's end.
    #[default]
    Cumulative,
    /// How long each order took.
    Cycle,
    /// How long the orders in progress have taken so far.
    Ageing,
    /// How much is done a week, and when the rest will be.
    Forecast,
    /// How promises are kept, and which is due next.
    Sla,
    /// Which orders are likely to break theirs.
    Risk,
}

impl Page {
    /// Every page, left to right.
    pub const ALL: [Page; 6] = [
        Page::Cumulative,
        Page::Cycle,
        Page::Ageing,
        Page::Forecast,
        Page::Sla,
        Page::Risk,
    ];

    /// Returns its name.
    pub const fn name(self) -> &'static str {
        match self {
            Page::Cumulative => "Cumulative flow",
            Page::Cycle => "Cycle time",
            Page::Ageing => "Ageing",
            Page::Forecast => "Forecast",
            Page::Sla => "SLA",
            Page::Risk => "Breach radar",
        }
    }

    /// Returns whether the page counts what is past, where terms about the present say nothing.
    pub const fn is_of_past(self) -> bool {
        matches!(self, Page::Cumulative | Page::Cycle | Page::Forecast)
    }
}

/// Which page is on screen, and what is selected on each.
#[derive(Clone, Debug, Default)]
pub struct Flow {
    /// The page on screen.
    pub page: Page,
    ageing: List<OrderId>,
    due: List<OrderId>,
    risk: List<OrderId>,
    /// Pages without rows select nothing.
    none: List<OrderId>,
}

impl Flow {
    /// Goes to a page further along, around the end.
    pub fn turn(&mut self, pages: isize) {
        let all = Page::ALL;
        let count = isize::try_from(all.len()).unwrap_or(1);
        let at = all.iter().position(|page| *page == self.page).unwrap_or(0);
        let to = (isize::try_from(at).unwrap_or(0) + pages.clamp(-1, 1)).rem_euclid(count);
        let to = usize::try_from(to).unwrap_or(0);
        self.page = all.get(to).copied().unwrap_or_default();
    }

    /// Returns the rows of the page on screen.
    pub fn list(&self) -> &List<OrderId> {
        match self.page {
            Page::Ageing => &self.ageing,
            Page::Sla => &self.due,
            Page::Risk => &self.risk,
            Page::Cumulative | Page::Cycle | Page::Forecast => &self.none,
        }
    }

    /// Returns the rows of the page on screen, to move in.
    pub fn list_mut(&mut self) -> &mut List<OrderId> {
        match self.page {
            Page::Ageing => &mut self.ageing,
            Page::Sla => &mut self.due,
            Page::Risk => &mut self.risk,
            Page::Cumulative | Page::Cycle | Page::Forecast => &mut self.none,
        }
    }
}

/// Returns what the page on screen asks, narrowed as the board is.
pub fn question(model: &Model) -> Query {
    let filter = model.filter.narrowed().filter;
    let limit = Some(ROWS);
    match model.flow.page {
        Page::Cumulative => Query::Flow {
            since: since(model, DAYS_BACK),
            filter,
        },
        Page::Cycle => Query::CycleTimes {
            since: since(model, DAYS_BACK),
            filter,
            limit: Some(POINTS),
        },
        Page::Ageing => Query::Ageing {
            since: since(model, HISTORY_DAYS),
            filter,
            limit,
        },
        Page::Forecast => Query::Velocity {
            since: since(model, DAYS_BACK),
            filter,
        },
        Page::Sla => Query::Sla {
            since: since(model, SLA_DAYS),
            filter,
            limit,
        },
        Page::Risk => Query::Risk {
            since: since(model, HISTORY_DAYS),
            filter,
            limit,
        },
    }
}

/// Returns what is asked beside it: on the page of the forecast, when the work will be done.
pub fn outlook(model: &Model) -> Option<Query> {
    (model.flow.page == Page::Forecast).then(|| Query::Forecast {
        // The days that are over: today's is not sampled.
        since: since(model, DEFAULT_DAYS + 1),
        filter: model.filter.narrowed().filter,
        trials: None,
        seed: None,
    })
}

/// Returns the midnight some days ago: the same question all day long.
fn since(model: &Model, days: u32) -> Timestamp {
    let day = model.now.day().saturating_sub(days.saturating_sub(1));
    Timestamp(i64::from(day) * DAY)
}
