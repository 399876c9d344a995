//! The HTTP API. Every way in is a row of [`table`]; what it takes and says is read from the engine's own types by [`book`],
//! so that the router, the document and the checks cannot tell different stories.

mod book;
mod forms;
mod given;
mod keys;
mod openapi;
mod responses;
mod stream;
mod table;

use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::{Request as HttpRequest, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::{MethodFilter, on},
};
use futures_util::FutureExt as _;
use serde::de::DeserializeOwned;
use tokio::sync::OwnedSemaphorePermit;

pub use self::openapi::document;
use self::{
    book::BOOK,
    forms::{Beat, Events, Renewed, Scale, Told},
    given::Given,
    table::{Does, ROUTES, Route, Wanted},
};
use super::{
    once::Begun,
    problem::Problem,
    shared::{Denial, Principal, Shared},
};
use crate::{
    domain::{
        command::{Command, Submission},
        moment::Moment,
        order::Actor,
        query::{self, Query},
        record::{Door, Hash},
        time::Timestamp,
    },
    link::{
        Asked, Errand, GateAsk, Heartbeat, Reply, Wish,
        bus::Caller,
        protocol::{Request, Response as Said},
    },
};

/// The most records of a page of the ledger's.
const MAX_RECORDS: u64 = 10_000;
/// The records of a page where nothing is said.
const RECORDS: u64 = 1_000;
/// What Prometheus is told that the figures are.
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Returns every way in. Who comes here was let in.
pub(super) fn router() -> Router<Arc<Shared>> {
    let mut router = Router::new();
    for route in ROUTES {
        let Ok(filter) = MethodFilter::try_from(route.method.clone()) else {
            continue;
        };
        let handler =
            move |State(shared): State<Arc<Shared>>,
                  Extension(principal): Extension<Principal>,
                  request: HttpRequest| { serve(route, shared, principal, request) };
        router = router.route(route.path, on(filter, handler));
    }
    router
}

async fn serve(
    route: &'static Route,
    shared: Arc<Shared>,
    principal: Principal,
    request: HttpRequest,
) -> Response {
    let (parts, body) = request.into_parts();
    let given = match Given::read(parts, body, shared.service.now()).await {
        Ok(given) => given,
        Err(problem) => return problem.into_response(),
    };
    let visit = Visit {
        route,
        shared,
        principal,
        given,
    };
    visit.served().await.unwrap_or_else(Problem::into_response)
}

/// One request of one caller.
struct Visit {
    route: &'static Route,
    shared: Arc<Shared>,
    principal: Principal,
    given: Given,
}

impl Visit {
    async fn served(mut self) -> Result<Response, Problem> {
        match self.route.does {
            Does::Ask(name, id) => self.ask(name, id).await,
            Does::Tell(name, id) => self.tell(name, id).await,
            Does::AskAny => {
                self.given.nothing_else()?;
                let query = self.given.body()?;
                let answer = self.asked(Request::Ask(query)).await?;
                Ok(responses::json(StatusCode::OK, &answer))
            }
            Does::TellAny => self.tell_any().await,
            Does::Bus => {
                let (caller, call) = self.called()?;
                match self.answer(Request::Bus { caller, call }).await? {
                    Said::Bus(answered) => Ok(responses::json(StatusCode::OK, &(*answered)??)),
                    other => Err(unwanted(other)),
                }
            }
            Does::Folder => {
                let (caller, call) = self.called()?;
                match self.answer(Request::Folder { caller, call }).await? {
                    Said::Folder(answered) => Ok(responses::json(StatusCode::OK, &(*answered)??)),
                    other => Err(unwanted(other)),
                }
            }
            Does::Events => self.events().await,
            Does::Beat => self.beat().await,
            Does::RunGate => self.run_gate().await,
            Does::Supervise(wanted) => self.supervise(wanted).await,
            Does::Stream => stream::begin(self.shared, self.principal, self.given),
            Does::Figures => {
                self.given.nothing_else()?;
                let page = self.shared.service.exposition().await?;
                Ok(([(header::CONTENT_TYPE, EXPOSITION)], page).into_response())
            }
            Does::Document => {
                self.given.nothing_else()?;
                Ok(responses::json(StatusCode::OK, document()))
            }
            Does::Tokens => self.tokens().await,
            Does::CreateToken => self.create_token().await,
            Does::RevokeToken => self.revoke_token().await,
            Does::Audit => self.audit().await,
        }
    }

