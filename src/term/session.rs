//! The loop's way to an engine, over `link`.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle, Thread},
    time::Duration,
};

use super::{
    desk::Desk,
    exchange,
    line::LineWatch,
    logs,
    mail::{self, Watcher},
    post::Post,
    run::Session,
    wall::file_of,
};
use crate::{
    cli::{LineContext, run_line},
    domain::{
        command::{Command, Role},
        moment::Moment,
        order::Actor,
        query::Query,
        time::Timestamp,
    },
    link::{self, Home, Operator, ReadOnly, Standing, bus::Caller},
    ui::{
        effect::Ticket,
        log::Wish,
        look::Wanted,
        mail::MailAct,
        msg::{Connection, Failure, Msg},
    },
};

/// How often a console that is not the host looks whether it should be: seldom, since anybody's commands work meanwhile.
const CANDIDACY: Duration = Duration::from_secs(5);

/// How the ledger is reached: to work on it, or to look at it.
#[derive(Clone)]
enum Way {
    Work(Arc<link::Session>),
    Look(Arc<link::Watching>),
}

impl Way {
    fn watching(&self) -> &link::Watching {
        match self {
            Way::Work(session) => session.watching(),
            Way::Look(watching) => watching,
        }
    }

    /// Gives the office up, if it may be had.
    fn step_down(&self) {
        if let Way::Work(session) = self {
            session.step_down();
        }
    }

    fn operator(&self) -> Box<dyn Operator> {
        match self {
            Way::Work(session) => Box::new(Arc::clone(session)),
            Way::Look(watching) => Box::new(ReadOnly::new(Arc::clone(watching))),
        }
    }
}

/// What the worker does, and where in the past it stands, if it does.
type Errand = Box<dyn FnOnce(&Way, &mut Option<Standing>) + Send>;

/// A session over a ledger in this process.
pub(super) struct LinkSession {
    way: Way,
    actor: Actor,
    role: Role,
    line: LineContext,
    desk: Desk,
    post: Post,
    errands: Option<mpsc::Sender<Errand>>,
    worker: Option<JoinHandle<()>>,
    office: Option<Office>,
    home: Home,
    logs: logs::Watcher,
    _watcher: Watcher,
}

impl LinkSession {
    /// Works on a ledger.
    pub(super) fn work(
        session: link::Session,
        home: Home,
        post: Post,
        line: LineContext,
        desk: Desk,
    ) -> LinkSession {
        let session = Arc::new(session);
        LinkSession::new(Way::Work(session), home, post, line, desk)
    }

    /// Looks at a ledger.
    pub(super) fn look(
        watching: link::Watching,
        home: Home,
        post: Post,
        line: LineContext,
        desk: Desk,
    ) -> LinkSession {
        LinkSession::new(Way::Look(Arc::new(watching)), home, post, line, desk)
    }

    fn new(way: Way, home: Home, post: Post, line: LineContext, desk: Desk) -> LinkSession {
        let office = Office::open(way.clone(), home.clone(), post.clone());
        let (errands, inbox) = mpsc::channel::<Errand>();
        let worker = {
            let way = way.clone();
            thread::spawn(move || {
                let mut then = None;
                inbox.into_iter().for_each(|errand| errand(&way, &mut then));
            })
        };
        let caller = Caller {
            actor: line.actor.clone(),
            role: line.role,
        };
        let looks = matches!(way, Way::Look(_));
        let watcher = Watcher::start(home.clone(), caller, looks, post.clone());
        LinkSession {
            actor: line.actor.clone(),
            role: line.role,
            logs: logs::Watcher::start(home.clone(), post.clone()),
            home,
            _watcher: watcher,
            way,
            line,
            desk,
            post,
            errands: Some(errands),
            worker: Some(worker),
            office: Some(office),
        }
    }

    fn caller(&self) -> Caller {
        Caller {
            actor: self.actor.clone(),
            role: match self.way {
                Way::Work(_) => self.role,
                Way::Look(_) => Role::Viewer,
            },
        }
    }

    /// Returns the half that looks.
    pub(super) fn watching(&self) -> &link::Watching {
        self.way.watching()
    }

    /// Has something that may wait done on the worker's thread.
    fn send(&self, errand: impl FnOnce(&Way, &mut Option<Standing>) + Send + 'static) {
        if let Some(errands) = &self.errands
            && errands.send(Box::new(errand)).is_err()
        {
            tracing::error!("the console's worker is gone");
        }
    }
}

impl Drop for LinkSession {
    fn drop(&mut self) {
        drop(self.office.take());
        drop(self.errands.take());
        if let Some(worker) = self.worker.take()
            && worker.join().is_err()
        {
            tracing::error!("the console's worker panicked");
        }
    }
}

impl Session for LinkSession {
    fn submit(
        &mut self,
        ticket: Ticket,
        command: Command,
        epoch: Option<u32>,
        as_of: Option<Timestamp>,
    ) {
        let submission = exchange::submission(self.caller(), command, epoch, as_of);
        let post = self.post.clone();
        let tell = move |reply| post.tell(exchange::submitted(ticket, reply));
        match &self.way {
            Way::Work(session) => session.submit_then(submission, tell),
            Way::Look(watching) => tell(ReadOnly::new(Arc::clone(watching)).submit(&submission)),
        }
    }

