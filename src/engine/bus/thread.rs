//! The thread of a bus: it commits what waits, and tells those who listen.

use std::{
    collections::{HashMap, VecDeque},
    path::Path,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak, mpsc},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use tokio::sync::{Notify, broadcast, oneshot};

use super::{
    broker::{Broker, Caller},
    listener::{Listener, Wake},
};
use crate::{
    domain::{
        command::Role,
        message::{Address, Draft, Message, MessageSeq, Sent},
        refusal::Refusal,
    },
    ledger::{Fault, FaultKind, messages::Ruled},
};

/// The most messages in one commit: what more would gain is little, and those behind wait longer.
pub const MAX_GROUP: usize = 256;

/// The most text in one commit, in bytes.
const MAX_GROUP_BYTES: usize = 1 << 20;

/// The most messages that may wait: beyond it callers are told to try again, and memory stays bounded.
const MAX_WAITING: usize = 65_536;

/// How far a listener may fall behind before it reads from the file what it missed.
const ROOM: usize = 1_024;

/// How many messages of others are read at once.
const PAGE: usize = 1_000;

/// How often others are looked for where no bell rings.
const FALLBACK: Duration = Duration::from_secs(5);

/// How long a bus that just answered many waits at most for as many to come back, so that the next group is large too: 200
/// callers take half of it and more, and a sync of the small group that it saves takes longer. It waits no longer than until
/// as many are there. A single caller is never kept waiting.
const GATHERING: Duration = Duration::from_micros(200);

/// How long the doorbell may go unanswered after it was answered: most rings are the bus' own, and those of a busy ledger
/// are told together, so that its writers have the disk and the processor.
const DEAF: Duration = Duration::from_millis(10);

type Answer = Box<dyn FnOnce(Ruled<Sent>) + Send>;
type Errand = Box<dyn FnOnce(&mut Broker) + Send>;

enum Job {
    Publish(Draft, Answer),
    Errand(Errand),
}

#[derive(Default)]
struct Inbox {
    jobs: VecDeque<Job>,
    /// How many the thread waits for where it waits for more than one.
    expected: usize,
    rung: bool,
    stop: bool,
}

type Wakes = HashMap<Address, Vec<Weak<Notify>>>;

#[derive(Default)]
struct Shared {
    inbox: Mutex<Inbox>,
    wake: Condvar,
    listeners: Mutex<HashMap<Address, broadcast::Sender<Arc<Message>>>>,
    /// Who is woken by what is sent to an address, until nobody waits there.
    wakes: Mutex<Wakes>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn is_over(&self) -> bool {
        lock(&self.inbox).stop
    }

    fn ring(&self) {
        lock(&self.inbox).rung = true;
        self.wake.notify_one();
    }
}

/// A bus that runs. Clones reach the same; when the last one goes, what waits is sent and the thread ends.
#[derive(Clone)]
pub struct Bus {
    runner: Arc<Runner>,
}

struct Runner {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Runner {
    fn drop(&mut self) {
        lock(&self.shared.inbox).stop = true;
        self.shared.wake.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of the bus panicked");
        }
    }
}

impl Bus {
    /// Starts a bus over a broker.
    ///
    /// # Errors
    ///
    /// The messages could not be read, or the system gives no thread.
    pub fn start(mut broker: Broker) -> Result<Bus, Fault> {
        let shared = Arc::new(Shared::default());
        let bell = broker.bell();
        let seen = broker.last()?;
        let watched = Arc::downgrade(&shared);
        // It holds nothing of the bus while it waits, and ends a little after it.
        thread::Builder::new()
            .name("bus-bell".into())
            .spawn(move || {
                while let Some(shared) = watched.upgrade().filter(|shared| !shared.is_over()) {
                    drop(shared);
                    bell.wait(FALLBACK);
                    if let Some(shared) = watched.upgrade() {
                        shared.ring();
                    }
                    // Rings until then are heard as one.
                    thread::sleep(DEAF);
                }
            })
            .map_err(no_thread)?;
        let own = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("bus".into())
            .spawn(move || run(&own, &mut broker, seen))
            .map_err(no_thread)?;
        Ok(Bus {
            runner: Arc::new(Runner {
                shared,
                thread: Some(thread),
            }),
        })
    }

    /// Sends a message together with what else waits, and calls `answer` from the bus' thread when it is durable. Takes the
    /// role agent.
    pub fn publish_then(
        &self,
        caller: &Caller,
        mut draft: Draft,
        answer: impl FnOnce(Ruled<Sent>) + Send + 'static,
    ) {
        if caller.role < Role::Agent {
            return answer(Ok(Err(Refusal::Role {
                has: caller.role,
                needs: Role::Agent,
            })));
        }
        draft.sender.clone_from(&caller.actor);
        if let Err(refused) = self.push(Job::Publish(draft, Box::new(answer)))
            && let (fault, Job::Publish(_, answer)) = *refused
        {
            answer(Err(fault));
        }
    }

