//! Snapshots as files beside the database: caches that may be torn, stale or gone at any time.
//!
//! A file is a header of fixed length (magic, format, uuid, incarnation, seq, hash, length, CRC-32) and the bytes. The
//! CRC covers the header before it and the bytes, so that no sync is needed: a torn file is passed over.

use std::{
    fs,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use super::{Fault, Identity, Snapshot, paths::open_private};
use crate::domain::record::{Hash, Head, Seq};

/// How many of the newest are kept: one to start from, one in case it was torn.
pub const NEWEST_KEPT: usize = 2;

/// How many records lie between two rungs of the ladder that serves time travel: 68 ms of replay.
pub const LADDER_STEP: Seq = 32_768;

/// How many rungs are kept; beyond it the ladder gets wider steps.
pub const LADDER_KEPT: usize = 64;

/// How many bytes all snapshots of a format may take; beyond it the ladder gets wider steps.
pub const LADDER_BYTES: u64 = 256 << 20;

/// How old the half-written file of a dead process is before it is removed.
const ABANDONED: Duration = Duration::from_secs(3600);

const MAGIC: [u8; 8] = *b"obeyasn1";
const HEADER: usize = 88;
const SUFFIX: &str = "snapshot";

/// A snapshot's file, by what its name says.
#[derive(Clone, Debug)]
struct Entry {
    seq: Seq,
    format: u32,
    path: PathBuf,
}

/// Writes a snapshot under a temporary name, renames it, and drops those beyond the number kept.
pub(super) fn put(folder: &Path, identity: &Identity, snapshot: &Snapshot) -> Result<(), Fault> {
    let path = folder.join(format!(
        "{:020}-{}.{SUFFIX}",
        snapshot.head.seq, snapshot.format
    ));
    let temporary = folder.join(format!(
        "{}-{}.partial",
        snapshot.head.seq,
        std::process::id()
    ));
    let fault = |error| Fault::io(&path, "writing a snapshot", &error);
    // Only in a ledger's folder that is still there: none is made anew.
    if !folder.exists() {
        fs::create_dir(folder).map_err(fault)?;
    }
    let head = header(identity, snapshot);
    let mut file = open_private(&temporary)?;
    let written = (file.set_len(0))
        .and_then(|()| file.write_all(&head))
        .and_then(|()| file.write_all(&snapshot.bytes))
        .and_then(|()| fs::rename(&temporary, &path));
    if let Err(error) = written {
        let _ = fs::remove_file(&temporary);
        return Err(fault(error));
    }
    prune(folder, snapshot.format);
    Ok(())
}

/// Returns the newest whole snapshot in `format` at or before a seq whose hash `hash_at` confirms. Removes those that
/// are damaged or of another ledger or life.
pub(super) fn latest(
    folder: &Path,
    identity: &Identity,
    format: u32,
    at_or_before: Option<Seq>,
    mut hash_at: impl FnMut(Seq) -> Result<Option<Hash>, Fault>,
) -> Result<Option<Snapshot>, Fault> {
    let wanted =
        |entry: &Entry| entry.format == format && at_or_before.is_none_or(|seq| entry.seq <= seq);
    for entry in entries(folder).into_iter().rev().filter(wanted) {
        if let Some(snapshot) = read(&entry, identity)
            && hash_at(entry.seq)? == Some(snapshot.head.hash)
        {
            return Ok(Some(snapshot));
        }
        let _ = fs::remove_file(&entry.path);
    }
    Ok(None)
}

/// Returns how many snapshots there are, how many of them are damaged, and their bytes.
pub(super) fn census(folder: &Path, identity: &Identity) -> (usize, usize, u64) {
    let entries = entries(folder);
    let damaged = entries
        .iter()
        .filter(|entry| read(entry, identity).is_none())
        .count();
    (entries.len(), damaged, entries.iter().map(size).sum())
}

/// Removes every snapshot.
pub(super) fn clear(folder: &Path) {
    entries(folder)
        .iter()
        .for_each(|entry| drop(fs::remove_file(&entry.path)));
}

fn header(identity: &Identity, snapshot: &Snapshot) -> Vec<u8> {
    let mut head = Vec::with_capacity(HEADER);
    head.extend(MAGIC);
    head.extend(snapshot.format.to_be_bytes());
    head.extend(identity.uuid.as_bytes());
    head.extend(snapshot.incarnation.to_be_bytes());
    head.extend(snapshot.head.seq.to_be_bytes());
    head.extend(snapshot.head.hash.0);
    head.extend((snapshot.bytes.len() as u64).to_be_bytes());
    let mut crc = crc32fast::Hasher::new();
    crc.update(&head);
    crc.update(&snapshot.bytes);
    head.extend(crc.finalize().to_be_bytes());
    head
}

/// Returns the snapshot in a file if it is whole and of this ledger and life.
fn read(entry: &Entry, identity: &Identity) -> Option<Snapshot> {
    let mut file = fs::File::open(&entry.path).ok()?;
    let mut found = [0; HEADER];
    file.read_exact(&mut found).ok()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).ok()?;
    let hash = Hash(found.get(44..76)?.try_into().ok()?);
    let snapshot = Snapshot {
        head: Head {
            seq: entry.seq,
            hash,
        },
        incarnation: identity.incarnation,
        format: entry.format,
        bytes,
    };
    // What the header says otherwise than expected is either damage or another ledger's.
    (header(identity, &snapshot) == found).then_some(snapshot)
}

fn size(entry: &Entry) -> u64 {
    fs::metadata(&entry.path).map_or(0, |found| found.len())
}

