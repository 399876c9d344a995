//! Stopping like a good job of the shell.

use std::io;

use rustix::process::{Signal, getpid, getsid, kill_current_process_group};

/// Returns whether a shell is there to continue us: a session's leader has nobody to do so and
/// would stop for ever.
pub(super) fn can_stop() -> bool {
    getsid(None).is_ok_and(|leader| leader != getpid())
}

/// Stops the process group, as Ctrl-Z in a plain program does, and returns when it is continued.
///
/// SIGSTOP rather than SIGTSTP: ours is caught, and its default cannot be had back safely.
pub(super) fn stop() -> io::Result<()> {
    kill_current_process_group(Signal::STOP)?;
    Ok(())
}
