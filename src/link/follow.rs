//! The ledger's records as they come, whoever writes them.

use std::{
    sync::mpsc::{self, RecvTimeoutError},
    time::Duration,
};

use crate::{
    domain::record::{Record, Seq},
    ledger::{Fault, Home, Ledger as _, READ_PAGE, SqliteLedger, Watch},
};

/// How often the ledger is looked at where no doorbell rings.
const FALLBACK: Duration = Duration::from_secs(5);

/// Reads on behind a record, and waits at the end.
pub struct Follower {
    ledger: SqliteLedger,
    bell: mpsc::Receiver<()>,
    _watch: Option<Watch>,
    after: Seq,
}

impl Follower {
    /// Returns a follower behind `after`, or behind the last record there is.
    ///
    /// # Errors
    ///
    /// The ledger could not be read.
    pub fn open(home: &Home, after: Option<Seq>) -> Result<Self, Fault> {
        let mut ledger = SqliteLedger::open(home)?;
        // One waiting ring is enough: the reader reads to the end.
        let (sender, bell) = mpsc::sync_channel(1);
        let watch = ledger.watch(Box::new(move || {
            let _ = sender.try_send(());
        }));
        let watch = watch
            .inspect_err(|fault| tracing::warn!(%fault, "no doorbell"))
            .ok();
        let after = match after {
            Some(after) => after,
            None => ledger.head()?.seq,
        };
        Ok(Follower {
            ledger,
            bell,
            _watch: watch,
            after,
        })
    }

    /// Returns the records that came since the last call, waiting for at least one.
    /// An empty answer means that `patience` ran out.
    ///
    /// # Errors
    ///
    /// The ledger could not be read.
    pub fn next(&mut self, patience: Duration) -> Result<Vec<Record>, Fault> {
        let mut left = patience;
        loop {
            // A restore takes the head back, and what comes after it is news again.
            self.after = self.after.min(self.ledger.head()?.seq);
            let records = self.ledger.read(self.after, READ_PAGE)?;
            if let Some(last) = records.last() {
                self.after = last.seq;
                return Ok(records);
            }
            if left.is_zero() {
                return Ok(records);
            }
            let pause = left.min(FALLBACK);
            match self.bell.recv_timeout(pause) {
                Ok(()) => {}
                Err(RecvTimeoutError::Timeout) => left -= pause,
                // The watch is gone: only the slow look is left.
                Err(RecvTimeoutError::Disconnected) => {
                    std::thread::park_timeout(pause);
                    left -= pause;
                }
            }
        }
    }
}
