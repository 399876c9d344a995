//! `obeya andon …`.

use clap::{Arg, ArgMatches, Command};

use super::{
    arguments::{flag, limit, option, order, positional, prose, reads, verb, verbs, words},
    context::{Call, answer, text, value, word},
    duration,
    error::{CliError, Done},
    events::{report, sentences, submit},
    output::Tone,
    table::{Cell, Table, cell, flex, left, maybe, right},
    work_order::show::{heading, row},
};
use crate::domain::{
    andon::{Scope, Severity},
    command::{Command as Intent, Hold},
    event::Event,
    id::AlertId,
    query::{
        Query,
        andon::{AlertDetail, AlertStatus, AlertView, Alerts},
        blast::{Affected, Blast},
        events::Entry,
        value::span,
    },
    time::SECOND,
};

const NOUN: &str = "andon";

pub(super) fn grammar(noun: Command) -> Command {
    verbs(
        noun,
        [
            verb(NOUN, "list").args([
                flag("all", "Resolved ones too, behind the open ones"),
                severity("Only this severity"),
                limit(),
            ]),
            verb(NOUN, "show").arg(alert()),
            verb(NOUN, "preview").args([scope(), limit()]),
            verb(NOUN, "trigger").args([
                prose("reason", "TEXT", "What is wrong").required(true),
                severity("How bad it is").required(true),
                option("hold", "SCOPE", "What to hold: line, bucket:NAME, epic:ID, stage:NAME, order:ID, agent:NAME or none. Not given, critical holds the line and the rest hold nothing")
                    .value_parser(reads(hold)),
                option("fingerprint", "TEXT", "The condition: a repeat of the same one counts up"),
                option("order", "ID", "The work order it is about"),
            ]),
            verb(NOUN, "ack").arg(alert()),
            verb(NOUN, "snooze").args([
                alert(),
                option("for", "TIME", "For how long, like 30m")
                    .required(true)
                    .value_parser(reads(duration::seconds)),
            ]),
            verb(NOUN, "escalate").args([
                alert(),
                option("to", "SEVERITY", "How bad it is; not given, the next worse severity")
                    .value_parser(words(Severity::ALL, Severity::word)),
                prose("reason", "TEXT", "Why it is worse than it was taken for"),
            ]),
            verb(NOUN, "recover").arg(
                option("fingerprint", "TEXT", "The condition that is over").required(true),
            ),
            verb(NOUN, "resolve").args([
                alert(),
                prose("resolution", "TEXT", "What was done").required(true),
            ]),
            verb(NOUN, "correct").args([alert(), order()]),
        ],
    )
}

fn alert() -> Arg {
    positional("alert", "ALERT", "The alert, like ALERT-001")
        .value_parser(clap::value_parser!(AlertId))
}

fn severity(help: &'static str) -> Arg {
    option("severity", "SEVERITY", help).value_parser(words(Severity::ALL, Severity::word))
}

fn scope() -> Arg {
    positional(
        "scope",
        "SCOPE",
        "line, bucket:NAME, epic:ID, stage:NAME, order:ID or agent:NAME",
    )
    .value_parser(reads(str::parse::<Scope>))
}

fn hold(text: &str) -> Result<Hold, String> {
    match text.trim() {
        "none" => Ok(Hold::Nothing),
        scope => scope
            .parse()
            .map(Hold::Scope)
            .map_err(|why: String| format!("{why}, or none")),
    }
}

pub(super) fn run(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    let Some((verb, matches)) = matches.subcommand() else {
        return Ok(());
    };
    let named = value::<AlertId>(matches, "alert");
    let intent = match (verb, named) {
        ("list", _) => return list(matches, call),
        ("preview", _) => return preview(matches, call),
        ("trigger", _) => return trigger(matches, call),
        ("recover", _) => return recover(matches, call),
        ("show", Some(id)) => return show(id, call),
        ("ack", Some(id)) => Intent::AcknowledgeAlert { id },
        ("snooze", Some(id)) => Intent::SnoozeAlert {
            id,
            seconds: value(matches, "for").unwrap_or_default(),
        },
        ("escalate", Some(id)) => Intent::EscalateAlert {
            id,
            to: value(matches, "to"),
            reason: text(matches, "reason"),
        },
        ("resolve", Some(id)) => Intent::ResolveAlert {
            id,
            resolution: word(matches, "resolution").into(),
        },
        ("correct", Some(id)) => Intent::LinkCorrective {
            id,
            order: call.order_of(matches)?,
        },
        _ => return Err(CliError::Usage(format!("there is no verb '{verb}'"))),
    };
    let Some(outcome) = submit(call, intent)? else {
        return Ok(());
    };
    match named {
        Some(id) => report(call, &outcome, &Query::Alert { id }),
        None => sentences(call, &outcome),
    }
}

