//! The engine of a process: one thread that writes, and handles to it.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::{
    Clock,
    gates::Project,
    reply::{Failure, Reply},
    vitals::Meter,
    writer::{MAX_GROUP, Writer, may_be_gated},
};
use crate::{
    domain::{
        command::{Command, Role, Submission},
        decide,
        gate::Tree,
        id::OrderId,
        order::Actor,
        record::Record,
        refusal::Refusal,
        state::State,
        time::Timestamp,
    },
    ledger::{Fault, FaultKind, Watch},
};

/// The most commands that may wait: beyond it callers are told to try again, and memory stays bounded.
const MAX_WAITING: usize = 65_536;
/// The most text in one commit: a larger one would hold up everybody behind it.
const MAX_GROUP_BYTES: usize = 1 << 20;
/// What a command without long text is counted as, in bytes.
const USUAL_BYTES: usize = 512;
/// How often the ledger is looked at where no doorbell rings: slow, since it is only the fallback.
const FALLBACK: Duration = Duration::from_secs(5);

/// A new version of the state, with the records that led to it.
#[derive(Clone, Debug)]
pub struct News {
    /// The version.
    pub state: Arc<State>,
    /// The records since the version before, without a gap; empty when the ledger was loaded anew.
    pub records: Arc<[Record]>,
}

type Answer = Box<dyn FnOnce(Reply) + Send>;
type Listener = Arc<dyn Fn(&News) + Send + Sync>;
type Errand = Box<dyn FnOnce(&mut Writer) + Send>;

enum Job {
    /// With the code as it was just before, for what is decided by it.
    Submit(Box<Submission>, Option<Box<Tree>>, Answer),
    Errand(Errand),
}

#[derive(Default)]
struct Inbox {
    jobs: VecDeque<Job>,
    rung: bool,
    prompt: bool,
    stop: bool,
}

struct Shared {
    /// The project whose code some commands are decided by.
    project: Option<Project>,
    clock: Arc<dyn Clock>,
    meter: Arc<Meter>,
    inbox: Mutex<Inbox>,
    wake: Condvar,
    state: Mutex<Arc<State>>,
    listeners: Mutex<BTreeMap<u64, Listener>>,
    next_listener: AtomicU64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The engine's thread. Dropping it answers what waits and ends it.
pub struct Engine {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
    _watch: Option<Watch>,
}

impl Engine {
    /// Starts an engine over a writer whose ledger is loaded here first.
    pub fn start(mut writer: Writer) -> Result<Engine, Fault> {
        writer.follow()?;
        let shared = Arc::new(Shared {
            project: writer.project().cloned(),
            clock: Arc::clone(writer.clock()),
            meter: Arc::clone(&writer.meter),
            // Somebody may have written before the doorbell was hung up.
            inbox: Mutex::new(Inbox {
                rung: true,
                ..Inbox::default()
            }),
            wake: Condvar::new(),
            state: Mutex::new(Arc::clone(writer.state())),
            listeners: Mutex::default(),
            next_listener: AtomicU64::new(0),
        });
        let ring = Arc::clone(&shared);
        let watch = writer.ledger().watch(Box::new(move || {
            lock(&ring.inbox).rung = true;
            ring.wake.notify_one();
        }));
        let watch = watch
            .inspect_err(|fault| tracing::warn!(%fault, "no doorbell; looking every 5 s"))
            .ok();
        let handle = Handle {
            shared: Arc::clone(&shared),
        };
        let thread = thread::Builder::new()
            .name("engine".into())
            .spawn(move || {
                let _closing = Closing(&shared);
                run(&shared, &mut writer);
            })
            .map_err(|error| {
                Fault::io(
                    std::path::Path::new(""),
                    "starting the engine's thread",
                    &error,
                )
            })?;
        Ok(Engine {
            handle,
            thread: Some(thread),
            _watch: watch,
        })
    }

