//! What lies beside the ledger, watched for those who follow a line from elsewhere: messages, what agents are about, and
//! `obeya.toml`. Nothing is looked at while nobody follows.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle, Thread},
    time::{Duration, SystemTime},
};

use tokio::sync::watch;

use super::{bus::Broker, protocol::socket::Beside};
use crate::{
    engine::gates::Project,
    ledger::{Fault, Home},
};

/// How long after a look the next one is: a few system calls four times a second, which nobody notices.
const LOOK: Duration = Duration::from_millis(250);

/// How often each thing beside the ledger was seen to be another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    messages: u64,
    lives: u64,
    line: u64,
}

impl Counts {
    /// Returns what is another than it was `before`.
    fn since(&self, before: &Counts) -> impl Iterator<Item = Beside> + use<> {
        let stirred = [
            (Beside::Messages, self.messages != before.messages),
            (Beside::Lives, self.lives != before.lives),
            (Beside::Line, self.line != before.line),
        ];
        let stirred = stirred.into_iter().filter(|(_, stirred)| *stirred);
        stirred.map(|(beside, _)| beside)
    }
}

/// The watch over one ledger's folder. It ends when it is dropped.
pub struct ChangeWatch {
    home: Home,
    /// Keeps the watch open while nobody follows.
    _kept: watch::Receiver<Counts>,
    followers: Arc<watch::Sender<Counts>>,
    ended: Arc<AtomicBool>,
    waker: Thread,
    thread: Option<JoinHandle<()>>,
}

impl ChangeWatch {
    /// Watches what lies beside the ledger of a home, while somebody follows.
    ///
    /// # Errors
    ///
    /// No thread could be had.
    pub fn over(home: &Home) -> Result<ChangeWatch, Fault> {
        let (followers, counts) = watch::channel(Counts::default());
        let followers = Arc::new(followers);
        let ended = Arc::<AtomicBool>::default();
        let thread = {
            let (home, ended) = (home.clone(), Arc::clone(&ended));
            let followers = Arc::clone(&followers);
            let name = thread::Builder::new().name("changes".into());
            name.spawn(move || keep_looking(&home, &followers, &ended))
        };
        let failed = |error| Fault::io(home.path(), "watching what lies beside the ledger", &error);
        let thread = thread.map_err(failed)?;
        Ok(ChangeWatch {
            home: home.clone(),
            _kept: counts,
            followers,
            ended,
            waker: thread.thread().clone(),
            thread: Some(thread),
        })
    }

    /// Follows, until what is returned is dropped; somebody who has no use for it hears nothing.
    pub fn follow(&self, wanted: bool) -> ChangeFollower {
        if !wanted {
            return ChangeFollower::default();
        }
        let mut counts = self.followers.subscribe();
        let told = *counts.borrow_and_update();
        self.waker.unpark();
        // Whoever sends first makes the bus, and nobody else.
        let messages = self.home.messages().exists().then_some(Beside::Messages);
        // Whoever was away does not know what stirred meanwhile.
        let others = [Beside::Lives, Beside::Line];
        ChangeFollower {
            counts: Some(counts),
            told,
            unseen: messages.into_iter().chain(others).collect(),
        }
    }
}

/// Somebody who follows what changes.
#[derive(Default)]
pub struct ChangeFollower {
    counts: Option<watch::Receiver<Counts>>,
    told: Counts,
    /// What there is that was never looked at.
    unseen: Vec<Beside>,
}

impl ChangeFollower {
    /// Returns what there is to look at, and then what is another, once something is. It may be given up and called again:
    /// nothing is missed.
    pub async fn next(&mut self) -> Vec<Beside> {
        if !self.unseen.is_empty() {
            return std::mem::take(&mut self.unseen);
        }
        while let Some(counts) = &mut self.counts {
            // The watch ends with the host, of which its callers hear elsewhere.
            if counts.changed().await.is_err() {
                break;
            }
            let now = *counts.borrow_and_update();
            let stirred: Vec<Beside> = now.since(&self.told).collect();
            self.told = now;
            if !stirred.is_empty() {
                return stirred;
            }
        }
        std::future::pending().await
    }
}

impl Drop for ChangeWatch {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
        self.waker.unpark();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that looks beside the ledger panicked");
        }
    }
}

fn keep_looking(home: &Home, followers: &watch::Sender<Counts>, ended: &AtomicBool) {
    let mut messages = Messages::default();
    let line = Project::of(home).line_file();
    let mut seen: Option<Sight> = None;
    while !ended.load(Ordering::Acquire) {
        // One receiver is the watch's own.
        if followers.receiver_count() <= 1 {
            // What changes meanwhile, who comes next sees for itself.
            (seen, messages) = (None, Messages::default());
            thread::park();
            continue;
        }
        let sight = Sight::of(home, &line);
        let sent = messages.changed(home);
        if let Some(before) = &seen {
            let stirred = (sent, before.lives != sight.lives, before.line != sight.line);
            if stirred != (false, false, false) {
                followers.send_modify(|counts| {
                    counts.messages += u64::from(stirred.0);
                    counts.lives += u64::from(stirred.1);
                    counts.line += u64::from(stirred.2);
                });
            }
        }
        seen = Some(sight);
        thread::park_timeout(LOOK);
    }
}

/// When files were written last, and their lengths.
type Stamps = Vec<Option<(SystemTime, u64)>>;

/// What files say without being read.
struct Sight {
    lives: Stamps,
    line: Stamps,
}

impl Sight {
    fn of(home: &Home, line: &Path) -> Sight {
        let telemetry = home.telemetry();
        let mut ahead = telemetry.clone().into_os_string();
        ahead.push("-wal");
        // What hooks say is written ahead of its file.
        let lives = [home.lives(), telemetry, PathBuf::from(ahead)];
        Sight {
            lives: lives.iter().map(|path| stamp(path)).collect(),
            line: vec![stamp(line)],
        }
    }
}

fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    let about = std::fs::metadata(path).ok()?;
    Some((about.modified().ok()?, about.len()))
}

/// The bus, as far as one has to know whether it is another. Held open, so that who looks at it does not seem to have
/// changed it.
#[derive(Default)]
struct Messages(Option<Broker>);

impl Messages {
    fn changed(&mut self, home: &Home) -> bool {
        let Some(broker) = &mut self.0 else {
            // Whoever sends first makes the bus.
            if !home.messages().exists() {
                return false;
            }
            self.0 = Broker::open(home).ok();
            return self.0.is_some();
        };
        let changed = broker.changed();
        changed.unwrap_or_else(|fault| {
            tracing::warn!(%fault, "the bus cannot be watched");
            self.0 = None;
            true
        })
    }
}
