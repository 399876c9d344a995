//! Cleaning, measuring and cutting text from outside.
//!
//! Titles, comments, gate output and log lines are written by agents and strangers, so they are
//! hostile: escape sequences drive a terminal, bidi controls reorder a line, invisible characters
//! hide words. Everything is cleaned once where it comes in and again where bytes reach a
//! terminal. Widths are counted as ratatui counts them, grapheme by grapheme, so that a cut or
//! padded text fills exactly the cells it was given.

use std::{borrow::Cow, ops::Range, str::Chars};

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Most bytes of a cleaned line: far above any title, far below what slows a frame.
pub const LINE_LIMIT: usize = 4 * 1024;

/// Most bytes of a cleaned block: a long description or log, still wrapped in a few milliseconds.
pub const BLOCK_LIMIT: usize = 256 * 1024;

/// What a tab becomes in a block; a fixed run keeps the cleaned text free of positions.
const TAB: &str = "    ";

/// Most zero-width characters after one visible character: living scripts stack at most four,
/// piles of them smear over the lines above and below.
const MAX_MARKS: usize = 8;

/// Most joiners within one cluster: the longest emoji in use has four.
const MAX_JOINS: usize = 8;

/// What a character does to a terminal.
enum Kind {
    /// Takes cells.
    Visible,
    /// Takes no cell and belongs to the character before it.
    Mark,
    /// Chooses the look of the character before it.
    Variation,
    /// Joins or parts its neighbours (ZWJ, ZWNJ); needed by emoji and several scripts.
    Joiner,
    /// Ends a line.
    Break,
    /// A tab.
    Tab,
    /// Opens an escape sequence.
    Escape,
    /// Has no place in shown text.
    Hidden,
}

fn kind(c: char) -> Kind {
    match c {
        ' '..='~' => Kind::Visible,
        '\t' => Kind::Tab,
        '\n' | '\u{b}' | '\u{c}' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => Kind::Break,
        '\u{1b}' | '\u{90}' | '\u{98}' | '\u{9b}' | '\u{9d}'..='\u{9f}' => Kind::Escape,
        '\u{200c}' | '\u{200d}' => Kind::Joiner,
        '\u{fe0e}' | '\u{fe0f}' => Kind::Variation,
        // Soft hyphen, combining grapheme joiner, Arabic letter mark, fillers, vowel separators.
        '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{3164}'
        | '\u{ffa0}' => Kind::Hidden,
        // Zero width space, bidi marks, embeddings, overrides and isolates, invisible operators.
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => Kind::Hidden,
        // Variation selectors, byte order mark, annotations and the specials beside them.
        '\u{fe00}'..='\u{fe0d}'
        | '\u{feff}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{fffe}'
        | '\u{ffff}' => Kind::Hidden,
        // Shorthand and musical format controls, tags and further selectors.
        '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}' => {
            Kind::Hidden
        }
        _ if c.is_control() => Kind::Hidden,
        _ if c.width() == Some(0) => Kind::Mark,
        _ => Kind::Visible,
    }
}

/// Returns `text` as one line that is safe to show.
///
/// Escape sequences, control characters, bidi controls and invisible format characters are gone;
/// line ends and tabs are spaces. The result has at most [`LINE_LIMIT`] bytes, whole graphemes.
pub fn clean(text: &str) -> Cow<'_, str> {
    scrub(text, false, LINE_LIMIT)
}

/// Returns `text` as [`clean`] does, but keeps its lines (ended by `\n`) and turns a tab into
/// four spaces. The result has at most [`BLOCK_LIMIT`] bytes, whole graphemes.
pub fn clean_block(text: &str) -> Cow<'_, str> {
    scrub(text, true, BLOCK_LIMIT)
}

/// Returns whether a text holds nothing but printable ASCII: most do, and whole chunks of bytes are seen at once.
fn is_ascii_plain(text: &str, block: bool) -> bool {
    let plain = |byte: u8| matches!(byte, b' '..=b'~') | (block & (byte == b'\n'));
    let chunks = text.as_bytes().chunks(64);
    chunks
        .into_iter()
        .all(|chunk| chunk.iter().fold(true, |all, byte| all & plain(*byte)))
}

