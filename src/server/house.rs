//! What every connection of a server shares, and who is let in.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::http::StatusCode;
use tokio::sync::watch;

use super::{Pace, door::Source, limits::Limits, names::Names};
use crate::{
    domain::{command::Role, message::Name, order::Actor, refusal::Refusal, time::Timestamp},
    link::{
        Failure, Fault, Feed, Peer, Reply, Service, Stirs,
        access::{
            Access, AuditEntry, AuditOutcome, Auditor, Denied, LocalToken, TokenId, TokenView,
            may_grant,
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
    /// How patient it is with those who are attached.
    pub(super) pace: Pace,
    access: Mutex<Access>,
    auditor: Auditor,
    local: LocalToken,
    /// What the server is called.
    pub(super) names: Names,
    /// What callers may take.
    pub(super) limits: Arc<Limits>,
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
    /// A word or two, for the audit.
    pub word: &'static str,
    /// What to do about it.
    pub said: String,
    /// The status code that says it.
    pub status: StatusCode,
    /// After how many seconds it may be tried again, where that is what to do.
    pub retry_after: Option<u64>,
}

impl Denial {
    /// Returns a denial of somebody who is not known.
    pub fn new(word: &'static str, said: impl Into<String>) -> Denial {
        Denial {
            word,
            said: said.into(),
            status: StatusCode::UNAUTHORIZED,
            retry_after: None,
        }
    }

    /// Returns the same under another status code.
    pub(super) fn with(self, status: StatusCode) -> Denial {
        Denial { status, ..self }
    }

    /// Returns the denial of somebody who asks too often.
    pub(super) fn too_often(word: &'static str, wait: Duration) -> Denial {
        let seconds = wait.as_secs() + 1;
        Denial {
            retry_after: Some(seconds),
            ..Denial::new(word, format!("too often: try again in {seconds} s"))
                .with(StatusCode::TOO_MANY_REQUESTS)
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
        Denial::new("unreadable", said).with(StatusCode::SERVICE_UNAVAILABLE)
    }
}

impl House {
    /// Returns what a server of a host needs, with a token for this user's own processes.
    ///
    /// # Errors
    ///
    /// Another server runs on the ledger, or the tokens or the audit cannot be used.
    pub(super) fn new(
        service: Arc<Service>,
        name: &str,
        names: Names,
        port: Option<u16>,
        ending: watch::Receiver<bool>,
    ) -> Result<House, Fault> {
        let home = service.home().clone();
        Ok(House {
            feed: Feed::of(Arc::clone(&service)),
            stirs: Stirs::over(&home)?,
            service,
            name: name.to_owned(),
            pace: Pace::default(),
            access: Mutex::new(Access::open(&home)?),
            auditor: Auditor::start(&home)?,
            local: LocalToken::make(&home, port)?,
            names,
            limits: Arc::default(),
            ending,
        })
    }

    /// Returns once the server ends.
    pub async fn ended(&self) {
        let mut ending = self.ending.clone();
        // A sender that is gone ended it too.
        drop(ending.wait_for(|ending| *ending).await);
    }

    /// Lets in whom a token stands for. Who sends bad ones from an address waits before the next is looked at.
    ///
    /// # Errors
    ///
    /// The token opens nothing.
    pub async fn admit(self: &Arc<Self>, token: &str, source: Source) -> Result<Guest, Denial> {
        if self.local.matches(token) {
            return Ok(Guest::own(source.to_string()));
        }
        let (ip, now) = (source.ip(), Instant::now());
        let often = |wait| Denial::too_often("too many bad tokens", wait);
        ip.map_or(Ok(()), |ip| self.limits.may_try(ip, now))
            .map_err(often)?;
        let text = token.to_owned();
        let checked = self.access(move |access, now| access.check(&text, now));
        let token = checked.await.inspect_err(|_| self.failed(ip, now))?;
        self.limits
            .bears(&token.id, now)
            .map_err(|wait| Denial::too_often("token's rate", wait))?;
        Ok(Guest {
            peer: peer_of(&token),
            token: Some((token.id, token.name)),
            address: source.to_string(),
        })
    }

    fn failed(&self, ip: Option<IpAddr>, now: Instant) {
        if let Some(ip) = ip {
            self.limits.failed(ip, now);
        }
    }

    /// Looks whether somebody who was let in may stay.
    ///
    /// # Errors
    ///
    /// The token opens nothing any more.
    pub async fn recheck(self: &Arc<Self>, guest: &Guest) -> Result<(), Denial> {
        let Some((id, _)) = guest.token.clone() else {
            return Ok(());
        };
        let standing = self.access(move |access, now| access.standing(&id, now));
        standing.await.map(drop)
    }

    /// Has something done with the tokens and the audit, away from the tasks of connections, and notes it if it says what.
    pub(super) async fn keys<T: Send + 'static>(
        self: &Arc<Self>,
        guest: &Guest,
        what: Option<String>,
        work: impl FnOnce(&mut Access) -> Result<Result<T, Refusal>, Fault> + Send + 'static,
    ) -> Result<Result<T, Refusal>, Failure> {
        let house = Arc::clone(self);
        let done = self
            .service
            .in_background(move |_| {
                let mut access = house.access.lock().unwrap_or_else(PoisonError::into_inner);
                Ok(work(&mut access)?)
            })
            .await;
        if let Some(what) = what {
            self.note(
                guest,
                what,
                match &done {
                    Ok(Ok(_)) => AuditOutcome::DONE,
                    Ok(Err(refusal)) => AuditOutcome::Refused {
                        code: refusal.rule().into(),
                    },
                    Err(_) => AuditOutcome::Failed,
                },
            );
        }
        done
    }

    /// Refuses, and notes, whoever may not make tokens or take them back.
    pub(super) fn may_grant(&self, guest: &Guest, what: &str) -> Result<(), Refusal> {
        may_grant(guest.peer.role).inspect_err(|refusal| {
            let code = refusal.rule().into();
            self.note(guest, what.to_owned(), AuditOutcome::Refused { code });
        })
    }

    fn note(&self, guest: &Guest, what: String, outcome: AuditOutcome) {
        self.auditor.note(AuditEntry {
            at: self.service.now(),
            actor: guest.peer.actor.clone(),
            token: guest.token.as_ref().map(|(_, name)| name.clone()),
            address: guest.address.clone(),
            what,
            outcome,
            count: 1,
        });
    }

    /// Looks into the tokens, which are a file: noting a token's use syncs it, and connections must not wait for that.
    async fn access<T: Send + 'static>(
        self: &Arc<Self>,
        look: impl FnOnce(&mut Access, Timestamp) -> Result<Result<T, Denied>, Fault> + Send + 'static,
    ) -> Result<T, Denial> {
        let (house, now) = (Arc::clone(self), self.service.now());
        let looked = tokio::task::spawn_blocking(move || {
            let mut access = house.access.lock().unwrap_or_else(PoisonError::into_inner);
            look(&mut access, now)
        });
        let ending =
            |_| Denial::new("ending", "the server stops").with(StatusCode::SERVICE_UNAVAILABLE);
        Ok(looked.await.map_err(ending)???)
    }

    /// Answers somebody, and notes what they did or were refused.
    ///
    /// # Errors
    ///
    /// The token opens nothing any more: whoever asked has to go. It is noted.
    pub async fn answer(
        self: &Arc<Self>,
        request: Request,
        guest: &Guest,
    ) -> Result<Response, Denial> {
        if let Err(denial) = self.recheck(guest).await {
            self.deny(&denial, Some(guest), &guest.address, request.word());
            return Err(denial);
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
        Ok(response)
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
    /// Returns the token's name; of this user's own, `local`.
    pub(super) fn name(&self) -> &str {
        self.token
            .as_ref()
            .map_or("local", |(_, name)| name.as_str())
    }

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
