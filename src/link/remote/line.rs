//! The thread of a way: one connection after the other, what comes by them told, what is asked sent.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{
    SinkExt as _, StreamExt as _,
    stream::{SplitSink, SplitStream},
};
use serde::Deserialize;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::{Bytes, Message};

use super::{
    Follower, Heard, LinkState,
    calls::Calls,
    dial::{Socket, Unreached, dial, parting},
    pace::Pace,
    target::Target,
};
use crate::{
    domain::time::Timestamp,
    link::{
        self, ByteCounts,
        protocol::socket::{FromEngine, MAX_SNAPSHOT, ToEngine, Welcome, longest_of},
    },
};

/// The way's own side.
pub(super) struct Line {
    target: Target,
    calls: Arc<Calls>,
    follower: Box<dyn Follower>,
    pace: Pace,
}

impl Line {
    /// Returns the side of a way to `target` that tells `follower`.
    pub(super) fn new(
        target: Target,
        calls: Arc<Calls>,
        follower: Box<dyn Follower>,
        pace: Pace,
    ) -> Line {
        Line {
            target,
            calls,
            follower,
            pace,
        }
    }

    /// Connects, and connects again, for ever.
    pub(super) async fn keep_up(mut self) {
        let mut tries = 0_u32;
        loop {
            let follow = self.follower.follow();
            let ended = match dial(&self.target, follow, self.pace.dial).await {
                Ok((socket, welcome)) => {
                    let (begun, longest) = (Instant::now(), longest_of(welcome.role));
                    let ended = match self.begin(welcome) {
                        true => self.converse(socket, longest).await,
                        false => Unreached::Down("the ledger began another life".into()),
                    };
                    if begun.elapsed() >= self.pace.steady {
                        tries = 0;
                    }
                    ended
                }
                Err(unreached) => unreached,
            };
            let (why, denied) = match ended {
                Unreached::Down(why) => (why, false),
                Unreached::Denied(why) => (why, true),
            };
            let pause = match denied {
                true => self.pace.denied_pause,
                false => self.pace.before(tries),
            };
            tries = tries.saturating_add(1);
            self.lost(why, denied, pause);
            sleep(pause).await;
        }
    }

    /// A connection begins: what was asked and not answered is asked again. False where the follower wants another one.
    fn begin(&mut self, welcome: Welcome) -> bool {
        let late = self.calls.begin(welcome.clone(), link::now());
        let goes_on = self.follower.hear(Heard::Welcome(Box::new(welcome)));
        self.follower.hear(Heard::Link(late));
        goes_on
    }

    fn lost(&mut self, why: String, denied: bool, pause: Duration) {
        let now = link::now();
        let pause = i64::try_from(pause.as_micros()).unwrap_or(i64::MAX);
        let down = self.calls.lost(why, denied, now, now.plus(pause));
        self.follower.hear(Heard::Link(down));
    }

    fn tell(&mut self, link: LinkState) {
        self.calls.tell(link.clone());
        self.follower.hear(Heard::Link(link));
    }

    /// Speaks until the connection ends; what is asked comes in messages of at most `longest` bytes.
    async fn converse(&mut self, socket: Socket, longest: usize) -> Unreached {
        let moved = socket.get_ref().counts();
        let (sink, stream) = socket.split();
        let calls = Arc::clone(&self.calls);
        let pace = self.pace;
        tokio::select! {
            ended = send(sink, calls, pace, longest) => ended,
            ended = self.receive(stream, &moved) => ended,
        }
    }

    /// Hears the engine. What is known is late until a beat comes: the first one comes behind all that there was to tell.
    /// Who answers, or says something of what lies beside the ledger, may still have an engine that stands still: that is
    /// late too.
    async fn receive(&mut self, mut stream: SplitStream<Socket>, moved: &ByteCounts) -> Unreached {
        let Pace { late, silence, .. } = self.pace;
        let mut snapshot: Option<Parts> = None;
        let (mut alive, mut is_late) = (Instant::now(), true);
        let (mut quiet, mut read) = (silence, moved.read());
        loop {
            let message = match timeout(quiet, stream.next()).await {
                Ok(Some(Ok(message))) => message,
                Ok(Some(Err(error))) => return Unreached::Down(error.to_string()),
                Ok(None) => return Unreached::Down("the engine hung up".into()),
                // A long message on a slow link comes byte by byte.
                Err(_) if is_late && moved.read() == read => {
                    let seconds = silence.as_secs();
                    return Unreached::Down(format!("nothing came for {seconds} seconds"));
                }
                Err(_) if is_late => {
                    (quiet, read) = (silence, moved.read());
                    continue;
                }
                Err(_) => {
                    (is_late, quiet) = (true, silence.saturating_sub(late));
                    self.tell(LinkState::Late { since: ago(alive) });
                    continue;
                }
            };
            read = moved.read();
            let message = match message {
                Message::Text(text) => self.understood(&text),
                Message::Binary(part) => Some(Told::Part(part)),
                Message::Close(_) => return Unreached::Down("the engine hung up".into()),
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => None,
            };
            if message.as_ref().is_some_and(Told::is_life) {
                alive = Instant::now();
            }
            if is_late && matches!(message, Some(Told::Message(FromEngine::Beat { .. }))) {
                is_late = false;
                self.tell(LinkState::Live);
            }
            quiet = match is_late {
                true => silence,
                false => late.saturating_sub(alive.elapsed()),
            };
            let goes_on = match message {
                None => true,
                Some(Told::Message(FromEngine::Bye { code, why })) => return parting(code, &why),
                Some(Told::Message(FromEngine::Snapshot { parts, bytes, .. })) => {
                    snapshot = Parts::of(parts, bytes);
                    snapshot.is_some()
                }
                Some(Told::Message(message)) => self.take(message),
                Some(Told::Part(part)) => match snapshot.take().map(|parts| parts.with(&part)) {
                    Some(Some(Ok(packed))) => self.follower.hear(Heard::Snapshot(packed)),
                    Some(Some(Err(parts))) => {
                        snapshot = Some(parts);
                        true
                    }
                    Some(None) | None => false,
                },
            };
            if !goes_on {
                return Unreached::Down("what came does not continue what is known".into());
            }
        }
    }

