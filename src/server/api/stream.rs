//! The ledger's records as they come, as server-sent events. Who was away says behind which record, and misses none.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use futures_util::stream;
use tokio::{
    sync::{mpsc, watch},
    time::{MissedTickBehavior, interval, timeout},
};

use super::{NO_STORE, given::Given};
use crate::{
    domain::record::{Record, Seq},
    link::Next,
    server::{
        problem::Problem,
        shared::{Principal, Shared},
    },
};

/// How often something is said though nothing happens, so that nobody in between takes the connection for dead.
const BEAT: Duration = Duration::from_secs(15);
/// How long a reader may take nothing: it is dropped then, and may resume.
const STALLED: Duration = Duration::from_secs(30);
/// How many pieces wait for a reader; what is beyond stays where it is.
const WAITING: usize = 4;
/// How many commits are taken from the feed at once.
const TAKEN: usize = 64;
/// How many records are read from the ledger at once for somebody who is behind.
const PAGE: usize = 512;
/// How long a reader is asked to wait before it comes again, in milliseconds.
const RETRY: u32 = 1_000;

type Pieces = mpsc::Sender<Result<Bytes, std::convert::Infallible>>;

/// Begins a stream behind `Last-Event-ID`, or `after`, or what is there now.
pub(super) fn begin(
    shared: Arc<Shared>,
    principal: Principal,
    mut given: Given,
) -> Result<Response, Problem> {
    let after = given.take_number("after")?;
    given.nothing_else()?;
    let last = given.headers.get("last-event-id").map(|id| {
        let id = id.to_str().ok().and_then(|id| id.trim().parse().ok());
        id.ok_or_else(|| Problem::malformed("Last-Event-ID", "it is no number of a record"))
    });
    let after = last.transpose()?.or(after);
    let (pieces, taken) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        tokio::select! {
            // Whoever is gone needs no more; whoever stalls is dropped.
            _ = tell(&shared, after, &pieces) => {}
            // Whatever is being told, and however slowly it is taken.
            _ = shared.gone(&principal, "GET /api/stream") => {}
            () = shared.ended() => {}
        }
    });
    let body = stream::unfold(taken, |mut taken| async move {
        let piece = taken.recv().await?;
        Some((piece, taken))
    });
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream".parse()),
        (header::CACHE_CONTROL, Ok(NO_STORE)),
    ];
    let mut response = (StatusCode::OK, Body::from_stream(body)).into_response();
    for (name, value) in headers {
        if let Ok(value) = value {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}

/// Why nothing more is told.
struct Gone;

async fn tell(shared: &Arc<Shared>, after: Option<Seq>, pieces: &Pieces) -> Result<(), Gone> {
    let mut place = shared.feed.place();
    // The place comes before the version, so that nothing falls between both.
    let mut at = *place.borrow_and_update();
    let head = shared.service.state().head.seq;
    let mut seq = after.unwrap_or(head).min(head);
    send(pieces, Bytes::from(format!("retry: {RETRY}\n\n"))).await?;
    read_on(shared, pieces, &mut seq, head).await?;
    let mut beat = interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            news = async { place.wait_for(|end| *end != at).await.map(drop) } => {
                news.map_err(|_| Gone)?;
            }
            _ = beat.tick() => {
                send(pieces, Bytes::from_static(b": alive\n\n")).await?;
                continue;
            }
            () = pieces.closed() => return Err(Gone),
        }
        catch_up(shared, pieces, &mut at, &mut seq, &mut place).await?;
    }
}

/// Tells everything behind a place.
async fn catch_up(
    shared: &Arc<Shared>,
    pieces: &Pieces,
    at: &mut u64,
    seq: &mut Seq,
    place: &mut watch::Receiver<u64>,
) -> Result<(), Gone> {
    loop {
        match shared.feed.next(*at, TAKEN) {
            Next::Entries(entries, _) if entries.is_empty() => return Ok(()),
            Next::Entries(entries, end) => {
                for entry in entries {
                    match (entry.records().first(), entry.last()) {
                        (Some(first), Some(last)) if first.seq > *seq => {
                            send(pieces, entry.written(written).clone()).await?;
                            *seq = last;
                        }
                        // Of what a reader has a part of, it gets the rest.
                        (Some(_), Some(last)) if last > *seq => {
                            let rest: Vec<_> = entry
                                .records()
                                .iter()
                                .filter(|record| record.seq > *seq)
                                .cloned()
                                .collect();
                            send(pieces, written(&rest)).await?;
                            *seq = last;
                        }
                        _ => {}
                    }
                }
                *at = end;
            }
            Next::Behind => {
                *at = *place.borrow_and_update();
                let head = shared.service.state().head.seq;
                // A restore takes the head back, and what comes after it is news again.
                *seq = (*seq).min(head);
                read_on(shared, pieces, seq, head).await?;
            }
        }
    }
}

/// Tells records from the ledger, up to one.
async fn read_on(
    shared: &Arc<Shared>,
    pieces: &Pieces,
    seq: &mut Seq,
    end: Seq,
) -> Result<(), Gone> {
    while *seq < end {
        let wanted = usize::try_from(end - *seq).unwrap_or(PAGE).min(PAGE);
        let records = shared
            .service
            .records(*seq, wanted)
            .await
            .map_err(|_| Gone)?;
        let Some(last) = records.last() else {
            return Ok(());
        };
        *seq = last.seq;
        send(pieces, written(&records)).await?;
    }
    Ok(())
}

async fn send(pieces: &Pieces, piece: Bytes) -> Result<(), Gone> {
    let sent = timeout(STALLED, pieces.send(Ok(piece))).await;
    sent.map_err(|_| Gone)?.map_err(|_| Gone)
}

/// Returns records as events: `id` is the place, `event` the sort, `data` the record.
fn written(records: &[Record]) -> Bytes {
    let mut text = String::new();
    for record in records {
        // JSON has no line breaks of its own. What came from the ledger can be written again.
        let Ok(data) = serde_json::to_string(record) else {
            continue;
        };
        // A newer version's kind is a text from the ledger.
        let kind: String = record.kind.chars().filter(|c| !c.is_control()).collect();
        text.push_str(&format!(
            "id: {}\nevent: {kind}\ndata: {data}\n\n",
            record.seq
        ));
    }
    text.into()
}
