//! The console as a terminal sees it: what it sends, what it leaves behind, what ends it.

use std::{
    os::unix::fs::FileTypeExt as _,
    time::{Duration, Instant},
};

use obeya::{
    config::{ColorDepth, GlyphSet},
    term::{Caps, Multiplexer, Screen, guard},
};
use rustix::process::Signal;

use crate::{
    cli::Room,
    support::pty::{PATIENCE, Pty, Start},
};

/// What a terminal gets at the end, when nothing of ours may be left on.
const LEFT: [&str; 5] = [
    "\x1b[?2026l",
    "\x1b[?2004l",
    "\x1b[?25h",
    "\x1b[?1049l",
    "\x1b[23;0t",
];

/// Returns a ledger of a dozen orders, one of which waits for another.
fn room() -> Room {
    let room = Room::new();
    for number in 1..=12 {
        let bucket = if number % 3 == 0 { "cost" } else { "features" };
        room.done(&format!(
            "work-order create --title \"Order number {number}\" --bucket {bucket}"
        ));
    }
    room.done("deps add WO-002 --depends-on WO-001");
    room
}

/// Returns a console over a ledger, once it has drawn its overview and is quiet.
fn console(room: &Room) -> Pty {
    let mut pty = Start::console(room.path()).go();
    pty.shows("Orders by status").shows("● host").settle();
    pty
}

/// Asserts that the terminal was given back.
fn assert_restored(pty: &Pty) {
    let sent = String::from_utf8_lossy(&pty.bytes).into_owned();
    let entered = sent.rfind("\x1b[?1049h").expect("it was entered");
    for sequence in LEFT {
        let left = sent.rfind(sequence);
        assert!(left > Some(entered), "{sequence:?} is missing");
    }
    let screen = pty.screen();
    assert!(!screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste());
    assert_eq!(pty.modes(), pty.modes_before, "the terminal's modes");
}

/// Returns the frames that were sent, without their brackets; nothing may stand between them.
fn frames(sent: &str) -> Vec<&str> {
    let mut frames = Vec::new();
    let mut rest = sent;
    while let Some(begin) = rest.find("\x1b[?2026h") {
        let between = &rest[..begin];
        // Before the first the terminal is entered.
        assert!(frames.is_empty() || between.is_empty(), "{between:?}");
        rest = &rest[begin + 8..];
        let end = rest.find("\x1b[?2026l").expect("the frame ends");
        let frame = &rest[..end];
        assert!(!frame.contains("\x1b[?2026h"), "a frame within a frame");
        frames.push(frame);
        rest = &rest[end + 8..];
    }
    frames
}

#[test]
fn the_overview_comes_first_and_is_small() {
    let room = room();
    let mut pty = Start::console(room.path()).size(200, 60).go();
    pty.shows("Orders by status")
        .shows("Recent events")
        .settle();
    let sent = String::from_utf8(pty.bytes.clone()).unwrap();
    let first = frames(&sent)[0];
    // What a killed console left on the alternate screen is not drawn over.
    assert!(first.contains("\x1b[2J"), "it was not cleared");
    let first = first.len();
    assert!(first <= 20 * 1024, "{first} bytes");
    assert!(pty.screen().alternate_screen() && pty.screen().bracketed_paste());
}

#[test]
fn leaving_gives_the_terminal_back() {
    let room = room();
    let mut pty = console(&room);
    assert_ne!(pty.modes(), pty.modes_before);
    assert_eq!(pty.keys("q").end(), Ok(0));
    assert_restored(&pty);
    let mut pty = console(&room);
    assert_eq!(pty.keys("<ctrl-c>").end(), Ok(0));
    assert_restored(&pty);
}

#[test]
fn an_idle_console_is_silent() {
    let room = room();
    let mut pty = console(&room);
    let ticks = pty.ticks();
    let bytes = pty.listen(Duration::from_secs(3));
    // A minute may have begun meanwhile, and with it an older age.
    assert!(bytes == 0 || bytes <= 64, "{bytes} bytes");
    assert!(pty.ticks() - ticks <= 5, "it works while nothing happens");
}

