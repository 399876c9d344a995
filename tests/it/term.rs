//! What reaches a terminal: bytes, writes, looks.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    io::{self, Write},
    num::NonZeroU16,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, Ordering},
    },
};

use obeya::{
    config::{ColorDepth, GlyphSet},
    term::{Caps, Copied, Multiplexer, Screen},
    ui::theme::{Role, Theme},
};
use ratatui::{
    Frame,
    layout::{Position, Size},
    style::Style,
    widgets::{Block, Paragraph},
};

/// Keeps each write.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<Vec<u8>>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().push(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink {
    fn take(&self) -> Vec<String> {
        let writes = std::mem::take(&mut *self.0.lock().unwrap());
        writes
            .into_iter()
            .map(|bytes| String::from_utf8(bytes).unwrap())
            .collect()
    }
}

fn caps(depth: ColorDepth) -> Caps {
    Caps {
        depth,
        glyphs: GlyphSet::Unicode,
        sync: true,
        osc: true,
        notify: obeya::config::Notify::Bell,
        link: obeya::config::Link::Fast,
        multiplexer: Multiplexer::None,
    }
}

fn screen(depth: ColorDepth) -> (Screen<Sink>, Sink) {
    let sink = Sink::default();
    let size = || {
        Ok(Size {
            width: 40,
            height: 10,
        })
    };
    (Screen::over(sink.clone(), size, caps(depth)).unwrap(), sink)
}

/// Returns a terminal of the size of [`screen`].
fn terminal() -> vt100::Parser {
    let size = |cells| NonZeroU16::new(cells).unwrap();
    vt100::Parser::new(size(10), size(40), 0)
}

/// A list of five rows with a title and one row selected.
fn list(frame: &mut Frame<'_>, theme: &Theme, selected: u16) {
    let block = Block::bordered()
        .border_set(theme.glyphs().border_focus)
        .border_style(theme.style(Role::BorderFocus))
        .title("Queue");
    frame.render_widget(block, frame.area());
    let roles = [
        Role::Ready,
        Role::Blocked,
        Role::SlaBreached,
        Role::AndonCritical,
        Role::Muted,
    ];
    for (row, role) in (1..).zip(roles) {
        let style = theme.style(role);
        let style = if row == selected {
            style.patch(theme.style(Role::Selection))
        } else {
            style
        };
        frame
            .buffer_mut()
            .set_stringn(1, row, format!("WO-{row:03} a title"), 38, style);
    }
}

/// Returns the numbers of every SGR sequence in `bytes`.
fn looks(bytes: &str) -> Vec<Vec<u32>> {
    let sequences = bytes.split("\x1b[").skip(1);
    let looks = sequences.filter_map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != ';')?;
        (rest.as_bytes()[end] == b'm').then(|| &rest[..end])
    });
    looks
        .map(|numbers| numbers.split(';').map(|n| n.parse().unwrap_or(0)).collect())
        .collect()
}

#[test]
fn without_colour_no_colour_is_sent_and_the_selection_shows() {
    let theme = Theme::dark(ColorDepth::None, GlyphSet::Unicode);
    let (mut screen, sink) = screen(ColorDepth::None);
    screen.draw(|frame| list(frame, &theme, 2)).unwrap();
    let bytes = sink.take().concat();
    let numbers = looks(&bytes).concat();
    assert!(numbers.iter().all(|number| *number < 30), "{numbers:?}");
    let mut seen = terminal();
    seen.process(bytes.as_bytes());
    let inverse = |row, column| seen.screen().cell(row, column).unwrap().inverse();
    assert!(inverse(2, 1) && inverse(2, 5));
    assert!(!inverse(1, 1) && !inverse(3, 1));
}

