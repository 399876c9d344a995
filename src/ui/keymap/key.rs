//! A key as the console knows it, read from and written to text.
//!
//! Independent of the terminal library, so that the console's logic and its tests need no terminal.

use std::{fmt, str::FromStr};

/// What is on the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// A character; shift is part of it (`G`, `!`).
    Char(char),
    /// Enter.
    Enter,
    /// Escape.
    Esc,
    /// Tab.
    Tab,
    /// Shift and tab.
    BackTab,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// Insert.
    Insert,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// The arrow up.
    Up,
    /// The arrow down.
    Down,
    /// The arrow left.
    Left,
    /// The arrow right.
    Right,
    /// A function key, from 1.
    F(u8),
}

const NAMES: [(&str, Code); 15] = [
    ("enter", Code::Enter),
    ("esc", Code::Esc),
    ("tab", Code::Tab),
    ("backtab", Code::BackTab),
    ("backspace", Code::Backspace),
    ("delete", Code::Delete),
    ("insert", Code::Insert),
    ("home", Code::Home),
    ("end", Code::End),
    ("pageup", Code::PageUp),
    ("pagedown", Code::PageDown),
    ("up", Code::Up),
    ("down", Code::Down),
    ("left", Code::Left),
    ("right", Code::Right),
];

/// Highest function key that common terminals send.
const MAX_F: u8 = 12;

/// One key with what is held down beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The key.
    pub code: Code,
    /// Whether control is held.
    pub ctrl: bool,
    /// Whether alt is held.
    pub alt: bool,
    /// Whether shift is held; never with a character, which has it in its form.
    pub shift: bool,
}

/// Text that is no key, or a key that terminals do not send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadKey {
    /// What is wrong.
    pub what: String,
    /// What to write instead.
    pub mend: &'static str,
}

impl Key {
    /// Returns `code` with nothing held.
    pub const fn plain(code: Code) -> Self {
        Key {
            code,
            ctrl: false,
            alt: false,
            shift: false,
        }
    }

    /// Returns the character `c` with nothing held.
    pub const fn char(c: char) -> Self {
        Key::plain(Code::Char(c))
    }

    /// Returns control and `c`.
    pub const fn ctrl(c: char) -> Self {
        Key {
            ctrl: true,
            ..Key::char(c)
        }
    }

    /// Returns the character that this key types, if it types one.
    pub const fn typed(self) -> Option<char> {
        match self.code {
            Code::Char(c) if !self.ctrl && !self.alt => Some(c),
            _ => None,
        }
    }

    /// Returns why terminals do not send this key, if so. Terminals send bytes: control and a
    /// letter share one with tab, enter or escape, and most other combinations have none.
    fn unsendable(self) -> Option<BadKey> {
        let mend = match self.code {
            Code::Char('i') if self.ctrl => "terminals send it as tab: use tab",
            Code::Char('m') if self.ctrl => "terminals send it as enter: use enter",
            Code::Char('h') if self.ctrl => "many terminals send it as backspace: use another key",
            Code::Char('[') if self.ctrl => "terminals send it as escape: use esc",
            Code::Char('a'..='z' | ' ') => return None,
            Code::Char(_) if self.ctrl => "use ctrl with a letter or with space",
            Code::Enter | Code::Esc | Code::Tab | Code::BackTab | Code::Backspace
                if self.ctrl || self.shift =>
            {
                "use it without ctrl and shift"
            }
            Code::F(n) if n == 0 || n > MAX_F => "use f1 to f12",
            _ => return None,
        };
        Some(BadKey {
            what: format!("a terminal cannot send '{self}'"),
            mend,
        })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (held, name) in [
            (self.ctrl, "ctrl-"),
            (self.alt, "alt-"),
            (self.shift, "shift-"),
        ] {
            if held {
                f.write_str(name)?;
            }
        }
        match self.code {
            Code::Char(' ') => f.write_str("space"),
            Code::Char(c) => write!(f, "{c}"),
            Code::F(number) => write!(f, "f{number}"),
            code => {
                let name = NAMES.iter().find(|(_, named)| *named == code);
                f.write_str(name.map_or("", |(name, _)| name))
            }
        }
    }
}

impl FromStr for Key {
    type Err = BadKey;

    /// Reads `j`, `G`, `ctrl-d`, `alt-x`, `shift-up`, `space`, `<space>`, `f1`.
    fn from_str(text: &str) -> Result<Self, BadKey> {
        let bad = || BadKey {
            what: format!("'{text}' is no key"),
            mend: "write j, G, ctrl-d, alt-x, space, enter, esc, tab, up, pageup, f1",
        };
        let inner = text
            .strip_prefix('<')
            .and_then(|text| text.strip_suffix('>'));
        let mut rest = inner.filter(|inner| !inner.is_empty()).unwrap_or(text);
        let mut key = Key::char(' ');
        loop {
            let (flag, after) = match rest.split_once('-') {
                Some(("ctrl", after)) => (&mut key.ctrl, after),
                Some(("alt", after)) => (&mut key.alt, after),
                Some(("shift", after)) => (&mut key.shift, after),
                _ => break,
            };
            if std::mem::replace(flag, true) {
                return Err(bad());
            }
            rest = after;
        }
        let mut chars = rest.chars();
        key.code = match (chars.next(), chars.as_str()) {
            (Some(c), "") if !c.is_control() && !c.is_whitespace() => Code::Char(c),
            (Some(' '), "") => Code::Char(' '),
            (Some('f'), number) if number.starts_with(|c: char| c.is_ascii_digit()) => {
                Code::F(number.parse().map_err(|_| bad())?)
            }
            _ if rest == "space" => Code::Char(' '),
            _ => {
                let named = NAMES.iter().find(|(name, _)| *name == rest);
                named.map(|(_, code)| *code).ok_or_else(bad)?
            }
        };
        match key.code {
            Code::Char(c) if key.shift && c.is_ascii_lowercase() && !key.ctrl => {
                key.code = Code::Char(c.to_ascii_uppercase());
                key.shift = false;
            }
            Code::Char(_) if key.shift => {
                return Err(BadKey {
                    what: format!("a terminal cannot send '{text}'"),
                    mend: "write the character that shift gives, like G or !",
                });
            }
            Code::Tab if key.shift => {
                key.code = Code::BackTab;
                key.shift = false;
            }
            _ => {}
        }
        key.unsendable().map_or(Ok(key), Err)
    }
}
