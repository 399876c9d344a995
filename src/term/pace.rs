//! How fast a slow link is fed.
//!
//! Over SSH a write tells nothing: sshd takes megabytes at once and a line of 2 KiB/s passes them on for minutes, and a
//! key's answer stands behind them. So that is kept count of here: what was sent and has not gone yet is *owed*, and it
//! goes at a *rate*. Three rules make a slow console answer:
//!
//! - Background changes get a quarter of a second of the link and then leave it free for as long again. A key's answer
//!   gets another quarter at once.
//! - A frame that is larger goes in pieces, and each piece is what is newest then: the backend keeps the cells that were
//!   not sent. After a key its own change goes first, from the top.
//! - What came meanwhile is never queued: a frame is made when it may go.
//!
//! The rate of a link that is capped by a setting is that, and of one that cannot be seen [`UNSEEN`]. Where the connection
//! can be seen (see [`gauge`](super::gauge)) it begins at [`UNKNOWN`] and doubles while all that is sent arrives at once,
//! as TCP does. After the first sign of slowness it follows the link: three quarters of what that was seen to carry, so
//! that buffers nobody sees run empty, and slowly more while what is sent arrives at once. Time is handed in.
//!
//! The connection is not the console's alone: a copied file or another pane of the terminal may share it. What others
//! sent is never booked, and while it is on its way nothing is learnt about the rate.

use std::time::{Duration, Instant};

/// The rate that a link which can be seen begins at, in bytes a second: the first piece of a frame takes two seconds of a
/// line of 2 KiB/s, and three doublings, which fast links take in a fifth of a second, let a whole first frame go.
const UNKNOWN: u32 = 16 * 1024;
/// The rate of a link that cannot be seen, in bytes a second. A first frame of 15 KiB is one piece and goes at once. A
/// line of 2 KiB/s is then overrun: a change of the whole screen keeps it for eight seconds, and keys wait as long. Who
/// has such a line says so (`link = "slow"`).
const UNSEEN: u32 = 64 * 1024;
/// The rate no console needs more than, in bytes a second.
const MOST: u32 = 256 * 1024;
/// The rate below which no link is taken to be, in bytes a second: it would never be seen to recover.
const LEAST: u32 = crate::config::Link::LEAST;
/// The link is called slow below this rate, in bytes a second: a whole screen takes seconds.
const SLOW: u32 = 6 * 1024;
/// And no longer called so from this one on, so that the word does not flicker.
const FINE: u32 = 12 * 1024;
/// How much of the link's time a piece may take.
const SLICE: Duration = Duration::from_millis(250);
/// The least time between two looks at the connection.
const LOOK: Duration = Duration::from_millis(50);
/// The most: a link that stands still is looked at no more often than the rest of an idle console.
const LAZY: Duration = Duration::from_secs(5);
/// What SSH and TCP add to a piece, in bytes: length, padding, code, headers.
const WRAPPING: u32 = 100;
/// The least piece that is worth its wrapping.
const WORTH: u32 = 96;
/// What is in the queue beyond what we sent and is still not taken for somebody else's, in bytes: SSH answers each key with
/// packets that hide when keys are typed, and a multiplexer says some things at more length.
const CHATTER: u32 = 1024;
/// How long somebody waits for a copy at most, and with it for every key after it: a copy cannot go in pieces.
const PATIENCE: Duration = Duration::from_secs(3);

/// What a piece is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Somebody waits for it.
    Key,
    /// It comes by itself, or is the rest of a larger frame.
    Background,
}

/// What was sent since the connection was last seen empty.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    begun: Instant,
    bytes: u32,
    /// How many of them may still be in the queue, at most.
    left: u32,
    /// Whether the queue was seen to hold what others sent.
    shared: bool,
    look: Instant,
}

/// Keeps count of a link.
#[derive(Debug)]
pub(super) struct Pace {
    /// Bytes a second.
    rate: u32,
    /// Whether the connection is watched.
    watched: bool,
    /// What had not gone at a moment.
    owed: (u32, Instant),
    /// When background changes may go again.
    pause: Instant,
    stretch: Option<Stretch>,
    /// The least time that a stretch took: the way there and back.
    swift: Option<Duration>,
    /// Whether no sign of slowness was seen yet.
    eager: bool,
    slow: bool,
}

impl Pace {
    /// Returns the pace of a link that carries `cap` bytes a second, or nobody knows how many.
    pub(super) fn new(cap: Option<u32>, watched: bool, now: Instant) -> Pace {
        let rate = cap.unwrap_or(if watched { UNKNOWN } else { UNSEEN });
        Pace {
            rate,
            watched: watched && cap.is_none(),
            owed: (0, now),
            pause: now,
            stretch: None,
            swift: None,
            eager: true,
            slow: rate < SLOW,
        }
    }

    /// Returns the rate, if it is one that deserves a word.
    pub(super) const fn slow(&self) -> Option<u32> {
        if self.slow { Some(self.rate) } else { None }
    }

    /// Returns what the link carries within a time, in bytes.
    fn within(&self, time: Duration) -> u32 {
        let bytes = u128::from(self.rate) * time.as_millis() / 1000;
        u32::try_from(bytes).unwrap_or(u32::MAX)
    }

    /// Returns how long the link takes for so many bytes.
    fn lasts(&self, bytes: u32) -> Duration {
        Duration::from_millis(u64::from(bytes) * 1000 / u64::from(self.rate))
    }

