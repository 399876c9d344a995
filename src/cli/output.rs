//! What a command prints: tables that fit the terminal, colours only on one, and JSON in one form.

use std::{
    env,
    io::{self, IsTerminal as _, Write as _},
};

use serde::Serialize;

use super::{error::CliError, json, voice::Voice};
use crate::{domain::order::vocabulary, text};

vocabulary! {
    /// When there is colour.
    Colour ("time for colour") {
        /// On a terminal that can show it, unless `NO_COLOR` is set.
        Auto = "auto",
        /// Always.
        Always = "always",
        /// Never.
        Never = "never",
    }
}

/// The narrowest width that a table is fitted to; below it no column is worth reading.
const MIN_WIDTH: usize = 20;
/// Where facts begin, behind their names.
const FACT: usize = 14;
/// How much is gathered before it is handed on, so that a long export needs little memory.
const CHUNK: usize = 64 * 1024;

/// What a piece of text means; a terminal shows it as a colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Tone {
    /// Nothing special.
    #[default]
    Plain,
    /// A heading.
    Head,
    /// Less important.
    Muted,
    /// As it should be.
    Good,
    /// Worth a look.
    Warn,
    /// Wrong.
    Bad,
}

impl Tone {
    fn code(self) -> &'static str {
        match self {
            Tone::Plain => "",
            Tone::Head => "\x1b[1m",
            Tone::Muted => "\x1b[2m",
            Tone::Good => "\x1b[32m",
            Tone::Warn => "\x1b[33m",
            Tone::Bad => "\x1b[31m",
        }
    }
}

/// How the output looks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    /// JSON instead of text.
    pub(super) json: bool,
    /// With colours.
    pub(super) colour: bool,
    /// JSON in many lines, for eyes.
    pub(super) pretty: bool,
    /// The cells of a line; None where lines may be of any length.
    pub(super) width: Option<usize>,
    /// Whether the locale can show more than ASCII.
    pub(super) unicode: bool,
}

impl Style {
    /// Returns the style for standard output.
    pub(super) fn stdout(json: bool, colour: Colour) -> Self {
        let terminal = io::stdout().is_terminal();
        let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = || env::var_os("TERM").is_some_and(|term| term == "dumb");
        Style {
            json,
            colour: match colour {
                Colour::Auto => terminal && !set("NO_COLOR") && !dumb(),
                Colour::Always => true,
                Colour::Never => false,
            },
            pretty: terminal,
            width: columns(terminal),
            unicode: unicode(),
        }
    }

    /// Returns what stands for text that was cut off.
    pub(super) fn ellipsis(self) -> &'static str {
        if self.unicode { "…" } else { "..." }
    }
}

/// Returns the terminal's width: `COLUMNS` if it is set, else what the terminal says.
fn columns(terminal: bool) -> Option<usize> {
    let set = env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    let asked = || {
        let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
        Some(usize::from(size.ws_col))
    };
    let width = if terminal { set.or_else(asked) } else { set };
    width
        .filter(|width| *width > 0)
        .map(|width| width.max(MIN_WIDTH))
}

fn unicode() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .filter_map(|name| env::var(name).ok())
        .find(|value| !value.is_empty());
    locale.is_some_and(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

/// Where the output goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sink {
    /// To standard output.
    Stdout,
    /// It is gathered, for the console's line.
    Memory,
}

/// What a command prints.
#[derive(Debug)]
pub(super) struct Output {
    /// How it looks.
    pub(super) style: Style,
    sink: Sink,
    text: String,
    /// Who writes it, where nothing is to wait for that.
    voice: Option<Voice>,
}

impl Output {
    /// Returns an output that has nothing yet.
    pub(super) fn new(style: Style, sink: Sink) -> Self {
        Output {
            style,
            sink,
            text: String::new(),
            voice: None,
        }
    }

    /// Goes on from here whether anybody reads it or not: for a process that has more to do than to print.
    ///
    /// # Errors
    ///
    /// The system gives no thread.
    pub(super) fn unheard(&mut self) -> io::Result<()> {
        if self.sink == Sink::Stdout && self.voice.is_none() {
            self.voice = Some(Voice::start()?);
        }
        Ok(())
    }

    /// Hands on what was gathered, and waits a moment until it is written.
    pub(super) fn end(&mut self) -> Result<(), CliError> {
        self.flush()?;
        if let Some(voice) = self.voice.take() {
            voice.end();
        }
        Ok(())
    }

    /// Returns what was gathered.
    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// Prints a line of text from inside and outside; it is cleaned.
    pub(super) fn line(&mut self, line: &str) -> Result<(), CliError> {
        self.tone(Tone::Plain, line)
    }