#[test]
fn a_moved_selection_is_one_small_frame() {
    let room = room();
    let mut pty = console(&room);
    pty.keys("2").shows("Order number 12").settle();
    for key in ["j", "j", "<down>", "k"] {
        let before = pty.bytes.len();
        pty.keys(key).settle();
        let sent = String::from_utf8(pty.bytes[before..].to_vec()).unwrap();
        assert_eq!(frames(&sent).len(), 1, "{key}: {sent:?}");
        assert!(
            (1..=1024).contains(&sent.len()),
            "{key}: {} bytes",
            sent.len()
        );
    }
}

#[test]
fn each_key_is_seen_without_the_next() {
    let room = room();
    let mut pty = console(&room);
    for (key, seen) in [
        ("2", "queued 12"),
        ("?", "Keys: kanban"),
        ("<esc>", "queued 12"),
        ("4", "No alert is open"),
        ("6", "WO-012 created"),
        ("1", "Orders by status"),
    ] {
        pty.keys(key).shows(seen);
    }
}

#[test]
fn any_size_is_drawn_at_once_and_survived() {
    let room = room();
    let mut pty = Start::console(room.path()).size(200, 60).go();
    pty.shows("Orders by status")
        .keys("2")
        .shows("Order number 12");
    pty.resize(40, 10).shows("WO-0").settle();
    for (columns, rows) in [(20, 5), (5, 2), (1, 1), (300, 3), (3, 100)] {
        let before = pty.bytes.len();
        pty.resize(columns, rows);
        pty.wait_for("a frame of the new size", |_| true).settle();
        assert!(
            pty.bytes.len() > before,
            "nothing was drawn at {columns}x{rows}"
        );
    }
    pty.resize(120, 40)
        .shows("Order number 12")
        .shows("queued 12");
    assert_eq!(pty.keys("q").end(), Ok(0));
    assert_restored(&pty);
}

#[test]
fn told_to_end_it_gives_the_terminal_back() {
    let room = room();
    for signal in [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT] {
        let mut pty = console(&room);
        assert_eq!(pty.signal(signal).end(), Ok(3), "{signal:?}");
        assert_restored(&pty);
        assert!(pty.text().contains("ended:"), "{}", pty.text());
    }
}

#[test]
fn a_terminal_that_takes_nothing_holds_nobody() {
    let room = room();
    for signal in [Signal::TERM, Signal::HUP] {
        let mut pty = console(&room);
        assert!(!pty.is_shared_output_changed(), "the shell would get it");
        pty.deafen();
        let before = room.records();
        // Each key is a frame that finds no room, and the command is carried out all the same.
        pty.keys(":work-order create --title unseen<enter>");
        let deadline = Instant::now() + PATIENCE;
        while room.records() == before {
            assert!(Instant::now() < deadline, "it waits for its terminal");
        }
        let told = Instant::now();
        assert_eq!(pty.signal(signal).end(), Ok(3), "{signal:?}");
        let took = told.elapsed();
        assert!(took < Duration::from_secs(2), "{signal:?}: {took:?}");
        assert_eq!(pty.modes(), pty.modes_before, "the terminal's modes");
    }
}

#[test]
fn a_lost_terminal_ends_it() {
    let room = room();
    let mut pty = console(&room);
    let before = Instant::now();
    pty.hang_up();
    assert!(pty.end().is_ok());
    // The watch over a terminal that says nothing looks every five seconds; this must not need it.
    let took = before.elapsed();
    assert!(took < Duration::from_secs(4), "{took:?}");
    room.done("work-order create --title \"after the hang-up\"");
}

#[test]
fn a_panic_leaves_the_terminal_before_it_reports() {
    let room = Room::empty();
    let program = std::env::current_exe().unwrap();
    let mut pty = Start::program(program.to_str().unwrap(), room.path())
        .argument("--exact")
        .argument("pty::panics_on_the_screen")
        .argument("--nocapture")
        .set(PANIC, "1")
        .go();
    assert_eq!(pty.end(), Ok(101));
    assert_restored(&pty);
    let text = pty.text();
    assert!(text.contains("on purpose"), "{text}");
    let sent = String::from_utf8_lossy(&pty.bytes).into_owned();
    assert!(sent.find("\x1b[?1049l") < sent.find("on purpose"));
}

/// The variable with which the test above runs the one below on a terminal of its own.
const PANIC: &str = "OBEYA_TEST_PANIC";

