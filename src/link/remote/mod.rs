//! An engine elsewhere: asked, told and followed over a websocket that comes and goes.
//!
//! One thread with one connection. Calls are kept until they are answered, and asked again after a connection was lost
//! where asking twice does nothing twice; commands carry an id, so that one that was applied is not applied again.

mod bus;
mod dial;
mod mirror;
mod operator;
mod target;

use std::{
    collections::{BTreeMap, VecDeque},
    path::Path,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc as std_mpsc},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use futures_util::{
    SinkExt as _, StreamExt as _,
    stream::{SplitSink, SplitStream},
};
use tokio::{
    sync::{Notify, oneshot},
    time::{sleep, timeout},
};
use tokio_tungstenite::tungstenite::Message;

pub use bus::RemoteBus;
pub use mirror::{Mirror, MirrorNews};
pub use operator::Attached;
pub use target::{Address, Target, Token};

use self::dial::{Socket, Unreached, dial, parting};
use super::protocol::{
    Request, Response,
    socket::{Beside, Follow, FromEngine, ToEngine, Welcome},
};
use crate::{
    domain::{record::Record, time::Timestamp},
    ledger::{Fault, FaultKind},
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

/// How the engine is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// What is known is what is so.
    Live,
    /// Connected, but nothing has come since then.
    Late {
        /// When something came last.
        since: Timestamp,
    },
    /// Not connected; what is known is as of then.
    Down {
        /// Since when.
        since: Timestamp,
        /// Why, and what to do about it.
        why: String,
        /// When the next try is.
        next_try: Timestamp,
        /// Whether the engine answered, and does not want this caller.
        denied: bool,
    },
}

/// What a follower hears.
pub enum Heard {
    /// The engine's introduction, at every connection.
    Welcome(Box<Welcome>),
    /// A whole version, packed.
    Snapshot(Vec<u8>),
    /// Records, and whether others of the same commit follow.
    Records(Vec<Record>, bool),
    /// The engine is alive, at its time.
    Beat(Timestamp),
    /// Something beside the ledger is another.
    Stirred(Beside),
    /// How the engine is reached is another.
    Link(LinkState),
}

/// What is done with what is heard.
pub trait Follower: Send {
    /// Returns what to ask for at the next connection.
    fn follow(&mut self) -> Follow;
    /// Takes what was heard. False ends the connection, and begins another one.
    fn hear(&mut self, heard: Heard) -> bool;
}

/// A follower of nothing, for those who only call.
struct Nothing;

impl Follower for Nothing {
    fn follow(&mut self) -> Follow {
        Follow::Nothing
    }

    fn hear(&mut self, _: Heard) -> bool {
        true
    }
}

struct Pending {
    request: Request,
    sent: bool,
    answer: std_mpsc::SyncSender<Result<Response, Fault>>,
}

#[derive(Default)]
struct Desk {
    calls: BTreeMap<u64, Pending>,
    unsent: VecDeque<u64>,
    next: u64,
    link: Option<LinkState>,
    welcome: Option<Welcome>,
}

struct Shared {
    desk: Mutex<Desk>,
    called: Notify,
    met: Condvar,
}

impl Shared {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A way to an engine elsewhere. It connects by itself, again and again, until it is dropped.
pub struct Remote {
    target: Target,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Remote {
    /// Returns a way on which nothing is followed.
    ///
    /// # Errors
    ///
    /// No thread could be had.
    pub fn calling(target: Target) -> Result<Remote, Fault> {
        Remote::following(target, Nothing)
    }

    /// Returns a way on which `follower` hears what it follows.
    ///
    /// # Errors
    ///
    /// No thread could be had.
    pub fn following(target: Target, follower: impl Follower + 'static) -> Result<Remote, Fault> {
        let shared = Arc::new(Shared {
            desk: Mutex::default(),
            called: Notify::new(),
            met: Condvar::new(),
        });
        let failed = |error| Fault::io(Path::new(""), "starting the way to the engine", &error);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(failed)?;
        let (stop, stopped) = oneshot::channel();
        let line = Line {
            target: target.clone(),
            shared: Arc::clone(&shared),
            follower: Box::new(follower),
        };
        let thread = thread::Builder::new()
            .name("attached".into())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        _ = stopped => {}
                        () = line.keep_up() => {}
                    }
                });
                runtime.shutdown_background();
            });
        Ok(Remote {
            target,
            shared,
            stop: Some(stop),
            thread: Some(thread.map_err(failed)?),
        })
    }

    /// Returns what is attached to.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Returns the engine's introduction, waiting for the first connection.
    ///
    /// # Errors
    ///
    /// There is no connection within `patience`, or the engine does not want this caller: why, and what to do about it.
    pub fn welcome(&self, patience: Duration) -> Result<Welcome, Fault> {
        let until = Instant::now() + patience;
        let mut desk = self.shared.desk();
        loop {
            if let Some(welcome) = &desk.welcome {
                return Ok(welcome.clone());
            }
            let left = until.saturating_duration_since(Instant::now());
            match &desk.link {
                Some(LinkState::Down {
                    why, denied: true, ..
                }) => {
                    return Err(unreached(FaultKind::Permission, why));
                }
                Some(LinkState::Down { why, .. }) if left.is_zero() => {
                    return Err(unreached(FaultKind::Busy, why));
                }
                _ if left.is_zero() => {
                    let why = format!("{} does not answer", self.target.address);
                    return Err(unreached(FaultKind::Busy, &why));
                }
                _ => {}
            }
            let waited = self.shared.met.wait_timeout(desk, left);
            desk = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Calls the engine, and waits for its answer.
    ///
    /// # Errors
    ///
    /// None came within `patience`; whether the request was heard is not known then.
    pub fn call(&self, request: Request, patience: Duration) -> Result<Response, Fault> {
        let (answer, answered) = std_mpsc::sync_channel(1);
        let id = {
            let mut desk = self.shared.desk();
            let id = desk.next;
            desk.next += 1;
            let sent = false;
            desk.calls.insert(
                id,
                Pending {
                    request,
                    sent,
                    answer,
                },
            );
            desk.unsent.push_back(id);
            id
        };
        self.shared.called.notify_one();
        match answered.recv_timeout(patience) {
            Ok(answer) => answer,
            Err(_) => {
                let mut desk = self.shared.desk();
                desk.calls.remove(&id);
                let why = match &desk.link {
                    Some(LinkState::Down { why, .. }) => why.clone(),
                    _ => format!("{} did not answer in time", self.target.address),
                };
                Err(unreached(FaultKind::Busy, &why))
            }
        }
    }

    /// Returns how the engine is reached.
    pub fn state(&self) -> Option<LinkState> {
        self.shared.desk().link.clone()
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of the way to the engine panicked");
        }
    }
}

