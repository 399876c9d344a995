//! One connection to an engine, from the first byte to its welcome.

use std::{io, time::Duration};

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{self, CertificateError, pki_types::ServerName},
};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{
        self, Message,
        client::IntoClientRequest as _,
        error::ProtocolError,
        http::{HeaderValue, StatusCode, header::AUTHORIZATION},
        protocol::WebSocketConfig,
    },
};

use super::target::{Address, Target};
use crate::link::{
    CountedStream,
    protocol::{
        PROTOCOL,
        socket::{Farewell, Follow, FromEngine, Hello, MAX_TEXT, ToEngine, Welcome},
    },
};

/// Where the websocket is.
const PATH: &str = "/api/attach";

/// A stream of bytes, whichever.
pub(super) trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

/// A connection.
pub(super) type Socket = WebSocketStream<CountedStream<Box<dyn Wire>>>;

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unreached {
    /// It may come about later: what is wrong.
    Down(String),
    /// The engine does not want this caller: why, and what to do about it.
    Denied(String),
}

/// Connects, and introduces the caller.
pub(super) async fn dial(
    target: &Target,
    follow: Follow,
    patience: Duration,
) -> Result<(Socket, Welcome), Unreached> {
    let late = || {
        let seconds = patience.as_secs();
        let what = format!("{} did not answer within {seconds} seconds", target.address);
        Unreached::Down(what)
    };
    timeout(patience, greet(target, follow))
        .await
        .unwrap_or_else(|_| Err(late()))
}

async fn greet(target: &Target, follow: Follow) -> Result<(Socket, Welcome), Unreached> {
    let mut socket = upgrade(target).await?;
    let hello = ToEngine::Hello(Hello {
        protocol: PROTOCOL,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        follow,
    });
    let hello =
        serde_json::to_string(&hello).map_err(|error| Unreached::Down(error.to_string()))?;
    let down = |error: tungstenite::Error| Unreached::Down(format!("{}: {error}", target.address));
    socket.send(Message::text(hello)).await.map_err(down)?;
    loop {
        let message = socket.next().await.ok_or_else(|| {
            Unreached::Down(format!("{} hung up at the first word", target.address))
        })?;
        let Message::Text(text) = message.map_err(down)? else {
            continue;
        };
        return match serde_json::from_str(&text) {
            Ok(FromEngine::Welcome(welcome)) => Ok((socket, welcome)),
            Ok(FromEngine::Bye { code, why }) => Err(parting(code, &why)),
            _ => {
                let what = format!("{} speaks something else than obeya", target.address);
                Err(Unreached::Denied(what))
            }
        };
    }
}

/// Returns what an engine's farewell means for the caller.
pub(super) fn parting(code: Farewell, why: &str) -> Unreached {
    let why = crate::text::clean(why).into_owned();
    match code {
        Farewell::OtherProtocol | Farewell::Denied | Farewell::Malformed => Unreached::Denied(why),
        Farewell::Stopping | Farewell::Busy => Unreached::Down(why),
    }
}

async fn upgrade(target: &Target) -> Result<Socket, Unreached> {
    let (wire, host) = connect(target).await?;
    let mut request = format!("ws://{host}{PATH}")
        .into_client_request()
        .map_err(|error| Unreached::Denied(error.to_string()))?;
    let token = target.token_now();
    if let Some(token) = &token {
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.secret()))
            .map_err(|_| Unreached::Denied("the token is not one".into()))?;
        bearer.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, bearer);
    }
    let settings = WebSocketConfig::default()
        .read_buffer_size(32 << 10)
        .max_message_size(Some(MAX_TEXT))
        .max_frame_size(Some(MAX_TEXT));
    match client_async_with_config(request, CountedStream::new(wire), Some(settings)).await {
        Ok((socket, _)) => Ok(socket),
        Err(tungstenite::Error::Http(response)) => {
            match turned_away(target, response.status(), response.into_body()) {
                // A server that begins listens a moment before it lays its token out: it is not meant for ever.
                Unreached::Denied(why) if target.token_now() != token => Err(Unreached::Down(why)),
                unreached => Err(unreached),
            }
        }
        // What is no HTTP now will be none in a minute.
        Err(error @ tungstenite::Error::Protocol(ProtocolError::HttparseError(_))) => {
            let what = format!("{}: what answers there speaks no HTTP", target.address);
            Err(Unreached::Denied(match target.address {
                Address::Tcp { tls: false, .. } => {
                    format!("{what}; if it speaks TLS, attach by wss://")
                }
                _ => format!("{what}: {error}"),
            }))
        }
        Err(error) => Err(Unreached::Down(format!("{}: {error}", target.address))),
    }
}

