//! A table: comma-separated values whose first row names the columns.
//!
//! The names of columns are looked for in many words and whatever their case; `--map` names others. A column that stands
//! for nothing here goes into the description, since an import forgets nothing.

use std::{
    borrow::Cow,
    cell::Cell,
    io::{self, BufRead, Read},
    rc::Rc,
};

use csv::{Error, ErrorKind, ReaderBuilder, StringRecord, Trim};

use super::{
    file::{BrokenFile, Found, MAX_LINE, Reading, Spot, Wrong},
    frame::Progress,
    item::{self, Bond, DONE, Raw},
    mapping,
    parts::date,
    source::Options,
};
use crate::{
    cli::duration,
    domain::{
        decide::import::UNDATED,
        order::{Outcome, Priority, vocabulary},
    },
    text,
};

vocabulary! {
    /// What a column can stand for.
    Field ("field") {
        /// Its id there, by which a later import knows it again.
        Id = "id",
        /// One line.
        Title = "title",
        /// Any text.
        Description = "description",
        /// Story, task, bug, chore or epic.
        Kind = "kind",
        /// Open, in progress, done or given up, in many words.
        Status = "status",
        /// Our class of service.
        Bucket = "bucket",
        /// 1 to 10, or a word.
        Priority = "priority",
        /// Labels, parted by commas or semicolons.
        Labels = "labels",
        /// Who is meant to do it.
        Assignee = "assignee",
        /// Minutes, or a duration.
        Estimate = "estimate_minutes",
        /// When it came into being there.
        Created = "created_at",
        /// When it ended there.
        Closed = "closed_at",
        /// What it is part of.
        Parent = "parent",
        /// What it waits for, parted by blanks, commas or semicolons.
        DependsOn = "depends_on",
        /// Where it is to be seen.
        Url = "url",
    }
}

/// Other words for columns, without blanks and marks.
const SAME: &[(&str, Field)] = &[
    ("key", Field::Id),
    ("issuekey", Field::Id),
    ("number", Field::Id),
    ("uuid", Field::Id),
    ("summary", Field::Title),
    ("name", Field::Title),
    ("subject", Field::Title),
    ("body", Field::Description),
    ("notes", Field::Description),
    ("type", Field::Kind),
    ("issuetype", Field::Kind),
    ("state", Field::Status),
    ("tags", Field::Labels),
    ("label", Field::Labels),
    ("owner", Field::Assignee),
    ("assignedto", Field::Assignee),
    ("estimate", Field::Estimate),
    ("created", Field::Created),
    ("createdon", Field::Created),
    ("closed", Field::Closed),
    ("completed", Field::Closed),
    ("completedat", Field::Closed),
    ("resolved", Field::Closed),
    ("epic", Field::Parent),
    ("dependson", Field::DependsOn),
    ("blockedby", Field::DependsOn),
    ("link", Field::Url),
];

/// Words for what is open and not begun.
const OPEN: &[&str] = &[
    "backlog", "new", "open", "pending", "queued", "ready", "to do", "todo",
];
/// Words for what is done.
const FINISHED: &[&str] = &[
    "closed",
    "complete",
    "completed",
    "done",
    "finished",
    "fixed",
    "resolved",
];
/// Words for what was given up.
const GIVEN_UP: &[&str] = &[
    "abandoned",
    "canceled",
    "cancelled",
    "dropped",
    "duplicate",
    "rejected",
    "won't do",
    "wontfix",
];

/// What spreadsheets take for the beginning of a formula: our own export writes a quote before it.
pub(in crate::cli) const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Reads a table.
pub(super) fn read(
    reader: &mut dyn BufRead,
    reading: &mut Reading,
    options: &Options,
    progress: Progress<'_>,
) -> Result<(), BrokenFile> {
    // What cannot be read is told of by the reading itself.
    let separator = separator(reader.fill_buf().unwrap_or_default());
    let left = Rc::new(Cell::new(ROOM));
    let meter = Meter {
        reader,
        left: Rc::clone(&left),
    };
    let mut table = ReaderBuilder::new()
        .trim(Trim::Headers)
        .delimiter(separator)
        .from_reader(meter);
    let mut spot = Spot {
        record: 0,
        line: 1,
        column: 1,
    };
    let header = table.headers().cloned();
    let header = header.map_err(|error| broken(reading, spot, error))?;
    let columns = match Columns::of(&header, options) {
        Ok(columns) => columns,
        Err(why) if separator == b',' => return Err(reading.stop(spot, why)),
        Err(why) => {
            let why = format!("{why} (its first row is parted by {})", named(separator));
            return Err(reading.stop(spot, why));
        }
    };
    let mut row = StringRecord::new();
    loop {
        left.set(ROOM);
        let next = table.read_record(&mut row);
        progress(table.position().byte());
        spot.record += 1;
        spot.line = match &next {
            Ok(_) => row.position().map_or(spot.line, csv::Position::line),
            Err(error) => error.position().map_or(spot.line, csv::Position::line),
        };
        let found = match next {
            Ok(false) => return Ok(()),
            Ok(true) if row.iter().all(|cell| cell.trim().is_empty()) => continue,
            Ok(true) => columns
                .item(&row, options, reading)
                .map(|item| Found::Item(Box::new(item)))
                .map_err(Wrong::from),
            Err(error) if error.is_io_error() => return Err(broken(reading, spot, error)),
            Err(error) => Err(why(&error).into()),
        };
        reading.take(spot, found)?;
    }
}

