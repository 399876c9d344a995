//! Entering the terminal and leaving it whole.
//!
//! One routine, [`restore`], puts the terminal back. The guard runs it when it is dropped, the
//! panic hook before a report is printed, and every signal that ends the program leads to the
//! guard. Running it twice does nothing.

use std::{
    ffi::OsStr,
    fs::File,
    io::{self, ErrorKind, IsTerminal, Write},
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd},
        unix::ffi::OsStrExt,
    },
    path::Path,
    sync::{Mutex, PoisonError, TryLockError},
    thread,
    time::{Duration, Instant},
};

use color_eyre::config::HookBuilder;
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use rustix::fs::{Mode, OFlags, open};

use crate::config::ColorDepth;

/// Keeps the title, takes the alternate screen, hides the cursor, marks pastes.
pub(super) const ENTER: &str = "\x1b[22;0t\x1b[?1049h\x1b[?25l\x1b[?2004h";

/// Ends synchronized output, mouse, focus and paste reports, whether they were begun or not; then
/// the plain look, the cursor, the normal screen and the old title.
const LEAVE: &[u8] =
    b"\x1b[?2026l\x1b[?1006l\x1b[?1003l\x1b[?1002l\x1b[?1000l\x1b[?1004l\x1b[?2004l\
    \x1b[m\x1b[?25h\x1b[?1049l\x1b[23;0t";

/// How long a terminal that takes no bytes is waited for when it is left, and again for a last sentence. Whoever told us
/// to end wants that within a second, and a link that lives takes a hundred bytes sooner.
const PATIENCE: Duration = Duration::from_millis(300);

/// How often raw mode is tried: the shell may still hold the terminal just after `fg`.
const TRIES: usize = 10;

/// The terminal while it is ours. A static, since a panic hook has no other way to it.
static TERMINAL: Mutex<Option<File>> = Mutex::new(None);

/// What is done at a panic once the terminal was left; it returns what to say.
type LastWords = Box<dyn Fn() -> Option<String> + Send>;

/// A static like the terminal, for the same reason.
static LAST_WORDS: Mutex<Option<LastWords>> = Mutex::new(None);

/// Has something done at a panic, after the terminal was left and before the report.
pub fn at_a_panic(words: impl Fn() -> Option<String> + Send + 'static) {
    *LAST_WORDS.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(words));
}

/// Holds the terminal in raw mode on the alternate screen; leaves it when dropped.
#[derive(Debug)]
pub struct Guard(());

impl Guard {
    /// Takes the terminal at standard output; what enters it is still to be sent.
    ///
    /// Fails if that is no terminal or cannot be put into raw mode; it is then left as it was.
    pub(super) fn enter() -> io::Result<Guard> {
        let terminal = terminal()?;
        *TERMINAL.lock().unwrap_or_else(PoisonError::into_inner) = Some(terminal);
        // From here on a drop restores, whatever fails.
        let guard = Guard(());
        raw_mode()?;
        Ok(guard)
    }

    /// Takes the terminal again after something outside may have changed its mode.
    pub(super) fn reclaim(&self) -> io::Result<()> {
        // crossterm remembers that raw mode is on and would not set it again.
        disable_raw_mode()?;
        raw_mode()
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

/// Returns the terminal at standard output, so that writing to it never waits, and without standard output's buffer,
/// which would cut a frame into lines.
pub(super) fn terminal() -> io::Result<File> {
    let out = io::stdout();
    if !out.is_terminal() {
        let what = "standard output is no terminal; run obeya in one, or use its subcommands";
        return Err(io::Error::new(ErrorKind::Unsupported, what));
    }
    opened_anew(out.as_fd()).map_or_else(|| Ok(File::from(out.as_fd().try_clone_to_owned()?)), Ok)
}

/// Opens the terminal behind a stream a second time, so that writing to it never waits.
///
/// Opened anew and not made non-blocking as it is: that mode belongs to the description which the shell and every
/// other program on this terminal share, and it would outlive a console that was killed. Where it cannot be opened
/// (it belongs to another user) there is only the shared one, which blocks as it always did.
fn opened_anew(stream: BorrowedFd<'_>) -> Option<File> {
    let anew = |path: &Path| {
        let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        open(path, flags, Mode::empty()).map(File::from).ok()
    };
    // By its number it is found in a container too, where its name may lead nowhere; elsewhere there is only the name.
    let number = format!("/proc/self/fd/{}", stream.as_raw_fd());
    anew(Path::new(&number)).or_else(|| {
        let name = rustix::termios::ttyname(stream, Vec::new()).ok()?;
        anew(Path::new(OsStr::from_bytes(name.as_bytes())))
    })
}

/// Says something on standard error once the terminal was left. A terminal that takes no bytes is not waited for.
pub fn tell(text: &str) {
    let errors = io::stderr();
    let terminal = errors.is_terminal().then(|| opened_anew(errors.as_fd()));
    // Standard error may be closed, and then nobody hears that either.
    drop(match terminal.flatten() {
        Some(mut terminal) => send_within(&mut terminal, text.as_bytes(), PATIENCE),
        None => errors.lock().write_all(text.as_bytes()),
    });
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
        drop(send_within(&mut terminal, LEAVE, PATIENCE));
        drop(disable_raw_mode());
    }
}

/// Sends `bytes`, waiting for the terminal no longer than `patience` in all.
fn send_within(terminal: &mut File, mut bytes: &[u8], patience: Duration) -> io::Result<()> {
    let deadline = Instant::now() + patience;
    while !bytes.is_empty() {
        match terminal.write(bytes) {
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock && Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(1));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
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
        // Taken out, so that a panic in there is not answered by another.
        let words = LAST_WORDS.try_lock().ok().and_then(|mut held| held.take());
        if let Some(said) = words.and_then(|words| words()) {
            tell(&format!("{said}\n"));
        }
        // Never by a macro that panics where standard error is closed: that would abort without a report.
        tell(&format!("{}\n", panic.panic_report(info)));
    }));
    Ok(())
}
