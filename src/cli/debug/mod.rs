//! `obeya debug …`: what lies behind the lists, for whoever looks for the reason of something.

mod dump;

use clap::{ArgMatches, Command};

use super::{
    arguments::{limit, option, order, positional, verb, verbs},
    context::{Call, answer, text, value},
    error::Done,
    output::Tone,
    work_order::show::heading,
};
use crate::domain::query::{
    MAX_LIMIT, Query,
    trace::{Touch, Trace, TraceQuery, TraceRecord, Traced},
};

const NOUN: &str = "debug";

pub(super) fn grammar(noun: Command) -> Command {
    let page = || {
        let after = option("after", "SEQ", "Only what came after this record");
        [after.value_parser(clap::value_parser!(u64)), limit()]
    };
    verbs(
        noun,
        [
            verb(NOUN, "trace-work-order").arg(order()).args(page()),
            verb(NOUN, "trace-agent")
                .arg(positional("name", "NAME", "The agent"))
                .args(page()),
            verb(NOUN, "dump-state"),
        ],
    )
}

pub(super) fn run(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    let Some((verb, matches)) = matches.subcommand() else {
        return Ok(());
    };
    let of = match verb {
        "trace-work-order" => Traced::Order(text(matches, "id").unwrap_or_default()),
        "trace-agent" => Traced::Agent(text(matches, "name").unwrap_or_default()),
        _ => return dump::run(call),
    };
    let query = Query::Trace(TraceQuery {
        of,
        after: value(matches, "after").unwrap_or_default(),
        limit: value(matches, "limit").or(Some(MAX_LIMIT)),
    });
    let trace = answer!(call, query, Trace);
    match call.json() {
        true => call.out.json(&*trace),
        false => show(call, &trace),
    }
}

fn show(call: &mut Call<'_>, trace: &Trace) -> Done {
    let now = match (&trace.work_order, &trace.agent) {
        (Some(order), _) => {
            let stage = order.stage.as_ref().map(|stage| format!(" in {stage}"));
            let holder = order
                .holder
                .as_ref()
                .map(|holder| format!(", {holder} has it"));
            format!(
                "  {}{}{}: {}",
                order.status,
                stage.unwrap_or_default(),
                holder.unwrap_or_default(),
                order.title
            )
        }
        (None, Some(agent)) => format!("  {}, {} completed", agent.status, agent.completed),
        (None, None) => "  not known any more".into(),
    };
    call.out
        .spans(&[(Tone::Head, &trace.subject), (Tone::Plain, &now)])?;
    for record in &trace.records {
        row(call, record)?;
    }
    if !trace.receipts.is_empty() {
        heading(call, "receipts")?;
        for receipt in &trace.receipts {
            call.out.line(&format!(
                "  {}  record {}  {}",
                receipt.number, receipt.seq, receipt.hash
            ))?;
        }
    }
    let shown = trace.records.len();
    let text = match shown < trace.total {
        true => format!(
            "{shown} of {} records; the next with --after {}",
            trace.total, trace.last
        ),
        false if shown == 1 => "1 record".into(),
        false => format!("{shown} records"),
    };
    call.out.tone(Tone::Muted, &text)
}

/// Prints a record, and beneath it how it came about.
fn row(call: &mut Call<'_>, record: &TraceRecord) -> Done {
    let entry = &record.entry;
    let touch = match record.touch {
        Touch::Own => String::new(),
        touch => format!("[{touch}] "),
    };
    call.out.spans(&[
        (Tone::Muted, &format!("{:>6}  {}  ", entry.seq, entry.at)),
        (Tone::Muted, &format!("{}  ", entry.actor)),
        (Tone::Warn, &touch),
        (Tone::Plain, &entry.text),
    ])?;
    let mut origin = format!(
        "        {} by {}, command {}",
        entry.event,
        entry.door.word(),
        record.command
    );
    if let Some(cause) = record.causation {
        origin.push_str(&format!(", caused by {cause}"));
    }
    if let Some(conversation) = record.correlation {
        origin.push_str(&format!(", part of {conversation}"));
    }
    call.out.tone(Tone::Muted, &origin)
}
