//! One attached caller: its calls answered, and the line's news told, until one of both goes.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream::SplitStream};
use serde::Deserialize;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::{Instant, MissedTickBehavior, interval, sleep_until, timeout},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Bytes, Error, Message, Utf8Bytes, error::CapacityError},
};

use super::{
    cursor::Cursor,
    shared::{Denial, Principal, Shared},
    writer::{End, Writer},
};
use crate::{
    domain::refusal::Refusal,
    link::{
        ByteCounts, CountedStream,
        protocol::{
            PROTOCOL, Request, Response,
            socket::{
                Farewell, Follow, FromEngine, Hello, Introduction, MAX_TEXT, ToEngine, Welcome,
            },
        },
        while_moving,
    },
};

/// How long a caller may take to introduce itself.
const HELLO: Duration = Duration::from_secs(10);
/// How long a goodbye may take: whoever stalls does not hear it.
const GOODBYE: Duration = Duration::from_secs(2);
/// The least time between two flushes of news: far below what an eye sees, and a busy line costs a tenth of the writes.
const TOGETHER: Duration = Duration::from_millis(5);
/// How many calls of one caller are worked on at once, or wait for it to take the answer; what is beyond waits in its
/// socket.
const CALLS: u32 = 32;
/// How many of them read at once, or are answers from the ledger that wait: a fourth of what reads for all, and an answer
/// may be as long as a message.
const READS: usize = 4;

/// What a caller says.
struct Ear<S> {
    stream: SplitStream<WebSocketStream<CountedStream<S>>>,
    moved: Arc<ByteCounts>,
    quiet: Duration,
}

/// Serves one caller until it goes, stalls, or the server ends. What it asked for and is still being done counts as its
/// connection: nobody gets more by going and coming again.
pub(super) async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    socket: WebSocketStream<CountedStream<S>>,
    shared: Arc<Shared>,
    principal: Principal,
) {
    let calls = Arc::new(Semaphore::new(CALLS as usize));
    speak(socket, &shared, principal, &calls).await;
    tokio::select! {
        _ = calls.acquire_many(CALLS) => {}
        () = shared.ended() => {}
    }
}

async fn speak<S: AsyncRead + AsyncWrite + Unpin>(
    socket: WebSocketStream<CountedStream<S>>,
    shared: &Arc<Shared>,
    principal: Principal,
    calls: &Arc<Semaphore>,
) {
    let moved = socket.get_ref().counts();
    let (sink, stream) = socket.split();
    let mut writer = Writer::new(sink);
    let quiet = shared.pace.quiet;
    let ear = Ear {
        stream,
        moved,
        quiet,
    };
    let ended = tokio::select! {
        ended = receive(&mut writer, ear, shared, principal, calls) => ended,
        // Whatever is being written is left: a message that was begun is whole in the buffer.
        () = shared.ended() => {
            let why = "the engine stops; another one may answer soon".to_owned();
            End::Told(Farewell::Stopping, why)
        }
    };
    if let End::Told(code, why) = ended {
        // Whoever is gone does not hear it.
        let _ = timeout(GOODBYE, writer.say(&FromEngine::Bye { code, why })).await;
    }
    let _ = timeout(GOODBYE, writer.close()).await;
}

async fn receive<S: AsyncRead + AsyncWrite + Unpin>(
    writer: &mut Writer<S>,
    mut ear: Ear<S>,
    shared: &Arc<Shared>,
    principal: Principal,
    calls: &Arc<Semaphore>,
) -> End {
    let met = timeout(HELLO, meet(&mut ear)).await.unwrap_or_else(|_| {
        let why = "no hello came within ten seconds".to_owned();
        Err(End::Told(Farewell::Malformed, why))
    });
    match met {
        Ok(hello) => attend(writer, ear, shared, hello, principal, calls).await,
        Err(end) => end,
    }
}

