//! What a caller wants of the bus, and what it hears.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        command::Role,
        message::{
            Address, BusView, DeadLetterView, Delivery, DeliveryView, Draft, Message, MessageSeq,
            MessageView, Reader, Sent,
        },
        time::Timestamp,
    },
    link::bus::{Letters, Start},
};

/// What is wanted of the bus.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BusCall {
    /// Messages are to be sent, all or none.
    Publish(Vec<Draft>),
    /// A subscriber is to begin somewhere.
    Subscribe {
        /// Who.
        reader: Reader,
        /// Where.
        start: Start,
    },
    /// A subscriber is to be forgotten.
    Unsubscribe(Reader),
    /// Messages are to be given out.
    Take {
        /// To whom.
        reader: Reader,
        /// At most so many.
        limit: usize,
    },
    /// Messages are done.
    Acknowledge {
        /// Whose they are.
        reader: Reader,
        /// Which.
        seqs: Vec<MessageSeq>,
    },
    /// Everything up to a message is done.
    AcknowledgeThrough {
        /// Whose they are.
        reader: Reader,
        /// Up to which.
        seq: MessageSeq,
    },
    /// A message cannot be done.
    Refuse {
        /// Whose it is.
        reader: Reader,
        /// Which.
        seq: MessageSeq,
        /// Why, one line.
        note: String,
    },
    /// A request is to be sent and its answer waited for.
    Request {
        /// What is asked.
        draft: Draft,
        /// How long its answer is waited for, in milliseconds.
        timeout: u64,
    },
    /// A request is answered.
    Reply {
        /// In whose hands the request is, where that is not its address' own inbox.
        reader: Option<Reader>,
        /// Which request.
        seq: MessageSeq,
        /// The answer.
        body: String,
    },
    /// Messages as they were sent.
    Replay {
        /// Of which address; of all, if none is named.
        address: Option<Address>,
        /// Behind which message.
        after: MessageSeq,
        /// Sent since then.
        since: Option<Timestamp>,
        /// At most so many.
        limit: usize,
    },
    /// The last message's place.
    Last,
    /// Something is waited for: the answer comes when there is a message behind `seen`, when something is sent to the
    /// address, or when the patience is at its end.
    Wait {
        /// Where.
        address: Address,
        /// The last message's place when the caller last looked.
        seen: MessageSeq,
        /// How long, in milliseconds.
        patience: u64,
    },
    /// What a reader has not acknowledged.
    Pending {
        /// Whose.
        reader: Reader,
        /// At most so many.
        limit: usize,
    },
    /// Every address with its subscribers, once time has done its part.
    Overview,
    /// The newest dead letters, once time has done its part.
    DeadLetters(usize),
    /// Dead letters are to be put back.
    Requeue(Letters),
    /// Dead letters are to be thrown away.
    Purge(Letters),
    /// Every address as it lies there; nothing is written.
    Glance,
    /// The newest messages as they lie there, newest first; nothing is written.
    Recent(usize),
    /// The newest dead letters as they lie there; nothing is written.
    Letters(usize),
}

impl BusCall {
    /// Returns what a caller must be allowed to do.
    pub fn needs(&self) -> Role {
        match self {
            BusCall::Publish(_)
            | BusCall::Subscribe { .. }
            | BusCall::Take { .. }
            | BusCall::Acknowledge { .. }
            | BusCall::AcknowledgeThrough { .. }
            | BusCall::Refuse { .. }
            | BusCall::Request { .. }
            | BusCall::Reply { .. } => Role::Agent,
            BusCall::Unsubscribe(_) | BusCall::Requeue(_) | BusCall::Purge(_) => Role::Operator,
            BusCall::Replay { .. }
            | BusCall::Last
            | BusCall::Wait { .. }
            | BusCall::Pending { .. }
            | BusCall::Overview
            | BusCall::DeadLetters(_)
            | BusCall::Glance
            | BusCall::Recent(_)
            | BusCall::Letters(_) => Role::Viewer,
        }
    }

    /// Returns what it is, as the audit calls it.
    pub fn word(&self) -> &'static str {
        match self {
            BusCall::Publish(_) => "bus publish",
            BusCall::Subscribe { .. } => "bus subscribe",
            BusCall::Unsubscribe(_) => "bus unsubscribe",
            BusCall::Take { .. } => "bus take",
            BusCall::Acknowledge { .. } | BusCall::AcknowledgeThrough { .. } => "bus ack",
            BusCall::Refuse { .. } => "bus refuse",
            BusCall::Request { .. } => "bus request",
            BusCall::Reply { .. } => "bus reply",
            BusCall::Requeue(_) => "bus dead-letters requeue",
            BusCall::Purge(_) => "bus dead-letters purge",
            _ => "bus look",
        }
    }

    /// Returns whether it is meant to change something that others see. Taking and acknowledging are too many.
    pub fn acts(&self) -> bool {
        let takes = matches!(
            self,
            BusCall::Subscribe { .. }
                | BusCall::Take { .. }
                | BusCall::Acknowledge { .. }
                | BusCall::AcknowledgeThrough { .. }
        );
        self.needs() > Role::Viewer && !takes
    }

    /// Returns whether asking twice does nothing twice: what is taken twice is given out once more, as messages are.
    pub fn may_repeat(&self) -> bool {
        match self {
            BusCall::Publish(drafts) => drafts.iter().all(|draft| draft.key.is_some()),
            BusCall::Request { .. }
            | BusCall::Reply { .. }
            | BusCall::Requeue(_)
            | BusCall::Purge(_) => false,
            _ => true,
        }
    }
}

/// What comes of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BusAnswer {
    /// To [`BusCall::Publish`] and, one, to [`BusCall::Reply`].
    Sent(Vec<Sent>),
    /// To [`BusCall::Subscribe`] and [`BusCall::AcknowledgeThrough`].
    Done,
    /// To [`BusCall::Unsubscribe`] and [`BusCall::Refuse`]: whether there was anything to do.
    Changed(bool),
    /// To [`BusCall::Take`].
    Taken(Vec<Delivery>),
    /// To [`BusCall::Acknowledge`], [`BusCall::Requeue`] and [`BusCall::Purge`].
    Count(u64),
    /// To [`BusCall::Request`].
    Answer(Box<Message>),
    /// To [`BusCall::Replay`].
    Messages(Vec<Message>),
    /// To [`BusCall::Last`] and [`BusCall::Wait`].
    Last(MessageSeq),
    /// To [`BusCall::Pending`].
    Pending(Vec<DeliveryView>),
    /// To [`BusCall::Overview`] and [`BusCall::Glance`].
    Overview(BusView),
    /// To [`BusCall::Recent`].
    Recent(Vec<MessageView>),
    /// To [`BusCall::DeadLetters`] and [`BusCall::Letters`].
    Letters(Vec<DeadLetterView>),
}
