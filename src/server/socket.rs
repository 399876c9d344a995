//! One attached caller: its calls answered, and the line's news told, until one of both goes.

use std::{future::poll_fn, pin::Pin, sync::Arc, time::Duration};

use futures_util::{
    Sink, StreamExt as _,
    stream::{SplitSink, SplitStream},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{Semaphore, mpsc, watch},
    time::{Instant, MissedTickBehavior, interval, sleep_until, timeout},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Error, Message, Utf8Bytes, protocol::WebSocketConfig},
};

use super::{
    house::{Denial, Guest, House},
    patient::STALLED,
};
use crate::{
    domain::{
        command::Role,
        record::{Head, Seq},
        snapshot::SNAPSHOT_FORMAT,
    },
    link::{
        Next, feed_texts,
        protocol::{
            PROTOCOL,
            socket::{
                BEAT_SECONDS, Farewell, Follow, FromEngine, Hello, MAX_CALL, MAX_IMPORT, MAX_TEXT,
                Resume, ToEngine, Welcome,
            },
        },
    },
};

/// How long a caller may take to introduce itself.
const HELLO: Duration = Duration::from_secs(10);
/// The least time between two flushes of news: far below what an eye sees, and a busy line costs a tenth of the writes.
const PACE: Duration = Duration::from_millis(5);
/// How many commits are taken from the feed at once.
const TAKEN: usize = 512;
/// How many calls of one caller are worked on at once; what is beyond waits in its socket.
const CALLS: usize = 32;
/// How many records a caller may lack that are sent as such, and not as a snapshot.
const MOST_BEHIND: u64 = 4_096;
/// How many records are read from the ledger at once for somebody who is behind.
const PAGE: usize = 1_024;

/// The settings of every websocket here.
pub(super) fn settings(role: Role) -> WebSocketConfig {
    let most = match role >= Role::Operator {
        true => MAX_IMPORT,
        false => MAX_CALL,
    };
    // Frames are handed over one by one and flushed together.
    WebSocketConfig::default()
        .read_buffer_size(16 << 10)
        .write_buffer_size(32 << 10)
        .max_write_buffer_size(MAX_TEXT + (64 << 10))
        .max_message_size(Some(most))
        .max_frame_size(Some(most))
}

/// Why a conversation ended.
enum End {
    /// The caller went, or takes nothing any more.
    Gone,
    /// It is told why.
    Told(Farewell, String),
}

impl From<Error> for End {
    fn from(_: Error) -> Self {
        End::Gone
    }
}

impl From<Denial> for End {
    fn from(denial: Denial) -> Self {
        End::Told(Farewell::Denied, denial.said)
    }
}

type Reading<S> = SplitStream<WebSocketStream<S>>;
type Out<S> = SplitSink<WebSocketStream<S>, Message>;

/// Serves one caller until it goes, stalls, or the server ends.
pub(super) async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    socket: WebSocketStream<S>,
    house: Arc<House>,
    guest: Guest,
) {
    let (sink, mut stream) = socket.split();
    let mut writer = Writer { sink };
    let met = timeout(HELLO, meet(&mut stream)).await;
    let met = met.unwrap_or_else(|_| {
        let why = "no hello came within ten seconds".to_owned();
        Err(End::Told(Farewell::Malformed, why))
    });
    let ended = match met {
        Ok(hello) => attend(&mut writer, stream, &house, hello, guest).await,
        Err(end) => end,
    };
    if let End::Told(code, why) = ended {
        // Whoever is gone does not hear it.
        let _ = writer.say(&FromEngine::Bye { code, why }).await;
    }
    let _ = timeout(HELLO, writer.close()).await;
}

