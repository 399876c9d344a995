//! The clocks, and how far they drift apart.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use rustix::time::{ClockId, clock_gettime};

use crate::domain::time::{SECOND, Timestamp};

/// How far the wall clock may move against the boot clock before nobody believes it: a minute, in microseconds.
pub(super) const MAX_DRIFT: i64 = 60 * SECOND;

/// Both clocks at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// What the wall clock says.
    pub wall: Timestamp,
    /// Microseconds since boot, sleep included.
    pub boot: i64,
    /// Which boot that was.
    pub boot_id: String,
}

/// Where time comes from.
pub trait Clock: Send + Sync {
    /// Reads both clocks.
    fn read(&self) -> Reading;

    /// Returns what the wall clock says.
    fn now(&self) -> Timestamp {
        self.read().wall
    }
}

/// The machine's clocks.
#[derive(Clone, Debug)]
pub struct SystemClock {
    boot_id: String,
}

impl SystemClock {
    /// Returns the machine's clocks. Where the system names no boot, every process counts as one of its own.
    pub fn new() -> Self {
        let boot_id = fs::read_to_string("/proc/sys/kernel/random/boot_id")
            .map(|id| id.trim().to_owned())
            .unwrap_or_else(|_| format!("process-{}", std::process::id()));
        SystemClock { boot_id }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        SystemClock::new()
    }
}

#[cfg(target_os = "linux")]
const SINCE_BOOT: ClockId = ClockId::Boottime;
#[cfg(not(target_os = "linux"))]
const SINCE_BOOT: ClockId = ClockId::Monotonic;

/// Returns the microseconds since boot, sleep included: the same for every process of the machine.
pub fn since_boot() -> i64 {
    let boot = clock_gettime(SINCE_BOOT);
    let seconds = boot.tv_sec.saturating_mul(SECOND);
    seconds.saturating_add(boot.tv_nsec / 1_000)
}

impl Clock for SystemClock {
    fn read(&self) -> Reading {
        Reading {
            wall: self.now(),
            boot: since_boot(),
            boot_id: self.boot_id.clone(),
        }
    }

    fn now(&self) -> Timestamp {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::default().plus_duration(since)
    }
}

/// A clock that stands until it is moved; for tests and simulations. Clones are the same clock.
#[derive(Clone, Debug)]
pub struct HeldClock(Arc<Mutex<Reading>>);

impl HeldClock {
    /// Returns a clock that stands at `wall`.
    pub fn at(wall: Timestamp) -> Self {
        HeldClock(Arc::new(Mutex::new(Reading {
            wall,
            boot: 0,
            boot_id: "held".into(),
        })))
    }

    /// Lets `micros` pass.
    pub fn advance(&self, micros: i64) {
        let mut reading = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reading.wall = reading.wall.plus(micros);
        reading.boot += micros;
    }

    /// Sets the wall clock alone, as an operator or a time server would.
    pub fn jump(&self, micros: i64) {
        let mut reading = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reading.wall = reading.wall.plus(micros);
    }

    /// Boots the machine anew.
    pub fn reboot(&self, boot_id: &str) {
        let mut reading = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reading.boot = 0;
        reading.boot_id = boot_id.into();
    }
}

impl Clock for HeldClock {
    fn read(&self) -> Reading {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// How the clocks stood to each other when a writer last looked; shared by all writers of a ledger on this machine.
#[derive(Debug)]
pub(super) struct Baseline {
    file: Option<PathBuf>,
    known: Option<(String, i64)>,
}

impl Baseline {
    /// Returns the baseline kept in a file, or in this process alone.
    pub(super) fn new(file: Option<PathBuf>) -> Self {
        Baseline { file, known: None }
    }

    /// Returns by how many microseconds the wall clock moved against the boot clock since the baseline, if that is
    /// more than anybody should believe. It is told again until the new position is [accepted](Baseline::accept).
    pub(super) fn drift(&mut self, reading: &Reading) -> Option<i64> {
        let small = |drift: &i64| drift.saturating_abs() <= MAX_DRIFT;
        let known = self
            .known
            .as_ref()
            .and_then(|known| against(known, reading));
        if known.as_ref().is_some_and(small) {
            return None;
        }
        // Another process may have accepted the jump already: it is told once, whoever looks first.
        if let Some(kept) = self.file.as_deref().and_then(stored) {
            self.known = Some(kept);
        }
        match self
            .known
            .as_ref()
            .and_then(|known| against(known, reading))
        {
            Some(drift) if small(&drift) => None,
            Some(drift) => Some(drift),
            None => {
                self.accept(reading);
                None
            }
        }
    }

    /// Takes this position as the baseline. Losing the file loses one comparison, nothing else.
    pub(super) fn accept(&mut self, reading: &Reading) {
        let offset = offset(reading);
        self.known = Some((reading.boot_id.clone(), offset));
        if let Some(file) = &self.file
            && let Err(error) = store(file, &reading.boot_id, offset)
        {
            tracing::warn!(file = %file.display(), %error, "the clock's baseline was not kept");
        }
    }
}

fn offset(reading: &Reading) -> i64 {
    reading.wall.0.saturating_sub(reading.boot)
}

/// Returns how far a reading is from a position of the same boot.
fn against((boot_id, base): &(String, i64), reading: &Reading) -> Option<i64> {
    (*boot_id == reading.boot_id).then(|| offset(reading).saturating_sub(*base))
}

fn stored(file: &Path) -> Option<(String, i64)> {
    let text = fs::read_to_string(file).ok()?;
    let (boot_id, offset) = text.trim().split_once(' ')?;
    Some((boot_id.to_owned(), offset.parse().ok()?))
}

fn store(file: &Path, boot_id: &str, offset: i64) -> io::Result<()> {
    let fresh = file.with_extension("new");
    fs::write(&fresh, format!("{boot_id} {offset}\n"))?;
    fs::rename(fresh, file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::{DAY, MINUTE};

    #[test]
    fn a_jump_is_told_until_it_is_accepted_and_a_suspend_is_none() {
        let clock = HeldClock::at(Timestamp(1_000 * DAY));
        let mut baseline = Baseline::new(None);
        let mut drift = |clock: &HeldClock| baseline.drift(&clock.read());
        assert_eq!(drift(&clock), None);
        clock.advance(90 * DAY);
        assert_eq!(drift(&clock), None, "a suspend moves both clocks");
        clock.jump(59 * SECOND);
        assert_eq!(drift(&clock), None, "a small correction");
        clock.jump(-365 * DAY);
        let far = -365 * DAY + 59 * SECOND;
        assert_eq!(drift(&clock), Some(far));
        assert_eq!(drift(&clock), Some(far), "nobody has recorded it yet");
        baseline.accept(&clock.read());
        assert_eq!(baseline.drift(&clock.read()), None);
        clock.jump(2 * MINUTE);
        clock.reboot("another");
        assert_eq!(
            baseline.drift(&clock.read()),
            None,
            "another boot has another offset"
        );
    }

    #[test]
    fn what_one_process_accepted_is_not_told_to_another() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("clock");
        let clock = HeldClock::at(Timestamp(1_000 * DAY));
        let [mut one, mut two] = [(), ()].map(|()| Baseline::new(Some(file.clone())));
        assert_eq!(one.drift(&clock.read()), None);
        assert_eq!(two.drift(&clock.read()), None);
        clock.jump(DAY);
        assert_eq!(one.drift(&clock.read()), Some(DAY));
        one.accept(&clock.read());
        assert_eq!(two.drift(&clock.read()), None);
        fs::write(&file, "torn")?;
        assert_eq!(two.drift(&clock.read()), None);
        Ok(())
    }
}
