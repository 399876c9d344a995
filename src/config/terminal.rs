//! What the environment tells of a terminal: its colours and its glyphs.

use serde::{Deserialize, Serialize};

use super::Env;

/// How many colours a terminal shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ColorDepth {
    /// No colour at all; bold, dim, underline and reverse still work.
    None,
    /// The sixteen ANSI colours, whose look is the user's choice.
    Ansi16,
    /// The 256-colour palette.
    Ansi256,
    /// 24 bits.
    True,
}

/// `TERM` beginnings of terminals that show 24-bit colour and reach servers whose ssh forwards no
/// `COLORTERM`.
const TRUE_TERMS: [&str; 7] = [
    "alacritty",
    "contour",
    "foot",
    "wezterm",
    "xterm-ghostty",
    "xterm-kitty",
    "rio",
];

impl ColorDepth {
    /// Returns the depth a user calls `none`, `16`, `256` or `true`.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "none" | "never" => Some(ColorDepth::None),
            "16" => Some(ColorDepth::Ansi16),
            "256" => Some(ColorDepth::Ansi256),
            "true" | "truecolor" => Some(ColorDepth::True),
            _ => None,
        }
    }

    /// Returns the depth that `env` tells: `NO_COLOR` (set and not empty, as no-color.org has it)
    /// wins, then `TERM=dumb`, then `COLORTERM`, then the rest of `TERM`.
    pub fn detect(env: Env<'_>) -> Self {
        let term = env("TERM").unwrap_or_default();
        if env("NO_COLOR").is_some_and(|value| !value.is_empty()) {
            return ColorDepth::None;
        }
        if matches!(term.as_str(), "" | "dumb" | "vt100" | "vt220") || term.ends_with("-mono") {
            return ColorDepth::None;
        }
        let claims = env("COLORTERM").unwrap_or_default();
        if claims == "truecolor" || claims == "24bit" {
            // GNU screen passes the outer terminal's claim on and then garbles 24-bit colours;
            // tmux, which often calls itself screen too, converts them.
            let garbles = term.starts_with("screen") && env("TMUX").is_none();
            return if garbles {
                ColorDepth::Ansi256
            } else {
                ColorDepth::True
            };
        }
        if term.ends_with("-direct") || TRUE_TERMS.iter().any(|name| term.starts_with(name)) {
            return ColorDepth::True;
        }
        if term.contains("256color") {
            ColorDepth::Ansi256
        } else {
            ColorDepth::Ansi16
        }
    }
}

/// Which characters the console draws with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GlyphSet {
    /// Box drawing, arrows and blocks.
    Unicode,
    /// Plain ASCII.
    Ascii,
}

impl GlyphSet {
    /// Returns the set a user calls `unicode` or `ascii`.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "unicode" => Some(GlyphSet::Unicode),
            "ascii" => Some(GlyphSet::Ascii),
            _ => None,
        }
    }

    /// Returns the set for the locale of `env`: Unicode if the first of `LC_ALL`, `LC_CTYPE` and
    /// `LANG` that is set names UTF-8.
    pub fn detect(env: Env<'_>) -> Self {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .into_iter()
            .find_map(|name| env(name).filter(|value| !value.is_empty()))
            .unwrap_or_default()
            .to_ascii_lowercase();
        let unicode = locale.contains("utf-8") || locale.contains("utf8");
        if unicode {
            GlyphSet::Unicode
        } else {
            GlyphSet::Ascii
        }
    }
}

/// How a terminal is made to call somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notify {
    /// Not at all.
    None,
    /// By its bell, which every terminal has.
    Bell,
    /// By a message of the desktop (OSC 9), and the bell.
    Osc9,
    /// By a message of the desktop with a title (OSC 777), and the bell.
    Osc777,
}

impl Notify {
    /// Returns the way of that name.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "none" => Notify::None,
            "bell" => Notify::Bell,
            "osc9" => Notify::Osc9,
            "osc777" => Notify::Osc777,
            _ => return None,
        })
    }
}

/// How many bytes a second a terminal may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// As the link turns out: over SSH it is watched, elsewhere it is taken for fast.
    Auto,
    /// As many as there are.
    Fast,
    /// At most so many.
    Capped(u32),
}

impl Link {
    /// Fewer would take half a minute for a screen.
    pub const LEAST: u32 = 256;
    /// What `slow` means, in bytes a second: a line of 2 KiB/s with room for what SSH adds to each piece.
    pub const SLOW: u32 = 1536;

    /// Returns the link a user calls `auto`, `fast`, `slow`, or by its bytes a second.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "auto" => Link::Auto,
            "fast" => Link::Fast,
            "slow" => Link::Capped(Link::SLOW),
            _ => Link::Capped(name.parse().ok().filter(|rate| *rate >= Link::LEAST)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(text: &'static str) -> impl Fn(&str) -> Option<String> {
        move |name| {
            let mut pairs = text.split(' ').filter_map(|pair| pair.split_once('='));
            pairs
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value.to_owned())
        }
    }

    #[test]
    fn depths() {
        let check = |text, depth| assert_eq!(ColorDepth::detect(&env(text)), depth, "{text}");
        check(
            "TERM=xterm-256color COLORTERM=truecolor NO_COLOR=1",
            ColorDepth::None,
        );
        check(
            "TERM=xterm-256color COLORTERM=truecolor NO_COLOR=",
            ColorDepth::True,
        );
        check("TERM=dumb COLORTERM=truecolor", ColorDepth::None);
        check("", ColorDepth::None);
        check("TERM=xterm", ColorDepth::Ansi16);
        check("TERM=linux", ColorDepth::Ansi16);
        check("TERM=tmux-256color", ColorDepth::Ansi256);
        check("TERM=xterm-kitty", ColorDepth::True);
        check("TERM=xterm-direct", ColorDepth::True);
        check(
            "TERM=screen-256color COLORTERM=truecolor",
            ColorDepth::Ansi256,
        );
        check(
            "TERM=screen-256color COLORTERM=truecolor TMUX=x",
            ColorDepth::True,
        );
    }

    #[test]
    fn links() {
        assert_eq!(Link::named("auto"), Some(Link::Auto));
        assert_eq!(Link::named("slow"), Some(Link::Capped(Link::SLOW)));
        assert_eq!(Link::named("4096"), Some(Link::Capped(4096)));
        for refused in ["", "0", "255", "-1", "2KiB", "99999999999"] {
            assert_eq!(Link::named(refused), None, "{refused}");
        }
    }

    #[test]
    fn glyph_sets() {
        let check = |text, set| assert_eq!(GlyphSet::detect(&env(text)), set, "{text}");
        check("LANG=en_US.UTF-8", GlyphSet::Unicode);
        check("LANG=C.utf8", GlyphSet::Unicode);
        check("LC_ALL=C LANG=en_US.UTF-8", GlyphSet::Ascii);
        check("LC_ALL= LC_CTYPE=de_DE.UTF-8 LANG=C", GlyphSet::Unicode);
        check("", GlyphSet::Ascii);
    }
}