#[test]
fn every_depth_sends_only_its_colours() {
    for (depth, most) in [
        (ColorDepth::Ansi16, 107),
        (ColorDepth::Ansi256, 0),
        (ColorDepth::True, 0),
    ] {
        let theme = Theme::dark(depth, GlyphSet::Ascii);
        let (mut screen, sink) = screen(depth);
        screen.draw(|frame| list(frame, &theme, 2)).unwrap();
        let looks = looks(&sink.take().concat());
        let true_colour = looks
            .iter()
            .any(|look| look.windows(2).any(|pair| pair == [38, 2]));
        let indexed = looks
            .iter()
            .any(|look| look.windows(2).any(|pair| pair == [38, 5]));
        assert_eq!(true_colour, depth == ColorDepth::True);
        assert_eq!(indexed, depth == ColorDepth::Ansi256);
        assert!(most == 0 || looks.concat().iter().all(|number| *number <= most));
    }
}

#[test]
fn an_unchanged_frame_sends_nothing() {
    let theme = Theme::dark(ColorDepth::True, GlyphSet::Unicode);
    let (mut screen, sink) = screen(ColorDepth::True);
    let first = screen.draw(|frame| list(frame, &theme, 1)).unwrap();
    assert_eq!(sink.take().concat().len() as u64, first.bytes);
    for _ in 0..3 {
        let drawn = screen.draw(|frame| list(frame, &theme, 1)).unwrap();
        assert_eq!(drawn.bytes, 0);
    }
    assert_eq!(sink.take(), Vec::<String>::new());
}

#[test]
fn a_resting_cursor_sends_nothing() {
    let (mut screen, sink) = screen(ColorDepth::True);
    let typing = |frame: &mut Frame<'_>, text: &'static str| {
        frame.render_widget(text, frame.area());
        frame.set_cursor_position(Position { x: 3, y: 0 });
    };
    screen.draw(|frame| typing(frame, "abc")).unwrap();
    assert!(sink.take().concat().contains("\x1b[?25h"));
    screen.draw(|frame| typing(frame, "abc")).unwrap();
    assert_eq!(sink.take(), Vec::<String>::new());
    // Printing moves the terminal's cursor, so it is put back.
    screen.draw(|frame| typing(frame, "xbc")).unwrap();
    assert!(sink.take().concat().contains("\x1b[1;4H"));
    screen
        .draw(|frame| frame.render_widget("xbc", frame.area()))
        .unwrap();
    // A frame as small as this goes without brackets.
    assert_eq!(sink.take().concat(), "\x1b[?25l");
}

#[test]
fn a_frame_is_one_write_in_brackets() {
    let theme = Theme::dark(ColorDepth::True, GlyphSet::Unicode);
    let (mut screen, sink) = screen(ColorDepth::True);
    for selected in [1, 2, 3] {
        screen.draw(|frame| list(frame, &theme, selected)).unwrap();
        let writes = sink.take();
        assert_eq!(writes.len(), 1);
        // A small change goes without them.
        if writes[0].len() <= 128 {
            assert!(!writes[0].contains("\x1b[?2026"));
            continue;
        }
        assert!(writes[0].starts_with("\x1b[?2026h") && writes[0].ends_with("\x1b[?2026l"));
        assert_eq!(writes[0].matches("\x1b[?2026").count(), 2);
    }
    assert!(screen.counters().writes == 3 && screen.counters().bytes > 0);
}

#[test]
fn a_moved_selection_is_small() {
    let theme = Theme::dark(ColorDepth::True, GlyphSet::Unicode);
    let (mut screen, _sink) = screen(ColorDepth::True);
    screen.draw(|frame| list(frame, &theme, 1)).unwrap();
    let drawn = screen.draw(|frame| list(frame, &theme, 2)).unwrap();
    assert!((1..=1024).contains(&drawn.bytes), "{} bytes", drawn.bytes);
}

