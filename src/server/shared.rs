//! What every connection of a server shares, and who is let in.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::http::StatusCode;
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::{
    Pace,
    auth::Source,
    host_names::HostNames,
    limits::Limits,
    noted::{claimed, noted},
    once::Once,
};
use crate::{
    domain::{
        command::Role, message::Name, order::Actor, record::Hash, refusal::Refusal, time::Timestamp,
    },
    link::{
        ChangeWatch, Fault, Feed, Peer, Service,
        access::{
            Access, AuditEntry, AuditOutcome, Auditor, Denied, LocalToken, TokenId, TokenView,
        },
        bus::Ruled,
        protocol::{FolderAnswer, FolderCall, Request, Response},
        uid,
    },
};

/// One server of one host.
pub struct Shared {
    /// What answers.
    pub service: Arc<Service>,
    /// The line's news.
    pub feed: Feed,
    /// What changes beside the ledger.
    pub changes: ChangeWatch,
    /// The line's name, as consoles show it.
    pub name: String,
    /// How patient it is with those who are attached.
    pub(super) pace: Pace,
    access: Mutex<Access>,
    auditor: Auditor,
    local: LocalToken,
    /// What the server is called.
    pub(super) names: HostNames,
    /// What callers may take.
    pub(super) limits: Arc<Limits>,
    /// What was done under keys that the ledger does not know.
    pub(super) once: Once,
    ending: watch::Receiver<bool>,
}

/// Somebody who was let in.
#[derive(Clone, Debug)]
pub struct Principal {
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
    /// The token that was borne, if it is known and opens nothing any more.
    pub token: Option<Box<TokenView>>,
}

