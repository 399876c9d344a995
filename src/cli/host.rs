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
    domain::{query::life::LifeState, record::Record, state::State},
    link::{Fault, Session},
};

/// How often the office is stood for and `obeya.toml` is looked at.
const STAND: Duration = Duration::from_secs(5);
/// How often it is looked whether everything is at rest, where that is the end.
const REST: Duration = Duration::from_millis(200);
/// The most records that wait to be printed: a reader that is too slow sees fewer lines, and holds up nothing.
const WAITING: usize = 4_096;

const AFTER: &str = "\
Agents stand in obeya.toml, beside the ledger's folder:
  [agents.greeter]
  command = [\"sh\", \"-c\", \"echo working on $OBEYA_ORDER; echo '{\\\"result\\\":\\\"done\\\"}'\"]

It ends with code 0 when it is interrupted or told to terminate: its agents are asked to end, and killed after their
grace. With --until-idle it ends by itself, with code 1 if something is ready that none of its agents is there to take.";

pub(super) fn grammar(noun: Command) -> Command {
    noun.args([flag(
        "until-idle",
        "End when nothing is in progress, nothing is ready and nothing runs",
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
    let session = Session::titled(&home, "host")?;
    let _subscription = session.watching().subscribe(move |news| {
        for record in news.records.iter() {
            let _ = sender.try_send(News::Record(Box::new(record.clone())));
        }
    });
    let mut problems = vec![];
    let (mut stood, mut hosting) = (Instant::now(), None);
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
        let found = session.supervisor().map(|supervisor| supervisor.problems());
        if let Some(found) = found.filter(|found| *found != problems) {
            for problem in &found {
                eprintln!("warning: {problem}");
            }
            problems = found;
        }
        call.out.flush()?;
        let patience = match until_idle {
            true => REST,
            false => STAND.saturating_sub(stood.elapsed()),
        };
        match news.recv_timeout(patience) {
            Ok(News::Record(record)) => {
                told(call, &record, true)?;
                continue;
            }
            Ok(News::Over) | Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {}
        }
        if stood.elapsed() >= STAND {
            session.stand()?;
            stood = Instant::now();
        }
        if until_idle && let Some(rest) = rest(&session) {
            session.step_down();
            call.out.flush()?;
            return match rest {
                Rest::Done => Ok(()),
                Rest::NobodyLeft => {
                    call.out
                        .line("something is ready, and no agent is there to take it")?;
                    Err(CliError::Wrong)
                }
            };
        }
    }
    session.step_down();
    call.out.flush()
}

/// Why there is nothing more to wait for.
enum Rest {
    Done,
    NobodyLeft,
}

fn rest(session: &Session) -> Option<Rest> {
    let supervisor = session.supervisor()?;
    let lives = supervisor.lives();
    let runs = lives.values().flat_map(|life| &life.runs);
    let starting = lives.values().any(|life| life.state == LifeState::Starting);
    let state = session.watching().state();
    let in_progress = state.counts.wip.iter().any(|count| *count > 0);
    if starting || in_progress || runs.into_iter().any(|run| run.order.is_some()) {
        return None;
    }
    let down = |state| matches!(state, LifeState::Parked | LifeState::Stopped);
    match is_ready(&state) {
        false => Some(Rest::Done),
        true if lives.values().all(|life| down(life.state)) => Some(Rest::NobodyLeft),
        true => None,
    }
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
