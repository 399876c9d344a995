//! The one process per ledger that makes due things prompt.

use uuid::Uuid;

use super::{Handle, reply::Reply};
use crate::{
    domain::{
        command::{Command, Role, Submission},
        event::Event,
        order::Actor,
        record::Door,
    },
    ledger::{Fault, FaultKind, Home, HostLock},
};

/// Returns a submission of the engine's own, which nobody asked for.
pub fn own_act(command: Command) -> Submission {
    Submission {
        id: Uuid::now_v7(),
        actor: Actor::system(),
        role: Role::Admin,
        door: Door::Engine,
        uid: rustix::process::getuid().as_raw(),
        epoch: None,
        causation: None,
        correlation: None,
        dry_run: false,
        until: None,
        as_of: None,
        command,
    }
}

/// What an election came to.
pub enum Election {
    /// This process is the host until the value is dropped.
    Won(Host),
    /// Another process is, or this one may only read.
    Lost,
}

/// The host's office: the lock for life, and the term.
pub struct Host {
    handle: Handle,
    term: u64,
    _lock: HostLock,
}

impl Host {
    /// Stands for election. A win is a term on the ledger before anything is done in its name.
    pub fn elect(home: &Home, handle: &Handle, title: &str) -> Result<Election, Fault> {
        home.holds_ledger()?;
        let Some(lock) = HostLock::try_acquire(home, title)? else {
            return Ok(Election::Lost);
        };
        let submission = own_act(Command::ElectHost {
            pid: std::process::id(),
        });
        let failed = |what: String| Fault::new(FaultKind::Io, home.path(), what);
        match handle.submit(submission) {
            Reply::Done(outcome) => {
                let elected = outcome
                    .records
                    .iter()
                    .find_map(|record| match record.decode() {
                        Ok(Event::HostElected { term, .. }) => Some(term),
                        _ => None,
                    });
                let term = elected.ok_or_else(|| failed("the election left no term".into()))?;
                handle.set_prompt(true);
                tracing::info!(term, "elected as host");
                Ok(Election::Won(Host {
                    handle: handle.clone(),
                    term,
                    _lock: lock,
                }))
            }
            // A ledger that a newer version wrote is only looked at, and nobody hosts it from here.
            Reply::Refused(refusal) => {
                tracing::warn!(%refusal, "the election was refused");
                Ok(Election::Lost)
            }
            Reply::Failed(failure) => Err(failure.fault().clone()),
        }
    }

    /// Returns the term; side effects carry it, so that those of a replaced host can be refused.
    pub fn term(&self) -> u64 {
        self.term
    }
}

impl Drop for Host {
    /// Steps down: the next console or server takes over.
    fn drop(&mut self) {
        self.handle.set_prompt(false);
        tracing::info!(term = self.term, "stepped down as host");
    }
}
