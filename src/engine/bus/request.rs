//! Requests and their answers.
//!
//! A request is a message with an inbox for its answer, which lasts as long as its caller waits.

use std::time::{Duration, Instant};

use uuid::Uuid;

use super::broker::{Bell, Broker, Caller, needs, ruled};
use crate::{
    domain::{
        command::Role,
        message::{Draft, Message, MessageSeq, Name, Reader, Sent, delivery::Reason},
        refusal::Refusal,
        time::{HOUR, SECOND},
    },
    ledger::messages::{Ruled, Start},
};

/// How long an answer is worth something that comes too late: it is a dead letter then.
const ANSWER_LIFE: i64 = HOUR;

/// How much longer than its caller waits a request lasts, so that it is the caller who takes it back, with the reason.
const REQUEST_GRACE: i64 = 5 * SECOND;

/// The longest that a request waits.
pub const MAX_TIMEOUT: Duration = Duration::from_secs(3600);

impl Broker {
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
        let begun = Instant::now();
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
}
