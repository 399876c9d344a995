//! What every connection of a server shares, and who is let in.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use crate::{
    domain::{command::Role, message::Name, order::Actor, refusal::Refusal},
    link::{
        Fault, Feed, Peer, Reply, Service, Stirs,
        access::{
            Access, AuditEntry, AuditOutcome, Auditor, Denied, LocalToken, TokenId, TokenView,
        },
        bus::Ruled,
        protocol::{Request, Response},
        uid,
    },
};

/// One server of one host.
pub struct House {
    /// What answers.
    pub service: Arc<Service>,
    /// The line's news.
    pub feed: Feed,
    /// What stirs beside the ledger.
    pub stirs: Stirs,
    /// The line's name, as consoles show it.
    pub name: String,
    access: Mutex<Access>,
    auditor: Auditor,
    local: LocalToken,
    ending: watch::Receiver<bool>,
}

/// Somebody who was let in.
#[derive(Clone, Debug)]
pub struct Guest {
    /// Who that is for the engine.
    pub peer: Peer,
    /// The token that opened, unless this user's own.
    token: Option<(TokenId, Name)>,
    /// Where the connection came from.
    pub address: String,
}

/// Why somebody is not let in, or must go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// One word, for the audit.
    pub word: &'static str,
    /// What to do about it.
    pub said: String,
}

impl Denial {
    /// Returns a denial.
    pub fn new(word: &'static str, said: impl Into<String>) -> Denial {
        Denial {
            word,
            said: said.into(),
        }
    }
}

impl From<Denied> for Denial {
    fn from(denied: Denied) -> Self {
        let said = match denied {
            Denied::Malformed => "this is no token of obeya: obeya token create makes one",
            Denied::Unknown => "this token is not known here: obeya token create makes one",
            Denied::Revoked => "this token was revoked: ask for another one",
            Denied::Expired => "this token's time is up: ask for another one",
        };
        Denial::new(denied.word(), said)
    }
}

/// Nobody comes in by an access file that cannot be read.
impl From<Fault> for Denial {
    fn from(fault: Fault) -> Self {
        tracing::error!(%fault, "tokens cannot be checked");
        let said = "tokens cannot be checked now: obeya doctor on the engine's machine says why";
        Denial::new("unreadable", said)
    }
}

impl House {
    /// Returns what a server of a host needs, with a token for this user's own processes.
    ///
    /// # Errors
    ///
    /// Another server runs on the ledger, or the tokens or the audit cannot be used.
    pub fn new(
        service: Arc<Service>,
        name: &str,
        ending: watch::Receiver<bool>,
    ) -> Result<House, Fault> {
        let home = service.home().clone();
        Ok(House {
            feed: Feed::of(Arc::clone(&service)),
            stirs: Stirs::over(&home)?,
            service,
            name: name.to_owned(),
            access: Mutex::new(Access::open(&home)?),
            auditor: Auditor::start(&home)?,
            local: LocalToken::make(&home)?,
            ending,
        })
    }

    /// Returns once the server ends.
    pub async fn ended(&self) {
        let mut ending = self.ending.clone();
        // A sender that is gone ended it too.
        drop(ending.wait_for(|ending| *ending).await);
    }

    /// Lets in whom a token stands for.
    ///
    /// # Errors
    ///
    /// The token opens nothing.
    pub fn admit(&self, token: &str, address: String) -> Result<Guest, Denial> {
        if self.local.matches(token) {
            return Ok(Guest::own(address));
        }
        let now = self.service.now();
        let token = self.access().check(token, now)??;
        Ok(Guest {
            peer: peer_of(&token),
            token: Some((token.id, token.name)),
            address,
        })
    }

    /// Looks whether somebody who was let in may stay.
    ///
    /// # Errors
    ///
    /// The token opens nothing any more.
    pub fn recheck(&self, guest: &Guest) -> Result<(), Denial> {
        let Some((id, _)) = &guest.token else {
            return Ok(());
        };
        let now = self.service.now();
        self.access().standing(id, now)??;
        Ok(())
    }

