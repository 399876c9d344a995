//! The bus as one caller sees it: who may do what, requests and answers, and the ledger's announcements.

use std::{
    sync::{Arc, mpsc},
    time::Duration,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{relay::relay, settings::settings};
use crate::{
    domain::{
        command::Role,
        message::{
            Address, BusView, DeadLetterView, Delivery, DeliveryView, Draft, MAX_NOTE, Message,
            MessageSeq, MessageView, Reader, Sent, delivery::Terms,
        },
        order::Actor,
        refusal::Refusal,
        time::Timestamp,
    },
    engine::{Clock, SystemClock},
    ledger::{
        Fault, Home, Ledger, Messages, SqliteLedger, Watch,
        messages::{Letters, Ruled, Start},
    },
    text,
};

/// How often who waits looks where bells ring, should one be missed, and where none can be hung up.
const FALLBACK: Duration = Duration::from_secs(5);
const WITHOUT_BELLS: Duration = Duration::from_secs(1);

/// Who uses the bus.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Caller {
    /// Who it is: what it sends is sent by this name.
    pub actor: Actor,
    /// What it may do.
    pub role: Role,
}

impl Caller {
    pub(super) fn needs(&self, needs: Role) -> Result<(), Refusal> {
        match self.role >= needs {
            true => Ok(()),
            false => Err(Refusal::Role {
                has: self.role,
                needs,
            }),
        }
    }
}

/// Leaves the function with the refusal where the caller's role does not do.
macro_rules! needs {
    ($caller:expr, $role:ident) => {
        if let Err(refusal) = $caller.needs(Role::$role) {
            return Ok(Err(refusal));
        }
    };
}

/// Leaves the function with the refusal that a step came to.
macro_rules! ruled {
    ($step:expr) => {
        match $step {
            Ok(done) => done,
            Err(refusal) => return Ok(Err(refusal)),
        }
    };
}

pub(super) use {needs, ruled};

/// A handle on the bus of a ledger, for one caller at a time. Handles in any number of processes share one bus.
pub struct Broker {
    pub(super) messages: Messages,
    ledger: Box<dyn Ledger>,
    pub(super) clock: Arc<dyn Clock>,
}

/// Rings when something may have been sent.
pub struct Bell {
    rings: mpsc::Receiver<()>,
    _watches: Option<[Watch; 2]>,
    fallback: Duration,
}

impl Bell {
    /// Waits for a ring, at most `patience`. Returns after a few seconds at the latest, since a ring may be missed.
    pub fn wait(&self, patience: Duration) {
        let pause = patience.min(self.fallback);
        if let Err(mpsc::RecvTimeoutError::Disconnected) = self.rings.recv_timeout(pause) {
            std::thread::park_timeout(pause);
        }
    }
}

impl Broker {
    /// Opens the bus of the ledger in `home` on the machine's clock, on the terms of the project's `obeya.toml`.
    ///
    /// # Errors
    ///
    /// There is no ledger, or its messages cannot be opened.
    pub fn open(home: &Home) -> Result<Self, Fault> {
        let (terms, problems) = settings(home);
        for problem in problems {
            tracing::warn!(%problem, "the bus goes by its defaults there");
        }
        Broker::with(home, terms, Arc::new(SystemClock::new()))
    }

    /// Opens the bus with other terms or another clock.
    ///
    /// # Errors
    ///
    /// There is no ledger, or its messages cannot be opened.
    pub fn with(home: &Home, terms: Terms, clock: Arc<dyn Clock>) -> Result<Self, Fault> {
        // The ledger first: nothing is made where there is none.
        let ledger = Box::new(SqliteLedger::open(home)?);
        Ok(Broker {
            messages: Messages::open(home, terms)?,
            ledger,
            clock,
        })
    }

    /// Goes by other times and numbers from here on.
    pub fn set_terms(&mut self, terms: Terms) {
        self.messages.set_terms(terms);
    }

    /// Returns the times and numbers that it goes by.
    pub fn terms(&self) -> Terms {
        self.messages.terms()
    }

    /// Returns what the clock says.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Returns a bell for whoever waits for messages or records.
    pub fn bell(&self) -> Bell {
        let (sender, rings) = mpsc::sync_channel(1);
        let ring = |sender: &mpsc::SyncSender<()>| {
            let sender = sender.clone();
            Box::new(move || {
                let _ = sender.try_send(());
            })
        };
        let watches = self
            .messages
            .watch(ring(&sender))
            .and_then(|messages| Ok([messages, self.ledger.watch(ring(&sender))?]))
            .inspect_err(|fault| tracing::warn!(%fault, "no doorbell"))
            .ok();
        Bell {
            rings,
            fallback: match watches {
                Some(_) => FALLBACK,
                None => WITHOUT_BELLS,
            },
            _watches: watches,
        }
    }

