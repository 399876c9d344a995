//! `obeya dashboard …`.

use clap::{ArgMatches, Command};

use super::{
    agent,
    arguments::{verb, verbs},
    bucket,
    context::{Call, answer},
    error::Done,
    output::Tone,
    stage,
    work_order::show::heading,
};
use crate::domain::query::{
    Query,
    metrics::{Metrics, exposition},
    summary::Summary,
};

const NOUN: &str = "dashboard";

pub(super) fn grammar(noun: Command) -> Command {
    verbs(noun, [verb(NOUN, "summary"), verb(NOUN, "metrics")])
}

pub(super) fn run(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    match matches.subcommand_name() {
        Some("metrics") => {
            let metrics = answer!(call, Query::Metrics, Metrics);
            match call.json() {
                true => call.out.json(&metrics),
                false => exposed(call, &metrics),
            }
        }
        _ => summary(call),
    }
}

/// Shows the line at a glance.
pub(super) fn summary(call: &mut Call<'_>) -> Done {
    let summary = answer!(call, Query::Summary, Summary);
    match call.json() {
        true => call.out.json(&summary),
        false => show(call, &summary),
    }
}

/// Prints figures as a scraper reads them, which needs whole lines, whatever the terminal's width.
fn exposed(call: &mut Call<'_>, metrics: &Metrics) -> Done {
    call.out.style.width = None;
    let text = exposition(metrics);
    text.lines().try_for_each(|line| call.out.line(line))
}

fn show(call: &mut Call<'_>, summary: &Summary) -> Done {
    let alerts = &summary.alerts;
    let lines = [
        format!(
            "{} of {} in progress, {} queued ({} ready, {} blocked), {} held",
            summary.wip.count,
            summary.wip.limit,
            summary.queued,
            summary.ready,
            summary.blocked,
            summary.held
        ),
        format!(
            "{} completed, {} cancelled, {} open epics, {} completed a day",
            summary.completed, summary.cancelled, summary.epics, summary.velocity_per_day
        ),
        format!(
            "SLA over 30 days: {}, {} at risk, {} breached",
            summary.sla_percent.map_or_else(
                || "none due".into(),
                |percent| format!("{percent} % in time")
            ),
            summary.at_risk,
            summary.breached
        ),
    ];
    lines.iter().try_for_each(|line| call.out.line(line))?;
    let tone = match (alerts.total, alerts.critical + alerts.high) {
        (0, _) => Tone::Good,
        (_, 0) => Tone::Warn,
        _ => Tone::Bad,
    };
    let text = format!(
        "{} alerts: {} critical, {} high, {} medium, {} low; {} hold something",
        alerts.total, alerts.critical, alerts.high, alerts.medium, alerts.low, alerts.holding
    );
    call.out.tone(tone, &text)?;
    heading(call, "buckets")?;
    bucket::table(call, &summary.buckets)?;
    heading(call, "stages")?;
    stage::table(call, &summary.stages)?;
    let agents = &summary.agents;
    heading(
        call,
        &format!(
            "agents: {}, {} paused",
            agent::counts(agents.total, agents.unregistered, agents.active),
            agents.paused
        ),
    )?;
    agent::table(call, &agents.first)?;
    heading(call, "recent events")?;
    for entry in &summary.recent {
        super::events::entry(call, entry)?;
    }
    Ok(())
}