    fn access(&self) -> std::sync::MutexGuard<'_, Access> {
        self.access.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers somebody, and notes what they did or were refused.
    pub async fn answer(&self, request: Request, guest: &Guest) -> Response {
        if let Err(denial) = self.recheck(guest) {
            self.deny(&denial, Some(guest), &guest.address, request.word());
            let (has, needs) = (Role::Viewer, request.needs().max(Role::Agent));
            return Response::Refused(Refusal::Role { has, needs });
        }
        let (what, actor) = (request.word(), claimed(&request));
        let acts = request.acts();
        let response = self.service.answer(request, &guest.peer).await;
        if let Some(outcome) = noted(&response, acts) {
            self.auditor.note(AuditEntry {
                at: self.service.now(),
                actor: guest.peer.actor.clone().or(actor),
                token: guest.token.as_ref().map(|(_, name)| name.clone()),
                address: guest.address.clone(),
                what,
                outcome,
                count: 1,
            });
        }
        response
    }

    /// Notes that somebody was not let in, or had to go.
    pub fn deny(&self, denial: &Denial, guest: Option<&Guest>, address: &str, what: String) {
        self.auditor.note(AuditEntry {
            at: self.service.now(),
            actor: guest.and_then(|guest| guest.peer.actor.clone()),
            token: guest.and_then(|guest| Some(guest.token.as_ref()?.1.clone())),
            address: address.to_owned(),
            what,
            outcome: AuditOutcome::Denied {
                why: denial.word.into(),
            },
            count: 1,
        });
    }
}

impl Guest {
    /// Returns a process of this user, who could as well open the ledger itself.
    pub fn own(address: String) -> Guest {
        Guest {
            peer: Peer::local(uid()),
            token: None,
            address,
        }
    }
}

/// Returns who a token stands for. An admin may act for others; everybody else is who the token says.
fn peer_of(token: &TokenView) -> Peer {
    let name = token.name.to_string();
    Peer {
        uid: uid(),
        role: token.role,
        actor: match token.role {
            Role::Admin => None,
            Role::Agent => Some(Actor::agent(name)),
            Role::Viewer | Role::Operator => Some(Actor::person(name)),
        },
        door: None,
    }
}

fn claimed(request: &Request) -> Option<Actor> {
    match request {
        Request::Submit(submission) => Some(submission.actor.clone()),
        Request::Beat(beat) => Some(beat.actor.clone()),
        Request::Import { submission, .. } => Some(submission.actor.clone()),
        Request::Bus { caller, .. } | Request::Folder { caller, .. } => Some(caller.actor.clone()),
        _ => None,
    }
}

/// Returns what the audit says of an answer: every refusal for want of a right, and whatever was done or tried.
fn noted(response: &Response, acts: bool) -> Option<AuditOutcome> {
    let refused = |refusal: &Refusal| {
        Some(AuditOutcome::Refused {
            code: refusal.rule().into(),
        })
    };
    match response {
        Response::Refused(refusal) => refused(refusal),
        _ if !acts => None,
        Response::Reply(reply) => match reply.as_ref() {
            Reply::Done(outcome) if outcome.dry_run => None,
            Reply::Done(outcome) => Some(AuditOutcome::Done {
                first_seq: outcome.records.first().map(|record| record.seq),
                last_seq: outcome.records.last().map(|record| record.seq),
            }),
            Reply::Refused(refusal) => refused(refusal),
            Reply::Failed(_) => Some(AuditOutcome::Failed),
        },
        Response::Supervised(answer) => match answer.as_ref() {
            Ok(_) => Some(AuditOutcome::DONE),
            Err(refusal) => refused(refusal),
        },
        Response::Imported(imported) => noted(&Response::Reply(Box::new(imported.0.clone())), acts),
        Response::Bus(done) => Some(ruled(done)),
        Response::Folder(done) => Some(ruled(done)),
        Response::GateRan(ran) => match ran.as_ref() {
            Ok(Ok(_)) => Some(AuditOutcome::DONE),
            Ok(Err(refusal)) => refused(refusal),
            Err(_) => Some(AuditOutcome::Failed),
        },
        _ => Some(AuditOutcome::DONE),
    }
}

fn ruled<T>(done: &Ruled<T>) -> AuditOutcome {
    match done {
        Ok(Ok(_)) => AuditOutcome::DONE,
        Ok(Err(refusal)) => AuditOutcome::Refused {
            code: refusal.rule().into(),
        },
        Err(_) => AuditOutcome::Failed,
    }
}
