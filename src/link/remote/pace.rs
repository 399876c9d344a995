//! How patient a way to an engine is.

use std::time::Duration;

/// The times of a way. What stands here by default is for people and real networks; tests are in more of a hurry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How long a connection may take to come about.
    pub dial: Duration,
    /// How often the engine is told that the caller is there, whatever else it is told.
    pub sign: Duration,
    /// How long no message may come before what is on screen counts as late.
    pub late: Duration,
    /// How long no byte may come before the connection counts as lost: the engine beats every five seconds.
    pub silence: Duration,
    /// The first pause before connecting again.
    pub pause: Duration,
    /// The longest pause before connecting again.
    pub longest_pause: Duration,
    /// The pause where the engine does not want the caller: a token may be made, or a version mended, meanwhile.
    pub denied_pause: Duration,
    /// How long a connection has to last before the pauses begin anew: one that breaks at once is as good as none.
    pub steady: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Pace {
            dial: seconds(10),
            sign: seconds(15),
            late: seconds(8),
            silence: seconds(20),
            pause: Duration::from_millis(250),
            longest_pause: seconds(30),
            denied_pause: seconds(30),
            steady: seconds(10),
        }
    }
}

impl Pace {
    /// Returns the pause before a try: doubled each time, and somewhere in its upper half, so that many consoles whose
    /// engine comes back do not come all at once.
    pub(super) fn before(&self, tries: u32) -> Duration {
        let full = self
            .pause
            .saturating_mul(1_u32.checked_shl(tries).unwrap_or(u32::MAX))
            .min(self.longest_pause);
        let chance = uuid::Uuid::now_v7().as_bytes()[15];
        full / 2 + full / 2 * u32::from(chance) / 255
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_longest_and_differ() {
        let pace = Pace::default();
        for tries in [0, 1, 5, 31, 32, u32::MAX] {
            let factor = 1_u32.checked_shl(tries).unwrap_or(u32::MAX);
            let full = pace.pause.saturating_mul(factor).min(pace.longest_pause);
            let pauses: Vec<_> = (0..64).map(|_| pace.before(tries)).collect();
            assert!(pauses.iter().all(|pause| (full / 2..=full).contains(pause)));
            assert!(pauses.iter().any(|pause| *pause != pauses[0]), "{tries}");
        }
    }
}