    /// Returns a handle.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        lock(&self.handle.shared.inbox).stop = true;
        self.handle.shared.wake.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the engine's thread panicked");
        }
    }
}

/// Reaches the engine from anywhere in the process.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

/// Keeps a listener; dropping it ends the listening.
pub struct Subscription {
    shared: Arc<Shared>,
    key: u64,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        lock(&self.shared.listeners).remove(&self.key);
    }
}

impl Handle {
    /// Returns the newest committed version.
    pub fn state(&self) -> Arc<State> {
        Arc::clone(&lock(&self.shared.state))
    }

    /// Commits a command together with what else waits, and calls `answer` from the engine's thread.
    pub fn submit_then(&self, submission: Submission, answer: impl FnOnce(Reply) + Send + 'static) {
        let project = self.project().cloned();
        let project = project.filter(|_| self.is_gated(&submission));
        let Some(project) = project else {
            return self.wait_for_turn(submission, None, Box::new(answer));
        };
        let order = submission.command.order();
        // A caller that must not block gets its answer from the engine's thread all the same.
        let handle = self.clone();
        let waiting = Arc::new(Mutex::new(Some((submission, Box::new(answer) as Answer))));
        let looked = Arc::clone(&waiting);
        let look = move || {
            let tree = project.tree(order);
            if let Some((submission, answer)) = lock(&looked).take() {
                handle.wait_for_turn(submission, Some(tree), answer);
            }
        };
        let begun = thread::Builder::new().name("tree".into()).spawn(look);
        if let Err(error) = begun {
            tracing::warn!(%error, "the code could not be looked at");
            if let Some((submission, answer)) = lock(&waiting).take() {
                self.wait_for_turn(submission, None, answer);
            }
        }
    }

    /// Returns whether a command is decided by the code as it is now.
    fn is_gated(&self, submission: &Submission) -> bool {
        may_be_gated(submission) && decide::needs_tree(&self.state(), &submission.command)
    }

    fn wait_for_turn(&self, submission: Submission, tree: Option<Tree>, answer: Answer) {
        if let Err((fault, Job::Submit(_, _, answer))) = self.push(Job::Submit(
            Box::new(submission),
            tree.map(Box::new),
            answer,
        )) {
            answer(Reply::Failed(fault.into()));
        }
    }

    /// Commits a command together with what else waits.
    pub fn submit(&self, submission: Submission) -> Reply {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.submit_then(submission, move |reply| drop(sender.send(reply)));
        receiver
            .recv()
            .unwrap_or_else(|_| Reply::Failed(Failure::Unknown(stopped())))
    }