    /// Announces what the ledger recorded since the last time; every reading does so by itself.
    ///
    /// # Errors
    ///
    /// One of the files could not be read or written.
    pub fn relay(&mut self) -> Result<(), Fault> {
        relay(&mut *self.ledger, &mut self.messages)
    }

    /// Sends messages in one transaction, by the caller's name. Takes the role agent.
    ///
    /// # Errors
    ///
    /// Nothing was sent, or nobody can tell: with a key it may be sent again.
    pub fn publish(&mut self, caller: &Caller, mut drafts: Vec<Draft>) -> Ruled<Vec<Sent>> {
        needs!(caller, Agent);
        for draft in &mut drafts {
            draft.sender = caller.actor.clone();
        }
        let now = self.now();
        // All or none: a caller who is refused has nothing to take back.
        for draft in &drafts {
            ruled!(draft.check(now));
        }
        let sent = self.messages.publish(&drafts, now)?;
        Ok(sent.into_iter().collect())
    }

    /// Has a subscriber begin somewhere. Takes the role agent.
    ///
    /// # Errors
    ///
    /// Nothing was written.
    pub fn subscribe(&mut self, caller: &Caller, reader: &Reader, start: Start) -> Ruled<()> {
        needs!(caller, Agent);
        self.relay()?;
        self.messages.subscribe(reader, start, self.clock.now())
    }

    /// Forgets a subscriber. Takes the role operator: what it had not acknowledged nobody gets.
    ///
    /// # Errors
    ///
    /// Nothing was written.
    pub fn unsubscribe(&mut self, caller: &Caller, reader: &Reader) -> Ruled<bool> {
        needs!(caller, Operator);
        self.messages.unsubscribe(reader).map(Ok)
    }

    /// Gives out messages, as [`Messages::take`] does. Takes the role agent.
    ///
    /// # Errors
    ///
    /// Nothing was given out.
    pub fn take(&mut self, caller: &Caller, reader: &Reader, limit: usize) -> Ruled<Vec<Delivery>> {
        needs!(caller, Agent);
        self.relay()?;
        self.messages.take(reader, limit, self.clock.now())
    }

    /// Returns whether there is such a subscriber or inbox.
    ///
    /// # Errors
    ///
    /// The files could not be read.
    pub fn knows(&mut self, reader: &Reader) -> Result<bool, Fault> {
        self.messages.knows(reader)
    }

    /// Acknowledges messages; returns how many of them the reader still had. Takes the role agent.
    ///
    /// # Errors
    ///
    /// Nothing was written: they will be given out again.
    pub fn acknowledge(
        &mut self,
        caller: &Caller,
        reader: &Reader,
        seqs: &[MessageSeq],
    ) -> Ruled<usize> {
        needs!(caller, Agent);
        let now = self.clock.now();
        self.messages.acknowledge(reader, seqs, now).map(Ok)
    }

    /// Acknowledges everything up to a message, given out or not. Takes the role agent.
    ///
    /// # Errors
    ///
    /// Nothing was written.
    pub fn acknowledge_through(
        &mut self,
        caller: &Caller,
        reader: &Reader,
        seq: MessageSeq,
    ) -> Ruled<()> {
        needs!(caller, Agent);
        let now = self.clock.now();
        self.messages.acknowledge_through(reader, seq, now)
    }

    /// Leaves messages for longer with a reader that is at work, as [`Messages::extend`] does. Takes the role agent.
    ///
    /// # Errors
    ///
    /// Nothing was written.
    pub fn extend(
        &mut self,
        caller: &Caller,
        reader: &Reader,
        seqs: &[MessageSeq],
    ) -> Ruled<Vec<MessageSeq>> {
        needs!(caller, Agent);
        let now = self.clock.now();
        self.messages.extend(reader, seqs, now).map(Ok)
    }

    /// Gives messages back unread, as [`Messages::give_back`] does. Takes the role agent.
    ///
    /// # Errors
    ///
    /// Nothing was written.
    pub fn give_back(
        &mut self,
        caller: &Caller,
        reader: &Reader,
        seqs: &[MessageSeq],
    ) -> Ruled<Vec<MessageSeq>> {
        needs!(caller, Agent);
        self.messages.give_back(reader, seqs).map(Ok)
    }

