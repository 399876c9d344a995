//! What a command prints: tables that fit the terminal, colours only on one, and JSON in one form.

use std::{
    env,
    io::{self, IsTerminal as _, Write as _},
};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter};

use super::error::CliError;
use crate::{domain::order::vocabulary, text};

vocabulary! {
    /// When there is colour.
    Colour ("time for colour") {
        /// On a terminal that can show it, unless `NO_COLOR` is set.
        Auto = "auto",
        /// Always.
        Always = "always",
        /// Never.
        Never = "never",
    }
}

/// The narrowest width that a table is fitted to; below it no column is worth reading.
const MIN_WIDTH: usize = 20;
/// The narrowest that a column which gives way becomes before others go.
const MIN_FLEX: usize = 12;
/// Where facts begin, behind their names.
const FACT: usize = 14;
/// How much is gathered before it is handed on, so that a long export needs little memory.
const CHUNK: usize = 64 * 1024;

/// What a piece of text means; a terminal shows it as a colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Tone {
    /// Nothing special.
    #[default]
    Plain,
    /// A heading.
    Head,
    /// Less important.
    Muted,
    /// As it should be.
    Good,
    /// Worth a look.
    Warn,
    /// Wrong.
    Bad,
}

impl Tone {
    fn code(self) -> &'static str {
        match self {
            Tone::Plain => "",
            Tone::Head => "\x1b[1m",
            Tone::Muted => "\x1b[2m",
            Tone::Good => "\x1b[32m",
            Tone::Warn => "\x1b[33m",
            Tone::Bad => "\x1b[31m",
        }
    }
}

/// How the output looks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    /// JSON instead of text.
    pub(super) json: bool,
    /// With colours.
    pub(super) colour: bool,
    /// JSON in many lines, for eyes.
    pub(super) pretty: bool,
    /// The cells of a line; None where lines may be of any length.
    pub(super) width: Option<usize>,
    /// Whether the locale can show more than ASCII.
    pub(super) unicode: bool,
}

impl Style {
    /// Returns the style for standard output.
    pub(super) fn stdout(json: bool, colour: Colour) -> Self {
        let terminal = io::stdout().is_terminal();
        let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = || env::var_os("TERM").is_some_and(|term| term == "dumb");
        Style {
            json,
            colour: match colour {
                Colour::Auto => terminal && !set("NO_COLOR") && !dumb(),
                Colour::Always => true,
                Colour::Never => false,
            },
            pretty: terminal,
            width: columns(terminal),
            unicode: unicode(),
        }
    }

    /// Returns what stands for text that was cut off.
    pub(super) fn ellipsis(self) -> &'static str {
        if self.unicode { "…" } else { "..." }
    }
}

/// Returns the terminal's width: `COLUMNS` if it is set, else what the terminal says.
fn columns(terminal: bool) -> Option<usize> {
    let set = env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    let asked = || {
        let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
        Some(usize::from(size.ws_col))
    };
    let width = if terminal { set.or_else(asked) } else { set };
    width
        .filter(|width| *width > 0)
        .map(|width| width.max(MIN_WIDTH))
}

fn unicode() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .filter_map(|name| env::var(name).ok())
        .find(|value| !value.is_empty());
    locale.is_some_and(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

/// Where the output goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sink {
    /// To standard output.
    Stdout,
    /// It is gathered, for the console's line.
    Memory,
}

/// What a command prints.
#[derive(Debug)]
pub(super) struct Output {
    /// How it looks.
    pub(super) style: Style,
    sink: Sink,
    text: String,
}

impl Output {
    /// Returns an output that has nothing yet.
    pub(super) fn new(style: Style, sink: Sink) -> Self {
        Output {
            style,
            sink,
            text: String::new(),
        }
    }

    /// Returns what was gathered.
    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// Prints a line of text from inside and outside; it is cleaned.
    pub(super) fn line(&mut self, line: &str) -> Result<(), CliError> {
        self.tone(Tone::Plain, line)
    }

    /// Prints a line in a tone.
    pub(super) fn tone(&mut self, tone: Tone, line: &str) -> Result<(), CliError> {
        self.spans(&[(tone, line)])
    }

    /// Prints a line of several tones, cut at the terminal's width.
    pub(super) fn spans(&mut self, spans: &[(Tone, &str)]) -> Result<(), CliError> {
        let mut room = self.style.width.unwrap_or(usize::MAX);
        for (tone, text) in spans {
            let clean = text::clean(text);
            let cut = text::cut(&clean, room, self.style.ellipsis());
            room = room.saturating_sub(text::width(&cut));
            self.push(*tone, &cut);
        }
        self.end_line()
    }

