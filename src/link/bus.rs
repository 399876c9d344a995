//! The bus, for doors: messages lie in a file beside the ledger, so that no host is needed to reach them.
//!
//! A [`MessageBus`] is one, wherever it is: in this process a [`Broker`] over the file, elsewhere what an engine answers.
//! Both do what a [`BusCall`] says, so that a door is written once.

use std::time::Duration;

use super::protocol::{BusAnswer, BusCall};
use crate::{
    domain::{
        message::{
            Address, BusView, DeadLetterView, Delivery, DeliveryView, Draft, Message, MessageSeq,
            MessageView, Reader, Sent,
        },
        refusal::Refusal,
        time::Timestamp,
    },
    ledger::{Fault, FaultKind},
};
pub use crate::{
    engine::bus::{Bell, Broker, Bus, Caller, Heard, Listener, MAX_TIMEOUT, settings},
    ledger::messages::{Letters, Ruled, Start},
};

/// Returns what an answer holds, of the sort that was asked for.
macro_rules! answer {
    ($answered:expr, $sort:ident) => {
        match $answered? {
            Ok(BusAnswer::$sort(answer)) => Ok(Ok(answer)),
            Ok(_) => Err(other()),
            Err(refusal) => Ok(Err(refusal)),
        }
    };
}

/// The same for what nobody is refused.
macro_rules! look {
    ($answered:expr, $sort:ident) => {
        match $answered? {
            Ok(BusAnswer::$sort(answer)) => Ok(answer),
            Ok(_) => Err(other()),
            Err(refusal) => Err(unwanted(&refusal)),
        }
    };
}

/// A bus, here or elsewhere, for one caller at a time. What each call does, [`Broker`] says.
pub trait MessageBus {
    /// Does what is wanted of the bus.
    ///
    /// # Errors
    ///
    /// The files could not be read or written, or the engine does not answer.
    fn call(&mut self, caller: &Caller, call: BusCall) -> Ruled<BusAnswer>;

    /// Waits until something may have been sent to an address behind what was `seen`, at most `patience`; returns the
    /// last message's place then.
    ///
    /// # Errors
    ///
    /// As of [`MessageBus::call`].
    fn wait(
        &mut self,
        caller: &Caller,
        address: &Address,
        seen: MessageSeq,
        patience: Duration,
    ) -> Result<MessageSeq, Fault>;

    /// Sends a message by the caller's name.
    ///
    /// # Errors
    ///
    /// As of [`MessageBus::call`].
    fn publish(&mut self, caller: &Caller, draft: Draft) -> Ruled<Vec<Sent>> {
        answer!(self.call(caller, BusCall::Publish(vec![draft])), Sent)
    }

    /// Has a subscriber begin somewhere.
    ///
    /// # Errors
    ///
    /// As of [`MessageBus::call`].
    fn subscribe(&mut self, caller: &Caller, reader: &Reader, start: Start) -> Ruled<()> {
        let reader = reader.clone();
        let done = self.call(caller, BusCall::Subscribe { reader, start })?;
        Ok(done.map(drop))
    }

    /// Forgets a subscriber; returns whether there was one.
    ///
    /// # Errors
    ///
    /// As of [`MessageBus::call`].
    fn unsubscribe(&mut self, caller: &Caller, reader: &Reader) -> Ruled<bool> {
        let call = BusCall::Unsubscribe(reader.clone());
        answer!(self.call(caller, call), Changed)
    }

    /// Gives out messages.
    ///
    /// # Errors
    ///
    /// As of [`MessageBus::call`].
    fn take(&mut self, caller: &Caller, reader: &Reader, limit: usize) -> Ruled<Vec<Delivery>> {
        let reader = reader.clone();
        answer!(self.call(caller, BusCall::Take { reader, limit }), Taken)
    }

    /// Acknowledges messages; returns how many of them the reader still had.
    ///
    /// # Errors
    ///
    /// As of [`MessageBus::call`].
    fn acknowledge(&mut self, caller: &Caller, reader: &Reader, seqs: &[MessageSeq]) -> Ruled<u64> {
        let (reader, seqs) = (reader.clone(), seqs.to_vec());
        answer!(
            self.call(caller, BusCall::Acknowledge { reader, seqs }),
            Count
        )
    }

