//! Keys and signals in one stream, in the order they come.

use std::{
    future::{Future, poll_fn},
    io,
    pin::pin,
    task::Poll,
};

use crossterm::event::EventStream;
use futures_util::StreamExt;

use super::{
    input::Input,
    signals::{Signal, Signals},
};

/// Something that happened at the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened {
    /// A person did something.
    Input(Input),
    /// The system told something.
    Signal(Signal),
}

/// The stream of what happens at the terminal. It asks the terminal nothing.
#[derive(Debug)]
pub struct Inputs {
    events: EventStream,
    signals: Signals,
    /// Set once keys have ended: a terminal that is gone answers at once and for ever.
    ended: bool,
}

impl Inputs {
    /// Begins to listen; must run within a tokio runtime with time and I/O.
    pub fn new() -> io::Result<Self> {
        Ok(Inputs {
            signals: Signals::new()?,
            events: EventStream::new(),
            ended: false,
        })
    }

    /// Waits for what happens next; signals go before keys. Giving up the wait loses nothing, so
    /// this may stand in a `select!`.
    pub async fn next(&mut self) -> Happened {
        loop {
            tokio::select! {
                biased;
                signal = self.signals.next() => return Happened::Signal(signal),
                event = self.events.next(), if !self.ended => match event {
                    Some(Ok(event)) => if let Some(input) = Input::of(event) {
                        return Happened::Input(input);
                    },
                    Some(Err(_)) | None => {
                        self.ended = true;
                        return Happened::Signal(Signal::Quit("the terminal cannot be read"));
                    }
                },
            }
        }
    }

    /// Returns what has happened already, without waiting: for draining before a frame is drawn.
    ///
    /// It looks with its caller's waker, for the key stream keeps the first waker that it is shown until the next
    /// key: one that wakes nobody would lose that key.
    pub async fn ready(&mut self) -> Option<Happened> {
        let mut next = pin!(self.next());
        poll_fn(|context| match next.as_mut().poll(context) {
            Poll::Ready(happened) => Poll::Ready(Some(happened)),
            Poll::Pending => Poll::Ready(None),
        })
        .await
    }
}
