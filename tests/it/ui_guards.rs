//! What the console must never do: change what it may not, panic, or cost more than its screen.

use obeya::{
    config::{ColorDepth, GlyphSet},
    domain::command::Role,
    ui::{
        action::Action,
        effect::Effect,
        msg::{Connection, Msg},
    },
};

use crate::support::{
    console::{Console, shows},
    sample,
};

const WIDE: (u16, u16) = (120, 40);

fn console() -> Console {
    Console::new(sample::line(), WIDE)
}

/// A viewer tries every action there is, by its key and by its name, and nothing leaves the console.
#[test]
fn a_viewer_changes_nothing() {
    let mut console = Console::with(
        sample::line(),
        WIDE,
        ColorDepth::True,
        GlyphSet::Unicode,
        Role::Viewer,
    );
    let before = console.world.records.len();
    for view in ["1", "2", "3", "4", "5", "6", "2<enter>"] {
        for action in Action::ALL {
            console.keys("<esc><esc>").keys(view);
            obeya::ui::update::perform(&mut console.model, action.name());
            for keys in ["x<ctrl-s>", "y", "<enter>", "y"] {
                console.keys(keys);
            }
        }
    }
    assert_eq!(console.world.records.len(), before);
    assert!(
        console
            .wishes
            .iter()
            .all(|wish| !matches!(wish, Effect::Submit { .. }))
    );
    console.keys("<esc><esc>2");
    shows(&console, "read-only");
    console.keys("?");
    shows(&console, "not now: this console only observes");
}

#[test]
fn a_lost_engine_is_seen_and_nothing_is_submitted() {
    let mut console = console();
    let now = console.world.now;
    console.tell(Msg::Connection(Connection::Down {
        since: now,
        why: "the socket closed".into(),
        next_try: None,
    }));
    shows(&console, "LOST");
    console.keys("2n");
    shows(&console, "the engine cannot be reached: the socket closed");
}

/// Thousands of arbitrary keys, pastes and resizes: nothing panics, and the selection is always an order that is shown.
#[test]
fn any_keys_are_survived() {
    let keys = [
        "j",
        "k",
        "h",
        "l",
        "g",
        "G",
        "z",
        "M",
        "R",
        "1",
        "2",
        "3",
        "4",
        "5",
        "6",
        "<enter>",
        "<esc>",
        "<tab>",
        "<backtab>",
        "o",
        "n",
        "!",
        "/",
        ":",
        "?",
        "<ctrl-p>",
        "<ctrl-s>",
        "x",
        "y",
        "s",
        ">",
        "<",
        "c",
        "r",
        "a",
        "e",
        "p",
        "b",
        "d",
        "D",
        "w",
        "t",
        "u",
        "v",
        "<space>",
        "<ctrl-d>",
        "<ctrl-u>",
        "<left>",
        "<right>",
        "<up>",
        "<down>",
        "<backspace>",
        "<ctrl-n>",
        "<end>",
        "é",
    ];
    let mut seed = 7_u64;
    let mut roll = move |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) as usize % below
    };
    let mut console = console();
    for _ in 0..8_000 {
        match roll(60) {
            0 => {
                let size = (roll(180) as u16, roll(60) as u16);
                console.tell(Msg::Resize(size.0, size.1));
            }
            1 => {
                console.tell(Msg::Paste("two\nlines \u{202e}x".into()));
            }
            2 => {
                console.world.wait(roll(600) as i64);
                let now = console.world.now;
                console.tell(Msg::Tick(now));
            }
            // `q` would be a wish to quit, and is none of the keys.
            _ => {
                let key = keys[roll(keys.len())];
                console.keys(key);
            }
        }
        console.buffer();
        let board = &console.model.board;
        let shown = board
            .columns
            .get(board.column)
            .map(|column| column.ids.as_slice());
        if let Some(selected) = board.selected {
            assert!(shown.unwrap_or_default().contains(&selected));
        }
    }
    let records = console.world.records.len();
    assert!(records > 100, "the keys did nothing: {records} records");
}

/// What is drawn grows with the screen, not with the ledger: measured beside a ledger of thirty orders.
#[test]
fn a_frame_costs_what_is_on_screen() {
    let time = |orders| {
        let mut console = Console::new(sample::crowded(orders), (200, 60));
        console.keys("2");
        let best = (0..5).map(|_| {
            let start = std::time::Instant::now();
            for _ in 0..20 {
                console.buffer();
            }
            start.elapsed()
        });
        best.min().unwrap()
    };
    let (few, many) = (time(60), time(3_000));
    assert!(many < few * 4, "{many:?} for 3,000 orders, {few:?} for 60");
}
