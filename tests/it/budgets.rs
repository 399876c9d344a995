//! What a frame may cost in bytes, so that a console is bearable over a slow link.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use obeya::{
    config::{ColorDepth, GlyphSet, Link, Notify},
    domain::time::MINUTE,
    term::{Caps, Multiplexer, Screen},
    ui::{msg::Msg, view},
};
use ratatui::layout::Size;

use crate::support::{console::Console, sample};

const WIDE: (u16, u16) = (200, 60);

#[derive(Clone, Default)]
struct Count(Arc<Mutex<usize>>);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        *self.0.lock().unwrap() += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A terminal that counts what it is sent.
struct Terminal {
    screen: Screen<Count>,
    count: Count,
}

impl Terminal {
    fn new() -> Terminal {
        let count = Count::default();
        let caps = Caps {
            depth: ColorDepth::True,
            glyphs: GlyphSet::Unicode,
            sync: true,
            osc: true,
            notify: Notify::Bell,
            link: Link::Fast,
            multiplexer: Multiplexer::None,
        };
        let (width, height) = WIDE;
        let size = move || Ok(Size { width, height });
        let screen = Screen::over(count.clone(), size, caps).unwrap();
        Terminal { screen, count }
    }

    /// Returns how many bytes it takes to show the console as it is now.
    fn shows(&mut self, console: &Console) -> usize {
        let before = *self.count.0.lock().unwrap();
        let drawn = self
            .screen
            .draw(|frame| view::draw(&console.model, frame.buffer_mut()));
        drawn.unwrap();
        *self.count.0.lock().unwrap() - before
    }
}

#[test]
fn a_first_frame_of_any_view_is_at_most_20_kib() {
    for key in ["1", "2", "3", "4", "5", "6", "7"] {
        let mut console = Console::new(sample::stopped(), WIDE);
        console.keys(key);
        let bytes = Terminal::new().shows(&console);
        assert!(
            (500..=20 * 1024).contains(&bytes),
            "view {key}: {bytes} bytes"
        );
    }
}

#[test]
fn a_moved_selection_is_at_most_1_kib_and_none_is_nothing() {
    for view in ["2", "5", "6"] {
        let mut console = Console::new(sample::stopped(), WIDE);
        console.keys(view);
        let mut terminal = Terminal::new();
        terminal.shows(&console);
        assert_eq!(terminal.shows(&console), 0, "idle");
        for key in ["j", "j", "k"] {
            console.keys(key);
            let bytes = terminal.shows(&console);
            assert!(bytes <= 1024, "view {view}, {key}: {bytes} bytes");
        }
    }
}

#[test]
fn a_clock_tick_is_at_most_64_bytes_for_an_age_that_turns() {
    let mut console = Console::new(sample::line(), WIDE);
    console.keys("2");
    let mut terminal = Terminal::new();
    terminal.shows(&console);
    let mut most = 0;
    for _ in 0..5 {
        console.world.now.0 += MINUTE;
        let now = console.world.now;
        let before = console.screen();
        console.tell(Msg::Tick(now));
        let bytes = terminal.shows(&console);
        // Each card whose age turns stands in a row of its own.
        let after = console.screen();
        let rows = before.lines().zip(after.lines());
        let turned = rows.filter(|(before, after)| before != after).count();
        assert!(bytes <= 64 * turned, "{bytes} bytes for {turned} ages");
        most = most.max(turned);
    }
    assert!(most > 0, "no age ever turned");
}
