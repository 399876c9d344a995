//! The ledger's records as they come, whoever writes them.

use std::{
    sync::mpsc::{self, RecvTimeoutError},
    time::Duration,
};

use super::protocol::socket::Follow;
use super::remote::{self, Heard, Remote, Target};
use crate::{
    domain::record::{Record, Seq},
    ledger::{Fault, Home, Ledger as _, READ_PAGE, SqliteLedger, Watch},
};

/// How often the ledger is looked at where no doorbell rings.
const FALLBACK: Duration = Duration::from_secs(5);

/// Reads on behind a record, and waits at the end; wherever the engine is.
pub enum Follower {
    /// From the ledger in a folder.
    Ledger(Box<LedgerFollower>),
    /// From an engine elsewhere.
    Remote(RemoteFollower),
}

impl Follower {
    /// Returns a follower behind `after`, or behind the last record there is.
    ///
    /// # Errors
    ///
    /// The ledger could not be read.
    pub fn open(home: &Home, after: Option<Seq>) -> Result<Self, Fault> {
        Ok(Follower::Ledger(Box::new(LedgerFollower::open(
            home, after,
        )?)))
    }

    /// Returns a follower of what an engine elsewhere records.
    ///
    /// # Errors
    ///
    /// The engine does not answer, or does not want this caller.
    pub fn attach(target: Target, after: Seq) -> Result<Self, Fault> {
        Ok(Follower::Remote(RemoteFollower::open(target, after)?))
    }

    /// Returns the records that came since the last call, waiting for at least one.
    /// An empty answer means that `patience` ran out.
    ///
    /// # Errors
    ///
    /// The ledger could not be read; of an engine elsewhere, that it does not want this caller any more.
    pub fn next(&mut self, patience: Duration) -> Result<Vec<Record>, Fault> {
        match self {
            Follower::Ledger(ledger) => ledger.next(patience),
            Follower::Remote(remote) => remote.next(patience),
        }
    }
}

/// Follows an engine elsewhere, and goes on where it was after a connection was lost.
pub struct RemoteFollower {
    news: mpsc::Receiver<Vec<Record>>,
    remote: Remote,
}

/// How long the first connection may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most messages of records that wait to be taken: beyond it the engine's own buffers fill, and it is read on later.
const WAITING: usize = 1_024;

/// The thread's side of it.
struct Reading {
    after: Seq,
    /// The last record that was heard of this life of the ledger.
    known: Seq,
    /// Which life of the ledger that counts in.
    incarnation: Option<u64>,
    sender: mpsc::SyncSender<Vec<Record>>,
}

impl remote::Follower for Reading {
    fn follow(&mut self) -> Follow {
        Follow::Records {
            after: Some(self.after),
        }
    }

    fn hear(&mut self, heard: Heard) -> bool {
        match heard {
            // A restore takes the head back, and what comes after it is news again: the engine begins where it can.
            Heard::Welcome(welcome) => {
                let before = self.incarnation.replace(welcome.incarnation);
                if before.is_some_and(|before| before != welcome.incarnation) {
                    self.known = 0;
                }
            }
            Heard::Records(mut records, _) => {
                // What is known already may come once more after a connection was lost.
                records.retain(|record| record.seq > self.known);
                let Some(last) = records.last().map(|record| record.seq) else {
                    return true;
                };
                match self.sender.try_send(records) {
                    Ok(()) => (self.after, self.known) = (last, last),
                    // It is asked for again, once there is room.
                    Err(mpsc::TrySendError::Full(_)) => return false,
                    Err(mpsc::TrySendError::Disconnected(_)) => {}
                }
            }
            _ => {}
        }
        true
    }
}

impl RemoteFollower {
    fn open(target: Target, after: Seq) -> Result<Self, Fault> {
        let (sender, news) = mpsc::sync_channel(WAITING);
        let remote = Remote::following(
            target,
            Reading {
                after,
                known: after,
                incarnation: None,
                sender,
            },
        )?;
        remote.welcome(PATIENCE)?;
        Ok(RemoteFollower { news, remote })
    }

    fn next(&mut self, patience: Duration) -> Result<Vec<Record>, Fault> {
        let mut left = patience;
        loop {
            let pause = left.min(FALLBACK);
            if let Ok(records) = self.news.recv_timeout(pause) {
                return Ok(records);
            }
            left -= pause;
            // A token that was revoked does not become good again.
            if let Some(remote::LinkState::Down { denied: true, .. }) = self.remote.state() {
                self.remote.welcome(Duration::ZERO)?;
            }
            if left.is_zero() {
                return Ok(vec![]);
            }
        }
    }
}

/// Follows the ledger in a folder.
pub struct LedgerFollower {
    ledger: SqliteLedger,
    bell: mpsc::Receiver<()>,
    _watch: Option<Watch>,
    after: Seq,
}

impl LedgerFollower {
    fn open(home: &Home, after: Option<Seq>) -> Result<Self, Fault> {
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
        Ok(LedgerFollower {
            ledger,
            bell,
            _watch: watch,
            after,
        })
    }

    fn next(&mut self, patience: Duration) -> Result<Vec<Record>, Fault> {
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