    fn ask(&mut self, ticket: Ticket, query: Query) {
        let post = self.post.clone();
        self.send(move |way, then| {
            let asked = match then {
                Some(then) => way.watching().ask_then(then, &query),
                None => way.watching().ask(&query),
            };
            post.tell(exchange::answered(ticket, asked));
        });
    }

    fn travel(&mut self, ticket: Ticket, moment: Option<Moment>) {
        let post = self.post.clone();
        self.send(move |way, then| {
            let Some(moment) = moment else {
                *then = None;
                return;
            };
            let told = post.clone();
            let mut tell = move |gone, all| {
                let gone = (gone, all);
                told.tell(Msg::OnTheWay { ticket, gone });
            };
            let stands = match way.watching().stand(moment, &mut tell) {
                Ok(standing) => {
                    let stands = (Arc::clone(&standing.state), standing.now);
                    *then = Some(standing);
                    Ok(stands)
                }
                Err(fault) => Err(Failure::Fault(fault.to_string())),
            };
            post.tell(Msg::Arrived { ticket, stands });
        });
    }

    fn run_line(&mut self, ticket: Ticket, line: String) {
        let (post, context) = (self.post.clone(), self.line.clone());
        self.send(move |way, _| {
            let printed = run_line(&line, way.operator().as_mut(), &context);
            post.tell(exchange::printed(ticket, printed));
        });
    }

    fn files(&mut self, wanted: Wanted) {
        let (post, desk) = (self.post.clone(), self.desk.clone());
        self.send(move |_, _| post.tell(desk.answer(wanted)));
    }

    fn mail(&mut self, act: MailAct) {
        let (post, home, caller) = (self.post.clone(), self.home.clone(), self.caller());
        self.send(move |_, _| {
            for msg in mail::act(&home, &caller, act) {
                post.tell(msg);
            }
        });
    }

    fn watch(&mut self, wish: Option<Wish>) {
        self.logs.wish(wish);
    }

    fn step_down(&mut self) {
        self.office.iter().for_each(Office::close);
    }

    fn stand(&mut self) {
        self.office.iter().for_each(Office::reopen);
    }

    fn now(&self) -> Timestamp {
        link::now()
    }
}

/// Stands for election until this process is the host, looks whether the ledger is still there, and tells the console how
/// it went. Who only looks at the ledger never stands.
struct Office {
    way: Way,
    /// Whether it may not stand. Held while it stands, so that nobody is elected behind a closed door.
    closed: Arc<Mutex<bool>>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    waker: Option<Thread>,
}

impl Office {
    fn open(way: Way, home: Home, post: Post) -> Office {
        let (closed, ended) = (Arc::<Mutex<bool>>::default(), Arc::<AtomicBool>::default());
        let thread = {
            let (way, closed, ended) = (way.clone(), Arc::clone(&closed), Arc::clone(&ended));
            thread::spawn(move || {
                let mut told = None;
                let mut file = LineWatch::new(post.clone());
                while !ended.load(Ordering::Acquire) {
                    let held = closed.lock().unwrap_or_else(PoisonError::into_inner);
                    let stages = &way.watching().state().settings.stages;
                    heed(&way, file.look(&home, stages, matches!(way, Way::Work(_))));
                    let connection = (!*held).then(|| stand(&way, &home));
                    drop(held);
                    if let Some(connection) = connection
                        && !told.as_ref().is_some_and(|told| is_same(told, &connection))
                    {
                        post.tell(Msg::Connection(connection.clone()));
                        told = Some(connection);
                    }
                    thread::park_timeout(CANDIDACY);
                }
            })
        };
        let waker = Some(thread.thread().clone());
        Office {
            way,
            closed,
            ended,
            thread: Some(thread),
            waker,
        }
    }

    /// Gives the office up, before the process is stopped.
    fn close(&self) {
        self.set_closed(true);
        self.way.step_down();
    }

    /// Stands again, at once.
    fn reopen(&self) {
        self.set_closed(false);
        self.wake();
    }

    fn set_closed(&self, closed: bool) {
        *self.closed.lock().unwrap_or_else(PoisonError::into_inner) = closed;
    }

    fn wake(&self) {
        if let Some(waker) = &self.waker {
            waker.unpark();
        }
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
        self.wake();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the office's thread panicked");
        }
        self.way.step_down();
    }
}

/// Lets a console run what `obeya.toml` names, from when on its user does.
fn heed(way: &Way, trusted: bool) {
    if let Way::Work(session) = way
        && trusted
    {
        session.let_run();
    }
}

/// Returns how the ledger is reached now. One that is gone is given up at once: its lock went with it.
fn stand(way: &Way, home: &Home) -> Connection {
    if let Err(why) = file_of(home) {
        way.step_down();
        return Connection::Down {
            since: link::now(),
            why,
            next_try: None,
        };
    }
    let Way::Work(session) = way else {
        return Connection::Attached;
    };
    match session.stand() {
        Ok(true) => Connection::Host,
        Ok(false) => Connection::Attached,
        Err(fault) => {
            tracing::warn!(%fault, "this console cannot host");
            Connection::Alone
        }
    }
}

/// Returns whether there is nothing new to tell: what is down stays so since it went down.
fn is_same(told: &Connection, now: &Connection) -> bool {
    match (told, now) {
        (Connection::Down { why, .. }, Connection::Down { why: again, .. }) => why == again,
        _ => told == now,
    }
}
