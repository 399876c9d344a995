//! A window of lines over an output that is never read whole.

use super::source::Output;
use crate::ui::log::{LINE, LogLine, Part, Window, gap, lines};

/// How many bytes are read before a place and behind it: many screens of usual lines, and one of the longest.
const SPAN: u64 = 128 << 10;

/// How many screens of lines are kept before a place and behind it.
const SCREENS: usize = 3;

/// Returns the lines of a part.
pub(super) fn window(kept: &dyn Output, part: Part, rows: usize) -> Window {
    let end = kept.end();
    let place = match part {
        Part::End => end,
        Part::Around(at) => at.min(end),
    };
    // Long lines are cut at multiples of their limit; from one of those they are cut alike.
    let long = LINE as u64;
    let from = place.saturating_sub(SPAN) / long * long;
    let (mut all, at) = read(kept, from, place.saturating_add(SPAN).min(end));
    let here = all.partition_point(|line| line.at < place);
    let most = rows.max(1) * SCREENS;
    let last = (here + most + rows).min(all.len());
    let cut = here.saturating_sub(most);
    let whole = last == all.len();
    all.truncate(last);
    all.drain(..cut);
    Window {
        first: from == 0 && cut == 0,
        last: whole && at >= end,
        lines: all,
        end,
    }
}

/// Returns the whole lines between two places, and the place behind them.
fn read(kept: &dyn Output, from: u64, to: u64) -> (Vec<LogLine>, u64) {
    let mut all: Vec<LogLine> = Vec::new();
    let mut at = from;
    for piece in kept.read(from, to) {
        if piece.missing > 0 {
            at += piece.missing;
            if all.is_empty() {
                // What is before the gap is told by whoever looks there.
                all.push(gap(from, piece.missing));
            } else {
                all.push(gap(at - piece.missing, piece.missing));
            }
        }
        let mut bytes = piece.bytes.as_slice();
        let mut begins = at;
        at += bytes.len() as u64;
        // The window may begin within a line.
        let head = bytes.get(..LINE).unwrap_or(bytes);
        if begins == from
            && from > 0
            && let Some(cut) = head.iter().position(|byte| *byte == b'\n')
        {
            bytes = bytes.get(cut + 1..).unwrap_or_default();
            begins += cut as u64 + 1;
        }
        all.extend(lines(bytes, begins));
    }
    (all, at)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use std::{fs, path::Path};

    use super::*;
    use crate::link::Kept;

    fn kept(folder: &Path, files: &[(u64, &[u8])]) -> Kept {
        for (begins, bytes) in files {
            fs::write(folder.join(format!("{begins:016}.log")), bytes).unwrap();
        }
        Kept::look(folder).unwrap()
    }

    #[test]
    fn every_line_is_reached_from_anywhere_and_none_is_shown_by_halves() {
        let folder = tempfile::tempdir().unwrap();
        let text: String = (0..40_000).map(|n| format!("line {n}\n")).collect();
        let kept = kept(folder.path(), &[(0, text.as_bytes())]);
        let all: Vec<_> = lines(text.as_bytes(), 0).collect();
        for at in [0, 1, 5, 4_096, 70_000, 200_001, text.len() as u64] {
            let seen = window(&kept, Part::Around(at), 20);
            let here = all.partition_point(|line| line.at < at);
            let first = all.iter().position(|line| *line == seen.lines[0]).unwrap();
            assert_eq!(all[first..first + seen.lines.len()], seen.lines, "{at}");
            assert!(first <= here && here <= first + seen.lines.len(), "{at}");
            assert!(seen.lines.len() <= 140);
            assert_eq!(seen.first, first == 0);
            assert_eq!(seen.last, first + seen.lines.len() == all.len());
        }
        let end = window(&kept, Part::End, 20);
        assert_eq!(end.lines.last(), all.last());
        assert!(end.last && !end.first);
    }

    #[test]
    fn a_line_of_a_mebibyte_is_gone_through_without_getting_stuck() {
        let folder = tempfile::tempdir().unwrap();
        let mut bytes = b"before\n".to_vec();
        bytes.extend(vec![b'x'; 1 << 20]);
        bytes.extend(b"\nbehind\n");
        let kept = kept(folder.path(), &[(0, &bytes)]);
        let mut at = kept.end();
        let mut steps = 0;
        while at > 0 {
            let seen = window(&kept, Part::Around(at), 5);
            let before = seen.lines.iter().rev().find(|line| line.at < at).unwrap();
            assert!(before.at < at);
            at = before.at;
            steps += 1;
        }
        assert!(steps <= (1 << 20) / LINE + 4, "{steps}");
    }

    #[test]
    fn the_longest_lines_fill_a_screen_too() {
        let folder = tempfile::tempdir().unwrap();
        let kept = kept(folder.path(), &[(0, &vec![b'x'; 1 << 20])]);
        for part in [Part::End, Part::Around(500_000)] {
            assert!(window(&kept, part, 100).lines.len() >= 100);
        }
    }

    #[test]
    fn what_was_not_kept_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let kept = kept(folder.path(), &[(0, b"one\ntwo\n"), (1_000, b"three\n")]);
        let seen = window(&kept, Part::End, 10);
        let texts: Vec<_> = seen.lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["one", "two", "[992 bytes were not kept]", "three"]);
        assert!(seen.lines.is_sorted_by(|a, b| a.at < b.at));
    }
}
