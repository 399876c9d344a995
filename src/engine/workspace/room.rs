//! Whether the disk has room for more work.

use std::path::Path;

use crate::ledger::{Fault, Home};

/// What must be free at least, in bytes: a checkout, a build and a ledger that grows.
const LEAST: u64 = 1 << 30;
/// What must be free of a larger disk: one part in so many.
const PART: u64 = 50;
/// What is enough on any disk, in bytes: 2 % of a very large one is more than work needs.
const MOST: u64 = 10 << 30;

/// How much room there is, and how much there has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Bytes that are free for this user.
    pub free: u64,
    /// Bytes that have to be.
    pub wanted: u64,
}

impl Room {
    /// Returns whether there is enough.
    pub fn is_enough(&self) -> bool {
        self.free >= self.wanted
    }
}

/// Returns how much room there is beside a ledger. `headroom` is what the user wants free, in bytes, in place of the rule.
///
/// # Errors
///
/// The file system does not say.
pub fn room(home: &Home, headroom: Option<u64>) -> Result<Room, Fault> {
    let folder: &Path = home.path();
    let found = rustix::fs::statvfs(folder)
        .map_err(|error| Fault::io(folder, "asking for free space", &error.into()))?;
    let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
    Ok(Room {
        free: bytes(found.f_bavail),
        wanted: headroom.unwrap_or_else(|| rule(bytes(found.f_blocks))),
    })
}

/// Returns what must be free of a disk of this size.
fn rule(size: u64) -> u64 {
    (size / PART).clamp(LEAST, MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_percent_within_bounds() {
        assert_eq!(rule(20 << 30), LEAST);
        assert_eq!(rule(100 << 30), 2 << 30);
        assert_eq!(rule(4 << 40), MOST);
    }
}
