//! Cells to bytes.
//!
//! An own backend rather than crossterm's: that one sends a few bytes for a frame without changes,
//! flushes at every cursor move, and resolves `NO_COLOR` by itself in a way that resets the
//! selection. Colours come from the theme, already brought down to what the terminal shows.

use std::{
    borrow::Borrow,
    collections::BTreeMap,
    io::{self, ErrorKind, Write},
    iter::repeat_n,
};

use ratatui::{
    backend::{Backend, ClearType, WindowSize},
    buffer::Cell,
    layout::{Position, Size},
    style::{Color, Modifier},
};

use super::writer::FrameWriter;
use crate::{config::GlyphSet, text};

/// Asks how large the terminal is.
pub(super) type SizeOf = Box<dyn Fn() -> io::Result<Size> + Send>;

/// The SGR numbers of what can be switched on.
const MODIFIERS: [(Modifier, u8); 9] = [
    (Modifier::BOLD, 1),
    (Modifier::DIM, 2),
    (Modifier::ITALIC, 3),
    (Modifier::UNDERLINED, 4),
    (Modifier::SLOW_BLINK, 5),
    (Modifier::RAPID_BLINK, 6),
    (Modifier::REVERSED, 7),
    (Modifier::HIDDEN, 8),
    (Modifier::CROSSED_OUT, 9),
];

/// How the terminal prints now. A frame begins and ends with the plain look, so that nothing sent
/// between frames has to know.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Pen {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

const PLAIN: Pen = Pen {
    fg: Color::Reset,
    bg: Color::Reset,
    modifier: Modifier::empty(),
};

impl Pen {
    fn of(cell: &Cell) -> Self {
        Pen {
            fg: cell.fg,
            bg: cell.bg,
            modifier: cell.modifier,
        }
    }

    /// Appends one sequence that turns this look into `next`.
    fn turn(&mut self, next: Pen, frame: &mut Vec<u8>) -> io::Result<()> {
        if *self == next {
            return Ok(());
        }
        frame.extend_from_slice(b"\x1b[");
        // What is on cannot be switched off alone on every terminal; zero can.
        if !next.modifier.contains(self.modifier) || next == PLAIN {
            *self = PLAIN;
            if next != PLAIN {
                frame.extend_from_slice(b"0;");
            }
        }
        for (modifier, number) in MODIFIERS {
            if next.modifier.contains(modifier) && !self.modifier.contains(modifier) {
                write!(frame, "{number};")?;
            }
        }
        if next.fg != self.fg {
            color(next.fg, 30, frame)?;
        }
        if next.bg != self.bg {
            color(next.bg, 40, frame)?;
        }
        frame.pop_if(|last| *last == b';');
        frame.push(b'm');
        *self = next;
        Ok(())
    }
}

/// Appends the numbers of `color`; `base` is 30 for the text and 40 for the background.
fn color(color: Color, base: u8, frame: &mut Vec<u8>) -> io::Result<()> {
    let number = match color {
        Color::Black => base,
        Color::Red => base + 1,
        Color::Green => base + 2,
        Color::Yellow => base + 3,
        Color::Blue => base + 4,
        Color::Magenta => base + 5,
        Color::Cyan => base + 6,
        Color::Gray => base + 7,
        Color::Reset => base + 9,
        Color::DarkGray => base + 60,
        Color::LightRed => base + 61,
        Color::LightGreen => base + 62,
        Color::LightYellow => base + 63,
        Color::LightBlue => base + 64,
        Color::LightMagenta => base + 65,
        Color::LightCyan => base + 66,
        Color::White => base + 67,
        Color::Indexed(index) => return write!(frame, "{};5;{index};", base + 8),
        Color::Rgb(r, g, b) => return write!(frame, "{};2;{r};{g};{b};", base + 8),
    };
    write!(frame, "{number};")
}

