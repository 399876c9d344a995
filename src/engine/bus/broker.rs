//! The bus as one caller sees it: who may do what, requests and answers, and the ledger's announcements.

use std::{
    sync::{Arc, mpsc},
    time::Duration,
};

use uuid::Uuid;

use super::relay::relay;
use crate::{
    domain::{
        command::Role,
        message::{
            Address, BusView, DeadLetterView, Delivery, DeliveryView, Draft, MAX_NOTE, Message,
            MessageSeq, Name, Reader, Sent,
            delivery::{Reason, Terms},
        },
        order::Actor,
        refusal::Refusal,
        time::{HOUR, SECOND, Timestamp},
    },
    engine::{Clock, SystemClock},
    ledger::{
        Fault, Home, Ledger, Messages, SqliteLedger, Watch,
        messages::{Letters, Ruled, Start},
    },
    text,
};

/// How long an answer is worth something that comes too late: it is a dead letter then.
const ANSWER_LIFE: i64 = HOUR;

/// How much longer than its caller waits a request lasts, so that it is the caller who takes it back, with the reason.
const REQUEST_GRACE: i64 = 5 * SECOND;

/// The longest that a request waits.
pub const MAX_TIMEOUT: Duration = Duration::from_secs(3600);

/// How often who waits looks where bells ring, should one be missed, and where none can be hung up.
const FALLBACK: Duration = Duration::from_secs(5);
const WITHOUT_BELLS: Duration = Duration::from_secs(1);

/// Who uses the bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Who it is: what it sends is sent by this name.
    pub actor: Actor,
    /// What it may do.
    pub role: Role,
}

impl Caller {
    fn needs(&self, needs: Role) -> Result<(), Refusal> {
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

/// A handle on the bus of a ledger, for one caller at a time. Handles in any number of processes share one bus.
pub struct Broker {
    messages: Messages,
    ledger: Box<dyn Ledger>,
    clock: Arc<dyn Clock>,
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
    /// Opens the bus of the ledger in `home` on the machine's clock.
    ///
    /// # Errors
    ///
    /// There is no ledger, or its messages cannot be opened.
    pub fn open(home: &Home) -> Result<Self, Fault> {
        Broker::with(home, Terms::default(), Arc::new(SystemClock::new()))
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

    /// Sends a request and waits for its answer; unanswered, it becomes a dead letter. Takes the role agent.
    ///
    /// # Errors
    ///
    /// The files could not be read or written. A request that was sent then expires by itself.
    pub fn request(
        &mut self,
        caller: &Caller,
        mut draft: Draft,
        timeout: Duration,
    ) -> Ruled<Message> {
        needs!(caller, Agent);
        let timeout = timeout.min(MAX_TIMEOUT);
        let id = Uuid::now_v7();
        let name: Name = match format!("reply-{id}").parse() {
            Ok(name) => name,
            Err(why) => return Ok(Err(Refusal::invalid("reply_to", why))),
        };
        let reader = Reader::of_inbox(name.clone());
        draft.reply_to = Some(name.into());
        draft.correlation = draft.correlation.or(Some(id));
        draft.expires = Some(self.now().plus_duration(timeout).plus(REQUEST_GRACE));
        let bell = self.bell();
        ruled!(
            self.messages
                .subscribe(&reader, Start::Here, self.clock.now())?
        );
        let address = draft.address.to_string();
        let sent = self.publish(caller, vec![draft])?;
        let answered = match sent {
            Ok(sent) => self.answer(&reader, &sent, &bell, timeout, address),
            Err(refusal) => Ok(Err(refusal)),
        };
        self.messages.unsubscribe(&reader)?;
        answered
    }

    fn answer(
        &mut self,
        reader: &Reader,
        sent: &[Sent],
        bell: &Bell,
        timeout: Duration,
        address: String,
    ) -> Ruled<Message> {
        let begun = std::time::Instant::now();
        loop {
            let now = self.clock.now();
            if let Some(delivery) = ruled!(self.messages.take(reader, 1, now)?).pop() {
                let seq = delivery.message.seq;
                self.messages.acknowledge(reader, &[seq], now)?;
                return Ok(Ok(delivery.message));
            }
            match timeout.checked_sub(begun.elapsed()) {
                Some(left) if !left.is_zero() => bell.wait(left),
                _ => break,
            }
        }
        let now = self.clock.now();
        let withdrawn = match sent.first() {
            Some(sent) => self.messages.withdraw(sent.seq, now)?,
            None => None,
        };
        let (letter, reason) = withdrawn.unwrap_or((0, Reason::Expired));
        Ok(Err(Refusal::NoReply {
            address,
            waited: u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX),
            letter,
            nobody: reason == Reason::NoSubscriber,
        }))
    }

    /// Answers a request that `reader` was given, and acknowledges it. Takes the role agent.
    ///
    /// # Errors
    ///
    /// Nothing was sent, or nobody can tell.
    pub fn reply(
        &mut self,
        caller: &Caller,
        reader: Option<&Reader>,
        seq: MessageSeq,
        body: String,
    ) -> Ruled<Sent> {
        needs!(caller, Agent);
        let Some(request) = self.messages.message(seq)? else {
            let why = format!("there is no message {seq}, or it is kept no longer");
            return Ok(Err(Refusal::invalid("seq", why)));
        };
        let Some(address) = request.draft.reply_to else {
            let why = format!("message {seq} wants no answer: it is not a request");
            return Ok(Err(Refusal::invalid("seq", why)));
        };
        let mut draft = Draft::new(address, caller.actor.clone(), body);
        draft.correlation = request.draft.correlation;
        draft.expires = Some(self.now().plus(ANSWER_LIFE));
        let sent = ruled!(self.publish(caller, vec![draft])?);
        let own = request.draft.address.owner().cloned().map(Reader::of_inbox);
        if let Some(reader) = reader.or(own.as_ref()) {
            let now = self.clock.now();
            self.messages.acknowledge(reader, &[seq], now)?;
        }
        match sent.into_iter().next() {
            Some(sent) => Ok(Ok(sent)),
            None => Ok(Err(Refusal::invalid("body", "nothing was sent"))),
        }
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
        let letters = self.messages.dead_letters(limit)?;
        Ok(letters.iter().map(DeadLetterView::from).collect())
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
