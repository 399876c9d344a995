//! What crosses a socket, whichever: what a caller wants, and what the host says to it.
//!
//! The unix socket carries [`Call`]s and [`Response`]s one after the other (`frame`); the websocket carries many at once,
//! with the line's news between them ([`socket`]).

mod bus;
mod folder;
pub(super) mod frame;
pub mod socket;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use bus::{BusAnswer, BusCall};
pub use folder::{FolderAnswer, FolderCall, GateEntry, GatesFile, LogPart, MOST_LOG};

use super::{
    Answered, Beaten, Heartbeat,
    bus::{Caller, Ruled},
};
use crate::{
    domain::{
        command::{Role, Submission},
        import_report::ImportReport,
        moment::Moment,
        query::{Query, life::Life},
        record::{Head, Record, Seq},
        refusal::Refusal,
        time::Timestamp,
    },
    engine::{
        Failure, Reply,
        gates::{Asked, GateAsk},
        supervisor::{Errand, Wish},
    },
};

/// The version of these messages. A peer that speaks another one is told so, and is as good as none.
pub const PROTOCOL: u32 = 5;

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
    /// Something is wanted of the bus.
    Bus {
        /// Who the caller says that it is.
        caller: Caller,
        /// What.
        call: Box<BusCall>,
    },
    /// Something is wanted of the ledger's folder.
    Folder {
        /// Who the caller says that it is.
        caller: Caller,
        /// What.
        call: Box<FolderCall>,
    },
    /// An import, which holds up everybody else for a while.
    Import {
        /// What they are told.
        reason: String,
        /// The command.
        submission: Box<Submission>,
    },
    /// The line is to be held on to as it is now, for many questions.
    Hold,
    /// A question to a line that is held on to.
    AskHeld {
        /// Which.
        held: Uuid,
        /// What.
        query: Query,
    },
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
            | Request::Records { .. }
            | Request::Hold
            | Request::AskHeld { .. } => Role::Viewer,
            Request::Beat(_) | Request::RunGate(_) => Role::Agent,
            Request::Supervise(_) | Request::Import { .. } => Role::Operator,
            Request::Bus { call, .. } => call.needs(),
            Request::Folder { call, .. } => call.needs(),
            Request::Yield => Role::Admin,
        }
    }

    /// Returns what it is, as the audit calls it: a command's noun and verb, or the request's own word.
    pub fn word(&self) -> String {
        let word = match self {
            Request::Submit(submission) | Request::Import { submission, .. } => {
                let spec = submission.command.spec();
                return format!("{} {}", spec.noun, spec.verb);
            }
            Request::Ask(_) | Request::AskThen { .. } => "ask",
            Request::Stand(_) => "stand",
            Request::Recent(_) | Request::Records { .. } => "records",
            Request::Beat(_) => "heartbeat",
            Request::Supervise(wish) => return errand(wish),
            Request::RunGate(ask) => return format!("quality-gate run {} {}", ask.order, ask.gate),
            Request::Bus { call, .. } => call.word(),
            Request::Folder { call, .. } => call.word(),
            Request::Hold | Request::AskHeld { .. } => "export",
            Request::Yield => "yield",
        };
        word.to_owned()
    }

    /// Returns whether it is meant to change something that the audit tells of. Heartbeats are too many.
    pub fn acts(&self) -> bool {
        match self {
            Request::Submit(_)
            | Request::Supervise(_)
            | Request::RunGate(_)
            | Request::Import { .. }
            | Request::Yield => true,
            Request::Bus { call, .. } => call.acts(),
            Request::Folder { call, .. } => call.acts(),
            _ => false,
        }
    }

    /// Returns whether asking twice does nothing twice, so that it may be sent again after a connection was lost.
    pub fn may_repeat(&self) -> bool {
        match self {
            Request::Supervise(_) | Request::Yield | Request::Hold => false,
            Request::Bus { call, .. } => call.may_repeat(),
            Request::Folder { call, .. } => call.may_repeat(),
            _ => true,
        }
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

/// A line that is held on to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Held {
    /// What to ask it by.
    pub id: Uuid,
    /// Its last record.
    pub head: Head,
}

/// Returns an errand in the command line's words. No record tells of it: these are all that is left.
fn errand(wish: &Wish) -> String {
    let agent = &wish.agent;
    match wish.errand {
        Errand::Spawn => format!("agent spawn {agent}"),
        Errand::Stop => format!("agent stop {agent}"),
        Errand::Scale(times) => format!("agent scale {agent} {times}"),
    }
}

/// What the host says.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Response {
    /// To [`Request::Submit`].
    Reply(Box<Reply>),
    /// To [`Request::Ask`], [`Request::AskThen`] and [`Request::AskHeld`].
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
    /// To [`Request::Bus`].
    Bus(Box<Ruled<BusAnswer>>),
    /// To [`Request::Folder`].
    Folder(Box<Ruled<FolderAnswer>>),
    /// To [`Request::Import`]: what it came to, and the report on it unless it could not be decided.
    Imported(Box<(Reply, Option<ImportReport>)>),
    /// To [`Request::Hold`].
    Held(Box<Result<Held, Failure>>),
    /// To [`Request::Yield`]: it will.
    Yielding,
    /// To anything that the caller may not have.
    Refused(Refusal),
    /// The caller speaks another version; this is the host's.
    OtherProtocol(u32),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_audit_tells_which_agent_and_what_became_of_it() {
        let told = |errand| {
            let agent = "dev".to_owned();
            let role = Role::Operator;
            Request::Supervise(Wish {
                agent,
                errand,
                role,
            })
            .word()
        };
        let all = [Errand::Spawn, Errand::Stop, Errand::Scale(3)].map(told);
        assert_eq!(
            all,
            ["agent spawn dev", "agent stop dev", "agent scale dev 3"]
        );
    }
}