#[test]
fn what_is_sent_shows_what_was_drawn() {
    let theme = Theme::dark(ColorDepth::True, GlyphSet::Unicode);
    let (mut screen, sink) = screen(ColorDepth::True);
    let mut seen = terminal();
    for selected in [1, 4, 2] {
        screen.draw(|frame| list(frame, &theme, selected)).unwrap();
        seen.process(sink.take().concat().as_bytes());
    }
    let text = "日本 e\u{301} 👩\u{200d}👩\u{200d}👧 end";
    screen
        .draw(|frame| frame.render_widget(text, frame.area()))
        .unwrap();
    seen.process(sink.take().concat().as_bytes());
    assert!(seen.screen().contents().starts_with("日本 e\u{301} "));
    assert_eq!(seen.screen().cell(0, 10).unwrap().contents(), "e");
    assert!(
        !seen.screen().contents().contains("WO-"),
        "{}",
        seen.screen().contents()
    );
}

#[test]
fn a_repaint_sends_everything_without_a_question() {
    let theme = Theme::dark(ColorDepth::True, GlyphSet::Unicode);
    let (mut screen, sink) = screen(ColorDepth::True);
    let first = screen.draw(|frame| list(frame, &theme, 1)).unwrap().bytes;
    sink.take();
    screen.repaint().unwrap();
    assert_eq!(sink.take(), Vec::<String>::new());
    screen.draw(|frame| list(frame, &theme, 1)).unwrap();
    let writes = sink.take();
    assert_eq!(writes.len(), 1);
    assert!(writes[0].len() as u64 >= first && writes[0].contains("\x1b[2J"));
    assert!(!writes[0].contains("\x1b[6n"));
}

#[test]
fn a_new_size_is_one_whole_frame() {
    let sink = Sink::default();
    let width = Arc::new(AtomicU16::new(40));
    let told = width.clone();
    let size = move || {
        Ok(Size {
            width: told.load(Ordering::Relaxed),
            height: 10,
        })
    };
    let mut screen = Screen::over(sink.clone(), size, caps(ColorDepth::True)).unwrap();
    let theme = Theme::dark(ColorDepth::True, GlyphSet::Unicode);
    for cells in [40, 20, 5, 1, 80] {
        sink.take();
        width.store(cells, Ordering::Relaxed);
        screen.draw(|frame| list(frame, &theme, 1)).unwrap();
        assert_eq!(sink.take().len(), 1, "at {cells}");
        assert_eq!(screen.size().unwrap().width, cells);
    }
}

#[test]
fn hostile_cells_reach_no_terminal() {
    let (mut screen, sink) = screen(ColorDepth::True);
    let hostile = "a\x1b[2Jb\u{202e}c\u{9b}31md\x07\u{200b}e\u{2066}";
    screen
        .draw(|frame| {
            frame.render_widget(Paragraph::new(hostile), frame.area());
            frame
                .buffer_mut()
                .set_stringn(0, 5, hostile, 40, Style::new());
            frame.buffer_mut()[(0, 7)] = ratatui::buffer::Cell::new("\x1b]0;owned\x07");
        })
        .unwrap();
    let bytes = sink.take().concat();
    assert!(
        !bytes.contains("\x1b[2J") && !bytes.contains("owned"),
        "{bytes:?}"
    );
    let ours = bytes.replace("\x1b[", "");
    let bad = |c: char| c.is_control() || "\u{202e}\u{2066}\u{200b}".contains(c);
    assert!(!ours.contains(bad), "{bytes:?}");
}

#[test]
fn copies_and_titles_stand_outside_frames() {
    let (mut screen, sink) = screen(ColorDepth::True);
    assert_eq!(screen.copy("WO-001").unwrap(), Copied::Sent);
    screen.title("obeya\x07\x1b[2J").unwrap();
    assert_eq!(
        sink.take(),
        ["\x1b]52;c;V08tMDAx\x1b\\", "\x1b]2;obeya\x1b\\"]
    );
    assert!(matches!(
        screen.copy(&"x".repeat(100_000)).unwrap(),
        Copied::TooLong { .. }
    ));
    assert_eq!(sink.take(), Vec::<String>::new());
}