/// Returns what an answer that is no websocket means: the problem document says why, if there is one.
fn turned_away(target: &Target, status: StatusCode, body: Option<Vec<u8>>) -> Unreached {
    #[derive(serde::Deserialize)]
    struct Problem {
        detail: String,
    }
    let problem = body.and_then(|body| serde_json::from_slice::<Problem>(&body).ok());
    let detail = problem.map(|problem| crate::text::clean(&problem.detail).into_owned());
    let said = detail.unwrap_or_else(|| status.to_string());
    match status {
        StatusCode::UNAUTHORIZED => Unreached::Denied(match &target.token {
            Some(_) => said,
            None => format!("{said}; give a token by --token-file or in a context"),
        }),
        // Nor is there anything to wait for where this is no way in, or not under this name.
        StatusCode::BAD_REQUEST
        | StatusCode::FORBIDDEN
        | StatusCode::NOT_FOUND
        | StatusCode::MISDIRECTED_REQUEST
        | StatusCode::UPGRADE_REQUIRED => Unreached::Denied(said),
        _ => Unreached::Down(said),
    }
}

/// How the verifier of certificates says that one is an authority's, which signs others and is shown by nobody.
const AUTHORITYS: &str = "CaUsedAsEndEntity";

/// Returns why what answered is not trusted, and what to do about it; `named` is whether `--ca` was given.
fn distrust(error: &io::Error, named: bool) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    let Some(rustls::Error::InvalidCertificate(why)) = inner else {
        return format!("what answers there speaks no TLS ({error}); without TLS, attach by ws://");
    };
    let said = why.to_string();
    // Some are said with the numbers of the algorithms behind them.
    let said = said.split(" {").next().unwrap_or_default();
    let what = format!("its certificate is not trusted ({said})");
    match why {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!("{what}; attach by a name that stands in it")
        }
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => {
            format!("{what}; the engine needs another one, or a clock is wrong")
        }
        _ if said.contains(AUTHORITYS) => {
            "its certificate is one of an authority, which --ca may name and no engine show; \
             make it another one, with basicConstraints=critical,CA:FALSE"
                .to_owned()
        }
        _ if named => format!("{what}; --ca names another one"),
        _ => format!("{what}; name the certificate that it is to show by --ca"),
    }
}

async fn connect(target: &Target) -> Result<(Box<dyn Wire>, String), Unreached> {
    let down = |error: io::Error| Unreached::Down(format!("{}: {error}", target.address));
    match &target.address {
        Address::Unix(path) => {
            let stream = UnixStream::connect(path).await.map_err(down)?;
            Ok((Box::new(stream), "localhost".into()))
        }
        Address::Tcp { tls, host, port } => {
            let bare = host.trim_start_matches('[').trim_end_matches(']');
            let stream = TcpStream::connect((bare, *port)).await.map_err(down)?;
            stream.set_nodelay(true).map_err(down)?;
            let named = format!("{host}:{port}");
            if !tls {
                return Ok((Box::new(stream), named));
            }
            let config = target.tls().map_err(Unreached::Denied)?;
            let name: ServerName<'static> = Target::server_name(host).map_err(Unreached::Denied)?;
            let secured = TlsConnector::from(config).connect(name, stream).await;
            let secured = secured.map_err(|error| {
                let what = format!("{}: {error}", target.address);
                match error.kind() {
                    // A certificate that is not trusted today is not trusted in a minute.
                    io::ErrorKind::InvalidData => Unreached::Denied(format!(
                        "{}: {}",
                        target.address,
                        distrust(&error, target.ca.is_some())
                    )),
                    _ => Unreached::Down(what),
                }
            })?;
            Ok((Box::new(secured), named))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_cannot_come_in_this_way_is_told_so_and_the_rest_come_again() {
        let target = Target::new(Address::Unix("line.sock".into()));
        let body = |detail: &str| Some(format!(r#"{{"detail":"{detail}"}}"#).into_bytes());
        for status in [400, 401, 403, 404, 421, 426] {
            let status = StatusCode::from_u16(status).unwrap_or_default();
            let away = turned_away(&target, status, body("no\\u001b[2J way"));
            let Unreached::Denied(why) = away else {
                panic!("{status}: {away:?}");
            };
            assert!(why.starts_with("no") && !why.contains('\u{1b}'), "{why:?}");
        }
        for status in [429, 502, 503] {
            let status = StatusCode::from_u16(status).unwrap_or_default();
            let away = turned_away(&target, status, None);
            assert!(matches!(away, Unreached::Down(_)), "{away:?}");
        }
    }
}
