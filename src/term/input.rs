//! What a person does at the terminal, in the console's own words.

use crossterm::event::{
    Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

use crate::{
    text,
    ui::{
        keymap::{Code, Key},
        pointer::Deed,
    },
};

/// Most bytes of a paste: a long description. More would hold up the console for no one.
pub const PASTE_LIMIT: usize = 64 * 1024;

/// What a person does at the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A key.
    Key(Key),
    /// A pasted text, cleaned.
    Paste {
        /// The text.
        text: String,
        /// Whether it is all that was pasted; what went over [`PASTE_LIMIT`] is gone.
        whole: bool,
    },
    /// The mouse, which reports only after it was asked for.
    Mouse {
        /// What it did.
        deed: Deed,
        /// The column, from 0.
        x: u16,
        /// The row, from 0.
        y: u16,
    },
    /// The terminal has a new size. The next frame asks for it.
    Resize,
}

impl Input {
    /// Returns what `event` means, if it means anything here.
    pub(super) fn of(event: Event) -> Option<Self> {
        match event {
            Event::Key(event) => key(event).map(Input::Key),
            Event::Paste(text) => Some(paste(&text)),
            Event::Resize(..) => Some(Input::Resize),
            Event::Mouse(event) => mouse(event),
            Event::FocusGained | Event::FocusLost => None,
        }
    }
}

/// Returns what the first button or the wheel did; the others have no meaning here.
fn mouse(event: MouseEvent) -> Option<Input> {
    let deed = match event.kind {
        MouseEventKind::Down(MouseButton::Left) => Deed::Down,
        MouseEventKind::Drag(MouseButton::Left) => Deed::Drag,
        MouseEventKind::Up(MouseButton::Left) => Deed::Up,
        MouseEventKind::ScrollDown => Deed::WheelDown,
        MouseEventKind::ScrollUp => Deed::WheelUp,
        _ => return None,
    };
    Some(Input::Mouse {
        deed,
        x: event.column,
        y: event.row,
    })
}

fn paste(text: &str) -> Input {
    let mut end = text.len().min(PASTE_LIMIT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let kept = text.get(..end).unwrap_or_default();
    Input::Paste {
        text: text::clean_block(kept).into_owned(),
        whole: end == text.len(),
    }
}

fn key(event: KeyEvent) -> Option<Key> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let held = |modifier| event.modifiers.contains(modifier);
    let mut key = Key {
        code: code(event.code)?,
        ctrl: held(KeyModifiers::CONTROL),
        alt: held(KeyModifiers::ALT),
        shift: held(KeyModifiers::SHIFT),
    };
    match key.code {
        Code::Char(c) => {
            // Some terminals send shift and the small letter.
            let letter = key.shift && c.is_lowercase() && !key.ctrl;
            let shifted = c.to_uppercase().next().filter(|_| letter);
            let lowered = c.to_lowercase().next().filter(|_| key.ctrl);
            key.code = Code::Char(shifted.or(lowered).unwrap_or(c));
            key.shift = false;
        }
        Code::Tab if key.shift => {
            key.code = Code::BackTab;
            key.shift = false;
        }
        Code::BackTab => key.shift = false,
        _ => {}
    }
    Some(key)
}

fn code(code: KeyCode) -> Option<Code> {
    Some(match code {
        KeyCode::Char(c) => Code::Char(c),
        KeyCode::Enter => Code::Enter,
        KeyCode::Esc => Code::Esc,
        KeyCode::Tab => Code::Tab,
        KeyCode::BackTab => Code::BackTab,
        KeyCode::Backspace => Code::Backspace,
        KeyCode::Delete => Code::Delete,
        KeyCode::Insert => Code::Insert,
        KeyCode::Home => Code::Home,
        KeyCode::End => Code::End,
        KeyCode::PageUp => Code::PageUp,
        KeyCode::PageDown => Code::PageDown,
        KeyCode::Up => Code::Up,
        KeyCode::Down => Code::Down,
        KeyCode::Left => Code::Left,
        KeyCode::Right => Code::Right,
        KeyCode::F(number) => Code::F(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(code: KeyCode, held: KeyModifiers, wanted: &str) {
        let key = key(KeyEvent::new(code, held)).map(|key| key.to_string());
        assert_eq!(key.as_deref(), Some(wanted));
    }

    #[test]
    fn keys_are_those_of_the_keymap() {
        check(KeyCode::Char('G'), KeyModifiers::SHIFT, "G");
        check(KeyCode::Char('g'), KeyModifiers::SHIFT, "G");
        check(KeyCode::Char('d'), KeyModifiers::CONTROL, "ctrl-d");
        check(
            KeyCode::Char('D'),
            KeyModifiers::CONTROL | KeyModifiers::SHIFT,
            "ctrl-d",
        );
        check(KeyCode::Char(' '), KeyModifiers::CONTROL, "ctrl-space");
        check(KeyCode::BackTab, KeyModifiers::SHIFT, "backtab");
        check(KeyCode::Enter, KeyModifiers::ALT, "alt-enter");
        check(KeyCode::F(5), KeyModifiers::NONE, "f5");
        let release =
            KeyEvent::new_with_kind(KeyCode::Up, KeyModifiers::NONE, KeyEventKind::Release);
        assert_eq!(key(release), None);
    }

    #[test]
    fn pastes_are_clean_and_bounded() {
        let short = Input::of(Event::Paste("a\x1b[31mb\r\nc".to_owned()));
        assert_eq!(
            short,
            Some(Input::Paste {
                text: "ab\nc".to_owned(),
                whole: true
            })
        );
        let Some(Input::Paste { text, whole }) = Input::of(Event::Paste("é".repeat(PASTE_LIMIT)))
        else {
            panic!("a paste is a paste");
        };
        assert_eq!((text.len(), whole), (PASTE_LIMIT, false));
    }
}
