//! The user's files under a running console: worn when they change, kept when something is chosen.

use std::{fs, path::PathBuf, time::Duration};

use vt100::Color;

use crate::{
    cli::Room,
    support::pty::{Pty, Start},
};

/// Returns a ledger with the user's folder beside it, which holds these files.
fn room(files: &[(&str, &str)]) -> (Room, PathBuf) {
    let room = Room::new();
    room.done("work-order create --title \"The first\"");
    let folder = room.path().join(".config/obeya");
    fs::create_dir_all(folder.join("themes")).unwrap();
    for (name, text) in files {
        fs::write(folder.join(name), text).unwrap();
    }
    (room, folder)
}

fn console(room: &Room) -> Pty {
    let mut pty = Start::console(room.path())
        .set("COLORTERM", "truecolor")
        .go();
    pty.shows("Orders by status").shows("● host").settle();
    pty
}

/// Waits until the screen's ground has a colour.
fn ground(pty: &mut Pty, wanted: Color) {
    pty.wait_for(&format!("{wanted:?}"), |screen| {
        screen
            .cell(20, 50)
            .is_some_and(|cell| cell.bgcolor() == wanted)
    });
}

const ONE: &str = "inherits = 'dark'\n[palette]\nground = '#102030'\n";

#[test]
fn a_changed_theme_is_worn_at_once_and_a_broken_one_is_not() {
    let (room, folder) = room(&[("config.toml", "theme = 'mine'"), ("themes/mine.toml", ONE)]);
    let mut pty = console(&room);
    ground(&mut pty, Color::Rgb(0x10, 0x20, 0x30));
    let file = folder.join("themes/mine.toml");
    fs::write(&file, ONE.replace("#102030", "#203040")).unwrap();
    ground(&mut pty, Color::Rgb(0x20, 0x30, 0x40));
    // As editors write: beside it, then in its place.
    fs::write(
        folder.join("themes/mine.new"),
        ONE.replace("#102030", "#304050"),
    )
    .unwrap();
    fs::rename(folder.join("themes/mine.new"), &file).unwrap();
    ground(&mut pty, Color::Rgb(0x30, 0x40, 0x50));
    fs::write(&file, "inherits = 'dark'\n[palette]\nground = '#30405'\n").unwrap();
    pty.shows("all stays as it was: themes/mine.toml:3:10: '#30405' is no colour")
        .shows("to mend it, use");
    ground(&mut pty, Color::Rgb(0x30, 0x40, 0x50));
    fs::write(&file, ONE).unwrap();
    pty.hides("all stays as it was");
    ground(&mut pty, Color::Rgb(0x10, 0x20, 0x30));
    // Whoever watches for changes sleeps.
    pty.settle();
    let ticks = pty.ticks();
    let bytes = pty.listen(Duration::from_secs(3));
    assert!(bytes <= 64, "{bytes} bytes");
    assert!(pty.ticks() - ticks <= 5, "it works while nothing happens");
}

#[test]
fn a_theme_that_is_chosen_is_there_the_next_time() {
    let (room, folder) = room(&[("config.toml", "# mine\nsync = true\n")]);
    let mut pty = console(&room);
    pty.keys("2").shows("The first").keys(":themes<enter>");
    pty.shows("catppuccin").keys("nord");
    ground(&mut pty, Color::Rgb(0x2e, 0x34, 0x40));
    pty.keys("<esc>").hides("catppuccin");
    ground(&mut pty, Color::Default);
    let before = fs::read_to_string(folder.join("config.toml")).unwrap();
    assert_eq!(before, "# mine\nsync = true\n");
    pty.keys(":themes<enter>").shows("catppuccin");
    pty.keys("gruv<enter>").shows("gruvbox is kept in");
    ground(&mut pty, Color::Rgb(0x28, 0x28, 0x28));
    let after = fs::read_to_string(folder.join("config.toml")).unwrap();
    assert_eq!(after, "theme = \"gruvbox\"\n# mine\nsync = true\n");
    assert_eq!(pty.keys("q").end(), Ok(0));
    let mut pty = console(&room);
    ground(&mut pty, Color::Rgb(0x28, 0x28, 0x28));
    // A change by the command line is worn by the console that runs.
    room.done("theme set nord");
    ground(&mut pty, Color::Rgb(0x2e, 0x34, 0x40));
}

#[test]
fn a_painted_ground_costs_a_screen_of_blanks_and_no_more() {
    let (room, _) = room(&[("config.toml", "theme = 'nord'")]);
    room.done("work-order create --title \"The second\"");
    let mut pty = Start::console(room.path())
        .set("COLORTERM", "truecolor")
        .size(200, 60)
        .go();
    pty.shows("Orders by status").settle();
    // 12,000 cells, of which a ground of one's own leaves none out, and the frames until the host is known.
    assert!(pty.bytes.len() <= 24 * 1024, "{} bytes", pty.bytes.len());
    pty.keys("2")
        .shows("The first")
        .shows("The second")
        .settle();
    let before = pty.bytes.len();
    pty.keys("j").settle();
    let moved = pty.bytes.len() - before;
    assert!((1..=1024).contains(&moved), "{moved} bytes");
}

#[test]
fn a_marked_ledger_says_so_by_either_file() {
    let (room, folder) = room(&[]);
    let own = room.path().join(".obeya/obeya.toml");
    fs::write(&own, "label = \"PROD\\u001b[2J\"\naccent = 'red'\n").unwrap();
    let mut pty = console(&room);
    pty.shows(" PROD ");
    let title = String::from_utf8_lossy(&pty.bytes).into_owned();
    assert!(title.contains("obeya PROD "), "{title:?}");
    // What the user says goes before what the ledger says.
    let name = room
        .path()
        .file_name()
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    let text = format!("[ledgers.'{name}']\nlabel = 'MINE'\naccent = 'green'\n");
    fs::write(folder.join("config.toml"), text).unwrap();
    pty.shows(" MINE ").hides("PROD");
    assert_eq!(pty.keys("q").end(), Ok(0));
}
