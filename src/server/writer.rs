//! The way out to an attached caller.

use futures_util::{SinkExt as _, stream::SplitSink};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Error, Message},
};

use super::shared::Denial;
use crate::link::{
    CountedStream,
    protocol::socket::{Farewell, FromEngine},
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

impl From<Denial> for End {
    fn from(denial: Denial) -> Self {
        End::Told(Farewell::Denied, denial.said)
    }
}

/// Writes. Whoever takes no byte for long [is given up](super::stall_timeout) below this.
pub(super) struct Writer<S> {
    sink: SplitSink<WebSocketStream<CountedStream<S>>, Message>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Writer<S> {
    /// Returns a writer.
    pub(super) fn new(sink: SplitSink<WebSocketStream<CountedStream<S>>, Message>) -> Writer<S> {
        Writer { sink }
    }

    /// Hands a message over; it goes with the next flush at the latest.
    pub(super) async fn feed(&mut self, message: Message) -> Result<(), End> {
        Ok(self.sink.feed(message).await?)
    }

    /// Sends what was handed over.
    pub(super) async fn flush(&mut self) -> Result<(), End> {
        Ok(self.sink.flush().await?)
    }

    /// Hands a message over, and sends it.
    pub(super) async fn say(&mut self, message: &FromEngine) -> Result<(), End> {
        let text = serde_json::to_string(message).map_err(|_| End::Gone)?;
        self.feed(Message::text(text)).await?;
        self.flush().await
    }

    /// Ends the websocket.
    pub(super) async fn close(&mut self) -> Result<(), End> {
        Ok(self.sink.close().await?)
    }
}
