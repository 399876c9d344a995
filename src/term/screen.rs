//! The terminal as the console sees it: frames in, nothing else.

use std::{
    fs::File,
    io::{self, Write},
    time::Duration,
};

use ratatui::{
    Frame, Terminal,
    backend::{Backend, ClearType},
    layout::Size,
};
use tokio::net::unix::pipe;

use super::{
    backend::{FrameBackend, Room, SizeOf},
    caps::Caps,
    guard::{self, Guard},
    osc::{self, Copied},
    suspend,
    writer::{Counters, FrameWriter},
};
use crate::config::Notify;

/// What a terminal that does not know its size is taken for.
const UNKNOWN_SIZE: Size = Size {
    width: 80,
    height: 24,
};

/// Buttons and the wheel, movement only while a button is down, in numbers that no screen is too wide for.
const MOUSE_ON: &str = "\x1b[?1002h\x1b[?1006h";
const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1002l";

/// What drawing a frame cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drawn {
    /// Bytes sent; zero if nothing changed.
    pub bytes: u64,
    /// Time in `write`: how slow the link is. Draw less often when it grows.
    pub waited: Duration,
}

/// Whose the terminal is.
#[derive(Debug)]
enum Hold {
    /// There is none: frames go to some writer.
    Bare,
    /// Ours, until the guard is dropped.
    Ours(Guard),
    /// The shell's, while we are suspended.
    Shells,
}

/// The terminal: draws frames, copies, suspends, and is put back when dropped.
pub struct Screen<W: Write = File> {
    terminal: Terminal<FrameBackend<W>>,
    hold: Hold,
    caps: Caps,
    /// Whether the terminal reports the mouse; it is told again when it was the shell's meanwhile.
    mouse: bool,
}

impl Screen {
    /// Takes the terminal at standard output. Install the hooks of [`guard::install_hooks`]
    /// before, so that a panic leaves it.
    pub fn enter(caps: Caps) -> io::Result<Self> {
        // Colours are resolved by the theme; crossterm's own reading of NO_COLOR resets more than
        // colours.
        crossterm::style::force_color_output(true);
        let hold = Hold::Ours(Guard::enter()?);
        let out = guard::terminal()?;
        let asked = out.try_clone()?;
        let size: SizeOf = Box::new(move || {
            let size = rustix::termios::tcgetwinsize(&asked)?;
            let known = size.ws_col > 0 && size.ws_row > 0;
            let told = Size {
                width: size.ws_col,
                height: size.ws_row,
            };
            Ok(if known { told } else { UNKNOWN_SIZE })
        });
        let mut screen = Self::with(out, size, caps, hold)?;
        screen.send(guard::ENTER)?;
        // A console that was killed left its last picture on the alternate screen.
        screen.repaint()?;
        Ok(screen)
    }

    /// Waits until the terminal took all that it could not take at once. Giving up the wait loses nothing; a terminal
    /// that has everything is waited for for ever.
    pub async fn caught_up(&mut self) -> io::Result<()> {
        if !self.is_behind() {
            std::future::pending::<()>().await;
        }
        while self.is_behind() {
            let writer = self.terminal.backend_mut().writer_mut();
            // Watched only while it is needed: each byte that a terminal takes would wake the console. To be watched a
            // terminal is as good as a pipe, and tokio has no other safe way to watch a file.
            let watched = pipe::Sender::from_file_unchecked(writer.out().try_clone()?)?;
            watched.writable().await?;
            writer.catch_up()?;
        }
        Ok(())
    }
}

impl<W: Write> Screen<W> {
    /// Returns a screen that draws to `out` and asks `size` how large it is; no terminal is
    /// touched. For recordings and tests.
    pub fn over(
        out: W,
        size: impl Fn() -> io::Result<Size> + Send + 'static,
        caps: Caps,
    ) -> io::Result<Self> {
        Self::with(out, Box::new(size), caps, Hold::Bare)
    }

    fn with(out: W, size: SizeOf, caps: Caps, hold: Hold) -> io::Result<Self> {
        let backend = FrameBackend::new(FrameWriter::new(out, caps.sync), size, caps.glyphs);
        Ok(Screen {
            terminal: Terminal::new(backend)?,
            hold,
            caps,
            mouse: false,
        })
    }

