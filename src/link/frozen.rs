//! The ledger as it stands at one moment, for a caller with many questions.

use std::sync::Arc;

use super::{Answered, Observer};
use crate::{
    domain::{query::Query, record::Head},
    engine::{Clock as _, HeldClock, SystemClock, Writer},
    ledger::{Fault, FaultKind, Home, Ledger as _, SqliteLedger},
};

/// Answers every question from one version of the ledger, at one time. It is read in this process: the host's version
/// moves on.
pub struct Frozen {
    writer: Writer,
    head: Head,
    home: Home,
}

impl Frozen {
    /// Holds on to a ledger as it is now.
    ///
    /// # Errors
    ///
    /// The ledger could not be opened or read.
    pub fn open(home: &Home) -> Result<Frozen, Fault> {
        let clock = Arc::new(HeldClock::at(SystemClock::new().now()));
        let writer = |ledger| Writer::new(Box::new(ledger), Arc::clone(&clock) as _, Some(home));
        let mut ledger = SqliteLedger::open(home)?;
        if ledger.archive_watermark()?.is_none() {
            // What was lost can be made again, but not by a handle that stands still.
            writer(SqliteLedger::open(home)?).catch_up()?;
        }
        ledger.hold()?;
        let head = ledger.head()?;
        Ok(Frozen {
            writer: writer(ledger),
            head,
            home: home.clone(),
        })
    }

    /// Returns the last record of the version that answers.
    pub fn head(&self) -> Head {
        self.head
    }
}

impl Observer for Frozen {
    fn ask(&mut self, query: &Query) -> Answered {
        let answer = self.writer.ask(query)?;
        if self.writer.state().head != self.head {
            let what = "the ledger was replaced while it was being read";
            let fault = Fault::new(FaultKind::Busy, self.home.path(), what);
            return Err(fault.mend("Try again.").into());
        }
        Ok(answer)
    }
}
