//! Messages between agents, people and the engine: where they go, what they carry, and how large they may be.
//!
//! A topic is a log that everybody may read; who subscribes under a name gets each message of it and says when it is
//! done. An inbox belongs to an agent or a role: each message in it goes to one of those who look after it.

mod address;
pub mod delivery;
mod view;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{order::Actor, refusal::Refusal, time::Timestamp};

pub use address::{Address, MAX_NAME, Name, Reader, Topic};
pub use view::{AddressView, BusView, DeadLetterView, DeliveryView, MessageView, SubscriberView};

/// Position of a message among all messages of a ledger; the first is 1. No two messages ever share one.
pub type MessageSeq = u64;

/// The longest body, in bytes: as long as the longest text on an order. What is larger belongs into a file whose name is
/// sent.
pub const MAX_BODY: usize = 64 * 1024;

/// The longest idempotency key, in characters: room for a UUID, a path or a digest with a prefix.
pub const MAX_KEY: usize = 120;

/// The longest note beside a refused message, in characters: one line.
pub const MAX_NOTE: usize = 300;

/// The longest a message may be meant to last, in microseconds: a year.
pub const MAX_LIFE: i64 = 366 * super::time::DAY;

/// A message that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Draft {
    /// Where it goes.
    pub address: Address,
    /// Who sends it.
    pub sender: Actor,
    /// What it says: text, or a JSON object or list.
    pub body: String,
    /// The conversation it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation: Option<Uuid>,
    /// Where an answer goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<Address>,
    /// Sent once, however often the sender sends it under this key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// When it is no longer worth anything; none lasts as long as messages are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

impl Draft {
    /// Returns a message with this body and nothing else.
    pub fn new(address: Address, sender: Actor, body: impl Into<String>) -> Self {
        Draft {
            address,
            sender,
            body: body.into(),
            correlation: None,
            reply_to: None,
            key: None,
            expires: None,
        }
    }

    /// Refuses what may not be sent at `now`.
    ///
    /// # Errors
    ///
    /// The body is empty or too long, the key is empty, too long or not one line, or the message would last too long.
    pub fn check(&self, now: Timestamp) -> Result<(), Refusal> {
        if self.body.is_empty() {
            return Err(Refusal::invalid("body", "a message says something"));
        }
        if self.body.len() > MAX_BODY {
            let why = format!(
                "it has {} bytes, and a message has at most {MAX_BODY}; send the name of a file instead",
                self.body.len()
            );
            return Err(Refusal::invalid("body", why));
        }
        if let Some(key) = &self.key
            && (key.is_empty() || key.chars().count() > MAX_KEY || key.contains(char::is_control))
        {
            let why = format!("a key is one line of 1 to {MAX_KEY} characters");
            return Err(Refusal::invalid("key", why));
        }
        match self.expires {
            Some(at) if at > now.plus(MAX_LIFE) => {
                Err(Refusal::invalid("ttl", "a message lasts a year at most"))
            }
            _ => Ok(()),
        }
    }
}

/// A message that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Message {
    /// Its place.
    pub seq: MessageSeq,
    /// When it was sent, or when what it tells was recorded.
    pub time: Timestamp,
    /// Where it went, from whom, and what it says.
    pub draft: Draft,
}

/// What became of a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sent {
    /// The message's place.
    pub seq: MessageSeq,
    /// Whether it was sent now; if not, the same sender sent it before under the same key.
    pub fresh: bool,
}

/// A message on its way to one reader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Delivery {
    /// The message.
    pub message: Message,
    /// How often it was given out, this time included.
    pub attempt: u32,
    /// Until when it is this reader's; unacknowledged by then, it is given out again.
    pub due: Timestamp,
}

/// A message that nobody will get any more unless it is put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its number.
    pub number: u64,
    /// The message.
    pub message: Message,
    /// Whose it was; none where nobody took such messages.
    pub subscriber: Option<Name>,
    /// Why it is dead.
    pub reason: delivery::Reason,
    /// What the receiver said.
    pub note: String,
    /// Since when.
    pub at: Timestamp,
    /// How often it was given out.
    pub attempts: u32,
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    #[test]
    fn what_may_not_be_sent_is_refused() {
        let now = Timestamp(1);
        let draft = |body: &str| Draft::new(Topic::SystemEvents.into(), Actor::agent("ann"), body);
        assert_eq!(draft("x").check(now), Ok(()));
        assert_eq!(draft(&"é".repeat(MAX_BODY / 2)).check(now), Ok(()));
        assert!(draft("").check(now).is_err());
        assert!(draft(&"x".repeat(MAX_BODY + 1)).check(now).is_err());
        for key in ["", "a\nb", &"k".repeat(MAX_KEY + 1)] {
            let keyed = Draft {
                key: Some(key.into()),
                ..draft("x")
            };
            assert_eq!(keyed.check(now).unwrap_err().rule(), "invalid", "{key:?}");
        }
        let long = Draft {
            expires: Some(now.plus(MAX_LIFE + 1)),
            ..draft("x")
        };
        assert!(long.check(now).is_err());
    }
}
