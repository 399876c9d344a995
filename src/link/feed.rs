//! The line's news for many listeners at once: each commit is written out once, and everybody reads on from where they are.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use serde::Serialize;
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::{Bytes, Utf8Bytes};

use super::{
    packed,
    protocol::socket::{MAX_SNAPSHOT, PART},
    service::Service,
};
use crate::{
    domain::record::{Head, Record, Seq},
    engine::{News, Subscription},
};

/// How many commits are kept for those who are behind: some seconds of the busiest line.
const KEPT: usize = 4_096;
/// How many bytes of them are kept, about.
const KEPT_BYTES: usize = 16 << 20;
/// The most records of a commit that are sent one by one: beyond that a snapshot says it shorter.
const MOST: usize = 4_096;
/// The most records of one message.
const TOGETHER: usize = 256;
/// The most bytes of one message, about, where it is more than one record: answers and signs of life come in between.
const TOGETHER_BYTES: usize = 64 << 10;
/// What a record is counted as beside its body, in bytes.
const USUAL_BYTES: usize = 512;
/// How many records may have come since a snapshot was made that is handed out once more.
const LED_ON: usize = 1_024;

/// One commit, or a state that no records lead to.
pub struct Entry {
    records: Arc<[Record]>,
    bytes: usize,
    texts: OnceLock<Vec<Utf8Bytes>>,
    written: OnceLock<Bytes>,
}

/// [`FromEngine::Records`](super::protocol::socket::FromEngine) over records that are only lent.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Lent<'a> {
    Records {
        records: &'a [Record],
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        more: bool,
    },
}

/// Returns records as messages, none larger than a message may be; `more` of the same version follow behind them.
pub fn texts(records: &[Record], more: bool) -> Vec<Utf8Bytes> {
    let mut texts = Vec::new();
    let mut rest = records;
    while !rest.is_empty() {
        let (records, later) = rest.split_at(together(rest));
        let more = more || !later.is_empty();
        // What came from the ledger can be written again.
        let text = serde_json::to_string(&Lent::Records { records, more });
        texts.extend(text.map(Utf8Bytes::from));
        rest = later;
    }
    texts
}

/// Returns how many of the first records make a message: one at least.
fn together(records: &[Record]) -> usize {
    let mut bytes = 0;
    let fits = |record: &&Record| {
        bytes += weight(record);
        bytes <= TOGETHER_BYTES
    };
    let fitting = records.iter().take(TOGETHER).take_while(fits).count();
    fitting.clamp(1, records.len().max(1))
}

fn weight(record: &Record) -> usize {
    USUAL_BYTES + record.body.len()
}

impl Entry {
    /// Returns the last record of the commit.
    pub fn last(&self) -> Option<Seq> {
        self.records.last().map(|record| record.seq)
    }

    /// Returns the commit's records.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Returns the commit as the stream of the API has it. It is made by whoever needs it first, and is the same for all.
    pub fn written(&self, write: impl FnOnce(&[Record]) -> Bytes) -> &Bytes {
        self.written.get_or_init(|| write(&self.records))
    }

    /// Returns the commit as messages. They are made by whoever needs them first, and are the same for all.
    pub fn texts(&self) -> &[Utf8Bytes] {
        self.texts.get_or_init(|| texts(&self.records, false))
    }
}

#[derive(Default)]
struct Ring {
    entries: VecDeque<Arc<Entry>>,
    bytes: usize,
    /// The place of the first entry, counted from the beginning of this feed.
    first: u64,
}

/// A snapshot on its way to many.
pub struct Sent {
    /// Behind which commit of the feed what it lacks begins.
    pub at: u64,
    /// What it is a snapshot of.
    pub head: Head,
    /// Its parts, in order.
    pub parts: Vec<Bytes>,
    /// Its bytes in all.
    pub bytes: usize,
}

/// The news of one host.
pub struct Feed {
    service: Arc<Service>,
    ring: Arc<Mutex<Ring>>,
    place: watch::Receiver<u64>,
    sent: Mutex<Option<Arc<Sent>>>,
    _subscription: Subscription,
}

/// What there is behind a place.
pub enum Next {
    /// These commits, without a gap, and the place behind them.
    Entries(Vec<Arc<Entry>>, u64),
    /// What came next is kept no longer, or is no commit: a snapshot is needed.
    Behind,
}

impl Feed {
    /// Listens to a host.
    pub fn of(service: Arc<Service>) -> Feed {
        let ring = Arc::<Mutex<Ring>>::default();
        let (told, place) = watch::channel(0);
        let own = Arc::clone(&ring);
        let subscription = service.subscribe(move |news| {
            let end = lock(&own).push(news);
            told.send_replace(end);
        });
        Feed {
            service,
            ring,
            place,
            sent: Mutex::default(),
            _subscription: subscription,
        }
    }

    /// Returns what tells the place behind the newest commit, whenever it is another.
    pub fn place(&self) -> watch::Receiver<u64> {
        self.place.clone()
    }

    /// Returns the place behind the newest commit.
    pub fn end(&self) -> u64 {
        *self.place.borrow()
    }

    /// Returns what came behind a place, at most `most` commits.
    pub fn next(&self, place: u64, most: usize) -> Next {
        let ring = lock(&self.ring);
        let Some(skip) = place.checked_sub(ring.first) else {
            return Next::Behind;
        };
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        let found: Vec<_> = ring.entries.iter().skip(skip).take(most).cloned().collect();
        drop(ring);
        let whole = |entry: &Arc<Entry>| (1..=MOST).contains(&entry.records.len());
        if !found.iter().all(whole) {
            return Next::Behind;
        }
        let end = place + found.len() as u64;
        Next::Entries(found, end)
    }