    /// Returns the message of a text. A newer engine may say what this version does not know: it says so in its protocol
    /// if it matters. Whoever waits for such an answer is told so.
    fn understood(&self, text: &str) -> Option<Told> {
        let message = serde_json::from_str(text);
        let told = message.map(Told::Message);
        told.inspect_err(|error| {
            tracing::debug!(%error, "a message that is not known here");
            if let Ok(Unknown::Answer { id }) = serde_json::from_str(text) {
                self.calls.not_understood(id);
            }
        })
        .ok()
    }

    /// Takes a message. False where the follower wants another connection.
    fn take(&mut self, message: FromEngine) -> bool {
        match message {
            FromEngine::Answer { id, response } => {
                self.calls.answered(id, response);
                true
            }
            FromEngine::Records { records, more } => {
                self.follower.hear(Heard::Records(records, more))
            }
            FromEngine::Beat { now, seq } => self.follower.hear(Heard::Beat(now, seq)),
            FromEngine::Stirred(beside) => self.follower.hear(Heard::Stirred(beside)),
            FromEngine::Welcome(_) | FromEngine::Snapshot { .. } | FromEngine::Bye { .. } => true,
        }
    }
}

/// What came by a connection.
enum Told {
    Message(FromEngine),
    /// A part of a snapshot.
    Part(Bytes),
}

impl Told {
    /// Returns whether it shows that the engine's loop comes round, or at least that a state is on its way.
    fn is_life(&self) -> bool {
        match self {
            Told::Part(_) => true,
            Told::Message(message) => matches!(
                message,
                FromEngine::Beat { .. } | FromEngine::Records { .. } | FromEngine::Snapshot { .. }
            ),
        }
    }
}

/// What can be said of a message that this version does not know.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Unknown {
    Answer { id: u64 },
}

/// Returns the machine's time of a moment that has passed.
fn ago(then: Instant) -> Timestamp {
    let passed = i64::try_from(then.elapsed().as_micros()).unwrap_or(i64::MAX);
    link::now().plus(passed.saturating_neg())
}

/// A snapshot of which parts are still to come.
struct Parts {
    left: usize,
    bytes: usize,
    packed: Vec<u8>,
}

impl Parts {
    /// Returns what is to come, unless no snapshot comes in so many parts and bytes.
    fn of(left: usize, bytes: usize) -> Option<Parts> {
        // Memory is taken as the bytes come: a number alone costs nothing.
        let packed = Vec::new();
        let sound = left > 0 && bytes <= MAX_SNAPSHOT;
        sound.then_some(Parts {
            left,
            bytes,
            packed,
        })
    }

    /// Takes the next part, and returns the whole snapshot if it was the last; None where that is not what was to come.
    fn with(mut self, part: &[u8]) -> Option<Result<Vec<u8>, Parts>> {
        self.left = self.left.checked_sub(1)?;
        self.packed.extend_from_slice(part);
        match (self.left, self.packed.len()) {
            (0, length) if length == self.bytes => Some(Ok(self.packed)),
            (1.., length) if length <= self.bytes => Some(Err(self)),
            _ => None,
        }
    }
}

/// Sends what is asked, and a sign of life where nothing is.
async fn send(
    mut sink: SplitSink<Socket, Message>,
    calls: Arc<Calls>,
    pace: Pace,
    longest: usize,
) -> Unreached {
    loop {
        while let Some((id, request)) = calls.next() {
            let text = match serde_json::to_string(&ToEngine::Call { id, request }) {
                Ok(text) => text,
                Err(error) => return Unreached::Down(error.to_string()),
            };
            // The engine would hang up on it, and everything else that is asked would be lost with it.
            if text.len() > longest {
                calls.is_too_long(id, text.len(), longest);
                continue;
            }
            if let Err(error) = sink.feed(Message::text(text)).await {
                return Unreached::Down(error.to_string());
            }
        }
        if let Err(error) = sink.flush().await {
            return Unreached::Down(error.to_string());
        }
        if timeout(pace.sign, calls.called()).await.is_err()
            && let Err(error) = sink.feed(Message::Ping(Bytes::new())).await
        {
            return Unreached::Down(error.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_comes_in_as_many_parts_and_bytes_as_were_said() {
        let parts = |left, bytes| Parts::of(left, bytes).expect("sound");
        assert!(matches!(parts(1, 2).with(b"ab"), Some(Ok(whole)) if whole == b"ab"));
        let Some(Err(rest)) = parts(2, 3).with(b"ab") else {
            panic!("one is to come");
        };
        assert!(matches!(rest.with(b"c"), Some(Ok(whole)) if whole == b"abc"));
        assert!(parts(1, 2).with(b"abc").is_none());
        assert!(parts(1, 2).with(b"a").is_none());
        assert!(parts(2, 2).with(b"abc").is_none());
        assert!(Parts::of(0, 0).is_none() && Parts::of(1, MAX_SNAPSHOT + 1).is_none());
    }
}
