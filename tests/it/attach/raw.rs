//! What somebody sends who does not use obeya: bytes over TCP, and texts over a websocket, as a caller and as an engine.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
    time::Instant,
};

use obeya::{
    domain::command::Role,
    link::{
        self,
        protocol::{
            PROTOCOL,
            socket::{FromEngine, Hello, ToEngine, Welcome},
        },
        remote::Target,
    },
};
use tokio_tungstenite::tungstenite::{
    Message, WebSocket, accept, client, client::IntoClientRequest as _,
};

use super::support::PATIENCE;

/// An answer, as far as it came.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
}

/// Sends a request as it is, and returns the answer.
pub(super) fn send(address: SocketAddr, request: &str) -> Heard {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    // Who is turned away may be cut off, and what came before that counts.
    while !is_whole(&bytes)
        && let Ok(read @ 1..) = stream.read(&mut piece)
    {
        bytes.extend_from_slice(&piece[..read]);
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
    Heard {
        status: status.unwrap_or(0),
        head: head.to_ascii_lowercase(),
        body: body.to_owned(),
    }
}

fn is_whole(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let length = |head: &str| -> Option<usize> {
        let mut lines = head.lines();
        lines.find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())
    };
    text.split_once("\r\n\r\n")
        .is_some_and(|(head, body)| length(head).is_none_or(|length| body.len() >= length))
}

/// Asks for a websocket with these headers beside its own.
pub(super) fn upgrade(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Heard {
    let headers: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    send(
        address,
        &format!(
            "GET {path} HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
        ),
    )
}

/// A websocket by hand.
pub(super) struct Talk(WebSocket<TcpStream>);

impl Talk {
    pub(super) fn open(address: SocketAddr, token: &str) -> Talk {
        Talk::try_open(address, token).unwrap()
    }

    /// Opens one, unless it is hung up on.
    pub(super) fn try_open(address: SocketAddr, token: &str) -> Option<Talk> {
        let stream = TcpStream::connect(address).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut request = format!("ws://{address}/api/attach")
            .into_client_request()
            .unwrap();
        let bearer = format!("Bearer {token}").parse().unwrap();
        request.headers_mut().insert("authorization", bearer);
        Some(Talk(client(request, stream).ok()?.0))
    }

    /// Opens one, and is welcome.
    pub(super) fn met(address: SocketAddr, token: &str) -> Talk {
        let mut talk = Talk::open(address, token);
        talk.meet();
        talk
    }

    /// Introduces itself, and is welcome.
    pub(super) fn meet(&mut self) {
        self.say(&ToEngine::Hello(Hello {
            protocol: PROTOCOL,
            version: "test".into(),
            follow: Default::default(),
        }));
        assert!(matches!(self.hear(), Some(FromEngine::Welcome(_))));
    }

    pub(super) fn say(&mut self, message: &ToEngine) {
        let text = serde_json::to_string(message).unwrap();
        self.send(Message::text(text));
    }

    pub(super) fn send(&mut self, message: Message) {
        // Whoever was told to go may find the way closed.
        let _ = self.0.send(message);
    }

    /// Returns the next message of the engine; None once there are no more.
    pub(super) fn hear(&mut self) -> Option<FromEngine> {
        loop {
            match self.0.read() {
                Ok(Message::Text(text)) => return serde_json::from_str(&text).ok(),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// Returns the next message that is no beat; None once there are no more, or none comes.
    pub(super) fn answer(&mut self) -> Option<FromEngine> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            match self.hear()? {
                FromEngine::Beat { .. } => {}
                other => return Some(other),
            }
        }
        None
    }
}

/// An engine by hand.
pub(super) struct ByHand(WebSocket<TcpStream>);

/// Returns where an engine is that welcomes one caller, and then does what it is told.
pub(super) fn by_hand(then: impl FnOnce(&mut ByHand) + Send + 'static) -> Target {
    let door = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = door.local_addr().unwrap();
    thread::spawn(move || {
        let mut engine = ByHand(accept(door.accept().unwrap().0).unwrap());
        assert!(matches!(engine.heard(), ToEngine::Hello(_)));
        engine.say(&FromEngine::Welcome(Welcome {
            protocol: PROTOCOL,
            version: "9.0.0".into(),
            name: "newer".into(),
            ledger: uuid::Uuid::nil(),
            incarnation: 1,
            role: Role::Viewer,
            actor: None,
            now: link::now(),
        }));
        then(&mut engine);
    });
    Target::new(format!("ws://{address}").parse().unwrap())
}

impl ByHand {
    fn heard(&mut self) -> ToEngine {
        loop {
            if let Message::Text(text) = self.0.read().unwrap() {
                return serde_json::from_str(&text).unwrap();
            }
        }
    }

    /// Returns the number of the next call.
    pub(super) fn called(&mut self) -> u64 {
        match self.heard() {
            ToEngine::Call { id, .. } => id,
            hello => panic!("{hello:?}"),
        }
    }

    pub(super) fn say(&mut self, message: &FromEngine) {
        self.send(&serde_json::to_string(message).unwrap());
    }

    pub(super) fn send(&mut self, text: &str) {
        self.0.send(Message::text(text)).unwrap();
    }

    /// Stays until the caller goes.
    pub(super) fn stay(&mut self) {
        while self.0.read().is_ok() {}
    }
}
