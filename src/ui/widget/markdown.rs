//! Enough Markdown to read a description: headings, lists, quotes, code, bold, links.

use super::wrapped_text::Paragraph;
use crate::{
    text,
    ui::theme::{Glyphs, Role},
};

/// Returns the paragraphs of a Markdown text. Lines that follow each other are one paragraph.
pub fn paragraphs(source: &str, glyphs: &Glyphs) -> Vec<Paragraph> {
    let source = text::clean_block(source);
    let mut found: Vec<Paragraph> = Vec::new();
    let mut running = String::new();
    let mut code = false;
    for line in source.lines() {
        let bare = line.trim_start();
        if bare.starts_with("```") || bare.starts_with("~~~") {
            flush(&mut running, &mut found);
            code = !code;
            continue;
        }
        if code {
            found.push(Paragraph::of(format!("  {line}"), Role::Chart).verbatim());
            continue;
        }
        let depth = line.len() - bare.len();
        if bare.is_empty() {
            flush(&mut running, &mut found);
            if found.last().is_some_and(|last| *last != Paragraph::blank()) {
                found.push(Paragraph::blank());
            }
        } else if let Some(heading) = heading(bare) {
            flush(&mut running, &mut found);
            found.push(Paragraph::of(heading, Role::Title));
        } else if let Some((mark, item)) = item(bare, glyphs) {
            flush(&mut running, &mut found);
            let indent = depth.min(8);
            let lead = format!("{}{mark} ", " ".repeat(indent));
            let hang = text::width(&lead);
            found.push(inline(Paragraph::of(lead, Role::Muted), &item).hanging(hang));
        } else if let Some(quote) = bare.strip_prefix('>') {
            flush(&mut running, &mut found);
            let lead = format!("{} ", glyphs.separator);
            let quoted = Paragraph::of(lead, Role::Muted).with(quote.trim_start(), Role::Muted);
            found.push(quoted.hanging(2));
        } else if bare.starts_with('|') {
            flush(&mut running, &mut found);
            found.push(Paragraph::of(line, Role::Text).verbatim());
        } else {
            if !running.is_empty() {
                running.push(' ');
            }
            running.push_str(bare);
        }
    }
    flush(&mut running, &mut found);
    while found.last().is_some_and(|last| *last == Paragraph::blank()) {
        found.pop();
    }
    found
}

fn flush(running: &mut String, found: &mut Vec<Paragraph>) {
    if !running.is_empty() {
        found.push(inline(Paragraph::blank(), running));
        running.clear();
    }
}

fn heading(line: &str) -> Option<&str> {
    let rest = line.trim_start_matches('#');
    let level = line.len() - rest.len();
    ((1..=6).contains(&level) && rest.starts_with(' '))
        .then(|| rest.trim().trim_end_matches('#').trim_end())
}

/// Returns the mark and the text of a list's item.
fn item(line: &str, glyphs: &Glyphs) -> Option<(String, String)> {
    for mark in ["- ", "* ", "+ "] {
        let Some(rest) = line.strip_prefix(mark) else {
            continue;
        };
        let boxed = [
            ("[ ] ", glyphs.queued),
            ("[x] ", glyphs.ok),
            ("[X] ", glyphs.ok),
        ];
        let ticked = boxed
            .iter()
            .find_map(|(tick, glyph)| Some((*glyph, rest.strip_prefix(tick)?)));
        let (glyph, text) = ticked.unwrap_or((glyphs.bullet, rest));
        return Some((glyph.to_owned(), text.to_owned()));
    }
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let rest = line.get(digits..)?;
    let text = rest
        .strip_prefix(". ")
        .or_else(|| rest.strip_prefix(") "))?;
    (1..=3).contains(&digits).then(|| {
        let number = line.get(..digits).unwrap_or_default();
        (format!("{number}."), text.to_owned())
    })
}

/// Adds a line's parts: `code`, **bold**, `[text](address)`.
fn inline(mut paragraph: Paragraph, line: &str) -> Paragraph {
    let mut rest = line;
    let mut plain = String::new();
    while let Some(first) = rest.chars().next() {
        let found = span(rest, "`", Role::Chart)
            .or_else(|| span(rest, "**", Role::Title))
            .or_else(|| span(rest, "__", Role::Title))
            .or_else(|| link(rest));
        match found {
            Some((text, role, after)) => {
                if !plain.is_empty() {
                    paragraph = paragraph.with(std::mem::take(&mut plain), Role::Text);
                }
                paragraph = paragraph.with(text, role);
                rest = after;
            }
            None => {
                plain.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    if plain.is_empty() {
        paragraph
    } else {
        paragraph.with(plain, Role::Text)
    }
}

fn span<'a>(text: &'a str, mark: &str, role: Role) -> Option<(String, Role, &'a str)> {
    let (inner, after) = text.strip_prefix(mark)?.split_once(mark)?;
    (!inner.is_empty()).then(|| (inner.to_owned(), role, after))
}

fn link(text: &str) -> Option<(String, Role, &str)> {
    let (label, rest) = text.strip_prefix('[')?.split_once("](")?;
    let (address, after) = rest.split_once(')')?;
    let plain = !label.is_empty() && !label.contains('[') && !address.contains(' ');
    plain.then(|| (format!("{label} ({address})"), Role::Link, after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::{ColorDepth, GlyphSet},
        ui::{theme::Theme, widget::wrapped_text::WrappedText},
    };

    fn check(source: &str, expected: &str) {
        let theme = Theme::dark(ColorDepth::None, GlyphSet::Ascii);
        let wrapped = WrappedText::new(paragraphs(source, theme.glyphs()), 24);
        assert_eq!(wrapped.plain(&theme), expected);
    }

    #[test]
    fn blocks_are_told_apart() {
        check(
            "# Title #\n\ntext **that**\nruns on and on",
            "Title\n\ntext that runs on and on\n",
        );
        check(
            "- one item that is too long\n- [x] two",
            "- one item that is too\n  long\n+ two\n",
        );
        check(
            "1. first\n2) second\n> said",
            "1. first\n2. second\n| said\n",
        );
        check("```rust\nlet  x = 1;\n```\nafter", "  let  x = 1;\nafter\n");
        check("see [docs](http://x) `a*b`", "see docs (http://x) a*b\n");
    }

    #[test]
    fn broken_marks_stay_text() {
        check("** ` [x]( #no", "** ` [x]( #no\n");
        check("", "");
        check("\n\n\n", "");
    }
}