    /// Returns a version as a snapshot in parts, made once for all who need it at about the same time: the newest, or one
    /// from which few records lead on. None for one that cannot be sent. It may read and write much: call it where
    /// waiting is allowed.
    pub fn snapshot(&self) -> Option<Arc<Sent>> {
        // Held meanwhile, so that a hundred consoles that attach at once make one.
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sent) = sent.as_ref().filter(|sent| self.leads_on(sent.at)) {
            return Some(Arc::clone(sent));
        }
        // The place comes before the version, so that nothing falls between both.
        let at = self.end();
        let state = self.service.state();
        let packed = Bytes::from(packed::pack(&state)?);
        if packed.len() > MAX_SNAPSHOT {
            return None;
        }
        let starts = (0..packed.len()).step_by(PART);
        let part = |start| packed.slice(start..packed.len().min(start + PART));
        let made = Arc::new(Sent {
            at,
            head: state.head,
            parts: starts.map(part).collect(),
            bytes: packed.len(),
        });
        Some(Arc::clone(sent.insert(made)))
    }

    /// Returns whether few records lead from a place to the newest.
    fn leads_on(&self, place: u64) -> bool {
        match self.next(place, LED_ON) {
            Next::Entries(entries, _) => {
                let records = entries.iter().map(|entry| entry.records.len());
                records.sum::<usize>() < LED_ON
            }
            Next::Behind => false,
        }
    }

    /// Returns the host that is listened to.
    pub fn service(&self) -> &Arc<Service> {
        &self.service
    }
}

fn lock(ring: &Mutex<Ring>) -> std::sync::MutexGuard<'_, Ring> {
    ring.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ring {
    /// Takes a commit, and returns the place behind it.
    fn push(&mut self, news: &News) -> u64 {
        let bytes = news.records.iter().map(weight).sum();
        self.bytes += bytes;
        self.entries.push_back(Arc::new(Entry {
            records: Arc::clone(&news.records),
            bytes,
            texts: OnceLock::new(),
            written: OnceLock::new(),
        }));
        // The newest commit is kept whatever it comes to: a snapshot stands for it where it is too long.
        while self.entries.len() > 1
            && (self.entries.len() > KEPT || self.bytes > KEPT_BYTES)
            && let Some(old) = self.entries.pop_front()
        {
            self.bytes -= old.bytes;
            self.first += 1;
        }
        self.first + self.entries.len() as u64
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]

    use super::*;
    use crate::{
        domain::{
            record::{ActorKind, Door, Hash},
            state::State,
            time::Timestamp,
        },
        link::protocol::socket::FromEngine,
    };

    fn record(seq: Seq, bytes: usize) -> Record {
        Record {
            seq,
            time: Timestamp(1),
            occurred_at: Timestamp(1),
            command: uuid::Uuid::nil(),
            n: 0,
            command_hash: Hash::ZERO,
            causation: None,
            correlation: None,
            actor_kind: ActorKind::Person.into(),
            actor: "ana".into(),
            door: Door::Cli.into(),
            uid: 1,
            subject: "WO-001".into(),
            kind: "order_commented".into(),
            version: 1,
            body: "x".repeat(bytes).into(),
            hash: Hash::ZERO,
        }
    }

    fn news(records: Vec<Record>) -> News {
        News {
            state: Arc::new(State::default()),
            records: records.into(),
        }
    }

    #[test]
    fn records_are_cut_into_messages_by_number_and_by_bytes() {
        let short: Vec<Record> = (1..=600).map(|seq| record(seq, 10)).collect();
        let long: Vec<Record> = (601..=610).map(|seq| record(seq, 40_000)).collect();
        let all = [short, long].concat();
        let mut found = vec![];
        let texts = texts(&all, false);
        for (n, text) in texts.iter().enumerate() {
            let FromEngine::Records { records, more } = serde_json::from_str(text).unwrap() else {
                panic!("{text}");
            };
            assert!(records.len() <= TOGETHER && !records.is_empty());
            assert!(
                records.len() == 1 || records.iter().map(weight).sum::<usize>() <= TOGETHER_BYTES
            );
            assert_eq!(more, n + 1 < texts.len());
            found.extend(records);
        }
        assert_eq!(found, all);
        assert!(super::texts(&[], false).is_empty());
    }

    #[test]
    fn what_is_kept_is_bounded_in_commits_and_in_bytes() {
        let mut ring = Ring::default();
        let mut seq = 0;
        let mut one = |bytes| {
            seq += 1;
            news(vec![record(seq, bytes)])
        };
        for n in 0..2 * KEPT as u64 {
            assert_eq!(ring.push(&one(1)), n + 1);
        }
        assert_eq!((ring.entries.len(), ring.first), (KEPT, KEPT as u64));
        for _ in 0..1_000 {
            ring.push(&one(64 << 10));
            assert!(ring.bytes <= KEPT_BYTES);
        }
        assert_eq!(
            ring.bytes,
            ring.entries.iter().map(|entry| entry.bytes).sum::<usize>()
        );
        // One that is larger by itself is kept alone.
        ring.push(&one(2 * KEPT_BYTES));
        assert_eq!(ring.entries.len(), 1);
    }
}