    /// Gives a message back for good: a dead letter with a note. Takes the role agent.
    ///
    /// # Errors
    ///
    /// Nothing was written.
    pub fn refuse(
        &mut self,
        caller: &Caller,
        reader: &Reader,
        seq: MessageSeq,
        note: &str,
    ) -> Ruled<bool> {
        needs!(caller, Agent);
        let note: String = text::clean(note).chars().take(MAX_NOTE).collect();
        let now = self.clock.now();
        self.messages.refuse(reader, seq, &note, now).map(Ok)
    }

    /// Returns messages as they were sent, and gives none of them out.
    ///
    /// # Errors
    ///
    /// The files could not be read.
    pub fn replay(
        &mut self,
        address: Option<&Address>,
        after: MessageSeq,
        since: Option<Timestamp>,
        limit: usize,
    ) -> Result<Vec<Message>, Fault> {
        self.relay()?;
        self.messages.replay(address, after, since, limit)
    }

    /// Returns the last message's place; 0 if there is none.
    ///
    /// # Errors
    ///
    /// The files could not be read.
    pub fn last(&mut self) -> Result<MessageSeq, Fault> {
        self.relay()?;
        self.messages.last()
    }

    /// Returns what a reader has not acknowledged, and gives none of it out.
    ///
    /// # Errors
    ///
    /// The files could not be read.
    pub fn pending(&mut self, reader: &Reader, limit: usize) -> Result<Vec<DeliveryView>, Fault> {
        self.messages.pending(reader, limit)
    }

    /// Returns every address with its subscribers, and the number of dead letters, as they are when time has done its part.
    ///
    /// # Errors
    ///
    /// The files could not be read or written.
    pub fn overview(&mut self) -> Result<BusView, Fault> {
        self.relay()?;
        self.messages.tend(self.clock.now())?;
        self.messages.overview()
    }

    /// Returns the newest dead letters, newest first.
    ///
    /// # Errors
    ///
    /// The files could not be read or written.
    pub fn dead_letters(&mut self, limit: usize) -> Result<Vec<DeadLetterView>, Fault> {
        self.messages.tend(self.clock.now())?;
        self.letters(limit)
    }

    /// Returns whether another handle may have written messages since this was last asked.
    ///
    /// # Errors
    ///
    /// The files could not be read.
    pub fn changed(&mut self) -> Result<bool, Fault> {
        self.messages.changed()
    }

    /// Returns the bus as it lies there, and writes nothing.
    ///
    /// # Errors
    ///
    /// The files could not be read.
    pub fn glance(&mut self) -> Result<BusView, Fault> {
        self.messages.overview()
    }

    /// Returns the newest messages of all, newest first, and writes nothing.
    ///
    /// # Errors
    ///
    /// The files could not be read.
    pub fn recent(&mut self, limit: usize) -> Result<Vec<MessageView>, Fault> {
        let after = self.messages.last()?.saturating_sub(limit as u64);
        let found = self.messages.replay(None, after, None, limit)?;
        Ok(found.iter().rev().map(MessageView::from).collect())
    }

    /// Returns the newest dead letters as they lie there, newest first.
    ///
    /// # Errors
    ///
    /// The files could not be read.
    pub fn letters(&mut self, limit: usize) -> Result<Vec<DeadLetterView>, Fault> {
        let letters = self.messages.dead_letters(limit)?;
        Ok(letters.iter().map(DeadLetterView::from).collect())
    }

    /// Returns how many dead letters lie there, and writes nothing.
    ///
    /// # Errors
    ///
    /// The files could not be read.
    pub fn dead(&mut self) -> Result<u64, Fault> {
        self.messages.dead()
    }

    /// Puts dead letters back to whom they were meant for. Takes the role operator.
    ///
    /// # Errors
    ///
    /// Nothing was written.
    pub fn requeue(&mut self, caller: &Caller, letters: &Letters) -> Ruled<u64> {
        needs!(caller, Operator);
        self.messages.requeue(letters)
    }

    /// Throws dead letters away. Takes the role operator.
    ///
    /// # Errors
    ///
    /// Nothing was written.
    pub fn purge(&mut self, caller: &Caller, letters: &Letters) -> Ruled<u64> {
        needs!(caller, Operator);
        self.messages.purge(letters)
    }

    /// Sends what is already by its sender's name: the bus' own way in.
    pub(super) fn send(&mut self, drafts: &[Draft]) -> Result<Vec<Result<Sent, Refusal>>, Fault> {
        self.messages.publish(drafts, self.clock.now())
    }
}
