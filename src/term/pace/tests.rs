//! A link in numbers: what is sent over it, and what others send.

use std::time::{Duration, Instant};

use super::{CHATTER, Pace, Purpose, UNSEEN};

/// What a console sends that has a whole screen to draw, in bytes.
const SCREEN: u32 = 15 * 1024;

/// A pace, and the connection that it watches.
struct Line {
    pace: Pace,
    now: Instant,
    /// What it carries, in bytes a millisecond.
    carries: u32,
    queue: u32,
}

impl Line {
    fn new(carries: u32) -> Line {
        let now = Instant::now();
        Line {
            pace: Pace::new(None, true, now),
            now,
            carries,
            queue: 0,
        }
    }

    /// Lets a millisecond pass.
    fn pass(&mut self) {
        self.now += Duration::from_millis(1);
        self.queue = self.queue.saturating_sub(self.carries);
        if self.pace.look().is_some_and(|look| look <= self.now) {
            self.pace.saw(Some(self.queue), self.now);
        }
    }

    /// Draws so much and returns how long it took until the last piece was sent, and until the first was.
    fn draws(&mut self, mut bytes: u32, purpose: Purpose) -> (Duration, Duration) {
        let (begun, mut first) = (self.now, None);
        while bytes > 0 {
            if self.pace.due(purpose) <= self.now {
                let piece = bytes.min(self.pace.room(purpose, self.now));
                self.pace.sent(u64::from(piece), purpose, self.now);
                self.queue += piece + 100;
                bytes -= piece;
                first.get_or_insert(self.now - begun);
            }
            self.pass();
            assert!(self.now - begun < Duration::from_secs(60), "it never goes");
        }
        (self.now - begun, first.unwrap_or_default())
    }

    fn rests(&mut self, time: Duration) {
        for _ in 0..time.as_millis() {
            self.pass();
        }
    }
}

#[test]
fn what_others_sent_is_not_owed() {
    let mut line = Line::new(100);
    line.draws(SCREEN, Purpose::Key);
    line.rests(Duration::from_secs(1));
    // Somebody copies a file over the same connection while a line of the screen changes.
    line.queue = 400_000;
    line.draws(300, Purpose::Background);
    line.rests(Duration::from_secs(5));
    assert_eq!(line.queue, 0);
    let (all, first) = line.draws(SCREEN, Purpose::Key);
    assert!(first < Duration::from_millis(20), "{first:?}");
    assert!(all < Duration::from_secs(1), "{all:?}");
}

#[test]
fn a_connection_that_others_keep_full_starves_nobody() {
    let mut line = Line::new(100);
    line.draws(SCREEN, Purpose::Key);
    line.rests(Duration::from_secs(1));
    for _ in 0..60 {
        line.queue = 400_000;
        line.draws(300, Purpose::Background);
        line.rests(Duration::from_secs(1));
    }
    let (_, first) = line.draws(300, Purpose::Key);
    assert!(first < Duration::from_millis(300), "{first:?}");
}

#[test]
fn an_empty_queue_is_nothing_owed() {
    let mut line = Line::new(2);
    line.draws(SCREEN, Purpose::Key);
    while line.queue > 0 || line.pace.look().is_some() {
        line.pass();
    }
    assert_eq!(line.pace.owes(line.now), 0);
}

#[test]
fn a_connection_that_is_gone_begins_anew() {
    let mut line = Line::new(1);
    line.draws(SCREEN, Purpose::Background);
    line.queue += 100 * CHATTER;
    assert!(line.pace.slow().is_some(), "{:?}", line.pace);
    line.pace.saw(None, line.now);
    assert_eq!(line.pace.slow(), None);
    assert_eq!(line.pace.look(), None);
    assert_eq!(line.pace.rate, UNSEEN);
    assert_eq!(line.pace.owes(line.now), 0);
    assert!(line.pace.due(Purpose::Background) <= line.now);
    // And what cannot be seen lets a first frame go at once.
    assert!(line.pace.room(Purpose::Background, line.now) >= SCREEN);
}

#[test]
fn a_fast_link_gets_a_screen_within_a_quarter_of_a_second() {
    for carries in [200, 10_000] {
        let mut line = Line::new(carries);
        let (all, _) = line.draws(SCREEN, Purpose::Background);
        assert!(all < Duration::from_millis(250), "{carries}: {all:?}");
        line.rests(Duration::from_secs(1));
        let (all, _) = line.draws(SCREEN, Purpose::Key);
        assert!(all < Duration::from_millis(100), "{carries}: {all:?}");
    }
}

#[test]
fn a_slow_link_is_followed_and_said_to_be_slow() {
    let mut line = Line::new(2);
    line.draws(SCREEN, Purpose::Background);
    assert!(line.pace.slow().is_some_and(|rate| rate < 3_000));
    for _ in 0..20 {
        line.draws(SCREEN / 4, Purpose::Background);
        // A key comes into the midst of it, and stands behind no more than a second's worth.
        let (_, first) = line.draws(200, Purpose::Key);
        let behind = line.queue / line.carries;
        let seen = first + Duration::from_millis(u64::from(behind));
        assert!(seen < Duration::from_secs(1), "{seen:?}");
    }
}

#[test]
fn a_copy_that_keeps_the_link_for_long_is_refused() {
    let now = Instant::now();
    let mut pace = Pace::new(Some(1_500), false, now);
    assert_eq!(pace.refuses(4_000, now), None);
    assert_eq!(pace.refuses(6_000, now), Some(Duration::from_secs(4)));
    // The second one stands behind the first.
    pace.sent(4_000, Purpose::Key, now);
    assert!(pace.refuses(4_000, now).is_some());
    assert!(pace.refuses(usize::MAX, now).is_some());
}