    fn push(&mut self, tone: Tone, clean: &str) {
        let coloured = self.style.colour && tone != Tone::Plain && !clean.trim().is_empty();
        if coloured {
            self.text.push_str(tone.code());
        }
        self.text.push_str(clean);
        if coloured {
            self.text.push_str("\x1b[0m");
        }
    }

    fn end_line(&mut self) -> Result<(), CliError> {
        self.text.push('\n');
        if self.sink == Sink::Stdout && self.text.len() >= CHUNK {
            self.flush()?;
        }
        Ok(())
    }

    /// Prints a line of several tones that is not cut, since somebody may need all of it.
    pub(super) fn whole(&mut self, spans: &[(Tone, &str)]) -> Result<(), CliError> {
        for (tone, text) in spans {
            let clean = text::clean(text);
            self.push(*tone, &clean);
        }
        self.end_line()
    }

    /// Prints what something is called and what it is, wrapped beside its name.
    pub(super) fn fact(&mut self, name: &str, fact: &str) -> Result<(), CliError> {
        let clean = text::clean(fact);
        let room = self
            .style
            .width
            .map_or(usize::MAX, |width| width.saturating_sub(FACT));
        let mut head = format!("  {name}");
        for range in text::wrap(&clean, room) {
            self.push(Tone::Muted, &text::pad(&head, FACT));
            self.push(Tone::Plain, clean.get(range).unwrap_or_default());
            self.end_line()?;
            head.clear();
        }
        Ok(())
    }

    /// Prints text of several lines, wrapped to the terminal's width and indented.
    pub(super) fn block(&mut self, indent: usize, block: &str) -> Result<(), CliError> {
        let clean = text::clean_block(block);
        let blank = " ".repeat(indent);
        let Some(width) = self.style.width else {
            return clean
                .lines()
                .try_for_each(|line| self.raw_line(&blank, line));
        };
        for range in text::wrap(&clean, width.saturating_sub(indent).max(1)) {
            self.raw_line(&blank, clean.get(range).unwrap_or_default())?;
        }
        Ok(())
    }

    fn raw_line(&mut self, indent: &str, clean: &str) -> Result<(), CliError> {
        if !clean.is_empty() {
            self.text.push_str(indent);
            self.text.push_str(clean);
        }
        self.end_line()
    }

    /// Prints a value as JSON: one line, or many on a terminal.
    pub(super) fn json(&mut self, value: &impl Serialize) -> Result<(), CliError> {
        let json = if self.style.pretty {
            write_json(value, serde_json::ser::PrettyFormatter::new())
        } else {
            write_json(value, CompactFormatter)
        };
        self.text.push_str(&json?);
        self.end_line()
    }

    /// Prints a value as one line of JSON.
    pub(super) fn json_line(&mut self, value: &impl Serialize) -> Result<(), CliError> {
        self.text.push_str(&write_json(value, CompactFormatter)?);
        self.end_line()
    }

    /// Returns a value as one line of JSON.
    pub(super) fn compact(&self, value: &impl Serialize) -> Result<String, CliError> {
        write_json(value, CompactFormatter)
    }

    /// Prints text of our own as it is.
    pub(super) fn verbatim(&mut self, text: &str) -> Result<(), CliError> {
        self.text.push_str(text);
        match self.sink == Sink::Stdout && self.text.len() >= CHUNK {
            true => self.flush(),
            false => Ok(()),
        }
    }

    /// Hands on what was gathered.
    pub(super) fn flush(&mut self) -> Result<(), CliError> {
        if self.sink == Sink::Memory || self.text.is_empty() {
            return Ok(());
        }
        let mut stdout = io::stdout().lock();
        let written = stdout
            .write_all(self.text.as_bytes())
            .and_then(|()| stdout.flush());
        self.text.clear();
        written.map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => CliError::Closed,
            _ => super::error::file("standard output".as_ref(), "writing", &error),
        })
    }

    /// Prints a table that fits the terminal's width.
    pub(super) fn table(&mut self, table: &Table) -> Result<(), CliError> {
        let widths = table.fit(self.style.width);
        let head = table
            .columns
            .iter()
            .map(|column| (Tone::Muted, column.title));
        self.row(table, &widths, head)?;
        self.cells(table, &widths)
    }

    /// Prints a table without its titles.
    pub(super) fn rows(&mut self, table: &Table) -> Result<(), CliError> {
        let widths = table.fit(self.style.width);
        self.cells(table, &widths)
    }

    fn cells(&mut self, table: &Table, widths: &[usize]) -> Result<(), CliError> {
        for row in &table.rows {
            let cells = row.iter().map(|cell| (cell.tone, cell.text.as_str()));
            self.row(table, widths, cells)?;
        }
        Ok(())
    }

    fn row<'a>(
        &mut self,
        table: &Table,
        widths: &[usize],
        cells: impl Iterator<Item = (Tone, &'a str)>,
    ) -> Result<(), CliError> {
        let shown: Vec<_> = cells
            .zip(widths)
            .zip(&table.columns)
            .filter(|((_, width), _)| **width > 0)
            .collect();
        let last = shown.len().saturating_sub(1);
        for (place, (((tone, text), width), column)) in shown.into_iter().enumerate() {
            let text = text::cut(text, *width, self.style.ellipsis());
            let blank = " ".repeat(width.saturating_sub(text::width(&text)));
            if column.right {
                self.text.push_str(&blank);
            }
            self.push(tone, &text);
            if place < last {
                if !column.right {
                    self.text.push_str(&blank);
                }
                self.text.push_str(GAP);
            }
        }
        self.end_line()
    }
}

