//! A way to a line, wherever its engine is. A door asks here for what it needs, and cannot tell which it has but by name.

use std::{fmt, path::PathBuf, sync::Arc, sync::atomic::AtomicBool, time::Duration};

pub use super::protocol::Held;
use super::{
    Answered, Asked, Cold, Follower, Frozen, GateAsk, Observer, Operator, Verified, admin,
    bus::{Broker, Caller, MessageBus, Ruled},
    folder, is_trusted,
    protocol::{FolderAnswer, FolderCall, LogPart},
    remote::{Attached, Remote, RemoteBus, Target},
};
use crate::{
    domain::{
        command::Submission,
        import_report::ImportReport,
        moment::Moment,
        order::Actor,
        query::Query,
        record::{Head, Seq},
        refusal::Refusal,
        state::State,
    },
    engine::{Reply, supervisor::RunNote},
    ledger::{Fault, FaultKind, Home, verify as walk},
};

/// How long an engine that is not there is waited for: as long as one takes to start again.
const GRACE: Duration = Duration::from_secs(2);
/// How many records a check reads at once over a link: a page is some hundred KiB.
const CHECKED: usize = 500;

/// What an import came to, and the report on it unless it could not be decided.
pub type Imported = (Reply, Option<ImportReport>);

/// A way to a line.
#[derive(Clone)]
pub enum Connection {
    /// To the ledger in a folder of this machine.
    Local(Home),
    /// To an engine that is reached by an address.
    Remote(Attached),
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Connection({})", self.place().display())
    }
}

impl Connection {
    /// Attaches to an engine, and waits until it has let the caller in.
    ///
    /// # Errors
    ///
    /// The engine does not answer within `patience`, or does not want this caller: why, and what to do about it.
    pub fn attach(target: Target, patience: Duration) -> Result<Connection, Fault> {
        let address = target.address.to_string();
        // Whatever is the matter, it is said of which engine.
        reach(target, patience).map_err(|fault| match fault.what.contains(&address) {
            true => fault,
            false => Fault {
                path: address,
                ..fault
            },
        })
    }

    /// Returns the ledger's folder, where it is on this machine.
    pub fn home(&self) -> Option<&Home> {
        match self {
            Connection::Local(home) => Some(home),
            Connection::Remote(_) => None,
        }
    }

    /// Returns what is attached to, where that is elsewhere.
    pub fn target(&self) -> Option<&Target> {
        match self {
            Connection::Local(_) => None,
            Connection::Remote(attached) => Some(attached.remote().target()),
        }
    }

    /// Returns who acts here whatever a caller says: whoever the token of an engine elsewhere stands for.
    pub fn bearer(&self) -> Option<Actor> {
        match self {
            Connection::Local(_) => None,
            Connection::Remote(attached) => attached.remote().welcome(GRACE).ok()?.actor,
        }
    }

    /// Opens the line for one caller.
    ///
    /// # Errors
    ///
    /// As of [`open`](super::open).
    pub fn operator(&self) -> Result<Box<dyn Operator + Send>, Fault> {
        match self {
            Connection::Local(home) => super::open(home),
            Connection::Remote(attached) => Ok(Box::new(attached.clone())),
        }
    }

    /// Opens the bus.
    ///
    /// # Errors
    ///
    /// Its files cannot be opened.
    pub fn bus(&self) -> Result<Box<dyn MessageBus + Send>, Fault> {
        Ok(match self {
            Connection::Local(home) => Box::new(Broker::open(home)?),
            Connection::Remote(attached) => Box::new(RemoteBus::new(attached.clone())),
        })
    }

    /// Returns a follower behind a record, or behind the last record there is.
    ///
    /// # Errors
    ///
    /// The ledger could not be read, or the engine does not answer.
    pub fn follow(&self, after: Option<Seq>) -> Result<Follower, Fault> {
        match self {
            Connection::Local(home) => Follower::open(home, after),
            Connection::Remote(attached) => {
                // From here on: what comes while a connection is lost belongs to it too.
                let head = attached.head()?.seq;
                let after = after.map_or(head, |after| after.min(head));
                Follower::attach(attached.remote().target().clone(), after)
            }
        }
    }

    /// Holds on to the line as it is now, for many questions.
    ///
    /// # Errors
    ///
    /// The ledger could not be read, or the engine does not answer.
    pub fn freeze(&self) -> Result<Box<dyn Observer>, Fault> {
        Ok(match self {
            Connection::Local(home) => Box::new(Frozen::open(home)?),
            Connection::Remote(attached) => Box::new(RemoteFrozen {
                held: attached.hold()?,
                attached: attached.clone(),
            }),
        })
    }

    /// Returns all that is so at the ledger's head.
    ///
    /// # Errors
    ///
    /// The ledger could not be read, or the engine does not answer.
    pub fn state(&self) -> Result<Arc<State>, Fault> {
        match self {
            Connection::Local(home) => admin::state(home).map(Arc::new),
            Connection::Remote(attached) => {
                let head = attached.head()?;
                Ok(attached.stand(Moment::After(head.seq))?.state)
            }
        }
    }

