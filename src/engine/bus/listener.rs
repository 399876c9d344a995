//! Who listens in this process: to what is said, or only that something is.

use std::{collections::VecDeque, sync::Arc};

use tokio::sync::{
    Notify,
    broadcast::{self, error::RecvError},
};

use super::thread::{Bus, stopped};
use crate::{
    domain::message::{Address, Message, MessageSeq},
    ledger::Fault,
};

/// How many messages of others are read at once.
const PAGE: usize = 1_000;

/// Rings in this process when something was sent to one of some addresses. Rings that nobody waited for are one ring.
#[derive(Clone, Debug, Default)]
pub struct Wake(pub(super) Arc<Notify>);

impl Wake {
    /// Rings it.
    pub fn ring(&self) {
        self.0.notify_one();
    }

    /// Returns at the next ring. May be dropped while it waits.
    pub async fn rung(&self) {
        self.0.notified().await;
    }
}

/// What a listener heard.
pub type Heard = Result<Arc<Message>, Fault>;

/// Hears what is sent to an address.
pub struct Listener {
    pub(super) bus: Bus,
    pub(super) address: Address,
    pub(super) messages: broadcast::Receiver<Arc<Message>>,
    /// What was read from the file after falling behind.
    pub(super) missed: VecDeque<Message>,
    pub(super) behind: bool,
    pub(super) seen: MessageSeq,
}

impl Listener {
    /// Returns the next message.
    ///
    /// # Errors
    ///
    /// The bus has stopped, or what was missed could not be read.
    pub async fn next(&mut self) -> Heard {
        loop {
            if let Some(message) = self.read()? {
                return Ok(message);
            }
            let received = self.messages.recv().await;
            if let Some(message) = self.received(received)? {
                return Ok(message);
            }
        }
    }

    /// Returns the next message, and holds up the thread until there is one.
    ///
    /// # Errors
    ///
    /// The bus has stopped, or what was missed could not be read.
    pub fn next_blocking(&mut self) -> Heard {
        loop {
            if let Some(message) = self.read()? {
                return Ok(message);
            }
            let received = self.messages.blocking_recv();
            if let Some(message) = self.received(received)? {
                return Ok(message);
            }
        }
    }

    fn received(
        &mut self,
        received: Result<Arc<Message>, RecvError>,
    ) -> Result<Option<Arc<Message>>, Fault> {
        match received {
            Ok(message) if message.seq > self.seen => {
                self.seen = message.seq;
                Ok(Some(message))
            }
            Ok(_) => Ok(None),
            Err(RecvError::Lagged(_)) => {
                self.behind = true;
                Ok(None)
            }
            Err(RecvError::Closed) => Err(stopped()),
        }
    }

    /// Returns the next message that was missed: messages are kept far longer than a listener can fall behind.
    fn read(&mut self) -> Result<Option<Arc<Message>>, Fault> {
        if self.missed.is_empty() && self.behind {
            let (address, seen) = (self.address.clone(), self.seen);
            let missed = self
                .bus
                .with(move |broker| broker.replay(Some(&address), seen, None, PAGE))??;
            self.behind = missed.len() == PAGE;
            self.missed = missed.into();
        }
        let Some(message) = self.missed.pop_front() else {
            return Ok(None);
        };
        self.seen = message.seq;
        Ok(Some(Arc::new(message)))
    }
}