    /// Draws a frame; sends only what changed, in one write, and nothing if nothing did.
    ///
    /// While suspended nothing is drawn. An error means that the terminal is gone: quit.
    pub fn draw(&mut self, view: impl FnOnce(&mut Frame<'_>)) -> io::Result<Drawn> {
        match self.hold {
            Hold::Shells => return Ok(Drawn::default()),
            // Another thread's panic has left the terminal and printed its report there.
            Hold::Ours(_) if !guard::is_entered() => {
                return Err(io::Error::other("the terminal was left after a panic"));
            }
            Hold::Ours(_) | Hold::Bare => {}
        }
        let before = self.counters();
        self.terminal.draw(view)?;
        let after = self.counters();
        let waited = after.time.saturating_sub(before.time);
        Ok(Drawn {
            bytes: after.bytes - before.bytes,
            waited,
        })
    }

    /// Bounds the frames from now on; what there is no room for comes with the frames that follow.
    pub const fn allow(&mut self, room: Option<Room>) {
        self.terminal.backend_mut().allow(room);
    }

    /// Returns whether the terminal shows less than was drawn last, for want of room.
    pub fn has_rest(&self) -> bool {
        self.terminal.backend().has_rest()
    }

    /// Makes the next frame a whole one, for a terminal that shows something else than we think.
    pub fn repaint(&mut self) -> io::Result<()> {
        self.terminal.backend_mut().forget();
        // Clearing a ratatui terminal would ask for the cursor; an empty buffer to compare with
        // does the same without.
        self.terminal.backend_mut().clear_region(ClearType::All)?;
        self.terminal.swap_buffers();
        Ok(())
    }

    /// Returns whether the terminal has not taken everything yet: a frame now would only have to wait.
    pub const fn is_behind(&self) -> bool {
        self.terminal.backend().writer().is_behind()
    }

    /// Returns the size that the next frame will have.
    pub fn size(&self) -> io::Result<Size> {
        self.terminal.size()
    }

    /// Returns what this terminal can do.
    pub const fn caps(&self) -> &Caps {
        &self.caps
    }

    /// Returns what has been sent so far.
    pub const fn counters(&self) -> Counters {
        self.terminal.backend().writer().counters()
    }

    /// Puts `text` on the clipboard of the machine that the user sits at.
    pub fn copy(&mut self, text: &str) -> io::Result<Copied> {
        if !self.caps.osc {
            return Ok(Copied::Unsupported);
        }
        match osc::copy(text, self.caps.multiplexer) {
            Ok(sequence) => {
                self.send(&sequence)?;
                Ok(Copied::Sent)
            }
            Err(bytes) => Ok(Copied::TooLong { bytes }),
        }
    }

    /// Returns how many bytes a copy of `text` sends, all at once.
    pub fn copy_bytes(&self, text: &str) -> usize {
        let sequence = osc::copy(text, self.caps.multiplexer);
        sequence.map_or(0, |sequence| sequence.len())
    }

    /// Sets the window's title; the one before comes back when the terminal is left.
    pub fn title(&mut self, text: &str) -> io::Result<()> {
        if self.caps.osc {
            self.send(&osc::title(text))
        } else {
            Ok(())
        }
    }

    /// Calls somebody, as configured; a terminal that takes no messages rings.
    pub fn notify(&mut self, text: &str) -> io::Result<()> {
        let how = match (self.caps.osc, self.caps.notify) {
            (false, Notify::Osc9 | Notify::Osc777) => Notify::Bell,
            (_, how) => how,
        };
        self.send(&osc::notify(text, how, self.caps.multiplexer))
    }

    /// Has the terminal report clicks, the wheel and what is dragged, or no longer. The guard ends it with the rest.
    pub fn mouse(&mut self, on: bool) -> io::Result<()> {
        self.mouse = on;
        self.send(if on { MOUSE_ON } else { MOUSE_OFF })
    }

    fn send(&mut self, sequence: &str) -> io::Result<()> {
        match self.hold {
            Hold::Shells => Ok(()),
            Hold::Ours(_) | Hold::Bare => self
                .terminal
                .backend_mut()
                .writer_mut()
                .send(sequence.as_bytes()),
        }
    }

    /// Gives the terminal to the shell and stops; returns once continued. Call
    /// [`Screen::resume`] at the [`Signal::Continue`](super::Signal::Continue) that follows.
    ///
    /// Returns `false`, and changes nothing, if nobody could continue us.
    pub fn suspend(&mut self) -> io::Result<bool> {
        if !matches!(self.hold, Hold::Ours(_)) || !suspend::can_stop() {
            return Ok(false);
        }
        self.hold = Hold::Shells;
        // The rest of a frame would be drawn over the shell's screen.
        self.terminal.backend_mut().writer_mut().drop_unsent();
        suspend::stop()?;
        Ok(true)
    }

    /// Takes the terminal again and makes the next frame a whole one. Also right when only the
    /// program was stopped and continued from outside.
    pub fn resume(&mut self) -> io::Result<()> {
        match &self.hold {
            Hold::Bare => return self.repaint(),
            Hold::Ours(guard) => guard.reclaim()?,
            Hold::Shells => self.hold = Hold::Ours(Guard::enter()?),
        }
        self.send(guard::ENTER)?;
        if self.mouse {
            self.send(MOUSE_ON)?;
        }
        self.repaint()
    }
}