    /// Sends a message together with what else waits, and returns when it is durable.
    ///
    /// # Errors
    ///
    /// It was not sent, or nobody can tell.
    pub fn publish(&self, caller: &Caller, draft: Draft) -> Ruled<Sent> {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.publish_then(caller, draft, move |sent| drop(sender.send(sent)));
        receiver.recv().unwrap_or_else(|_| Err(stopped()))
    }

    /// Runs something over the broker between two commits: what takes, acknowledges, refuses or answers.
    ///
    /// # Errors
    ///
    /// The bus has stopped.
    pub fn with<T: Send + 'static>(
        &self,
        errand: impl FnOnce(&mut Broker) -> T + Send + 'static,
    ) -> Result<T, Fault> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let errand = Job::Errand(Box::new(move |broker| drop(sender.send(errand(broker)))));
        self.push(errand).map_err(|refused| refused.0)?;
        receiver.recv().map_err(|_| stopped())
    }

    /// Runs something over the broker as [`Bus::with`] does, and holds up no thread until it is done.
    ///
    /// # Errors
    ///
    /// The bus has stopped.
    pub async fn ask<T: Send + 'static>(
        &self,
        errand: impl FnOnce(&mut Broker) -> T + Send + 'static,
    ) -> Result<T, Fault> {
        let (sender, receiver) = oneshot::channel();
        let errand = Job::Errand(Box::new(move |broker| drop(sender.send(errand(broker)))));
        self.push(errand).map_err(|refused| refused.0)?;
        receiver.await.map_err(|_| stopped())
    }

    /// Sends a message as [`Bus::publish`] does, and holds up no thread until it is durable.
    ///
    /// # Errors
    ///
    /// It was not sent, or nobody can tell.
    pub async fn send(&self, caller: &Caller, draft: Draft) -> Ruled<Sent> {
        let (sender, receiver) = oneshot::channel();
        self.publish_then(caller, draft, move |sent| drop(sender.send(sent)));
        receiver.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// Has a wake ring, as long as it lives, when something is sent to an address.
    pub fn wake(&self, wake: &Wake, address: Address) {
        await_at(&mut lock(&self.runner.shared.wakes), wake, address);
    }

    /// Returns a listener to an address: it hears what any process sends there from now on, in order and without a gap, and
    /// acknowledges nothing.
    ///
    /// # Errors
    ///
    /// The bus has stopped.
    pub fn listen(&self, address: Address) -> Result<Listener, Fault> {
        let own = address.clone();
        let shared = Arc::clone(&self.runner.shared);
        // On the bus' own thread, so that nothing is announced between the two steps.
        let (messages, seen) = self.with(move |broker| {
            let mut listeners = lock(&shared.listeners);
            let sender = listeners
                .entry(own)
                .or_insert_with(|| broadcast::Sender::new(ROOM));
            (sender.subscribe(), broker.last())
        })?;
        Ok(Listener {
            bus: self.clone(),
            address,
            messages,
            missed: VecDeque::new(),
            behind: false,
            seen: seen?,
        })
    }

    /// Has a job wait its turn, or gives it back with the reason.
    fn push(&self, job: Job) -> Result<(), Box<(Fault, Job)>> {
        let shared = &self.runner.shared;
        let mut inbox = lock(&shared.inbox);
        if inbox.stop {
            return Err(Box::new((stopped(), job)));
        }
        if inbox.jobs.len() >= MAX_WAITING {
            let what = format!("{MAX_WAITING} messages wait to be sent");
            let fault = Fault::new(FaultKind::Busy, Path::new(""), what);
            return Err(Box::new((fault, job)));
        }
        inbox.jobs.push_back(job);
        // Who is not the first is taken along with the first; who is the last that is expected ends the wait for all.
        if inbox.jobs.len() == 1 || inbox.jobs.len() == inbox.expected {
            drop(inbox);
            shared.wake.notify_one();
        }
        Ok(())
    }
}

pub(super) fn stopped() -> Fault {
    Fault::new(FaultKind::Busy, Path::new(""), "the bus has stopped")
}

fn no_thread(error: std::io::Error) -> Fault {
    Fault::io(Path::new(""), "starting the bus' thread", &error)
}

