//! The figures of a running engine beside those of its ledger, as a scraper reads them.

mod process;

use super::{Answered, Failure};
use crate::{
    domain::query::{
        Answer,
        metrics::{self, Family, MetricSort, Page, bound},
    },
    engine::{COMMIT_BOUNDS, Vitals, bus::Broker},
    ledger::{Fault, Home},
};

const COMMITS: Family = Family {
    name: "obeya_commit_duration_seconds",
    sort: MetricSort::Histogram,
    help: "Time from handing a commit to the ledger until it was durable, in this engine.",
};
const DEAD_LETTERS: Family = Family {
    name: "obeya_bus_dead_letters",
    sort: MetricSort::Gauge,
    help: "Messages that nobody took and that wait for a person.",
};
const OVERDUE: Family = Family {
    name: "obeya_engine_overdue_seconds",
    sort: MetricSort::Gauge,
    help: "Time since the earliest thing fell due that this host has not recorded yet.",
};
const TICK_AGE: Family = Family {
    name: "obeya_engine_tick_age_seconds",
    sort: MetricSort::Gauge,
    help: "Time since the engine's loop last came round.",
};
const WAITING: Family = Family {
    name: "obeya_engine_commands_waiting",
    sort: MetricSort::Gauge,
    help: "Commands that wait for their turn in this engine.",
};

/// Returns every figure: of the ledger, of its messages, of this engine and of this process.
pub(super) fn exposition(
    ledger: Answered,
    vitals: &Vitals,
    home: &Home,
) -> Result<String, Failure> {
    let mut text = match ledger? {
        Ok(Answer::Metrics(metrics)) => metrics::exposition(&metrics),
        // Nothing in the question can be refused; without an answer the engine's own figures are still to be had.
        other => {
            tracing::error!(?other, "the figures of the ledger were not to be had");
            String::new()
        }
    };
    let mut page = Page::default();
    match dead_letters(home) {
        Ok(Some(count)) => page.single(&DEAD_LETTERS, count),
        Ok(None) => {}
        Err(fault) => tracing::warn!(%fault, "the dead letters could not be counted"),
    }
    engine(vitals, &mut page);
    process::figures(&mut page);
    text.push_str(&page.finish());
    Ok(text)
}

/// Returns how many dead letters there are; None before the first message, which makes their file.
fn dead_letters(home: &Home) -> Result<Option<u64>, Fault> {
    match home.messages().exists() {
        true => Broker::open(home)?.dead().map(Some),
        false => Ok(None),
    }
}

fn engine(vitals: &Vitals, page: &mut Page) {
    let commits = &vitals.commits;
    let mut count = 0u64;
    let below: Vec<_> = COMMIT_BOUNDS
        .iter()
        .zip(commits.within)
        .map(|(micros, within)| {
            count = count.saturating_add(within);
            (bound(*micros), count)
        })
        .collect();
    let all = count.saturating_add(commits.beyond);
    page.histogram(&COMMITS, below, all, commits.sum.as_secs_f64());
    page.single(&WAITING, vitals.waiting);
    page.single(&OVERDUE, vitals.overdue.as_secs_f64());
    page.single(&TICK_AGE, vitals.tick_age.as_secs_f64());
}