/// Hears who calls.
async fn meet<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut Reading<S>) -> Result<Hello, End> {
    let malformed = |why: &str| End::Told(Farewell::Malformed, why.to_owned());
    let text = hear(stream).await?;
    let ToEngine::Hello(hello) = serde_json::from_str(&text)
        .map_err(|_| malformed("the first message is a hello, as docs/protocol.md has it"))?
    else {
        return Err(malformed("the first message is a hello"));
    };
    if hello.protocol != PROTOCOL {
        let older = match hello.protocol < PROTOCOL {
            true => "the caller is older: bring its obeya up to date",
            false => "this engine is older: bring its obeya up to date",
        };
        let why = format!(
            "the caller (obeya {}) speaks protocol {}, this engine (obeya {}) speaks {PROTOCOL}; {older}",
            crate::text::clean(&hello.version),
            hello.protocol,
            env!("CARGO_PKG_VERSION"),
        );
        return Err(End::Told(Farewell::OtherProtocol, why));
    }
    Ok(hello)
}

/// Returns the next text; anything else that is not the websocket's own is no message.
async fn hear<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut Reading<S>,
) -> Result<Utf8Bytes, End> {
    loop {
        match stream.next().await {
            Some(Ok(Message::Text(text))) => return Ok(text),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(Message::Binary(_) | Message::Frame(_))) => {
                let why = "a caller sends text".to_owned();
                return Err(End::Told(Farewell::Malformed, why));
            }
            Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(End::Gone),
        }
    }
}

/// Answers and tells.
async fn attend<S: AsyncRead + AsyncWrite + Unpin>(
    writer: &mut Writer<S>,
    stream: Reading<S>,
    house: &Arc<House>,
    hello: Hello,
    guest: Guest,
) -> End {
    let service = &house.service;
    let state = service.state();
    let welcome = FromEngine::Welcome(Welcome {
        protocol: PROTOCOL,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        name: house.name.clone(),
        ledger: state.uuid,
        incarnation: state.incarnation,
        role: guest.peer.role,
        actor: guest.peer.actor.clone(),
        now: service.now(),
    });
    if let Err(end) = writer.say(&welcome).await {
        return end;
    }
    let (answers, answered) = mpsc::channel(CALLS);
    let listening = listen(stream, Arc::clone(house), guest.clone(), answers);
    let telling = tell(writer, house, &guest, hello.follow, answered);
    tokio::select! {
        end = listening => end,
        end = telling => end.err().unwrap_or(End::Gone),
    }
}

/// Takes calls, and has each answered beside the others.
async fn listen<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: Reading<S>,
    house: Arc<House>,
    guest: Guest,
    answers: mpsc::Sender<Result<String, Denial>>,
) -> End {
    let places = Arc::new(Semaphore::new(CALLS));
    let guest = Arc::new(guest);
    loop {
        let text = match hear(&mut stream).await {
            Ok(text) => text,
            Err(end) => return end,
        };
        let Ok(ToEngine::Call { id, request }) = serde_json::from_str(&text) else {
            let why = "the message is no call, as docs/protocol.md has it".to_owned();
            return End::Told(Farewell::Malformed, why);
        };
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return End::Gone;
        };
        let (house, guest, answers) = (Arc::clone(&house), Arc::clone(&guest), answers.clone());
        tokio::spawn(async move {
            let answer = match house.answer(request, &guest).await {
                Ok(response) => serde_json::to_string(&FromEngine::Answer { id, response }).map(Ok),
                Err(denial) => Ok(Err(denial)),
            };
            // An answer is made of what came from the ledger, and can be written.
            if let Ok(answer) = answer {
                let _ = answers.send(answer).await;
            }
            drop(place);
        });
    }
}

