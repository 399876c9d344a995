//! Where messages go, and who takes them from there.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    domain::{order::vocabulary, schema::written},
    text,
};

/// The longest name of an inbox or a subscriber, in characters: as long as an agent's name.
pub const MAX_NAME: usize = 80;

vocabulary! {
    /// What a message that everybody may read is about.
    Topic ("topic") {
        /// What happens to work orders.
        WorkOrderEvents = "work_order_events",
        /// What quality gates found.
        QualityGateEvents = "quality_gate_events",
        /// How agents are.
        AgentStatusEvents = "agent_status_events",
        /// Alerts: raised, held, resolved.
        AndonAlerts = "andon_alerts",
        /// The ledger, its host and its settings.
        SystemEvents = "system_events",
        /// What agents tell each other.
        CoordinationEvents = "coordination_events",
    }
}

impl Topic {
    /// Returns what its messages are about, in words.
    pub const fn about(self) -> &'static str {
        match self {
            Topic::WorkOrderEvents => "what happens to work orders",
            Topic::QualityGateEvents => "what quality gates found",
            Topic::AgentStatusEvents => "how agents are",
            Topic::AndonAlerts => "alerts: raised, held, resolved",
            Topic::SystemEvents => "the ledger, its host, its settings",
            Topic::CoordinationEvents => "what agents tell each other",
        }
    }

    /// Returns the topic that tells of a ledger's event, by the event's stored name. What no topic has a word for is about
    /// the system.
    pub fn of_event(kind: &str) -> Topic {
        const ORDERS: [&str; 8] = [
            "order_",
            "lease_",
            "leases_",
            "dependency_",
            "link_",
            "sla_",
            "workspace_",
            "usage_",
        ];
        let any = |words: &[&str]| words.iter().any(|word| kind.starts_with(word));
        if any(&ORDERS) {
            Topic::WorkOrderEvents
        } else if any(&["alert_", "corrective_"]) {
            Topic::AndonAlerts
        } else if any(&["agent_"]) {
            Topic::AgentStatusEvents
        } else if any(&["gate_", "quality_", "evidence_"]) {
            Topic::QualityGateEvents
        } else {
            Topic::SystemEvents
        }
    }
}

/// The name of an inbox or of a subscriber: one clean line of 1 to [`MAX_NAME`] characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

written!(Name, {
    "description": "The name of an inbox or of a subscriber: one line, without an '@' before it.",
    "type": "string",
    "minLength": 1,
    "maxLength": MAX_NAME,
    "pattern": "^[^@]",
});

impl Name {
    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.trim();
        let shown: String = text::clean(name).chars().take(40).collect();
        if name.is_empty() || name.chars().count() > MAX_NAME {
            return Err(format!("'{shown}': a name has 1 to {MAX_NAME} characters"));
        }
        if text::clean(name) != name || name.starts_with('@') {
            return Err(format!(
                "'{shown}': a name is one line without control characters, and no '@' before it"
            ));
        }
        Ok(Name(name.to_owned()))
    }
}

impl TryFrom<String> for Name {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Name> for String {
    fn from(name: Name) -> String {
        name.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Where a message goes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Address {
    /// To everybody who subscribes.
    Topic(Topic),
    /// To the agent or the role of this name.
    Inbox(Name),
}

written!(Address, {
    "description": "Where a message goes: a topic, or @NAME for an inbox.",
    "type": "string",
    "pattern": "^([a-z_]+|@[^@].*)$",
    "examples": ["andon_alerts", "@rust-dev"],
});

impl Address {
    /// Returns whose inbox it is.
    pub fn owner(&self) -> Option<&Name> {
        match self {
            Address::Topic(_) => None,
            Address::Inbox(name) => Some(name),
        }
    }
}

impl From<Topic> for Address {
    fn from(topic: Topic) -> Self {
        Address::Topic(topic)
    }
}

impl From<Name> for Address {
    fn from(name: Name) -> Self {
        Address::Inbox(name)
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim().strip_prefix('@') {
            Some(name) => name.parse().map(Address::Inbox),
            None => text
                .parse()
                .map(Address::Topic)
                .map_err(|why: String| format!("{why}, or @NAME for an inbox")),
        }
    }
}

impl TryFrom<String> for Address {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Address> for String {
    fn from(address: Address) -> String {
        address.to_string()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Topic(topic) => f.pad(topic.word()),
            Address::Inbox(name) => f.pad(&format!("@{name}")),
        }
    }
}

/// Who takes messages from where: a subscriber of a topic, or whoever looks after an inbox.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reader {
    address: Address,
    name: Name,
}

impl Reader {
    /// Returns the subscriber `name` of a topic.
    pub fn of_topic(topic: Topic, name: Name) -> Self {
        Reader {
            address: topic.into(),
            name,
        }
    }

    /// Returns those who look after an inbox: they share what comes in, one message to one of them.
    pub fn of_inbox(name: Name) -> Self {
        Reader {
            address: name.clone().into(),
            name,
        }
    }

    /// Returns where messages are taken from.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Returns the subscriber's name; an inbox' own name.
    pub fn name(&self) -> &Name {
        &self.name
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;
    use crate::domain::event::EVENTS;

    #[test]
    fn addresses_are_read_as_they_are_written() {
        for topic in Topic::ALL {
            let address = Address::from(*topic);
            assert_eq!(address.to_string().parse(), Ok(address));
        }
        let inbox: Address = "@rust-dev".parse().unwrap();
        assert_eq!(inbox.to_string(), "@rust-dev");
        assert_eq!(
            "andon-alerts".parse(),
            Ok(Address::from(Topic::AndonAlerts))
        );
        let long = format!("@{}", "x".repeat(MAX_NAME + 1));
        for bad in ["", "@", "@ ", "@@a", "news", "@a\u{1b}[2Jb", "@a\nb", &long] {
            assert!(bad.parse::<Address>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn every_event_is_told_on_the_topic_that_one_would_look_at() {
        let of = |topic| -> Vec<_> {
            let told = EVENTS
                .iter()
                .filter(|(kind, _)| Topic::of_event(kind) == topic);
            told.map(|(kind, _)| *kind).collect()
        };
        let words = |kinds: &[&str], first: &[&str]| {
            for kind in kinds {
                assert!(first.iter().any(|word| kind.starts_with(word)), "{kind}");
            }
        };
        words(
            &of(Topic::SystemEvents),
            &[
                "ledger_", "host_", "bucket_", "stages_", "policy_", "import_", "budget_",
            ],
        );
        assert!(of(Topic::WorkOrderEvents).contains(&"order_completed"));
        assert!(of(Topic::AndonAlerts).contains(&"alert_raised"));
        assert!(of(Topic::AgentStatusEvents).contains(&"agent_paused"));
    }
}
