//! The thread of a way: one connection after the other, what comes by them told, what is asked sent.

use std::{sync::Arc, time::Duration};

use futures_util::{
    SinkExt as _, StreamExt as _,
    stream::{SplitSink, SplitStream},
};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;

use super::{
    Follower, Heard, LinkState,
    calls::Calls,
    dial::{Socket, Unreached, dial, parting},
    target::Target,
};
use crate::link::{
    self,
    protocol::socket::{FromEngine, MAX_SNAPSHOT, ToEngine, Welcome},
};

/// How long nothing may come before the connection counts as lost: the engine beats every five seconds.
const SILENCE: Duration = Duration::from_secs(20);
/// How long nothing may come before what is on screen counts as late.
const LATE: Duration = Duration::from_secs(8);
/// The first pause before connecting again.
const PAUSE: Duration = Duration::from_millis(250);
/// The longest pause before connecting again.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// The pause where the engine does not want the caller: a token may be made, or a version mended, meanwhile.
const DENIED_PAUSE: Duration = Duration::from_secs(30);

/// The way's own side.
pub(super) struct Line {
    target: Target,
    calls: Arc<Calls>,
    follower: Box<dyn Follower>,
}

impl Line {
    /// Returns the side of a way to `target` that tells `follower`.
    pub(super) fn new(target: Target, calls: Arc<Calls>, follower: Box<dyn Follower>) -> Line {
        Line {
            target,
            calls,
            follower,
        }
    }

    /// Connects, and connects again, for ever.
    pub(super) async fn keep_up(mut self) {
        let mut tries = 0_u32;
        loop {
            let follow = self.follower.follow();
            let ended = match dial(&self.target, follow).await {
                Ok((socket, welcome)) => {
                    tries = 0;
                    self.begin(welcome);
                    self.converse(socket).await
                }
                Err(unreached) => unreached,
            };
            let (why, denied) = match ended {
                Unreached::Down(why) => (why, false),
                Unreached::Denied(why) => (why, true),
            };
            let pause = match denied {
                true => DENIED_PAUSE,
                false => jittered(tries),
            };
            tries = tries.saturating_add(1);
            self.lost(why, denied, pause);
            sleep(pause).await;
        }
    }

    /// A connection begins: what was asked and not answered is asked again.
    fn begin(&mut self, welcome: Welcome) {
        self.calls.begin(welcome.clone());
        self.follower.hear(Heard::Welcome(Box::new(welcome)));
        self.tell(LinkState::Live);
    }

    fn lost(&mut self, why: String, denied: bool, pause: Duration) {
        let now = link::now();
        let pause = i64::try_from(pause.as_micros()).unwrap_or(i64::MAX);
        let since = match self.calls.link() {
            Some(LinkState::Down { since, .. } | LinkState::Late { since }) => since,
            _ => now,
        };
        self.calls.lost(&why, denied);
        self.tell(LinkState::Down {
            since,
            why,
            next_try: now.plus(pause),
            denied,
        });
    }

    fn tell(&mut self, link: LinkState) {
        self.calls.tell(link.clone());
        self.follower.hear(Heard::Link(link));
    }

    async fn converse(&mut self, socket: Socket) -> Unreached {
        let (sink, stream) = socket.split();
        let calls = Arc::clone(&self.calls);
        tokio::select! {
            ended = send(sink, calls) => ended,
            ended = self.receive(stream) => ended,
        }
    }

    async fn receive(&mut self, mut stream: SplitStream<Socket>) -> Unreached {
        let mut snapshot: Option<(usize, Vec<u8>)> = None;
        let mut late = false;
        let mut quiet = LATE;
        loop {
            let message = match timeout(quiet, stream.next()).await {
                Ok(Some(Ok(message))) => message,
                Ok(Some(Err(error))) => return Unreached::Down(error.to_string()),
                Ok(None) => return Unreached::Down("the engine hung up".into()),
                Err(_) if late => {
                    return Unreached::Down("nothing came for twenty seconds".into());
                }
                Err(_) => {
                    late = true;
                    quiet = SILENCE - LATE;
                    let quiet = i64::try_from(LATE.as_micros()).unwrap_or(0);
                    let since = link::now().plus(-quiet);
                    self.tell(LinkState::Late { since });
                    continue;
                }
            };
            if std::mem::take(&mut late) {
                quiet = LATE;
                self.tell(LinkState::Live);
            }
            let goes_on = match message {
                Message::Text(text) => match serde_json::from_str(&text) {
                    Ok(FromEngine::Snapshot { parts, bytes, .. }) => {
                        snapshot = Some((parts, Vec::with_capacity(bytes.min(1 << 20))));
                        true
                    }
                    Ok(FromEngine::Bye { code, why }) => return parting(code, &why),
                    Ok(message) => self.take(message),
                    // A newer engine may say what this version does not know: it says so in its protocol if it matters.
                    Err(error) => {
                        tracing::debug!(%error, "a message that is not known here");
                        true
                    }
                },
                Message::Binary(part) => match snapshot.take() {
                    Some((left, mut packed)) => {
                        packed.extend_from_slice(&part);
                        if packed.len() > MAX_SNAPSHOT {
                            return Unreached::Denied("the engine's snapshot is too large".into());
                        }
                        match left.saturating_sub(1) {
                            0 => self.follower.hear(Heard::Snapshot(packed)),
                            left => {
                                snapshot = Some((left, packed));
                                true
                            }
                        }
                    }
                    None => true,
                },
                Message::Close(_) => return Unreached::Down("the engine hung up".into()),
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => true,
            };
            if !goes_on {
                return Unreached::Down("what came does not continue what is known".into());
            }
        }
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

/// Sends what is asked.
async fn send(mut sink: SplitSink<Socket, Message>, calls: Arc<Calls>) -> Unreached {
    loop {
        while let Some((id, request)) = calls.next() {
            let text = match serde_json::to_string(&ToEngine::Call { id, request }) {
                Ok(text) => text,
                Err(error) => return Unreached::Down(error.to_string()),
            };
            if let Err(error) = sink.feed(Message::text(text)).await {
                return Unreached::Down(error.to_string());
            }
        }
        if let Err(error) = sink.flush().await {
            return Unreached::Down(error.to_string());
        }
        calls.called().await;
    }
}

/// Returns the pause before a try: doubled each time, and somewhere in its upper half, so that many consoles whose engine
/// comes back do not come all at once.
fn jittered(tries: u32) -> Duration {
    let full = PAUSE
        .saturating_mul(1_u32.checked_shl(tries).unwrap_or(u32::MAX))
        .min(LONGEST_PAUSE);
    let chance = uuid::Uuid::now_v7().as_bytes()[15];
    full / 2 + full / 2 * u32::from(chance) / 255
}
