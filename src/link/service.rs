//! What a host answers, whichever door the caller came in by.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use tokio::sync::oneshot;

use super::{
    packed,
    protocol::{Request, Response, Stood},
    side_requests::SideRequests,
    vitals,
};
use crate::{
    domain::{
        command::{Command, Role, Submission},
        id::OrderId,
        moment::Moment,
        order::Actor,
        query::Query,
        record::{ActorKind, Door, Record},
        refusal::Refusal,
        state::State,
        time::Timestamp,
    },
    engine::{
        Failure, Handle, News, Reader, Reply, Subscription, Vitals, gates::Desk,
        supervisor::Supervisor,
    },
    ledger::{Fault, FaultKind, Home},
};

/// Who asks, as far as the door could tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The user on this machine that is behind it: who hosts, where the caller is elsewhere.
    pub uid: u32,
    /// The most that it may do.
    pub role: Role,
    /// Who it acts as, where it may not say so itself.
    pub actor: Option<Actor>,
    /// The door that its records name, where it may not say so itself.
    pub door: Option<Door>,
}

impl Peer {
    /// Returns somebody on this machine who could as well open the ledger.
    pub fn local(uid: u32) -> Peer {
        Peer {
            uid,
            role: Role::Admin,
            actor: None,
            door: None,
        }
    }

    /// Returns who a caller is that says to be `claimed`.
    pub fn actor(&self, claimed: Actor) -> Actor {
        self.actor.clone().unwrap_or(claimed)
    }
}

/// What every connection shares, as long as this process is the host.
pub struct Service {
    home: Home,
    handle: Handle,
    supervisor: Arc<Supervisor>,
    desk: Desk,
    readers: Mutex<Vec<Reader>>,
    beside: SideRequests,
    on_yield: Box<dyn Fn() + Send + Sync>,
}

impl Service {
    pub(super) fn new(
        home: &Home,
        handle: Handle,
        supervisor: Arc<Supervisor>,
        desk: Desk,
        on_yield: impl Fn() + Send + Sync + 'static,
    ) -> Service {
        Service {
            home: home.clone(),
            handle,
            supervisor,
            desk,
            readers: Mutex::default(),
            beside: SideRequests::default(),
            on_yield: Box::new(on_yield),
        }
    }

    /// Returns the ledger's folder.
    pub fn home(&self) -> &Home {
        &self.home
    }

    pub(super) fn beside(&self) -> &SideRequests {
        &self.beside
    }

    /// Returns the newest version.
    pub fn state(&self) -> Arc<State> {
        self.handle.state()
    }

    /// Returns the engine's time.
    pub fn now(&self) -> Timestamp {
        self.handle.now()
    }

    /// Returns how the engine does. It waits for nothing that the engine may be busy with.
    pub fn vitals(&self) -> Vitals {
        self.handle.vitals()
    }

    /// Returns every figure as a scraper reads it: of the ledger, of its messages, of this engine and of this process.
    ///
    /// # Errors
    ///
    /// The ledger could not be read.
    pub async fn exposition(self: &Arc<Self>) -> Result<String, Failure> {
        let ask =
            |service: &Service, reader: &mut Reader| reader.ask(&service.handle, &Query::Metrics);
        let ledger = self.read(ask).await;
        let page = |service: &Service| vitals::exposition(ledger, &service.vitals(), &service.home);
        self.in_background(page).await
    }

    /// Calls `listener` with every new version, from the engine's thread: it must not block.
    pub fn subscribe(&self, listener: impl Fn(&News) + Send + Sync + 'static) -> Subscription {
        self.handle.subscribe(listener)
    }

