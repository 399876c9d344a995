//! A beads file: one JSON object a line, read as it streams by.

use std::{collections::HashMap, fmt, io::BufRead};

use serde::Serialize;

use super::{convert, line::Line, mapping::Mapping};
use crate::{
    domain::{
        command::ImportItem,
        decide::import::MAX_ITEMS,
        import_report::{Note, NoteKind},
    },
    text,
};

/// The longest line, in bytes: many times an item's longest texts, and no file without line ends fills the memory.
pub const MAX_LINE: usize = 4 * 1024 * 1024;
/// How many broken lines an error lists.
pub const MAX_PROBLEMS: usize = 20;

/// What stands in a file.
#[derive(Debug, Default)]
pub struct ReadFile {
    /// The live items, in the file's order.
    pub items: Vec<ImportItem>,
    /// Lines with anything on them.
    pub lines: u64,
    /// Items that were deleted there.
    pub tombstones: u64,
    /// Broken lines that were left out because the caller asked for it.
    pub invalid: Vec<LineProblem>,
    /// What was cut, and which ids stand in the file more than once.
    pub notes: Vec<Note>,
}

/// A line that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LineProblem {
    /// The line, from 1.
    pub line: u64,
    /// The byte in the line where it goes wrong, from 1; 0 where it is the line as a whole.
    pub column: usize,
    /// What is wrong.
    pub why: String,
}

impl fmt::Display for LineProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if self.column > 0 {
            write!(f, ", column {}", self.column)?;
        }
        write!(f, ": {}", self.why)
    }
}

/// A file that cannot come in as it is. Nothing of it does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BrokenFile {
    /// The first [`MAX_PROBLEMS`] broken lines.
    pub problems: Vec<LineProblem>,
    /// How many there are; 1 where reading had to stop.
    pub total: u64,
}

impl fmt::Display for BrokenFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.problems {
            writeln!(f, "{problem}")?;
        }
        let more = self.total.saturating_sub(self.problems.len() as u64);
        if more > 0 {
            writeln!(f, "and {more} more")?;
        }
        write!(f, "nothing was imported")
    }
}

impl std::error::Error for BrokenFile {}

/// Reads a beads file. `progress` hears how many bytes of it are read so far.
///
/// All or nothing: one broken line fails the file, unless `skip_invalid` asks to leave such lines out and list them.
/// Of several lines with one id the last counts, as for whoever appends to the file; a tombstone takes an earlier line
/// out.
pub fn read_beads(
    mut reader: impl BufRead,
    mapping: &Mapping,
    skip_invalid: bool,
    progress: &mut dyn FnMut(u64),
) -> Result<ReadFile, BrokenFile> {
    let mut read = Reading::default();
    let (mut buffer, mut number, mut bytes) = (Vec::new(), 0, 0);
    loop {
        buffer.clear();
        let taken = match next_line(&mut reader, &mut buffer) {
            Ok(0) => break,
            Ok(taken) => taken,
            Err(error) => return Err(stop(number + 1, format!("it cannot be read: {error}"))),
        };
        number += 1;
        bytes += taken;
        if let Err((column, why)) = read.line(&buffer, number, mapping) {
            read.problem(LineProblem {
                line: number,
                column,
                why,
            });
        }
        if read.count > MAX_ITEMS {
            let why =
                format!("the file has more than {MAX_ITEMS} live items, the most of one import");
            return Err(stop(number, why));
        }
        progress(bytes);
    }
    read.finish(skip_invalid)
}

/// Reads one line of at most [`MAX_LINE`] bytes and a bit; the rest of a longer one is skipped. Returns the bytes gone by.
fn next_line(reader: &mut impl BufRead, buffer: &mut Vec<u8>) -> std::io::Result<u64> {
    let mut gone = 0;
    loop {
        let available = match reader.fill_buf() {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            available => available?,
        };
        if available.is_empty() {
            return Ok(gone);
        }
        let end = available.iter().position(|byte| *byte == b'\n');
        let part = end.map_or(available.len(), |at| at + 1);
        if buffer.len() <= MAX_LINE {
            buffer.extend_from_slice(&available[..part]);
        }
        reader.consume(part);
        gone += part as u64;
        if end.is_some() {
            return Ok(gone);
        }
    }
}

fn stop(line: u64, why: String) -> BrokenFile {
    BrokenFile {
        problems: vec![LineProblem {
            line,
            column: 0,
            why,
        }],
        total: 1,
    }
}

/// A file on its way in.
#[derive(Default)]
struct Reading {
    /// Items with their lines; None where a later line took one out.
    items: Vec<Option<ImportItem>>,
    count: usize,
    /// Where each id last stood: its line, and its place among the items.
    seen: HashMap<String, (u64, Option<usize>)>,
    file: ReadFile,
    problems: u64,
}

impl Reading {
    fn line(&mut self, raw: &[u8], number: u64, mapping: &Mapping) -> Result<(), (usize, String)> {
        let raw = match number {
            1 => raw.strip_prefix(b"\xef\xbb\xbf").unwrap_or(raw),
            _ => raw,
        };
        let raw = raw.trim_ascii_end();
        if raw.is_empty() {
            return Ok(());
        }
        self.file.lines += 1;
        if raw.len() > MAX_LINE {
            return Err((0, format!("it is longer than {MAX_LINE} bytes")));
        }
        let text = std::str::from_utf8(raw)
            .map_err(|error| (error.valid_up_to() + 1, "it is not UTF-8".into()))?;
        let line: Line<'_> = serde_json::from_str(text).map_err(|error| {
            let (column, why) = (error.column(), error.to_string());
            let why = why
                .rsplit_once(" at line ")
                .map_or(why.as_str(), |(why, _)| why);
            (column, text::clean(why).into_owned())
        })?;
        if line.is_tombstone() {
            self.file.tombstones += 1;
            if let Ok(id) = convert::external(line.id.as_ref()) {
                self.place(id, number, None);
            }
            return Ok(());
        }
        let item = convert::item(line, mapping, &mut self.file.notes).map_err(|why| (0, why))?;
        self.place(item.external.clone(), number, Some(item));
        Ok(())
    }

    /// Puts an item, or a tombstone, over whatever had its id before.
    fn place(&mut self, id: String, number: u64, item: Option<ImportItem>) {
        let at = item.is_some().then_some(self.items.len());
        if let Some((line, before)) = self.seen.get(&id) {
            if let Some(before) = before
                && let Some(slot) = self.items.get_mut(*before)
            {
                *slot = None;
                self.count -= 1;
            }
            let text = format!("line {line}, and again line {number}");
            self.file
                .notes
                .push(Note::new(NoteKind::Duplicate, &id, text));
        }
        self.seen.insert(id, (number, at));
        if item.is_some() {
            self.items.push(item);
            self.count += 1;
        }
    }

    fn problem(&mut self, problem: LineProblem) {
        self.problems += 1;
        self.file.invalid.push(problem);
    }

    fn finish(mut self, skip_invalid: bool) -> Result<ReadFile, BrokenFile> {
        if self.problems > 0 && !skip_invalid {
            self.file.invalid.truncate(MAX_PROBLEMS);
            return Err(BrokenFile {
                problems: self.file.invalid,
                total: self.problems,
            });
        }
        self.file.items = self.items.into_iter().flatten().collect();
        Ok(self.file)
    }
}
