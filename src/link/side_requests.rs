//! What a host answers beside the line itself: the bus, the ledger's folder, imports, and lines that are held on to.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use super::{
    Answered, Cold, Frozen, Observer as _,
    bus::{self, Broker, Bus, Caller, MAX_TIMEOUT, Ruled, settings},
    folder,
    protocol::{BusAnswer, BusCall, FolderAnswer, FolderCall, Held},
    service::{Peer, Service, gone},
};
use crate::{
    domain::{
        command::Submission, import_report::ImportReport, message::Address, message::MessageSeq,
        query::Query, record::ActorKind, refusal::Refusal,
    },
    engine::{Failure, Reply, bus::Wake},
    ledger::Fault,
};

/// The longest that one wait for messages lasts: who still waits asks again, and who is gone is noticed.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// How often a wait looks by itself: a message whose time is up rings no bell.
const LOOK: Duration = Duration::from_secs(5);
/// The most messages of one answer.
const MOST_MESSAGES: usize = 1_000;
/// The most lines that are held on to at once.
const MOST_HELD: usize = 8;
/// How long a line is held on to of which nobody asks anything.
const HELD: Duration = Duration::from_secs(60);
/// How long a line is held on to at all, whatever is asked of it: the largest export is through on a slow way, and the
/// ledger's log does not grow for ever.
const LONGEST_HELD: Duration = Duration::from_secs(3600);

/// What is opened at the first use, and kept.
#[derive(Default)]
pub(super) struct SideRequests {
    bus: Mutex<Option<Bus>>,
    held: Mutex<BTreeMap<Uuid, Holding>>,
}

struct Holding {
    frozen: Arc<Mutex<Frozen>>,
    since: Instant,
    asked: Instant,
}

impl SideRequests {
    fn held(&self) -> MutexGuard<'_, BTreeMap<Uuid, Holding>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets go of a line of which nobody asked anything for long, or that was held on to for long enough, and returns how
    /// much longer it is held on to otherwise.
    fn let_go(&self, id: Uuid) -> Option<Duration> {
        let mut all = self.held();
        let holding = all.get(&id)?;
        let unasked = HELD.saturating_sub(holding.asked.elapsed());
        let left = unasked.min(LONGEST_HELD.saturating_sub(holding.since.elapsed()));
        if left.is_zero() {
            all.remove(&id);
            return None;
        }
        Some(left)
    }
}

/// Lets go of a line in time, whether or not anybody comes again: as long as it is held on to, nothing that is written
/// behind it can be moved from the log into the database, and the log grows.
async fn let_go(service: Weak<Service>, id: Uuid) {
    loop {
        let left = service
            .upgrade()
            .and_then(|service| service.beside().let_go(id));
        match left {
            Some(left) => sleep(left).await,
            None => return,
        }
    }
}

impl Peer {
    /// Returns a caller as far as the door lets it be who it says.
    fn caller(&self, claimed: Caller) -> Result<Caller, Refusal> {
        let caller = Caller {
            role: claimed.role.min(self.role),
            actor: self.actor(claimed.actor),
        };
        match caller.actor.kind {
            ActorKind::System => Err(Refusal::EngineOnly),
            _ => Ok(caller),
        }
    }
}

impl Service {
    /// Does what is wanted of the bus.
    pub(super) async fn bus(
        self: &Arc<Self>,
        peer: &Peer,
        claimed: Caller,
        call: BusCall,
    ) -> Ruled<BusAnswer> {
        let caller = match peer.caller(claimed) {
            Ok(caller) => caller,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let own = Arc::clone(self);
        let opened = self.in_background(move |_| Ok(own.opened()?)).await;
        let bus = opened.map_err(|failure| failure.fault().clone())?;
        match call {
            BusCall::Wait {
                address,
                seen,
                patience,
            } => wait(&bus, address, seen, Duration::from_millis(patience)).await,
            BusCall::Request { draft, timeout } => {
                let timeout = Duration::from_millis(timeout).min(MAX_TIMEOUT);
                let answered = bus.request(&caller, draft, timeout, std::future::pending());
                Ok(answered
                    .await?
                    .map(|answer| BusAnswer::Answer(Box::new(answer))))
            }
            call => {
                let call = bounded(call);
                bus.ask(move |broker| bus::done(broker, &caller, call))
                    .await?
            }
        }
    }

    /// Returns the bus, on the terms that the project's file has now.
    fn opened(&self) -> Result<Bus, Fault> {
        let beside = self.beside();
        let mut open = beside.bus.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bus) = &*open {
            let (terms, _) = settings(self.home());
            bus.with(move |broker| broker.set_terms(terms))?;
            return Ok(bus.clone());
        }
        let bus = Bus::start(Broker::open(self.home())?)?;
        Ok(open.insert(bus).clone())
    }

