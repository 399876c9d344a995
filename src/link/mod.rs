//! Opens or reaches an engine, and hides which.
//!
//! An [`Observer`] asks; an [`Operator`] also submits. Doors hold one of the two, so that read-only is a type. Behind
//! them is a writer in this process ([`Cold`]), or the host's engine over the unix socket ([`Client`]): the same messages.

pub mod access;
mod admin;
pub mod bus;
mod change_watch;
mod choose;
mod client;
mod cold;
mod connection;
mod counted_stream;
mod feed;
mod folder;
mod follow;
mod frozen;
mod hook;
mod line_file;
mod listener;
mod locate;
mod packed;
pub mod protocol;
pub mod remote;
mod service;
mod session;
mod side_requests;
mod trust;
mod vitals;
mod worktrees;

pub use admin::{
    Backup, Stats, Verified, backup, doctor, head, init, init_at, restore, state, stats, verify,
};
pub use change_watch::{ChangeFollower, ChangeWatch};
pub use choose::{ATTACH_VARIABLE, CONTEXT_VARIABLE, Choice, Chosen, TOKEN_VARIABLE, choose};
pub use client::Client;
pub use cold::{Cold, run_gate};
pub use connection::{Connection, Held, Imported};
pub use counted_stream::{ByteCounts, CountedStream, while_moving};
pub use feed::{Entry, Feed, Next, Sent, texts as feed_texts};
pub use follow::Follower;
pub use frozen::Frozen;
pub use hook::report;
pub use line_file::{LineFile, look_at_line_file};
pub use listener::Listener;
pub use locate::{LEDGER_FOLDER, LEDGER_VARIABLE, NoLedger, Place, Source, locate, user_ledger};
pub use service::{Peer, Service};
pub use session::{ReadOnly, Session, SessionNews, Standing, Subscription, Watching, now, uid};

pub use trust::{distrust, is_trusted, state_folder, trust};
pub use worktrees::{WorktreeView, put_away, worktrees};

use crate::domain::{
    command::{Role, Submission},
    id::OrderId,
    order::Actor,
    query::{Answer, Query, life::Life},
    refusal::Refusal,
    time::Timestamp,
};
pub use crate::{
    engine::{
        COMMIT_BOUNDS, Clock, Commits, Failure, HeldClock, Outcome, Reply, Vitals,
        gates::{Asked, GateAsk, Project, rule_of},
        process::set_program,
        supervisor::{
            Errand, Kept, Piece, RunNote, Supervisor, Wish, newest_runs,
            read_document as read_line_file, read_output,
            runner::{missing, run as run_runner},
        },
    },
    ledger::{Fault, FaultKind, Home},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The answer to a question: what was asked, or why not, or that nobody could say.
pub type Answered = Result<Result<Answer, Refusal>, Failure>;

/// A sign of life of whoever holds a lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Heartbeat {
    /// The order whose lease is to be renewed.
    pub order: OrderId,
    /// The claim's fencing number.
    pub epoch: u32,
    /// Who beats.
    pub actor: Actor,
    /// What the caller may do.
    pub role: Role,
    /// What it is doing, one line.
    #[serde(default)]
    pub note: String,
}

/// The answer to a heartbeat: until when the lease now holds, or why it does not.
pub type Beaten = Result<Result<Timestamp, Refusal>, Failure>;

/// What came of an errand: what the agent is about then, or why not; None where no host runs.
pub type Supervised = Result<Option<Result<Life, Refusal>>, Fault>;

/// Reaches an engine and asks.
pub trait Observer {
    /// Answers a question.
    fn ask(&mut self, query: &Query) -> Answered;
}

/// Reaches an engine, asks and submits.
pub trait Operator: Observer {
    /// Submits a command. A retry carries the same id and gets the first answer.
    fn submit(&mut self, submission: &Submission) -> Reply;

    /// Renews a lease. Never on the ledger.
    fn heartbeat(&mut self, beat: &Heartbeat) -> Beaten;

    /// Hands an errand about a supervised agent on to the host. Where there is none, nobody supervises.
    fn supervise(&mut self, _: &Wish) -> Supervised {
        Ok(None)
    }

    /// Has a quality gate run on an order: by the host, or in this process where there is none.
    fn run_gate(&mut self, _: &GateAsk) -> Asked {
        let what = "no quality gates are run this way";
        Err(Fault::new(FaultKind::Misuse, "".as_ref(), what).into())
    }
}

/// Opens a ledger for one caller: over the host's socket if a host runs, else in this process.
///
/// # Errors
///
/// The ledger is not there, not ours, not readable, or of a newer format.
pub fn open(home: &Home) -> Result<Box<dyn Operator + Send>, Fault> {
    match Client::connect(home)? {
        Some(client) => Ok(Box::new(client)),
        None => Ok(Box::new(Cold::open(home)?)),
    }
}