/// Returns the ASCII character that people write where they cannot write this one.
fn folded(symbol: &str) -> Option<u8> {
    match symbol {
        "…" => Some(b'~'),
        "‘" | "’" => Some(b'\''),
        "“" | "”" => Some(b'"'),
        "–" | "—" | "‐" | "‑" => Some(b'-'),
        "•" | "·" => Some(b'*'),
        _ => None,
    }
}

/// How much of a frame may go at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// So many bytes, and what the last cell needs beyond them.
    pub bytes: u32,
    /// Whether what changed now goes before what is left of earlier frames.
    pub newest_first: bool,
    /// The row that is looked at: the nearer to it the sooner.
    pub eye: u16,
}

/// Draws cells into frames.
pub(super) struct FrameBackend<W> {
    writer: FrameWriter<W>,
    size: SizeOf,
    /// Whether the terminal may be told nothing but ASCII.
    ascii: bool,
    /// Whether the cursor is visible, if that is known.
    visible: Option<bool>,
    /// Where the cursor is, if that is known.
    cursor: Option<Position>,
    /// How much of a frame may go at once; none if all of it.
    room: Option<Room>,
    /// The cells that are still to be sent, by row and column: whoever draws takes them for drawn.
    rest: BTreeMap<(u16, u16), Cell>,
}

impl<W: Write> FrameBackend<W> {
    pub(super) fn new(writer: FrameWriter<W>, size: SizeOf, glyphs: GlyphSet) -> Self {
        FrameBackend {
            writer,
            size,
            ascii: glyphs == GlyphSet::Ascii,
            visible: None,
            cursor: None,
            room: None,
            rest: BTreeMap::new(),
        }
    }

    /// Bounds the frames from now on.
    pub(super) const fn allow(&mut self, room: Option<Room>) {
        self.room = room;
    }

    /// Returns whether the terminal shows less than was drawn.
    pub(super) fn has_rest(&self) -> bool {
        !self.rest.is_empty()
    }

    pub(super) const fn writer(&self) -> &FrameWriter<W> {
        &self.writer
    }

    pub(super) const fn writer_mut(&mut self) -> &mut FrameWriter<W> {
        &mut self.writer
    }

    /// Forgets what the terminal looked like, after it was out of hand.
    pub(super) fn forget(&mut self) {
        self.writer.drop_frame();
        self.rest.clear();
        self.visible = None;
        self.cursor = None;
    }

    fn set_visible(&mut self, visible: bool) {
        if self.visible != Some(visible) {
            let sequence = if visible { b"\x1b[?25h" } else { b"\x1b[?25l" };
            self.writer.frame().extend_from_slice(sequence);
            self.visible = Some(visible);
        }
    }

    /// Prints cells until the frame has so many bytes; returns the first one that it has no room for.
    fn print<C: Borrow<Cell>>(
        &mut self,
        content: impl IntoIterator<Item = (u16, u16, C)>,
        most: usize,
    ) -> io::Result<Option<(u16, u16, C)>> {
        let mut content = content.into_iter().peekable();
        if content.peek().is_none() {
            return Ok(None);
        }
        // Without synchronized output a visible cursor would be seen to run over the screen.
        if self.visible == Some(true) && !self.writer.syncs() {
            self.set_visible(false);
        }
        self.cursor = None;
        let ascii = self.ascii;
        let frame = self.writer.frame();
        let mut pen = PLAIN;
        let mut at = None;
        for (x, y, cell) in content {
            if frame.len() >= most {
                pen.turn(PLAIN, frame)?;
                return Ok(Some((x, y, cell)));
            }
            let drawn: &Cell = cell.borrow();
            // Positions are absolute and given anew after each wide character, so that a terminal
            // that measures one differently is wrong for that one only.
            match at {
                Some((column, row)) if row == y && column == x => {}
                Some((_, row)) if row == y => write!(frame, "\x1b[{}G", u32::from(x) + 1)?,
                _ => write!(frame, "\x1b[{};{}H", u32::from(y) + 1, u32::from(x) + 1)?,
            }
            at = Some((x.saturating_add(1), y));
            pen.turn(Pen::of(drawn), frame)?;
            match drawn.symbol().as_bytes() {
                [byte @ b' '..=b'~'] => frame.push(*byte),
                // Widgets drop most control characters, but not all of them and no bidi controls.
                _ => match text::clean(drawn.symbol()).as_ref() {
                    "" => frame.push(b' '),
                    symbol if ascii => match folded(symbol) {
                        Some(byte) => frame.push(byte),
                        // As many as it has cells, so that what follows stays where it is.
                        None => frame.extend(repeat_n(b'?', text::width(symbol).max(1))),
                    },
                    symbol => frame.extend_from_slice(symbol.as_bytes()),
                },
            }
        }
        pen.turn(PLAIN, frame)?;
        Ok(None)
    }

