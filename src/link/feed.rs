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
/// How many records are kept with them.
const KEPT_RECORDS: usize = 32_768;
/// The most records of a commit that are sent one by one: beyond that a snapshot says it shorter.
const MOST: usize = 4_096;
/// The most records of one message.
const TOGETHER: usize = 256;

/// One commit, or a state that no records lead to.
pub struct Entry {
    records: Arc<[Record]>,
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

/// Returns records as messages, none larger than a message may be.
pub fn texts(records: &[Record]) -> Vec<Utf8Bytes> {
    let last = records.len().div_ceil(TOGETHER);
    let chunks = records.chunks(TOGETHER).enumerate();
    let text = |(n, records)| {
        let more = n + 1 < last;
        serde_json::to_string(&Lent::Records { records, more }).map(Utf8Bytes::from)
    };
    // What came from the ledger can be written again.
    chunks.filter_map(|chunk| text(chunk).ok()).collect()
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
        self.texts.get_or_init(|| texts(&self.records))
    }
}

#[derive(Default)]
struct Ring {
    entries: VecDeque<Arc<Entry>>,
    records: usize,
    /// The place of the first entry, counted from the beginning of this feed.
    first: u64,
}

/// A snapshot on its way to many.
pub struct Sent {
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

    /// Returns the newest version as a snapshot in parts, made once for all who need it at that version; None for one
    /// that cannot be sent. It may read and write much: call it where waiting is allowed.
    pub fn snapshot(&self) -> Option<Arc<Sent>> {
        // Held meanwhile, so that a hundred consoles that attach at once make one.
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let state = self.service.state();
        if let Some(sent) = sent.as_ref().filter(|sent| sent.head == state.head) {
            return Some(Arc::clone(sent));
        }
        let packed = Bytes::from(packed::pack(&state)?);
        if packed.len() > MAX_SNAPSHOT {
            return None;
        }
        let starts = (0..packed.len()).step_by(PART);
        let part = |start| packed.slice(start..packed.len().min(start + PART));
        let made = Arc::new(Sent {
            head: state.head,
            parts: starts.map(part).collect(),
            bytes: packed.len(),
        });
        Some(Arc::clone(sent.insert(made)))
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
    fn push(&mut self, news: &News) -> u64 {
        self.records += news.records.len();
        self.entries.push_back(Arc::new(Entry {
            records: Arc::clone(&news.records),
            texts: OnceLock::new(),
            written: OnceLock::new(),
        }));
        while self.entries.len() > 1
            && (self.entries.len() > KEPT || self.records > KEPT_RECORDS)
            && let Some(old) = self.entries.pop_front()
        {
            self.records -= old.records.len();
            self.first += 1;
        }
        self.first + self.entries.len() as u64
    }
}
