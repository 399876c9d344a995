//! The websocket's messages. Text frames are JSON of one of these; binary frames are the parts of a snapshot, in order.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Request, Response};
use crate::domain::{
    command::Role,
    order::Actor,
    record::{Head, Record, Seq},
    time::Timestamp,
};

/// How often the engine says that it is alive, in seconds, whatever else it sends.
pub const BEAT_SECONDS: u64 = 5;
/// The largest text frame that the engine sends: the largest answer.
pub const MAX_TEXT: usize = super::frame::MAX_FRAME;
/// The largest message of somebody who only looks: many times the longest question.
pub const MAX_QUESTION: usize = 64 << 10;
/// The largest message that a caller sends.
pub const MAX_CALL: usize = 4 << 20;
/// The same for one who may import: all of an import comes in one command, and so in one message. Some 50,000 items fit.
pub const MAX_IMPORT: usize = super::frame::MAX_FRAME;
/// The largest snapshot, deflated, that a caller takes.
pub const MAX_SNAPSHOT: usize = 256 << 20;
/// The bytes of one part of a snapshot: a slow link shows progress, and a caller that goes is noticed.
pub const PART: usize = 8 << 10;

/// Returns the most bytes of a message of a caller who may do so much.
pub fn longest_of(role: Role) -> usize {
    match role {
        Role::Viewer => MAX_QUESTION,
        Role::Agent => MAX_CALL,
        Role::Operator | Role::Admin => MAX_IMPORT,
    }
}

/// What a caller says.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ToEngine {
    /// The first message.
    Hello(Hello),
    /// Something that is wanted; the answer carries the same number.
    Call {
        /// The caller's number for it.
        id: u64,
        /// What.
        request: Request,
    },
}

/// How a caller introduces itself.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Hello {
    /// The caller's version of the protocol.
    pub protocol: u32,
    /// The caller's version of obeya, for words.
    pub version: String,
    /// What it wants to be told as it happens.
    #[serde(default)]
    pub follow: Follow,
}

/// What is read of a first message before anything else is: however a version asks for what it wants, it says which it is.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Introduction {
    /// Of [`ToEngine::Hello`].
    Hello {
        /// The caller's version of the protocol.
        protocol: u32,
        /// The caller's version of obeya, for words.
        #[serde(default)]
        version: String,
    },
}

/// What a caller wants to be told as it happens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Follow {
    /// Nothing: it only calls.
    #[default]
    Nothing,
    /// The records behind one, or behind the last one there is.
    Records {
        /// Behind which.
        after: Option<Seq>,
    },
    /// The line's state: the records since the version that it has, or a snapshot and the records since.
    State {
        /// The layout of snapshots that it reads.
        snapshot_format: u32,
        /// What it has, if anything.
        have: Option<Resume>,
    },
}

/// A version that a caller has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Resume {
    /// Of which ledger.
    pub ledger: Uuid,
    /// Of which life of it.
    pub incarnation: u64,
    /// Its last record.
    pub head: Head,
}

/// How the engine introduces itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Welcome {
    /// The engine's version of the protocol.
    pub protocol: u32,
    /// Its version of obeya.
    pub version: String,
    /// The name of its line.
    pub name: String,
    /// Its ledger.
    pub ledger: Uuid,
    /// Which life of it.
    pub incarnation: u64,
    /// The most that the caller may do.
    pub role: Role,
    /// Who the caller acts as, where its token says so.
    pub actor: Option<Actor>,
    /// The engine's time.
    pub now: Timestamp,
}

/// What the engine says.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FromEngine {
    /// To [`ToEngine::Hello`].
    Welcome(Welcome),
    /// A snapshot follows, in binary frames.
    Snapshot {
        /// What it is a snapshot of.
        head: Head,
        /// How many frames.
        parts: usize,
        /// How many bytes they are in all.
        bytes: usize,
    },
    /// Records, without a gap behind those before.
    Records {
        /// They.
        records: Vec<Record>,
        /// Whether others of the same commit follow.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        more: bool,
    },
    /// To [`ToEngine::Call`].
    Answer {
        /// Which call.
        id: u64,
        /// The answer.
        response: Response,
    },
    /// The engine is alive.
    Beat {
        /// Its time.
        now: Timestamp,
        /// The last record of its version.
        seq: Seq,
    },
    /// Something beside the ledger is another: it may be looked at again.
    Stirred(Beside),
    /// The connection ends, and why.
    Bye {
        /// For machines.
        code: Farewell,
        /// For people: what, and what to do about it.
        why: String,
    },
}

/// What lies beside the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Beside {
    /// Messages of the bus.
    Messages,
    /// What agents are about.
    Lives,
    /// `obeya.toml`.
    Line,
}

/// Why a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Farewell {
    /// The peer speaks another version.
    OtherProtocol,
    /// No token, or one that is not good.
    Denied,
    /// The message was not one.
    Malformed,
    /// The engine stops, or is no longer the host; another one may answer soon.
    Stopping,
    /// Too many connections, or too many calls.
    Busy,
}
