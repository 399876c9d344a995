//! A caller without a host: the ledger in this process, for as long as one command takes.

use std::sync::Arc;

use super::{Answered, Beaten, Heartbeat, Observer, Operator};
use crate::{
    domain::{command::Submission, import_report::ImportReport, query::Query},
    engine::{Clock, Reply, SystemClock, Writer},
    ledger::{Fault, Home, SqliteLedger},
};

/// A writer in this process.
pub struct Cold {
    writer: Writer,
}

impl Cold {
    /// Opens a ledger. Its state is loaded at the first use.
    pub fn open(home: &Home) -> Result<Self, Fault> {
        Cold::open_at(home, Arc::new(SystemClock::new()))
    }

    /// Opens a ledger under another clock.
    pub fn open_at(home: &Home, clock: Arc<dyn Clock>) -> Result<Self, Fault> {
        let ledger = SqliteLedger::open(home)?;
        Ok(Cold {
            writer: Writer::new(Box::new(ledger), clock, Some(home)),
        })
    }

    /// Submits an import, which holds up everybody else for a while and tells them why. Returns what it came to, and the
    /// report on it unless it could not be decided.
    pub fn import(
        &mut self,
        reason: &str,
        submission: &Submission,
    ) -> (Reply, Option<ImportReport>) {
        self.writer.import(reason, submission)
    }
}

impl Observer for Cold {
    fn ask(&mut self, query: &Query) -> Answered {
        Ok(self.writer.ask(query)?)
    }
}

impl Operator for Cold {
    fn submit(&mut self, submission: &Submission) -> Reply {
        self.writer.submit(submission)
    }

    fn heartbeat(&mut self, beat: &Heartbeat) -> Beaten {
        Ok(self
            .writer
            .heartbeat(beat.order, beat.epoch, &beat.actor, beat.role, &beat.note)?)
    }
}