/// Not a test of its own: panics while it draws, if it was asked to.
#[test]
fn panics_on_the_screen() {
    if std::env::var_os(PANIC).is_none() {
        return;
    }
    guard::install_hooks(ColorDepth::None).unwrap();
    let caps = Caps {
        depth: ColorDepth::None,
        glyphs: GlyphSet::Unicode,
        sync: true,
        osc: true,
        notify: obeya::config::Notify::Bell,
        link: obeya::config::Link::Fast,
        multiplexer: Multiplexer::None,
    };
    let mut screen = Screen::enter(caps).unwrap();
    let drawn = screen.draw(|_| panic!("on purpose"));
    unreachable!("{drawn:?}");
}

#[test]
fn a_suspended_console_gives_up_its_office_and_comes_back_whole() {
    let room = room();
    let mut pty = Start::program("bash", room.path())
        .argument("--norc")
        .argument("--noprofile")
        .argument("--noediting")
        .argument("-i")
        .set("PS1", "shell> ")
        .size(120, 40)
        .go();
    pty.shows("shell>");
    let binary = env!("CARGO_BIN_EXE_obeya");
    pty.keys(&format!("'{binary}'<enter>"));
    pty.shows("Orders by status").shows("● host").settle();
    pty.keys("<ctrl-z>").shows("Stopped");
    assert!(!pty.screen().alternate_screen() && !pty.screen().hide_cursor());
    let doctor = room.done("doctor");
    assert!(doctor.out.contains("host: none"), "{}", doctor.out);
    room.done("work-order create --title \"by hand\"");
    let before = pty.bytes.len();
    pty.keys("fg<enter>").shows("by hand").shows("● host");
    pty.shows("term 2");
    let again = String::from_utf8_lossy(&pty.bytes[before..]).into_owned();
    assert!(again.contains("\x1b[2J"), "the whole screen is drawn anew");
    assert!(pty.text().contains("Orders by status") && pty.screen().alternate_screen());
    pty.keys("q");
    // What is typed before the shell asks again may still go to the console.
    pty.wait_for("the shell's prompt", |screen| {
        let text = screen.contents();
        !screen.alternate_screen() && text.trim_end().ends_with("\nshell>")
    });
    pty.keys("stty -a | grep -c -- -icanon; exit 0<enter>");
    assert_eq!(pty.end(), Ok(0));
    let raw = pty.text();
    let counted = |line: &str| line == "0" || line == "shell> 0";
    assert!(raw.lines().any(counted), "the terminal is still raw: {raw}");
}

#[test]
fn a_console_nobody_could_continue_does_not_stop() {
    let room = room();
    let mut pty = console(&room);
    pty.keys("<ctrl-z>").shows("no shell to suspend to");
    assert_eq!(pty.keys("q").end(), Ok(0));
}

#[test]
fn a_killed_host_is_in_nobodys_way() {
    let room = room();
    let mut pty = console(&room);
    assert_eq!(pty.signal(Signal::KILL).end(), Err("Killed".into()));
    let socket = room.path().join(".obeya/host.sock");
    assert!(socket.metadata().unwrap().file_type().is_socket());
    room.done("work-order create --title \"over it\"");
    let mut pty = console(&room);
    pty.shows("over it");
    room.done("work-order create --title \"through it\"");
    pty.shows("through it");
}

#[test]
fn a_second_console_takes_over() {
    let room = room();
    let mut first = console(&room);
    let mut second = Start::console(room.path()).go();
    second.shows("● attached");
    assert_eq!(first.keys("q").end(), Ok(0));
    second.shows("● host");
}

#[test]
fn without_colour_the_selection_still_shows() {
    let room = room();
    let mut pty = Start::console(room.path()).set("NO_COLOR", "1").go();
    pty.shows("Orders by status");
    for key in [
        "2", "j", "<enter>", "<esc>", "!", "<esc>", "?", "<esc>", "3", "4", "5", "6",
    ] {
        pty.keys(key).settle();
    }
    pty.keys("2").shows("WO-012").settle();
    let sent = String::from_utf8(pty.bytes.clone()).unwrap();
    for look in sent.split("\x1b[").skip(1) {
        let Some(end) = look.find(|c: char| !c.is_ascii_digit() && c != ';') else {
            continue;
        };
        if look[end..].starts_with('m') {
            let numbers = look[..end].split(';').filter_map(|n| n.parse::<u32>().ok());
            assert!(numbers.max().unwrap_or(0) < 30, "a colour: {look:?}");
        }
    }
    let (rows, columns) = pty.screen().size();
    let cells = (0..rows.get()).flat_map(|y| (0..columns.get()).map(move |x| (y, x)));
    let marked = cells.filter(|(y, x)| pty.screen().cell(*y, *x).unwrap().inverse());
    assert!(marked.count() > 4, "{}", pty.text());
}