/// Returns the files that are named as snapshots, oldest first.
fn entries(folder: &Path) -> Vec<Entry> {
    let named = |path: PathBuf| {
        let stem = path
            .file_name()?
            .to_str()?
            .strip_suffix(SUFFIX)?
            .strip_suffix('.')?;
        let (seq, format) = stem.split_once('-')?;
        Some(Entry {
            seq: seq.parse().ok()?,
            format: format.parse().ok()?,
            path,
        })
    };
    let listed = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut entries: Vec<_> = listed.filter_map(|file| named(file.path())).collect();
    entries.sort_by_key(|entry| entry.seq);
    entries
}

/// Keeps the newest and the ladder; removes the rest, older formats, and what dead processes left half written.
fn prune(folder: &Path, format: u32) {
    let (mut ours, others): (Vec<_>, Vec<_>) = entries(folder)
        .into_iter()
        .partition(|entry| entry.format == format);
    let mut gone: Vec<_> = others
        .into_iter()
        .filter(|entry| entry.format < format)
        .collect();
    let newest = ours.split_off(ours.len().saturating_sub(NEWEST_KEPT));
    let room = LADDER_BYTES.saturating_sub(newest.iter().map(size).sum());
    let mut rungs: Vec<Entry> = Vec::new();
    for entry in ours {
        // A rung is the first snapshot past each step.
        match rungs.last() {
            Some(rung) if rung.seq / LADDER_STEP == entry.seq / LADDER_STEP => gone.push(entry),
            _ => rungs.push(entry),
        }
    }
    let mut taken: u64 = rungs.iter().map(size).sum();
    while rungs.len() > LADDER_KEPT || taken > room {
        let Some(rung) = narrowest(&rungs).map(|at| rungs.remove(at)) else {
            break;
        };
        taken = taken.saturating_sub(size(&rung));
        gone.push(rung);
    }
    gone.iter()
        .for_each(|entry| drop(fs::remove_file(&entry.path)));
    remove_abandoned(folder);
}

/// Returns the rung whose loss leaves the smallest gap.
fn narrowest(rungs: &[Entry]) -> Option<usize> {
    let gap = |at: usize| {
        let before = at
            .checked_sub(1)
            .and_then(|at| rungs.get(at))
            .map_or(0, |rung| rung.seq);
        let after = rungs
            .get(at + 1)
            .or(rungs.get(at))
            .map_or(0, |rung| rung.seq);
        after.saturating_sub(before)
    };
    (0..rungs.len()).min_by_key(|&at| gap(at))
}

fn remove_abandoned(folder: &Path) {
    for file in fs::read_dir(folder).into_iter().flatten().flatten() {
        let old = file
            .metadata()
            .and_then(|found| found.modified())
            .is_ok_and(|modified| modified.elapsed().is_ok_and(|age| age > ABANDONED));
        if old
            && file
                .path()
                .extension()
                .is_some_and(|extension| extension == "partial")
        {
            let _ = fs::remove_file(file.path());
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;
    use crate::domain::time::Timestamp;

    fn identity(incarnation: u64) -> Identity {
        Identity {
            uuid: uuid::Uuid::from_u128(7),
            incarnation,
            created: Timestamp(0),
        }
    }

    fn snapshot(seq: Seq) -> Snapshot {
        let head = Head {
            seq,
            hash: Hash::of(&seq.to_be_bytes()),
        };
        Snapshot {
            head,
            incarnation: 1,
            format: 3,
            bytes: vec![7; 1000],
        }
    }

    fn find(folder: &Path, identity: &Identity, at: Option<Seq>) -> Option<Seq> {
        let confirm = |seq: Seq| Ok(Some(Hash::of(&seq.to_be_bytes())));
        latest(folder, identity, 3, at, confirm)
            .unwrap()
            .map(|found| found.head.seq)
    }

    #[test]
    fn a_torn_or_foreign_snapshot_is_passed_over_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        for seq in [10, 20] {
            put(folder, &identity(1), &snapshot(seq)).unwrap();
        }
        assert_eq!(find(folder, &identity(1), None), Some(20));
        assert_eq!(find(folder, &identity(1), Some(19)), Some(10));
        let newest = folder.join(format!("{:020}-3.{SUFFIX}", 20));
        let whole = fs::read(&newest).unwrap();
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            fs::write(&newest, flipped).unwrap();
            assert_eq!(find(folder, &identity(1), None), Some(10), "byte {at}");
            assert!(!newest.exists());
        }
        fs::write(&newest, &whole[..whole.len() - 1]).unwrap();
        assert_eq!(find(folder, &identity(1), None), Some(10));
        assert_eq!(find(folder, &identity(2), None), None);
        assert!(entries(folder).is_empty());
    }

    #[test]
    fn a_bounded_ladder_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        for step in 0..LADDER_KEPT as u64 + 20 {
            put(folder, &identity(1), &snapshot(step * LADDER_STEP + 1)).unwrap();
            put(folder, &identity(1), &snapshot(step * LADDER_STEP + 500)).unwrap();
        }
        let kept = entries(folder);
        assert_eq!(kept.len(), LADDER_KEPT + NEWEST_KEPT);
        let widest = kept
            .windows(2)
            .map(|pair| pair[1].seq - pair[0].seq)
            .max()
            .unwrap();
        assert!(widest <= 3 * LADDER_STEP, "{widest}");
        assert_eq!(
            kept.last().unwrap().seq,
            (LADDER_KEPT as u64 + 19) * LADDER_STEP + 500
        );
    }
}