fn show(id: AlertId, call: &mut Call<'_>) -> Done {
    let alert = answer!(call, Query::Alert { id }, Alert);
    detail(call, &alert)
}

fn list(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    let query = Query::Alerts {
        all: matches.get_flag("all"),
        severity: value(matches, "severity"),
        limit: value(matches, "limit"),
        after: None,
    };
    let page = answer!(call, query, Alerts);
    if call.json() {
        return call.out.json(&page);
    }
    table(call, &page)
}

fn table(call: &mut Call<'_>, page: &Alerts) -> Done {
    if page.alerts.is_empty() {
        return call.out.line("no open alerts");
    }
    let mut table = Table::new([
        left("ID"),
        left("SEVERITY"),
        left("STATUS").drop(2),
        left("HOLDS"),
        right("SEEN").drop(4),
        right("AGE").drop(3),
        left("ORDER").drop(5),
        flex("REASON"),
    ]);
    for alert in &page.alerts {
        table.row([
            cell(alert.id),
            Cell::toned(tone(alert), alert.severity),
            cell(alert.status),
            cell(alert.hold.as_deref().unwrap_or("nothing")),
            cell(alert.count),
            cell(age(alert)),
            maybe(alert.order),
            cell(&alert.reason),
        ]);
    }
    call.out.table(&table)?;
    let open = page
        .alerts
        .iter()
        .filter(|alert| alert.status != AlertStatus::Resolved);
    let shown = open.count() as u64;
    match shown < page.total {
        true => call.out.tone(
            Tone::Muted,
            &format!("{shown} of {} open; raise --limit", page.total),
        ),
        false => Ok(()),
    }
}

fn tone(alert: &AlertView) -> Tone {
    match (alert.status, alert.severity) {
        (AlertStatus::Resolved, _) => Tone::Muted,
        (_, Severity::Critical | Severity::High) => Tone::Bad,
        (_, Severity::Medium) => Tone::Warn,
        (_, Severity::Low) => Tone::Plain,
    }
}

fn age(alert: &AlertView) -> String {
    span(alert.age_seconds.saturating_mul(SECOND))
}

fn preview(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    let Some(scope) = value::<Scope>(matches, "scope") else {
        return Err(CliError::Usage("a scope is needed".into()));
    };
    let limit = value(matches, "limit");
    let preview = answer!(call, Query::Blast { scope, limit }, Blast);
    match call.json() {
        true => call.out.json(&preview),
        false => blast(call, &preview, "would stop"),
    }
}

fn blast(call: &mut Call<'_>, blast: &Blast, verb: &str) -> Done {
    let text = format!(
        "a hold on {} {verb} {} of {} queued and {} in progress; {} beyond it wait for those",
        blast.scope,
        blast.ready.total,
        blast.queued,
        blast.in_progress.total,
        blast.downstream.total
    );
    call.out.line(&text)?;
    affected(call, "cannot start", &blast.ready)?;
    let also: Vec<String> = blast.also_held_by.iter().map(ToString::to_string).collect();
    let also = format!("cannot start, and are also held by {}", also.join(", "));
    affected(call, &also, &blast.also_held)?;
    affected(call, "cannot move forward or complete", &blast.in_progress)?;
    affected(call, "cannot enter", &blast.cannot_enter)?;
    affected(call, "wait for these", &blast.downstream)?;
    let lists = [
        (
            "holders",
            blast
                .holders
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>(),
        ),
        (
            "exempt, since they mend it",
            blast.exempt.iter().map(ToString::to_string).collect(),
        ),
        (
            "held already by",
            blast
                .held_already_by
                .iter()
                .map(ToString::to_string)
                .collect(),
        ),
    ];
    for (name, items) in lists {
        if !items.is_empty() {
            call.out.line(&format!("{name}: {}", items.join(", ")))?;
        }
    }
    Ok(())
}

fn affected(call: &mut Call<'_>, name: &str, affected: &Affected) -> Done {
    if affected.total == 0 {
        return Ok(());
    }
    call.out.tone(Tone::Head, name)?;
    let mut table = Table::new([
        left(""),
        left("").drop(3),
        left("").drop(2),
        left("").drop(1),
        flex(""),
    ]);
    for order in &affected.orders {
        table.row([
            cell(format!("  {}", order.id)),
            cell(order.bucket),
            maybe(order.stage.as_ref()),
            maybe(order.holder.as_ref()),
            cell(&order.title),
        ]);
    }
    call.out.rows(&table)?;
    let more = affected.total.saturating_sub(affected.orders.len() as u64);
    match more {
        0 => Ok(()),
        more => call.out.tone(Tone::Muted, &format!("  and {more} more")),
    }
}

