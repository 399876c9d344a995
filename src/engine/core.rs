//! The engine of a process: one thread that writes, and handles to it.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use super::{
    Clock, Reader,
    reply::{Failure, Reply},
    writer::{MAX_GROUP, Writer, needs_signs_of_life},
};
use crate::{
    domain::{
        command::{Command, Submission},
        id::OrderId,
        order::Actor,
        query::{Live, Query},
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
    /// The records since the version before; empty when the ledger was loaded anew.
    pub records: Arc<[Record]>,
}

type Answer = Box<dyn FnOnce(Reply) + Send>;
type Listener = Box<dyn Fn(&News) + Send>;
type Errand = Box<dyn FnOnce(&mut Writer) + Send>;

enum Job {
    Submit(Box<Submission>, Answer),
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
    clock: Arc<dyn Clock>,
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
        writer.catch_up()?;
        let shared = Arc::new(Shared {
            clock: Arc::clone(writer.clock()),
            inbox: Mutex::default(),
            wake: Condvar::new(),
            state: Mutex::new(Arc::new(writer.state().clone())),
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
            .spawn(move || run(&shared, &mut writer))
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
        self.push(Job::Submit(Box::new(submission), Box::new(answer)));
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
        let (sender, receiver) = mpsc::sync_channel(1);
        self.push(Job::Errand(Box::new(move |writer| {
            drop(sender.send(errand(writer)))
        })));
        receiver.recv().map_err(|_| stopped())
    }

    /// Returns a reader over a ledger handle of its own.
    pub fn reader(&self) -> Result<Reader, Fault> {
        self.errand(|writer| writer.ledger().another().map(Reader::new))?
    }

    /// Returns the signs of life that an answer needs.
    pub(super) fn live(&self, query: &Query) -> Result<Live, Fault> {
        if !needs_signs_of_life(&self.state(), query) {
            return Ok(Live::default());
        }
        self.errand(Writer::signs_of_life)
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
        note: &str,
    ) -> Result<Result<Timestamp, Refusal>, Fault> {
        let (actor, note) = (actor.clone(), note.to_owned());
        self.errand(move |writer| writer.heartbeat(id, epoch, &actor, &note))?
    }

    /// Returns the engine's time.
    pub fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// Calls `listener` with every new version, from the engine's thread: it must not block.
    pub fn subscribe(&self, listener: impl Fn(&News) + Send + 'static) -> Subscription {
        let key = self.shared.next_listener.fetch_add(1, Ordering::Relaxed);
        lock(&self.shared.listeners).insert(key, Box::new(listener));
        Subscription {
            shared: Arc::clone(&self.shared),
            key,
        }
    }

    /// Says whether this process makes due things prompt: the host does, others leave it to the next writer.
    pub(super) fn set_prompt(&self, prompt: bool) {
        lock(&self.shared.inbox).prompt = prompt;
        self.shared.wake.notify_one();
    }

    fn push(&self, job: Job) {
        let mut inbox = lock(&self.shared.inbox);
        if inbox.stop || inbox.jobs.len() >= MAX_WAITING {
            let fault = match inbox.stop {
                true => stopped(),
                false => Fault::new(
                    FaultKind::Busy,
                    std::path::Path::new(""),
                    "too many commands wait",
                ),
            };
            drop(inbox);
            if let Job::Submit(_, answer) = job {
                answer(Reply::Failed(fault.into()));
            }
            return;
        }
        inbox.jobs.push_back(job);
        self.shared.wake.notify_one();
    }
}

fn stopped() -> Fault {
    Fault::new(
        FaultKind::Busy,
        std::path::Path::new(""),
        "the engine of this process has stopped",
    )
}

/// What the thread woke up for.
struct Round {
    jobs: Vec<Job>,
    rung: bool,
    stop: bool,
}

fn run(shared: &Shared, writer: &mut Writer) {
    loop {
        let round = wait(shared, writer);
        if round.rung {
            publish(shared, writer, |writer| writer.catch_up());
        }
        let mut group = Vec::new();
        let mut answers = Vec::new();
        for job in round.jobs {
            match job {
                Job::Submit(submission, answer) => {
                    group.push(*submission);
                    answers.push(answer);
                }
                Job::Errand(errand) => errand(writer),
            }
        }
        if !group.is_empty() {
            let mut replies = Vec::new();
            publish(shared, writer, |writer| {
                let committed = writer.commit(&group);
                replies = committed.replies;
                Ok(committed.records)
            });
            answers
                .into_iter()
                .zip(replies)
                .for_each(|(answer, reply)| answer(reply));
        } else if due_in(shared, writer) == Some(Duration::ZERO) {
            publish(shared, writer, Writer::settle);
        }
        if round.stop {
            return;
        }
    }
}

/// Returns how long until something is due, if this process is to make it prompt.
fn due_in(shared: &Shared, writer: &Writer) -> Option<Duration> {
    let due = writer.state().next_due;
    if !lock(&shared.inbox).prompt || due == Timestamp::MAX {
        return None;
    }
    let micros = due.since(writer.clock().now());
    Some(Duration::from_micros(micros.unsigned_abs()))
}

fn wait(shared: &Shared, writer: &mut Writer) -> Round {
    let due = due_in(shared, writer);
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
    let rung = std::mem::take(&mut inbox.rung);
    let stop = inbox.stop && inbox.jobs.is_empty();
    drop(inbox);
    let mut changed = || writer.ledger().changed().unwrap_or(false);
    Round {
        jobs,
        rung: rung || (timeout.timed_out() && changed()),
        stop,
    }
}

fn weight(job: &Job) -> usize {
    let Job::Submit(submission, _) = job else {
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

/// Runs a step of the writer, makes its version the one that is seen, and tells the listeners.
fn publish(
    shared: &Shared,
    writer: &mut Writer,
    step: impl FnOnce(&mut Writer) -> Result<Vec<Record>, Fault>,
) {
    let before = writer.state().head;
    match step(writer) {
        Ok(records) if !records.is_empty() || writer.state().head != before => {
            let news = News {
                state: Arc::new(writer.state().clone()),
                records: records.into(),
            };
            *lock(&shared.state) = Arc::clone(&news.state);
            lock(&shared.listeners)
                .values()
                .for_each(|listener| listener(&news));
        }
        Ok(_) => {}
        Err(fault) => tracing::error!(%fault, "the engine could not catch up"),
    }
}
