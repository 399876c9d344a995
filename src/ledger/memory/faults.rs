//! Faults to order for the ledger in memory.

use std::time::Duration;

use crate::ledger::{Batch, FaultKind};

/// What shall go wrong at the next append, or turn.
#[derive(Clone, Debug)]
pub enum Injection {
    /// COMMIT fails and nothing is written: the caller hears `NotApplied`.
    CommitFails(FaultKind),
    /// COMMIT succeeds but its answer is lost: the caller hears `Unknown`, the records are there.
    AnswerLost,
    /// The sync fails and the records are gone: the caller hears `Unknown`, the records are not there.
    SyncFails,
    /// Another writer slips this batch in first, resealed to fit: the caller hears `Conflict`.
    Rival(Batch),
    /// The turn comes only after this long.
    SlowTurn(Duration),
}

/// Faults by chance, from a seed so that a run can be repeated.
pub(super) struct Chaos {
    pub(super) state: u64,
    pub(super) one_in: u64,
}

impl Chaos {
    /// Returns a fault for about one append in `one_in` (xorshift64, Marsaglia 2003).
    pub(super) fn draw(&mut self) -> Option<Injection> {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        if !self.state.is_multiple_of(self.one_in) {
            return None;
        }
        Some(match (self.state >> 32) % 3 {
            0 => Injection::CommitFails(FaultKind::Io),
            1 => Injection::AnswerLost,
            _ => Injection::SyncFails,
        })
    }
}
