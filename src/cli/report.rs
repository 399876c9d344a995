//! `obeya report …`.

use clap::{Arg, ArgMatches, Command};

use super::{
    arguments::{option, order, reads, verb, verbs, words},
    context::{Call, answer, value},
    duration::{self, Since},
    error::Done,
    output::Tone,
    table::{Cell, Table, cell, flex, left, maybe, right},
    work_order::show::{heading, row},
};
use crate::{
    domain::{
        order::Bucket,
        query::{
            Query,
            reports::{
                flow::Flow,
                lead_time::{LeadTime, Percentiles},
                progress::Progress,
                sla::Sla,
                velocity::Velocity,
            },
            value::{Decimal, span},
        },
        time::{DAY, MINUTE, SECOND, Timestamp},
    },
    link,
};

const NOUN: &str = "report";

/// How far back a report looks where nothing was said: a month tells more than it hides.
const WINDOW: Since = Since::Ago(30 * DAY);
/// How far back the velocity looks: a week, as people count it.
const WEEK: Since = Since::Ago(7 * DAY);
/// The longest bar of a chart, in cells.
const BAR: u64 = 40;

pub(super) fn grammar(noun: Command) -> Command {
    let since =
        |help| -> Arg { option("since", "WHEN", help).value_parser(reads(duration::since)) };
    let month = || since("From when on, like \"7 days ago\" or 2026-02-01; 30 days if not given");
    let bucket = || {
        option("bucket", "BUCKET", "Only this class of service")
            .value_parser(words(Bucket::ALL, Bucket::word))
    };
    verbs(
        noun,
        [
            verb(NOUN, "progress").arg(order()),
            verb(NOUN, "velocity").arg(since(
                "From when on, like \"7 days ago\" or 2026-02-01; 7 days if not given",
            )),
            verb(NOUN, "sla").args([bucket(), month()]),
            verb(NOUN, "flow").args([bucket(), month()]),
            verb(NOUN, "lead-time").args([bucket(), month()]),
        ],
    )
}

pub(super) fn run(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    let Some((verb, matches)) = matches.subcommand() else {
        return Ok(());
    };
    let from = |or: Since| -> Timestamp {
        let since = matches.try_get_one::<Since>("since").ok().flatten();
        since.copied().unwrap_or(or).first_day(link::now())
    };
    let since = from(WINDOW);
    let bucket = || value::<Bucket>(matches, "bucket");
    match verb {
        "progress" => {
            let epic = call.order_of(matches)?;
            let progress = answer!(call, Query::Progress { epic }, Progress);
            match call.json() {
                true => call.out.json(&progress),
                false => show_progress(call, &progress),
            }
        }
        "velocity" => {
            let since = from(WEEK);
            let velocity = answer!(call, Query::Velocity { since }, Velocity);
            match call.json() {
                true => call.out.json(&velocity),
                false => show_velocity(call, &velocity),
            }
        }
        "sla" => {
            let bucket = bucket();
            let sla = answer!(call, Query::Sla { since, bucket }, Sla);
            match call.json() {
                true => call.out.json(&sla),
                false => show_sla(call, &sla),
            }
        }
        "flow" => {
            let bucket = bucket();
            let flow = answer!(call, Query::Flow { since, bucket }, Flow);
            match call.json() {
                true => call.out.json(&flow),
                false => show_flow(call, &flow),
            }
        }
        _ => {
            let bucket = bucket();
            let times = answer!(call, Query::LeadTime { since, bucket }, LeadTime);
            match call.json() {
                true => call.out.json(&times),
                false => show_times(call, &times),
            }
        }
    }
}

fn percent(value: Option<Decimal>) -> String {
    value.map_or_else(|| "-".into(), |value| format!("{value} %"))
}

fn show_progress(call: &mut Call<'_>, progress: &Progress) -> Done {
    call.out.spans(&[
        (Tone::Head, &progress.id.to_string()),
        (Tone::Plain, &format!("  {}", progress.title)),
    ])?;
    if progress.total == 0 {
        return call
            .out
            .line(&format!("  {}, with nothing beneath it", progress.status));
    }
    let done = progress.total.saturating_sub(progress.cancelled);
    call.out.line(&format!(
        "  {} done: {} of {done} completed, {} in progress, {} queued, {} cancelled",
        percent(progress.percent),
        progress.completed,
        progress.in_progress,
        progress.queued,
        progress.cancelled
    ))?;
    call.out.line(&format!(
        "  {} blocked, {} held",
        progress.blocked, progress.held
    ))?;
    if progress.percent_by_estimate.is_some() {
        let left = i64::try_from(progress.remaining_minutes).unwrap_or(i64::MAX);
        let text = format!(
            "  by estimates {} done, {} to go",
            percent(progress.percent_by_estimate),
            span(left.saturating_mul(MINUTE))
        );
        call.out.line(&text)?;
    }
    if !progress.open.is_empty() {
        heading(call, "open")?;
        let mut table = Table::new([left(""), left(""), flex("")]);
        for order in &progress.open {
            table.row(row(order));
        }
        call.out.rows(&table)?;
    }
    if !progress.critical_path.chain.is_empty() {
        let time = span(progress.critical_path.total_minutes.saturating_mul(MINUTE));
        heading(call, &format!("the chain that takes longest: {time}"))?;
        let mut table = Table::new([left(""), left(""), flex("")]);
        for step in &progress.critical_path.chain {
            table.row(row(&step.order));
        }
        call.out.rows(&table)?;
    }
    Ok(())
}