impl Denial {
    /// Returns a denial of somebody who is not known.
    pub fn new(word: &'static str, said: impl Into<String>) -> Denial {
        Denial {
            word,
            said: said.into(),
            status: StatusCode::UNAUTHORIZED,
            retry_after: None,
            token: None,
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

impl Shared {
    /// Returns what a server of a host needs, with a token for this user's own processes.
    ///
    /// # Errors
    ///
    /// Another server runs on the ledger, or the tokens or the audit cannot be used.
    pub(super) fn new(
        service: Arc<Service>,
        name: &str,
        names: HostNames,
        port: Option<u16>,
        ending: watch::Receiver<bool>,
    ) -> Result<Shared, Fault> {
        let home = service.home().clone();
        Ok(Shared {
            feed: Feed::of(Arc::clone(&service)),
            changes: ChangeWatch::over(&home)?,
            service,
            name: name.to_owned(),
            pace: Pace::default(),
            access: Mutex::new(Access::open(&home)?),
            auditor: Auditor::start(&home)?,
            local: LocalToken::make(&home, port)?,
            names,
            limits: Arc::default(),
            once: Once::default(),
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
    pub async fn admit(self: &Arc<Self>, token: &str, source: Source) -> Result<Principal, Denial> {
        if self.local.matches(token) {
            return Ok(Principal::own(source.to_string()));
        }
        let (ip, digest, now) = (source.ip(), Hash::of(token.as_bytes()), Instant::now());
        let often = |wait| Denial::too_often("too many bad tokens", wait);
        ip.map_or(Ok(()), |ip| self.limits.may_try(ip, &digest, now))
            .map_err(often)?;
        let text = token.to_owned();
        let checked = self.access(move |access, now| {
            Ok(match access.check(&text, now)? {
                Ok(token) => Ok(token),
                Err(denied) => Err(Denial {
                    token: access.borne(&text, now)?.map(Box::new),
                    ..denied.into()
                }),
            })
        });
        let token = checked
            .await
            .inspect_err(|denial| self.failed(ip, &digest, denial, now))?;
        self.limits.passed(digest);
        self.limits
            .bears(&token.id, now)
            .map_err(|wait| Denial::too_often("token's rate", wait))?;
        Ok(Principal {
            peer: peer_of(&token),
            token: Some((token.id, token.name)),
            address: source.to_string(),
        })
    }

    /// Counts a bad token; that tokens cannot be read is nobody's fault who bears one.
    fn failed(&self, ip: Option<IpAddr>, token: &Hash, denial: &Denial, now: Instant) {
        if let Some(ip) = ip
            && denial.status == StatusCode::UNAUTHORIZED
        {
            self.limits.failed(ip, token, now);
        }
    }

    /// Looks whether somebody who was let in may stay.
    ///
    /// # Errors
    ///
    /// The token opens nothing any more.
    pub async fn recheck(self: &Arc<Self>, principal: &Principal) -> Result<(), Denial> {
        let Some((id, _)) = principal.token.clone() else {
            return Ok(());
        };
        let standing = self.access(move |access, now| access.standing(&id, now));
        standing.await.map(drop)
    }

    /// Returns once somebody who was let in may not stay, whatever they are being told. It is noted.
    pub(super) async fn gone(self: &Arc<Self>, principal: &Principal, what: &str) -> Denial {
        loop {
            tokio::time::sleep(self.pace.beat).await;
            if let Err(denial) = self.recheck(principal).await {
                self.deny(
                    &denial,
                    Some(principal),
                    &principal.address,
                    what.to_owned(),
                );
                return denial;
            }
        }
    }

    /// Returns whether anybody can come in: the tokens can be read.
    pub(super) async fn is_open(self: &Arc<Self>) -> bool {
        let look = |access: &mut Access, _| access.readable().map(Ok::<(), Denied>);
        self.access(look).await.is_ok()
    }

    /// Returns whether what is done can be noted, as far as is known.
    pub(super) fn is_audited(&self) -> bool {
        self.auditor.fault().is_none()
    }

    /// Looks into the tokens, which are a file: noting a token's use syncs it, and connections must not wait for that.
    async fn access<T: Send + 'static, E: Send + 'static>(
        self: &Arc<Self>,
        look: impl FnOnce(&mut Access, Timestamp) -> Result<Result<T, E>, Fault> + Send + 'static,
    ) -> Result<T, Denial>
    where
        Denial: From<E>,
    {
        let (shared, now) = (Arc::clone(self), self.service.now());
        let looked = tokio::task::spawn_blocking(move || {
            let mut access = shared.access.lock().unwrap_or_else(PoisonError::into_inner);
            look(&mut access, now)
        });
        let ending =
            |_| Denial::new("ending", "the server stops").with(StatusCode::SERVICE_UNAVAILABLE);
        Ok(looked.await.map_err(ending)???)
    }

    /// Waits until somebody may have a question read for, and returns the place that it takes; nothing where none is
    /// needed.
    pub(super) async fn place(
        &self,
        request: &Request,
        principal: &Principal,
    ) -> Option<OwnedSemaphorePermit> {
        let (id, _) = principal.token.as_ref().filter(|_| request.reads())?;
        self.limits.read(id).await
    }

    /// Answers somebody, and notes what they did or were refused. Whoever is not to get round the audit by hanging up has
    /// it called on a task of its own.
    ///
    /// # Errors
    ///
    /// The token opens nothing any more: whoever asked has to go. It is noted.
    pub async fn answer(
        self: &Arc<Self>,
        request: Request,
        principal: &Principal,
    ) -> Result<Response, Denial> {
        if let Err(denial) = self.recheck(principal).await {
            self.deny(&denial, Some(principal), &principal.address, request.word());
            return Err(denial);
        }
        let (what, actor) = (request.word(), claimed(&request));
        let acts = request.acts();
        let response = self.done(request, principal).await;
        if let Some(outcome) = noted(&response, acts) {
            let entry = AuditEntry {
                at: self.service.now(),
                actor: principal.peer.actor.clone().or(actor),
                token: principal.token.as_ref().map(|(_, name)| name.clone()),
                address: principal.address.clone(),
                what,
                outcome,
                count: 1,
            };
            if let Some(entry) = self.auditor.offer(entry) {
                // Nothing is done faster than it can be noted.
                let shared = Arc::clone(self);
                let noting = tokio::task::spawn_blocking(move || shared.auditor.note(entry));
                drop(noting.await);
            }
        }
        Ok(response)
    }

    /// Does what is asked: tokens the server makes and takes back itself, so that the audit says from where.
    async fn done(self: &Arc<Self>, request: Request, principal: &Principal) -> Response {
        let (caller, call) = match request {
            Request::Folder { caller, call } if call.acts() => (caller, call),
            other => return self.service.answer(other, &principal.peer).await,
        };
        let (has, needs) = (caller.role.min(principal.peer.role), call.needs());
        if has < needs {
            return Response::Refused(Refusal::Role { has, needs });
        }
        let now = self.service.now();
        let granted = match *call {
            FolderCall::CreateToken(new) => {
                let made = self.keys(move |access| access.create(&new, now)).await;
                made.map(|made| made.map(|(secret, token)| FolderAnswer::Created { secret, token }))
            }
            FolderCall::RevokeToken(name) => {
                let revoked = self.keys(move |access| access.revoke(&name, now)).await;
                revoked.map(|revoked| revoked.map(FolderAnswer::Revoked))
            }
            other => {
                let call = Box::new(other);
                let request = Request::Folder { caller, call };
                return self.service.answer(request, &principal.peer).await;
            }
        };
        Response::Folder(Box::new(granted))
    }

    /// Has something done with the tokens, away from the tasks of connections.
    async fn keys<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&mut Access) -> Ruled<T> + Send + 'static,
    ) -> Ruled<T> {
        let shared = Arc::clone(self);
        let done = self.service.in_background(move |_| {
            let mut access = shared.access.lock().unwrap_or_else(PoisonError::into_inner);
            Ok(work(&mut access)?)
        });
        done.await.map_err(|failure| failure.fault().clone())
    }

    /// Notes that somebody was not let in, or had to go.
    pub fn deny(
        &self,
        denial: &Denial,
        principal: Option<&Principal>,
        address: &str,
        what: String,
    ) {
        self.auditor.note(AuditEntry {
            at: self.service.now(),
            actor: match (principal, &denial.token) {
                (Some(principal), _) => principal.peer.actor.clone(),
                (None, Some(token)) => peer_of(token).actor,
                (None, None) => None,
            },
            token: match (principal, &denial.token) {
                (Some(principal), _) => principal.token.as_ref().map(|(_, name)| name.clone()),
                (None, token) => token.as_ref().map(|token| token.name.clone()),
            },
            address: address.to_owned(),
            what,
            outcome: AuditOutcome::Denied {
                why: denial.word.into(),
            },
            count: 1,
        });
    }
}

impl Principal {
    /// Returns what no other token is called, whatever its name: whose a key of a request is.
    pub(super) fn key(&self) -> &str {
        self.token.as_ref().map_or("", |(id, _)| id.as_str())
    }

    /// Returns the token's name; of this user's own, `local`.
    pub(super) fn name(&self) -> &str {
        self.token
            .as_ref()
            .map_or("local", |(_, name)| name.as_str())
    }

    /// Returns a process of this user, who could as well open the ledger itself.
    pub fn own(address: String) -> Principal {
        Principal {
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
