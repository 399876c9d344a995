//! What crosses a socket, whichever: what a caller wants, and what the host says to it.
//!
//! The unix socket carries [`Call`]s and [`Response`]s one after the other ([`frame`]); the websocket carries many at once,
//! with the line's news between them ([`socket`]).

pub(super) mod frame;
pub mod socket;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Answered, Beaten, Heartbeat};
use crate::{
    domain::{
        command::{Role, Submission},
        moment::Moment,
        query::{Query, life::Life},
        record::{Record, Seq},
        refusal::Refusal,
        time::Timestamp,
    },
    engine::{
        Failure, Reply,
        gates::{Asked, GateAsk},
        supervisor::Wish,
    },
};

/// The version of these messages. A peer that speaks another one is told so, and is as good as none.
pub const PROTOCOL: u32 = 4;

/// What a caller wants.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// A command.
    Submit(Box<Submission>),
    /// A question.
    Ask(Query),
    /// A question as it would have been answered then.
    AskThen {
        /// When.
        moment: Moment,
        /// What.
        query: Query,
    },
    /// The line as it stood at a moment.
    Stand(Moment),
    /// The newest records, at most so many.
    Recent(usize),
    /// The records behind one, at most so many.
    Records {
        /// Behind which.
        after: Seq,
        /// At most so many.
        limit: usize,
    },
    /// A sign of life.
    Beat(Heartbeat),
    /// Something that is wanted of a supervised agent.
    Supervise(Wish),
    /// A quality gate is to be run.
    RunGate(GateAsk),
    /// The host is asked to step down, for a process that is to be the host for good.
    Yield,
}

impl Request {
    /// Returns what a caller must be allowed to do for this to be looked at at all. What a command needs beyond that is
    /// for the rules to say.
    pub fn needs(&self) -> Role {
        match self {
            Request::Submit(_)
            | Request::Ask(_)
            | Request::AskThen { .. }
            | Request::Stand(_)
            | Request::Recent(_)
            | Request::Records { .. } => Role::Viewer,
            Request::Beat(_) | Request::RunGate(_) => Role::Agent,
            Request::Supervise(_) => Role::Operator,
            Request::Yield => Role::Admin,
        }
    }

    /// Returns what it is, as the audit calls it: a command's noun and verb, or the request's own word.
    pub fn word(&self) -> String {
        let word = match self {
            Request::Submit(submission) => {
                let spec = submission.command.spec();
                return format!("{} {}", spec.noun, spec.verb);
            }
            Request::Ask(_) | Request::AskThen { .. } => "ask",
            Request::Stand(_) => "stand",
            Request::Recent(_) | Request::Records { .. } => "records",
            Request::Beat(_) => "heartbeat",
            Request::Supervise(_) => "agent",
            Request::RunGate(_) => "quality-gate run",
            Request::Yield => "yield",
        };
        word.to_owned()
    }

    /// Returns whether it is meant to change something that the audit tells of. Heartbeats are too many.
    pub fn acts(&self) -> bool {
        matches!(
            self,
            Request::Submit(_) | Request::Supervise(_) | Request::RunGate(_) | Request::Yield
        )
    }

    /// Returns whether asking twice does nothing twice, so that it may be sent again after a connection was lost.
    pub fn may_repeat(&self) -> bool {
        !matches!(self, Request::Supervise(_) | Request::Yield)
    }
}

/// A request under the protocol's version.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Call {
    /// [`PROTOCOL`] of the caller.
    pub protocol: u32,
    /// What it wants.
    pub request: Request,
}

/// The line as it stood, as bytes.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Stood {
    /// The moment.
    pub now: Timestamp,
    /// The version's snapshot, deflated, in base 64.
    pub snapshot: String,
}

/// What the host says.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Response {
    /// To [`Request::Submit`].
    Reply(Box<Reply>),
    /// To [`Request::Ask`] and [`Request::AskThen`].
    Answered(Box<Answered>),
    /// To [`Request::Stand`].
    Stood(Box<Result<Stood, Failure>>),
    /// To [`Request::Recent`] and [`Request::Records`].
    Records(Box<Result<Vec<Record>, Failure>>),
    /// To [`Request::Beat`].
    Beaten(Box<Beaten>),
    /// To [`Request::Supervise`]: what the agent is about then, or why not.
    Supervised(Box<Result<Life, Refusal>>),
    /// To [`Request::RunGate`], once it has ended.
    GateRan(Box<Asked>),
    /// To [`Request::Yield`]: it will.
    Yielding,
    /// To anything that the caller may not have.
    Refused(Refusal),
    /// The caller speaks another version; this is the host's.
    OtherProtocol(u32),
}
