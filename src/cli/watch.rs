//! `obeya watch`: what happens on the ledger as it happens, one line an event, until somebody ends it.
//!
//! With `--plain` a line is a sentence that begins with the time and who did it: no colours, no columns, nothing cut
//! off, for screen readers and logs. The sentences are those of the log and of every timeline.

use std::{io, sync::mpsc, thread, time::Duration};

use clap::{ArgAction, ArgMatches, Command};
use rustix::event::{PollFd, PollFlags, poll};
use tokio::{
    runtime::{Builder, Runtime},
    signal::unix::{Signal, SignalKind, signal},
};

use super::{
    arguments::{flag, option, reads},
    context::{Call, answer, value, values},
    duration::{self, Since},
    error::{CliError, Done},
    events::entry,
};
use crate::{
    domain::{
        event::EVENTS,
        query::{Query, events::Entry},
        record::{Record, Seq},
        time::{SECOND, Timestamp},
    },
    link::{self, Fault},
};

/// How long one wait lasts; then it waits again.
const PATIENCE: Duration = Duration::from_secs(3600);

/// How many records are looked at in one step back to where a watch begins.
const PAGE: u64 = 1_000;

/// How long the end waits for a line that is being written to a reader that does not read.
const GRACE: Duration = Duration::from_secs(1);

const AFTER: &str = "\
Examples:
  obeya watch --plain
  obeya watch --plain --since \"1 hour ago\" --kind alert >> alerts.log
  obeya watch --json --kind order_completed | jq .subject

It ends with code 0 when it is interrupted or told to terminate, or when nobody
reads it any more.";

pub(super) fn grammar(noun: Command) -> Command {
    noun.args([
        flag(
            "plain",
            "Whole sentences without colours and columns, for screen readers and logs",
        ),
        option(
            "since",
            "TIME",
            "Begin with what happened since: 10m, \"2 hours ago\", 2026-02-01",
        )
        .value_parser(reads(duration::since)),
        option(
            "kind",
            "KIND",
            "Only such events: order, alert, agent, …, or one like order_completed",
        )
        .action(ArgAction::Append)
        .value_delimiter(',')
        .value_parser(reads(kind)),
    ])
    .after_help(AFTER)
}

/// Returns an event's name, or the first word of some, as it was typed.
fn kind(text: &str) -> Result<String, String> {
    let wanted = text.trim().to_ascii_lowercase().replace('-', "_");
    if EVENTS.iter().any(|(name, _)| is_kind(name, &wanted)) {
        return Ok(wanted);
    }
    let mut words: Vec<&str> = EVENTS
        .iter()
        .filter_map(|(name, _)| name.split('_').next())
        .collect();
    words.sort_unstable();
    words.dedup();
    let shown: String = text.chars().take(40).collect();
    Err(format!(
        "'{shown}' is no kind of event; use one of {}, or a whole name like order_completed",
        words.join(", ")
    ))
}

fn is_kind(name: &str, wanted: &str) -> bool {
    let rest = name.strip_prefix(wanted);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
}

/// What a watch waits for.
enum News {
    Records(Vec<Record>),
    Failed(Fault),
    Over,
}

pub(super) fn run(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    call.process_only("watch")?;
    call.no_dry_run("A watch")?;
    let plain = matches.get_flag("plain");
    let kinds = values::<String>(matches, "kind");
    if plain {
        (call.out.style.colour, call.out.style.width) = (false, None);
    }
    let after = match value::<Since>(matches, "since") {
        Some(since) => Some(before(call, since.at(link::now()))?),
        None => None,
    };
    let mut follower = call.connection()?.follow(after)?;
    call.release();
    let (sender, news) = mpsc::sync_channel(1);
    let ending = sender.clone();
    end_when_told(move || drop(ending.send(News::Over)))
        .map_err(|error| Fault::io("".as_ref(), "listening to signals", &error))?;
    thread::spawn(move || {
        loop {
            let news = match follower.next(PATIENCE) {
                Ok(records) => News::Records(records),
                Err(fault) => News::Failed(fault),
            };
            let last = matches!(news, News::Failed(_));
            if sender.send(news).is_err() || last {
                return;
            }
        }
    });
    loop {
        match news.recv() {
            Ok(News::Records(records)) => records
                .iter()
                .filter(|record| wanted(record, &kinds))
                .try_for_each(|record| told(call, record, plain))?,
            Ok(News::Failed(fault)) => return Err(fault.into()),
            Ok(News::Over) | Err(_) => return call.out.flush(),
        }
        call.out.flush()?;
    }
}

fn wanted(record: &Record, kinds: &[String]) -> bool {
    kinds.is_empty() || kinds.iter().any(|wanted| is_kind(&record.kind, wanted))
}

pub(super) fn told(call: &mut Call<'_>, record: &Record, plain: bool) -> Done {
    let event = Entry::of(record);
    if call.json() {
        return call.out.json_line(&event);
    }
    match plain {
        true => call
            .out
            .line(&format!("{} {}: {}", event.at, event.actor, event.text)),
        false => entry(call, &event),
    }
}

/// Returns the record behind which everything since a moment lies, looking back from the newest.
fn before(call: &mut Call<'_>, since: Timestamp) -> Result<Seq, CliError> {
    // Over a socket moments come to the second.
    let since = Timestamp(since.0 - since.0.rem_euclid(SECOND));
    let mut query = Query::Log {
        after: None,
        limit: Some(PAGE as usize),
    };
    loop {
        let log = answer!(call, query, Log);
        let Some(first) = log.events.first() else {
            return Ok(log.last);
        };
        if first.at.0 < since || first.seq <= 1 {
            let found = log.events.iter().find(|event| event.at.0 >= since);
            return Ok(found.map_or(log.last, |event| event.seq.saturating_sub(1)));
        }
        let end = first.seq.saturating_sub(1);
        let after = end.saturating_sub(PAGE);
        query = Query::Log {
            after: Some(after),
            limit: Some((end - after) as usize),
        };
    }
}

/// Calls `over` when a signal asks for the end, or when nobody reads standard output any more: a watch over a quiet ledger
/// would otherwise notice neither. A moment later the process ends by itself.
pub(super) fn end_when_told(over: impl Fn() + Clone + Send + 'static) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let signals = {
        let _inside = runtime.enter();
        [
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
        ]
    };
    let gone = over.clone();
    thread::spawn(move || end_on_signal(&runtime, signals, over));
    thread::spawn(move || {
        let stdout = io::stdout();
        let mut watched = [PollFd::new(&stdout, PollFlags::empty())];
        // Nothing is asked for, so only an error or a hang-up comes.
        while poll(&mut watched, None).is_err() {}
        end(gone);
    });
    Ok(())
}

fn end_on_signal(runtime: &Runtime, signals: [Signal; 3], over: impl Fn() + Send + 'static) {
    let [mut interrupt, mut terminate, mut hang_up] = signals;
    runtime.block_on(async {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
        }
    });
    end(over);
}

/// Ends the watch. Where a line is stuck in a reader that does not read, the process ends without it.
fn end(over: impl Fn() + Send + 'static) {
    thread::spawn(over);
    thread::sleep(GRACE);
    std::process::exit(super::EXIT_DONE.into());
}
