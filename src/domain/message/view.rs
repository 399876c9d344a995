//! Messages as doors show them: the very structs that `--json` prints.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{
    Address, DeadLetter, Delivery, Message, MessageSeq, Name,
    delivery::{DeliveryState, Reason},
};
use crate::domain::{order::Actor, query::value::Moment};

/// A message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MessageView {
    /// Its place.
    pub seq: MessageSeq,
    /// Where it went.
    pub address: Address,
    /// When.
    pub at: Moment,
    /// Who sent it.
    pub sender: Actor,
    /// The JSON object or list that was sent; any other body is a text.
    pub body: Value,
    /// The conversation it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation: Option<Uuid>,
    /// Where an answer goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<Address>,
    /// The sender's idempotency key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// When it is no longer worth anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Moment>,
}

impl MessageView {
    /// Returns the body as one text.
    pub fn text(&self) -> String {
        match &self.body {
            Value::String(text) => text.clone(),
            value => value.to_string(),
        }
    }

    /// Returns the body as a line for people: what an announcement says, or the whole.
    pub fn line(&self) -> String {
        match self.body.get("text").and_then(Value::as_str) {
            Some(text) => text.to_owned(),
            None => self.text(),
        }
    }
}

impl From<&Message> for MessageView {
    fn from(message: &Message) -> Self {
        let draft = &message.draft;
        let structured = serde_json::from_str(&draft.body)
            .ok()
            .filter(|value| matches!(value, Value::Object(_) | Value::Array(_)));
        MessageView {
            seq: message.seq,
            address: draft.address.clone(),
            at: Moment(message.time),
            sender: draft.sender.clone(),
            body: structured.unwrap_or_else(|| Value::String(draft.body.clone())),
            correlation: draft.correlation,
            reply_to: draft.reply_to.clone(),
            key: draft.key.clone(),
            expires_at: draft.expires.map(Moment),
        }
    }
}

/// A message and how far it is, to one subscriber.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryView {
    /// The message.
    #[serde(flatten)]
    pub message: MessageView,
    /// How far it is.
    pub state: DeliveryState,
    /// How often it was given out.
    pub attempts: u32,
    /// Until when somebody has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Moment>,
}

impl From<&Delivery> for DeliveryView {
    fn from(delivery: &Delivery) -> Self {
        DeliveryView {
            message: (&delivery.message).into(),
            state: DeliveryState::Delivered,
            attempts: delivery.attempt,
            due_at: Some(Moment(delivery.due)),
        }
    }
}

/// A dead letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeadLetterView {
    /// Its number, by which it is requeued and purged.
    pub number: u64,
    /// Why it is dead.
    pub reason: Reason,
    /// What the receiver said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// Whose it was; none where nobody took such messages.
    pub subscriber: Option<Name>,
    /// Since when.
    pub dead_at: Moment,
    /// How often it was given out.
    pub attempts: u32,
    /// The message.
    pub message: MessageView,
}

impl From<&DeadLetter> for DeadLetterView {
    fn from(letter: &DeadLetter) -> Self {
        DeadLetterView {
            number: letter.number,
            reason: letter.reason,
            note: letter.note.clone(),
            subscriber: letter.subscriber.clone(),
            dead_at: Moment(letter.at),
            attempts: letter.attempts,
            message: (&letter.message).into(),
        }
    }
}

/// Who takes messages somewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SubscriberView {
    /// Its name; an inbox' own name.
    pub name: Name,
    /// The last message that was given out.
    pub cursor: MessageSeq,
    /// Messages behind the cursor.
    pub queued: u64,
    /// Messages that somebody has and has not acknowledged.
    pub delivered: u64,
    /// When it last took or acknowledged anything.
    pub seen_at: Moment,
}

/// A topic or an inbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AddressView {
    /// Which.
    pub address: Address,
    /// How many messages are kept.
    pub messages: u64,
    /// The last message's place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seq: Option<MessageSeq>,
    /// When it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_at: Option<Moment>,
    /// Who takes them under a name.
    pub subscribers: Vec<SubscriberView>,
}

impl AddressView {
    /// Returns the view of an address to which nothing was ever sent.
    pub fn unused(address: Address) -> Self {
        AddressView {
            address,
            messages: 0,
            last_seq: None,
            last_at: None,
            subscribers: Vec::new(),
        }
    }
}

/// The whole bus at a glance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BusView {
    /// The six topics, then the inboxes by name.
    pub addresses: Vec<AddressView>,
    /// How many dead letters there are.
    pub dead_letters: u64,
}
