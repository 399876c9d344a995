//! The ledger's entry: an envelope frozen by its hash.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{schema::written, time::Timestamp};

/// Position of a record in its ledger; genesis is 1.
pub type Seq = u64;

/// The envelope's format number, part of every hash.
pub const FORMAT: u16 = 1;

/// The first bytes of every hash, so that no other hash of the same fields can be mistaken for one.
const TAG: &[u8] = b"obeya.record";

/// A SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, bitcode::Encode, bitcode::Decode)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// What genesis names as the hash before it.
    pub const ZERO: Hash = Hash([0; 32]);

    /// Returns the SHA-256 of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Hash(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Hash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let mut bytes = [0; 32];
        let pairs = text.as_bytes().chunks_exact(2);
        if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(serde::de::Error::custom("a hash is 64 hexadecimal digits"));
        }
        for (byte, pair) in bytes.iter_mut().zip(pairs) {
            let digit = |c: u8| (c as char).to_digit(16).unwrap_or(0) as u8;
            *byte = digit(pair[0]) << 4 | digit(pair[1]);
        }
        Ok(Hash(bytes))
    }
}

written!(Hash, {
    "description": "A SHA-256.",
    "type": "string",
    "pattern": "^[0-9a-f]{64}$",
});

/// Who acts: a person, an agent, or the engine itself.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    bitcode::Encode,
    bitcode::Decode,
)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// Somebody at a keyboard.
    Person,
    /// A program that pulls orders.
    Agent,
    /// The engine: what is due, elections, genesis.
    System,
}

/// The door a command came in by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Door {
    /// The command line.
    Cli,
    /// The console.
    Console,
    /// An import.
    Import,
    /// The engine's own acts.
    Engine,
    /// The MCP server, by which models act.
    Mcp,
    /// The HTTP API.
    Api,
}

/// A word of an envelope as it is stored: a newer version may have words that this one does not know, and the chain's
/// hashes need them all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored<T> {
    /// One that this version knows.
    Known(T),
    /// One that only a newer version knows: what it stands on cannot be understood here.
    Newer(Box<str>),
}

impl<T> From<T> for Stored<T> {
    fn from(known: T) -> Self {
        Stored::Known(known)
    }
}

impl<T: Copy> Stored<T> {
    /// Returns what the word names, if this version knows it.
    pub const fn known(&self) -> Option<T> {
        match self {
            Stored::Known(known) => Some(*known),
            Stored::Newer(_) => None,
        }
    }
}

macro_rules! words {
    ($kind:ty { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl $kind {
            /// Returns the word that is stored and shown.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// Returns what `word` names, if anything.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }

        impl Stored<$kind> {
            /// Returns what a stored word names.
            pub fn from_word(word: &str) -> Self {
                <$kind>::from_word(word).map_or_else(|| Stored::Newer(word.into()), Stored::Known)
            }

            /// Returns the word that is stored and shown.
            pub fn word(&self) -> &str {
                match self {
                    Stored::Known(known) => known.word(),
                    Stored::Newer(word) => word,
                }
            }
        }

        impl Serialize for Stored<$kind> {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.word())
            }
        }

        written!(Stored<$kind>, concat!("Stored", stringify!($kind)), {
            "description": "One of these words, or one that only a newer version knows.",
            "type": "string",
            "examples": [$($word),+],
        });

        impl<'de> Deserialize<'de> for Stored<$kind> {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Ok(Self::from_word(&word))
            }
        }
    };
}

words!(ActorKind { Person = "person", Agent = "agent", System = "system" });
words!(Door { Cli = "cli", Console = "console", Import = "import", Engine = "engine", Mcp = "mcp", Api = "api" });

/// One entry of the ledger as stored. The body is the event's JSON, kept as the bytes that were hashed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Record {
    /// Position; the only order there is.
    pub seq: Seq,
    /// When it was written, read under the write lock.
    pub time: Timestamp,
    /// When it happened in the world; imports carry the past.
    pub occurred_at: Timestamp,
    /// The command that caused it.
    pub command: Uuid,
    /// Its place among the command's records, from 0.
    pub n: u32,
    /// The SHA-256 of the command's body, by which a retry is told from another use of the same id.
    pub command_hash: Hash,
    /// The command that led to this command, if any.
    pub causation: Option<Uuid>,
    /// The conversation it belongs to, if any.
    pub correlation: Option<Uuid>,
    /// What sort of actor.
    pub actor_kind: Stored<ActorKind>,
    /// The actor's name.
    pub actor: String,
    /// The door it came in by.
    pub door: Stored<Door>,
    /// The operating system's user id of the writer.
    pub uid: u32,
    /// What it is about: an order's, alert's or agent's id, or `ledger`.
    pub subject: String,
    /// The event's type.
    pub kind: String,
    /// The event's version.
    pub version: u16,
    /// The event as externally tagged JSON.
    #[schemars(extend("contentMediaType" = "application/json"))]
    pub body: Box<str>,
    /// The chain's hash at this record.
    pub hash: Hash,
}

impl Record {
    /// Returns the hash this record must carry after `previous`:
    /// SHA-256 over tag, format, previous hash and each field, length first.
    pub fn seal(&self, previous: &Hash) -> Hash {
        let mut sha = Sha256::new();
        let mut field = |bytes: &[u8]| {
            sha.update((bytes.len() as u64).to_be_bytes());
            sha.update(bytes);
        };
        field(TAG);
        field(&FORMAT.to_be_bytes());
        field(&previous.0);
        field(&self.seq.to_be_bytes());
        field(&self.time.0.to_be_bytes());
        field(&self.occurred_at.0.to_be_bytes());
        field(self.command.as_bytes());
        field(&self.n.to_be_bytes());
        field(&self.command_hash.0);
        field(
            self.causation
                .as_ref()
                .map_or(&[], |id| id.as_bytes().as_slice()),
        );
        field(
            self.correlation
                .as_ref()
                .map_or(&[], |id| id.as_bytes().as_slice()),
        );
        field(self.actor_kind.word().as_bytes());
        field(self.actor.as_bytes());
        field(self.door.word().as_bytes());
        field(&self.uid.to_be_bytes());
        field(self.subject.as_bytes());
        field(self.kind.as_bytes());
        field(&self.version.to_be_bytes());
        field(self.body.as_bytes());
        Hash(sha.finalize().into())
    }
}

/// The last record's place and hash: what a writer must have seen to append after it.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Default,
    Serialize,
    Deserialize,
    JsonSchema,
    bitcode::Encode,
    bitcode::Decode,
)]
pub struct Head {
    /// The last record's seq; 0 before genesis.
    pub seq: Seq,
    /// The last record's hash; zero before genesis.
    pub hash: Hash,
}