/// Takes what waits: at most one group of messages, with the errands between them. `before` is how many were answered last;
/// until `deaf` is over the doorbell is not heard.
fn next_jobs(shared: &Shared, before: usize, deaf: Instant) -> (Vec<Job>, bool, bool) {
    let mut inbox = lock(&shared.inbox);
    while inbox.jobs.is_empty() && !inbox.stop {
        let left = deaf.saturating_duration_since(Instant::now());
        inbox = match inbox.rung {
            true if left.is_zero() => break,
            true => {
                let waited = shared.wake.wait_timeout(inbox, left);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
            false => shared
                .wake
                .wait(inbox)
                .unwrap_or_else(PoisonError::into_inner),
        };
    }
    if before > 1 && !inbox.jobs.is_empty() {
        inbox.expected = before;
        let away = |inbox: &mut Inbox| inbox.jobs.len() < before && !inbox.stop;
        (inbox, _) = shared
            .wake
            .wait_timeout_while(inbox, GATHERING, away)
            .unwrap_or_else(PoisonError::into_inner);
        inbox.expected = 0;
    }
    let (mut bytes, mut count) = (0, 0);
    while let Some(job) = inbox.jobs.get(count) {
        if let Job::Publish(draft, _) = job {
            bytes += draft.body.len();
        }
        if count >= MAX_GROUP || (count > 0 && bytes > MAX_GROUP_BYTES) {
            break;
        }
        count += 1;
    }
    let jobs: Vec<_> = inbox.jobs.drain(..count).collect();
    let rung = inbox.rung && Instant::now() >= deaf;
    inbox.rung &= !rung;
    let over = inbox.stop && inbox.jobs.is_empty();
    (jobs, rung, over)
}

fn run(shared: &Shared, broker: &mut Broker, mut seen: MessageSeq) {
    let (mut before, mut deaf) = (0, Instant::now());
    loop {
        let (jobs, rung, over) = next_jobs(shared, before, deaf);
        let mut drafts = Vec::with_capacity(jobs.len());
        let mut answers = Vec::with_capacity(jobs.len());
        for job in jobs {
            match job {
                Job::Publish(draft, answer) => {
                    drafts.push(draft);
                    answers.push(answer);
                }
                Job::Errand(errand) => errand(broker),
            }
        }
        if !drafts.is_empty() {
            before = drafts.len();
            send(shared, broker, &mut seen, drafts, answers);
        }
        if rung {
            deaf = Instant::now() + DEAF;
            if let Err(fault) = hear(shared, broker, &mut seen) {
                tracing::warn!(%fault, "messages of others were not read");
            }
        }
        if over {
            // Listeners are told by their channel's end.
            lock(&shared.listeners).clear();
            return;
        }
    }
}

/// Commits a group, answers its senders, and tells the listeners.
fn send(
    shared: &Shared,
    broker: &mut Broker,
    seen: &mut MessageSeq,
    drafts: Vec<Draft>,
    answers: Vec<Answer>,
) {
    let time = broker.now();
    let sent = match broker.send(&drafts) {
        Ok(sent) => sent,
        Err(fault) => {
            return answers
                .into_iter()
                .for_each(|answer| answer(Err(fault.clone())));
        }
    };
    // What nobody listens for goes before its sender is answered, who would come back and stand in the way of freeing it.
    let heard = Vec::from_iter(drafts.into_iter().zip(&sent).filter_map(|(draft, sent)| {
        let sent = sent.as_ref().ok().filter(|sent| sent.fresh)?;
        let draft = is_heard(shared, &draft.address).then_some(draft);
        Some((sent.seq, draft))
    }));
    for (answer, sent) in answers.into_iter().zip(sent) {
        answer(Ok(sent));
    }
    for (seq, draft) in heard {
        if seq != *seen + 1 {
            // Another process sent in between: all is told in order, from the file.
            shared.ring();
            return;
        }
        *seen = seq;
        if let Some(draft) = draft {
            tell(shared, Message { seq, time, draft });
        }
    }
}

/// Returns whether anybody may listen to an address or wait there.
fn is_heard(shared: &Shared, address: &Address) -> bool {
    lock(&shared.wakes).contains_key(address) || lock(&shared.listeners).contains_key(address)
}

/// Tells what others sent, and what the ledger recorded.
fn hear(shared: &Shared, broker: &mut Broker, seen: &mut MessageSeq) -> Result<(), Fault> {
    loop {
        let messages = broker.replay(None, *seen, None, PAGE)?;
        let full = messages.len() == PAGE;
        for message in messages {
            *seen = message.seq;
            tell(shared, message);
        }
        if !full {
            return Ok(());
        }
    }
}

fn tell(shared: &Shared, message: Message) {
    if let Some(waiting) = lock(&shared.wakes).get(&message.draft.address) {
        let woken = waiting.iter().filter_map(Weak::upgrade);
        woken.for_each(|wake| wake.notify_one());
    }
    let mut listeners = lock(&shared.listeners);
    let Some(sender) = listeners.get(&message.draft.address) else {
        return;
    };
    if sender.receiver_count() == 0 {
        listeners.remove(&message.draft.address);
        return;
    }
    // Nobody is left if it fails, and then nobody misses it.
    let _ = sender.send(Arc::new(message));
}

/// Adds a wake to those of an address, and forgets whoever waits no longer: each request waits at an address of its own.
fn await_at(wakes: &mut Wakes, wake: &Wake, address: Address) {
    wakes.retain(|_, waiting| {
        waiting.retain(|wake| wake.strong_count() > 0);
        !waiting.is_empty()
    });
    let waiting = wakes.entry(address).or_default();
    waiting.push(Arc::downgrade(&wake.0));
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn who_waits_no_longer_is_forgotten_wherever_it_waited() {
        let mut wakes = Wakes::default();
        let stays = Wake::default();
        await_at(&mut wakes, &stays, "@dev".parse().unwrap());
        for n in 0..100 {
            let once = Wake::default();
            await_at(&mut wakes, &once, format!("@reply-{n}").parse().unwrap());
        }
        assert_eq!(wakes.len(), 2, "the one that stays, and the last");
    }
}