fn trigger(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    let severity = value(matches, "severity").unwrap_or(Severity::High);
    let order = text(matches, "order")
        .map(|id| call.order(&id))
        .transpose()?;
    let intent = Intent::TriggerAndon {
        reason: word(matches, "reason").into(),
        severity,
        hold: value(matches, "hold"),
        fingerprint: text(matches, "fingerprint"),
        order,
    };
    let Some(outcome) = submit(call, intent)? else {
        return Ok(());
    };
    let raised = outcome
        .records
        .iter()
        .find_map(|record| match record.event() {
            Some(Event::AlertRaised { id, .. } | Event::AlertRepeated { id, .. }) => Some(id),
            _ => None,
        });
    let Some(id) = raised else {
        return sentences(call, &outcome);
    };
    let alert = answer!(call, Query::Alert { id }, Alert);
    if call.json() {
        return call.out.json(&alert);
    }
    sentences(call, &outcome)?;
    match &alert.blast {
        Some(stops) => blast(call, stops, "stops"),
        None => call.out.line(&format!("{id} holds nothing")),
    }
}

fn recover(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    let fingerprint = word(matches, "fingerprint").into();
    let Some(outcome) = submit(call, Intent::RecoverAlert { fingerprint })? else {
        return Ok(());
    };
    let recovered = outcome
        .records
        .iter()
        .find_map(|record| match record.event() {
            Some(Event::AlertRecovered { id }) => Some(id),
            _ => None,
        });
    match recovered {
        Some(id) => report(call, &outcome, &Query::Alert { id }),
        None if call.json() => call.out.json(&serde_json::json!({ "changed": false })),
        None => sentences(call, &outcome),
    }
}

fn detail(call: &mut Call<'_>, detail: &AlertDetail) -> Done {
    if call.json() {
        return call.out.json(detail);
    }
    let alert = &detail.alert;
    call.out.whole(&[
        (Tone::Head, &alert.id.to_string()),
        (tone(alert), &format!("  {}  ", alert.severity)),
        (Tone::Plain, &alert.reason),
    ])?;
    let moment = |at: Option<crate::domain::query::value::Moment>| at.map(|at| at.to_string());
    let by = |who: &Option<crate::domain::order::Actor>, at| {
        who.as_ref()
            .map(|who| format!("{who}, {}", moment(at).unwrap_or_default()))
    };
    let facts = [
        ("status", Some(alert.status.to_string())),
        (
            "holds",
            Some(alert.hold.clone().unwrap_or_else(|| "nothing".into())),
        ),
        (
            "raised by",
            Some(format!(
                "{}, {} ({} ago)",
                alert.raised_by,
                alert.raised_at,
                age(alert)
            )),
        ),
        (
            "seen",
            (alert.count > 1)
                .then(|| format!("{} times, last {}", alert.count, alert.last_seen_at)),
        ),
        ("order", alert.order.map(|id| id.to_string())),
        ("fingerprint", alert.fingerprint.clone()),
        (
            "noticed by",
            by(&alert.acknowledged_by, alert.acknowledged_at),
        ),
        (
            "snoozed",
            moment(alert.snoozed_until).map(|until| format!("until {until}")),
        ),
        ("recovered", moment(alert.recovered_at)),
        ("worse at", moment(alert.escalates_at)),
        ("resolved by", by(&alert.resolved_by, alert.resolved_at)),
        ("resolution", alert.resolution.clone()),
    ];
    for (name, text) in facts {
        if let Some(text) = text {
            call.out.fact(name, &text)?;
        }
    }
    if !detail.corrective_orders.is_empty() {
        heading(call, "mended by")?;
        let mut table = Table::new([left(""), left(""), flex("")]);
        for order in &detail.corrective_orders {
            table.row(row(order));
        }
        call.out.rows(&table)?;
    }
    if let Some(stops) = &detail.blast {
        heading(call, "what it stops")?;
        blast(call, stops, "stops")?;
    }
    heading(call, "timeline")?;
    for happening in &detail.timeline {
        let times = match happening.times {
            1 => String::new(),
            times => format!(", {times} times"),
        };
        said(call, &happening.entry, &times)?;
    }
    if detail.omitted > 0 {
        let left_out = format!("  and {} older ones that are not shown", detail.omitted);
        call.out.spans(&[(Tone::Muted, &left_out)])?;
    }
    let resumed = detail.thaw.as_ref().and_then(|thaw| thaw.resumed.as_ref());
    if let Some(entry) = resumed {
        heading(call, "work resumed")?;
        said(call, entry, "")?;
    }
    Ok(())
}

/// Prints one line of a timeline.
fn said(call: &mut Call<'_>, entry: &Entry, more: &str) -> Done {
    call.out.spans(&[
        (Tone::Muted, &format!("  {}  {}  ", entry.at, entry.actor)),
        (Tone::Plain, &format!("{}{more}", entry.text)),
    ])
}
