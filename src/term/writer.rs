//! Frames as single writes.
//!
//! Everything for the terminal goes through one writer, so that the brackets of synchronized
//! output (mode 2026) stand around the frame they belong to, in the same write.
//!
//! It never waits: what the terminal does not take at once (ctrl-s, a dead link) is kept, and the loop sends it once
//! the terminal takes bytes again, listening to signals and keys meanwhile.

use std::{
    io::{self, ErrorKind, Write},
    time::{Duration, Instant},
};

/// Room for a whole first frame at 200x60 with colours, so that no frame is copied to grow.
const FRAME_SIZE: usize = 64 * 1024;

/// Most bytes kept for a terminal that takes none. The loop draws no frame meanwhile, so this is one frame, what
/// enters the terminal, and more copies than anybody makes without seeing one.
const UNSENT_LIMIT: usize = 1024 * 1024;

/// The most bytes of a frame that goes without the brackets of synchronized output: they would be a good part of it, and
/// a terminal draws so little at one stroke anyway.
const SMALL_FRAME: usize = 128;

const SYNC_BEGIN: &[u8] = b"\x1b[?2026h";
const SYNC_END: &[u8] = b"\x1b[?2026l";

/// What has been sent so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Bytes sent, or kept to be sent.
    pub bytes: u64,
    /// Calls of `write`.
    pub writes: u64,
    /// Time spent in them.
    pub time: Duration,
}

/// Gathers a frame and sends it at once.
#[derive(Debug)]
pub(super) struct FrameWriter<W> {
    out: W,
    frame: Vec<u8>,
    /// What the terminal did not take yet.
    unsent: Vec<u8>,
    sync: bool,
    counters: Counters,
}

impl<W: Write> FrameWriter<W> {
    pub(super) fn new(out: W, sync: bool) -> Self {
        FrameWriter {
            out,
            frame: Vec::with_capacity(FRAME_SIZE),
            unsent: Vec::new(),
            sync,
            counters: <_>::default(),
        }
    }

    /// Returns the frame in the making, to append to.
    pub(super) fn frame(&mut self) -> &mut Vec<u8> {
        if self.frame.is_empty() && self.sync {
            self.frame.extend_from_slice(SYNC_BEGIN);
        }
        &mut self.frame
    }

    /// Returns whether the frame in the making shows nothing new.
    pub(super) fn is_idle(&self) -> bool {
        self.frame.is_empty() || self.frame == SYNC_BEGIN
    }

    pub(super) const fn syncs(&self) -> bool {
        self.sync
    }

    pub(super) const fn counters(&self) -> Counters {
        self.counters
    }

    /// Returns whether the terminal has not taken everything yet.
    pub(super) const fn is_behind(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// Returns where the bytes go.
    pub(super) const fn out(&self) -> &W {
        &self.out
    }

    /// Sends the frame in one write; a frame with nothing in it sends nothing.
    pub(super) fn end_frame(&mut self) -> io::Result<()> {
        if self.is_idle() {
            self.frame.clear();
            return Ok(());
        }
        let mut frame = std::mem::take(&mut self.frame);
        let sent = match frame.strip_prefix(SYNC_BEGIN) {
            Some(small) if small.len() <= SMALL_FRAME => self.send(small),
            Some(_) => {
                frame.extend_from_slice(SYNC_END);
                self.send(&frame)
            }
            None => self.send(&frame),
        };
        self.frame = frame;
        self.frame.clear();
        self.frame.shrink_to(FRAME_SIZE);
        sent
    }

    /// Forgets the frame in the making.
    pub(super) fn drop_frame(&mut self) {
        self.frame.clear();
    }

    /// Forgets what the terminal did not take, when it is given to somebody else.
    pub(super) fn drop_unsent(&mut self) {
        self.unsent = Vec::new();
    }

    /// Sends `bytes` at once, apart from any frame, but after what is still to be sent.
    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.unsent.len() + bytes.len() > UNSENT_LIMIT {
            let what = "the terminal takes no bytes, and too many wait for it";
            return Err(io::Error::new(ErrorKind::TimedOut, what));
        }
        let taken = match self.is_behind() {
            true => 0,
            false => self.write(bytes)?,
        };
        self.counters.bytes += bytes.len() as u64;
        self.unsent
            .extend_from_slice(bytes.get(taken..).unwrap_or_default());
        Ok(())
    }

    /// Sends of what was kept as much as the terminal takes now.
    pub(super) fn catch_up(&mut self) -> io::Result<()> {
        let kept = std::mem::take(&mut self.unsent);
        let taken = self.write(&kept)?;
        self.unsent = kept.get(taken..).unwrap_or_default().to_vec();
        Ok(())
    }

    /// Writes until the terminal takes no more; returns how much it took.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let begun = Instant::now();
        let mut taken = 0;
        let result = loop {
            let rest = bytes.get(taken..).unwrap_or_default();
            if rest.is_empty() {
                break self.out.flush();
            }
            self.counters.writes += 1;
            match self.out.write(rest) {
                Ok(0) => break Err(ErrorKind::WriteZero.into()),
                Ok(count) => taken += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        self.counters.time += begun.elapsed();
        result.map(|()| taken)
    }
}