/// What stands between two columns.
const GAP: &str = "  ";

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    title: &'static str,
    right: bool,
    /// Gives way where the line is too long.
    flex: bool,
    /// Goes first where the line is still too long; 0 stays.
    drop: u8,
}

/// Returns a column of words.
pub(super) const fn left(title: &'static str) -> Column {
    Column {
        title,
        right: false,
        flex: false,
        drop: 0,
    }
}

/// Returns a column of numbers.
pub(super) const fn right(title: &'static str) -> Column {
    Column {
        right: true,
        ..left(title)
    }
}

/// Returns a column of text that gives way.
pub(super) const fn flex(title: &'static str) -> Column {
    Column {
        flex: true,
        ..left(title)
    }
}

impl Column {
    /// Returns the column as one that goes when there is no room; the highest rank goes first.
    pub(super) const fn drop(self, rank: u8) -> Column {
        Column { drop: rank, ..self }
    }
}

/// A cell of a table.
#[derive(Clone, Debug, Default)]
pub(super) struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    /// Returns a cell in a tone.
    pub(super) fn toned(tone: Tone, text: impl ToString) -> Self {
        let text = text.to_string();
        Cell {
            text: text::clean(&text).into_owned(),
            tone,
        }
    }
}

/// Returns a cell.
pub(super) fn cell(text: impl ToString) -> Cell {
    Cell::toned(Tone::Plain, text)
}

/// Returns a cell that is empty where there is nothing.
pub(super) fn maybe<T: ToString>(text: Option<T>) -> Cell {
    text.map_or_else(Cell::default, cell)
}

/// Rows under titles.
#[derive(Debug)]
pub(super) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// Returns a table without rows.
    pub(super) fn new<const N: usize>(columns: [Column; N]) -> Self {
        Table {
            columns: columns.to_vec(),
            rows: vec![],
        }
    }

    /// Adds a row.
    pub(super) fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        self.rows.push(cells.to_vec());
    }

    /// Returns each column's width, 0 for those that went. Columns that give way are cut first, then columns go.
    fn fit(&self, room: Option<usize>) -> Vec<usize> {
        let mut widths: Vec<usize> = self.columns.iter().map(|c| text::width(c.title)).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(text::width(&cell.text));
            }
        }
        // A column in which nothing stands says nothing.
        for (place, width) in widths.iter_mut().enumerate() {
            let empty = |row: &Vec<Cell>| row.get(place).is_none_or(|cell| cell.text.is_empty());
            let optional = self
                .columns
                .get(place)
                .is_some_and(|column| column.drop > 0);
            if optional && self.rows.iter().all(empty) {
                *width = 0;
            }
        }
        let Some(room) = room else {
            return widths;
        };
        loop {
            let excess = total(&widths).saturating_sub(room);
            if excess == 0 {
                return widths;
            }
            let all = self.columns.iter().zip(widths.iter_mut());
            if let Some((_, width)) = all
                .filter(|(c, w)| c.flex && **w > MIN_FLEX)
                .max_by_key(|(_, w)| **w)
            {
                *width = width.saturating_sub(excess).max(MIN_FLEX);
                continue;
            }
            let all = self.columns.iter().zip(widths.iter_mut());
            match all
                .filter(|(c, w)| c.drop > 0 && **w > 0)
                .max_by_key(|(c, _)| c.drop)
            {
                Some((_, width)) => *width = 0,
                None => return squeeze(widths, room),
            }
        }
    }
}

