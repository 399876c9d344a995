//! A file on its way in, whatever system wrote it: which records it has, which of them are broken, and what counts.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
};

use serde::Serialize;

use crate::domain::{
    command::ImportItem,
    decide::import::MAX_ITEMS,
    import_report::{Note, NoteKind},
};

/// The longest record, in bytes: many times an item's longest texts, and no file without ends fills the memory.
pub const MAX_LINE: usize = 4 * 1024 * 1024;
/// How many broken records an error lists.
pub const MAX_PROBLEMS: usize = 20;

/// What stands in a file.
#[derive(Debug, Default)]
pub struct ReadFile {
    /// The live items, in the file's order.
    pub items: Vec<ImportItem>,
    /// What its records are called: lines, or records.
    pub unit: Unit,
    /// Records with anything in them.
    pub lines: u64,
    /// Items that were deleted there.
    pub tombstones: u64,
    /// Broken records that were left out because the caller asked for it.
    pub invalid: Vec<LineProblem>,
    /// What the file has beside items, by its name there: it has no counterpart in an import.
    pub left_out: BTreeMap<String, u64>,
    /// What was cut, and which ids stand in the file more than once.
    pub notes: Vec<Note>,
}

/// What a file is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unit {
    /// Lines: the number of the line says where a record is.
    #[default]
    Line,
    /// Records of any number of lines, which have numbers of their own.
    Record,
}

impl Unit {
    /// Returns the word for one of them.
    pub const fn word(self) -> &'static str {
        match self {
            Unit::Line => "line",
            Unit::Record => "record",
        }
    }
}

/// A record that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LineProblem {
    /// The record, from 1, where records are not lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<u64>,
    /// The line, from 1.
    pub line: u64,
    /// The byte in the line where it goes wrong, from 1; 0 where it is the record as a whole.
    pub column: usize,
    /// What is wrong.
    pub why: String,
}

impl fmt::Display for LineProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(record) = self.record {
            write!(f, "record {record}, ")?;
        }
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
    /// The first [`MAX_PROBLEMS`] broken records.
    pub problems: Vec<LineProblem>,
    /// How many there are; 1 where reading had to stop.
    pub total: u64,
    /// Whether the rest can come in without them.
    #[serde(skip)]
    pub may_skip: bool,
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

/// Where a record begins, each from 1; the column is the byte in the line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) record: u64,
    pub(super) line: u64,
    pub(super) column: usize,
}

/// What a record comes to.
pub(super) enum Found {
    /// An item.
    Item(Box<ImportItem>),
    /// An item that was deleted there, by its id; empty where it has none.
    Gone(String),
    /// Something that is no item, by what the file calls such things.
    Other(String),
}

/// What is wrong in a record, and where from its beginning on, from 1; 0 where it is the record as a whole.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) why: String,
}

impl From<String> for Wrong {
    fn from(why: String) -> Self {
        Wrong {
            line: 0,
            column: 0,
            why,
        }
    }
}

/// The records of a file, gathered.
///
/// Of several records with one id the last counts, as for whoever appends to the file; a tombstone takes an earlier
/// record out.
#[derive(Default)]
pub(super) struct Reading {
    /// Items; None where a later record took one out.
    items: Vec<Option<ImportItem>>,
    count: usize,
    /// Where each id last stood: the number of its line or record, and its place among the items.
    seen: HashMap<String, (u64, Option<usize>)>,
    file: ReadFile,
    problems: u64,
}

impl Reading {
    /// Returns a reading of a file that is made of these.
    pub(super) fn of(unit: Unit) -> Self {
        Reading {
            file: ReadFile {
                unit,
                ..ReadFile::default()
            },
            ..Reading::default()
        }
    }

    /// Returns where notes on what was read go.
    pub(super) fn notes(&mut self) -> &mut Vec<Note> {
        &mut self.file.notes
    }

    /// Takes in what a record came to, or stops at more than one import may have.
    pub(super) fn take(
        &mut self,
        spot: Spot,
        found: Result<Found, Wrong>,
    ) -> Result<(), BrokenFile> {
        self.file.lines += 1;
        match found {
            Ok(Found::Item(item)) => self.place(item.external.clone(), spot, Some(*item)),
            Ok(Found::Gone(id)) => {
                self.file.tombstones += 1;
                if !id.is_empty() {
                    self.place(id, spot, None);
                }
            }
            Ok(Found::Other(sort)) => *self.file.left_out.entry(sort).or_default() += 1,
            Err(wrong) => {
                self.problems += 1;
                let problem = self.problem(spot, wrong);
                self.file.invalid.push(problem);
            }
        }
        let too_many = |what: &str| {
            let why = format!("the file has more than {MAX_ITEMS} {what}, the most of one import");
            self.stop(spot, why)
        };
        if self.count > MAX_ITEMS {
            return Err(too_many("live items"));
        }
        if self.file.invalid.len() > MAX_ITEMS {
            return Err(too_many("broken records"));
        }
        Ok(())
    }

    /// Returns the error for a file that cannot be read beyond a spot.
    pub(super) fn stop(&self, spot: Spot, why: String) -> BrokenFile {
        BrokenFile {
            problems: vec![self.problem(spot, why.into())],
            total: 1,
            may_skip: false,
        }
    }

    fn problem(&self, spot: Spot, wrong: Wrong) -> LineProblem {
        let beyond = (wrong.line as u64).saturating_sub(1);
        let column = match wrong.column {
            0 => 0,
            column if beyond == 0 => spot.column.max(1) + column - 1,
            column => column,
        };
        LineProblem {
            record: (self.file.unit == Unit::Record && spot.record > 0).then_some(spot.record),
            line: spot.line + beyond,
            column,
            why: wrong.why,
        }
    }

    /// Puts an item, or a tombstone, over whatever had its id before.
    fn place(&mut self, id: String, spot: Spot, item: Option<ImportItem>) {
        let number = match self.file.unit {
            Unit::Line => spot.line,
            Unit::Record => spot.record,
        };
        let at = item.is_some().then_some(self.items.len());
        if let Some((before, place)) = self.seen.get(&id) {
            if let Some(place) = place
                && let Some(slot) = self.items.get_mut(*place)
            {
                *slot = None;
                self.count -= 1;
            }
            let unit = self.file.unit.word();
            let text = format!("{unit} {before}, and again {unit} {number}");
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

    /// Returns the file, or its broken records: all or nothing, unless these are to be left out and listed.
    pub(super) fn finish(mut self, skip_invalid: bool) -> Result<ReadFile, BrokenFile> {
        if self.problems > 0 && !skip_invalid {
            self.file.invalid.truncate(MAX_PROBLEMS);
            return Err(BrokenFile {
                problems: self.file.invalid,
                total: self.problems,
                may_skip: true,
            });
        }
        self.file.items = self.items.into_iter().flatten().collect();
        Ok(self.file)
    }
}
