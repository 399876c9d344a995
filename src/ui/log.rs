//! What an agent's run wrote, as the console sees it: a window of lines over its output, and what was found in it.
//!
//! The output itself stays where it is. A line is known by the place of its first byte in the whole of the output, so that a
//! window can be laid anywhere over it, and what is on screen stays the same when there is more of it.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::{
    domain::{id::OrderId, time::Timestamp},
    text,
};

/// The longest line that is kept apart, in bytes. A program may write for ever without an end of line, and no screen is
/// wider. What is longer is cut at multiples of this, so that it is cut alike from wherever one looks.
pub const LINE: usize = 1024;

/// How many places of what was found are known, the newest. All of them are counted.
pub const HITS: usize = 1_000;

/// What the console wants to see, and goes on seeing until it wishes for something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Whose runs.
    pub agent: String,
    /// Which of them; none for the first of [`working_first`], whichever that is by then.
    pub run: Option<String>,
    /// Which part of its output.
    pub part: Part,
    /// How many lines fit on the screen.
    pub rows: usize,
    /// What is searched for; empty for nothing.
    pub words: String,
}

/// A part of an output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Part {
    /// The end of it, wherever that is by then.
    #[default]
    End,
    /// What is around a place.
    Around(u64),
}

/// What was seen of an agent's runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sight {
    /// Whose.
    pub agent: String,
    /// The runs of which something is kept: those that work, then those that ended; newest first.
    pub runs: Vec<RunSeen>,
    /// The one whose output this is.
    pub run: Option<String>,
    /// The part of its output that was wished for.
    pub window: Window,
    /// What was found in all of it.
    pub found: Found,
}

impl Sight {
    /// Returns the run whose output this is.
    pub fn shown(&self) -> Option<&RunSeen> {
        let run = self.run.as_ref()?;
        self.runs.iter().find(|seen| seen.run == *run)
    }
}

/// Puts the runs that still work before those that ended: what works now is what one wants to see, though a later run of
/// the same agent may have ended already.
pub fn working_first<T>(runs: &mut [T], ended: impl Fn(&T) -> bool) {
    runs.sort_by_key(ended);
}

/// A run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSeen {
    /// Its name.
    pub run: String,
    /// What it was started for.
    pub order: Option<OrderId>,
    /// When.
    pub began: Timestamp,
    /// How it ended, once it has: outside text.
    pub end: Option<String>,
}

/// Lines of an output.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The lines, in order.
    pub lines: Vec<LogLine>,
    /// Whether there is nothing before them.
    pub first: bool,
    /// Whether there is nothing behind them.
    pub last: bool,
    /// The place behind the last byte of all.
    pub end: u64,
}

/// A line of an output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Where it begins.
    pub at: u64,
    /// Its text, cleaned.
    pub text: String,
    /// Whether it is the console's own word for what was not kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gap: bool,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// What was searched for.
    pub words: String,
    /// Where the lines begin that have it: the newest of them, in order.
    pub hits: Vec<u64>,
    /// How many lines have it.
    pub count: u64,
}

/// Cuts bytes of an output into lines.
///
/// A line ends with a line feed; one that is longer than [`LINE`] is cut there. What is not UTF-8 is shown as what it is not, and
/// escape codes are taken out.
pub fn lines(bytes: &[u8], begins: u64) -> impl Iterator<Item = LogLine> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
        let most = rest.get(..LINE).unwrap_or(rest);
        let place = begins + at as u64;
        let (line, taken) = match most.iter().position(|byte| *byte == b'\n') {
            Some(end) => (most.get(..end).unwrap_or_default(), end + 1),
            None => {
                let till = LINE - usize::try_from(place % LINE as u64).unwrap_or(0);
                let cut = rest.get(..till).filter(|_| most.len() == LINE);
                let line = cut.unwrap_or(most);
                (line, line.len())
            }
        };
        let line = LogLine {
            at: place,
            text: text::clean(&String::from_utf8_lossy(line))
                .trim_end()
                .to_owned(),
            gap: false,
        };
        at += taken;
        Some(line)
    })
}

/// Returns the line that says how many bytes before a place were not kept.
pub fn gap(at: u64, missing: u64) -> LogLine {
    LogLine {
        at,
        text: format!("[{missing} bytes were not kept]"),
        gap: true,
    }
}

/// Returns where a line has what is searched for. A capital letter in it is meant; otherwise case does not matter.
pub fn find(line: &str, words: &str) -> Option<Range<usize>> {
    let wanted = words.as_bytes();
    if wanted.is_empty() {
        return None;
    }
    let exact = words.chars().any(char::is_uppercase);
    let fits = |part: &[u8]| match exact {
        true => part == wanted,
        false => part.eq_ignore_ascii_case(wanted),
    };
    let at = line.as_bytes().windows(wanted.len()).position(fits)?;
    Some(at..at + wanted.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hostile_output_becomes_lines_that_drive_nothing() {
        let bytes = b"\x1b[31mred\x1b[0m\r\nbad \xff\xfe utf\n\x1b]0;title\x07end";
        let found: Vec<_> = lines(bytes, 100).collect();
        let texts: Vec<_> = found.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["red", "bad \u{fffd}\u{fffd} utf", "end"]);
        assert_eq!((found[0].at, found[1].at), (100, 114));
    }

    #[test]
    fn a_line_without_an_end_is_cut_and_nothing_of_it_is_lost() {
        let bytes = vec![b'x'; 1 << 20];
        let found: Vec<_> = lines(&bytes, 7).collect();
        assert_eq!(found.len(), (1 << 20) / LINE + 1);
        assert!(found.iter().all(|line| line.text.len() <= LINE));
        let length: usize = found.iter().map(|line| line.text.len()).sum();
        assert_eq!(length, bytes.len());
        // From elsewhere it is cut at the same places.
        let later: Vec<_> = lines(&bytes[LINE - 7..], LINE as u64).collect();
        assert_eq!(found[1..], later);
    }

    #[test]
    fn a_capital_letter_is_meant() {
        assert_eq!(find("An Error here", "error"), Some(3..8));
        assert_eq!(find("an error here", "Error"), None);
        assert_eq!(find("an error here", ""), None);
        assert_eq!(find("ein Grüßen", "üße"), Some(6..11));
    }

    proptest! {
        #[test]
        fn any_bytes_are_lines_in_order_and_safe(bytes in proptest::collection::vec(any::<u8>(), 0..6_000)) {
            let found: Vec<_> = lines(&bytes, 0).collect();
            prop_assert!(found.is_sorted_by(|a, b| a.at < b.at));
            prop_assert!(found.iter().all(|line| !line.text.chars().any(char::is_control)));
        }
    }
}
