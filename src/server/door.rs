//! Who asks: found out before anything else looks at a request.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use super::house::House;
use crate::link::{Peer, uid};

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

/// Lets a request in whose caller is known, and turns away every other.
pub(super) async fn check(
    State(house): State<Arc<House>>,
    mut request: Request,
    next: Next,
) -> Response {
    let source = request.extensions().get::<Source>().copied();
    let bearer = request.headers().get(header::AUTHORIZATION);
    let bearer = bearer.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let peer = match (source, bearer) {
        // A process of the same user could as well open the ledger itself.
        (Some(Source::Unix { uid: theirs }), None) if theirs == uid() => Ok(Peer::local(theirs)),
        (_, Some(token)) => house.admit(token),
        (_, None) => Err("a token is needed: obeya token create".to_owned()),
    };
    match peer {
        Ok(peer) => {
            request.extensions_mut().insert(peer);
            next.run(request).await
        }
        Err(why) => denied(&why),
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
