//! Tables that fit the terminal: aligned by cells, numbers right, columns that give way and columns that go.

use super::{
    error::CliError,
    output::{Output, Tone},
};
use crate::text;

/// The narrowest that a column which gives way becomes before others go.
const MIN_FLEX: usize = 12;
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
        let narrowest = |widths: &[usize]| {
            let columns = self.columns.iter().zip(widths);
            let least = columns.map(|(c, w)| if c.flex { (*w).min(MIN_FLEX) } else { *w });
            total(&least.collect::<Vec<_>>())
        };
        while narrowest(&widths) > room {
            let columns = self.columns.iter().zip(&mut widths);
            match columns
                .filter(|(c, w)| c.drop > 0 && **w > 0)
                .max_by_key(|(c, _)| c.drop)
            {
                Some((_, width)) => *width = 0,
                None => return squeeze(widths, room),
            }
        }
        for place in 0..widths.len() {
            let excess = total(&widths).saturating_sub(room);
            let flex = self.columns.get(place).is_some_and(|column| column.flex);
            if let Some(width) = widths.get_mut(place).filter(|_| flex) {
                *width = width.saturating_sub(excess).max(MIN_FLEX.min(*width));
            }
        }
        widths
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

impl Output {
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
                self.push(Tone::Plain, &blank);
            }
            self.push(tone, &text);
            if place < last {
                if !column.right {
                    self.push(Tone::Plain, &blank);
                }
                self.push(Tone::Plain, GAP);
            }
        }
        self.end_line()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::output::{Sink, Style};

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
        for width in 20..80 {
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
        WO-001    7  日本語 and a rat…
        WO-002   10  red lines
        ");
    }
}