fn scrub(text: &str, block: bool, limit: usize) -> Cow<'_, str> {
    let plain = |c: char| matches!(kind(c), Kind::Visible) || (block && c == '\n');
    if text.len() <= limit && (is_ascii_plain(text, block) || text.chars().all(plain)) {
        return Cow::Borrowed(text);
    }
    let mut out = Scrubbed {
        out: String::new(),
        limit,
        full: false,
        base: None,
        ..<_>::default()
    };
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match kind(c) {
            Kind::Escape => chars = after_escape(c, chars),
            Kind::Break => {
                let rest = chars.as_str();
                if c == '\r' && rest.starts_with('\n') {
                    chars.next();
                }
                if block {
                    out.end_line()
                } else {
                    out.visible(' ')
                }
            }
            Kind::Tab if block => TAB.chars().for_each(|space| out.visible(space)),
            Kind::Tab => out.visible(' '),
            Kind::Visible => out.visible(c),
            Kind::Mark => out.mark(c),
            Kind::Variation if out.marks == 0 => out.mark(c),
            Kind::Joiner => out.join(c),
            Kind::Variation | Kind::Hidden => {}
        }
        if out.full {
            break;
        }
    }
    Cow::Owned(out.finish())
}

/// A cleaned text in the making.
#[derive(Default)]
struct Scrubbed {
    out: String,
    limit: usize,
    full: bool,
    /// The last visible character of this line.
    base: Option<char>,
    /// Zero-width characters since then.
    marks: usize,
    /// Joiners since the cluster began.
    joins: usize,
    /// A joiner that waits for a right neighbour.
    joiner: Option<char>,
}

impl Scrubbed {
    fn push(&mut self, c: char) {
        if self.out.len() + c.len_utf8() > self.limit {
            self.full = true;
        } else if !self.full {
            self.out.push(c);
        }
    }

    fn visible(&mut self, c: char) {
        match self.joiner.take() {
            Some(joiner) if !c.is_ascii() => self.push(joiner),
            _ => self.joins = 0,
        }
        self.push(c);
        self.base = Some(c);
        self.marks = 0;
    }

    fn mark(&mut self, c: char) {
        if self.base.is_some() && self.marks < MAX_MARKS && self.joiner.is_none() {
            self.push(c);
            self.marks += 1;
        }
    }

    fn join(&mut self, c: char) {
        let joins = self.base.is_some_and(|base| !base.is_ascii()) && self.joins < MAX_JOINS;
        if joins && self.joiner.is_none() {
            self.joiner = Some(c);
            self.joins += 1;
        }
    }

    fn end_line(&mut self) {
        self.push('\n');
        self.base = None;
        self.joiner = None;
        self.marks = 0;
        self.joins = 0;
    }

    fn finish(mut self) -> String {
        if self.full {
            // The last grapheme may lack its end.
            let whole = self
                .out
                .grapheme_indices(true)
                .next_back()
                .map_or(0, |(at, _)| at);
            self.out.truncate(whole);
        }
        self.out
    }
}

/// Returns what follows the escape sequence that `opener` began. An unfinished sequence loses
/// only its opener, so that a stray ESC cannot swallow a text. Any control character ends the
/// search, which keeps the whole cleaning linear.
fn after_escape(opener: char, rest: Chars<'_>) -> Chars<'_> {
    let mut ahead = rest.clone();
    let introducer = if opener == '\u{1b}' {
        ahead.next()
    } else {
        Some(opener)
    };
    let end = match introducer {
        Some('[' | '\u{9b}') => ahead.find(|c| !(' '..='?').contains(c)),
        Some(']' | 'P' | 'X' | '^' | '_' | '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}') => {
            return match ahead.find(|c| c.is_control()) {
                Some('\u{7}' | '\u{9c}') => ahead,
                Some('\u{1b}') if ahead.next() == Some('\\') => ahead,
                _ => rest,
            };
        }
        Some(' '..='/') => ahead.find(|c| !(' '..='/').contains(c)),
        other => other,
    };
    match end {
        Some('0'..='~') => ahead,
        _ => rest,
    }
}

/// Returns the cells that `grapheme` takes, as ratatui lays it out: a half-width voicing mark adds
/// a cell to what unicode-width says, and what holds a control character is dropped.
fn cells_of(grapheme: &str) -> usize {
    match grapheme.as_bytes() {
        [b' '..=b'~'] => 1,
        _ if grapheme.contains(char::is_control) => 0,
        _ => grapheme.width() + grapheme.matches(['\u{ff9e}', '\u{ff9f}']).count(),
    }
}

/// Returns the cells that `text` takes on one line.
pub fn width(text: &str) -> usize {
    if text.is_ascii() {
        return text
            .bytes()
            .filter(|byte| (b' '..=b'~').contains(byte))
            .count();
    }
    text.graphemes(true).map(cells_of).sum()
}

/// Returns how many bytes of `text` fit into `cells`, whole graphemes, and the cells they take.
fn fitting(text: &str, cells: usize) -> (usize, usize) {
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        let more = cells_of(grapheme);
        if used + more > cells {
            return (at, used);
        }
        used += more;
    }
    (text.len(), used)
}