/// Returns what parts the cells of a table that begins so: a comma, or what stands in a first row that has none. Many
/// spreadsheets write semicolons.
fn separator(beginning: &[u8]) -> u8 {
    let row = beginning.split(|byte| *byte == b'\n').next();
    let row = row.unwrap_or_default();
    let has = |separator: u8| {
        let mut quoted = false;
        row.iter().any(|byte| {
            quoted ^= *byte == b'"';
            !quoted && *byte == separator
        })
    };
    let others = [b';', b'\t', b'|'];
    match has(b',') {
        true => b',',
        false => others.into_iter().find(|other| has(*other)).unwrap_or(b','),
    }
}

/// Returns what a separator is called.
fn named(separator: u8) -> &'static str {
    match separator {
        b';' => "semicolons",
        b'\t' => "tabs",
        b'|' => "bars",
        _ => "commas",
    }
}

/// How much may be read for one record: twice the longest, since the reader reads ahead.
const ROOM: usize = 2 * MAX_LINE;

/// Stops a record that never ends: a quote that is not closed would read the rest of the file into one.
struct Meter<'m> {
    reader: &'m mut dyn BufRead,
    left: Rc<Cell<usize>>,
}

impl Read for Meter<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        let left = self.left.get().checked_sub(read);
        self.left.set(left.ok_or_else(|| {
            io::Error::other(format!(
                "a record is longer than {MAX_LINE} bytes: is a quote not closed?"
            ))
        })?);
        Ok(read)
    }
}

fn broken(reading: &Reading, spot: Spot, error: Error) -> BrokenFile {
    reading.stop(spot, why(&error))
}

fn why(error: &Error) -> String {
    match error.kind() {
        ErrorKind::Io(error) => format!("it cannot be read: {error}"),
        ErrorKind::Utf8 { .. } => "it is not UTF-8".into(),
        ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => format!("it has {len} cells, and the first row names {expected_len} columns"),
        _ => text::clean(&error.to_string()).into_owned(),
    }
}

/// What the columns of a file stand for.
struct Columns {
    /// By column: its name there, and what it stands for.
    all: Vec<(String, Option<Field>)>,
}

impl Columns {
    /// Returns what the columns of the first row stand for, or which one is missing.
    fn of(header: &StringRecord, options: &Options) -> Result<Self, String> {
        let shown = || {
            let names: Vec<_> = header.iter().take(30).collect();
            text::clean(&names.join(", ")).into_owned()
        };
        for (field, wanted) in &options.columns {
            if !header.iter().any(|name| name == wanted) {
                let wanted = text::clean(wanted);
                return Err(format!(
                    "there is no column '{wanted}' for {field}; there are: {}",
                    shown()
                ));
            }
        }
        let mut all: Vec<(String, Option<Field>)> = vec![];
        for name in header {
            let mapped = options.columns.iter().find(|(_, wanted)| *wanted == name);
            let field = match mapped {
                Some((field, _)) => Some(*field),
                // A column that was named for a field shuts out those that only sound like it.
                None => known(name).filter(|field| !options.columns.contains_key(field)),
            };
            let taken = |field: &Field| all.iter().any(|(_, other)| *other == Some(*field));
            all.push((name.to_owned(), field.filter(|field| !taken(field))));
        }
        let columns = Columns { all };
        for needed in [Field::Id, Field::Title] {
            if columns.at(needed).is_none() {
                let taken = columns.all.iter().find_map(|(name, of)| {
                    let other = of.filter(|of| known(name) == Some(needed) && *of != needed)?;
                    Some((text::clean(name).into_owned(), other))
                });
                if let Some((name, other)) = taken {
                    return Err(format!(
                        "column '{name}' was given to {other}, so that none is left for {needed}: \
                         each row needs an id of its own and a title; name another with --map {needed}=COLUMN; \
                         there are: {}",
                        shown()
                    ));
                }
                return Err(format!(
                    "no column is called {needed}: name one with --map {needed}=COLUMN; there are: {}",
                    shown()
                ));
            }
        }
        Ok(columns)
    }