/// Hears who calls.
async fn meet<S: AsyncRead + AsyncWrite + Unpin>(ear: &mut Ear<S>) -> Result<Hello, End> {
    let malformed = |why: &str| End::Told(Farewell::Malformed, why.to_owned());
    let text = ear.hear().await?;
    let Introduction::Hello { protocol, version } = serde_json::from_str(&text)
        .map_err(|_| malformed("the first message is a hello, as docs/protocol.md has it"))?;
    if protocol != PROTOCOL {
        let older = match protocol < PROTOCOL {
            true => "the caller is older: bring its obeya up to date",
            false => "this engine is older: bring its obeya up to date",
        };
        let why = format!(
            "the caller (obeya {}) speaks protocol {protocol}, this engine (obeya {}) speaks {PROTOCOL}; {older}",
            crate::text::clean(&version),
            env!("CARGO_PKG_VERSION"),
        );
        return Err(End::Told(Farewell::OtherProtocol, why));
    }
    match serde_json::from_str(&text) {
        Ok(ToEngine::Hello(hello)) => Ok(hello),
        _ => Err(malformed("the hello is not as docs/protocol.md has it")),
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Ear<S> {
    /// Returns the next text; anything else that is not the websocket's own is no message. Who says nothing at all for
    /// long is gone: a caller answers the engine's pings.
    async fn hear(&mut self) -> Result<Utf8Bytes, End> {
        loop {
            let next = while_moving(|| self.moved.read(), self.quiet, self.stream.next()).await;
            match next.ok_or(End::Gone)? {
                Some(Ok(Message::Text(text))) => return Ok(text),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Binary(_) | Message::Frame(_))) => {
                    let why = "a caller sends text".to_owned();
                    return Err(End::Told(Farewell::Malformed, why));
                }
                Some(Err(Error::Capacity(CapacityError::MessageTooLong { max_size, .. }))) => {
                    let why = format!("this token's messages have at most {max_size} bytes");
                    return Err(End::Told(Farewell::Malformed, why));
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(End::Gone),
            }
        }
    }
}

/// Answers and tells.
async fn attend<S: AsyncRead + AsyncWrite + Unpin>(
    writer: &mut Writer<S>,
    ear: Ear<S>,
    shared: &Arc<Shared>,
    hello: Hello,
    principal: Principal,
    calls: &Arc<Semaphore>,
) -> End {
    let service = &shared.service;
    let state = service.state();
    let welcome = FromEngine::Welcome(Welcome {
        protocol: PROTOCOL,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        name: shared.name.clone(),
        ledger: state.uuid,
        incarnation: state.incarnation,
        role: principal.peer.role,
        actor: principal.peer.actor.clone(),
        now: service.now(),
    });
    if let Err(end) = writer.say(&welcome).await {
        return end;
    }
    let (answers, answered) = mpsc::channel(CALLS as usize);
    let principal = Arc::new(principal);
    tokio::select! {
        end = listen(ear, shared, &principal, calls, answers) => end,
        end = tell(writer, shared, hello.follow, answered) => end.err().unwrap_or(End::Gone),
        denial = shared.gone(&principal, "attach") => denial.into(),
    }
}

/// An answer, or why the caller has to go, with its places among the caller's calls and reads until it is sent.
type Answer = (Result<String, Denial>, Places);
type Places = (OwnedSemaphorePermit, Option<OwnedSemaphorePermit>);

/// Takes calls, and has each answered beside the others. What was begun is done, and noted, even if the caller goes.
async fn listen<S: AsyncRead + AsyncWrite + Unpin>(
    mut ear: Ear<S>,
    shared: &Arc<Shared>,
    principal: &Arc<Principal>,
    calls: &Arc<Semaphore>,
    answers: mpsc::Sender<Answer>,
) -> End {
    let reading = Arc::new(Semaphore::new(READS));
    loop {
        let text = match ear.hear().await {
            Ok(text) => text,
            Err(end) => return end,
        };
        let Some((id, request)) = called(&text) else {
            let why = "the message is no call, as docs/protocol.md has it".to_owned();
            return End::Told(Farewell::Malformed, why);
        };
        let Ok(place) = Arc::clone(calls).acquire_owned().await else {
            return End::Gone;
        };
        let (shared, principal, answers) =
            (Arc::clone(shared), Arc::clone(principal), answers.clone());
        let reading = Arc::clone(&reading);
        tokio::spawn(async move {
            let kept = match request.as_ref().is_some_and(Request::reads) {
                true => reading.acquire_owned().await.ok(),
                false => None,
            };
            let answered = match request {
                Some(request) => {
                    let read = tokio::select! {
                        read = shared.place(&request, &principal) => read,
                        // Who is gone has nothing more read.
                        () = answers.closed() => return,
                    };
                    let answered = shared.answer(request, &principal).await;
                    drop(read);
                    answered
                }
                None => Ok(Response::Refused(not_known())),
            };
            let answer = match answered {
                Ok(response) => written(id, response).map(Ok),
                Err(denial) => Some(Err(denial)),
            };
            if let Some(answer) = answer {
                // Who is gone asks again over another connection.
                let _ = answers.send((answer, (place, kept))).await;
            }
        });
    }
}

/// Returns a call's number and what is wanted, None inside where this version does not know it: a newer caller may want more,
/// and what else it asked for is answered all the same.
fn called(text: &str) -> Option<(u64, Option<Request>)> {
    /// What every version's call has.
    #[derive(Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Unknown {
        Call { id: u64 },
    }
    match serde_json::from_str(text) {
        Ok(ToEngine::Call { id, request }) => Some((id, Some(request))),
        Ok(ToEngine::Hello(_)) => None,
        Err(_) => match serde_json::from_str(text) {
            Ok(Unknown::Call { id }) => Some((id, None)),
            Err(_) => None,
        },
    }
}

