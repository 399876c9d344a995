//! Who asks: found out before anything else looks at a request.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use tokio::time::timeout;

use super::{
    problem::Problem,
    shared::{Denial, Principal, Shared},
};
use crate::link::uid;

/// The most bytes of a request's body: a thousand orders at once fit.
const MAX_BODY: usize = 1 << 20;

/// Where a connection came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// By TCP.
    Tcp {
        /// From where.
        address: SocketAddr,
        /// Whether TLS is spoken.
        tls: bool,
    },
    /// By the unix socket.
    Unix {
        /// The user of the process.
        uid: u32,
    },
}

impl Source {
    /// Returns the address, where it is one.
    pub(super) fn ip(self) -> Option<IpAddr> {
        match self {
            Source::Tcp { address, .. } => Some(address.ip()),
            Source::Unix { .. } => None,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Tcp { address, .. } => write!(f, "{}", address.ip()),
            Source::Unix { uid } => write!(f, "unix:{uid}"),
        }
    }
}

/// Turns away what was not meant for this server, what a page of another site sent, and what comes too often: before
/// anybody is asked for a token, on every way in.
pub(super) async fn greet(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    let source = request.extensions().get::<Source>().copied();
    match welcome(&shared, source, &request) {
        Ok(()) => next.run(request).await,
        Err(denial) => turned_away(&shared, denial, None, source, what(&request)),
    }
}

fn welcome(shared: &Shared, source: Option<Source>, request: &Request) -> Result<(), Denial> {
    if let Some(Source::Tcp { address, tls }) = source {
        let asked = shared.limits.asks(address.ip(), Instant::now());
        asked.map_err(|wait| Denial::too_often("address's rate", wait))?;
        shared.names.check(request.uri(), request.headers(), tls)?;
    } else if request.headers().contains_key(header::ORIGIN) {
        let said = "no page comes by a unix socket";
        return Err(Denial::new("wrong origin", said).with(StatusCode::FORBIDDEN));
    }
    Ok(())
}

/// Returns a request with its body in memory, whatever the method: none is longer than that, and nobody behind the door
/// waits for one. What follows a request for a websocket is not its body.
async fn with_body(request: Request, patience: Duration) -> Result<Request, Denial> {
    let (head, body) = request.into_parts();
    let late = || {
        let said = format!("the body did not come within {} s", patience.as_secs());
        Denial::new("slow body", said).with(StatusCode::REQUEST_TIMEOUT)
    };
    let large = || {
        let said = format!("a body has at most {MAX_BODY} bytes");
        Denial::new("large body", said).with(StatusCode::PAYLOAD_TOO_LARGE)
    };
    let declared = head.headers.get(header::CONTENT_LENGTH);
    let declared = declared.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > MAX_BODY) {
        return Err(large());
    }
    let body = timeout(patience, to_bytes(body, MAX_BODY)).await;
    let body = body.map_err(|_| late())?.map_err(|_| large())?;
    Ok(Request::from_parts(head, Body::from(body)))
}

/// Lets a request in whose caller is known, and turns away every other. What a stranger sends is not read.
pub(super) async fn check(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    let source = request.extensions().get::<Source>().copied();
    let what = what(&request);
    let bearer = bearer(request.headers()).map(str::to_owned);
    let principal = match known(&shared, source, bearer.as_deref()).await {
        Ok(principal) => principal,
        Err(denial) => return turned_away(&shared, denial, None, source, what),
    };
    match with_body(request, shared.pace.body).await {
        Ok(mut request) => {
            request.extensions_mut().insert(principal);
            next.run(request).await
        }
        Err(denial) => turned_away(&shared, denial, Some(&principal), source, what),
    }
}

/// Returns the token that a request bears. The scheme's word may be in any letters (RFC 9110, section 11.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim_start())
}

async fn known(
    shared: &Arc<Shared>,
    source: Option<Source>,
    bearer: Option<&str>,
) -> Result<Principal, Denial> {
    match (source, bearer) {
        // A process of the same user could as well open the ledger itself.
        (Some(source @ Source::Unix { uid: theirs }), None) if theirs == uid() => {
            Ok(Principal::own(source.to_string()))
        }
        (Some(source), Some(token)) => shared.admit(token, source).await,
        _ => Err(Denial::new(
            "no token",
            "a token is needed: obeya token create makes one",
        )),
    }
}

/// Returns what is asked, for the audit: without what stands behind a question mark, where secrets may be.
fn what(request: &Request) -> String {
    format!("{} {}", request.method(), request.uri().path())
}

/// Notes that somebody was turned away, and says why.
fn turned_away(
    shared: &Shared,
    denial: Denial,
    principal: Option<&Principal>,
    source: Option<Source>,
    what: String,
) -> Response {
    let address = source.map_or_else(String::new, |source| source.to_string());
    shared.deny(&denial, principal, &address, what);
    Problem::from(denial).into_response()
}

/// Answers where there is nothing.
pub(super) async fn nothing(request: Request) -> Problem {
    let said = format!("there is no {}", what(&request));
    Problem::new("not-found", StatusCode::NOT_FOUND, said)
}

/// Answers where there is something, but not by this method.
pub(super) async fn not_so(request: Request) -> Problem {
    let said = format!(
        "there is no {}; /api/openapi.json says what there is",
        what(&request)
    );
    Problem::new("method", StatusCode::METHOD_NOT_ALLOWED, said)
}
