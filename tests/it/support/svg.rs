//! A screen as a picture.

use std::fmt::Write as _;

use ratatui::{
    buffer::Buffer,
    style::{Color, Modifier},
};

const CELL: (f32, f32) = (8.43, 16.5);
const PAPER: &str = "#14171c";
const INK: &str = "#d7dde5";

/// Returns the screen as SVG: one text element for each run of cells of one style.
pub(crate) fn picture(buffer: &Buffer) -> String {
    let area = buffer.area;
    let (width, height) = (
        f32::from(area.width) * CELL.0 + 20.0,
        f32::from(area.height) * CELL.1 + 20.0,
    );
    let paper = ground(buffer);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         font-family=\"DejaVu Sans Mono, Menlo, Consolas, monospace\" font-size=\"14\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"{paper}\"/>\n"
    );
    for y in 0..area.height {
        let mut x = 0;
        while x < area.width {
            let look = look(buffer, x, y);
            let end = (x..area.width)
                .find(|at| self::look(buffer, *at, y) != look)
                .unwrap_or(area.width);
            let text: String = (x..end).map(|at| buffer[(at, y)].symbol()).collect();
            run(&mut svg, (x, end, y), &text, &look, &paper);
            x = end;
        }
    }
    svg += "</svg>\n";
    svg
}

#[derive(PartialEq)]
struct Look {
    ink: String,
    paper: String,
    modifiers: Modifier,
}

fn look(buffer: &Buffer, x: u16, y: u16) -> Look {
    let cell = &buffer[(x, y)];
    let mut ink = css(cell.fg).unwrap_or(INK.into());
    let mut paper = css(cell.bg).unwrap_or(PAPER.into());
    if cell.modifier.contains(Modifier::REVERSED) {
        std::mem::swap(&mut ink, &mut paper);
    }
    Look {
        ink,
        paper,
        modifiers: cell.modifier,
    }
}

/// Returns the colour behind most cells: painted once, it has no seams between rows.
fn ground(buffer: &Buffer) -> String {
    let cells = buffer.content();
    let count = |color: Color| cells.iter().filter(|cell| cell.bg == color).count();
    let mut seen: Vec<Color> = cells.iter().map(|cell| cell.bg).collect();
    seen.sort_unstable_by_key(|color| format!("{color:?}"));
    seen.dedup();
    let most = seen.into_iter().max_by_key(|color| count(*color));
    most.and_then(css).unwrap_or(PAPER.into())
}

fn run(svg: &mut String, (from, to, y): (u16, u16, u16), text: &str, look: &Look, ground: &str) {
    let (left, top) = (
        f32::from(from) * CELL.0 + 10.0,
        f32::from(y) * CELL.1 + 10.0,
    );
    let width = f32::from(to - from) * CELL.0;
    if look.paper != ground {
        let paper = &look.paper;
        let _ = writeln!(
            svg,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{:.1}\" fill=\"{paper}\"/>",
            CELL.1
        );
    }
    let lined = look.modifiers.contains(Modifier::UNDERLINED);
    if text.trim().is_empty() && !lined {
        return;
    }
    let mut style = format!("fill=\"{}\"", look.ink);
    if look.modifiers.contains(Modifier::BOLD) {
        style += " font-weight=\"bold\"";
    }
    if look.modifiers.contains(Modifier::DIM) {
        style += " opacity=\"0.6\"";
    }
    if lined {
        style += " text-decoration=\"underline\"";
    }
    let text = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let _ = writeln!(
        svg,
        "<text x=\"{left:.1}\" y=\"{:.1}\" {style} xml:space=\"preserve\" textLength=\"{width:.1}\" \
         lengthAdjust=\"spacingAndGlyphs\">{text}</text>",
        top + 13.0
    );
}

fn css(color: Color) -> Option<String> {
    let named = |hex: &str| Some(hex.to_owned());
    match color {
        Color::Reset => None,
        Color::Rgb(r, g, b) => Some(format!("#{r:02x}{g:02x}{b:02x}")),
        Color::Black => named("#000000"),
        Color::Red => named("#cd0000"),
        Color::Green => named("#00cd00"),
        Color::Yellow => named("#cdcd00"),
        Color::Blue => named("#3b78ff"),
        Color::Magenta => named("#cd00cd"),
        Color::Cyan => named("#00cdcd"),
        Color::Gray => named("#e5e5e5"),
        Color::DarkGray => named("#7f7f7f"),
        Color::LightRed => named("#ff6b6b"),
        Color::LightGreen => named("#7bd88f"),
        Color::LightYellow => named("#ffe066"),
        Color::LightBlue => named("#74b5ff"),
        Color::LightMagenta => named("#d0a8ff"),
        Color::LightCyan => named("#5fd7d7"),
        Color::White => named("#ffffff"),
        Color::Indexed(_) => None,
    }
}