fn bar(call: &Call<'_>, value: u64, most: u64) -> String {
    let cells = value.saturating_mul(BAR).checked_div(most).unwrap_or(0);
    let block = if call.out.style.unicode { "█" } else { "#" };
    block.repeat(usize::try_from(cells).unwrap_or(0))
}

fn show_velocity(call: &mut Call<'_>, velocity: &Velocity) -> Done {
    let most = velocity
        .days
        .iter()
        .map(|day| day.completed)
        .max()
        .unwrap_or(0);
    let mut table = Table::new([left("DAY"), right("COMPLETED"), flex("")]);
    for day in &velocity.days {
        let bar = bar(call, day.completed, most);
        table.row([
            cell(&day.date),
            cell(day.completed),
            Cell::toned(Tone::Good, bar),
        ]);
    }
    call.out.table(&table)?;
    let trend = velocity
        .trend
        .map_or_else(String::new, |trend| format!(", trend {trend} a day"));
    call.out.line(&format!(
        "{} completed from {} to {}: {} a day, {} a week{trend}",
        velocity.completed, velocity.since, velocity.until, velocity.per_day, velocity.per_week
    ))?;
    let done = velocity
        .buckets
        .iter()
        .filter(|bucket| bucket.completed > 0);
    let texts: Vec<String> = done
        .map(|bucket| format!("{} {}", bucket.bucket, bucket.completed))
        .collect();
    match texts.is_empty() {
        true => Ok(()),
        false => call.out.line(&texts.join(", ")),
    }
}

fn show_sla(call: &mut Call<'_>, sla: &Sla) -> Done {
    let mut table = Table::new([
        left("BUCKET"),
        right("SLA"),
        right("IN TIME"),
        right("LATE"),
        right("COMPLIANCE"),
        right("AT RISK").drop(2),
        right("BREACHED").drop(1),
    ]);
    for bucket in &sla.buckets {
        table.row([
            cell(bucket.bucket),
            maybe(bucket.sla_hours.map(|hours| format!("{hours}h"))),
            cell(bucket.met),
            cell(bucket.missed),
            cell(percent(bucket.compliance_percent)),
            cell(bucket.at_risk),
            cell(bucket.breached),
        ]);
    }
    call.out.table(&table)?;
    let text = match sla.compliance_percent {
        Some(percent) => format!("since {}: {percent} % in time", sla.since),
        None => format!("since {}: nothing with a promise was completed", sla.since),
    };
    call.out.line(&text)
}

fn show_flow(call: &mut Call<'_>, flow: &Flow) -> Done {
    let mut table = Table::new([
        left("DAY"),
        right("ARRIVED"),
        right("DEPARTED"),
        right("QUEUED"),
        right("IN PROGRESS"),
        right("DONE"),
    ]);
    for day in &flow.days {
        table.row([
            cell(&day.date),
            cell(day.arrived),
            cell(day.departed),
            cell(day.queued),
            cell(day.in_progress),
            cell(day.done),
        ]);
    }
    call.out.table(&table)?;
    call.out.line(&format!(
        "{} arrived, {} departed",
        flow.arrived, flow.departed
    ))
}

fn show_times(call: &mut Call<'_>, times: &LeadTime) -> Done {
    let mut table = Table::new([
        left("BUCKET"),
        left("TIME"),
        right("COUNT"),
        right("HALF"),
        right("85 %"),
        right("95 %"),
    ]);
    let mut add = |name: &str, sort: &str, of: &Percentiles| {
        let time = |seconds: Option<i64>| {
            cell(seconds.map_or_else(
                || "-".into(),
                |seconds| span(seconds.saturating_mul(SECOND)),
            ))
        };
        table.row([
            cell(name),
            cell(sort),
            cell(of.count),
            time(of.p50_seconds),
            time(of.p85_seconds),
            time(of.p95_seconds),
        ]);
    };
    add("all", "lead", &times.lead);
    add("", "cycle", &times.cycle);
    for bucket in &times.buckets {
        add(bucket.bucket.word(), "lead", &bucket.lead);
        add("", "cycle", &bucket.cycle);
    }
    call.out.table(&table)?;
    call.out.line(&format!(
        "since {}: lead from creation, cycle from the first start",
        times.since
    ))
}
