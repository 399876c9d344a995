//! The loop's way to an engine elsewhere: nothing on screen tells it from one in this process but its name in the corner.

mod begun;
mod look;
mod news;

use std::{
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};

use uuid::Uuid;

use self::{
    begun::Begun,
    news::{First, Listener, Seat},
};
use super::{Post, desk::Desk, logs, run::Session};
use crate::{
    cli::{LineContext, run_line},
    domain::{
        command::{Command, Role, Submission},
        moment::Moment,
        order::Actor,
        query::Query,
        record::Door,
        time::Timestamp,
    },
    link::{
        self, Connection, Fault, FaultKind, Reply,
        remote::{Attached, Mirror, Remote, Target},
    },
    ui::{
        effect::Ticket,
        log::Wish,
        look::Wanted,
        mail::MailAct,
        msg::{Failure, Msg},
    },
};

/// How long the first frame waits for the line: it has come by then from anywhere that is near.
const FIRST: Duration = Duration::from_millis(1500);

/// What the worker does.
type Errand = Box<dyn FnOnce(&Attached) + Send>;

/// Has things that may wait done on the worker's thread, one after the other.
#[derive(Clone)]
struct Errands(mpsc::Sender<Option<Errand>>);

impl Errands {
    fn add(&self, errand: impl FnOnce(&Attached) + Send + 'static) {
        // A worker that is gone went with the console.
        let _ = self.0.send(Some(Box::new(errand)));
    }

    fn end(&self) {
        let _ = self.0.send(None);
    }
}

/// Where questions are answered as of.
#[derive(Clone, Copy, Debug, Default)]
struct Standing {
    moment: Option<Moment>,
    /// The way that leads there.
    way: Ticket,
}

/// A session over an engine elsewhere.
pub(super) struct AttachedSession {
    attached: Attached,
    seat: Arc<Seat>,
    then: Arc<Mutex<Standing>>,
    line: LineContext,
    desk: Desk,
    post: Post,
    errands: Errands,
    first: mpsc::Receiver<First>,
    logs: logs::Watcher,
}

impl AttachedSession {
    /// Attaches to an engine, which may be there only later.
    ///
    /// # Errors
    ///
    /// No thread could be had.
    pub(super) fn open(
        target: Target,
        own: Actor,
        wall: bool,
        post: Post,
        mut line: LineContext,
        desk: Desk,
    ) -> Result<AttachedSession, Fault> {
        let most = match target.read_only || wall {
            true => Role::Viewer,
            false => line.role,
        };
        let seat = Arc::new(Seat::new(own, most));
        let (errands, inbox) = mpsc::channel::<Option<Errand>>();
        let errands = Errands(errands);
        let (tell, first) = mpsc::channel();
        let mut listener = Listener::new(
            post.clone(),
            Arc::clone(&seat),
            target.name.clone(),
            errands.clone(),
            tell,
            wall,
        );
        let (mirror, _) = Mirror::new(move |news| listener.hear(news));
        let remote = Arc::new(Remote::following(target, mirror)?);
        let attached = Attached::at_once(remote);
        line.connection = Some(Connection::Remote(attached.clone()));
        let worker = attached.clone();
        // Nobody joins it: it may wait for an engine that is away, and a console that is left waits for nothing.
        thread::spawn(move || {
            let errands = inbox.into_iter().map_while(|errand| errand);
            errands.for_each(|errand| errand(&worker));
        });
        let logs = logs::Watcher::attached(attached.clone(), seat.caller(), post.clone());
        Ok(AttachedSession {
            logs,
            attached,
            seat,
            then: Arc::default(),
            line,
            desk,
            post,
            errands,
            first,
        })
    }

    /// Waits a moment for the line, so that the first frame shows it.
    ///
    /// # Errors
    ///
    /// The engine does not want this console: why, and what to do about it.
    pub(super) fn meet(&self) -> Result<(), Fault> {
        match self.first.recv_timeout(FIRST) {
            Ok(First::Unreached { why, denied: true }) => {
                let fault = Fault::new(FaultKind::Permission, "".as_ref(), why);
                Err(fault.mend(""))
            }
            Ok(First::Seen | First::Unreached { .. }) | Err(_) => Ok(()),
        }
    }
}

