//! What an agent wrote, kept within bounds: its beginning, and the newest of the rest.
//!
//! A run's output lies in files named by the place of their first byte. The first keeps the beginning for ever; behind it
//! the newest two of many are kept, so that a reader sees exactly how much is missing between them.

use std::{
    fs::{self, File},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much of the beginning is kept: what an agent was told and how it set out.
pub const HEAD: u64 = 1 << 20;
/// How much one file of the rest takes; two of them are kept, so that a run takes at most 8 MiB.
pub const SEGMENT: u64 = 3_584 << 10;

/// Writes a run's output.
#[derive(Debug)]
pub(super) struct Segments {
    folder: PathBuf,
    file: Option<File>,
    /// Where the open file begins, and where it is full.
    begins: u64,
    full: u64,
    written: u64,
    before: Option<u64>,
}

impl Segments {
    /// Makes the first file of a run's output.
    ///
    /// # Errors
    ///
    /// The folder or the file cannot be made.
    pub(super) fn create(folder: &Path) -> io::Result<Segments> {
        fs::create_dir_all(folder)?;
        Ok(Segments {
            file: Some(File::create(folder.join(name(0)))?),
            folder: folder.to_owned(),
            begins: 0,
            full: HEAD,
            written: 0,
            before: None,
        })
    }

    /// Writes on. What the disk does not take is counted and lost.
    pub(super) fn write(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.written >= self.full {
                self.turn();
            }
            let room = usize::try_from(self.full - self.written).unwrap_or(usize::MAX);
            let (now, later) = bytes.split_at(bytes.len().min(room));
            if let Some(file) = &mut self.file
                && file.write_all(now).is_err()
            {
                self.file = None;
            }
            self.written += now.len() as u64;
            bytes = later;
        }
    }

    /// Returns how many bytes there were in all.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    fn turn(&mut self) {
        // The beginning stays; of the rest, the one before the last goes.
        if let Some(before) = self.before.take() {
            let _ = fs::remove_file(self.folder.join(name(before)));
        }
        self.before = (self.begins > 0).then_some(self.begins);
        self.begins = self.written;
        self.full = self.written + SEGMENT;
        self.file = File::create(self.folder.join(name(self.begins))).ok();
    }
}

fn name(begins: u64) -> String {
    format!("{begins:016}.log")
}

/// A piece of a run's output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Piece {
    /// How many bytes before it are missing.
    pub missing: u64,
    /// The bytes as they were written: outside text. In JSON they are in base 64.
    #[serde(with = "base64")]
    #[schemars(with = "String")]
    pub bytes: Vec<u8>,
}

/// Bytes as JSON carries them.
mod base64 {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(given: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(given)?;
        BASE64_STANDARD.decode(text).map_err(D::Error::custom)
    }
}

/// What lies there of a run's output now: files, by the place of their first byte.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept(Vec<(u64, u64, PathBuf)>);

impl Kept {
    /// Looks what there is; only names and lengths are read.
    ///
    /// # Errors
    ///
    /// The folder cannot be read.
    pub fn look(folder: &Path) -> io::Result<Kept> {
        let file = |entry: fs::DirEntry| -> Option<(u64, u64, PathBuf)> {
            let name = entry.file_name();
            let begins: u64 = name.to_str()?.strip_suffix(".log")?.parse().ok()?;
            // No output is as long as that; agents may write here as well.
            begins.checked_add(HEAD.max(SEGMENT))?;
            // One that its writer has just thrown away is missing like those before it.
            let length = entry.metadata().ok()?.len().min(HEAD.max(SEGMENT));
            Some((begins, length, entry.path()))
        };
        let mut files: Vec<_> = fs::read_dir(folder)?.flatten().filter_map(file).collect();
        files.sort();
        Ok(Kept(files))
    }

    /// Returns where each file begins, and its length, in order.
    pub fn extents(&self) -> Vec<(u64, u64)> {
        let files = self.0.iter();
        files
            .map(|(begins, length, _)| (*begins, *length))
            .collect()
    }

    /// Returns the place behind the last byte.
    pub fn end(&self) -> u64 {
        let ends = self.0.iter().map(|(begins, length, _)| begins + length);
        ends.max().unwrap_or(0)
    }

    /// Returns where the next file begins behind a place, or the end.
    pub fn next(&self, at: u64) -> u64 {
        let begins = self.0.iter().map(|(begins, _, _)| *begins);
        begins
            .filter(|begins| *begins > at)
            .min()
            .unwrap_or(self.end())
    }

    /// Returns what there is between two places, in order; between two pieces there is something missing.
    pub fn read(&self, from: u64, to: u64) -> Vec<Piece> {
        let (mut pieces, mut at): (Vec<Piece>, u64) = (vec![], from);
        for (begins, length, path) in &self.0 {
            let first = at.max(*begins);
            let most = to.min(begins + length).saturating_sub(first);
            if most == 0 {
                continue;
            }
            let mut bytes = vec![];
            let read = File::open(path).and_then(|mut file| {
                file.seek(SeekFrom::Start(first - begins))?;
                file.take(most).read_to_end(&mut bytes)
            });
            if read.is_err() || bytes.is_empty() {
                continue;
            }
            let missing = first - at;
            at = first + bytes.len() as u64;
            match pieces.last_mut().filter(|_| missing == 0) {
                Some(before) => before.bytes.append(&mut bytes),
                None => pieces.push(Piece { missing, bytes }),
            }
        }
        pieces
    }
}

/// Returns what there is from a place on, in order, and the place behind it.
///
/// # Errors
///
/// The folder cannot be read.
pub fn read(folder: &Path, from: u64) -> io::Result<(Vec<Piece>, u64)> {
    let pieces = Kept::look(folder)?.read(from, u64::MAX);
    let lengths = pieces.iter();
    let at = lengths.fold(from, |at, piece| {
        at + piece.missing + piece.bytes.len() as u64
    });
    Ok((pieces, at))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn the_beginning_and_the_newest_are_kept_and_the_gap_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let mut segments = Segments::create(folder.path()).unwrap();
        let line: Vec<u8> = (0..=255).collect();
        let lines = 160 * 1024;
        for _ in 0..lines {
            segments.write(&line);
        }
        let total = 256 * lines as u64;
        assert_eq!(segments.written(), total);
        let sizes = fs::read_dir(folder.path()).unwrap().flatten();
        let kept: u64 = sizes.map(|entry| entry.metadata().unwrap().len()).sum();
        assert!(kept <= HEAD + 2 * SEGMENT, "{kept}");
        let (pieces, end) = read(folder.path(), 0).unwrap();
        assert_eq!(end, total);
        let shown: u64 = pieces.iter().map(|piece| piece.bytes.len() as u64).sum();
        let missing: u64 = pieces.iter().map(|piece| piece.missing).sum();
        assert_eq!(shown + missing, total);
        assert!(missing > 0 && pieces[0].bytes[..256] == line[..]);
        segments.write(b"more");
        let (pieces, end) = read(folder.path(), total).unwrap();
        assert_eq!((pieces.len(), end), (1, total + 4));
        assert_eq!(pieces[0].bytes, b"more");
        let kept = Kept::look(folder.path()).unwrap();
        assert_eq!(kept.end(), end);
        let gap = kept.read(HEAD - 256, total);
        assert!(gap[0].bytes == line && gap[1].missing == missing);
        assert_eq!(kept.read(end - 2, end)[0].bytes, b"re");
        assert_eq!(kept.read(end, u64::MAX), []);
    }
}
