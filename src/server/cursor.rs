//! How far an attached caller was told of the line, and what comes next.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::tungstenite::Message;

use super::{
    shared::Shared,
    writer::{End, Writer},
};
use crate::{
    domain::{
        record::{Head, Seq},
        snapshot::SNAPSHOT_FORMAT,
    },
    link::{
        Next, feed_texts,
        protocol::socket::{Farewell, Follow, FromEngine, Resume},
    },
};

/// How many commits are taken from the feed at once: answers and signs of life come in between.
const TAKEN: usize = 512;
/// How many records a caller may lack that are sent as such, and not as a snapshot.
const MOST_BEHIND: u64 = 4_096;
/// How many records are read from the ledger at once for somebody who is behind.
const PAGE: usize = 1_024;

/// How far a caller was told.
pub(super) struct Cursor {
    /// Behind which commit of the feed.
    at: u64,
    /// Behind which record.
    seq: Seq,
    /// Whether it takes snapshots, or wants every record.
    snapshots: bool,
}

impl Cursor {
    /// Returns behind which commit of the feed the caller is.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// Tells a caller what it lacks of what it wants to follow.
    pub(super) async fn begin<S: AsyncRead + AsyncWrite + Unpin>(
        writer: &mut Writer<S>,
        shared: &Arc<Shared>,
        follow: Follow,
    ) -> Result<Cursor, End> {
        // The place comes before the version, so that nothing falls between both.
        let at = shared.feed.end();
        let state = shared.service.state();
        match follow {
            Follow::Nothing => Err(End::Gone),
            Follow::Records { after } => {
                let seq = after.unwrap_or(state.head.seq).min(state.head.seq);
                let mut reader = Cursor {
                    at,
                    seq,
                    snapshots: false,
                };
                reader.read_on(writer, shared, state.head.seq).await?;
                Ok(reader)
            }
            Follow::State {
                snapshot_format,
                have,
            } => {
                let mut reader = Cursor {
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
                    && is_on_the_chain(shared, have).await
                {
                    reader.seq = have.head.seq;
                    reader.read_on(writer, shared, state.head.seq).await?;
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
                reader.snapshot(writer, shared).await?;
                Ok(reader)
            }
        }
    }

    /// Tells what is behind the place, as much as is taken at once.
    pub(super) async fn catch_up<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        writer: &mut Writer<S>,
        shared: &Arc<Shared>,
    ) -> Result<(), End> {
        match shared.feed.next(self.at, TAKEN) {
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
                writer.flush().await
            }
            Next::Behind if self.snapshots => self.snapshot(writer, shared).await,
            Next::Behind => {
                self.at = shared.feed.end();
                let head = shared.service.state().head.seq;
                // A restore takes the head back, and what comes after it is news again.
                self.seq = self.seq.min(head);
                self.read_on(writer, shared, head).await
            }
        }
    }

    /// Sends a version whole from which the feed leads on.
    async fn snapshot<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        writer: &mut Writer<S>,
        shared: &Arc<Shared>,
    ) -> Result<(), End> {
        let shared = Arc::clone(shared);
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
        (self.at, self.seq) = (sent.at, head.seq);
        Ok(())
    }

    /// Sends records from the ledger, up to one.
    async fn read_on<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        writer: &mut Writer<S>,
        shared: &Arc<Shared>,
        end: Seq,
    ) -> Result<(), End> {
        while self.seq < end {
            let wanted = usize::try_from(end - self.seq).unwrap_or(PAGE).min(PAGE);
            let read = shared.service.records(self.seq, wanted).await;
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
            // A version is whole after the last: who shows the state sees nothing of a commit that a page cuts in two.
            let more = self.snapshots && self.seq < end;
            for text in feed_texts(&records, more) {
                writer.feed(Message::Text(text)).await?;
            }
            writer.flush().await?;
        }
        Ok(())
    }
}

/// Returns whether a version that a caller has is one of this ledger's.
async fn is_on_the_chain(shared: &Arc<Shared>, have: Resume) -> bool {
    let Head { seq, hash } = have.head;
    let Some(before) = seq.checked_sub(1) else {
        return false;
    };
    let read = shared.service.records(before, 1).await;
    read.is_ok_and(|records| {
        let found = records.first();
        found.is_some_and(|record| record.seq == seq && record.hash == hash)
    })
}
