//! Text in styled parts, wrapped once for a width and then only looked up.

use std::ops::Range;

use ratatui::layout::Rect;

use crate::{
    text,
    ui::{
        pen::Pen,
        theme::{Role, Theme},
    },
};

/// One paragraph: parts with roles, and how far its further lines are indented.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paragraph {
    parts: Vec<(String, Role)>,
    indent: usize,
    verbatim: bool,
}

impl Paragraph {
    /// Returns an empty line.
    pub fn blank() -> Self {
        Paragraph::default()
    }

    /// Returns a paragraph of one part.
    pub fn of(text: impl Into<String>, role: Role) -> Self {
        Paragraph::default().with(text, role)
    }

    /// Returns the paragraph with one more part at its end.
    pub fn with(mut self, text: impl Into<String>, role: Role) -> Self {
        let text = text.into();
        self.parts.push((text::clean(&text).into_owned(), role));
        self
    }

    /// Returns the paragraph with its further lines indented by `cells`.
    pub fn hanging(mut self, cells: usize) -> Self {
        self.indent = cells;
        self
    }

    /// Returns the paragraph cut instead of wrapped, as code and tables want it.
    pub fn verbatim(mut self) -> Self {
        self.verbatim = true;
        self
    }
}

#[derive(Clone, Debug)]
struct Line {
    paragraph: usize,
    bytes: Range<usize>,
    indent: usize,
}

/// Paragraphs wrapped for a width.
#[derive(Clone, Debug, Default)]
pub struct WrappedText {
    paragraphs: Vec<Paragraph>,
    lines: Vec<Line>,
    width: usize,
}

impl WrappedText {
    /// Returns the paragraphs wrapped to `width` cells.
    pub fn new(paragraphs: Vec<Paragraph>, width: usize) -> Self {
        let mut wrapped = WrappedText {
            paragraphs,
            lines: Vec::new(),
            width: usize::MAX,
        };
        wrapped.rewrap(width);
        wrapped
    }

    /// Wraps anew if the width changed.
    pub fn rewrap(&mut self, width: usize) {
        let width = width.max(1);
        if width == self.width {
            return;
        }
        self.width = width;
        self.lines.clear();
        for (at, paragraph) in self.paragraphs.iter().enumerate() {
            let whole: String = paragraph
                .parts
                .iter()
                .map(|(text, _)| text.as_str())
                .collect();
            let indent = paragraph.indent.min(width / 2);
            if paragraph.verbatim || text::width(&whole) <= width {
                self.lines.push(Line {
                    paragraph: at,
                    bytes: 0..whole.len(),
                    indent: 0,
                });
                continue;
            }
            // The first line is wider than the rest by the indent, so it is cut off first.
            let first = text::wrap(&whole, width).into_iter().next().unwrap_or(0..0);
            let start = whole[first.end..]
                .find(|c: char| c != ' ')
                .map_or(whole.len(), |skip| first.end + skip);
            self.lines.push(Line {
                paragraph: at,
                bytes: first,
                indent: 0,
            });
            if start < whole.len() {
                let rest = text::wrap(&whole[start..], width - indent);
                self.lines.extend(rest.into_iter().map(|range| Line {
                    paragraph: at,
                    bytes: range.start + start..range.end + start,
                    indent,
                }));
            }
        }
    }

    /// Returns how many lines there are at the current width.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Returns whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Returns the line at which a paragraph begins.
    pub fn line_of(&self, paragraph: usize) -> usize {
        self.lines
            .partition_point(|line| line.paragraph < paragraph)
    }

    /// Returns the paragraph that a line is part of.
    pub fn paragraph_of(&self, line: usize) -> Option<usize> {
        self.lines.get(line).map(|line| line.paragraph)
    }

    /// Draws the lines from `first` on.
    pub fn draw(&self, pen: &mut Pen<'_>, area: Rect, first: usize) {
        for (y, line) in (0..area.height).zip(self.lines.iter().skip(first)) {
            let Some(paragraph) = self.paragraphs.get(line.paragraph) else {
                continue;
            };
            let mut x = u16::try_from(line.indent).unwrap_or(0);
            let mut start = 0;
            for (text, role) in &paragraph.parts {
                let from = line.bytes.start.clamp(start, start + text.len()) - start;
                let to = line.bytes.end.clamp(start, start + text.len()) - start;
                if let Some(part) = text.get(from..to).filter(|part| !part.is_empty()) {
                    x += pen.say(area, x, y, part, *role);
                }
                start += text.len();
            }
        }
    }

    /// Returns the lines as plain text, for tests.
    pub fn plain(&self, theme: &Theme) -> String {
        let height = u16::try_from(self.lines.len()).unwrap_or(u16::MAX);
        let width = u16::try_from(self.width).unwrap_or(u16::MAX);
        let area = Rect::new(0, 0, width, height);
        let mut buffer = ratatui::buffer::Buffer::empty(area);
        self.draw(&mut Pen::new(&mut buffer, theme), area, 0);
        let rows = (0..height).map(|y| {
            let row: String = (0..width).map(|x| buffer[(x, y)].symbol()).collect();
            row.trim_end().to_owned() + "\n"
        });
        rows.collect()
    }
}