    /// Prints what there is room for of what changed and of what was left before; the rest is kept.
    fn print_some<'a>(
        &mut self,
        content: impl Iterator<Item = (u16, u16, &'a Cell)>,
        room: Option<Room>,
    ) -> io::Result<()> {
        let mut newest = BTreeMap::new();
        for (x, y, cell) in content {
            // A cell beneath a wide character's second half is not drawn any more.
            let width = u16::try_from(text::width(cell.symbol()).max(1)).unwrap_or(1);
            for covered in x..x.saturating_add(width) {
                self.rest.remove(&(y, covered));
            }
            newest.insert((y, x), cell.clone());
        }
        let rest = std::mem::take(&mut self.rest);
        let (first, second) = match room {
            Some(room) if room.newest_first => (newest, rest),
            _ => {
                let mut all = rest;
                all.extend(newest);
                (all, BTreeMap::new())
            }
        };
        let most = room.map_or(usize::MAX, |room| room.bytes as usize);
        let eye = room.map_or(0, |room| room.eye);
        let sorted = |cells: BTreeMap<(u16, u16), Cell>| {
            let mut cells: Vec<_> = cells.into_iter().collect();
            cells.sort_by_key(|((y, _), _)| y.abs_diff(eye));
            cells
        };
        let cells = sorted(first).into_iter().chain(sorted(second));
        let mut cells = cells.map(|((y, x), cell)| (x, y, cell));
        let over = self.print(cells.by_ref(), most)?;
        self.rest = over
            .into_iter()
            .chain(cells)
            .map(|(x, y, cell)| ((y, x), cell))
            .collect();
        Ok(())
    }
}

impl<W: Write> Backend for FrameBackend<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        match self.room {
            None if self.rest.is_empty() => self.print(content, usize::MAX).map(drop),
            room => self.print_some(content, room),
        }
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        self.set_visible(false);
        Ok(())
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        self.set_visible(true);
        Ok(())
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        let what = "the terminal is not asked for its cursor: the answer would race the keys";
        Err(io::Error::new(ErrorKind::Unsupported, what))
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        let position = position.into();
        if self.cursor != Some(position) {
            let (row, column) = (u32::from(position.y) + 1, u32::from(position.x) + 1);
            write!(self.writer.frame(), "\x1b[{row};{column}H")?;
            self.cursor = Some(position);
        }
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        self.clear_region(ClearType::All)
    }

    fn clear_region(&mut self, region: ClearType) -> io::Result<()> {
        let sequence = match region {
            ClearType::All => "\x1b[m\x1b[2J",
            ClearType::AfterCursor => "\x1b[m\x1b[J",
            ClearType::BeforeCursor => "\x1b[m\x1b[1J",
            ClearType::CurrentLine => "\x1b[m\x1b[2K",
            ClearType::UntilNewLine => "\x1b[m\x1b[K",
        };
        if matches!(region, ClearType::All) {
            self.rest.clear();
        }
        self.writer.frame().extend_from_slice(sequence.as_bytes());
        Ok(())
    }

    fn size(&self) -> io::Result<Size> {
        (self.size)()
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize {
            columns_rows: (self.size)()?,
            pixels: Size::ZERO,
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.end_frame()
    }
}
