//! How meanings look: roles, themes as files, colour depths, glyphs.

mod depth;
mod glyph;
mod load;
mod role;
#[cfg(test)]
mod sight;
#[cfg(test)]
mod tests;

use ratatui::style::{Modifier, Style};

pub use self::{
    depth::{Shade, parse as parse_color, rgb},
    glyph::Glyphs,
    load::{load, names, shipped},
    role::Role,
};
use crate::config::{Accent, ColorDepth, GlyphSet};

/// A style as a theme writes it, before a terminal's depth is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spec {
    fg: Option<Shade>,
    bg: Option<Shade>,
    modifiers: Modifier,
}

impl Spec {
    /// Returns the style at `depth`; `mono` is the look that stands for a colour that is missing.
    fn at(self, depth: ColorDepth, mono: Modifier) -> Style {
        let color = |shade: Option<Shade>| shade.map(|shade| shade.at(depth));
        let mut style = Style {
            fg: color(self.fg),
            bg: color(self.bg),
            add_modifier: self.modifiers,
            ..Style::new()
        };
        // The nearest of sixteen to a slightly raised background hides the text upon it.
        let bare = self
            .bg
            .is_some_and(|shade| shade.ansi16.is_none() && rgb(shade.color).is_some());
        if depth == ColorDepth::None {
            style.add_modifier |= mono;
        } else if depth == ColorDepth::Ansi16 && bare {
            style.bg = None;
            style.add_modifier |= mono;
        }
        style
    }
}

/// The style of every role on this terminal, and the glyphs to draw with.
#[derive(Clone, Debug, PartialEq)]
pub struct Theme {
    name: String,
    styles: Vec<Style>,
    glyphs: &'static Glyphs,
    depth: ColorDepth,
}

impl Theme {
    /// Returns the theme in which each role has the spec that `named` gives it, else that of the
    /// nearest fallback with one.
    fn new(
        name: &str,
        named: &dyn Fn(Role) -> Option<Spec>,
        depth: ColorDepth,
        glyphs: GlyphSet,
    ) -> Self {
        let style = |role: &Role| {
            let mut at = *role;
            let spec = loop {
                match named(at) {
                    Some(spec) => break spec,
                    None if at == Role::Text => break Spec::default(),
                    None => at = at.fallback(),
                }
            };
            spec.at(depth, role.mono())
        };
        let styles = Role::ALL.iter().map(style).collect();
        Theme {
            name: name.to_owned(),
            styles,
            glyphs: Glyphs::of(glyphs),
            depth,
        }
    }

    /// Returns the shipped dark theme, for screens drawn before any setting is read and for tests.
    pub fn dark(depth: ColorDepth, glyphs: GlyphSet) -> Self {
        load("dark", &|_| Ok(None), depth, glyphs).0
    }

    /// Returns the name by which it was asked for.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the theme in which the lines of whatever has the keys have the accent's colour, so that a marked ledger
    /// is seen wherever one looks. Their shape already says that they have the keys.
    pub fn marked(mut self, accent: Accent) -> Self {
        let color = self.style(Role::of_accent(accent)).bg;
        if let (Some(line), Some(color)) = (self.styles.get_mut(Role::BorderFocus as usize), color)
        {
            line.fg = Some(color);
        }
        self
    }

    /// Returns the style of `role`, ready to be patched over a cell.
    pub fn style(&self, role: Role) -> Style {
        self.styles.get(role as usize).copied().unwrap_or_default()
    }

    /// Returns the glyphs to draw with.
    pub const fn glyphs(&self) -> &'static Glyphs {
        self.glyphs
    }

    /// Returns the depth that the styles are made for.
    pub const fn depth(&self) -> ColorDepth {
        self.depth
    }
}
