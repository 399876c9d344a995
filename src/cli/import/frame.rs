//! How records are told apart in a stream of bytes: one a line, or JSON values in lists and documents.
//!
//! Only one record is in memory at a time, and never more of it than [`MAX_LINE`].

use std::io::{self, BufRead, Read};

use serde::Deserialize;

use super::file::{BrokenFile, Found, MAX_LINE, Reading, Spot, Wrong};
use crate::text;

/// What becomes of a record: where notes go, the list it stands in (empty where it stands alone), and its text.
pub(super) type Take<'t> = &'t mut dyn FnMut(&mut Reading, &str, &str) -> Result<Found, Wrong>;
/// Hears how many bytes of the file are read so far.
pub(super) type Progress<'p> = &'p mut dyn FnMut(u64);

/// How much is read at once.
const CHUNK: usize = 64 * 1024;
/// What some editors put before UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Returns a record of JSON read as what it should be, or where it is not.
pub(super) fn json<'t, T: Deserialize<'t>>(text: &'t str) -> Result<T, Wrong> {
    serde_json::from_str(text).map_err(|error| {
        let why = error.to_string();
        let why = why
            .rsplit_once(" at line ")
            .map_or(why.as_str(), |(why, _)| why);
        Wrong {
            line: error.line(),
            column: error.column(),
            why: text::clean(why).into_owned(),
        }
    })
}

/// Reads a file of lines.
pub(super) fn lines(
    reader: &mut dyn BufRead,
    reading: &mut Reading,
    take: Take<'_>,
    progress: Progress<'_>,
) -> Result<(), BrokenFile> {
    let (mut buffer, mut bytes) = (Vec::new(), 0);
    let mut spot = Spot {
        column: 1,
        ..Spot::default()
    };
    loop {
        buffer.clear();
        let taken = next_line(reader, &mut buffer);
        spot.line += 1;
        spot.record += 1;
        match taken {
            Ok(0) => return Ok(()),
            Ok(taken) => bytes += taken,
            Err(error) => return Err(unreadable(reading, spot, &error)),
        }
        let raw = match spot.line {
            1 => buffer
                .strip_prefix(BYTE_ORDER_MARK)
                .unwrap_or(buffer.as_slice()),
            _ => &buffer,
        };
        let raw = raw.trim_ascii_end();
        if !raw.is_empty() {
            let found = whole(raw).and_then(|text| take(reading, "", text));
            reading.take(spot, found)?;
        }
        progress(bytes);
    }
}

