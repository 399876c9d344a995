//! Frames as single writes.
//!
//! Everything for the terminal goes through one writer, so that the brackets of synchronized
//! output (mode 2026) stand around the frame they belong to, in the same write.

use std::{
    io::{self, ErrorKind, Write},
    thread,
    time::{Duration, Instant},
};

/// Room for a whole first frame at 200x60 with colours, so that no frame is copied to grow.
const FRAME_SIZE: usize = 64 * 1024;

/// How long a terminal that takes no byte is waited for, if its descriptor does not block by
/// itself (a program before us may have left it so).
const STALL: Duration = Duration::from_secs(5);

const SYNC_BEGIN: &[u8] = b"\x1b[?2026h";
const SYNC_END: &[u8] = b"\x1b[?2026l";

/// What has been sent so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Bytes sent.
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
    sync: bool,
    counters: Counters,
}

impl<W: Write> FrameWriter<W> {
    pub(super) fn new(out: W, sync: bool) -> Self {
        FrameWriter {
            out,
            frame: Vec::with_capacity(FRAME_SIZE),
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

    /// Sends the frame in one write; a frame with nothing in it sends nothing.
    pub(super) fn end_frame(&mut self) -> io::Result<()> {
        if self.is_idle() {
            self.frame.clear();
            return Ok(());
        }
        if self.sync {
            self.frame.extend_from_slice(SYNC_END);
        }
        let sent = send(&mut self.out, &self.frame, &mut self.counters);
        self.frame.clear();
        self.frame.shrink_to(FRAME_SIZE);
        sent
    }

    /// Forgets the frame in the making.
    pub(super) fn drop_frame(&mut self) {
        self.frame.clear();
    }

    /// Sends `bytes` at once, apart from any frame.
    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        send(&mut self.out, bytes, &mut self.counters)
    }
}

fn send(out: &mut impl Write, bytes: &[u8], counters: &mut Counters) -> io::Result<()> {
    let begun = Instant::now();
    let mut rest = bytes;
    let result = loop {
        if rest.is_empty() {
            break out.flush();
        }
        counters.writes += 1;
        match out.write(rest) {
            Ok(0) => break Err(ErrorKind::WriteZero.into()),
            Ok(count) => {
                counters.bytes += count as u64;
                rest = rest.get(count..).unwrap_or_default();
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock && begun.elapsed() < STALL => {
                thread::sleep(Duration::from_millis(1));
            }
            Err(error) => break Err(error),
        }
    };
    counters.time += begun.elapsed();
    result
}
