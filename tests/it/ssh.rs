//! A console at the other end of a slow line: a real sshd, a real ssh, and 2 KiB a second between them.

use std::{
    fs,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use vt100::{Color, Screen};

use crate::{
    cli::Room,
    support::{
        pty::{Pty, Start},
        ssh::Server,
    },
};

/// What the line carries, in bytes a second.
const RATE: u32 = 2 * 1024;

/// How soon a key must be seen to have done something.
const SOON: Duration = Duration::from_secs(1);

/// Opens the console of a room over a line.
fn console(room: &Room, server: &Server) -> Pty {
    let line = format!(
        "cd '{}' && exec env -i PATH=\"$PATH\" HOME=\"$PWD\" USER=maria LANG=C.UTF-8 TERM=\"$TERM\" \
         SSH_CONNECTION=\"$SSH_CONNECTION\" '{}'",
        room.path().display(),
        env!("CARGO_BIN_EXE_obeya")
    );
    let mut pty = server.call(room.path(), &line).size(120, 40).go();
    pty.shows("Orders by status")
        .shows("● host")
        .shows("slow link");
    pty
}

/// Returns the background of the board's tab, which is that of the selection while one looks at the board.
fn tab(screen: &Screen) -> Color {
    let tabs = screen.rows(0, screen.size().1.get()).next().unwrap();
    let before = tabs.split("2 Kanban").next().unwrap().chars().count();
    let cell = screen.cell(0, u16::try_from(before).unwrap());
    cell.unwrap().bgcolor()
}

/// Returns the rows and columns below the tabs that have the background of the selection.
fn selected(screen: &Screen) -> Vec<(u16, u16)> {
    let (rows, columns) = screen.size();
    let cells = (1..rows.get() - 1).flat_map(|y| (0..columns.get()).map(move |x| (y, x)));
    let look = tab(screen);
    cells
        .filter(|(y, x)| screen.cell(*y, *x).unwrap().bgcolor() == look)
        .collect()
}

/// Says that it is over when it is dropped, also by a panic: whoever works meanwhile must not go on for ever.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Presses a key and returns how long it took to be seen.
fn answered(pty: &mut Pty, key: &str, what: &str, seen: impl Fn(&Screen) -> bool) -> Duration {
    let pressed = Instant::now();
    pty.keys(key).wait_for(&format!("{key}: {what}"), seen);
    pressed.elapsed()
}

#[test]
fn at_two_kibibytes_a_second_keys_answer_within_one() {
    let room = Room::new();
    for number in 1..=20 {
        room.done(&format!(
            "work-order create --title \"Order number {number}\""
        ));
    }
    let Some(server) = Server::start(room.path(), RATE) else {
        return;
    };
    let mut pty = console(&room, &server);
    let over = AtomicBool::new(false);
    let mut took = Vec::new();
    thread::scope(|scope| {
        // Somebody works meanwhile, so that there is always something new to draw.
        let work = scope.spawn(|| {
            let mut made = 0;
            while !over.load(Ordering::Acquire) {
                room.done("work-order create --title \"made meanwhile\"");
                made += 1;
            }
            made
        });
        let ends = Over(&over);
        let elsewhere = tab(pty.screen());
        let there = |screen: &Screen| tab(screen) != elsewhere;
        took.push(("2", answered(&mut pty, "2", "the board", there)));
        pty.shows("Order number 12");
        for key in ["j", "j", "j", "k", "j", "j", "k", "k", "j", "j"] {
            let before = selected(pty.screen());
            let moved = |screen: &Screen| {
                let now = selected(screen);
                !now.is_empty() && now != before
            };
            took.push((key, answered(&mut pty, key, "it moves", moved)));
        }
        let mut typed = String::from("› ");
        took.push((
            ":",
            answered(&mut pty, ":", "the prompt", |screen| {
                screen.contents().contains("┃ ›")
            }),
        ));
        for key in ["c", "o", "m", "p", "l", "e", "t", "e"] {
            typed += key;
            let shows = |screen: &Screen| screen.contents().contains(&typed);
            took.push((key, answered(&mut pty, key, "typed", shows)));
        }
        drop(ends);
        assert!(work.join().unwrap() > 5, "nothing happened meanwhile");
    });
    println!("{took:?}\n{}", pty.text());
    let late: Vec<_> = took.iter().filter(|(_, took)| *took > SOON).collect();
    assert!(late.is_empty(), "{late:?} of {took:?}");
    pty.keys("<esc>").keys("q");
    assert_eq!(pty.end(), Ok(0));
}

#[test]
fn a_copy_that_would_keep_a_slow_link_is_refused() {
    let room = Room::new();
    room.done("work-order create --kind epic --title \"The release\"");
    for number in 1..=20 {
        let steps = "with many steps ".repeat(5);
        room.done(&format!(
            "work-order create --epic EPIC-001 --title \"Order number {number} of a release {steps}\""
        ));
    }
    // A drawing of 20 orders takes more than three seconds of it.
    let folder = room.path().join(".config/obeya");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("config.toml"), "link = '800'\n").unwrap();
    let mut pty = Start::console(room.path()).size(80, 16).go();
    pty.shows("● host").keys("3").shows("The release");
    pty.keys("<enter>").shows("Order number 2").keys("m");
    pty.shows("graph").keys("Y").shows("not copied: 20 orders");
    let sent = String::from_utf8_lossy(&pty.bytes).matches("]52;").count();
    assert_eq!(sent, 0);
}
