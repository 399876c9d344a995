//! The ledger's records as they come, whoever writes them.

use std::{
    sync::mpsc::{self, RecvTimeoutError},
    time::Duration,
};

use uuid::Uuid;

use super::{
    protocol::socket::Follow,
    remote::{self, Heard, Remote, Target},
};
use crate::{
    domain::{
        event::Event,
        record::{Record, Seq},
    },
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

/// Which ledger, and which life of it.
type Life = (Uuid, u64);

fn life_of(ledger: &SqliteLedger) -> Life {
    let identity = ledger.identity();
    (identity.uuid, identity.incarnation)
}

/// How far a follower is.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// The last record that was read of this life.
    after: Seq,
    /// The life that is followed; None before the first look.
    life: Option<Life>,
    /// Whether the record with which this life began is still to come: those before it belong to the life before.
    unborn: bool,
}

impl Place {
    fn behind(after: Seq) -> Place {
        Place {
            after,
            life: None,
            unborn: false,
        }
    }

    /// Returns whether it goes on where it was. After a restore, or with another ledger in its place, the places that are
    /// known mean something else: what is news then begins with the record that says so.
    fn goes_on(&mut self, life: Life) -> bool {
        let before = self.life.replace(life);
        let same = before.is_none_or(|before| before == life);
        if !same {
            (self.after, self.unborn) = (0, true);
        }
        same
    }

    /// Returns whether a record is the first of the life that is followed.
    fn begins(&self, record: &Record) -> bool {
        match record.event() {
            Some(Event::LedgerCreated { uuid, incarnation }) => {
                self.life == Some((uuid, incarnation))
            }
            Some(Event::LedgerRestored { incarnation }) => {
                self.life.is_some_and(|(_, life)| life == incarnation)
            }
            _ => false,
        }
    }

    /// Returns what of some records is news, and the place behind them.
    fn news(mut self, mut records: Vec<Record>) -> (Vec<Record>, Place) {
        // What is known already may come once more after a connection was lost.
        records.retain(|record| record.seq > self.after);
        if let Some(last) = records.last() {
            self.after = last.seq;
        }
        if self.unborn {
            let born = records.iter().position(|record| self.begins(record));
            self.unborn = born.is_none();
            drop(records.drain(..born.unwrap_or(records.len())));
        }
        (records, self)
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
    place: Place,
    sender: mpsc::SyncSender<Vec<Record>>,
}

impl remote::Follower for Reading {
    fn follow(&mut self) -> Follow {
        Follow::Records {
            after: Some(self.place.after),
        }
    }

    fn hear(&mut self, heard: Heard) -> bool {
        match heard {
            Heard::Welcome(welcome) => self.place.goes_on((welcome.ledger, welcome.incarnation)),
            Heard::Records(records, _) => {
                let (news, place) = self.place.news(records);
                if !news.is_empty()
                    && let Err(mpsc::TrySendError::Full(_)) = self.sender.try_send(news)
                {
                    // It is asked for again, once there is room.
                    return false;
                }
                self.place = place;
                true
            }
            _ => true,
        }
    }
}

impl RemoteFollower {
    fn open(target: Target, after: Seq) -> Result<Self, Fault> {
        let (sender, news) = mpsc::sync_channel(WAITING);
        let remote = Remote::following(
            target,
            Reading {
                place: Place::behind(after),
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
    place: Place,
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
        let head = ledger.head()?.seq;
        let mut place = Place::behind(after.map_or(head, |after| after.min(head)));
        place.goes_on(life_of(&ledger));
        Ok(LedgerFollower {
            ledger,
            bell,
            _watch: watch,
            place,
        })
    }

    fn next(&mut self, patience: Duration) -> Result<Vec<Record>, Fault> {
        let mut left = patience;
        loop {
            // The head first: it is what notices a restore.
            self.ledger.head()?;
            self.place.goes_on(life_of(&self.ledger));
            let records = self.ledger.read(self.place.after, READ_PAGE)?;
            let is_end = records.is_empty();
            let (news, place) = self.place.news(records);
            self.place = place;
            if !news.is_empty() || is_end && left.is_zero() {
                return Ok(news);
            }
            if !is_end {
                continue;
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

#[cfg(test)]
mod tests {
    use super::{remote::Follower as _, *};
    use crate::{
        domain::{
            command::Role,
            record::{ActorKind, Door, Hash},
            time::Timestamp,
        },
        link::protocol::{PROTOCOL, socket::Welcome},
    };

    fn welcome(ledger: u128, incarnation: u64) -> Heard {
        Heard::Welcome(Box::new(Welcome {
            protocol: PROTOCOL,
            version: "1".into(),
            name: "line".into(),
            ledger: Uuid::from_u128(ledger),
            incarnation,
            role: Role::Viewer,
            actor: None,
            now: Timestamp(1),
        }))
    }

    fn record(seq: Seq, event: &Event) -> Record {
        Record {
            seq,
            time: Timestamp(1),
            occurred_at: Timestamp(1),
            command: Uuid::nil(),
            n: 0,
            command_hash: Hash::ZERO,
            causation: None,
            correlation: None,
            actor_kind: ActorKind::System.into(),
            actor: "system".into(),
            door: Door::Engine.into(),
            uid: 1,
            subject: "ledger".into(),
            kind: event.kind().into(),
            version: event.version(),
            body: serde_json::to_string(event).unwrap_or_default().into(),
            hash: Hash::ZERO,
        }
    }

    fn asked(reading: &mut Reading) -> Seq {
        match reading.follow() {
            Follow::Records { after: Some(after) } => after,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn another_life_is_heard_from_its_first_record_on() {
        let (sender, news) = mpsc::sync_channel(WAITING);
        let place = Place::behind(0);
        let mut reading = Reading { place, sender };
        let note = |incarnation| Event::LedgerRestored { incarnation };
        let born = |ledger| Event::LedgerCreated {
            uuid: Uuid::from_u128(ledger),
            incarnation: 1,
        };
        let seqs = || -> Vec<Seq> {
            let heard = news.try_iter().flatten();
            heard.map(|record| record.seq).collect()
        };
        assert!(reading.hear(welcome(7, 1)));
        let known: Vec<_> = (1..=9).map(|seq| record(seq, &born(7))).collect();
        assert!(reading.hear(Heard::Records(known.clone(), false)));
        assert_eq!(seqs(), Vec::from_iter(1..=9));
        // The same life goes on, and nothing is heard twice.
        assert!(reading.hear(welcome(7, 1)) && asked(&mut reading) == 9);
        assert!(reading.hear(Heard::Records(known.clone(), false)));
        assert!(seqs().is_empty());
        // A restore to the fifth record: what came before it is known.
        assert!(!reading.hear(welcome(7, 2)) && asked(&mut reading) == 0);
        assert!(reading.hear(Heard::Records(known[..5].to_vec(), false)));
        assert!(seqs().is_empty());
        let after = vec![record(6, &note(2)), record(7, &note(9))];
        assert!(reading.hear(Heard::Records(after, false)));
        assert_eq!((seqs(), asked(&mut reading)), (vec![6, 7], 7));
        // Another ledger in its place.
        assert!(!reading.hear(welcome(8, 2)) && !reading.hear(welcome(8, 1)));
        let other = vec![record(1, &born(8)), record(2, &note(9))];
        assert!(reading.hear(Heard::Records(other, false)));
        assert_eq!((seqs(), asked(&mut reading)), (vec![1, 2], 2));
    }
}
