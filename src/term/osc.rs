//! Operating system commands: the window's title and the clipboard. Write only: nothing is ever
//! read from the terminal.

use crossterm::{Command, clipboard::CopyToClipboard};

use super::caps::Multiplexer;
use crate::{config::Notify, text};

/// Most bytes sent to a clipboard. Terminals cut or drop what is longer than their own limits;
/// this fits the smallest common one (74,994 bytes in base64).
pub const COPY_LIMIT: usize = 56_244;

/// Longest piece that GNU screen passes through at once (its limit is 768, older ones 256).
const SCREEN_PIECE: usize = 240;

/// Most cells of a title: no window shows more.
const TITLE_LIMIT: usize = 120;

/// What came of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copied {
    /// The text was sent to the terminal; whether that has a clipboard it does not say.
    Sent,
    /// The text has more bytes than [`COPY_LIMIT`].
    TooLong {
        /// Its bytes.
        bytes: usize,
    },
    /// This terminal takes no such command.
    Unsupported,
}

/// Returns the sequence that sets the window's title.
pub(super) fn title(text: &str) -> String {
    let text = text::clean(text);
    format!("\x1b]2;{}\x1b\\", text::cut(&text, TITLE_LIMIT, ""))
}

/// Returns the sequences that put `text` on the user's clipboard (OSC 52), or its length if it is
/// too long. Over ssh this reaches the machine that the user sits at.
pub(super) fn copy(text: &str, multiplexer: Multiplexer) -> Result<String, usize> {
    let text = text::clean_block(text);
    if text.len() > COPY_LIMIT {
        return Err(text.len());
    }
    let mut plain = String::new();
    // Writing to a string does not fail, and an empty sequence would copy nothing.
    let written = CopyToClipboard::to_clipboard_from(text.as_bytes()).write_ansi(&mut plain);
    debug_assert!(written.is_ok(), "a string takes everything");
    Ok(match multiplexer {
        // tmux takes the plain form with `set-clipboard on` and passes the wrapped one on with
        // `allow-passthrough on`; with both the same text is copied twice.
        Multiplexer::Tmux => format!("{plain}{}", passed(&plain, multiplexer)),
        Multiplexer::None | Multiplexer::Screen => passed(&plain, multiplexer),
    })
}

/// Returns a sequence so that a multiplexer passes it on.
fn passed(plain: &str, multiplexer: Multiplexer) -> String {
    match multiplexer {
        Multiplexer::None => plain.to_owned(),
        Multiplexer::Tmux => format!("\x1bPtmux;{}\x1b\\", plain.replace('\x1b', "\x1b\x1b")),
        // An ESC \ within would end the wrapping early, so the command ends with BEL.
        Multiplexer::Screen => {
            let plain = plain
                .strip_suffix("\x1b\\")
                .map_or(plain.to_owned(), |p| p.to_owned() + "\x07");
            let pieces = plain.as_bytes().chunks(SCREEN_PIECE);
            pieces
                .map(|piece| format!("\x1bP{}\x1b\\", String::from_utf8_lossy(piece)))
                .collect()
        }
    }
}

/// Returns the sequences that call somebody. The bell is part of each: a multiplexer knows it, and shows where it rang.
pub(super) fn notify(text: &str, how: Notify, multiplexer: Multiplexer) -> String {
    let text = text::clean(text);
    // A semicolon would end the text of OSC 777.
    let text = text::cut(&text, TITLE_LIMIT, "").replace(';', ",");
    let message = match how {
        Notify::None => return String::new(),
        Notify::Bell => return "\x07".to_owned(),
        Notify::Osc9 => format!("\x1b]9;{text}\x1b\\"),
        Notify::Osc777 => format!("\x1b]777;notify;obeya;{text}\x1b\\"),
    };
    format!("{}\x07", passed(&message, multiplexer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_clean() {
        assert_eq!(title("a\x1b]0;b\x07c\n"), "\x1b]2;ac \x1b\\");
        assert_eq!(title(&"x".repeat(500)).len(), TITLE_LIMIT + 6);
    }

    #[test]
    fn somebody_is_called_as_configured() {
        let call = |how| notify("a;b\x1b]0;c", how, Multiplexer::None);
        assert_eq!(call(Notify::None), "");
        assert_eq!(call(Notify::Bell), "\x07");
        assert_eq!(call(Notify::Osc9), "\x1b]9;a,b]0,c\x1b\\\x07");
        assert_eq!(
            call(Notify::Osc777),
            "\x1b]777;notify;obeya;a,b]0,c\x1b\\\x07"
        );
        assert_eq!(
            notify("a", Notify::Osc9, Multiplexer::Tmux),
            "\x1bPtmux;\x1b\x1b]9;a\x1b\x1b\\\x1b\\\x07"
        );
    }

    #[test]
    fn copies_are_wrapped_and_limited() {
        assert_eq!(
            copy("hi", Multiplexer::None).as_deref(),
            Ok("\x1b]52;c;aGk=\x1b\\")
        );
        assert_eq!(
            copy("hi\x1b[2J", Multiplexer::Tmux).as_deref(),
            Ok("\x1b]52;c;aGk=\x1b\\\x1bPtmux;\x1b\x1b]52;c;aGk=\x1b\x1b\\\x1b\\")
        );
        assert_eq!(
            copy("hi", Multiplexer::Screen).as_deref(),
            Ok("\x1bP\x1b]52;c;aGk=\x07\x1b\\")
        );
        let long = copy(&"x".repeat(1000), Multiplexer::Screen).unwrap_or_default();
        assert!(
            long.split_inclusive("\x1b\\")
                .all(|piece| piece.len() <= SCREEN_PIECE + 4)
        );
        assert_eq!(
            copy(&"x".repeat(COPY_LIMIT + 1), Multiplexer::None),
            Err(COPY_LIMIT + 1)
        );
        let most = copy(&"x".repeat(COPY_LIMIT), Multiplexer::None).unwrap_or_default();
        assert!(most.len() <= 75_020, "{}", most.len());
    }
}