fn unreached(kind: FaultKind, why: &str) -> Fault {
    let mend = match kind {
        FaultKind::Permission => "",
        _ => "Look whether `obeya serve` runs there; the console goes on trying.",
    };
    Fault::new(kind, Path::new(""), why).mend(mend)
}

/// The thread's side.
struct Line {
    target: Target,
    shared: Arc<Shared>,
    follower: Box<dyn Follower>,
}

impl Line {
    async fn keep_up(mut self) {
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
        {
            let mut desk = self.shared.desk();
            let waiting: VecDeque<u64> = desk.calls.keys().copied().collect();
            desk.unsent = waiting;
            desk.welcome = Some(welcome.clone());
        }
        self.follower.hear(Heard::Welcome(Box::new(welcome)));
        self.tell(LinkState::Live);
        self.shared.met.notify_all();
    }

    fn lost(&mut self, why: String, denied: bool, pause: Duration) {
        let now = super::now();
        let pause = i64::try_from(pause.as_micros()).unwrap_or(i64::MAX);
        let since = match &self.shared.desk().link {
            Some(LinkState::Down { since, .. } | LinkState::Late { since }) => *since,
            _ => now,
        };
        {
            let mut desk = self.shared.desk();
            desk.welcome = None;
            let over: Vec<u64> = desk
                .calls
                .iter()
                .filter(|(_, call)| denied || (call.sent && !call.request.may_repeat()))
                .map(|(id, _)| *id)
                .collect();
            for id in over {
                if let Some(call) = desk.calls.remove(&id) {
                    let kind = if denied {
                        FaultKind::Permission
                    } else {
                        FaultKind::Busy
                    };
                    let _ = call.answer.try_send(Err(unreached(kind, &why)));
                }
            }
        }
        self.tell(LinkState::Down {
            since,
            why,
            next_try: now.plus(pause),
            denied,
        });
        self.shared.met.notify_all();
    }

    fn tell(&mut self, link: LinkState) {
        self.shared.desk().link = Some(link.clone());
        self.follower.hear(Heard::Link(link));
    }

    async fn converse(&mut self, socket: Socket) -> Unreached {
        let (sink, stream) = socket.split();
        let shared = Arc::clone(&self.shared);
        tokio::select! {
            ended = send(sink, shared) => ended,
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
                    let since = super::now().plus(-quiet);
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
                        if packed.len() > super::protocol::socket::MAX_SNAPSHOT {
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
                if let Some(call) = self.shared.desk().calls.remove(&id) {
                    // Who gave up does not wait for it.
                    let _ = call.answer.try_send(Ok(response));
                }
                true
            }
            FromEngine::Records { records, more } => {
                self.follower.hear(Heard::Records(records, more))
            }
            FromEngine::Beat { now, .. } => self.follower.hear(Heard::Beat(now)),
            FromEngine::Stirred(beside) => self.follower.hear(Heard::Stirred(beside)),
            FromEngine::Welcome(_) | FromEngine::Snapshot { .. } | FromEngine::Bye { .. } => true,
        }
    }
}

/// Sends what is asked.
async fn send(mut sink: SplitSink<Socket, Message>, shared: Arc<Shared>) -> Unreached {
    loop {
        loop {
            let text = {
                let mut desk = shared.desk();
                let Some(id) = desk.unsent.pop_front() else {
                    break;
                };
                let Some(call) = desk.calls.get_mut(&id) else {
                    continue;
                };
                call.sent = true;
                let request = call.request.clone();
                match serde_json::to_string(&ToEngine::Call { id, request }) {
                    Ok(text) => text,
                    Err(error) => return Unreached::Down(error.to_string()),
                }
            };
            if let Err(error) = sink.feed(Message::text(text)).await {
                return Unreached::Down(error.to_string());
            }
        }
        if let Err(error) = sink.flush().await {
            return Unreached::Down(error.to_string());
        }
        shared.called.notified().await;
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
