//! The loop's way to an engine elsewhere: nothing on screen tells it from one in this process but its name in the corner.

mod begun;
mod look;
mod news;

use std::{
    io,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use self::{
    begun::Begun,
    news::{First, Listener, Seat},
};
use super::{Post, desk::Desk, exchange, logs, run::Session};
use crate::{
    cli::{LineContext, run_line},
    domain::{
        command::{Command, Role},
        moment::Moment,
        order::Actor,
        query::Query,
        time::Timestamp,
    },
    link::{
        Connection, Fault, FaultKind,
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

/// Whether a look of some sort waits for the worker.
#[derive(Clone, Default)]
struct Waits(Arc<AtomicBool>);

impl Errands {
    fn add(&self, errand: impl FnOnce(&Attached) + Send + 'static) {
        // A worker that is gone went with the console.
        let _ = self.0.send(Some(Box::new(errand)));
    }

    /// Has something looked at, unless such a look waits already: what there is to see is seen by that one, and news that
    /// come faster than the way carries looks must not pile up.
    fn look(&self, waits: &Waits, look: impl FnOnce(&Attached) + Send + 'static) {
        if waits.0.swap(true, Ordering::AcqRel) {
            return;
        }
        let waits = waits.clone();
        self.add(move |attached| {
            // What is news from here on is worth another look.
            waits.0.store(false, Ordering::Release);
            look(attached);
        });
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
        let work = move || {
            let errands = inbox.into_iter().map_while(|errand| errand);
            errands.for_each(|errand| errand(&worker));
        };
        // Nobody joins it: it may wait for an engine that is away, and a console that is left waits for nothing.
        let begun = thread::Builder::new().name("worker".into()).spawn(work);
        begun.map_err(|error: io::Error| {
            Fault::io(Path::new(""), "starting the console's worker", &error)
        })?;
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
        let submission = exchange::submission(self.seat.caller(), command, epoch, as_of);
        let post = self.post.clone();
        self.attached.submit_then(submission, move |reply| {
            post.tell(exchange::submitted(ticket, reply));
        });
    }

    fn ask(&mut self, ticket: Ticket, query: Query) {
        let post = self.post.clone();
        let moment = lock(&self.then).moment;
        self.attached.ask_then_tell(moment, query, move |answered| {
            post.tell(exchange::answered(ticket, answered));
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
            post.tell(exchange::printed(ticket, printed));
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]

    use super::*;
    use crate::link::remote::Address;

    #[test]
    fn looks_that_wait_are_one() {
        let (sender, inbox) = mpsc::channel();
        let errands = Errands(sender);
        let (waits, others) = (Waits::default(), Waits::default());
        let (tell, told) = mpsc::channel();
        let look = |waits: &Waits, word: &'static str| {
            let tell = tell.clone();
            errands.look(waits, move |_| tell.send(word).unwrap());
        };
        for _ in 0..100 {
            look(&waits, "mail");
            look(&others, "line");
        }
        let nowhere = Target::new(Address::Unix("/nonexistent/line.sock".into()));
        let attached = Attached::at_once(Arc::new(Remote::calling(nowhere).unwrap()));
        let work = || {
            let waiting: Vec<_> = inbox.try_iter().flatten().collect();
            waiting.into_iter().for_each(|errand| errand(&attached));
            told.try_iter().collect::<Vec<_>>()
        };
        assert_eq!(work(), ["mail", "line"]);
        // What is news after a look has begun is looked at.
        look(&waits, "mail");
        assert_eq!(work(), ["mail"]);
    }
}