    /// Answers a caller. What it may not have is refused before anything is done.
    pub async fn answer(self: &Arc<Self>, request: Request, peer: &Peer) -> Response {
        let needs = request.needs();
        if peer.role < needs {
            let has = peer.role;
            return Response::Refused(Refusal::Role { has, needs });
        }
        match request {
            Request::Submit(submission) => {
                Response::Reply(Box::new(self.submit(*submission, peer).await))
            }
            Request::Ask(query) => {
                let answered =
                    self.read(move |service, reader| reader.ask(&service.handle, &query));
                Response::Answered(Box::new(answered.await))
            }
            Request::AskThen { moment, query } => {
                let answered = self.read(move |service, reader| {
                    let then = reader.stand(moment, &mut |_, _| {})?;
                    reader.ask_then(&service.handle, &then, &query)
                });
                Response::Answered(Box::new(answered.await))
            }
            Request::Stand(moment) => Response::Stood(Box::new(self.stand(moment).await)),
            Request::Recent(limit) => {
                let records = self.read(move |_, reader| reader.recent(limit.min(MOST_RECORDS)));
                Response::Records(Box::new(records.await))
            }
            Request::Records { after, limit } => {
                Response::Records(Box::new(self.records(after, limit).await))
            }
            Request::Beat(mut beat) => {
                beat.role = beat.role.min(peer.role);
                beat.actor = peer.actor(beat.actor);
                let beaten = self.in_background(move |service| {
                    Ok(service.handle.heartbeat(
                        beat.order,
                        beat.epoch,
                        &beat.actor,
                        beat.role,
                        &beat.note,
                    )?)
                });
                Response::Beaten(Box::new(beaten.await))
            }
            Request::Supervise(mut wish) => {
                wish.role = wish.role.min(peer.role);
                let (sender, receiver) = oneshot::channel();
                (self.supervisor).ask(wish, move |answer| drop(sender.send(answer)));
                let gone = || Err(Refusal::not_found("the supervision of agents"));
                Response::Supervised(Box::new(receiver.await.unwrap_or_else(|_| gone())))
            }
            Request::RunGate(mut ask) => {
                if let Some(refusal) = self.claimed_by_another(ask.order, peer) {
                    return Response::Refused(refusal);
                }
                ask.actor = peer.actor.clone().or(ask.actor);
                ask.role = ask.role.min(peer.role);
                let (sender, receiver) = oneshot::channel();
                let desk = self.desk.clone();
                // It may take an hour, and must not take a reader's place as long. Who hung up needs no answer.
                let run = move || drop(sender.send(desk.ask(&ask)));
                let begun = thread::Builder::new().name("gate".into()).spawn(run);
                let ran = match begun {
                    Ok(_) => receiver
                        .await
                        .unwrap_or_else(|_| Err(gone("the run of the gate was lost").into())),
                    Err(_) => Err(gone("the host could not run the gate").into()),
                };
                Response::GateRan(Box::new(ran))
            }
            Request::Bus { caller, call } => {
                Response::Bus(Box::new(self.bus(peer, caller, *call).await))
            }
            Request::Folder { caller, call } => {
                Response::Folder(Box::new(self.folder(peer, caller, *call).await))
            }
            Request::Import { reason, submission } => {
                let imported = match self.let_through(*submission, peer) {
                    Ok(submission) => self.import(reason, submission).await,
                    Err(refusal) => (Reply::Refused(refusal), None),
                };
                Response::Imported(Box::new(imported))
            }
            Request::Hold => Response::Held(Box::new(self.hold().await)),
            Request::AskHeld { held, query } => {
                Response::Answered(Box::new(self.ask_held(held, query).await))
            }
            Request::Yield => {
                (self.on_yield)();
                Response::Yielding
            }
        }
    }