    /// Acknowledges everything up to a message.
    ///
    /// # Errors
    ///
    /// As of [`MessageBus::call`].
    fn acknowledge_through(
        &mut self,
        caller: &Caller,
        reader: &Reader,
        seq: MessageSeq,
    ) -> Ruled<()> {
        let reader = reader.clone();
        let done = self.call(caller, BusCall::AcknowledgeThrough { reader, seq })?;
        Ok(done.map(drop))
    }

    /// Gives a message back for good; returns whether the reader still had it.
    ///
    /// # Errors
    ///
    /// As of [`MessageBus::call`].
    fn refuse(
        &mut self,
        caller: &Caller,
        reader: &Reader,
        seq: MessageSeq,
        note: &str,
    ) -> Ruled<bool> {
        let (reader, note) = (reader.clone(), note.to_owned());
        answer!(
            self.call(caller, BusCall::Refuse { reader, seq, note }),
            Changed
        )
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    ///
    /// As of [`MessageBus::call`].
    fn request(&mut self, caller: &Caller, draft: Draft, timeout: Duration) -> Ruled<Message> {
        let timeout = millis(timeout);
        let answered = self.call(caller, BusCall::Request { draft, timeout });
        answer!(answered, Answer).map(|ruled| ruled.map(|answer| *answer))
    }

    /// Answers a request.
    ///
    /// # Errors
    ///
    /// As of [`MessageBus::call`].
    fn reply(
        &mut self,
        caller: &Caller,
        reader: Option<&Reader>,
        seq: MessageSeq,
        body: String,
    ) -> Ruled<Sent> {
        let reader = reader.cloned();
        let sent: Ruled<Vec<Sent>> = answer!(
            self.call(caller, BusCall::Reply { reader, seq, body }),
            Sent
        );
        match sent? {
            Ok(sent) => sent.into_iter().next().map(Ok).ok_or_else(other),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// Returns messages as they were sent.
    ///
    /// # Errors
    ///
    /// As of [`MessageBus::call`].
    fn replay(
        &mut self,
        caller: &Caller,
        address: Option<&Address>,
        after: MessageSeq,
        since: Option<Timestamp>,
        limit: usize,
    ) -> Result<Vec<Message>, Fault> {
        let address = address.cloned();
        let call = BusCall::Replay {
            address,
            after,
            since,
            limit,
        };
        look!(self.call(caller, call), Messages)
    }

    /// Returns the last message's place.
    ///
    /// # Errors
    ///
    /// As of [`MessageBus::call`].
    fn last(&mut self, caller: &Caller) -> Result<MessageSeq, Fault> {
        look!(self.call(caller, BusCall::Last), Last)
    }

    /// Returns what a reader has not acknowledged.
    ///
    /// # Errors
    ///
    /// As of [`MessageBus::call`].
    fn pending(
        &mut self,
        caller: &Caller,
        reader: &Reader,
        limit: usize,
    ) -> Result<Vec<DeliveryView>, Fault> {
        let reader = reader.clone();
        look!(
            self.call(caller, BusCall::Pending { reader, limit }),
            Pending
        )
    }

    /// Returns every address with its subscribers.
    ///
    /// # Errors
    ///
    /// As of [`MessageBus::call`].
    fn overview(&mut self, caller: &Caller) -> Result<BusView, Fault> {
        look!(self.call(caller, BusCall::Overview), Overview)
    }

    /// Returns the newest dead letters, newest first.
    ///
    /// # Errors
    ///
    /// As of [`MessageBus::call`].
    fn dead_letters(
        &mut self,
        caller: &Caller,
        limit: usize,
    ) -> Result<Vec<DeadLetterView>, Fault> {
        look!(self.call(caller, BusCall::DeadLetters(limit)), Letters)
    }

    /// Puts dead letters back; returns how many.
    ///
    /// # Errors
    ///
    /// As of [`MessageBus::call`].
    fn requeue(&mut self, caller: &Caller, letters: &Letters) -> Ruled<u64> {
        answer!(self.call(caller, BusCall::Requeue(letters.clone())), Count)
    }

    /// Throws dead letters away; returns how many.
    ///
    /// # Errors
    ///
    /// As of [`MessageBus::call`].
    fn purge(&mut self, caller: &Caller, letters: &Letters) -> Ruled<u64> {
        answer!(self.call(caller, BusCall::Purge(letters.clone())), Count)
    }

    /// Returns every address as it lies there, and writes nothing.
    ///
    /// # Errors
    ///
    /// As of [`MessageBus::call`].
    fn glance(&mut self, caller: &Caller) -> Result<BusView, Fault> {
        look!(self.call(caller, BusCall::Glance), Overview)
    }

    /// Returns the newest messages, newest first, and writes nothing.
    ///
    /// # Errors
    ///
    /// As of [`MessageBus::call`].
    fn recent(&mut self, caller: &Caller, limit: usize) -> Result<Vec<MessageView>, Fault> {
        look!(self.call(caller, BusCall::Recent(limit)), Recent)
    }

    /// Returns the newest dead letters as they lie there.
    ///
    /// # Errors
    ///
    /// As of [`MessageBus::call`].
    fn letters(&mut self, caller: &Caller, limit: usize) -> Result<Vec<DeadLetterView>, Fault> {
        look!(self.call(caller, BusCall::Letters(limit)), Letters)
    }
}

impl MessageBus for Broker {
    fn call(&mut self, caller: &Caller, call: BusCall) -> Ruled<BusAnswer> {
        done(self, caller, call)
    }

    fn wait(
        &mut self,
        _: &Caller,
        _: &Address,
        seen: MessageSeq,
        patience: Duration,
    ) -> Result<MessageSeq, Fault> {
        // The bell first: what is sent in between rings it.
        let bell = self.bell();
        let last = Broker::last(self)?;
        if last > seen {
            return Ok(last);
        }
        bell.wait(patience);
        Broker::last(self)
    }
}

/// Does what is wanted over the files of this machine.
pub(super) fn done(broker: &mut Broker, caller: &Caller, call: BusCall) -> Ruled<BusAnswer> {
    use BusAnswer as Answer;
    let count = |count: usize| Answer::Count(count as u64);
    Ok(match call {
        BusCall::Publish(drafts) => broker.publish(caller, drafts)?.map(Answer::Sent),
        BusCall::Subscribe { reader, start } => broker
            .subscribe(caller, &reader, start)?
            .map(|()| Answer::Done),
        BusCall::Unsubscribe(reader) => broker.unsubscribe(caller, &reader)?.map(Answer::Changed),
        BusCall::Take { reader, limit } => broker.take(caller, &reader, limit)?.map(Answer::Taken),
        BusCall::Acknowledge { reader, seqs } => {
            broker.acknowledge(caller, &reader, &seqs)?.map(count)
        }
        BusCall::AcknowledgeThrough { reader, seq } => broker
            .acknowledge_through(caller, &reader, seq)?
            .map(|()| Answer::Done),
        BusCall::Refuse { reader, seq, note } => broker
            .refuse(caller, &reader, seq, &note)?
            .map(Answer::Changed),
        BusCall::Request { draft, timeout } => broker
            .request(caller, draft, Duration::from_millis(timeout))?
            .map(|answer| Answer::Answer(Box::new(answer))),
        BusCall::Reply { reader, seq, body } => broker
            .reply(caller, reader.as_ref(), seq, body)?
            .map(|sent| Answer::Sent(vec![sent])),
        BusCall::Replay {
            address,
            after,
            since,
            limit,
        } => Ok(Answer::Messages(broker.replay(
            address.as_ref(),
            after,
            since,
            limit,
        )?)),
        BusCall::Last | BusCall::Wait { .. } => Ok(Answer::Last(Broker::last(broker)?)),
        BusCall::Pending { reader, limit } => Ok(Answer::Pending(broker.pending(&reader, limit)?)),
        BusCall::Overview => Ok(Answer::Overview(broker.overview()?)),
        BusCall::DeadLetters(limit) => Ok(Answer::Letters(broker.dead_letters(limit)?)),
        BusCall::Requeue(letters) => broker.requeue(caller, &letters)?.map(Answer::Count),
        BusCall::Purge(letters) => broker.purge(caller, &letters)?.map(Answer::Count),
        BusCall::Glance => Ok(Answer::Overview(broker.glance()?)),
        BusCall::Recent(limit) => Ok(Answer::Recent(broker.recent(limit)?)),
        BusCall::Letters(limit) => Ok(Answer::Letters(broker.letters(limit)?)),
    })
}

pub(super) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn other() -> Fault {
    let what = "the bus answered something else than was asked";
    Fault::new(FaultKind::Misuse, "".as_ref(), what)
}

fn unwanted(refusal: &Refusal) -> Fault {
    Fault::new(FaultKind::Permission, "".as_ref(), refusal.to_string())
}
