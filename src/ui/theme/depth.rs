//! Colours as a theme writes them, brought down to what a terminal shows.
//!
//! This happens once, when a theme is loaded, never per cell.

use ratatui::style::Color;

use crate::config::ColorDepth;

/// A colour of a palette.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shade {
    /// The colour as written.
    pub color: Color,
    /// The ANSI colour that stands for it where there are sixteen. A pastel's nearest of sixteen
    /// is often grey, so a theme may choose.
    pub ansi16: Option<Color>,
}

/// The names of the ANSI colours, in their order; `gray` is the seventh, `white` the fifteenth.
pub(super) const NAMED: [(&str, Color); 16] = [
    ("black", Color::Black),
    ("red", Color::Red),
    ("green", Color::Green),
    ("yellow", Color::Yellow),
    ("blue", Color::Blue),
    ("magenta", Color::Magenta),
    ("cyan", Color::Cyan),
    ("gray", Color::Gray),
    ("bright-black", Color::DarkGray),
    ("bright-red", Color::LightRed),
    ("bright-green", Color::LightGreen),
    ("bright-yellow", Color::LightYellow),
    ("bright-blue", Color::LightBlue),
    ("bright-magenta", Color::LightMagenta),
    ("bright-cyan", Color::LightCyan),
    ("white", Color::White),
];

/// What xterm shows for the sixteen; a stand-in where the user's own choice cannot be known.
pub(super) const XTERM16: [(u8, u8, u8); 16] = [
    (0, 0, 0),
    (205, 0, 0),
    (0, 205, 0),
    (205, 205, 0),
    (0, 0, 238),
    (205, 0, 205),
    (0, 205, 205),
    (229, 229, 229),
    (127, 127, 127),
    (255, 0, 0),
    (0, 255, 0),
    (255, 255, 0),
    (92, 92, 255),
    (255, 0, 255),
    (0, 255, 255),
    (255, 255, 255),
];

/// The six levels of the 256-colour cube.
const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// Returns the colour that `text` writes: `default`, an ANSI name, `#rrggbb`, `#rgb`, or a number
/// of the 256-colour palette.
pub fn parse(text: &str) -> Option<Color> {
    if text == "default" {
        return Some(Color::Reset);
    }
    if let Some(hex) = text.strip_prefix('#') {
        let digits = hex.chars().all(|c| c.is_ascii_hexdigit());
        let value = u32::from_str_radix(hex, 16).ok().filter(|_| digits)?;
        let [_, r, g, b] = value.to_be_bytes();
        return match hex.len() {
            6 => Some(Color::Rgb(r, g, b)),
            // Each digit stands for itself twice: #fa0 is #ffaa00.
            3 => Some(Color::Rgb((g & 15) * 17, (b >> 4) * 17, (b & 15) * 17)),
            _ => None,
        };
    }
    let named = NAMED
        .iter()
        .find(|(name, _)| *name == text)
        .map(|(_, color)| *color);
    named.or_else(|| text.parse().ok().map(Color::Indexed))
}

impl Shade {
    /// Returns the colour to send at `depth`: [`Color::Reset`] where there are none.
    pub fn at(self, depth: ColorDepth) -> Color {
        match (depth, self.color) {
            (ColorDepth::None, _) => Color::Reset,
            (ColorDepth::Ansi16, _) if self.ansi16.is_some() => self.ansi16.unwrap_or_default(),
            (ColorDepth::Ansi16, color) => rgb(color).map_or(color, nearest16),
            (ColorDepth::Ansi256, Color::Rgb(r, g, b)) => nearest256((r, g, b)),
            (_, color) => color,
        }
    }
}

/// Returns the red, green and blue of a true or indexed colour; `None` for what the terminal
/// itself decides.
pub fn rgb(color: Color) -> Option<(u8, u8, u8)> {
    match color {
        Color::Rgb(r, g, b) => Some((r, g, b)),
        Color::Indexed(index @ ..=15) => XTERM16.get(usize::from(index)).copied(),
        Color::Indexed(index @ 16..=231) => {
            let level = |n: u8| CUBE.get(usize::from(n % 6)).copied().unwrap_or_default();
            let cube = index - 16;
            Some((level(cube / 36), level(cube / 6), level(cube)))
        }
        Color::Indexed(index) => {
            let gray = 8 + (index - 232) * 10;
            Some((gray, gray, gray))
        }
        _ => None,
    }
}

/// Returns how unlike two colours are, weighed as eyes do (the "redmean" formula of
/// compuphase.com/cmetric.htm, scaled by 256).
fn distance(a: (u8, u8, u8), b: (u8, u8, u8)) -> u32 {
    let apart = |a: u8, b: u8| u32::from(a.abs_diff(b)).pow(2);
    let mean = (u32::from(a.0) + u32::from(b.0)) / 2;
    (512 + mean) * apart(a.0, b.0) + 1024 * apart(a.1, b.1) + (767 - mean) * apart(a.2, b.2)
}

fn nearest16(wanted: (u8, u8, u8)) -> Color {
    let shown = NAMED.iter().zip(XTERM16);
    let nearest = shown.min_by_key(|(_, shown)| distance(wanted, *shown));
    nearest.map_or(Color::Reset, |((_, color), _)| *color)
}

fn nearest256(wanted: (u8, u8, u8)) -> Color {
    // The first sixteen are the user's and may be anything.
    let nearest = (16..=255)
        .map(Color::Indexed)
        .min_by_key(|color| rgb(*color).map_or(u32::MAX, |shown| distance(wanted, shown)));
    nearest.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn down(text: &str, depth: ColorDepth) -> Option<Color> {
        parse(text).map(|color| {
            Shade {
                color,
                ansi16: None,
            }
            .at(depth)
        })
    }

    #[test]
    fn colours_are_read() {
        assert_eq!(parse("#ff8000"), Some(Color::Rgb(255, 128, 0)));
        assert_eq!(parse("#f80"), Some(Color::Rgb(255, 136, 0)));
        assert_eq!(parse("bright-red"), Some(Color::LightRed));
        assert_eq!(parse("208"), Some(Color::Indexed(208)));
        assert_eq!(parse("default"), Some(Color::Reset));
        for bad in ["", "#", "#12345", "#+12345", "#ééé", "256", "-1", "rosy"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn colours_come_down() {
        assert_eq!(
            down("#ff0000", ColorDepth::Ansi256),
            Some(Color::Indexed(196))
        );
        assert_eq!(
            down("#808080", ColorDepth::Ansi256),
            Some(Color::Indexed(244))
        );
        assert_eq!(down("#ff1010", ColorDepth::Ansi16), Some(Color::LightRed));
        assert_eq!(down("244", ColorDepth::Ansi16), Some(Color::DarkGray));
        assert_eq!(down("green", ColorDepth::Ansi16), Some(Color::Green));
        assert_eq!(
            down("#123456", ColorDepth::True),
            Some(Color::Rgb(18, 52, 86))
        );
        for text in ["#123456", "red", "99", "default"] {
            assert_eq!(down(text, ColorDepth::None), Some(Color::Reset));
        }
    }

    #[test]
    fn a_stand_in_is_taken() {
        let shade = Shade {
            color: Color::Rgb(250, 240, 230),
            ansi16: Some(Color::Red),
        };
        assert_eq!(shade.at(ColorDepth::Ansi16), Color::Red);
        assert_eq!(shade.at(ColorDepth::True), Color::Rgb(250, 240, 230));
    }
}
