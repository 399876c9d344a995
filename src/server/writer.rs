//! The way out to an attached caller, however slow it is.

use std::{future::poll_fn, pin::Pin, sync::Arc, time::Duration};

use futures_util::{Sink, stream::SplitSink};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Error, Message},
};

use crate::link::{
    Counted, Moved,
    protocol::socket::{Farewell, FromEngine},
    while_moving,
};

/// Why a conversation ended.
pub(super) enum End {
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

/// Writes, and gives up on whoever takes no byte for long; who takes them slowly is waited for.
pub(super) struct Writer<S> {
    sink: SplitSink<WebSocketStream<Counted<S>>, Message>,
    moved: Arc<Moved>,
    stalled: Duration,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Writer<S> {
    /// Returns a writer that gives up on whoever takes no byte for as long as `stalled`.
    pub(super) fn new(
        sink: SplitSink<WebSocketStream<Counted<S>>, Message>,
        moved: Arc<Moved>,
        stalled: Duration,
    ) -> Writer<S> {
        Writer {
            sink,
            moved,
            stalled,
        }
    }

    /// Hands a message over; it goes with the next flush at the latest.
    pub(super) async fn feed(&mut self, message: Message) -> Result<(), End> {
        let written = || self.moved.written();
        let ready = poll_fn(|context| Pin::new(&mut self.sink).poll_ready(context));
        let ready = while_moving(written, self.stalled, ready).await;
        ready.ok_or(End::Gone)??;
        Ok(Pin::new(&mut self.sink).start_send(message)?)
    }

    /// Sends what was handed over.
    pub(super) async fn flush(&mut self) -> Result<(), End> {
        let written = || self.moved.written();
        let flushed = poll_fn(|context| Pin::new(&mut self.sink).poll_flush(context));
        let flushed = while_moving(written, self.stalled, flushed).await;
        Ok(flushed.ok_or(End::Gone)??)
    }

    /// Hands a message over, and sends it.
    pub(super) async fn say(&mut self, message: &FromEngine) -> Result<(), End> {
        let text = serde_json::to_string(message).map_err(|_| End::Gone)?;
        self.feed(Message::text(text)).await?;
        self.flush().await
    }

    /// Ends the websocket.
    pub(super) async fn close(&mut self) -> Result<(), End> {
        Ok(poll_fn(|context| Pin::new(&mut self.sink).poll_close(context)).await?)
    }
}