/// Tells what is answered and what is new.
async fn tell<S: AsyncRead + AsyncWrite + Unpin>(
    writer: &mut Writer<S>,
    house: &Arc<House>,
    guest: &Guest,
    follow: Follow,
    mut answered: mpsc::Receiver<Result<String, Denial>>,
) -> Result<(), End> {
    let mut place = house.feed.place();
    let mut reader = None;
    // Who follows the state shows it; who wants records or answers has no use for anything else.
    let mut stirs = house.stirs.follow(matches!(follow, Follow::State { .. }));
    if follow != Follow::Nothing {
        reader = Some(Place::begin(writer, house, follow, &mut place).await?);
    }
    let mut beat = interval(Duration::from_secs(BEAT_SECONDS));
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut flushed = Instant::now();
    loop {
        let news = async {
            let Some(at) = reader.as_ref().map(|reader: &Place| reader.at) else {
                return std::future::pending().await;
            };
            // The feed ends with the host, which is told by `ending`.
            if place.wait_for(|end| *end != at).await.is_err() {
                std::future::pending::<()>().await;
            }
            sleep_until(flushed + PACE).await;
        };
        tokio::select! {
            answer = answered.recv() => {
                let Some(answer) = answer else { return Err(End::Gone) };
                writer.feed(Message::text(answer?)).await?;
                while let Ok(answer) = answered.try_recv() {
                    writer.feed(Message::text(answer?)).await?;
                }
                writer.flush().await?;
            }
            () = news => {
                if let Some(reader) = &mut reader {
                    reader.catch_up(writer, house, &mut place).await?;
                }
                flushed = Instant::now();
            }
            stirred = stirs.next() => {
                for beside in stirred {
                    writer.say(&FromEngine::Stirred(beside)).await?;
                }
            }
            _ = beat.tick() => {
                if let Err(denial) = house.recheck(guest).await {
                    house.deny(&denial, Some(guest), &guest.address, "attach".into());
                    return Err(denial.into());
                }
                let service = &house.service;
                let (now, seq) = (service.now(), service.state().head.seq);
                writer.say(&FromEngine::Beat { now, seq }).await?;
            }
            () = house.ended() => {
                let why = "the engine stops; another one may answer soon".to_owned();
                return Err(End::Told(Farewell::Stopping, why));
            }
        }
    }
}

/// How far a caller was told.
struct Place {
    /// Behind which commit of the feed.
    at: u64,
    /// Behind which record.
    seq: Seq,
    /// Whether it takes snapshots, or wants every record.
    snapshots: bool,
}

impl Place {
    async fn begin<S: AsyncRead + AsyncWrite + Unpin>(
        writer: &mut Writer<S>,
        house: &Arc<House>,
        follow: Follow,
        place: &mut watch::Receiver<u64>,
    ) -> Result<Place, End> {
        // The place comes before the version, so that nothing falls between both.
        let at = *place.borrow_and_update();
        let state = house.service.state();
        match follow {
            Follow::Nothing => Err(End::Gone),
            Follow::Records { after } => {
                let seq = after.unwrap_or(state.head.seq).min(state.head.seq);
                let mut reader = Place {
                    at,
                    seq,
                    snapshots: false,
                };
                reader.read_on(writer, house, state.head.seq).await?;
                Ok(reader)
            }
            Follow::State {
                snapshot_format,
                have,
            } => {
                let mut reader = Place {
                    at,
                    seq: 0,
                    snapshots: true,
                };
                let resumed = have.filter(|have| {
                    have.ledger == state.uuid
                        && have.incarnation == state.incarnation
                        && have.head.seq <= state.head.seq
                        && state.head.seq - have.head.seq <= MOST_BEHIND
                });
                if let Some(have) = resumed
                    && is_on_the_chain(house, have).await
                {
                    reader.seq = have.head.seq;
                    reader.read_on(writer, house, state.head.seq).await?;
                    return Ok(reader);
                }
                if snapshot_format != SNAPSHOT_FORMAT {
                    let why = format!(
                        "the caller reads snapshots of layout {snapshot_format}, this engine (obeya {}) \
                         writes layout {SNAPSHOT_FORMAT}: use the same version of obeya on both sides",
                        env!("CARGO_PKG_VERSION"),
                    );
                    return Err(End::Told(Farewell::OtherProtocol, why));
                }
                reader.snapshot(writer, house, place).await?;
                Ok(reader)
            }
        }
    }

