//! A process that hosts a ledger until it is told to end: the loop of `obeya host` and of `obeya serve`.

use std::{
    io::Write as _,
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError, SyncSender},
    },
    thread,
    time::{Duration, Instant},
};

use tokio::signal::unix::{SignalKind, signal};

use super::{
    context::Call,
    error::{CliError, Done},
    output::Tone,
    rest::{Rest, in_the_way, rest, spent},
    watch::told,
};
use crate::{
    config::{Problem, line::LINE_FILE},
    domain::record::Record,
    link::{self, Client, Fault, Home, LineFile, Service, Session},
};

/// How often the office is stood for and `obeya.toml` is looked at.
const STAND: Duration = Duration::from_secs(5);
/// How often it is looked whether everything is at rest, where that is the end; and whether a console has yielded.
const REST: Duration = Duration::from_millis(200);
/// How long something ready may be left alone before it counts as left: many times what handing it out takes.
const LEFT: Duration = Duration::from_secs(2);
/// How long a console that was asked to yield is waited for: it looks every few seconds.
const YIELDS: Duration = Duration::from_secs(20);
/// The most records that wait to be printed: a reader that is too slow sees fewer lines, and holds up nothing.
const WAITING: usize = 4_096;

/// How a ledger is to be hosted.
pub(super) struct Hosting {
    /// What others are told of who hosts.
    pub(super) title: &'static str,
    /// Whether to end when there is nothing more to do.
    pub(super) until_idle: bool,
    /// Whether a console that hosts is asked to yield: this process is to be the host for good.
    pub(super) instead_of_console: bool,
}

enum News {
    Record(Box<Record>),
    Over,
}

/// Hosts the ledger of `home` until a signal ends it. `office` is called with what answers callers whenever this process
/// becomes the host, and with nothing when it is the host no more; at the end too.
pub(super) fn keep(
    hosting: &Hosting,
    home: &Home,
    call: &mut Call<'_>,
    office: &mut dyn FnMut(&mut Call<'_>, Option<Arc<Service>>) -> Done,
) -> Done {
    let (sender, news) = mpsc::sync_channel(WAITING);
    end_when_told(sender.clone())?;
    let failed = |error| Fault::io("".as_ref(), "starting to print", &error);
    call.out.unheard().map_err(failed)?;
    // Whoever starts a host by hand wants run what the project names; a console may do it from then on.
    if let Err(fault) = link::trust(home) {
        tracing::warn!(%fault, "a console will not run the agents here");
    }
    let yields = hosting.instead_of_console && Client::ask_console_to_yield(home)?;
    let hurry = Instant::now() + if yields { YIELDS } else { Duration::ZERO };
    let session = Session::titled(home, hosting.title, true)?;
    let _subscription = session.watching().subscribe(move |news| {
        for record in news.records.iter() {
            let _ = sender.try_send(News::Record(Box::new(record.clone())));
        }
    });
    let kept = attend(hosting, home, call, office, &session, &news, hurry);
    // The doors close before what is behind them goes.
    let closed = office(call, None);
    session.step_down();
    let said = call.out.end();
    kept.and(closed).and(said)
}

fn attend(
    hosting: &Hosting,
    home: &Home,
    call: &mut Call<'_>,
    office: &mut dyn FnMut(&mut Call<'_>, Option<Arc<Service>>) -> Done,
    session: &Session,
    news: &mpsc::Receiver<News>,
    hurry: Instant,
) -> Done {
    let mut line = Line::default();
    let mut look = true;
    let (mut stood, mut was_host, mut left_since) = (Instant::now(), None, None);
    loop {
        let service = session.service();
        let is_host = service.is_some();
        if was_host.replace(is_host) != Some(is_host) {
            if !call.json() {
                call.out.tone(
                    Tone::Muted,
                    match is_host {
                        true => "this process hosts the ledger",
                        false => "another process hosts the ledger; this one stands by",
                    },
                )?;
            }
            office(call, service)?;
        }
        // The file is looked at as often as the host itself looks, and not with every record.
        if is_host && std::mem::take(&mut look) {
            line.look(home, session, call)?;
        }
        call.out.flush()?;
        let every = match !is_host && Instant::now() < hurry {
            true => REST,
            false => STAND,
        };
        let patience = match hosting.until_idle {
            true => REST,
            false => every.saturating_sub(stood.elapsed()),
        };
        let quiet = match news.recv_timeout(patience) {
            Ok(News::Record(record)) => {
                told(call, &record, true)?;
                false
            }
            Ok(News::Over) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => true,
        };
        if stood.elapsed() >= every {
            session.stand()?;
            look = true;
            stood = Instant::now();
        }
        let rest = match hosting.until_idle && quiet {
            true => rest(session),
            false => Rest::Busy,
        };
        match rest {
            Rest::Done => return in_the_way(session, call),
            Rest::Busy => left_since = None,
            Rest::Left if left_since.get_or_insert_with(Instant::now).elapsed() < LEFT => {}
            Rest::Left => {
                in_the_way(session, call)?;
                call.out.line("something is ready, and no agent takes it")?;
                return Err(CliError::Wrong);
            }
        }
    }
}

/// What was said about `obeya.toml` and its budgets.
#[derive(Default)]
struct Line {
    file: Option<LineFile>,
    problems: Vec<Problem>,
    /// Whether there was nothing to run.
    bare: bool,
    spent: Vec<String>,
}

impl Line {
    /// Says what is wrong, that there is nothing to run and what is spent, whenever that is something else.
    fn look(&mut self, home: &Home, session: &Session, call: &mut Call<'_>) -> Done {
        let Some(supervisor) = session.supervisor() else {
            return Ok(());
        };
        let mut found = supervisor.problems();
        let state = session.watching().state();
        let seen = link::look_at_line_file(home, &state.settings.stages, self.file.as_ref());
        // What is wrong with gates the supervision of agents does not look at.
        for problem in &seen.problems {
            if !found.contains(problem) {
                found.push(problem.clone());
            }
        }
        if !seen.runs_something && found.is_empty() && !self.bare {
            let file = home.project().join(LINE_FILE);
            let text = format!(
                "{} names no agents and no gates, so that this host runs nothing: `obeya agent preset` and `obeya quality-gate preset` print some to put there",
                file.display()
            );
            aside(call, &text)?;
        }
        self.bare = !seen.runs_something;
        self.file = Some(seen);
        let spent = spent(session);
        let new = spent.iter().filter(|budget| !self.spent.contains(budget));
        new.into_iter().try_for_each(|budget| aside(call, budget))?;
        self.spent = spent;
        if found != self.problems {
            for problem in &found {
                // Nobody needs to read this either.
                let _ = writeln!(std::io::stderr(), "warning: {problem}");
            }
            self.problems = found;
        }
        Ok(())
    }
}

/// Says something that is no event, to people only.
fn aside(call: &mut Call<'_>, text: &str) -> Done {
    match call.json() {
        true => Ok(()),
        false => call.out.tone(Tone::Muted, text),
    }
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
