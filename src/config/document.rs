//! A TOML file with a name, and problems that point into it.

use std::{
    borrow::Cow,
    fmt::{self, Display},
    fs::File,
    io::{ErrorKind, Read},
    iter,
    ops::Range,
    path::Path,
};

use toml::de::DeTable;

use crate::text;

/// Most bytes of a settings, theme or keymap file: many times the largest anyone writes, and read
/// in well under a millisecond.
pub const FILE_LIMIT: usize = 256 * 1024;

/// Most problems reported for one file: more than a screen of them helps nobody.
const PROBLEM_LIMIT: usize = 50;

/// A line and a column, both from 1. The column counts characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
}

impl Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Something in a file, variable or flag that could not be used. The console runs on without it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file, variable or flag.
    pub file: String,
    /// Where in the file; `None` for all of it.
    pub place: Option<Place>,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub mend: String,
}

impl Problem {
    /// Returns a problem with all of `file`.
    pub fn new(file: impl Display, what: impl Display, mend: impl Display) -> Self {
        // Names and values come from outside and end on a screen.
        let shown = |text: &dyn Display| text::clean(&text.to_string()).into_owned();
        Problem {
            file: shown(&file),
            place: None,
            what: shown(&what),
            mend: shown(&mend),
        }
    }
}

impl Problem {
    /// Returns where it is and what is wrong, without what mends it.
    pub fn found(&self) -> String {
        match self.place {
            Some(place) => format!("{}:{place}: {}", self.file, self.what),
            None => format!("{}: {}", self.file, self.what),
        }
    }
}

impl Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.found(), self.mend)
    }
}

/// A TOML text with the name that problems give it.
#[derive(Clone, Debug)]
pub struct Document {
    name: Cow<'static, str>,
    text: Cow<'static, str>,
    /// Where each line begins; a hostile file makes as many problems as it has words.
    lines: Vec<usize>,
}

impl Document {
    /// Returns the document `text`, called `name` in problems.
    pub fn new(name: impl Into<Cow<'static, str>>, text: impl Into<Cow<'static, str>>) -> Self {
        let text = text.into();
        let ends = text.match_indices('\n').map(|(at, _)| at + 1);
        let lines = iter::once(0).chain(ends).collect();
        Document {
            name: name.into(),
            text,
            lines,
        }
    }

    /// Returns the file at `path`, or `None` if there is none.
    ///
    /// A file that cannot be read, is no plain file, is too large or is not UTF-8 is a problem.
    pub fn read(path: &Path) -> Result<Option<Self>, Problem> {
        let name = path.display().to_string();
        let failed = |error: std::io::Error| {
            Problem::new(
                &name,
                format!("it cannot be read: {error}"),
                "check its permissions",
            )
        };
        // A pipe or device would hold up the start or never end.
        match path.metadata() {
            Ok(about) if about.is_file() => {}
            Ok(_) => {
                return Err(Problem::new(
                    &name,
                    "it is no file",
                    "put a TOML file there",
                ));
            }
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        }
        let mut bytes = Vec::new();
        let limit = FILE_LIMIT as u64 + 1;
        File::open(path)
            .and_then(|f| f.take(limit).read_to_end(&mut bytes))
            .map_err(failed)?;
        if bytes.len() > FILE_LIMIT {
            let what = format!("it is larger than {} KiB", FILE_LIMIT / 1024);
            return Err(Problem::new(&name, what, "make it smaller"));
        }
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(Document::new(name, text))),
            Err(error) => {
                let good = error.utf8_error().valid_up_to();
                let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
                let document = Document::new(name, text);
                Err(document.problem(good..good, "this is not UTF-8", "save the file as UTF-8"))
            }
        }
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the tables of the text, as far as they can be read, and what could not be.
    pub fn parse(&self) -> (DeTable<'_>, Vec<Problem>) {
        let (table, errors) = DeTable::parse_recoverable(&self.text);
        let problems = errors.iter().map(|error| {
            let span = error.span().unwrap_or_default();
            match error.message() {
                "duplicate key" => {
                    let mend = "put what both say into one of them, and take the other out";
                    self.problem(span, "this name is here a second time", mend)
                }
                what => self.problem(span, what, "correct the TOML here"),
            }
        });
        let problems = problems.collect();
        (table.into_inner(), problems)
    }

    /// Returns a problem at the bytes `span` of the text.
    pub fn problem(&self, span: Range<usize>, what: impl Display, mend: impl Display) -> Problem {
        Problem {
            place: Some(self.place(span.start)),
            ..Problem::new(&self.name, what, mend)
        }
    }

    /// Returns the line and column of the byte `at`.
    pub fn place(&self, at: usize) -> Place {
        let line = self.lines.partition_point(|start| *start <= at).max(1);
        let start = self.lines.get(line - 1).copied().unwrap_or_default();
        let before = self.text.bytes().skip(start).take(at.saturating_sub(start));
        // Counting the bytes that begin a character needs no boundary to slice at.
        let column = before.filter(|byte| byte & 0xc0 != 0x80).count() + 1;
        Place { line, column }
    }

    /// Returns `problems` in the order of the text, one a place, and how many were too many.
    pub fn in_order(&self, mut problems: Vec<Problem>) -> Vec<Problem> {
        problems.sort_by_key(|problem| problem.place);
        // What the parser could not read needs no second complaint about its content.
        problems.dedup_by(|a, b| a.place.is_some() && a.place == b.place);
        if problems.len() > PROBLEM_LIMIT {
            let more = problems.len() - PROBLEM_LIMIT;
            problems.truncate(PROBLEM_LIMIT);
            problems.push(Problem::new(
                &self.name,
                format!("{more} more problems"),
                "mend these",
            ));
        }
        problems
    }
}