fn not_known() -> Refusal {
    let version = env!("CARGO_PKG_VERSION");
    let why = format!("this engine (obeya {version}) does not know it: bring its obeya up to date");
    Refusal::invalid("request", why)
}

/// Returns an answer as a message. One that the caller would not take becomes a refusal that says so.
fn written(id: u64, response: Response) -> Option<String> {
    let text = |response| serde_json::to_string(&FromEngine::Answer { id, response }).ok();
    let text_of = text(response)?;
    match text_of.len() <= MAX_TEXT {
        true => Some(text_of),
        false => text(Response::Refused(Refusal::Limit {
            what: "MiB in one answer: ask for less at once".into(),
            limit: MAX_TEXT as u64 >> 20,
        })),
    }
}

/// Tells what is answered and what is new.
async fn tell<S: AsyncRead + AsyncWrite + Unpin>(
    writer: &mut Writer<S>,
    shared: &Arc<Shared>,
    follow: Follow,
    mut answered: mpsc::Receiver<Answer>,
) -> Result<(), End> {
    let mut end = shared.feed.place();
    // Who follows the state shows it; who wants records or answers has no use for anything else.
    let mut changes = shared
        .changes
        .follow(matches!(follow, Follow::State { .. }));
    let mut place = match follow {
        Follow::Nothing => None,
        follow => Some(Cursor::begin(writer, shared, follow).await?),
    };
    let mut beat = interval(shared.pace.beat);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut flushed = Instant::now();
    loop {
        let news = async {
            let Some(at) = place.as_ref().map(Cursor::at) else {
                return std::future::pending().await;
            };
            // The feed ends with the host, and the conversation with it.
            if end.wait_for(|end| *end != at).await.is_err() {
                std::future::pending::<()>().await;
            }
            sleep_until(flushed + TOGETHER).await;
        };
        tokio::select! {
            answer = answered.recv() => {
                let Some((answer, taken)) = answer else { return Err(End::Gone) };
                // Their places are free once they are sent, so that this comes to an end.
                let mut places = vec![taken];
                writer.feed(Message::text(answer?)).await?;
                while let Ok((answer, taken)) = answered.try_recv() {
                    places.push(taken);
                    writer.feed(Message::text(answer?)).await?;
                }
                writer.flush().await?;
            }
            () = news => {
                if let Some(place) = &mut place {
                    place.catch_up(writer, shared).await?;
                }
                flushed = Instant::now();
            }
            stirred = changes.next() => {
                for beside in stirred {
                    writer.say(&FromEngine::Stirred(beside)).await?;
                }
            }
            _ = beat.tick() => {
                let service = &shared.service;
                writer.feed(Message::Ping(Bytes::new())).await?;
                // That this process is there says nothing about an engine whose loop stands still.
                match service.vitals().is_stuck() {
                    true => writer.flush().await?,
                    false => {
                        let (now, seq) = (service.now(), service.state().head.seq);
                        writer.say(&FromEngine::Beat { now, seq }).await?;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::record::{ActorKind, Door, Hash, Record};

    #[test]
    fn an_answer_that_nobody_would_take_is_a_refusal() {
        let record = Record {
            seq: 1,
            time: Default::default(),
            occurred_at: Default::default(),
            command: Default::default(),
            n: 0,
            command_hash: Hash::ZERO,
            causation: None,
            correlation: None,
            actor_kind: ActorKind::Person.into(),
            actor: "ana".into(),
            door: Door::Cli.into(),
            uid: 1,
            subject: "WO-001".into(),
            kind: "order_commented".into(),
            version: 1,
            body: "x".repeat(1 << 20).into(),
            hash: Hash::ZERO,
        };
        let answer = |count| {
            let records = vec![record.clone(); count];
            let text = written(7, Response::Records(Box::new(Ok(records))));
            serde_json::from_str(&text.unwrap_or_default())
        };
        let Ok(FromEngine::Answer { id: 7, response }) = answer(2) else {
            panic!("it is short enough");
        };
        assert!(matches!(response, Response::Records(_)));
        let Ok(FromEngine::Answer { id: 7, response }) = answer(33) else {
            panic!("the caller waits for it");
        };
        assert!(matches!(
            response,
            Response::Refused(Refusal::Limit { limit: 32, .. })
        ));
    }
}
