//! `obeya host`: the host of a ledger without a console. It runs the agents of `obeya.toml`, and prints one line an event.

use std::{
    sync::mpsc::{self, RecvTimeoutError, SyncSender},
    thread,
    time::{Duration, Instant},
};

use clap::{ArgMatches, Command};
use tokio::signal::unix::{SignalKind, signal};

use super::{
    arguments::flag,
    context::Call,
    error::{CliError, Done},
    output::Tone,
    watch::told,
};
use crate::{
    config::line::LINE_FILE,
    domain::{
        query::{
            gates,
            life::{Life, LifeState},
        },
        record::Record,
        state::State,
    },
    link::{self, Fault, Session},
};

/// How often the office is stood for and `obeya.toml` is looked at.
const STAND: Duration = Duration::from_secs(5);
/// How often it is looked whether everything is at rest, where that is the end.
const REST: Duration = Duration::from_millis(200);
/// How long something ready may be left alone before it counts as left: many times what handing it out takes.
const LEFT: Duration = Duration::from_secs(2);
/// The most records that wait to be printed: a reader that is too slow sees fewer lines, and holds up nothing.
const WAITING: usize = 4_096;

const AFTER: &str = "\
Agents stand in obeya.toml, beside the ledger's folder:
  [agents.greeter]
  command = [\"sh\", \"-c\", \"echo working on $OBEYA_ORDER; echo '{\\\"result\\\":\\\"done\\\"}'\"]

It ends with code 0 when it is interrupted or told to terminate: its agents are
asked to end, and killed after their grace. With --until-idle it ends by itself,
with code 1 if something is ready that none of its agents takes. What is done
and only waits for a person's approval it names, and leaves under its claim:
once that is given, the next host completes it.";

pub(super) fn grammar(noun: Command) -> Command {
    noun.args([flag(
        "until-idle",
        "End when nothing is in progress, nothing is ready and nothing runs, but for what waits for a person's approval",
    )])
    .after_help(AFTER)
}

enum News {
    Record(Box<Record>),
    Over,
}

pub(super) fn run(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    call.shell_only("host")?;
    call.no_dry_run("A host")?;
    let home = call.home()?;
    super::log::start(&home);
    let until_idle = matches.get_flag("until-idle");
    let (sender, news) = mpsc::sync_channel(WAITING);
    end_when_told(sender.clone())?;
    // Whoever starts a host by hand wants run what the project names; a console may do it from then on.
    if let Err(fault) = link::trust(&home) {
        tracing::warn!(%fault, "a console will not run the agents here");
    }
    let session = Session::titled(&home, "host", true)?;
    let _subscription = session.watching().subscribe(move |news| {
        for record in news.records.iter() {
            let _ = sender.try_send(News::Record(Box::new(record.clone())));
        }
    });
    let mut line: Option<link::LineFile> = None;
    let mut look = true;
    let (mut problems, mut bare) = (vec![], false);
    let mut spent_before: Vec<String> = vec![];
    let (mut stood, mut hosting, mut left_since) = (Instant::now(), None, None);
    loop {
        let is_host = session.supervisor().is_some();
        if hosting.replace(is_host) != Some(is_host) && !call.json() {
            call.out.tone(
                Tone::Muted,
                match is_host {
                    true => "this process hosts the ledger",
                    false => "another process hosts the ledger; this one stands by",
                },
            )?;
        }
        // The file is looked at as often as the host itself looks, and not with every record.
        if let Some(supervisor) = session.supervisor().filter(|_| std::mem::take(&mut look)) {
            let mut found = supervisor.problems();
            let seen = {
                let state = session.watching().state();
                link::look_at_line_file(&home, &state.settings.stages, line.as_ref())
            };
            // What is wrong with gates the supervision of agents does not look at.
            let more = seen
                .problems
                .iter()
                .filter(|problem| !found.contains(problem));
            let more: Vec<_> = more.cloned().collect();
            found.extend(more);
            if !seen.runs_something && found.is_empty() && !bare {
                let file = home.project().join(LINE_FILE);
                let text = format!(
                    "{} names no agents and no gates, so that this host runs nothing: `obeya agent preset` and `obeya quality-gate preset` print some to put there",
                    file.display()
                );
                aside(call, &text)?;
            }
            bare = !seen.runs_something;
            line = Some(seen);
            let now_spent = spent(&session);
            for budget in now_spent
                .iter()
                .filter(|budget| !spent_before.contains(budget))
            {
                aside(call, budget)?;
            }
            spent_before = now_spent;
            if found != problems {
                for problem in &found {
                    eprintln!("warning: {problem}");
                }
                problems = found;
            }
        }
        call.out.flush()?;
        let patience = match until_idle {
            true => REST,
            false => STAND.saturating_sub(stood.elapsed()),
        };
        let quiet = match news.recv_timeout(patience) {
            Ok(News::Record(record)) => {
                told(call, &record, true)?;
                false
            }
            Ok(News::Over) | Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => true,
        };
        if stood.elapsed() >= STAND {
            session.stand()?;
            look = true;
            stood = Instant::now();
        }
        let rest = match until_idle && quiet {
            true => rest(&session),
            false => Rest::Busy,
        };
        match rest {
            Rest::Done => {
                in_the_way(&session, call)?;
                break;
            }
            Rest::Busy => left_since = None,
            Rest::Left if left_since.get_or_insert_with(Instant::now).elapsed() < LEFT => {}
            Rest::Left => {
                in_the_way(&session, call)?;
                session.step_down();
                call.out.line("something is ready, and no agent takes it")?;
                return Err(CliError::Wrong);
            }
        }
    }
    session.step_down();
    call.out.flush()
}

/// How the line stands, for a host that ends when there is nothing more to do.
#[derive(PartialEq, Eq)]
enum Rest {
    /// Something is done, or is about to be.
    Busy,
    /// Something is ready, and nobody takes it.
    Left,
    /// Nothing is left, but for what waits for a person's approval.
    Done,
}

fn rest(session: &Session) -> Rest {
    let Some(supervisor) = session
        .supervisor()
        .filter(|running| running.is_under_way())
    else {
        return Rest::Busy;
    };
    let lives = supervisor.lives();
    let state = session.watching().state();
    // What is done and waits for a person may wait for days: nothing here brings it on.
    let waits = lives.values().flat_map(|life| &life.runs);
    let waits = waits.filter(|run| !run.approvals.is_empty()).count();
    let in_progress: usize = state.counts.wip.iter().map(|count| *count as usize).sum();
    let works = |life: &Life| {
        let mut runs = life.runs.iter();
        runs.any(|run| run.order.is_some() && run.approvals.is_empty())
    };
    // One that waits after a crash, is paused or throttled may go on.
    let over = |life: &Life| match life.state {
        LifeState::Idle => life.note.is_none(),
        LifeState::Waiting => !life.runs.iter().any(|run| run.approvals.is_empty()),
        state => matches!(
            state,
            LifeState::Parked | LifeState::Stopped | LifeState::Unknown
        ),
    };
    match is_ready(&state) {
        _ if in_progress > waits || lives.values().any(works) => Rest::Busy,
        false => Rest::Done,
        true if lives.values().all(over) => Rest::Left,
        true => Rest::Busy,
    }
}

/// Says something that is no event, to people only.
fn aside(call: &mut Call<'_>, text: &str) -> Done {
    match call.json() {
        true => Ok(()),
        false => call.out.tone(Tone::Muted, text),
    }
}

/// Says what a host that ends leaves behind that a person can bring on.
fn in_the_way(session: &Session, call: &mut Call<'_>) -> Done {
    if call.json() {
        return Ok(());
    }
    let all = waiting(session).into_iter().chain(spent(session));
    all.into_iter().try_for_each(|what| call.out.line(&what))
}

/// Returns which budgets are spent, so that agents begin nothing under them, with what lifts that: a sentence each.
fn spent(session: &Session) -> Vec<String> {
    let state = session.watching().state();
    let refusals = state.spent_budgets(link::now()).into_iter();
    let words = refusals.map(|refusal| {
        let lift = refusal.lift().join("; ");
        format!("agents begin nothing under a spent budget: {refusal} ({lift})")
    });
    words.collect()
}

/// Returns what is done and waits for a person's approval, a sentence each.
fn waiting(session: &Session) -> Vec<String> {
    let lives = session.supervisor().map(|running| running.lives());
    let lives = lives.unwrap_or_default();
    let runs = lives.values().flat_map(|life| &life.runs);
    let waits = runs.filter_map(|run| {
        let order = run.order.filter(|_| !run.approvals.is_empty())?;
        Some(format!(
            "{order} is {}",
            gates::waits(order, &run.approvals)
        ))
    });
    waits.collect()
}

fn is_ready(state: &State) -> bool {
    state.work_orders().any(|order| state.is_ready(order))
}

/// Ends the host when a signal asks for it.
fn end_when_told(sender: SyncSender<News>) -> Done {
    let failed = |error: std::io::Error| {
        CliError::from(Fault::io("".as_ref(), "listening to signals", &error))
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(failed)?;
    let (mut interrupt, mut terminate, mut hang_up) = {
        let _inside = runtime.enter();
        let listen = |kind| signal(kind).map_err(failed);
        (
            listen(SignalKind::interrupt())?,
            listen(SignalKind::terminate())?,
            listen(SignalKind::hangup())?,
        )
    };
    thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hang_up.recv() => {}
            }
        });
        let _ = sender.send(News::Over);
    });
    Ok(())
}