    fn at(&self, field: Field) -> Option<usize> {
        self.all.iter().position(|(_, of)| *of == Some(field))
    }

    fn item(
        &self,
        row: &StringRecord,
        options: &Options,
        reading: &mut Reading,
    ) -> Result<crate::domain::command::ImportItem, String> {
        let raw = self.raw(row, options)?;
        item::item(raw, &options.system, &options.mapping, reading.notes())
    }

    fn raw<'r>(&self, row: &'r StringRecord, options: &Options) -> Result<Raw<'r>, String> {
        let cell = |field: Field| {
            let cell = self.at(field).and_then(|at| row.get(at));
            cell.map(plain).filter(|cell| !cell.trim().is_empty())
        };
        let form = options.dates.as_deref();
        let moment = |field: Field| cell(field).map(|text| date(text, form)).transpose();
        let created = moment(Field::Created)?.unwrap_or(UNDATED);
        let mut words: Vec<Cow<'_, str>> = vec![];
        let status = cell(Field::Status).unwrap_or_default().trim();
        let is = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(status));
        let closed = moment(Field::Closed)?;
        let at = closed.unwrap_or(created);
        let outcome = if is(FINISHED) || (status.is_empty() && closed.is_some()) {
            Some((DONE, at))
        } else if is(GIVEN_UP) {
            let reason = status.to_owned();
            Some((Outcome::Cancelled { reason }, at))
        } else {
            if !status.is_empty() && !is(OPEN) {
                words.push(status.into());
            }
            None
        };
        let bucket = cell(Field::Bucket).and_then(|text| match text.parse() {
            Ok(bucket) => Some(bucket),
            Err(_) => {
                words.push(format!("bucket {}", text.trim()).into());
                None
            }
        });
        let priority = match cell(Field::Priority).map(str::trim) {
            None => Priority::DEFAULT,
            Some(text) => match (text.parse::<i64>(), mapping::urgency(text)) {
                (Ok(_), _) => text.parse()?,
                (_, Some(priority)) => priority,
                _ => {
                    words.push(format!("priority {text}").into());
                    Priority::DEFAULT
                }
            },
        };
        let estimate = match cell(Field::Estimate).map(str::trim) {
            None => None,
            Some(text) => match text.parse::<i64>() {
                Ok(minutes) => Some(minutes),
                Err(_) => Some(duration::minutes(text)?.into()),
            },
        };
        let ids = cell(Field::DependsOn).unwrap_or_default();
        let ids = ids.split([',', ';', ' ', '\n']).map(str::trim);
        let mut bonds: Vec<_> = ids
            .filter(|id| !id.is_empty())
            .map(|id| (Bond::Wait, Cow::Borrowed(id)))
            .collect();
        bonds.extend(cell(Field::Parent).map(|of| (Bond::Part, of.trim().into())));
        let url = cell(Field::Url);
        bonds.extend(url.map(|url| (Bond::Link("url".into()), url.trim().into())));
        let labels = cell(Field::Labels).unwrap_or_default();
        let rest = self.all.iter().zip(row);
        let rest = rest.filter(|((_, field), _)| field.is_none());
        Ok(Raw {
            id: cell(Field::Id).ok_or("it has no id")?.into(),
            title: cell(Field::Title).ok_or("it has no title")?.into(),
            description: cell(Field::Description).map(Cow::Borrowed),
            created,
            kind: cell(Field::Kind).map_or(Cow::Borrowed("task"), |kind| {
                kind.trim().to_ascii_lowercase().into()
            }),
            bucket,
            priority,
            words,
            labels: labels.split([',', ';']).map(Cow::Borrowed).collect(),
            assignee: cell(Field::Assignee).map(Cow::Borrowed),
            estimate,
            outcome,
            bonds,
            rest: rest
                .map(|((name, _), cell)| (name.clone().into(), plain(cell).into()))
                .collect(),
            ..Raw::default()
        })
    }
}

/// Returns a cell without the quote that keeps spreadsheets from reading it as a formula.
fn plain(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if rest.trim_start_matches('\'').starts_with(FORMULA) => rest,
        _ => cell,
    }
}

/// Returns what a column's name stands for: case, blanks and marks do not count.
fn known(name: &str) -> Option<Field> {
    let squeeze = |name: &str| -> String {
        let letters = name.chars().filter(|c| c.is_alphanumeric());
        letters.flat_map(char::to_lowercase).collect()
    };
    let name = squeeze(name);
    let own = Field::ALL
        .iter()
        .find(|field| squeeze(field.word()) == name);
    let same = || SAME.iter().find(|(word, _)| *word == name);
    own.copied().or_else(|| same().map(|(_, field)| *field))
}