impl Drop for AttachedSession {
    fn drop(&mut self) {
        self.errands.end();
    }
}

impl Session for AttachedSession {
    fn submit(
        &mut self,
        ticket: Ticket,
        command: Command,
        epoch: Option<u32>,
        as_of: Option<Timestamp>,
    ) {
        let caller = self.seat.caller();
        let submission = Submission {
            id: Uuid::now_v7(),
            actor: caller.actor,
            role: caller.role,
            door: Door::Console,
            uid: link::uid(),
            epoch,
            causation: None,
            correlation: None,
            dry_run: false,
            until: None,
            as_of,
            command,
        };
        let post = self.post.clone();
        self.attached.submit_then(submission, move |reply| {
            let outcome = match reply {
                Reply::Done(outcome) => Ok(outcome.records),
                Reply::Refused(refusal) => Err(Failure::Refused(refusal)),
                Reply::Failed(failure) => Err(Failure::Fault(failure.to_string())),
            };
            post.tell(Msg::Submitted { ticket, outcome });
        });
    }

    fn ask(&mut self, ticket: Ticket, query: Query) {
        let post = self.post.clone();
        let moment = lock(&self.then).moment;
        self.attached.ask_then_tell(moment, query, move |answered| {
            let answer = match answered {
                Ok(Ok(answer)) => Ok(Box::new(answer)),
                Ok(Err(refusal)) => Err(Failure::Refused(refusal)),
                Err(failure) => Err(Failure::Fault(failure.fault().to_string())),
            };
            post.tell(Msg::Answered { ticket, answer });
        });
    }

    fn travel(&mut self, ticket: Ticket, moment: Option<Moment>) {
        let way = Standing {
            moment,
            way: ticket,
        };
        let before = std::mem::replace(&mut *lock(&self.then), way);
        let Some(moment) = moment else { return };
        let (post, then) = (self.post.clone(), Arc::clone(&self.then));
        self.errands.add(move |attached| {
            let stands = match attached.stand(moment) {
                Ok(standing) => Ok((standing.state, standing.now)),
                Err(fault) => {
                    // Questions are answered as of where one stands.
                    let mut then = lock(&then);
                    if then.way == ticket {
                        *then = before;
                    }
                    Err(Failure::Fault(fault.to_string()))
                }
            };
            post.tell(Msg::Arrived { ticket, stands });
        });
    }

    fn run_line(&mut self, ticket: Ticket, line: String) {
        let (post, mut context) = (self.post.clone(), self.line.clone());
        let caller = self.seat.caller();
        (context.actor, context.role) = (caller.actor, caller.role);
        self.errands.add(move |attached| {
            let printed = run_line(&line, &mut Begun::over(attached.clone()), &context);
            let output = match printed.failed {
                true => Err(printed.text),
                false => Ok(printed.text),
            };
            post.tell(Msg::Printed { ticket, output });
        });
    }

    fn files(&mut self, wanted: Wanted) {
        let (post, desk) = (self.post.clone(), self.desk.clone());
        self.errands.add(move |_| post.tell(desk.answer(wanted)));
    }

    fn mail(&mut self, act: MailAct) {
        look::act_on_mail(&self.errands, &self.seat, &self.post, act);
    }

    fn watch(&mut self, wish: Option<Wish>) {
        self.seat.watch(wish.is_some());
        self.logs.wish(wish);
    }

    fn step_down(&mut self) {}

    fn stand(&mut self) {}

    fn now(&self) -> Timestamp {
        self.seat.now()
    }
}

fn lock(then: &Mutex<Standing>) -> std::sync::MutexGuard<'_, Standing> {
    then.lock().unwrap_or_else(PoisonError::into_inner)
}
