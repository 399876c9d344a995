//! `obeya dashboard …`.

use std::net::{Ipv4Addr, SocketAddr};

use clap::{ArgMatches, Command};
use serde_json::json;

use super::{
    agent,
    arguments::{option, verb, verbs},
    bucket,
    context::{Call, answer, value},
    error::Done,
    output::Tone,
    serve, stage,
    work_order::show::heading,
};
use crate::{
    domain::query::{
        Query,
        metrics::{Metrics, exposition},
        summary::Summary,
    },
    server::Doors,
};

const NOUN: &str = "dashboard";

/// Where the dashboard is if nothing else is said.
const PORT: u16 = 8080;

const AFTER: &str = "\
It is obeya serve --listen 127.0.0.1:PORT. Who asks needs a token: obeya token
create --name NAME --role viewer makes one.

Examples:
  obeya dashboard start --port 8080
  curl -H \"Authorization: Bearer $(cat wall.token)\" \\
    http://127.0.0.1:8080/api/dashboard/summary";

pub(super) fn grammar(noun: Command) -> Command {
    let start = verb(NOUN, "start")
        .arg(
            option("port", "PORT", "Listen there [default: 8080]")
                .value_parser(clap::value_parser!(u16)),
        )
        .after_help(AFTER);
    verbs(noun, [start, verb(NOUN, "summary"), verb(NOUN, "metrics")])
}

pub(super) fn run(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    match matches.subcommand_name() {
        Some("start") => start(matches, call),
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

/// Serves the line on this machine.
fn start(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    call.process_only("dashboard start")?;
    call.no_dry_run("A server")?;
    let port = matches
        .subcommand()
        .and_then(|(_, matches)| value::<u16>(matches, "port"));
    let doors = Doors {
        listen: Some((Ipv4Addr::LOCALHOST, port.unwrap_or(PORT)).into()),
        ..Doors::default()
    };
    serve::serve(call, None, &doors, announce)
}

/// Says what there is to be had, and where.
fn announce(call: &mut Call<'_>, name: &str, _: &Doors, address: Option<SocketAddr>) -> Done {
    let url = address.map(|address| format!("http://{address}"));
    if call.json() {
        let serving = json!({ "serving": { "name": name, "url": url } });
        call.out.json_line(&serving)?;
        return call.out.flush();
    }
    let Some(url) = url else { return Ok(()) };
    for (what, path) in [
        ("dashboard", "/"),
        ("summary", "/api/dashboard/summary"),
        ("stream", "/api/stream"),
        ("figures", "/metrics"),
        ("health", "/health/live"),
        ("everything", "/api/openapi.json"),
    ] {
        call.out.line(&format!("{what:<11}{url}{path}"))?;
    }
    let how =
        "all that tells of the line needs a token: obeya token create --name NAME --role viewer";
    call.out.tone(Tone::Muted, how)?;
    call.out.flush()
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
