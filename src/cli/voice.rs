//! What a process that stays prints: written by a thread of its own, so that a reader who is slow, or gone, holds nothing up.

use std::{
    io::{self, Write as _},
    sync::mpsc::{self, Receiver, SyncSender},
    thread,
    time::Duration,
};

/// How many pieces wait for a reader; what is beyond it misses.
const WAITING: usize = 4_096;
/// How long the end waits for what was said last.
const GRACE: Duration = Duration::from_secs(2);

/// A way to standard output on which nobody waits.
#[derive(Debug)]
pub(super) struct Voice {
    pieces: SyncSender<String>,
    /// Ends when everything is written, or nobody reads any more.
    silent: Receiver<()>,
}

impl Voice {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// The system gives none.
    pub(super) fn start() -> io::Result<Voice> {
        let (pieces, said) = mpsc::sync_channel::<String>(WAITING);
        let (speaking, silent) = mpsc::channel();
        thread::Builder::new().name("voice".into()).spawn(move || {
            let _speaking = speaking;
            for piece in said {
                let mut stdout = io::stdout().lock();
                let written = stdout
                    .write_all(piece.as_bytes())
                    .and_then(|()| stdout.flush());
                if written.is_err() {
                    return;
                }
            }
        })?;
        Ok(Voice { pieces, silent })
    }

    /// Has a piece written, unless too many wait.
    pub(super) fn say(&self, piece: String) {
        // Whoever does not read misses it.
        let _ = self.pieces.try_send(piece);
    }

    /// Waits for what was said, and not for long.
    pub(super) fn end(self) {
        drop(self.pieces);
        let _ = self.silent.recv_timeout(GRACE);
    }
}
