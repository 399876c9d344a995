//! Lines from a pipe, a file, or a terminal that moves no cursor.

use std::io::{self, BufRead, Write as _};

use super::{
    MAX_LINE,
    session::{Came, Session, too_long},
};
use crate::cli::error::{self, CliError, Done, EXIT_DONE};

/// Who writes the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reader {
    /// Nobody who could answer: what fails is said with its line's number.
    Script {
        /// Whether the first failure ends it.
        stop: bool,
    },
    /// Somebody at a terminal: there is a prompt, and no failure counts in the end.
    Dialogue,
}

/// Does the lines of standard input in turn.
///
/// # Errors
///
/// A line of a script failed, and that has been said; the code is that of the worst.
pub(super) fn run(session: &mut Session, reader: Reader) -> Done {
    let mut input = io::stdin().lock();
    let (mut worst, mut number) = (EXIT_DONE, 0_u64);
    let mut bytes = Vec::new();
    loop {
        if reader == Reader::Dialogue {
            prompt(session);
        }
        let read = next_line(&mut input, &mut bytes);
        number += 1;
        let count = matches!(reader, Reader::Script { .. }).then_some(number);
        let came = match read
            .map_err(|fault| error::file("standard input".as_ref(), "reading", &fault))?
        {
            Line::End => break,
            Line::TooLong => session.refuse(count, too_long()),
            Line::Whole => match text(&bytes, number) {
                Ok(line) => session.line(line, count),
                Err(what) => session.refuse(count, what),
            },
        };
        match (came, reader) {
            (Came::Next, _) => {}
            (Came::Over, _) => break,
            (Came::Failed(code), _) => {
                worst = worst.max(code);
                if reader == (Reader::Script { stop: true }) {
                    break;
                }
            }
        }
    }
    match (worst, reader) {
        (EXIT_DONE, _) | (_, Reader::Dialogue) => Ok(()),
        (code, _) => Err(CliError::Failed(code)),
    }
}

fn prompt(session: &Session) {
    let name = session
        .ledger()
        .map_or_else(|| "no ledger".into(), |(name, _)| name);
    let mut stdout = io::stdout().lock();
    // Where the terminal is gone, so is its input.
    let _ = write!(stdout, "{name}> ").and_then(|()| stdout.flush());
}

/// Returns a line as text, or what is wrong with it. The mark that some editors put before a file's first line is none.
fn text(bytes: &[u8], number: u64) -> Result<&str, String> {
    let text = std::str::from_utf8(bytes)
        .map_err(|bad| format!("byte {} is no UTF-8 text", bad.valid_up_to() + 1))?;
    Ok(match number {
        1 => text.strip_prefix('\u{feff}').unwrap_or(text),
        _ => text,
    })
}

/// What was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Whole,
    /// It had more than [`MAX_LINE`] bytes; the rest of it was thrown away.
    TooLong,
    End,
}

/// Reads a line without its end. No more than [`MAX_LINE`] bytes are held, whatever comes.
fn next_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Line> {
    line.clear();
    let (mut any, mut long) = (false, false);
    loop {
        let piece = match input.fill_buf() {
            Ok(piece) => piece,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if piece.is_empty() && !any {
            return Ok(Line::End);
        }
        let end = piece.iter().position(|byte| *byte == b'\n');
        let taken = end.unwrap_or(piece.len());
        long |= line.len() + taken > MAX_LINE;
        if !long {
            line.extend(piece.iter().take(taken));
        }
        let over = piece.is_empty() || end.is_some();
        let used = taken + usize::from(end.is_some());
        input.consume(used);
        any = true;
        if over {
            return Ok(if long { Line::TooLong } else { Line::Whole });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_bounded_and_the_last_needs_no_end() {
        let long = "x".repeat(MAX_LINE + 1);
        let most = "y".repeat(MAX_LINE);
        let text = format!("one\n\n{long}\n{most}\nlast");
        // A buffer that never holds a whole line.
        let mut input = io::BufReader::with_capacity(7, text.as_bytes());
        let mut line = vec![];
        let mut next = || {
            let read = next_line(&mut input, &mut line).unwrap_or(Line::End);
            assert!(line.len() <= MAX_LINE);
            (read, line.len())
        };
        assert_eq!(next(), (Line::Whole, 3));
        assert_eq!(next(), (Line::Whole, 0));
        assert_eq!(next().0, Line::TooLong);
        assert_eq!(next(), (Line::Whole, MAX_LINE));
        assert_eq!(next(), (Line::Whole, 4));
        assert_eq!(next().0, Line::End);
    }
}
