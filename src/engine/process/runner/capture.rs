//! An agent's output: kept within bounds, and told of as far as the host needs it.

use std::{
    io::{self, Read, Write as _},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::{
    super::segments::Segments,
    messages::{Said, Stream},
};

/// The longest line of JSON: an agent has no longer things to say, and a host with many agents stays small.
pub(super) const LINE_LIMIT: usize = 64 * 1024;
/// How often a host hears that there is output.
const ALIVE_EVERY: Duration = Duration::from_millis(500);
/// The lines of JSON that a host hears in a second; one that has more to say is read more slowly.
const LINES_PER_SECOND: u32 = 200;
/// What is read at once.
const CHUNK: usize = 64 * 1024;

/// The way to the host.
#[derive(Clone)]
pub(super) struct Speech(Arc<Mutex<io::Stdout>>);

impl Speech {
    pub(super) fn new() -> Self {
        Speech(Arc::new(Mutex::new(io::stdout())))
    }

    /// Says something. A host that is gone hears nothing, which it tells by its other pipe.
    pub(super) fn say(&mut self, said: &Said) {
        let Ok(mut line) = serde_json::to_string(said) else {
            return;
        };
        line.push('\n');
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
    }
}

/// What both streams of an agent share.
#[derive(Clone)]
pub(super) struct Capture {
    speech: Speech,
    stream: Stream,
    kept: Arc<Mutex<Kept>>,
}

struct Kept {
    segments: Segments,
    alive: Option<Instant>,
    last: Option<String>,
}

impl Capture {
    pub(super) fn new(speech: Speech, segments: Segments, stream: Stream) -> Self {
        let kept = Kept {
            segments,
            alive: None,
            last: None,
        };
        Capture {
            speech,
            stream,
            kept: Arc::new(Mutex::new(kept)),
        }
    }

    /// Reads a stream to its end, on a thread of its own. Only standard output has lines for the host, or is kept `apart`
    /// as well.
    pub(super) fn read(
        self,
        from: impl Read + Send + 'static,
        spoken: bool,
        apart: Option<Segments>,
    ) -> JoinHandle<()> {
        thread::spawn(move || self.pump(from, spoken, apart))
    }

    /// Returns how much was written, and the last line with a result.
    pub(super) fn over(&self) -> (u64, Option<String>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        (kept.segments.written(), kept.last.take())
    }

    fn pump(mut self, mut from: impl Read, spoken: bool, mut apart: Option<Segments>) {
        let mut chunk = vec![0; CHUNK];
        let mut lines = Lines::default();
        let mut pace = Pace::default();
        loop {
            let read = match from.read(&mut chunk) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => break,
            };
            let bytes = chunk.get(..read).unwrap_or_default();
            if let Some(apart) = &mut apart {
                apart.write(bytes);
            }
            if self.keep(bytes) {
                self.speech.say(&Said::Alive);
            }
            if spoken {
                lines.feed(bytes, &mut |line| self.hear(line, &mut pace));
            }
        }
        if spoken {
            lines.feed(b"\n", &mut |line| self.hear(line, &mut pace));
        }
    }

    /// Keeps bytes, and returns whether the host is to hear of them. A disk that takes no more loses the log, not the run.
    fn keep(&self, bytes: &[u8]) -> bool {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.segments.write(bytes);
        let due = kept.alive.is_none_or(|last| last.elapsed() >= ALIVE_EVERY);
        if due {
            kept.alive = Some(Instant::now());
        }
        due
    }

    fn hear(&mut self, line: &str, pace: &mut Pace) {
        let line = line.trim();
        if !line.starts_with('{') {
            return;
        }
        match self.stream {
            Stream::Lines => {
                pace.wait();
                self.speech.say(&Said::Line(line.to_owned()));
            }
            // What a flood of text happens to look like must not hold it up.
            Stream::Text if line.contains("\"result\"") => {
                let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.last = Some(line.to_owned());
            }
            Stream::Text if line.contains("\"type\"") && pace.may() => {
                self.speech.say(&Said::Line(line.to_owned()));
            }
            Stream::Text | Stream::Apart => {}
        }
    }
}

/// Cuts a stream into lines. One that is too long is none.
#[derive(Default)]
struct Lines {
    part: Vec<u8>,
    too_long: bool,
}

impl Lines {
    fn feed(&mut self, bytes: &[u8], hear: &mut dyn FnMut(&str)) {
        // A flood without lines is not looked at byte by byte.
        if self.too_long && !bytes.contains(&b'\n') {
            return;
        }
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.part.len() + piece.len() > LINE_LIMIT {
                self.too_long = true;
                self.part.clear();
            }
            if !self.too_long {
                self.part.extend_from_slice(piece);
            }
            if piece.ends_with(b"\n") {
                if !self.too_long {
                    hear(&String::from_utf8_lossy(&self.part));
                }
                self.part.clear();
                self.too_long = false;
            }
        }
    }
}

/// How many lines the host heard within a second.
#[derive(Default)]
struct Pace {
    since: Option<Instant>,
    lines: u32,
}

impl Pace {
    fn may(&mut self) -> bool {
        let fresh = self
            .since
            .is_none_or(|since| since.elapsed() >= Duration::from_secs(1));
        if fresh {
            (self.since, self.lines) = (Some(Instant::now()), 0);
        }
        self.lines += 1;
        self.lines <= LINES_PER_SECOND
    }

    fn wait(&mut self) {
        while !self.may() {
            thread::sleep(Duration::from_millis(10));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_wherever_the_bytes_come_apart_and_long_ones_are_left_out() {
        let mut lines = Lines::default();
        let mut heard = Vec::new();
        let long = vec![b'x'; LINE_LIMIT + 1];
        for bytes in [&b"{\"a\""[..], b":1}\n{", b"}\n", &long, b"tail\nshort\n"] {
            lines.feed(bytes, &mut |line| heard.push(line.trim().to_owned()));
        }
        assert_eq!(heard, ["{\"a\":1}", "{}", "short"]);
    }
}
