//! Every screen of the console, on the demo ledger, at every size and in every palette, styles included.

use obeya::{
    config::{ColorDepth, GlyphSet},
    domain::command::Role,
    ui::msg::Msg,
};

use crate::support::{console::Console, demo};

/// What is looked at, and the keys that lead there.
const SCREENS: [(&str, &str); 17] = [
    ("overview", "1"),
    ("kanban", "2lj"),
    ("detail", "2lj<enter>"),
    ("epics", "3"),
    ("tree", "3<enter>"),
    ("graph", "3m"),
    ("andon", "4"),
    ("agents", "5"),
    ("log", "5/warning<enter>"),
    ("events", "6"),
    ("flow", "7"),
    ("forecast", "7lll"),
    ("help", "2?"),
    ("form", "2o"),
    ("cord", "2!"),
    ("palette", "2<ctrl-p>sign"),
    ("past", "2[["),
];
/// From a wall to the corner of a screen that somebody split too often.
const SIZES: [(u16, u16); 6] = [(200, 60), (120, 40), (80, 24), (60, 20), (40, 10), (20, 5)];

fn every_screen(depth: ColorDepth, glyphs: GlyphSet, palette: &str) {
    for (name, keys) in SCREENS {
        let mut seen = String::new();
        let mut console = Console::with(demo::line(), SIZES[0], depth, glyphs, Role::Operator);
        if keys.starts_with('5') {
            demo::staff(&mut console);
        }
        console.keys(keys);
        for (width, height) in SIZES {
            console.tell(Msg::Resize(width, height));
            seen += &format!("=== {width}x{height}\n{}", console.styled());
            if glyphs == GlyphSet::Ascii {
                assert!(console.screen().is_ascii(), "{name}: {}", console.screen());
            }
        }
        insta::with_settings!({ snapshot_path => "snapshots/matrix", prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("{name}_{palette}"), seen);
        });
    }
}

#[test]
fn in_true_colour() {
    every_screen(ColorDepth::True, GlyphSet::Unicode, "truecolor");
}

#[test]
fn in_sixteen_colours() {
    every_screen(ColorDepth::Ansi16, GlyphSet::Unicode, "sixteen");
}

#[test]
fn without_colour() {
    every_screen(ColorDepth::None, GlyphSet::Unicode, "no_color");
}

#[test]
fn in_ascii() {
    every_screen(ColorDepth::None, GlyphSet::Ascii, "ascii");
}