/// Returns `text`, or as much of its beginning as fits into `cells` with `ellipsis` at its end.
///
/// Never wider than `cells`; one cell less where a wide character does not fit. Only what fits is
/// measured, so a long text costs no more than a short one.
pub fn cut<'a>(text: &'a str, cells: usize, ellipsis: &str) -> Cow<'a, str> {
    if text.len() <= cells && text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let (all, _) = fitting(text, cells);
    if all == text.len() {
        return Cow::Borrowed(text);
    }
    let Some(room) = cells.checked_sub(width(ellipsis)) else {
        return Cow::Borrowed(text.get(..all).unwrap_or_default());
    };
    let (kept, _) = fitting(text, room);
    Cow::Owned(text.get(..kept).unwrap_or_default().to_owned() + ellipsis)
}

/// Returns what of `text` is left behind its first `cells`; all of a wide character that is cut through.
pub fn behind(text: &str, cells: usize) -> &str {
    let (skipped, _) = fitting(text, cells);
    text.get(skipped..).unwrap_or_default()
}

/// Returns the end of `text`, cut to at most `cells` with `ellipsis` before it: of a path the end says most.
pub fn cut_left<'a>(text: &'a str, cells: usize, ellipsis: &str) -> Cow<'a, str> {
    if width(text) <= cells {
        return Cow::Borrowed(text);
    }
    let room = cells.saturating_sub(width(ellipsis));
    let mut from = text.len();
    for (at, _) in text.grapheme_indices(true).rev() {
        match text.get(at..).map(width) {
            Some(wide) if wide <= room => from = at,
            _ => break,
        }
    }
    let end = text.get(from..).unwrap_or_default();
    Cow::Owned(format!("{ellipsis}{end}"))
}

/// Returns `text` cut as [`cut`] does, but behind its last whole word, unless that leaves less than half of the room.
pub fn cut_at_word<'a>(text: &'a str, cells: usize, ellipsis: &str) -> Cow<'a, str> {
    let Cow::Owned(short) = cut(text, cells, ellipsis) else {
        return cut(text, cells, ellipsis);
    };
    let kept = short.strip_suffix(ellipsis).unwrap_or_default();
    if text
        .get(kept.len()..)
        .is_some_and(|rest| rest.starts_with(' '))
    {
        return Cow::Owned(short);
    }
    match kept.rsplit_once(' ') {
        Some((words, _)) if width(words) * 2 >= cells => {
            Cow::Owned(words.trim_end().to_owned() + ellipsis)
        }
        _ => Cow::Owned(short),
    }
}

/// Returns `text` with spaces at its end up to `cells`; a wider text stays as it is.
pub fn pad(text: &str, cells: usize) -> Cow<'_, str> {
    match cells.saturating_sub(width(text)) {
        0 => Cow::Borrowed(text),
        missing => Cow::Owned(text.to_owned() + &" ".repeat(missing)),
    }
}

/// Returns `text` in exactly `cells`: cut with `ellipsis` if it is too wide, then padded.
pub fn fit<'a>(text: &'a str, cells: usize, ellipsis: &str) -> Cow<'a, str> {
    match cut(text, cells, ellipsis) {
        Cow::Borrowed(text) => pad(text, cells),
        Cow::Owned(text) => Cow::Owned(pad(&text, cells).into_owned()),
    }
}

/// Returns the byte ranges of the lines that `text` takes at a width of `cells` (at least 1).
///
/// Breaks at spaces and beside wide characters, else within a long word; the spaces at a break
/// belong to no line. A grapheme wider than `cells` stands alone. A text has at least one line.
pub fn wrap(text: &str, cells: usize) -> Vec<Range<usize>> {
    let mut lines = Vec::new();
    let mut offset = 0;
    for line in text.split('\n') {
        wrap_line(line, offset, cells.max(1), &mut lines);
        offset += line.len() + 1;
    }
    lines
}

fn wrap_line(line: &str, offset: usize, cells: usize, lines: &mut Vec<Range<usize>>) {
    // Where the current line starts, where its last visible text ends, and its cells so far.
    let (mut start, mut ink, mut used) = (0, 0, 0);
    // The last place to break: the end of the line before, the start of the next, cells up to it.
    let mut chance: Option<(usize, usize, usize)> = None;
    for (at, grapheme) in line.grapheme_indices(true) {
        let next = at + grapheme.len();
        let more = cells_of(grapheme);
        if grapheme == " " {
            used += more;
            if ink > start {
                chance = Some((ink, next, used));
            }
            continue;
        }
        while used + more > cells && at > start {
            let (end, fresh, gone) = chance.take().unwrap_or((at, at, used));
            // An indentation that leaves no room for its text gives way to it.
            if ink > start {
                lines.push(offset + start..offset + end);
            }
            start = fresh;
            used -= gone;
        }
        used += more;
        ink = next;
        if more > 1 {
            chance = Some((next, next, used));
        }
    }
    lines.push(offset + start..offset + ink.max(start));
}

#[cfg(test)]
mod tests;
