//! What every run of a host shares: the engine, the files, and what became of claims.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool},
    time::{Duration, Instant},
};

use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

use super::{conditions::Condition, inbox::Note};
use crate::{
    domain::{
        command::{Command, Role, Submission},
        event::Event,
        id::OrderId,
        message::{Name, Reader, Topic, delivery::Terms},
        order::Actor,
        query::{Answer, Query},
        refusal::Refusal,
        state::State,
        time::Timestamp,
    },
    engine::{
        Handle, Outcome, Reply, SystemClock,
        bus::{Broker, Bus, Caller},
        host::own_act,
        reply::Failure,
    },
    ledger::Home,
};

/// How often a write is tried that the ledger could not take, with the same command id.
const TRIES: usize = 3;
/// How long is waited between two tries.
const BETWEEN: Duration = Duration::from_millis(500);

/// An agent's hold on an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    /// Which order.
    pub(super) order: OrderId,
    /// Its title.
    pub(super) title: String,
    /// The fencing number.
    pub(super) epoch: u32,
    /// How long a renewal lasts, in seconds.
    pub(super) seconds: u32,
}

/// What became of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Holding {
    /// It still holds.
    Held,
    /// The order is done.
    Completed,
    /// It holds, and a budget that it spends is spent: why, in words.
    Spent(String),
    /// It lapsed.
    Lapsed,
    /// Somebody took it back or ended the order.
    Gone,
}

/// What every run shares.
pub(super) struct Context {
    pub(super) home: Home,
    pub(super) handle: Handle,
    /// The host's term.
    pub(super) term: u64,
    /// The program that has the runner in it.
    pub(super) program: PathBuf,
    pub(super) post: mpsc::UnboundedSender<Note>,
    /// The newest version of the state.
    pub(super) news: watch::Receiver<Arc<State>>,
    pub(super) fates: Fates,
    /// How often each order has failed since somebody looked.
    pub(super) failures: Mutex<BTreeMap<OrderId, u32>>,
    /// What the user wants free on the disk, in bytes.
    pub(super) headroom: Mutex<Option<u64>>,
    pub(super) post_office: PostOffice,
    /// Claims of a host before this one whose work is done, each with its agent, until that goes on with it.
    pub(super) left: Mutex<Vec<(String, Claim)>>,
    /// When it was last looked whether what stood in the way of new work is gone.
    pub(super) looks: Mutex<BTreeMap<Condition, Instant>>,
    /// Whether the host ends: what waits for a person keeps its claim for the next one.
    pub(super) leaving: AtomicBool,
}

/// The bus of the process, which begins with the first agent that needs it.
#[derive(Default)]
pub(super) struct PostOffice {
    terms: Mutex<Terms>,
    bus: tokio::sync::Mutex<Option<Bus>>,
}

/// Why a write did not happen.
#[derive(Debug)]
pub(super) enum Trouble {
    Refused(Refusal),
    Failed(String),
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Trouble::Refused(refusal) => refusal.fmt(f),
            Trouble::Failed(what) => f.write_str(what),
        }
    }
}

impl Context {
    /// Returns whether this host's term is still the newest: a stale host starts nothing.
    pub(super) fn in_office(&self) -> bool {
        self.news.borrow().term == self.term
    }

    /// Does something as the agent, under its claim.
    pub(super) async fn act(
        &self,
        agent: &str,
        epoch: Option<u32>,
        command: Command,
    ) -> Result<Outcome, Trouble> {
        self.submit(Submission {
            actor: Actor::agent(agent),
            role: Role::Agent,
            epoch,
            ..own_act(command)
        })
        .await
    }

    /// Does something as the engine itself.
    pub(super) async fn own(&self, command: Command) -> Result<Outcome, Trouble> {
        self.submit(own_act(command)).await
    }