    /// Tells everything behind the place.
    async fn catch_up<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        writer: &mut Writer<S>,
        house: &Arc<House>,
        place: &mut watch::Receiver<u64>,
    ) -> Result<(), End> {
        loop {
            match house.feed.next(self.at, TAKEN) {
                Next::Entries(entries, _) if entries.is_empty() => return writer.flush().await,
                Next::Entries(entries, at) => {
                    for entry in entries {
                        let Some(last) = entry.last().filter(|last| *last > self.seq) else {
                            continue;
                        };
                        for text in entry.texts() {
                            writer.feed(Message::Text(text.clone())).await?;
                        }
                        self.seq = last;
                    }
                    self.at = at;
                }
                Next::Behind if self.snapshots => {
                    return self.snapshot(writer, house, place).await;
                }
                Next::Behind => {
                    self.at = *place.borrow_and_update();
                    let head = house.service.state().head.seq;
                    // A restore takes the head back, and what comes after it is news again.
                    self.seq = self.seq.min(head);
                    self.read_on(writer, house, head).await?;
                }
            }
        }
    }

    /// Sends the newest version whole.
    async fn snapshot<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        writer: &mut Writer<S>,
        house: &Arc<House>,
        place: &mut watch::Receiver<u64>,
    ) -> Result<(), End> {
        self.at = *place.borrow_and_update();
        let shared = Arc::clone(house);
        let made = tokio::task::spawn_blocking(move || shared.feed.snapshot()).await;
        let Some(sent) = made.ok().flatten() else {
            let why = "the ledger has what only a newer obeya knows, or is damaged: run obeya doctor \
                       on the engine's machine";
            return Err(End::Told(Farewell::OtherProtocol, why.to_owned()));
        };
        let (head, parts, bytes) = (sent.head, sent.parts.len(), sent.bytes);
        writer
            .say(&FromEngine::Snapshot { head, parts, bytes })
            .await?;
        for part in &sent.parts {
            writer.feed(Message::Binary(part.clone())).await?;
            writer.flush().await?;
        }
        self.seq = head.seq;
        Ok(())
    }

    /// Sends records from the ledger, up to one.
    async fn read_on<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        writer: &mut Writer<S>,
        house: &Arc<House>,
        end: Seq,
    ) -> Result<(), End> {
        while self.seq < end {
            let wanted = usize::try_from(end - self.seq).unwrap_or(PAGE).min(PAGE);
            let read = house.service.records(self.seq, wanted).await;
            let records = read.map_err(|failure| {
                End::Told(
                    Farewell::Stopping,
                    format!("the ledger cannot be read: {failure}"),
                )
            })?;
            let Some(last) = records.last() else {
                return Ok(());
            };
            self.seq = last.seq;
            for text in feed_texts(&records) {
                writer.feed(Message::Text(text)).await?;
            }
            writer.flush().await?;
        }
        Ok(())
    }
}

/// Returns whether a version that a caller has is one of this ledger's.
async fn is_on_the_chain(house: &Arc<House>, have: Resume) -> bool {
    let Head { seq, hash } = have.head;
    let Some(before) = seq.checked_sub(1) else {
        return false;
    };
    let read = house.service.records(before, 1).await;
    read.is_ok_and(|records| {
        let found = records.first();
        found.is_some_and(|record| record.seq == seq && record.hash == hash)
    })
}

/// Writes, and gives up on whoever takes nothing.
struct Writer<S> {
    sink: Out<S>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Writer<S> {
    /// Hands a message over; it goes with the next flush at the latest.
    async fn feed(&mut self, message: Message) -> Result<(), End> {
        let ready = poll_fn(|context| Pin::new(&mut self.sink).poll_ready(context));
        timeout(STALLED, ready).await.map_err(|_| End::Gone)??;
        Ok(Pin::new(&mut self.sink).start_send(message)?)
    }

    async fn flush(&mut self) -> Result<(), End> {
        let flushed = poll_fn(|context| Pin::new(&mut self.sink).poll_flush(context));
        Ok(timeout(STALLED, flushed).await.map_err(|_| End::Gone)??)
    }

    async fn say(&mut self, message: &FromEngine) -> Result<(), End> {
        let text = serde_json::to_string(message).map_err(|_| End::Gone)?;
        self.feed(Message::text(text)).await?;
        self.flush().await
    }

    async fn close(&mut self) -> Result<(), End> {
        Ok(poll_fn(|context| Pin::new(&mut self.sink).poll_close(context)).await?)
    }
}