/// Reads one line of at most [`MAX_LINE`] bytes and a bit; the rest of a longer one is skipped. Returns the bytes gone by.
fn next_line(reader: &mut dyn BufRead, buffer: &mut Vec<u8>) -> io::Result<u64> {
    let mut gone = 0;
    loop {
        let available = match reader.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
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

/// Returns the text of a record, or why it is none.
fn whole(raw: &[u8]) -> Result<&str, Wrong> {
    if raw.len() > MAX_LINE {
        return Err(format!("it is longer than {MAX_LINE} bytes").into());
    }
    std::str::from_utf8(raw).map_err(|error| {
        let good = raw.get(..error.valid_up_to()).unwrap_or_default();
        let line_start = good.iter().rposition(|byte| *byte == b'\n');
        Wrong {
            line: good.iter().filter(|byte| **byte == b'\n').count() + 1,
            column: good.len() - line_start.map_or(0, |at| at + 1) + 1,
            why: "it is not UTF-8".into(),
        }
    })
}

fn unreadable(reading: &Reading, spot: Spot, error: &io::Error) -> BrokenFile {
    reading.stop(spot, format!("it cannot be read: {error}"))
}

/// Reads JSON: a list of objects, or objects one after the other.
pub(super) fn values(
    reader: &mut dyn BufRead,
    reading: &mut Reading,
    take: Take<'_>,
    progress: Progress<'_>,
) -> Result<(), BrokenFile> {
    Values::new(reader, reading, take, progress).read(false)
}

/// Reads JSON documents whose keys name lists, and lines in which a key names the one thing that follows.
pub(super) fn documents(
    reader: &mut dyn BufRead,
    reading: &mut Reading,
    take: Take<'_>,
    progress: Progress<'_>,
) -> Result<(), BrokenFile> {
    Values::new(reader, reading, take, progress).read(true)
}

/// Why the bytes cannot be parted into records.
enum Halt {
    /// The file cannot be read.
    Io(io::Error),
    /// It is no JSON of the wanted form.
    Form(&'static str),
    /// A record had to stop the reading.
    Broken(BrokenFile),
}

impl From<io::Error> for Halt {
    fn from(error: io::Error) -> Self {
        Halt::Io(error)
    }
}

/// A stream of JSON, looked at byte by byte.
struct Values<'v> {
    reader: &'v mut dyn BufRead,
    reading: &'v mut Reading,
    take: Take<'v>,
    progress: Progress<'v>,
    chunk: Vec<u8>,
    at: usize,
    bytes: u64,
    spot: Spot,
    value: Vec<u8>,
}

impl<'v> Values<'v> {
    fn new(
        reader: &'v mut dyn BufRead,
        reading: &'v mut Reading,
        take: Take<'v>,
        progress: Progress<'v>,
    ) -> Self {
        Values {
            reader,
            reading,
            take,
            progress,
            chunk: Vec::with_capacity(CHUNK),
            at: 0,
            bytes: 0,
            spot: Spot {
                record: 0,
                line: 1,
                column: 1,
            },
            value: Vec::new(),
        }
    }

    fn read(mut self, documents: bool) -> Result<(), BrokenFile> {
        match self.top(documents) {
            Ok(()) => Ok(()),
            Err(Halt::Broken(broken)) => Err(broken),
            Err(Halt::Io(error)) => Err(unreadable(self.reading, self.here(), &error)),
            Err(Halt::Form(why)) => {
                let spot = self.here();
                let mut broken = self.reading.stop(spot, why.into());
                if let Some(problem) = broken.problems.first_mut() {
                    problem.column = spot.column;
                }
                Err(broken)
            }
        }
    }

    /// Returns where the next byte stands, outside of any record.
    fn here(&self) -> Spot {
        Spot {
            record: 0,
            ..self.spot
        }
    }

    fn top(&mut self, documents: bool) -> Result<(), Halt> {
        self.fill()?;
        if self.chunk.starts_with(BYTE_ORDER_MARK) {
            self.at = BYTE_ORDER_MARK.len();
        }
        while let Some(byte) = self.gap(true)? {
            match byte {
                b'[' => self.list("")?,
                b'{' if documents => self.document()?,
                b'{' => self.one("")?,
                _ => {
                    return Err(Halt::Form(
                        "this is no JSON object, and no list of such begins here",
                    ));
                }
            }
        }
        Ok(())
    }

    /// Reads the values of a list, whose bracket is next.
    fn list(&mut self, name: &str) -> Result<(), Halt> {
        self.bump();
        loop {
            match self.gap(true)? {
                None => return Err(Halt::Form("the file ends inside a list")),
                Some(b']') => {
                    self.bump();
                    return Ok(());
                }
                Some(_) => self.one(name)?,
            }
        }
    }

    /// Reads an object whose keys name what follows them; its brace is next.
    fn document(&mut self) -> Result<(), Halt> {
        self.bump();
        loop {
            match self.gap(true)? {
                None => return Err(Halt::Form("the file ends inside an object")),
                Some(b'}') => {
                    self.bump();
                    return Ok(());
                }
                Some(b'"') => {
                    self.scan()?;
                    let name = serde_json::from_slice::<String>(&self.value);
                    let name = name.map_err(|_| Halt::Form("this is no name"))?;
                    if self.gap(false)? != Some(b':') {
                        return Err(Halt::Form("here a colon is wanted"));
                    }
                    self.bump();
                    match self.gap(false)? {
                        Some(b'[') => self.list(&name)?,
                        _ => self.one(&name)?,
                    }
                }
                Some(_) => return Err(Halt::Form("here a name in quotes is wanted")),
            }
        }
    }

    /// Reads one value and takes it.
    fn one(&mut self, name: &str) -> Result<(), Halt> {
        self.spot.record += 1;
        let spot = self.spot;
        self.scan()?;
        let found = whole(&self.value).and_then(|text| (self.take)(self.reading, name, text));
        self.reading.take(spot, found).map_err(Halt::Broken)?;
        (self.progress)(self.bytes);
        Ok(())
    }

    /// Puts the next value's bytes aside; of a value that is too long a bit more than may be.
    fn scan(&mut self) -> Result<(), Halt> {
        self.value.clear();
        let (mut depth, mut quoted, mut escaped) = (0_u32, false, false);
        loop {
            let Some(byte) = self.peek()? else {
                return Err(Halt::Form("the file ends inside a record"));
            };
            let ends = match byte {
                _ if escaped => {
                    escaped = false;
                    false
                }
                b'\\' if quoted => {
                    escaped = true;
                    false
                }
                b'"' => {
                    quoted = !quoted;
                    !quoted && depth == 0
                }
                _ if quoted => false,
                b'{' | b'[' => {
                    depth = depth.saturating_add(1);
                    false
                }
                b'}' | b']' if depth == 0 => return self.bare(),
                b'}' | b']' => {
                    depth -= 1;
                    depth == 0
                }
                b',' | b' ' | b'\t' | b'\r' | b'\n' if depth == 0 => return self.bare(),
                _ => false,
            };
            if self.value.len() <= MAX_LINE {
                self.value.push(byte);
            }
            self.bump();
            if ends {
                return Ok(());
            }
        }
    }

    /// Ends a value that has no brackets and no quotes: there must be something of it.
    fn bare(&self) -> Result<(), Halt> {
        match self.value.is_empty() {
            true => Err(Halt::Form("here a value is wanted")),
            false => Ok(()),
        }
    }

    /// Returns the next byte behind blanks, and behind commas where these only part values.
    fn gap(&mut self, commas: bool) -> Result<Option<u8>, Halt> {
        loop {
            match self.peek()? {
                Some(b' ' | b'\t' | b'\r' | b'\n') => self.bump(),
                Some(b',') if commas => self.bump(),
                other => return Ok(other),
            }
        }
    }

    fn peek(&mut self) -> io::Result<Option<u8>> {
        if self.at == self.chunk.len() {
            self.fill()?;
        }
        Ok(self.chunk.get(self.at).copied())
    }

    fn bump(&mut self) {
        match self.chunk.get(self.at) {
            Some(b'\n') => {
                self.spot.line += 1;
                self.spot.column = 1;
            }
            _ => self.spot.column += 1,
        }
        self.at += 1;
    }

    fn fill(&mut self) -> io::Result<()> {
        self.chunk.clear();
        self.at = 0;
        let mut part = (&mut *self.reader).take(CHUNK as u64);
        self.bytes += part.read_to_end(&mut self.chunk)? as u64;
        Ok(())
    }
}