/// Returns the cells of a line with these columns.
fn total(widths: &[usize]) -> usize {
    let shown = widths.iter().filter(|width| **width > 0);
    let gaps = shown.clone().count().saturating_sub(1) * GAP.len();
    shown.sum::<usize>() + gaps
}

/// Returns the widths with the last columns cut until the line fits; nothing else was left to give way.
fn squeeze(mut widths: Vec<usize>, room: usize) -> Vec<usize> {
    for place in (0..widths.len()).rev() {
        let excess = total(&widths).saturating_sub(room);
        if let Some(width) = widths.get_mut(place) {
            *width = width.saturating_sub(excess);
        }
    }
    widths
}

fn write_json<F: Formatter>(value: &impl Serialize, formatter: F) -> Result<String, CliError> {
    let mut bytes = Vec::with_capacity(256);
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, Harmless(formatter));
    let written = value.serialize(&mut serializer);
    let text = String::from_utf8(bytes).map_err(|error| error.to_string());
    written
        .map_err(|error| error.to_string())
        .and(text)
        .map_err(|error| CliError::Usage(format!("this cannot be written as JSON: {error}")))
}

/// Writes JSON in which every character that could drive or deceive a terminal is escaped; its meaning stays.
struct Harmless<F>(F);

/// Returns whether a character is written as an escape: controls, and what text cleaning would remove.
fn harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

macro_rules! forward {
    ($($method:ident $(, $arg:ident: $type:ty)*;)+) => {
        $(fn $method<W: ?Sized + io::Write>(&mut self, writer: &mut W $(, $arg: $type)*) -> io::Result<()> {
            self.0.$method(writer $(, $arg)*)
        })+
    };
}

impl<F: Formatter> Formatter for Harmless<F> {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        if !fragment.contains(harmful) {
            return writer.write_all(fragment.as_bytes());
        }
        let mut units = [0; 2];
        for c in fragment.chars() {
            if harmful(c) {
                for unit in c.encode_utf16(&mut units) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            } else {
                write!(writer, "{c}")?;
            }
        }
        Ok(())
    }

    forward! {
        begin_array;
        end_array;
        begin_array_value, first: bool;
        end_array_value;
        begin_object;
        end_object;
        begin_object_key, first: bool;
        end_object_key;
        begin_object_value;
        end_object_value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(width: Option<usize>, draw: impl Fn(&mut Output)) -> String {
        let style = Style {
            json: false,
            colour: false,
            pretty: false,
            width,
            unicode: true,
        };
        let mut out = Output::new(style, Sink::Memory);
        draw(&mut out);
        out.into_text()
    }

    fn sample() -> Table {
        let mut table = Table::new([
            left("ID"),
            right("PRI"),
            left("BUCKET").drop(1),
            flex("TITLE"),
        ]);
        table.row([
            cell("WO-001"),
            cell(7),
            cell("features"),
            cell("日本語 and a rather long title"),
        ]);
        table.row([
            cell("WO-002"),
            cell(10),
            cell("security"),
            cell("\x1b[31mred\u{202e}\nlines"),
        ]);
        table
    }

    #[test]
    fn tables_are_aligned_by_cells_and_numbers_stand_right() {
        insta::assert_snapshot!(print(None, |out| drop(out.table(&sample()))), @r"
        ID      PRI  BUCKET    TITLE
        WO-001    7  features  日本語 and a rather long title
        WO-002   10  security  red lines
        ");
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for width in MIN_WIDTH..80 {
            let text = print(Some(width), |out| drop(out.table(&sample())));
            for line in text.lines() {
                assert!(text::width(line) <= width, "{width}: {line}");
            }
            assert!(text.contains("WO-001"), "{width}: {text}");
        }
    }

    #[test]
    fn titles_give_way_before_columns_go() {
        insta::assert_snapshot!(print(Some(36), |out| drop(out.table(&sample()))), @r"
        ID      PRI  BUCKET    TITLE
        WO-001    7  features  日本語 and a…
        WO-002   10  security  red lines
        ");
        insta::assert_snapshot!(print(Some(30), |out| drop(out.table(&sample()))), @r"
        ID      PRI  TITLE
        WO-001    7  日本語 and a…
        WO-002   10  red lines
        ");
    }

    #[test]
    fn json_keeps_its_meaning_and_drives_no_terminal() -> Result<(), Box<dyn std::error::Error>> {
        let hostile = "a\x1b[2J\u{9b}1m\u{202e}b\u{e0041}日";
        let text = print(None, |out| drop(out.json(&hostile)));
        assert!(!text.trim_end().contains(harmful), "{text:?}");
        assert_eq!(serde_json::from_str::<String>(&text)?, hostile);
        Ok(())
    }
}
