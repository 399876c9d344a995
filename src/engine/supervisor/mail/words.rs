//! What a lasting agent and its host say to each other about messages: lines of JSON; `docs/agents.md` has the schema.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::domain::{
    message::{Address, Delivery, MessageSeq, MessageView},
    refusal::Refusal,
};

/// The longest `ref`, in characters: as long as the longest key.
const REF_LIMIT: usize = 120;

/// What an agent says that is about messages, by its type.
const TYPES: [&str; 6] = ["publish", "subscribe", "request", "reply", "ack", "refuse"];

/// What an agent wants of the bus.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Wanted {
    /// Something is to be sent.
    Publish {
        address: Address,
        body: Value,
        #[serde(default)]
        key: Option<String>,
        #[serde(default)]
        ttl: Option<u32>,
        #[serde(default)]
        correlation: Option<Uuid>,
        #[serde(default)]
        reply_to: Option<Address>,
    },
    /// A topic is to be heard.
    Subscribe {
        address: Address,
        #[serde(default)]
        from: Option<MessageSeq>,
    },
    /// Something is to be sent, and its answer waited for.
    Request {
        address: Address,
        body: Value,
        #[serde(default)]
        timeout: Option<u32>,
    },
    /// A request is answered.
    Reply { message: MessageSeq, body: Value },
    /// A message is done with.
    Ack { message: MessageSeq },
    /// A message is given back for good.
    Refuse {
        message: MessageSeq,
        #[serde(default)]
        note: Option<String>,
    },
}

/// Something an agent said: what it wants, and what it calls that.
#[derive(Debug)]
pub(super) struct Said {
    /// The type of the line.
    pub(super) kind: &'static str,
    /// The line's `ref`.
    pub(super) reference: Option<String>,
    /// What it wants, or why the line says nothing.
    pub(super) wanted: Result<Wanted, String>,
}

impl Said {
    /// Returns what a line says about messages, or None if it is about something else.
    pub(super) fn read(line: &str) -> Option<Said> {
        let value: Value = serde_json::from_str(line).ok()?;
        let kind = value.get("type").and_then(Value::as_str)?;
        let kind = TYPES.into_iter().find(|known| *known == kind)?;
        let fits = |text: &&str| !text.is_empty() && text.chars().count() <= REF_LIMIT;
        let reference = value.get("ref").map(|found| {
            let text = found.as_str().filter(fits).map(str::to_owned);
            text.ok_or_else(|| format!("ref: a text of 1 to {REF_LIMIT} characters"))
        });
        let (reference, wrong) = match reference.transpose() {
            Ok(reference) => (reference, None),
            Err(why) => (None, Some(why)),
        };
        let wrong = match (wrong, kind) {
            (None, "request") if reference.is_none() => {
                Some("a request has a ref, by which its answer is known".into())
            }
            (wrong, _) => wrong,
        };
        let wanted = match wrong {
            Some(why) => Err(why),
            None => serde_json::from_value(value).map_err(|error| error.to_string()),
        };
        Some(Said {
            kind,
            reference,
            wanted,
        })
    }

    /// Returns the line that refuses what was wanted.
    pub(super) fn refused(&self, refusal: &Refusal) -> String {
        self.failed(refusal.rule(), &refusal.to_string())
    }

    /// Returns the line that says why it was not done.
    pub(super) fn failed(&self, rule: &str, why: &str) -> String {
        line(&Told::Refused {
            of: self.kind,
            reference: self.reference.as_deref(),
            rule,
            why,
        })
    }

    /// Returns the line that says that it is done, if the agent wants to know.
    pub(super) fn done(&self, message: Option<MessageSeq>) -> Option<String> {
        let reference = self.reference.as_deref()?;
        Some(line(&Told::Done { reference, message }))
    }

    /// Returns the line that brings the answer to a request.
    pub(super) fn answered(&self, answer: &MessageView) -> String {
        line(&Told::Reply {
            reference: self.reference.as_deref().unwrap_or_default(),
            message: answer.seq,
            sender: &answer.sender,
            body: &answer.body,
        })
    }
}

/// What an agent is told.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Told<'a> {
    Message {
        message: MessageSeq,
        address: &'a Address,
        sender: &'a crate::domain::order::Actor,
        at: crate::domain::query::value::Moment,
        body: &'a Value,
        attempt: u32,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        wants_reply: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        correlation: Option<Uuid>,
    },
    Reply {
        #[serde(rename = "ref")]
        reference: &'a str,
        message: MessageSeq,
        sender: &'a crate::domain::order::Actor,
        body: &'a Value,
    },
    Done {
        #[serde(rename = "ref")]
        reference: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<MessageSeq>,
    },
    Refused {
        of: &'a str,
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<&'a str>,
        rule: &'a str,
        why: &'a str,
    },
}

/// Returns the line that hands a message over.
pub(super) fn handed(delivery: &Delivery) -> String {
    let view = MessageView::from(&delivery.message);
    line(&Told::Message {
        message: view.seq,
        address: &view.address,
        sender: &view.sender,
        at: view.at,
        body: &view.body,
        attempt: delivery.attempt,
        wants_reply: view.reply_to.is_some(),
        correlation: view.correlation,
    })
}

fn line(told: &Told<'_>) -> String {
    // It has only text keys, which every writer of JSON takes.
    let mut line = serde_json::to_string(told).unwrap_or_default();
    line.push('\n');
    line
}

/// Returns a body as the bus keeps it.
///
/// # Errors
///
/// It is neither a text, nor an object, nor a list.
pub(super) fn body(value: &Value) -> Result<String, Refusal> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Object(_) | Value::Array(_) => Ok(value.to_string()),
        _ => Err(Refusal::invalid(
            "body",
            "it is a text, an object or a list",
        )),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    #[test]
    fn what_is_about_something_else_is_left_alone_and_what_is_wrong_is_told_in_words() {
        for line in ["{}", "x", r#"{"type":"progress"}"#, r#"{"type":7}"#] {
            assert!(Said::read(line).is_none(), "{line}");
        }
        let why = |line: &str| {
            let said = Said::read(line).unwrap();
            let why = said.wanted.as_ref().unwrap_err().clone();
            said.failed("invalid", &why)
        };
        let told = why(r#"{"type":"publish","address":"news","body":"x","ref":"a"}"#);
        assert!(
            told.starts_with(
                r#"{"type":"refused","of":"publish","ref":"a","rule":"invalid","why":""#
            ),
            "{told}"
        );
        assert!(told.contains("work_order_events"), "{told}");
        assert!(why(r#"{"type":"ack"}"#).contains("missing field `message`"));
        assert!(
            why(r#"{"type":"request","address":"@a","body":"x"}"#).contains("a request has a ref")
        );
        assert!(why(r#"{"type":"ack","message":1,"ref":7}"#).contains("1 to 120 characters"));
    }

    #[test]
    fn a_body_is_kept_as_it_was_meant() {
        let of = |json: &str| body(&serde_json::from_str(json).unwrap());
        assert_eq!(of(r#""a b""#).unwrap(), "a b");
        assert_eq!(of(r#"{"a":[1]}"#).unwrap(), r#"{"a":[1]}"#);
        for bad in ["1", "null", "true"] {
            assert_eq!(of(bad).unwrap_err().rule(), "invalid", "{bad}");
        }
    }
}
