//! From a record as it is stored to what it says.

use super::{EVENTS, Event};
use crate::domain::record::{Record, Stored};

/// Why a stored event cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undecodable {
    /// A newer version of obeya wrote it: this one may read on but must not write.
    Unknown {
        /// The event's stored name.
        kind: String,
        /// Its version.
        version: u16,
    },
    /// It is known, and its body is not what it should be.
    Damaged {
        /// The event's stored name.
        kind: String,
        /// What the parser said.
        why: String,
    },
}

impl Record {
    /// Reads what the record says. One by an actor or a door that this version does not know may mean what this version
    /// does not know either, so it counts as unknown as a whole.
    pub fn decode(&self) -> Result<Event, Undecodable> {
        let strange = match (&self.actor_kind, &self.door) {
            (Stored::Newer(word), _) => Some(("actor", word)),
            (_, Stored::Newer(word)) => Some(("door", word)),
            (Stored::Known(_), Stored::Known(_)) => None,
        };
        match strange {
            Some((what, word)) => Err(Undecodable::Unknown {
                kind: format!("{} ({what} {word})", self.kind),
                version: self.version,
            }),
            None => Event::decode(&self.kind, self.version, &self.body),
        }
    }
}

impl Event {
    /// Reads a stored event. Older versions are brought up to today's here: those that there are lack fields only, whose
    /// defaults say what was so then.
    pub fn decode(kind: &str, version: u16, body: &str) -> Result<Event, Undecodable> {
        match EVENTS.iter().find(|(name, _)| *name == kind) {
            Some((_, current)) if version <= *current => {
                serde_json::from_str(body).map_err(|e| Undecodable::Damaged {
                    kind: kind.into(),
                    why: e.to_string(),
                })
            }
            _ => Err(Undecodable::Unknown {
                kind: kind.into(),
                version,
            }),
        }
    }
}