    /// Prints a line in a tone.
    pub(super) fn tone(&mut self, tone: Tone, line: &str) -> Result<(), CliError> {
        self.spans(&[(tone, line)])
    }

    /// Prints a line of several tones, cut at the terminal's width.
    pub(super) fn spans(&mut self, spans: &[(Tone, &str)]) -> Result<(), CliError> {
        let mut room = self.style.width.unwrap_or(usize::MAX);
        for (tone, text) in spans {
            let clean = text::clean(text);
            let cut = text::cut(&clean, room, self.style.ellipsis());
            room = room.saturating_sub(text::width(&cut));
            self.push(*tone, &cut);
        }
        self.end_line()
    }

    /// Puts a cleaned text into the line.
    pub(super) fn push(&mut self, tone: Tone, clean: &str) {
        let coloured = self.style.colour && tone != Tone::Plain && !clean.trim().is_empty();
        if coloured {
            self.text.push_str(tone.code());
        }
        self.text.push_str(clean);
        if coloured {
            self.text.push_str("\x1b[0m");
        }
    }

    /// Ends the line.
    pub(super) fn end_line(&mut self) -> Result<(), CliError> {
        self.text.push('\n');
        if self.sink == Sink::Stdout && self.text.len() >= CHUNK {
            self.flush()?;
        }
        Ok(())
    }

    /// Prints a line of several tones that is not cut, since somebody may need all of it.
    pub(super) fn whole(&mut self, spans: &[(Tone, &str)]) -> Result<(), CliError> {
        for (tone, text) in spans {
            let clean = text::clean(text);
            self.push(*tone, &clean);
        }
        self.end_line()
    }

    /// Prints what something is called and what it is, wrapped beside its name.
    pub(super) fn fact(&mut self, name: &str, fact: &str) -> Result<(), CliError> {
        let clean = text::clean(fact);
        let room = self
            .style
            .width
            .map_or(usize::MAX, |width| width.saturating_sub(FACT));
        let mut head = format!("  {name}");
        for range in text::wrap(&clean, room) {
            self.push(Tone::Muted, &text::pad(&head, FACT));
            self.push(Tone::Plain, clean.get(range).unwrap_or_default());
            self.end_line()?;
            head.clear();
        }
        Ok(())
    }

    /// Prints text of several lines, wrapped to the terminal's width and indented.
    pub(super) fn block(&mut self, indent: usize, block: &str) -> Result<(), CliError> {
        let clean = text::clean_block(block);
        let blank = " ".repeat(indent);
        let Some(width) = self.style.width else {
            return clean
                .lines()
                .try_for_each(|line| self.raw_line(&blank, line));
        };
        for range in text::wrap(&clean, width.saturating_sub(indent).max(1)) {
            self.raw_line(&blank, clean.get(range).unwrap_or_default())?;
        }
        Ok(())
    }

    fn raw_line(&mut self, indent: &str, clean: &str) -> Result<(), CliError> {
        if !clean.is_empty() {
            self.text.push_str(indent);
            self.text.push_str(clean);
        }
        self.end_line()
    }

    /// Prints a value as JSON: one line, or many on a terminal.
    pub(super) fn json(&mut self, value: &impl Serialize) -> Result<(), CliError> {
        self.text
            .push_str(&json::to_text(value, self.style.pretty)?);
        self.end_line()
    }

    /// Prints a value as one line of JSON.
    pub(super) fn json_line(&mut self, value: &impl Serialize) -> Result<(), CliError> {
        self.text.push_str(&json::to_text(value, false)?);
        self.end_line()
    }

    /// Returns a value as one line of JSON.
    pub(super) fn compact(&self, value: &impl Serialize) -> Result<String, CliError> {
        json::to_text(value, false)
    }

    /// Prints text of our own as it is.
    pub(super) fn verbatim(&mut self, text: &str) -> Result<(), CliError> {
        self.text.push_str(text);
        match self.sink == Sink::Stdout && self.text.len() >= CHUNK {
            true => self.flush(),
            false => Ok(()),
        }
    }

    /// Hands on what was gathered.
    pub(super) fn flush(&mut self) -> Result<(), CliError> {
        if self.sink == Sink::Memory || self.text.is_empty() {
            return Ok(());
        }
        if let Some(voice) = &self.voice {
            voice.say(std::mem::take(&mut self.text));
            return Ok(());
        }
        let mut stdout = io::stdout().lock();
        let written = stdout
            .write_all(self.text.as_bytes())
            .and_then(|()| stdout.flush());
        self.text.clear();
        written.map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => CliError::Closed,
            _ => super::error::file("standard output".as_ref(), "writing", &error),
        })
    }
}
