//! Entering the terminal and leaving it whole.
//!
//! One routine, [`restore`], puts the terminal back. The guard runs it when it is dropped, the
//! panic hook before a report is printed, and every signal that ends the program leads to the
//! guard. Running it twice does nothing.

use std::{
    fs::File,
    io::{self, ErrorKind, IsTerminal, Write},
    os::fd::AsFd,
    sync::{Mutex, PoisonError, TryLockError},
};

use color_eyre::config::HookBuilder;
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};

use crate::config::ColorDepth;

/// Keeps the title, takes the alternate screen, hides the cursor, marks pastes.
const ENTER: &[u8] = b"\x1b[22;0t\x1b[?1049h\x1b[?25l\x1b[?2004h";

/// Ends synchronized output, mouse, focus and paste reports, whether they were begun or not; then
/// the plain look, the cursor, the normal screen and the old title.
const LEAVE: &[u8] =
    b"\x1b[?2026l\x1b[?1006l\x1b[?1003l\x1b[?1002l\x1b[?1000l\x1b[?1004l\x1b[?2004l\
    \x1b[m\x1b[?25h\x1b[?1049l\x1b[23;0t";

/// How often raw mode is tried: the shell may still hold the terminal just after `fg`.
const TRIES: usize = 10;

/// The terminal while it is ours. A static, since a panic hook has no other way to it.
static TERMINAL: Mutex<Option<File>> = Mutex::new(None);

/// Holds the terminal in raw mode on the alternate screen; leaves it when dropped.
#[derive(Debug)]
pub struct Guard(());

impl Guard {
    /// Takes the terminal at standard output.
    ///
    /// Fails if that is no terminal or cannot be put into raw mode; it is then left as it was.
    pub fn enter() -> io::Result<Guard> {
        let mut terminal = terminal()?;
        *TERMINAL.lock().unwrap_or_else(PoisonError::into_inner) = Some(terminal.try_clone()?);
        // From here on a drop restores, whatever fails.
        let guard = Guard(());
        raw_mode()?;
        terminal.write_all(ENTER)?;
        Ok(guard)
    }

    /// Takes the terminal again after something outside may have changed its mode.
    pub fn reclaim(&self) -> io::Result<()> {
        // crossterm remembers that raw mode is on and would not set it again.
        disable_raw_mode()?;
        raw_mode()?;
        terminal()?.write_all(ENTER)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        restore();
    }
}

fn raw_mode() -> io::Result<()> {
    let mut tried = Ok(());
    for _ in 0..TRIES {
        tried = enable_raw_mode();
        if tried.is_ok() {
            break;
        }
    }
    tried
}

/// Returns a descriptor of the terminal at standard output, without standard output's buffer,
/// which would cut a frame into lines.
pub(super) fn terminal() -> io::Result<File> {
    let out = io::stdout();
    if !out.is_terminal() {
        let what = "standard output is no terminal; run obeya in one, or use its subcommands";
        return Err(io::Error::new(ErrorKind::Unsupported, what));
    }
    Ok(File::from(out.as_fd().try_clone_to_owned()?))
}

/// Returns whether the terminal is ours now.
pub fn is_entered() -> bool {
    TERMINAL.try_lock().map_or_else(
        |error| match error {
            TryLockError::Poisoned(held) => held.into_inner().is_some(),
            TryLockError::WouldBlock => false,
        },
        |held| held.is_some(),
    )
}

/// Puts the terminal back as it was, if it is ours. Errors have nobody left to hear them.
pub fn restore() {
    // Never waits: the thread that panics may hold the lock.
    let held = match TERMINAL.try_lock() {
        Ok(mut held) => held.take(),
        Err(TryLockError::Poisoned(held)) => held.into_inner().take(),
        Err(TryLockError::WouldBlock) => None,
    };
    if let Some(mut terminal) = held {
        drop(terminal.write_all(LEAVE));
        drop(disable_raw_mode());
    }
}

/// Installs color-eyre's hooks so that a panic leaves the terminal before its report is printed,
/// in colours if `depth` has any.
///
/// Fails if an error hook is installed already.
pub fn install_hooks(depth: ColorDepth) -> color_eyre::Result<()> {
    let reports = match depth {
        // color-eyre does not heed NO_COLOR.
        ColorDepth::None => HookBuilder::default().theme(color_eyre::config::Theme::new()),
        _ => HookBuilder::default(),
    };
    let (panic, errors) = reports.into_hooks();
    errors.install()?;
    std::panic::set_hook(Box::new(move |info| {
        restore();
        // Standard error may be closed; a panic within a panic would abort without a report.
        drop(writeln!(io::stderr(), "{}", panic.panic_report(info)));
    }));
    Ok(())
}
