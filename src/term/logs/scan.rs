//! A search through all that is kept of an output: what was looked through once is not looked through again.

use std::collections::VecDeque;

use super::source::Output;
use crate::ui::log::{Found, HITS, find, lines};

/// How many bytes are read at once; more than the longest line by far.
const CHUNK: u64 = 256 << 10;

/// How far a search has come.
#[derive(Debug, Default)]
pub(super) struct Scan {
    run: String,
    words: String,
    /// What is before it was looked through, in whole lines.
    to: u64,
    hits: VecDeque<u64>,
    count: u64,
}

impl Scan {
    /// Returns what is found in all that is kept, given that an output only grows.
    pub(super) fn search(&mut self, run: &str, words: &str, kept: &dyn Output) -> Found {
        if self.run != run || self.words != words {
            *self = Scan {
                run: run.to_owned(),
                words: words.to_owned(),
                ..Scan::default()
            };
        }
        if words.is_empty() {
            return Found::default();
        }
        let tail = self.on(kept);
        let mut found = Found {
            words: words.to_owned(),
            hits: self.hits.iter().copied().collect(),
            count: self.count,
        };
        found.count += u64::from(tail.is_some());
        found.hits.extend(tail);
        found
    }

    /// Looks through what is new. Returns where the last line begins, if that has no end yet and is a hit.
    fn on(&mut self, kept: &dyn Output) -> Option<u64> {
        let end = kept.end();
        while self.to < end {
            let pieces = kept.read(self.to, end.min(self.to + CHUNK));
            if pieces.is_empty() {
                // Nothing of this chunk was kept, or its file has just gone. A gap may be of any length.
                self.to = kept.next(self.to);
                continue;
            }
            let count = pieces.len();
            let mut behind = self.to;
            for (nth, piece) in (1..).zip(pieces) {
                let begins = behind + piece.missing;
                behind = begins + piece.bytes.len() as u64;
                // What is before something missing does not go on.
                let ends = nth < count || piece.bytes.last() == Some(&b'\n');
                let mut open = None;
                let mut all = lines(&piece.bytes, begins).peekable();
                while let Some(line) = all.next() {
                    let hit = find(&line.text, &self.words).is_some();
                    if all.peek().is_none() && !ends {
                        // It may go on.
                        open = Some((line.at, hit));
                    } else if hit {
                        self.hit(line.at);
                    }
                }
                self.to = open.map_or(behind, |(at, _)| at);
                if let Some((at, hit)) = open
                    && behind >= end
                {
                    return Some(at).filter(|_| hit);
                }
            }
        }
        None
    }

    fn hit(&mut self, at: u64) {
        if self.hits.len() >= HITS {
            self.hits.pop_front();
        }
        self.hits.push_back(at);
        self.count += 1;
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use std::fs;

    use super::*;
    use crate::link::Kept;

    #[test]
    fn every_line_is_found_once_however_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("0000000000000000.log");
        let text: String = (0..60_000)
            .map(|n| format!("\x1b[1mline\x1b[0m {n}\n"))
            .collect();
        let wanted: Vec<u64> = lines(text.as_bytes(), 0)
            .filter(|line| line.text.contains("line 5"))
            .map(|line| line.at)
            .collect();
        let mut scan = Scan::default();
        let mut found = Found::default();
        // As it is written, cut anywhere.
        for till in (0..text.len()).step_by(77_777).chain([text.len()]) {
            fs::write(&path, &text.as_bytes()[..till]).unwrap();
            found = scan.search(
                "run",
                "Line 5".to_lowercase().as_str(),
                &Kept::look(folder.path()).unwrap(),
            );
        }
        assert_eq!(found.count, wanted.len() as u64);
        assert_eq!(found.hits, wanted[wanted.len() - HITS..]);
        let none = scan.search("run", "absent", &Kept::look(folder.path()).unwrap());
        assert_eq!((none.count, none.hits.len()), (0, 0));
    }

    #[test]
    fn a_line_over_two_files_or_before_a_gap_counts_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = |begins: u64, text: &str| {
            fs::write(folder.path().join(format!("{begins:016}.log")), text).unwrap();
        };
        file(0, "one\nhit t");
        file(9, "wo\nhit three");
        file(100, "four\nhit five");
        let kept = Kept::look(folder.path()).unwrap();
        let found = Scan::default().search("run", "hit", &kept);
        assert_eq!((found.count, found.hits), (3, vec![4, 12, 105]));
    }

    #[test]
    fn a_gap_costs_nothing_however_long_an_output_says_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = |begins: u64, text: &str| {
            fs::write(folder.path().join(format!("{begins:016}.log")), text).unwrap();
        };
        file(0, "hit one\n");
        file(1 << 62, "hit two\n");
        file(u64::MAX, "hit three\n");
        let kept = Kept::look(folder.path()).unwrap();
        let found = Scan::default().search("run", "hit", &kept);
        assert_eq!((found.count, found.hits), (2, vec![0, 1 << 62]));
    }

    #[test]
    fn a_line_without_an_end_is_found_too_and_counts_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("0000000000000000.log");
        let mut scan = Scan::default();
        for text in ["a\nwhich ke", "a\nwhich key?", "a\nwhich key? yes\nb"] {
            fs::write(&path, text).unwrap();
            let kept = Kept::look(folder.path()).unwrap();
            let found = scan.search("run", "which", &kept);
            assert_eq!((found.count, found.hits), (1, vec![2]), "{text}");
        }
    }
}