#[test]
fn an_ascii_terminal_gets_ascii() {
    let room = room();
    room.done("work-order create --title \"日本 naïve – “quoted” 👩\u{200d}👧\"");
    let mut pty = Start::console(room.path()).set("LANG", "C").go();
    pty.shows("Orders by status");
    for key in [
        "2", "j", "<enter>", "<esc>", "!", "<esc>", "o", "<esc>", "?", "<esc>", "3", "4", "5", "6",
    ] {
        pty.keys(key).settle();
    }
    pty.keys("2").shows("WO-013").settle();
    let beyond: Vec<u8> = pty
        .bytes
        .iter()
        .copied()
        .filter(|byte| *byte >= 0x80)
        .collect();
    assert_eq!(String::from_utf8_lossy(&beyond), "");
}

#[test]
fn hostile_titles_leave_the_screen_whole() {
    let room = Room::new();
    let long = "wide 幅 ".repeat(42);
    let titles = [
        "esc \x1b[2J\x1b[1;1H\x1b]0;owned\x07 end",
        "bidi \u{202e}desrever\u{2066} end",
        "wide 日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語 end",
        "family 👩\u{200d}👩\u{200d}👧\u{200d}👦 flags 🇯🇵🇩🇪 e\u{301}\u{301}\u{301} end",
        "tabs\tand\rreturns end",
        long.trim(),
    ];
    for title in titles {
        let said = room.run(["work-order", "create", "--title", title]);
        assert_eq!(said.code, 0, "{title:?}: {}", said.err);
    }
    let mut pty = Start::console(room.path()).size(100, 30).go();
    pty.shows("Orders by status")
        .keys("2")
        .shows("wide")
        .settle();
    let screen = pty.screen();
    let bars = |y: u16| -> Vec<u16> {
        let bar = |x: &u16| {
            screen
                .cell(y, *x)
                .is_some_and(|cell| cell.contents() == "│")
        };
        (0..100).filter(bar).collect()
    };
    for y in 2..25 {
        assert_eq!(bars(y), bars(1), "row {y}\n{}", pty.text());
    }
    let sent = String::from_utf8(pty.bytes.clone()).unwrap();
    assert!(
        !sent.contains("owned\x07") && !sent.contains('\u{202e}') && !sent.contains('\u{2066}')
    );
    for key in ["<enter>", "<esc>", "3", "6", "1"] {
        pty.keys(key).settle();
    }
    assert_eq!(pty.keys("q").end(), Ok(0));
}

#[test]
fn a_terminal_that_cannot_draw_is_told_so() {
    let room = room();
    let mut pty = Start::console(room.path()).set("TERM", "dumb").go();
    assert_eq!(pty.end(), Ok(2));
    assert!(pty.text().contains("TERM is dumb"), "{}", pty.text());
    assert!(!pty.bytes.contains(&0x1b));
}

#[test]
fn without_a_terminal_there_is_a_sentence() {
    let said = Room::new().run::<&str>([]);
    assert_eq!((said.code, said.out.as_str()), (2, ""));
    assert!(said.err.contains("needs a terminal"), "{}", said.err);
}

#[test]
fn an_observer_sees_and_changes_nothing() {
    let room = room();
    let records = room.records();
    let mut pty = Start::console(room.path()).argument("--read-only").go();
    pty.shows("read-only").shows("Orders by status");
    for key in ["n", "o", "!"] {
        pty.keys(key)
            .shows("only observes")
            .keys("<esc>")
            .hides("only observes");
    }
    pty.keys("2").shows("Order number 12");
    for key in ["s", "c", "x", "e", "a", "p", "b", "d"] {
        pty.keys(key)
            .shows("only observes")
            .keys("<esc>")
            .hides("only observes");
    }
    pty.keys(":work-order create --title hidden<enter>")
        .shows("viewer");
    assert_eq!(room.records(), records);
    room.done("work-order create --title \"seen by it\" --priority 10");
    pty.keys("<esc>").shows("seen by it");
}
