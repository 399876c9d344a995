//! What this terminal can do, decided once at the start from settings and environment. The
//! terminal itself is not asked: an answer would race the keys, and comes late over a slow link.

use crate::config::{ColorDepth, Config, Env, GlyphSet, Link, Notify};

/// What lies between the program and the terminal and swallows unknown sequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Multiplexer {
    /// Nothing known.
    None,
    /// tmux.
    Tmux,
    /// GNU screen.
    Screen,
}

/// What this terminal can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// How many colours to use.
    pub depth: ColorDepth,
    /// Which glyphs to draw with.
    pub glyphs: GlyphSet,
    /// Whether frames are wrapped in synchronized output; terminals without it ignore it, except
    /// the kernel's own console.
    pub sync: bool,
    /// Whether titles and clipboards (OSC) may be sent.
    pub osc: bool,
    /// How somebody is called.
    pub notify: Notify,
    /// How many bytes a second may be sent; [`Link::Auto`] only where the user sits at another machine.
    pub link: Link,
    /// The multiplexer around the program.
    pub multiplexer: Multiplexer,
}

impl Caps {
    /// Returns what `config` and `env` tell.
    pub fn detect(config: &Config, env: Env<'_>) -> Self {
        let set = |name: &str| env(name).is_some_and(|value| !value.is_empty());
        let console = matches!(env("TERM").as_deref(), None | Some("" | "dumb" | "linux"));
        let multiplexer = match (set("TMUX"), set("STY")) {
            (true, _) => Multiplexer::Tmux,
            (false, true) => Multiplexer::Screen,
            (false, false) => Multiplexer::None,
        };
        Caps {
            depth: config.color_depth(env),
            glyphs: config.glyph_set(env),
            sync: config.sync && !console,
            osc: !console,
            notify: config.notify,
            link: match config.link {
                Link::Auto if !set("SSH_CONNECTION") && !set("SSH_TTY") => Link::Fast,
                link => link,
            },
            multiplexer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caps(text: &'static str) -> Caps {
        let env = |name: &str| {
            let mut pairs = text.split(' ').filter_map(|pair| pair.split_once('='));
            pairs
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value.to_owned())
        };
        Caps::detect(&Config::default(), &env)
    }

    #[test]
    fn terminals_are_told_apart() {
        let plain = caps("TERM=xterm-256color LANG=C.UTF-8");
        assert_eq!(
            (plain.sync, plain.osc, plain.link),
            (true, true, Link::Fast)
        );
        assert_eq!(
            (plain.depth, plain.glyphs),
            (ColorDepth::Ansi256, GlyphSet::Unicode)
        );
        let console = caps("TERM=linux");
        assert_eq!((console.sync, console.osc), (false, false));
        let remote = caps("TERM=tmux-256color TMUX=/tmp/x STY=y SSH_CONNECTION=z");
        assert_eq!(
            (remote.link, remote.multiplexer),
            (Link::Auto, Multiplexer::Tmux)
        );
        assert_eq!(caps("TERM=screen STY=y").multiplexer, Multiplexer::Screen);
    }
}