    /// Runs something over the writer between two commits, and returns what it came to.
    pub(super) fn errand<T: Send + 'static>(
        &self,
        errand: impl FnOnce(&mut Writer) -> T + Send + 'static,
    ) -> Result<T, Fault> {
        self.begin(errand)?.recv().map_err(|_| stopped())
    }

    /// Has something run over the writer between two commits; what is returned hears what it came to.
    pub(super) fn begin<T: Send + 'static>(
        &self,
        errand: impl FnOnce(&mut Writer) -> T + Send + 'static,
    ) -> Result<mpsc::Receiver<T>, Fault> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let errand = Job::Errand(Box::new(move |writer| drop(sender.send(errand(writer)))));
        self.push(errand).map_err(|(fault, _)| fault)?;
        Ok(receiver)
    }

    /// Returns once everything that was submitted before is answered.
    ///
    /// # Errors
    ///
    /// The engine has stopped.
    pub fn rest(&self) -> Result<(), Fault> {
        // An errand runs before the commit of its round: that of the first is over when the second runs.
        self.errand(|_| ())?;
        self.errand(|_| ())
    }

    /// Returns the project whose code some commands are decided by.
    pub(super) fn project(&self) -> Option<&Project> {
        self.shared.project.as_ref()
    }

    /// Renews a lease in full, from now.
    ///
    /// # Errors
    ///
    /// The ledger or the telemetry could not be used.
    pub fn heartbeat(
        &self,
        id: OrderId,
        epoch: u32,
        actor: &Actor,
        role: Role,
        note: &str,
    ) -> Result<Result<Timestamp, Refusal>, Fault> {
        let (actor, note) = (actor.clone(), note.to_owned());
        self.errand(move |writer| writer.heartbeat(id, epoch, &actor, role, &note))?
    }

    /// Returns what the engine's thread notes, whether it makes due things prompt, and how many jobs wait for it.
    pub(super) fn gauges(&self) -> (&Meter, bool, usize) {
        let inbox = lock(&self.shared.inbox);
        (&self.shared.meter, inbox.prompt, inbox.jobs.len())
    }

    /// Returns the engine's time.
    pub fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// Calls `listener` with every new version in order, from the engine's thread: it must not block. It may be called
    /// once more while its subscription is being dropped.
    pub fn subscribe(&self, listener: impl Fn(&News) + Send + Sync + 'static) -> Subscription {
        let key = self.shared.next_listener.fetch_add(1, Ordering::Relaxed);
        lock(&self.shared.listeners).insert(key, Arc::new(listener));
        Subscription {
            shared: Arc::clone(&self.shared),
            key,
        }
    }

    /// Says whether this process makes due things prompt: the host does, others leave it to the next writer.
    pub(super) fn set_prompt(&self, prompt: bool) {
        let mut inbox = lock(&self.shared.inbox);
        inbox.prompt = prompt;
        // The thread may sleep until something that it did not have to make prompt.
        inbox.rung |= prompt;
        self.shared.wake.notify_one();
    }

    /// Puts a job into the inbox, or gives it back with why it cannot be there.
    fn push(&self, job: Job) -> Result<(), (Fault, Job)> {
        let mut inbox = lock(&self.shared.inbox);
        if inbox.stop {
            return Err((stopped(), job));
        }
        if inbox.jobs.len() >= MAX_WAITING {
            return Err((busy(), job));
        }
        inbox.jobs.push_back(job);
        self.shared.wake.notify_one();
        Ok(())
    }
}

pub(super) fn stopped() -> Fault {
    Fault::new(
        FaultKind::Busy,
        std::path::Path::new(""),
        "the engine of this process has stopped",
    )
}

fn busy() -> Fault {
    let what = format!("the engine is busy: {MAX_WAITING} commands wait for it");
    Fault::new(FaultKind::Busy, std::path::Path::new(""), what)
        .mend("Try again in a moment, and send fewer commands at once.")
}

/// Closes the inbox when the thread ends, by a panic too: who waits hears that nobody can tell, and nobody waits for ever.
struct Closing<'a>(&'a Shared);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        let left = {
            let mut inbox = lock(&self.0.inbox);
            inbox.stop = true;
            std::mem::take(&mut inbox.jobs)
        };
        for job in left {
            if let Job::Submit(_, _, answer) = job {
                answer(Reply::Failed(stopped().into()));
            }
        }
    }
}

/// What the thread woke up for.
struct Round {
    jobs: Vec<Job>,
    rung: bool,
    stop: bool,
}