    /// Does something as the engine itself, as long as a claim holds.
    pub(super) async fn own_under(&self, epoch: u32, command: Command) -> Result<Outcome, Trouble> {
        self.submit(Submission {
            epoch: Some(epoch),
            ..own_act(command)
        })
        .await
    }

    /// Returns what the user wants free on the disk, in bytes, if the file says so.
    pub(super) fn headroom(&self) -> Option<u64> {
        *self.headroom.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over what the file says about that.
    pub(super) fn set_headroom(&self, bytes: Option<u64>) {
        *self.headroom.lock().unwrap_or_else(PoisonError::into_inner) = bytes;
    }

    async fn submit(&self, submission: Submission) -> Result<Outcome, Trouble> {
        let mut left = TRIES;
        loop {
            let (sender, receiver) = oneshot::channel();
            let answer = move |reply| drop(sender.send(reply));
            self.handle.submit_then(submission.clone(), answer);
            left -= 1;
            let failure = match receiver.await {
                Ok(Reply::Done(outcome)) => return Ok(outcome),
                Ok(Reply::Refused(refusal)) => return Err(Trouble::Refused(refusal)),
                Ok(Reply::Failed(failure)) => failure.to_string(),
                Err(_) => return Err(Trouble::Failed("the engine has stopped".into())),
            };
            if left == 0 {
                return Err(Trouble::Failed(failure));
            }
            tokio::time::sleep(BETWEEN).await;
        }
    }

    /// Renews a claim's lease. A refusal means that the claim is over.
    pub(super) async fn renew(&self, agent: &str, claim: &Claim, note: &str) -> bool {
        let (handle, actor) = (self.handle.clone(), Actor::agent(agent));
        let (order, epoch, note) = (claim.order, claim.epoch, note.to_owned());
        let beat = move || handle.heartbeat(order, epoch, &actor, Role::Agent, &note);
        match tokio::task::spawn_blocking(beat).await {
            Ok(Ok(Err(refusal))) => {
                tracing::info!(%order, epoch, %refusal, "a lease is not renewed");
                false
            }
            Ok(Err(fault)) => {
                tracing::warn!(%order, %fault, "a lease could not be renewed");
                true
            }
            Ok(Ok(Ok(_))) | Err(_) => true,
        }
    }

    /// Returns the bus of this process; None where it cannot be opened now.
    pub(super) async fn bus(&self) -> Option<Bus> {
        let mut bus = self.post_office.bus.lock().await;
        if bus.is_none() {
            let (home, terms) = (self.home.clone(), self.terms());
            let open = move || {
                Broker::with(&home, terms, Arc::new(SystemClock::new())).and_then(Bus::start)
            };
            match tokio::task::spawn_blocking(open).await {
                Ok(Ok(begun)) => *bus = Some(begun),
                Ok(Err(fault)) => tracing::warn!(%fault, "the bus cannot be opened"),
                Err(error) => tracing::warn!(%error, "the bus cannot be opened"),
            }
        }
        bus.clone()
    }

    fn terms(&self) -> Terms {
        *self
            .post_office
            .terms
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the bus go by what the file says about it now.
    pub(super) async fn set_terms(&self, terms: Terms) {
        let before = std::mem::replace(
            &mut *self
                .post_office
                .terms
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
            terms,
        );
        let bus = self.post_office.bus.lock().await.clone();
        if let Some(bus) = bus.filter(|_| before != terms)
            && let Err(fault) = bus.ask(move |broker| broker.set_terms(terms)).await
        {
            tracing::warn!(%fault, "the bus goes by what the file said before");
        }
    }

    /// Ends subscriptions of an agent that the file names no longer: nobody would read what comes.
    pub(super) async fn unsubscribe(&self, agent: &str, topics: Vec<Topic>) {
        let Ok(name) = agent.parse::<Name>() else {
            return;
        };
        let Some(bus) = self.bus().await.filter(|_| !topics.is_empty()) else {
            return;
        };
        let caller = Caller {
            actor: Actor::agent(agent),
            role: Role::Operator,
        };
        let ended = bus.ask(move |broker| {
            topics.into_iter().try_for_each(|topic| {
                let reader = Reader::of_topic(topic, name.clone());
                broker.unsubscribe(&caller, &reader).map(drop)
            })
        });
        if let Err(fault) = ended.await.and_then(|done| done) {
            tracing::warn!(agent, %fault, "topics that an agent hears no longer are kept for it");
        }
    }

    /// Returns an order as `work-order show --json` prints it.
    pub(super) async fn order(&self, id: OrderId) -> Option<serde_json::Value> {
        let handle = self.handle.clone();
        let ask = move || -> Result<_, Failure> {
            let order = id.to_string();
            Ok(handle.reader()?.ask(&handle, &Query::WorkOrder { order })?)
        };
        match tokio::task::spawn_blocking(ask).await {
            Ok(Ok(Ok(Answer::WorkOrder(detail)))) => serde_json::to_value(detail).ok(),
            _ => None,
        }
    }

    /// Returns the claims that a host before this one left to agents of which this is so.
    pub(super) fn left_to(&self, so: impl Fn(&str) -> bool) -> Vec<(String, Claim)> {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let (taken, rest) = left.drain(..).partition(|(agent, _)| so(agent));
        *left = rest;
        taken
    }

    /// Returns what became of a claim.
    pub(super) fn holding(&self, agent: &str, claim: &Claim) -> Holding {
        let state = self.news.borrow();
        let held = state.order(claim.order).and_then(|order| order.work());
        let ours = held.is_some_and(|work| {
            let epoch = work.lease.map(|lease| lease.epoch);
            epoch == Some(claim.epoch) && work.holder == Actor::agent(agent)
        });
        if !ours {
            return self.fates.of(claim);
        }
        let order = state.order(claim.order);
        match order.and_then(|order| state.over_budget(order, agent, self.now())) {
            Some(refusal) => Holding::Spent(refusal.to_string()),
            None => Holding::Held,
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.handle.now()
    }
}

/// Why claims ended, for those who watch them.
#[derive(Clone, Default)]
pub(super) struct Fates(Arc<Mutex<Watched>>);

/// What became of each claim that is watched, once something has.
type Watched = BTreeMap<(OrderId, u32), Option<Holding>>;

impl Fates {
    fn lock(&self) -> std::sync::MutexGuard<'_, Watched> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Watches a claim from here on.
    pub(super) fn watch(&self, claim: &Claim) {
        self.lock().insert((claim.order, claim.epoch), None);
    }

    /// Watches it no longer.
    pub(super) fn forget(&self, claim: &Claim) {
        self.lock().remove(&(claim.order, claim.epoch));
    }

    fn of(&self, claim: &Claim) -> Holding {
        let fates = self.lock();
        let fate = fates.get(&(claim.order, claim.epoch)).cloned().flatten();
        fate.unwrap_or(Holding::Gone)
    }

    /// Notes what a record says about claims that are watched.
    pub(super) fn note(&self, record: &crate::domain::record::Record) {
        let kinds = [
            "order_completed",
            "order_cancelled",
            "order_released",
            "lease_lapsed",
        ];
        if !kinds.contains(&&*record.kind) {
            return;
        }
        let Ok(event) = record.decode() else { return };
        let (id, fate) = match event {
            Event::OrderCompleted { id, .. } => (id, Holding::Completed),
            Event::LeaseLapsed { id, .. } => (id, Holding::Lapsed),
            Event::OrderCancelled { id, .. } | Event::OrderReleased { id, .. } => {
                (id, Holding::Gone)
            }
            _ => return,
        };
        for ((order, _), known) in self.lock().iter_mut() {
            if *order == id && known.is_none() {
                *known = Some(fate.clone());
            }
        }
    }
}

/// Returns a name for a run: unique, and in the order of time.
pub(super) fn run_name() -> String {
    Uuid::now_v7().simple().to_string()
}
