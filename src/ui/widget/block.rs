//! Figures and words that are read from across a room: each drawn of blocks of cells.

use ratatui::layout::Rect;

use crate::ui::{pen::Pen, theme::Role};

/// Rows of a drawn character.
const ROWS: u16 = 5;
/// Between two characters, in points.
const GAP: u16 = 1;
/// How many cells wide a point is for each that it is high: about a square.
const ACROSS: u16 = 2;
/// The largest point, in rows: beyond it a figure gains nothing.
const LARGEST: u16 = 6;

/// Every character that can be drawn, row by row. Shapes stand for severities, so that none is told by its colour alone.
const FONT: &[(char, [&str; ROWS as usize])] = &[
    ('0', ["###", "# #", "# #", "# #", "###"]),
    ('1', [" # ", "## ", " # ", " # ", "###"]),
    ('2', ["###", "  #", "###", "#  ", "###"]),
    ('3', ["###", "  #", " ##", "  #", "###"]),
    ('4', ["# #", "# #", "###", "  #", "  #"]),
    ('5', ["###", "#  ", "###", "  #", "###"]),
    ('6', ["###", "#  ", "###", "# #", "###"]),
    ('7', ["###", "  #", "  #", " # ", " # "]),
    ('8', ["###", "# #", "###", "# #", "###"]),
    ('9', ["###", "# #", "###", "  #", "###"]),
    ('A', [" # ", "# #", "###", "# #", "# #"]),
    ('B', ["## ", "# #", "## ", "# #", "## "]),
    ('C', ["###", "#  ", "#  ", "#  ", "###"]),
    ('D', ["## ", "# #", "# #", "# #", "## "]),
    ('E', ["###", "#  ", "## ", "#  ", "###"]),
    ('F', ["###", "#  ", "## ", "#  ", "#  "]),
    ('G', ["####", "#   ", "# ##", "#  #", "####"]),
    ('H', ["# #", "# #", "###", "# #", "# #"]),
    ('I', ["#", "#", "#", "#", "#"]),
    ('J', ["  #", "  #", "  #", "# #", "###"]),
    ('K', ["#  #", "# # ", "##  ", "# # ", "#  #"]),
    ('L', ["#  ", "#  ", "#  ", "#  ", "###"]),
    ('M', ["#   #", "## ##", "# # #", "#   #", "#   #"]),
    ('N', ["#  #", "## #", "# ##", "#  #", "#  #"]),
    ('O', ["####", "#  #", "#  #", "#  #", "####"]),
    ('P', ["###", "# #", "###", "#  ", "#  "]),
    ('Q', ["####", "#  #", "#  #", "# ##", "####"]),
    ('R', ["###", "# #", "## ", "# #", "# #"]),
    ('S', [" ##", "#  ", "###", "  #", "## "]),
    ('T', ["###", " # ", " # ", " # ", " # "]),
    ('U', ["# #", "# #", "# #", "# #", "###"]),
    ('V', ["# #", "# #", "# #", "# #", " # "]),
    ('W', ["#   #", "#   #", "# # #", "## ##", "#   #"]),
    ('X', ["# #", "# #", " # ", "# #", "# #"]),
    ('Y', ["# #", "# #", " # ", " # ", " # "]),
    ('Z', ["###", "  #", " # ", "#  ", "###"]),
    (' ', ["  ", "  ", "  ", "  ", "  "]),
    ('/', ["   #", "  # ", " ## ", " #  ", "#   "]),
    ('%', ["#  #", "  # ", " #  ", "#   ", "#  #"]),
    ('.', [" ", " ", " ", " ", "#"]),
    (',', [" ", " ", " ", "#", "#"]),
    (':', [" ", "#", " ", "#", " "]),
    ('-', ["   ", "   ", "###", "   ", "   "]),
    ('+', ["   ", " # ", "###", " # ", "   "]),
    ('?', ["###", "  #", " ##", "   ", " # "]),
    ('!', ["#", "#", "#", " ", "#"]),
    ('\'', ["#", "#", " ", " ", " "]),
    ('\u{2713}', ["     ", "    #", "   # ", "# #  ", " #   "]),
    ('\u{25a0}', ["#####", "#####", "#####", "#####", "#####"]),
    ('\u{25b2}', ["  #  ", " ### ", " ### ", "#####", "#####"]),
    ('\u{25b3}', ["  #  ", " # # ", " # # ", "#   #", "#####"]),
    ('\u{25b9}', ["#    ", "###  ", "#### ", "###  ", "#    "]),
];

