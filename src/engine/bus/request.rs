//! Requests and their answers.
//!
//! A request is a message with an inbox for its answer, which lasts as long as its caller waits.

use std::time::{Duration, Instant};

use uuid::Uuid;

use super::{
    broker::{Broker, Caller, needs, ruled},
    listener::Wake,
    thread::Bus,
};
use crate::{
    domain::{
        command::Role,
        message::{Address, Draft, Message, MessageSeq, Name, Reader, Sent, delivery::Reason},
        refusal::Refusal,
        time::{HOUR, SECOND},
    },
    ledger::{
        Fault,
        messages::{Ruled, Start},
    },
};

/// How long an answer is worth something that comes too late: it is a dead letter then.
const ANSWER_LIFE: i64 = HOUR;

/// How much longer than its caller waits a request lasts, so that it is the caller who takes it back, with the reason.
const REQUEST_GRACE: i64 = 5 * SECOND;

/// The longest that a request waits.
pub const MAX_TIMEOUT: Duration = Duration::from_secs(3600);

/// What the inbox of an answer is called before its own id.
const ANSWERS: &str = "reply-";

/// A request that was sent. Whoever asked ends it: answered with [`Broker::close`], unanswered
/// with [`Broker::give_up`].
#[derive(Clone, Debug)]
pub struct Asked {
    inbox: Reader,
    address: Address,
    seq: MessageSeq,
    timeout: Duration,
}

/// Returns whether an address is where one request's answer goes.
fn is_for_one_answer(address: &Address) -> bool {
    let id = address
        .owner()
        .and_then(|name| name.as_str().strip_prefix(ANSWERS));
    id.is_some_and(|id| id.parse::<Uuid>().is_ok())
}

impl Broker {
    /// Sends a request and waits for its answer; unanswered, it becomes a dead letter. Takes the role agent.
    ///
    /// # Errors
    ///
    /// The files could not be read or written. A request that was sent then expires by itself.
    pub fn request(&mut self, caller: &Caller, draft: Draft, timeout: Duration) -> Ruled<Message> {
        let bell = self.bell();
        let asked = ruled!(self.asked(caller, draft, timeout)?);
        let begun = Instant::now();
        loop {
            if let Some(answer) = ruled!(self.answered(&asked)?) {
                self.close(&asked)?;
                return Ok(Ok(answer));
            }
            match asked.timeout.checked_sub(begun.elapsed()) {
                Some(left) if !left.is_zero() => bell.wait(left),
                _ => return Ok(Err(self.give_up(&asked)?)),
            }
        }
    }

    /// Sends a request, and returns what to ask after. Takes the role agent.
    ///
    /// # Errors
    ///
    /// The files could not be read or written. A request that was sent then expires by itself.
    pub fn asked(&mut self, caller: &Caller, mut draft: Draft, timeout: Duration) -> Ruled<Asked> {
        needs!(caller, Agent);
        let timeout = timeout.min(MAX_TIMEOUT);
        let id = Uuid::now_v7();
        let name: Name = match format!("{ANSWERS}{id}").parse() {
            Ok(name) => name,
            Err(why) => return Ok(Err(Refusal::invalid("reply_to", why))),
        };
        let inbox = Reader::of_inbox(name.clone());
        draft.reply_to = Some(name.into());
        draft.correlation = draft.correlation.or(Some(id));
        draft.expires = Some(self.now().plus_duration(timeout).plus(REQUEST_GRACE));
        let address = draft.address.clone();
        ruled!(
            self.messages
                .subscribe(&inbox, Start::Here, self.clock.now())?
        );
        let refusal = match self.publish(caller, vec![draft])? {
            Ok(sent) => match sent.first() {
                Some(Sent { seq, .. }) => {
                    return Ok(Ok(Asked {
                        inbox,
                        address,
                        seq: *seq,
                        timeout,
                    }));
                }
                None => Refusal::invalid("body", "nothing was sent"),
            },
            Err(refusal) => refusal,
        };
        self.messages.unsubscribe(&inbox)?;
        Ok(Err(refusal))
    }

    /// Returns the answer, if it has come.
    ///
    /// # Errors
    ///
    /// The files could not be read or written.
    pub fn answered(&mut self, asked: &Asked) -> Ruled<Option<Message>> {
        let now = self.clock.now();
        let answer = ruled!(self.messages.take(&asked.inbox, 1, now)?).pop();
        if let Some(answer) = &answer {
            let seq = answer.message.seq;
            self.messages.acknowledge(&asked.inbox, &[seq], now)?;
        }
        Ok(Ok(answer.map(|answer| answer.message)))
    }

    /// Ends a request that was answered.
    ///
    /// # Errors
    ///
    /// The files could not be read or written.
    pub fn close(&mut self, asked: &Asked) -> Result<(), Fault> {
        self.messages.unsubscribe(&asked.inbox).map(drop)
    }

    /// Ends a request that nobody answered: it becomes a dead letter. Returns what to tell.
    ///
    /// # Errors
    ///
    /// The files could not be read or written. It expires by itself then.
    pub fn give_up(&mut self, asked: &Asked) -> Result<Refusal, Fault> {
        let now = self.clock.now();
        let withdrawn = self.messages.withdraw(asked.seq, now)?;
        self.close(asked)?;
        let (letter, reason) = withdrawn.unwrap_or((0, Reason::Expired));
        Ok(Refusal::NoReply {
            address: asked.address.to_string(),
            waited: u64::try_from(asked.timeout.as_millis()).unwrap_or(u64::MAX),
            letter,
            nobody: reason == Reason::NoSubscriber,
        })
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
            let why = format!("there is none with the number {seq}, or it is kept no longer");
            return Ok(Err(Refusal::invalid("message", why)));
        };
        let Some(address) = request.draft.reply_to else {
            let why = format!("number {seq} wants no answer: it is not a request");
            return Ok(Err(Refusal::invalid("message", why)));
        };
        if is_for_one_answer(&address)
            && let Some(name) = address.owner()
            && !self.messages.knows(&Reader::of_inbox(name.clone()))?
        {
            let why = format!("nobody waits for an answer to number {seq} any more");
            return Ok(Err(Refusal::invalid("message", why)));
        }
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

impl Bus {
    /// Sends a request and waits for its answer as [`Broker::request`] does, and holds up no thread. When `over` is done
    /// nobody waits for the answer any more.
    ///
    /// # Errors
    ///
    /// The files could not be read or written, or the bus has stopped. A request that was sent then expires by itself.
    pub async fn request(
        &self,
        caller: &Caller,
        draft: Draft,
        timeout: Duration,
        over: impl Future<Output = ()>,
    ) -> Ruled<Message> {
        let caller = caller.clone();
        let asked = ruled!(
            self.ask(move |broker| broker.asked(&caller, draft, timeout))
                .await??
        );
        let wake = Wake::default();
        self.wake(&wake, asked.inbox.address().clone());
        let until = tokio::time::Instant::now() + asked.timeout;
        tokio::pin!(over);
        loop {
            let after = asked.clone();
            let answered = self.ask(move |broker| {
                let answer = ruled!(broker.answered(&after)?);
                if answer.is_some() {
                    broker.close(&after)?;
                }
                Ok(Ok(answer))
            });
            if let Some(answer) = ruled!(answered.await??) {
                return Ok(Ok(answer));
            }
            tokio::select! {
                () = wake.rung() => continue,
                () = tokio::time::sleep_until(until) => {}
                () = &mut over => {}
            }
            return self
                .ask(move |broker| broker.give_up(&asked))
                .await?
                .map(Err);
        }
    }
}