    /// Returns what has not gone yet, as far as is known.
    fn owes(&self, now: Instant) -> u32 {
        let (owed, at) = self.owed;
        owed.saturating_sub(self.within(now.saturating_duration_since(at)))
    }

    /// Returns how much may be on its way at once.
    fn most(&self, purpose: Purpose) -> u32 {
        let slice = self.within(SLICE).max(WORTH * 2);
        match purpose {
            Purpose::Key => slice * 2,
            Purpose::Background => slice,
        }
    }

    /// Returns how many bytes may be sent now; few enough to wait for more if it is less than a piece is worth.
    pub(super) fn room(&self, purpose: Purpose, now: Instant) -> u32 {
        let room = self.most(purpose).saturating_sub(self.owes(now));
        room.saturating_sub(WRAPPING).max(WORTH)
    }

    /// Returns when a piece may be sent.
    pub(super) fn due(&self, purpose: Purpose) -> Instant {
        let (owed, at) = self.owed;
        match purpose {
            Purpose::Key => {
                let room = self.most(purpose).saturating_sub(WRAPPING + WORTH);
                at + self.lasts(owed.saturating_sub(room))
            }
            // What nobody waits for goes when all has gone and the link was free for a while.
            Purpose::Background => self.pause.max(at + self.lasts(owed)),
        }
    }

    /// Returns how long so much more would keep the link, if nobody should have to wait so long.
    pub(super) fn refuses(&self, bytes: usize, now: Instant) -> Option<Duration> {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        Some(self.lasts(self.owes(now).saturating_add(bytes))).filter(|took| *took > PATIENCE)
    }

    /// Counts what was sent.
    pub(super) fn sent(&mut self, bytes: u64, purpose: Purpose, now: Instant) {
        let Some(bytes) = u32::try_from(bytes).ok().filter(|bytes| *bytes > 0) else {
            return;
        };
        let bytes = bytes.saturating_add(WRAPPING);
        self.owed = (self.owes(now).saturating_add(bytes), now);
        if purpose == Purpose::Background {
            self.pause = now + self.lasts(bytes.saturating_mul(2));
        }
        if self.watched {
            let stretch = self.stretch.get_or_insert(Stretch {
                begun: now,
                bytes: 0,
                left: 0,
                shared: false,
                look: now + LOOK,
            });
            stretch.bytes = stretch.bytes.saturating_add(bytes);
            stretch.left = stretch.left.saturating_add(bytes);
        }
    }

    /// Returns when the connection is to be looked at, if at all.
    pub(super) fn look(&self) -> Option<Instant> {
        self.stretch.map(|stretch| stretch.look)
    }

    /// Takes what the connection was seen to hold; none if it cannot be seen any more, which begins anew.
    pub(super) fn saw(&mut self, queued: Option<u32>, now: Instant) {
        let Some(queued) = queued else {
            // Only a link that is watched is looked at, so no setting is lost.
            *self = Pace::new(None, false, now);
            return;
        };
        let Some(mut stretch) = self.stretch.take() else {
            return;
        };
        let most = stretch.left.saturating_mul(2).saturating_add(CHATTER);
        stretch.shared |= queued > most;
        stretch.left = stretch.left.min(queued);
        let took = now.saturating_duration_since(stretch.begun);
        if !stretch.shared {
            self.learn(&stretch, took);
        }
        if queued == 0 {
            self.owed = (0, now);
            if self.eager {
                self.pause = now;
            }
        } else {
            if !stretch.shared {
                self.owed = (self.owes(now).max(stretch.left), now);
            }
            stretch.look = now + (took / 4).clamp(LOOK, LAZY);
            self.stretch = Some(stretch);
        }
        self.slow = self.rate < if self.slow { FINE } else { SLOW };
    }

    /// Learns from what went of a stretch that is only ours, and how soon.
    fn learn(&mut self, stretch: &Stretch, took: Duration) {
        let way = self.swift.unwrap_or_default();
        let busy = took.saturating_sub(way).max(LOOK);
        let gone = u128::from(stretch.bytes.saturating_sub(stretch.left));
        let seen = u32::try_from(gone * 1000 / busy.as_millis()).unwrap_or(u32::MAX);
        let seen = (seen / 4).saturating_mul(3);
        // Time that one way explains says nothing about the rate, neither does what was sent just now.
        let crowded = busy > SLICE
            && gone > 0
            && u128::from(stretch.left) * busy.as_millis() > gone * (way + SLICE).as_millis();
        let empty = stretch.left == 0;
        if crowded || (empty && busy > SLICE) {
            self.eager &= self.rate <= seen;
            self.rate = self.rate.min(seen);
        } else if empty && stretch.bytes > self.within(SLICE) / 2 {
            // On a slow link a step too far costs a key's answer, on a fast one nothing.
            let step = match (self.eager, self.slow) {
                (true, _) => 1,
                (false, false) => 8,
                (false, true) => 64,
            };
            let known = self.eager || self.swift.is_some();
            self.rate += if known { self.rate / step } else { 0 };
        }
        if empty {
            self.swift = Some(self.swift.map_or(took, |swift| swift.min(took)));
        }
        self.rate = self.rate.clamp(LEAST, MOST);
    }
}

#[cfg(test)]
mod tests;