/// All is well.
pub const FINE: &str = "\u{2713}";
/// An alert of each severity, from low to critical: the same shapes as the small marks have.
pub const SEVERITIES: [&str; 4] = ["\u{25b9}", "\u{25b3}", "\u{25b2}", "\u{25a0}"];

fn rows_of(letter: char) -> Option<&'static [&'static str; ROWS as usize]> {
    let letter = letter.to_ascii_uppercase();
    let found = FONT.iter().find(|(known, _)| *known == letter);
    found.map(|(_, rows)| rows)
}

/// Returns how many points wide a text is drawn; nothing if it has a character that cannot be drawn.
fn points(text: &str) -> Option<u16> {
    let mut wide = 0u16;
    for letter in text.chars() {
        let row = rows_of(letter)?.first()?;
        let width = u16::try_from(row.len()).ok()?;
        wide = wide.checked_add(width + GAP)?;
    }
    Some(wide.saturating_sub(GAP))
}

/// Returns the largest point, in rows, with which a text fits an area; nothing if it does not fit or cannot be drawn.
pub fn largest(text: &str, width: u16, height: u16) -> Option<u16> {
    let wide = points(text).filter(|wide| *wide > 0)?;
    let point = (width / (wide.saturating_mul(ACROSS)).max(1)).min(height / ROWS);
    (point > 0).then_some(point.min(LARGEST))
}

/// Draws a text of points that many rows high, and returns the cells it took, across and down.
pub fn draw(pen: &mut Pen<'_>, area: Rect, text: &str, point: u16, role: Role) -> (u16, u16) {
    let full = pen.glyphs().bar_full;
    let mut x = 0u16;
    for rows in text.chars().filter_map(rows_of) {
        for (y, row) in (0u16..).zip(rows) {
            for (dx, _) in (0u16..).zip(row.chars()).filter(|(_, dot)| *dot == '#') {
                let bar = full.repeat(usize::from(point * ACROSS));
                let left = x + dx * point * ACROSS;
                for line in 0..point {
                    pen.say(area, left, y * point + line, &bar, role);
                }
            }
        }
        let wide = u16::try_from(rows.first().map_or(0, |row| row.len())).unwrap_or(0);
        x = x.saturating_add((wide + GAP).saturating_mul(point * ACROSS));
    }
    (x.saturating_sub(GAP * point * ACROSS), ROWS * point)
}

/// Returns a text cut at its spaces into as many lines as it takes with points of one row; nothing if a word does not fit
/// or cannot be drawn.
pub fn lines(text: &str, width: u16) -> Option<Vec<String>> {
    let fits = |line: &str| points(line).is_some_and(|wide| wide.saturating_mul(ACROSS) <= width);
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        if !fits(word) {
            return None;
        }
        let longer = lines.last().map(|line| format!("{line} {word}"));
        match (longer.filter(|line| fits(line)), lines.last_mut()) {
            (Some(longer), Some(last)) => *last = longer,
            _ => lines.push(word.to_owned()),
        }
    }
    Some(lines)
}

/// Rows that a line of the smallest points takes, with the empty one after it.
pub const LINE: u16 = ROWS + 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_a_character_is_as_wide_as_the_others() {
        for (letter, rows) in FONT {
            assert!(
                rows.iter().all(|row| row.len() == rows[0].len()),
                "{letter}"
            );
        }
    }

    #[test]
    fn no_two_characters_look_the_same() {
        for (at, (letter, rows)) in FONT.iter().enumerate() {
            let same = FONT.iter().skip(at + 1).find(|(_, others)| others == rows);
            assert_eq!(same.map(|(other, _)| (letter, other)), None);
        }
    }

    #[test]
    fn what_does_not_fit_or_cannot_be_drawn_is_not() {
        assert_eq!(largest("12", 14, 5), Some(1));
        assert_eq!(largest("12", 13, 5), None);
        assert_eq!(largest("12", 28, 10), Some(2));
        assert_eq!(largest("1\u{e9}", 200, 50), None);
        assert_eq!(largest("", 200, 50), None);
        let cut = lines("ab ab ab", 36);
        assert_eq!(cut, Some(vec!["ab ab".to_owned(), "ab".to_owned()]));
        assert_eq!(lines("incomprehensibilities", 30), None);
    }
}
