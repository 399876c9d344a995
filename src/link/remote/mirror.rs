//! The line's state kept here, as an engine elsewhere has it.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Follower, Heard, LinkState};
use crate::{
    domain::{
        record::{Record, Seq},
        snapshot::SNAPSHOT_FORMAT,
        state::State,
        time::Timestamp,
    },
    engine::{News, take_record},
    link::{
        packed,
        protocol::socket::{Beside, Follow, Resume, Welcome},
    },
};

/// The most records of one commit that are gathered: the engine sends a snapshot where there are more.
const MOST_GATHERED: usize = 16_384;

/// What a mirror tells.
pub enum MirrorNews {
    /// A version, with the records that led to it; none where it came whole.
    Changed(News),
    /// How the engine is reached is another.
    Link(LinkState),
    /// The engine introduced itself.
    Welcome(Box<Welcome>),
    /// The engine is alive, at its time, and its version ends with this record.
    Alive(Timestamp, Seq),
    /// Something beside the ledger is another.
    Stirred(Beside),
}

type Listener = Box<dyn FnMut(MirrorNews) + Send>;

/// Follows a line: every record is checked against the chain of hashes, and what does not continue it is asked for anew.
pub struct Mirror {
    state: Arc<Mutex<Arc<State>>>,
    /// The state as it is being brought on, where a commit has not come whole.
    next: Option<State>,
    gathered: Vec<Record>,
    /// Whether the state may be resumed from.
    sound: bool,
    /// At the last beat of this connection: the engine's last record, and the last one here.
    beaten: (Seq, Seq),
    listener: Listener,
}

impl Mirror {
    /// Returns a mirror that tells `listener`, and where the newest version stands.
    pub fn new(
        listener: impl FnMut(MirrorNews) + Send + 'static,
    ) -> (Mirror, Arc<Mutex<Arc<State>>>) {
        let state = Arc::<Mutex<Arc<State>>>::default();
        let mirror = Mirror {
            state: Arc::clone(&state),
            next: None,
            gathered: Vec::new(),
            sound: false,
            beaten: (0, 0),
            listener: Box::new(listener),
        };
        (mirror, state)
    }

    fn newest(&self) -> Arc<State> {
        Arc::clone(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn publish(&mut self, state: State, records: Vec<Record>) {
        let state = Arc::new(state);
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&state);
        (self.listener)(MirrorNews::Changed(News {
            state,
            records: records.into(),
        }));
    }

    fn take_records(&mut self, records: Vec<Record>, more: bool) -> bool {
        let newest = self.newest();
        let mut state = self.next.take().unwrap_or_else(|| State::clone(&newest));
        for record in records {
            // What is known already may come once more after a connection was lost.
            if record.seq <= state.head.seq {
                continue;
            }
            if let Err(fault) = take_record(&mut state, &record) {
                tracing::warn!(%fault, "the engine's records do not continue what is known");
                self.forget();
                return false;
            }
            self.gathered.push(record);
        }
        if self.gathered.len() > MOST_GATHERED {
            tracing::warn!("the engine's commit has no end");
            self.forget();
            return false;
        }
        if more {
            self.next = Some(state);
            return true;
        }
        let gathered = std::mem::take(&mut self.gathered);
        if !gathered.is_empty() {
            self.publish(state, gathered);
        }
        true
    }

    /// Takes a beat. False where what the engine had at the beat before has not come, nor anything else since then: the
    /// engine tells its news between two beats, so that this is lost.
    fn take_beat(&mut self, seq: Seq) -> bool {
        let here = self.newest().head.seq;
        let (there, before) = std::mem::replace(&mut self.beaten, (seq, here));
        let lost = here < there && here == before;
        if lost {
            tracing::warn!(here, there, "the engine's records did not come");
        }
        !lost
    }

    fn forget(&mut self) {
        self.sound = false;
        self.beaten = (0, 0);
        self.next = None;
        self.gathered.clear();
    }
}

impl Follower for Mirror {
    fn follow(&mut self) -> Follow {
        // A commit of which only a part came is asked for anew.
        self.beaten = (0, 0);
        self.next = None;
        self.gathered.clear();
        let state = self.newest();
        let known: Seq = state.head.seq;
        Follow::State {
            snapshot_format: SNAPSHOT_FORMAT,
            have: (self.sound && known > 0).then(|| Resume {
                ledger: state.uuid,
                incarnation: state.incarnation,
                head: state.head,
            }),
        }
    }

    fn hear(&mut self, heard: Heard) -> bool {
        match heard {
            Heard::Snapshot(packed) => {
                let Some(state) = packed::unpack(&packed) else {
                    tracing::warn!("the engine's snapshot cannot be read");
                    self.forget();
                    return false;
                };
                self.forget();
                self.sound = true;
                self.publish(state, Vec::new());
                true
            }
            Heard::Records(records, more) => self.take_records(records, more),
            Heard::Welcome(welcome) => {
                (self.listener)(MirrorNews::Welcome(welcome));
                true
            }
            Heard::Beat(now, seq) => {
                (self.listener)(MirrorNews::Alive(now, seq));
                self.take_beat(seq)
            }
            Heard::Stirred(beside) => {
                (self.listener)(MirrorNews::Stirred(beside));
                true
            }
            Heard::Link(link) => {
                (self.listener)(MirrorNews::Link(link));
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]

    use super::*;

    #[test]
    fn what_does_not_come_between_two_beats_is_asked_for_again() {
        let (mut mirror, _) = Mirror::new(|_| {});
        let whole = packed::pack(&State::default()).unwrap();
        assert!(mirror.hear(Heard::Snapshot(whole)));
        let beat = |seq| Heard::Beat(Timestamp(1), seq);
        // What is here is all that there is; then there is more, which may be on its way.
        assert!(mirror.hear(beat(0)) && mirror.hear(beat(0)) && mirror.hear(beat(7)));
        assert!(!mirror.hear(beat(7)), "it is lost");
        // Another connection begins anew.
        mirror.follow();
        assert!(mirror.hear(beat(7)) && !mirror.hear(beat(8)));
    }
}
