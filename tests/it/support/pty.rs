//! The real binary in a real pseudo-terminal: keys in, a screen out.
//!
//! The terminal answers no question, for the console may ask none. Nothing here sleeps: what is waited for is waited
//! for by reading, until a deadline that a loaded machine meets easily.

use std::{
    fs::File,
    io::{Read, Write},
    num::NonZeroU16,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use portable_pty::{CommandBuilder, ExitStatus, MasterPty, PtySize, SlavePty, native_pty_system};
use rustix::{
    fs::OFlags,
    process::{Pid, Signal, kill_process},
};
use vt100::{Parser, Screen};

/// How long anything may take before it counts as not coming.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The question where the cursor is.
const WHERE: &str = "\x1b[6n";

/// How questions to a terminal begin or end: the cursor's place, its attributes, its version, its modes, its keyboard,
/// its size. Colours are asked with a question mark, which no other sequence of ours has after a semicolon.
const QUESTIONS: [&str; 14] = [
    WHERE, "\x1b[?6n", "\x1b[5n", "\x1b[c", "\x1b[0c", "\x1b[>c", "\x1b[>0c", "\x1b[>q",
    "\x1b[>0q", "$p", "\x1b[?u", "\x1b[14t", "\x1b[18t", ";?",
];

/// A program in a terminal of its own.
pub(crate) struct Pty {
    master: Option<Box<dyn MasterPty + Send>>,
    // Held so that the terminal outlives its program and can be asked for its modes.
    slave: Option<Box<dyn SlavePty + Send>>,
    keyboard: Option<Box<dyn Write + Send>>,
    output: Receiver<Vec<u8>>,
    reader: Option<JoinHandle<()>>,
    closing: Arc<AtomicBool>,
    ended: Receiver<ExitStatus>,
    status: Option<ExitStatus>,
    pub(crate) pid: Pid,
    parser: Parser,
    /// Up to where questions about the cursor were answered; none is, if it is None.
    answered: Option<usize>,
    /// The terminal's modes before the program began.
    pub(crate) modes_before: String,
    /// All that was written to the terminal.
    pub(crate) bytes: Vec<u8>,
    /// When the newest of it was read.
    pub(crate) heard: Instant,
}

/// A program to be started in a terminal.
pub(crate) struct Start {
    command: CommandBuilder,
    size: (u16, u16),
    answered: Option<usize>,
}

impl Start {
    /// Returns a program in a folder, with an environment that holds nothing of the machine's but where programs are.
    pub(crate) fn program(program: &str, folder: &Path) -> Start {
        let mut command = CommandBuilder::new(program);
        command.cwd(folder);
        command.env_clear();
        let path = std::env::var("PATH").unwrap_or_default();
        let home = folder.display().to_string();
        for (name, value) in [
            ("PATH", path.as_str()),
            ("HOME", &home),
            ("USER", "maria"),
            ("LANG", "C.UTF-8"),
            ("TERM", "xterm-256color"),
        ] {
            command.env(name, value);
        }
        Start {
            command,
            size: (120, 40),
            answered: None,
        }
    }

    /// Returns the console over the ledger of a folder.
    pub(crate) fn console(folder: &Path) -> Start {
        Start::program(env!("CARGO_BIN_EXE_obeya"), folder)
    }

    /// Adds an argument.
    pub(crate) fn argument(mut self, argument: &str) -> Start {
        self.command.arg(argument);
        self
    }

    /// Sets a variable.
    pub(crate) fn set(mut self, name: &str, value: &str) -> Start {
        self.command.env(name, value);
        self
    }

    /// Lets the terminal say where its cursor is, which an editor of lines may ask.
    pub(crate) fn answering(mut self) -> Start {
        self.answered = Some(0);
        self
    }

    /// Sets the terminal's columns and rows.
    pub(crate) fn size(mut self, columns: u16, rows: u16) -> Start {
        self.size = (columns, rows);
        self
    }

    /// Starts it.
    pub(crate) fn go(self) -> Pty {
        let (columns, rows) = self.size;
        let pair = native_pty_system().openpty(size(columns, rows)).unwrap();
        let modes_before = modes(pair.master.as_ref());
        let mut child = pair.slave.spawn_command(self.command).unwrap();
        let pid = Pid::from_raw(child.process_id().unwrap().try_into().unwrap()).unwrap();
        let (tell, ended) = mpsc::channel();
        // Nobody joins it: it ends with the program, which is killed when the terminal is dropped.
        thread::spawn(move || drop(child.wait().map(|status| tell.send(status))));
        let mut source = pair.master.try_clone_reader().unwrap();
        let (send, output) = mpsc::channel();
        let closing = Arc::new(AtomicBool::new(false));
        let closed = Arc::clone(&closing);
        let reader = thread::spawn(move || {
            let mut buffer = vec![0; 64 * 1024];
            while let Ok(count @ 1..) = source.read(&mut buffer) {
                if closed.load(Ordering::Acquire) || send.send(buffer[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        Pty {
            keyboard: Some(pair.master.take_writer().unwrap()),
            master: Some(pair.master),
            slave: Some(pair.slave),
            output,
            reader: Some(reader),
            closing,
            ended,
            status: None,
            pid,
            modes_before,
            parser: Parser::new(cells(rows), cells(columns), 0),
            answered: self.answered,
            bytes: Vec::new(),
            heard: Instant::now(),
        }
    }
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize {
        rows,
        cols: columns,
        pixel_width: 0,
        pixel_height: 0,
    }
}

fn modes(master: &(dyn MasterPty + Send)) -> String {
    format!("{:?}", master.get_termios().unwrap())
}

fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).unwrap()
}

impl Pty {
    /// Presses keys: characters, and names in angle brackets, like `<enter>` and `<ctrl-s>`.
    pub(crate) fn keys(&mut self, keys: &str) -> &mut Self {
        let mut rest = keys;
        while let Some(first) = rest.chars().next() {
            let end = match rest.find('>') {
                Some(end) if first == '<' && end > 1 && !rest[1..end].contains('<') => end + 1,
                _ => first.len_utf8(),
            };
            let (key, after) = rest.split_at(end);
            let keyboard = self.keyboard.as_mut().unwrap();
            keyboard.write_all(&pressed(key)).unwrap();
            keyboard.flush().unwrap();
            // A lone escape and the key after it would read as one key with alt.
            if key == "<esc>" {
                self.settle();
            }
            rest = after;
        }
        self
    }

    /// Sends what a terminal reports: the mouse, for one.
    pub(crate) fn raw(&mut self, report: &str) -> &mut Self {
        let keyboard = self.keyboard.as_mut().unwrap();
        keyboard.write_all(report.as_bytes()).unwrap();
        keyboard.flush().unwrap();
        self
    }

    /// Changes the terminal's size.
    pub(crate) fn resize(&mut self, columns: u16, rows: u16) -> &mut Self {
        let master = self.master.as_ref().unwrap();
        master.resize(size(columns, rows)).unwrap();
        let screen = self.parser.screen_mut();
        screen.set_size(cells(rows), cells(columns));
        self
    }

    /// Returns the terminal's screen as it was when last read.
    pub(crate) fn screen(&self) -> &Screen {
        self.parser.screen()
    }

    /// Returns the screen's text.
    pub(crate) fn text(&self) -> String {
        self.screen().contents()
    }

    /// Reads until the screen is as wanted.
    pub(crate) fn wait_for(&mut self, what: &str, wanted: impl Fn(&Screen) -> bool) -> &mut Self {
        let deadline = Instant::now() + PATIENCE;
        while !wanted(self.screen()) {
            let left = deadline.saturating_duration_since(Instant::now());
            if !self.read(left) {
                let (text, status) = (self.text(), &self.status);
                panic!("never came: {what}; {status:?}\n{text}");
            }
        }
        self
    }

    /// Reads until the screen shows a text.
    pub(crate) fn shows(&mut self, text: &str) -> &mut Self {
        self.wait_for(text, |screen| screen.contents().contains(text))
    }

    /// Reads until the screen does not show a text any more.
    pub(crate) fn hides(&mut self, text: &str) -> &mut Self {
        self.wait_for(&format!("no {text}"), |screen| {
            !screen.contents().contains(text)
        })
    }

    /// Reads all that comes within a time, and returns how many bytes that were.
    pub(crate) fn listen(&mut self, time: Duration) -> usize {
        let (before, deadline) = (self.bytes.len(), Instant::now() + time);
        while self.read(deadline.saturating_duration_since(Instant::now())) {}
        self.bytes.len() - before
    }

    /// Reads until nothing comes for a moment: long against a frame, short against a hand.
    pub(crate) fn settle(&mut self) -> &mut Self {
        while self.read(Duration::from_millis(150)) {}
        self
    }

    /// Takes the next piece of output, if it comes in time.
    fn read(&mut self, time: Duration) -> bool {
        match self.output.recv_timeout(time) {
            Ok(piece) => {
                self.heard = Instant::now();
                let from = self.bytes.len().saturating_sub(16);
                self.bytes.extend_from_slice(&piece);
                let tail = String::from_utf8_lossy(&self.bytes[from..]).into_owned();
                let answers = |question: &str| self.answered.is_some() && question == WHERE;
                let asked = QUESTIONS
                    .iter()
                    .find(|question| tail.contains(**question) && !answers(question));
                assert_eq!(asked, None, "the terminal was asked: {tail:?}");
                self.parser.process(&piece);
                self.answer();
                true
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => false,
        }
    }

    /// Says where the cursor is as often as that was asked.
    fn answer(&mut self) {
        while let Some(from) = self.answered {
            let rest = &self.bytes[from..];
            let asked = rest
                .windows(WHERE.len())
                .position(|bytes| bytes == WHERE.as_bytes());
            let Some(at) = asked else { return };
            self.answered = Some(from + at + WHERE.len());
            let (row, column) = self.screen().cursor_position();
            self.raw(&format!("\x1b[{};{}R", row + 1, column + 1));
        }
    }

    /// Sends the program a signal.
    pub(crate) fn signal(&mut self, signal: Signal) -> &mut Self {
        kill_process(self.pid, signal).unwrap();
        self
    }

    /// Closes the terminal as a lost connection does.
    pub(crate) fn hang_up(&mut self) {
        self.closing.store(true, Ordering::Release);
        // The reader looks up once more output comes, and a new size makes some.
        self.resize(81, 25);
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        self.keyboard = None;
        self.slave = None;
        self.master = None;
    }

    /// Reads nothing from here on, and fills the terminal until it takes no more, as ctrl-s or a dead link does.
    pub(crate) fn deafen(&mut self) {
        let name = self.master.as_ref().unwrap().tty_name().unwrap();
        let mut terminal = File::options()
            .write(true)
            .custom_flags((OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed())
            .open(name)
            .unwrap();
        self.closing.store(true, Ordering::Release);
        // The reader looks up once more output comes.
        terminal.write_all(b"x").unwrap();
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        // What it took it still passes on to where it is read from, and then has room again for a while.
        let mut full = Instant::now();
        while full.elapsed() < Duration::from_millis(300) {
            match terminal.write_all(b"x") {
                Ok(()) => full = Instant::now(),
                Err(_) => thread::yield_now(),
            }
        }
    }

    /// Returns whether the program's standard output, which it shares with whoever started it, does not block.
    pub(crate) fn is_shared_output_changed(&self) -> bool {
        let path = format!("/proc/{}/fdinfo/1", self.pid.as_raw_nonzero());
        let info = std::fs::read_to_string(path).unwrap();
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
        let flags = u32::from_str_radix(flags.unwrap().trim(), 8).unwrap();
        flags & OFlags::NONBLOCK.bits() != 0
    }

    /// Waits for the end of the program, and returns its exit code, or the name of the signal that ended it.
    pub(crate) fn end(&mut self) -> Result<u32, String> {
        // The output is drained meanwhile: a full terminal would hold its program.
        let deadline = Instant::now() + PATIENCE;
        while self.status.is_none() && Instant::now() < deadline {
            self.read(Duration::from_millis(5));
            self.status = self.ended.try_recv().ok();
        }
        self.settle();
        let status = self.status.as_ref().expect("the program never ended");
        match status.signal() {
            Some(signal) => Err(signal.to_owned()),
            None => Ok(status.exit_code()),
        }
    }

    /// Returns the terminal's modes, to be compared.
    pub(crate) fn modes(&self) -> String {
        modes(self.master.as_ref().unwrap().as_ref())
    }

    /// Returns the user and system time that the program has taken, in clock ticks of 10 ms.
    pub(crate) fn ticks(&self) -> u64 {
        let path = format!("/proc/{}/stat", self.pid.as_raw_nonzero());
        let stat = std::fs::read_to_string(path).unwrap_or_default();
        let after = stat.rsplit(')').next().unwrap_or_default();
        let fields = after.split_whitespace().skip(11).take(2);
        fields.filter_map(|field| field.parse::<u64>().ok()).sum()
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        if self.status.is_none() && self.ended.try_recv().is_err() {
            let _ = kill_process(self.pid, Signal::KILL);
        }
    }
}

/// Returns what a terminal sends for a key.
fn pressed(key: &str) -> Vec<u8> {
    match key {
        "<enter>" => b"\r".to_vec(),
        "<esc>" => b"\x1b".to_vec(),
        "<tab>" => b"\t".to_vec(),
        "<backtab>" => b"\x1b[Z".to_vec(),
        "<up>" => b"\x1b[A".to_vec(),
        "<down>" => b"\x1b[B".to_vec(),
        "<right>" => b"\x1b[C".to_vec(),
        "<left>" => b"\x1b[D".to_vec(),
        "<home>" => b"\x1b[H".to_vec(),
        "<end>" => b"\x1b[F".to_vec(),
        "<backspace>" => b"\x7f".to_vec(),
        _ => match key.strip_prefix("<ctrl-") {
            Some(rest) => vec![rest.as_bytes()[0] & 0x1f],
            None => key.as_bytes().to_vec(),
        },
    }
}
