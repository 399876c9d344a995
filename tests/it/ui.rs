//! The console's screens at the edges, and the pictures of the README, which show the demo ledger.

use std::path::Path;

use obeya::{
    config::{Accent, ColorDepth, GlyphSet, Mark},
    domain::command::Role,
    ui::{
        msg::Msg,
        theme::{self, Theme},
    },
};
use ratatui::style::{Color, Modifier};

use crate::support::{
    console::{Console, shows},
    demo, sample, svg,
};

const WIDE: (u16, u16) = (120, 40);
const SMALL: (u16, u16) = (80, 24);

/// Compares the pictures of the README with what the console draws; `OBEYA_BLESS=1` writes them.
#[test]
fn pictures_are_fresh() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("screenshots");
    let shot = |name: &str, console: &Console| {
        let path = folder.join(name).with_extension("svg");
        let fresh = svg::picture(&console.buffer());
        if std::env::var_os("OBEYA_BLESS").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, fresh).unwrap();
        } else {
            let kept = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(
                kept == fresh,
                "{name}.svg is stale: OBEYA_BLESS=1 cargo test pictures"
            );
        }
    };
    let console = || Console::new(demo::line(), WIDE);
    shot("overview", &console());
    shot("kanban", console().keys("2l"));
    shot("detail", console().keys("2l<enter>"));
    shot("dependencies", console().keys("3<enter>"));
    shot("graph", console().keys("3m"));
    shot("andon", console().keys("4"));
    let mut staffed = console();
    demo::staff(&mut staffed);
    shot("agents", staffed.keys("5"));
    shot("events", console().keys("6"));
    shot("flow", console().keys("7"));
    shot("forecast", console().keys("7lll"));
    shot("past", console().keys("2[["));
    shot(
        "cord",
        console().keys("2ll!Payments fail in Norway<tab><right><tab><right><right><ctrl-s>"),
    );
    shot("help", console().keys("2?"));
    shot("palette", console().keys("2<ctrl-p>sign"));
    shot("form", console().keys("2o"));
    let themed =
        |name: &str| theme::load(name, &|_| Ok(None), ColorDepth::True, GlyphSet::Unicode).0;
    let themes: Vec<Theme> = theme::names().map(themed).collect();
    let mut fitting = console();
    fitting.keys("2").tell(Msg::Themes(themes));
    fitting.keys("<down><down><down><down><down><down>");
    shot("themes", &fitting);
    let mut production = console();
    production.model.mark = Some(Mark {
        label: Some("PROD".into()),
        accent: Accent::Red,
    });
    production.model.theme = themed("light").marked(Accent::Red);
    shot("production", production.keys("2!"));
}

#[test]
fn without_colour_the_selection_and_what_is_held_are_still_seen() {
    let mut console = Console::with(
        sample::stopped(),
        SMALL,
        ColorDepth::None,
        GlyphSet::Unicode,
        Role::Operator,
    );
    console.keys("2");
    let buffer = console.buffer();
    let cells = || buffer.content().iter();
    assert!(cells().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
    assert!(cells().any(|cell| cell.modifier.contains(Modifier::REVERSED)));
    shows(&console, "‖H");
}

#[test]
fn no_size_is_too_small() {
    let keys = [
        "1",
        "2",
        "3",
        "4",
        "5",
        "6",
        "7",
        "7l",
        "7ll",
        "7lll",
        "7llll",
        "7lllll",
        "3m",
        "3<enter>m",
        "2<enter>",
        "2o",
        "2?",
        "2!",
        "2<ctrl-p>x",
        "2/x",
        "2:x",
        "2g",
    ];
    for (width, height) in [
        (0, 0),
        (1, 1),
        (3, 2),
        (20, 5),
        (29, 9),
        (30, 6),
        (40, 10),
        (60, 12),
        (300, 4),
        (12, 90),
    ] {
        for keys in keys {
            let mut console = Console::new(sample::stopped(), (width, height));
            console.keys(keys).screen();
        }
    }
    let mut console = Console::new(sample::line(), (40, 10));
    shows(console.keys("2"), "WO-016");
    let console = Console::new(sample::line(), (20, 5));
    insta::assert_snapshot!(console.screen().trim_end(), @r"
    ▲2 wip 6 q 10 done…
    demo
    ");
}