    /// Returns the records behind one, at most a page of them.
    pub async fn records(
        self: &Arc<Self>,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Record>, Failure> {
        self.read(move |_, reader| reader.records(after, limit.min(MOST_RECORDS)))
            .await
    }

    /// Returns a command as the door lets it through: who the caller is, the door knows best.
    fn let_through(&self, mut submission: Submission, peer: &Peer) -> Result<Submission, Refusal> {
        submission.uid = peer.uid;
        submission.role = submission.role.min(peer.role);
        submission.actor = peer.actor(submission.actor);
        submission.door = peer.door.unwrap_or(submission.door);
        // The engine's own door is inside this process.
        if submission.door == Door::Engine || submission.actor.kind == ActorKind::System {
            return Err(Refusal::EngineOnly);
        }
        match self.not_its_own(&submission, peer) {
            Some(refusal) => Err(refusal),
            None => Ok(submission),
        }
    }

    async fn submit(self: &Arc<Self>, submission: Submission, peer: &Peer) -> Reply {
        let submission = match self.let_through(submission, peer) {
            Ok(submission) => submission,
            Err(refusal) => return Reply::Refused(refusal),
        };
        let dry_run = submission.dry_run;
        let (sender, receiver) = oneshot::channel();
        self.handle
            .submit_then(submission, move |reply| drop(sender.send(reply)));
        let unheard = || {
            Reply::Failed(Failure::Unknown(gone(
                "the engine stopped before it answered",
            )))
        };
        let reply = receiver.await.unwrap_or_else(|_| unheard());
        match dry_run {
            true => reply,
            false => self.desk.heed(reply),
        }
    }

    /// Returns why an agent that came in under a name of its own may not have this: it writes to what it claimed, takes
    /// what nobody has, says something about anything, and registers itself. Between this look and the decision the claim
    /// may be lost; then the rule of epochs refuses it.
    fn not_its_own(&self, submission: &Submission, peer: &Peer) -> Option<Refusal> {
        let agent = bound_agent(peer)?;
        match &submission.command {
            Command::RegisterAgent { name, .. } => {
                (*name != agent.name).then(|| only_operators(peer))
            }
            command if speaks_or_takes(command) => None,
            command => self.claimed_by_another(command.order()?, peer),
        }
    }

    /// Returns why an agent that came in under a name of its own may not write to an order, if it has not claimed it.
    fn claimed_by_another(&self, id: OrderId, peer: &Peer) -> Option<Refusal> {
        let agent = bound_agent(peer)?;
        let state = self.handle.state();
        let Some(work) = state.order(id)?.work() else {
            return Some(only_operators(peer));
        };
        let holder = work.holder.clone();
        (holder != *agent).then_some(Refusal::NotHolder { id, holder })
    }

    async fn stand(self: &Arc<Self>, moment: Moment) -> Result<Stood, Failure> {
        self.in_background(move |service| {
            let mut reader = service.reader()?;
            let then = reader.stand(moment, &mut |_, _| {})?;
            service.give_back(reader);
            let damaged = || gone("the line as it stood then cannot be sent: it has what this version does not know");
            let packed = packed::pack(&then.state).ok_or_else(damaged)?;
            Ok(Stood {
                now: then.now,
                snapshot: BASE64_STANDARD.encode(packed),
            })
        })
        .await
    }

    async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Service, &mut Reader) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Failure> {
        self.in_background(move |service| {
            let mut reader = service.reader()?;
            let done = work(service, &mut reader)?;
            service.give_back(reader);
            Ok(done)
        })
        .await
    }

    /// Runs what reads files away from the tasks of connections.
    pub async fn in_background<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Service) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let service = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || work(&service)).await;
        done.unwrap_or_else(|_| Err(gone("the host could not answer").into()))
    }

    fn reader(&self) -> Result<Reader, Fault> {
        let free = self
            .readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        free.map_or_else(|| self.handle.reader(), Ok)
    }

    fn give_back(&self, reader: Reader) {
        self.readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(reader);
    }
}

/// The most records of one answer.
const MOST_RECORDS: usize = 10_000;

/// Returns the agent that a caller is, where it may be nobody else and nothing more.
fn bound_agent(peer: &Peer) -> Option<&Actor> {
    peer.actor.as_ref().filter(|_| peer.role <= Role::Agent)
}

fn only_operators(peer: &Peer) -> Refusal {
    let (has, needs) = (peer.role, Role::Operator);
    Refusal::Role { has, needs }
}

fn speaks_or_takes(command: &Command) -> bool {
    matches!(
        command,
        Command::CommentOrder { .. } | Command::StartOrder { .. } | Command::ClaimOrder { .. }
    )
}

/// Returns the fault of a host that could not answer.
pub(super) fn gone(what: &str) -> Fault {
    Fault::new(FaultKind::Busy, Path::new(""), what)
}