    /// Walks the chain and names the first bad record. The records of an engine elsewhere are checked on this side.
    ///
    /// # Errors
    ///
    /// The ledger could not be read at all, or the engine does not answer.
    pub fn verify(&self, anchor: Option<Head>) -> Result<Verified, Fault> {
        match self {
            Connection::Local(home) => admin::verify(home, anchor, &mut |_| {}),
            Connection::Remote(attached) => {
                let page = |after, limit: usize| attached.records(after, limit.min(CHECKED));
                walk::verify(page, anchor, &mut |_| {})
            }
        }
    }

    /// Takes an import in.
    ///
    /// # Errors
    ///
    /// The ledger could not be opened.
    pub fn import(&self, reason: &str, submission: &Submission) -> Result<Imported, Fault> {
        match self {
            Connection::Local(home) => Ok(Cold::open(home)?.import(reason, submission)),
            Connection::Remote(attached) => Ok(attached.import(reason, submission)),
        }
    }

    /// Has a quality gate run on an order, where nobody waits at a terminal: in this process it is ended once `ended` is
    /// set.
    ///
    /// # Errors
    ///
    /// The host or the ledger could not be used, or the run was ended.
    pub fn run_gate(&self, ask: &GateAsk, ended: &AtomicBool) -> Asked {
        match self {
            Connection::Local(home) => super::run_gate(home, ask, ended),
            Connection::Remote(attached) => attached.clone().run_gate(ask),
        }
    }

    /// Returns whether a run of what the project names may be begun without a person: elsewhere its host decides.
    pub fn trusts_project(&self) -> bool {
        self.home().is_none_or(is_trusted)
    }

    /// Does what is wanted of the ledger's folder.
    ///
    /// # Errors
    ///
    /// The folder, or a file in it, could not be read or written, or the engine does not answer.
    pub fn folder(&self, caller: &Caller, call: FolderCall) -> Ruled<FolderAnswer> {
        match self {
            Connection::Local(home) => folder::done(home, caller, call),
            Connection::Remote(attached) => attached.folder(caller, call),
        }
    }

    /// Returns an agent's newest runs, newest first.
    ///
    /// # Errors
    ///
    /// As of [`Connection::folder`].
    pub fn runs(&self, caller: &Caller, agent: &str) -> Result<Vec<RunNote>, Fault> {
        let (agent, limit) = (agent.to_owned(), folder::RUNS);
        match self.folder(caller, FolderCall::Runs { agent, limit })? {
            Ok(FolderAnswer::Runs(runs)) => Ok(runs),
            answered => Err(unexpected(answered)),
        }
    }

    /// Returns a part of what an agent wrote in a run: at most [`MOST_LOG`](super::protocol::MOST_LOG) bytes between two
    /// places; none if there is no such run any more.
    ///
    /// # Errors
    ///
    /// As of [`Connection::folder`].
    pub fn log(
        &self,
        caller: &Caller,
        note: &RunNote,
        from: u64,
        to: u64,
    ) -> Result<Option<LogPart>, Fault> {
        let call = FolderCall::Log {
            agent: note.agent.clone(),
            run: note.run.clone(),
            from,
            to,
        };
        match self.folder(caller, call)? {
            Ok(FolderAnswer::Log(part)) => Ok(part),
            answered => Err(unexpected(answered)),
        }
    }

    /// Returns where the ledger is, as far as a person can go there.
    pub fn place(&self) -> PathBuf {
        match self {
            Connection::Local(home) => home.path().to_owned(),
            Connection::Remote(attached) => attached.remote().target().address.to_string().into(),
        }
    }
}

fn reach(target: Target, patience: Duration) -> Result<Connection, Fault> {
    let remote = Remote::calling(target)?;
    // Who is not there says so at once, and may be back in a moment; who is far takes a while to answer.
    if let Err(fault) = remote.welcome(GRACE.min(patience)) {
        match remote.state() {
            None => drop(remote.welcome(patience.saturating_sub(GRACE))?),
            Some(_) => return Err(fault),
        }
    }
    Ok(Connection::Remote(Attached::new(Arc::new(remote))))
}

/// Returns the fault of an answer that is none to what was asked.
pub(super) fn unexpected(answered: Result<FolderAnswer, Refusal>) -> Fault {
    match answered {
        Err(refusal) => Fault::new(FaultKind::Permission, "".as_ref(), refusal.to_string()),
        Ok(_) => {
            let what = "the engine answered something else than was asked";
            Fault::new(FaultKind::Misuse, "".as_ref(), what)
        }
    }
}

/// A line that an engine elsewhere holds on to.
struct RemoteFrozen {
    held: Held,
    attached: Attached,
}

impl Observer for RemoteFrozen {
    fn ask(&mut self, query: &Query) -> Answered {
        self.attached.ask_held(self.held.id, query)
    }
}