fn run(shared: &Shared, writer: &mut Writer) {
    // After a failure, what is due is left for a while: a full disk must not keep a processor busy.
    let mut not_before = None;
    loop {
        let round = wait(shared, writer, not_before);
        shared.meter.tick();
        if round.rung && may_have_changed(writer) {
            heed(writer.catch_up());
            publish(shared, writer);
        }
        let (mut group, mut answers) = (Vec::new(), Vec::new());
        for job in round.jobs {
            match job {
                Job::Submit(submission, tree, answer) => {
                    writer.trees.extend(tree.map(|tree| (submission.id, *tree)));
                    group.push(submission);
                    answers.push(answer);
                }
                Job::Errand(errand) => {
                    errand(writer);
                    publish(shared, writer);
                }
            }
        }
        if !group.is_empty() {
            let group: Vec<_> = group.iter().map(Box::as_ref).collect();
            let replies = writer.commit(&group);
            writer.trees.clear();
            publish(shared, writer);
            for (answer, reply) in answers.into_iter().zip(replies) {
                answer(reply);
            }
        } else if due_in(shared, writer, not_before) == Some(Duration::ZERO) {
            let settled = heed(writer.settle());
            publish(shared, writer);
            not_before = (!settled).then(|| Instant::now() + FALLBACK);
        }
        if round.stop {
            return;
        }
    }
}

/// Returns whether anything went wrong, which is logged: the next look tries again.
fn heed(done: Result<(), Fault>) -> bool {
    done.inspect_err(|fault| tracing::error!(%fault, "the engine could not catch up"))
        .is_ok()
}

/// Returns whether somebody else may have written. A ledger that cannot tell may have changed.
fn may_have_changed(writer: &mut Writer) -> bool {
    writer.ledger().changed().unwrap_or(true)
}

/// Returns how long until something is due, if this process is to make it prompt.
fn due_in(shared: &Shared, writer: &Writer, not_before: Option<Instant>) -> Option<Duration> {
    let state = writer.state();
    let idle = state.next_due == Timestamp::MAX || state.unknown.is_some();
    if idle || !lock(&shared.inbox).prompt {
        return None;
    }
    let micros = state.next_due.since(writer.clock().now()).unsigned_abs();
    let pause = not_before.map_or(Duration::ZERO, |time| {
        time.saturating_duration_since(Instant::now())
    });
    Some(Duration::from_micros(micros).max(pause))
}

fn wait(shared: &Shared, writer: &mut Writer, not_before: Option<Instant>) -> Round {
    let due = due_in(shared, writer, not_before);
    let patience = due.unwrap_or(FALLBACK).min(FALLBACK);
    let inbox = lock(&shared.inbox);
    let idle = |inbox: &mut Inbox| inbox.jobs.is_empty() && !inbox.rung && !inbox.stop;
    let (mut inbox, timeout) = shared
        .wake
        .wait_timeout_while(inbox, patience, idle)
        .unwrap_or_else(PoisonError::into_inner);
    let mut bytes = 0;
    let mut jobs = Vec::new();
    while jobs.len() < MAX_GROUP && bytes < MAX_GROUP_BYTES {
        let Some(job) = inbox.jobs.pop_front() else {
            break;
        };
        bytes += weight(&job);
        jobs.push(job);
    }
    // Where no doorbell rings, the end of patience stands for it.
    let rung = std::mem::take(&mut inbox.rung) || timeout.timed_out();
    let stop = inbox.stop && inbox.jobs.is_empty();
    Round { jobs, rung, stop }
}

fn weight(job: &Job) -> usize {
    let Job::Submit(submission, ..) = job else {
        return 0;
    };
    USUAL_BYTES
        + match &submission.command {
            Command::CreateOrder { order } => order.description.as_ref().map_or(0, String::len),
            Command::EditOrder { changes, .. } => {
                changes.description.as_ref().map_or(0, String::len)
            }
            Command::CommentOrder { text, .. } => text.len(),
            Command::Import { .. } => MAX_GROUP_BYTES,
            _ => 0,
        }
}

/// Makes the writer's version the one that is seen, and tells the listeners, if it is another one.
fn publish(shared: &Shared, writer: &mut Writer) {
    let Some(news) = writer.take_news() else {
        return;
    };
    *lock(&shared.state) = Arc::clone(&news.state);
    // Called without the lock, so that a listener may subscribe, or drop its own subscription.
    let listeners: Vec<_> = lock(&shared.listeners).values().cloned().collect();
    listeners.iter().for_each(|listener| listener(&news));
}
