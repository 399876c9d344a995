//! Who asks: found out before anything else looks at a request.

use std::{fmt, net::SocketAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use super::house::{Denial, Guest, House};
use crate::link::uid;

/// Where a connection came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// By TCP.
    Tcp(SocketAddr),
    /// By the unix socket, from a process of this user.
    Unix {
        /// The user.
        uid: u32,
    },
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Tcp(address) => write!(f, "{}", address.ip()),
            Source::Unix { uid } => write!(f, "unix:{uid}"),
        }
    }
}

/// Lets a request in whose caller is known, and turns away every other.
pub(super) async fn check(
    State(house): State<Arc<House>>,
    mut request: Request,
    next: Next,
) -> Response {
    let source = request.extensions().get::<Source>().copied();
    let address = source.map_or_else(String::new, |source| source.to_string());
    let bearer = request.headers().get(header::AUTHORIZATION);
    let bearer = bearer.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let guest = match (source, bearer) {
        // A process of the same user could as well open the ledger itself.
        (Some(Source::Unix { uid: theirs }), None) if theirs == uid() => {
            Ok(Guest::own(address.clone()))
        }
        (_, Some(token)) => house.admit(token, address.clone()),
        (_, None) => Err(Denial::new(
            "no token",
            "a token is needed: obeya token create makes one",
        )),
    };
    match guest {
        Ok(guest) => {
            request.extensions_mut().insert(guest);
            next.run(request).await
        }
        Err(denial) => {
            let what = format!("{} {}", request.method(), request.uri().path());
            house.deny(&denial, None, &address, what);
            denied(&denial.said)
        }
    }
}

/// Returns what somebody hears who is not let in.
fn denied(why: &str) -> Response {
    let body = serde_json::json!({
        "type": "about:blank",
        "title": "Unauthorized",
        "status": 401,
        "detail": why,
    });
    let headers = [
        (header::CONTENT_TYPE, "application/problem+json"),
        (header::WWW_AUTHENTICATE, "Bearer"),
    ];
    (StatusCode::UNAUTHORIZED, headers, body.to_string()).into_response()
}