    /// Does what is wanted of the ledger's folder.
    pub(super) async fn folder(
        self: &Arc<Self>,
        peer: &Peer,
        claimed: Caller,
        call: FolderCall,
    ) -> Ruled<FolderAnswer> {
        let caller = match peer.caller(claimed) {
            Ok(caller) => caller,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if let (FolderCall::Report { agent, .. }, Some(bound)) = (&call, &peer.actor)
            && (bound.kind != ActorKind::Agent || bound.name != agent.as_str())
        {
            let why = format!("the token speaks for {bound}, and for no other agent");
            return Ok(Err(Refusal::invalid("agent", why)));
        }
        let done =
            self.in_background(move |service| Ok(folder::done(service.home(), &caller, call)?));
        done.await.map_err(|failure| failure.fault().clone())
    }

    /// Takes an import in, in this process and beside the engine, which hears of it as of any other process' records.
    pub(super) async fn import(
        self: &Arc<Self>,
        reason: String,
        submission: Submission,
    ) -> (Reply, Option<ImportReport>) {
        let imported = self.in_background(move |service| {
            let mut writer = Cold::open(service.home())?;
            let (reply, report) = writer.import(&crate::text::clean(&reason), &submission);
            Ok((lightened(reply), report))
        });
        imported
            .await
            .unwrap_or_else(|failure| (Reply::Failed(failure), None))
    }

    /// Holds on to the line as it is now, until nobody asks anything of it for a while.
    pub(super) async fn hold(self: &Arc<Self>) -> Result<Held, Failure> {
        let held = self.in_background(|service| {
            let frozen = Frozen::open(service.home())?;
            let held = Held {
                id: Uuid::now_v7(),
                head: frozen.head(),
            };
            let mut all = service.beside().held();
            if all.len() >= MOST_HELD {
                return Err(
                    gone("the engine writes too many exports at once: try again later").into(),
                );
            }
            let now = Instant::now();
            let holding = Holding {
                frozen: Arc::new(Mutex::new(frozen)),
                since: now,
                asked: now,
            };
            all.insert(held.id, holding);
            Ok(held)
        });
        let held = held.await?;
        tokio::spawn(let_go(Arc::downgrade(self), held.id));
        Ok(held)
    }

    /// Answers from a line that is held on to.
    pub(super) async fn ask_held(self: &Arc<Self>, id: Uuid, query: Query) -> Answered {
        self.in_background(move |service| {
            let mut all = service.beside().held();
            let lost = || gone("the engine does not hold on to the line any more: begin again");
            let holding = all.get_mut(&id).ok_or_else(lost)?;
            holding.asked = Instant::now();
            let frozen = Arc::clone(&holding.frozen);
            drop(all);
            frozen
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .ask(&query)
        })
        .await
    }
}

/// Returns what came of an import without what makes it longer than an answer may be: of what was written the first record
/// and the last stay, which the audit names; of a dry run every record, since they are counted, without its body.
fn lightened(mut reply: Reply) -> Reply {
    if let Reply::Done(outcome) = &mut reply {
        let records = &mut outcome.records;
        match outcome.dry_run {
            true => records
                .iter_mut()
                .for_each(|record| record.body = "{}".into()),
            false if records.len() > 2 => drop(records.drain(1..records.len() - 1)),
            false => {}
        }
    }
    reply
}

/// Returns a call that asks for no more than an answer may hold.
fn bounded(mut call: BusCall) -> BusCall {
    match &mut call {
        BusCall::Take { limit, .. }
        | BusCall::Replay { limit, .. }
        | BusCall::Pending { limit, .. }
        | BusCall::DeadLetters(limit)
        | BusCall::Recent(limit)
        | BusCall::Letters(limit) => *limit = (*limit).min(MOST_MESSAGES),
        _ => {}
    }
    call
}

/// Waits for messages, and holds up no thread.
async fn wait(
    bus: &Bus,
    address: Address,
    seen: MessageSeq,
    patience: Duration,
) -> Ruled<BusAnswer> {
    // The wake first: what is sent in between rings it.
    let wake = Wake::default();
    bus.wake(&wake, address);
    let last = |broker: &mut Broker| broker.last();
    let found = bus.ask(last).await??;
    if found > seen {
        return Ok(Ok(BusAnswer::Last(found)));
    }
    let _ = timeout(patience.min(LONGEST_WAIT).min(LOOK), wake.rung()).await;
    Ok(Ok(BusAnswer::Last(bus.ask(last).await??)))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]

    use super::*;
    use crate::{
        engine::Outcome,
        link::{self, Home, Session},
    };

    #[tokio::test]
    async fn a_line_that_nobody_asks_any_more_is_let_go() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path().join(".obeya")).unwrap();
        link::init(&home).unwrap();
        let session = Session::titled(&home, "serve", false).unwrap();
        let service = session.service().unwrap();
        let tasks = || {
            tokio::runtime::Handle::current()
                .metrics()
                .num_alive_tasks()
        };
        assert_eq!(tasks(), 0);
        let held = service.hold().await.unwrap();
        assert_eq!(tasks(), 1, "somebody is to let go of it");
        assert!(service.ask_held(held.id, Query::Summary).await.is_ok());
        assert!(service.beside().let_go(held.id).is_some());
        service.beside().held().get_mut(&held.id).unwrap().asked -= HELD;
        let_go(Arc::downgrade(&service), held.id).await;
        assert!(service.beside().held().is_empty());
        assert!(service.ask_held(held.id, Query::Summary).await.is_err());
        // Nor is it held on to for ever for somebody who goes on asking.
        let held = service.hold().await.unwrap();
        service.beside().held().get_mut(&held.id).unwrap().since -= LONGEST_HELD;
        assert!(service.beside().let_go(held.id).is_none());
        assert!(service.beside().held().is_empty());
    }

    #[test]
    fn what_came_of_an_import_is_short() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path().join(".obeya")).unwrap();
        link::init(&home).unwrap();
        let records = Session::titled(&home, "serve", false).unwrap();
        let records = records.watching().recent(100).unwrap();
        assert!(records.len() > 2);
        let reply = |dry_run| {
            lightened(Reply::Done(Outcome {
                records: records.clone(),
                dry_run,
                repeated: false,
            }))
        };
        let Reply::Done(done) = reply(false) else {
            panic!("it is done");
        };
        let ends = [records.first().unwrap(), records.last().unwrap()];
        assert_eq!(done.records.iter().collect::<Vec<_>>(), ends);
        let Reply::Done(dry) = reply(true) else {
            panic!("it is done");
        };
        assert_eq!(dry.records.len(), records.len());
        assert!(dry.records.iter().all(|record| &*record.body == "{}"));
    }
}
