//! `obeya work-order watch`: what happens, one plain line an event, for pipes and screen readers.

use std::time::{Duration, Instant};

use clap::{Arg, ArgMatches};

use crate::cli::{
    arguments::{flag, option, positional, reads, words},
    context::{Call, answer, text, value},
    duration,
    error::{CliError, Done},
    events::entry,
};
use crate::domain::{
    event::Event,
    order::Status,
    query::{Query, events::Entry, order_view::OrderView},
    record::{Record, Seq},
};

/// How long one wait lasts where no end was asked for; then it waits again.
const PATIENCE: Duration = Duration::from_secs(3600);

pub(super) fn args() -> [Arg; 5] {
    [
        positional("id", "ID", "The work order, by its id here or elsewhere")
            .required(false)
            .required_unless_present("all"),
        flag("all", "Whatever happens on the ledger").conflicts_with("id"),
        option(
            "until",
            "STATUS",
            "End when the work order is in this status",
        )
        .value_parser(words(Status::ALL, Status::word))
        .conflicts_with("all"),
        option("after", "SEQ", "Begin with what came after this record")
            .value_parser(clap::value_parser!(u64)),
        option("timeout", "TIME", "End with code 1 after so long, like 10m")
            .value_parser(reads(duration::span)),
    ]
}

pub(super) fn run(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    call.process_only("watch")?;
    call.no_dry_run("A watch")?;
    // It follows before it looks: what happens in between is not missed.
    let mut follower = call.connection()?.follow(value::<Seq>(matches, "after"))?;
    let until: Option<Status> = value(matches, "until");
    let order = match text(matches, "id") {
        Some(order) => Some(answer!(call, Query::Status { order }, Status)),
        None => None,
    };
    if let Some(order) = &order {
        if !call.json() {
            call.out.line(&format!(
                "{} is {}: {}",
                order.id, order.status, order.title
            ))?;
        }
        if until == Some(order.status) {
            return Ok(());
        }
    }
    call.release();
    call.out.flush()?;
    let end = value::<i64>(matches, "timeout").map(|micros| {
        Instant::now() + Duration::from_micros(u64::try_from(micros).unwrap_or_default())
    });
    loop {
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        let records = follower.next(left.map_or(PATIENCE, |left| left.min(PATIENCE)))?;
        if records.is_empty() && left.is_some_and(|left| left <= PATIENCE) {
            return Err(CliError::Wrong);
        }
        for record in records
            .iter()
            .filter(|record| concerns(record, order.as_deref()))
        {
            let event = Entry::of(record);
            match call.json() {
                true => call.out.json_line(&event)?,
                false => entry(call, &event)?,
            }
            if until.is_some() && until == status_after(record) {
                return call.out.flush();
            }
        }
        call.out.flush()?;
    }
}

fn concerns(record: &Record, order: Option<&OrderView>) -> bool {
    order.is_none_or(|order| record.subject == order.id.to_string())
}

/// Returns the status in which an event leaves its order, if it changes that.
fn status_after(record: &Record) -> Option<Status> {
    Some(match record.event()? {
        Event::OrderStarted { .. } => Status::InProgress,
        Event::OrderCompleted { .. } => Status::Completed,
        Event::OrderCancelled { .. } => Status::Cancelled,
        Event::OrderReleased { .. } | Event::LeaseLapsed { .. } | Event::OrderReopened { .. } => {
            Status::Queued
        }
        Event::OrderClosedElsewhere { outcome, .. } => match outcome {
            crate::domain::order::Outcome::Completed { .. } => Status::Completed,
            crate::domain::order::Outcome::Cancelled { .. } => Status::Cancelled,
        },
        _ => return None,
    })
}
