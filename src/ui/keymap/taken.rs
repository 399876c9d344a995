//! Keys that others take before a program in a terminal gets them.

use super::{Code, Key};

/// How surely a key is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Whoever works in that program always loses it: no shipped keymap uses it.
    Always(&'static str),
    /// It is lost in some sessions: a shipped keymap has another key beside it.
    Sometimes(&'static str),
}

impl Taken {
    /// Returns who takes the key.
    pub const fn by(self) -> &'static str {
        match self {
            Taken::Always(who) | Taken::Sometimes(who) => who,
        }
    }
}

/// Returns who takes a key, if anybody does by default: the prefixes of tmux and screen, what zellij binds outside its
/// locked mode (zellij-utils/assets/config/default.kdl), and the flow control of terminals.
pub fn taken(key: Key) -> Option<Taken> {
    use Taken::{Always, Sometimes};
    let Key {
        code,
        ctrl,
        alt,
        shift,
    } = key;
    match (code, ctrl, alt) {
        (Code::Char('b'), true, false) => Some(Always("tmux's prefix")),
        (Code::Char('a'), true, false) => Some(Always("screen's prefix")),
        (Code::Char('g'), true, false) => Some(Always("zellij's lock")),
        (Code::Char('q'), true, false) => Some(Always("zellij's way out, and XON")),
        // In raw mode the terminal itself passes it on; what stands between may not.
        (Code::Char('s'), true, false) => Some(Sometimes("zellij, and XOFF")),
        (Code::Char('p' | 'n' | 't' | 'h' | 'o'), true, false) => Some(Sometimes("zellij")),
        (
            Code::Char(
                'f' | 'n' | 'i' | 'o' | 'h' | 'j' | 'k' | 'l' | 'p' | 'P' | '=' | '+' | '-' | '['
                | ']',
            ),
            false,
            true,
        ) => Some(Sometimes("zellij")),
        (Code::Left | Code::Right | Code::Up | Code::Down, false, true) if !shift => {
            Some(Sometimes("zellij"))
        }
        _ => None,
    }
}
