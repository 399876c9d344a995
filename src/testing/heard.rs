//! What was heard of a line, and the waiting for more.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    domain::{
        event::Event,
        record::{Record, Seq},
        state::State,
    },
    link::SessionNews,
};

/// How long anything is waited for: many times what it takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// How many records are told of where something did not come.
const TOLD: usize = 12;

/// What was waited for did not come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotSeen {
    /// What it was, in the words of whoever waited.
    pub what: String,
    /// The last that happened instead, oldest first: each record's number, kind and subject.
    pub instead: Vec<String>,
}

impl fmt::Display for NotSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instead = self.instead.join(", ");
        write!(f, "{} did not come; the last was {instead}", self.what)
    }
}

/// Everything that happened on a line so far.
#[derive(Clone, Default)]
pub(super) struct Heard(Arc<(Mutex<Known>, Condvar)>);

#[derive(Default)]
struct Known {
    records: BTreeMap<Seq, Record>,
    state: Arc<State>,
}

impl Heard {
    /// Takes in what is new.
    pub(super) fn take(&self, news: &SessionNews) {
        let mut known = self.lock();
        let records = news.records.iter().cloned();
        known
            .records
            .extend(records.map(|record| (record.seq, record)));
        known.state = Arc::clone(&news.state);
        self.0.1.notify_all();
    }

    /// Returns all of it, oldest first.
    pub(super) fn all(&self) -> Vec<Record> {
        self.lock().records.values().cloned().collect()
    }

    /// Waits until `look` finds what it looks for, over all that happened and the line as it stands.
    pub(super) fn wait<T>(
        &self,
        what: &str,
        look: impl Fn(&mut dyn Iterator<Item = &Record>, &State) -> Option<T>,
    ) -> Result<T, NotSeen> {
        let until = Instant::now() + PATIENCE;
        let mut known = self.lock();
        loop {
            if let Some(found) = look(&mut known.records.values(), &known.state) {
                return Ok(found);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(known.not_seen(what));
            }
            let woken = self.0.1.wait_timeout(known, left);
            known = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn not_seen(&self, what: &str) -> NotSeen {
        let last = self.records.values().rev().take(TOLD);
        let told = last.map(|record| format!("{} {} {}", record.seq, record.kind, record.subject));
        let mut instead: Vec<_> = told.collect();
        instead.reverse();
        NotSeen {
            what: what.into(),
            instead,
        }
    }
}

/// Returns the first record whose event is the one.
pub(super) fn first(
    records: &mut dyn Iterator<Item = &Record>,
    is_it: impl Fn(&Event) -> bool,
) -> Option<Record> {
    let mut found = records.filter(|record| record.decode().is_ok_and(|event| is_it(&event)));
    found.next().cloned()
}