    async fn ask(&mut self, name: &'static str, id: &str) -> Result<Response, Problem> {
        let shape = BOOK.query(name).ok_or_else(unknown)?;
        let then = self.given.take_moment("at")?;
        let said = self
            .given
            .query
            .get("limit")
            .and_then(|limit| limit.parse().ok());
        let limit = said.unwrap_or(query::DEFAULT_LIMIT).min(query::MAX_LIMIT);
        let query: Query = self.given.question(shape, id)?;
        let tag = match then {
            // The state comes before the answer: a tag that is too old only asks once more.
            None => responses::tag(&query, &self.shared.service.state()),
            Some(_) => None,
        };
        if let Some(tag) = tag
            .as_ref()
            .filter(|tag| responses::is_known(&self.given.headers, tag))
        {
            return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag.clone())]).into_response());
        }
        let request = match then.map(Moment::At) {
            Some(moment) => Request::AskThen { moment, query },
            None => Request::Ask(query),
        };
        let answer = self.asked(request).await?;
        let mut response = responses::answer(&answer, &self.given, limit);
        if let Some(tag) = tag {
            response.headers_mut().insert(header::ETAG, tag);
        }
        Ok(response)
    }

    /// Returns who calls, and what the body wants.
    fn called<T: DeserializeOwned>(&mut self) -> Result<(Caller, Box<T>), Problem> {
        let actor = self.given.take_actor()?;
        self.given.nothing_else()?;
        let caller = Caller {
            actor: actor.unwrap_or_else(|| self.actor()),
            role: self.principal.peer.role,
        };
        Ok((caller, Box::new(self.given.body()?)))
    }

    /// Has a request answered on a task of its own: what was begun is done, and noted, though its caller hangs up.
    async fn answer(&self, request: Request) -> Result<Said, Problem> {
        let place = self.shared.place(&request, &self.principal).await;
        heard(self.begun(request, place).await)
    }

    /// Has done what no record tells of: once under a key, and whether it was done before.
    async fn answer_once(&self, request: Request) -> Result<(Said, bool), Problem> {
        let Some(key) = self.given.key(self.principal.key())? else {
            return Ok((self.answer(request).await?, false));
        };
        // What is asked was read from JSON, and can be written as such.
        let what = Hash::of(&serde_json::to_vec(&request).unwrap_or_default());
        let begin = || self.begun(request, None);
        let (answering, known) = self.shared.once.answer(key, what, begin)?;
        Ok((heard(answering.await)?, known))
    }

    fn begun(&self, request: Request, place: Option<OwnedSemaphorePermit>) -> Begun {
        let (shared, principal) = (Arc::clone(&self.shared), self.principal.clone());
        let answering = tokio::spawn(async move {
            let answered = shared.answer(request, &principal).await;
            drop(place);
            answered
        });
        answering.map(Result::ok).boxed()
    }

    async fn asked(&self, request: Request) -> Result<query::Answer, Problem> {
        match self.answer(request).await? {
            Said::Answered(answered) => Ok((*answered)??),
            other => Err(unwanted(other)),
        }
    }

    async fn tell(&mut self, name: &'static str, id: &str) -> Result<Response, Problem> {
        let shape = BOOK.command(name).ok_or_else(unknown)?;
        let actor = self.given.take_actor()?;
        let epoch = self
            .given
            .take_number("epoch")?
            .map(u32::try_from)
            .transpose();
        let epoch = epoch.map_err(|_| Problem::malformed("epoch", "it is too large"))?;
        let dry_run = self.given.take("dry_run", book::Sort::Truth)?;
        self.given.nothing_else()?;
        let told = Told {
            command: self.given.command(shape, id)?,
            epoch,
            as_of: None,
            dry_run: dry_run == Some(true.into()),
            actor,
            causation: None,
            correlation: None,
        };
        self.submit(told).await
    }

    async fn tell_any(&self) -> Result<Response, Problem> {
        self.given.nothing_else()?;
        let told = self.given.body()?;
        self.submit(told).await
    }

    async fn submit(&self, told: Told) -> Result<Response, Problem> {
        let creates = match &told.command {
            Command::CreateOrder { .. } => Some("/api/work-orders"),
            Command::TriggerAndon { .. } => Some("/api/andon"),
            Command::RegisterAgent { .. } => Some("/api/agents"),
            _ => None,
        };
        let submission = Submission {
            id: self.given.command_id(self.principal.key())?,
            actor: told.actor.unwrap_or_else(|| self.actor()),
            role: self.principal.peer.role,
            door: Door::Api,
            uid: self.principal.peer.uid,
            epoch: told.epoch,
            causation: told.causation,
            correlation: told.correlation,
            dry_run: told.dry_run,
            until: None,
            as_of: told.as_of.or(self.given.as_of()?),
            command: told.command,
        };
        let request = Request::Submit(Box::new(submission));
        match self.answer(request).await? {
            Said::Reply(reply) => match *reply {
                Reply::Done(outcome) => Ok(responses::outcome(
                    &outcome,
                    creates,
                    &self.shared.service.state(),
                )),
                Reply::Refused(refusal) => Err(refusal.into()),
                Reply::Failed(failure) => Err(failure.into()),
            },
            other => Err(unwanted(other)),
        }
    }

    /// Returns who acts where nobody is named.
    fn actor(&self) -> Actor {
        let named = || Actor::person(self.principal.name());
        self.principal.peer.actor.clone().unwrap_or_else(named)
    }

    async fn events(&mut self) -> Result<Response, Problem> {
        let after = self.given.take_number("after")?.unwrap_or(0);
        let limit = self
            .given
            .take_number("limit")?
            .unwrap_or(RECORDS)
            .clamp(1, MAX_RECORDS);
        self.given.nothing_else()?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let records = match self.answer(Request::Records { after, limit }).await? {
            Said::Records(records) => (*records)?,
            other => return Err(unwanted(other)),
        };
        let last = records.last().map(|record| record.seq);
        let next = last.filter(|_| records.len() >= limit);
        let mut response = responses::json(StatusCode::OK, &Events { records, next });
        if let Some(next) = next {
            responses::link(response.headers_mut(), &self.given.uri, &next.to_string());
        }
        Ok(response)
    }

    async fn beat(&mut self) -> Result<Response, Problem> {
        let actor = self.given.take_actor()?;
        self.given.nothing_else()?;
        let Beat { epoch, note } = self.given.body()?;
        let beat = Heartbeat {
            order: self.given.part("id")?,
            epoch,
            actor: actor.unwrap_or_else(|| self.actor()),
            role: self.principal.peer.role,
            note,
        };
        match self.answer(Request::Beat(beat)).await? {
            Said::Beaten(beaten) => {
                let until: Timestamp = (*beaten)??;
                Ok(responses::json(
                    StatusCode::OK,
                    &Renewed {
                        until: until.into(),
                    },
                ))
            }
            other => Err(unwanted(other)),
        }
    }

    async fn run_gate(&mut self) -> Result<Response, Problem> {
        let actor = self.given.take_actor()?;
        self.given.nothing_else()?;
        let ask = GateAsk {
            order: self.given.part("id")?,
            gate: self.given.part("gate")?,
            actor: Some(actor.unwrap_or_else(|| self.actor())),
            role: self.principal.peer.role,
        };
        let (said, known) = self.answer_once(Request::RunGate(ask)).await?;
        let ran: Asked = match said {
            Said::GateRan(ran) => *ran,
            other => return Err(unwanted(other)),
        };
        let response = match ran?? {
            Some(outcome) => responses::outcome(&outcome, None, &self.shared.service.state()),
            // It goes on by itself, and is recorded when it ends.
            None => StatusCode::ACCEPTED.into_response(),
        };
        Ok(responses::replayed(response, known))
    }

    async fn supervise(&mut self, wanted: Wanted) -> Result<Response, Problem> {
        self.given.nothing_else()?;
        let errand = match wanted {
            Wanted::Spawn => Errand::Spawn,
            Wanted::Stop => Errand::Stop,
            Wanted::Scale => {
                let Scale { count } = self.given.body()?;
                Errand::Scale(count)
            }
        };
        let wish = Wish {
            agent: self.given.part("id")?,
            errand,
            role: self.principal.peer.role,
        };
        let (said, known) = self.answer_once(Request::Supervise(wish)).await?;
        match said {
            Said::Supervised(life) => {
                let response = responses::json(StatusCode::OK, &(*life)?);
                Ok(responses::replayed(response, known))
            }
            other => Err(unwanted(other)),
        }
    }
}

/// Returns what was answered; where whoever was to answer is lost, nobody knows what came of it.
fn heard(answered: Option<Result<Said, Denial>>) -> Result<Said, Problem> {
    let lost = || {
        let said = "the engine stopped before it answered: whether it was done is not known";
        Problem::new("unknown", StatusCode::SERVICE_UNAVAILABLE, said)
    };
    Ok(answered.ok_or_else(lost)??)
}

/// Returns what an answer means that is to another question: the principal may not have this one.
fn unwanted(said: Said) -> Problem {
    match said {
        Said::Refused(refusal) => refusal.into(),
        _ => {
            tracing::error!("an answer was to another question");
            Problem::new(
                "defect",
                StatusCode::INTERNAL_SERVER_ERROR,
                "the engine answered something else",
            )
        }
    }
}

/// Every row of the table stands for something, which a test holds.
fn unknown() -> Problem {
    Problem::new(
        "defect",
        StatusCode::INTERNAL_SERVER_ERROR,
        "this way in leads nowhere",
    )
}

/// Says that what is told is nobody else's to keep.
pub(super) const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
