//! The way from a request to a websocket.

use std::sync::Arc;

use axum::{
    Extension,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        handshake::derive_accept_key,
        protocol::{Role as Side, WebSocketConfig},
    },
};

use super::{
    listen::Held,
    problem::Problem,
    shared::{Principal, Shared},
    socket,
};
use crate::{
    domain::command::Role,
    link::{
        CountedStream,
        protocol::socket::{MAX_TEXT, longest_of},
    },
};

/// Returns the settings of a caller's websocket. As many messages as it may send at once, each as long as it may be, are
/// kept for it: the less it may do, the less that is.
fn settings(role: Role) -> WebSocketConfig {
    let most = longest_of(role);
    // Frames are handed over one by one and flushed together.
    WebSocketConfig::default()
        .read_buffer_size(16 << 10)
        .write_buffer_size(32 << 10)
        .max_write_buffer_size(MAX_TEXT + (64 << 10))
        .max_message_size(Some(most))
        .max_frame_size(Some(most))
}

/// Turns a connection into a websocket, and serves it.
pub(super) async fn upgrade(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
    Extension(held): Extension<Arc<Held>>,
    mut request: Request,
) -> Response {
    let Some(accept) = accept_key(request.headers()) else {
        let said = "this is for websockets, as docs/protocol.md has it";
        let upgrade = [(header::UPGRADE, "websocket")];
        let problem = Problem::new("no-websocket", StatusCode::UPGRADE_REQUIRED, said);
        return (upgrade, problem).into_response();
    };
    let upgrading = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        match upgrading.await {
            Ok(upgraded) => {
                let settings = Some(settings(principal.peer.role));
                let stream = CountedStream::new(TokioIo::new(upgraded));
                let socket = WebSocketStream::from_raw_socket(stream, Side::Server, settings).await;
                socket::converse(socket, shared, principal).await;
                drop(held);
            }
            Err(error) => tracing::debug!(%error, "a websocket did not come about"),
        }
    });
    let headers = [
        (header::CONNECTION, "Upgrade".to_owned()),
        (header::UPGRADE, "websocket".to_owned()),
        (header::SEC_WEBSOCKET_ACCEPT, accept),
    ];
    (StatusCode::SWITCHING_PROTOCOLS, headers, Body::empty()).into_response()
}

/// Returns the answer to a websocket's key, if this is a request for one (RFC 6455, section 4.2.1).
fn accept_key(headers: &HeaderMap) -> Option<String> {
    let has = |name, word: &str| {
        let value = headers.get(name)?.to_str().ok()?;
        let mut words = value.split(',').map(str::trim);
        words
            .any(|given| given.eq_ignore_ascii_case(word))
            .then_some(())
    };
    has(header::CONNECTION, "upgrade")?;
    has(header::UPGRADE, "websocket")?;
    has(header::SEC_WEBSOCKET_VERSION, "13")?;
    let key = headers.get(header::SEC_WEBSOCKET_KEY)?;
    Some(derive_accept_key(key.as_bytes()))
}
