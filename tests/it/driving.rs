//! Somebody drives a board by keyboard all day, in a real terminal: each daily act in at most three keys, words and
//! answers that are typed not counted. And by mouse, when it is wanted.

use crate::{
    cli::Room,
    support::pty::{Pty, Start},
};

fn room() -> Room {
    let room = Room::new();
    for (title, bucket, priority) in [
        ("Rotate the signing keys", "security", 10),
        ("Retry the payment call", "features", 8),
        ("Show what is not yet sent", "features", 7),
        ("Halve the image build time", "cost", 5),
        ("Dark mode for the receipt", "features", 3),
    ] {
        room.done(&format!(
            "work-order create --title \"{title}\" --bucket {bucket} --priority {priority}"
        ));
    }
    room
}

fn board(room: &Room, size: (u16, u16)) -> Pty {
    let config = room.path().join("config.toml");
    let mut pty = Start::console(room.path())
        .set("OBEYA_CONFIG", config.to_str().unwrap())
        .size(size.0, size.1)
        .go();
    pty.shows("Orders by status").shows("● host").settle();
    pty.keys("2").shows("WO-005").settle();
    pty
}

#[test]
fn a_day_at_the_board_in_at_most_three_keys_an_act() {
    let room = room();
    room.write("config.toml", "");
    let mut pty = board(&room, (120, 40));
    // Pull: one key. Move: one key. Complete: the key, what was delivered, enter.
    pty.keys("n").shows("WO-001 started");
    pty.keys(">").shows("moved from design to code");
    pty.keys("c").shows("Complete WO-001");
    pty.keys("sku-7")
        .shows("sku-7")
        .keys("<enter>")
        .shows("done 1");
    // Block: the key, what it waits for, enter.
    pty.keys("h").settle();
    pty.keys("d").shows("WO-002 waits for …");
    pty.keys("dark").shows("WO-005 Dark").keys("<enter>");
    pty.shows("WO-002 now waits for WO-005");
    // Taken back by one key.
    pty.keys("u").shows("undone");
    // Open the detail: one key, and back.
    pty.keys("<enter>")
        .shows("Why it is not moving")
        .keys("<esc>");
    // Jump by id, and by fuzzy words.
    pty.keys("<ctrl-p>").shows("Go to an order");
    pty.keys("4").shows("WO-004").keys("<enter>");
    pty.shows("━ WO-004 ").keys("<esc>");
    pty.keys("<ctrl-p>").shows("Go to an order");
    pty.keys("nt snt").shows("WO-003 Show").keys("<enter>");
    pty.shows("━ WO-003 ").keys("<esc>").settle();
    // Mark two and act on both; do it again elsewhere.
    pty.keys("gg").settle();
    pty.keys("  ").shows("2 marked");
    pty.keys("p").shows("Priority of 2 marked orders");
    pty.keys("9<enter>").shows("Priority 9: 2 orders done");
    // The andon cord: the key, the reason, save, yes.
    pty.keys("!").shows("Pull the andon cord");
    pty.keys("Payments fail<ctrl-s>")
        .shows("Pull the andon cord?");
    pty.keys("y").shows("ALERT-001");
    assert_eq!(pty.keys("q").end(), Ok(0));
    let receipt = room.done("receipt show WO-001");
    assert!(receipt.out.contains("sku-7"), "{}", receipt.out);
    let andon = room.done("andon list");
    assert!(andon.out.contains("Payments fail"), "{}", andon.out);
    let order = room.done("work-order show WO-002");
    let both = ["priority 9", "queued (ready)"].map(|text| order.out.contains(text));
    assert_eq!(both, [true, true], "{}", order.out);
    room.done("ledger verify");
}

#[test]
fn a_filter_is_saved_in_the_users_own_file_and_found_by_the_next_console() {
    let room = room();
    room.write("config.toml", "");
    let mut pty = board(&room, (80, 24));
    pty.keys("/bucket:features !done<enter>")
        .shows("2 orders hidden");
    pty.keys(":filter save mine<enter>")
        .shows("filter mine is saved");
    assert_eq!(pty.keys("q").end(), Ok(0));
    let file = std::fs::read_to_string(room.path().join("filters.toml")).unwrap();
    assert_eq!(file, "mine = \"bucket:features !done\"\n");
    let mut pty = board(&room, (80, 24));
    pty.keys(":filter m").shows("bucket:features !done");
    pty.keys("<tab><enter>").shows("2 orders hidden");
    assert_eq!(pty.keys("q").end(), Ok(0));
}

#[test]
fn what_can_be_undone_wakes_the_console_once_and_no_more() {
    let room = room();
    room.write("config.toml", "");
    let mut pty = board(&room, (120, 40));
    pty.keys("n").shows("u undoes it").settle();
    // The ten seconds end without a key: the offer goes, by itself.
    pty.hides("u undoes it").settle();
    let bytes = pty.listen(std::time::Duration::from_secs(2));
    assert!(bytes <= 64, "{bytes} bytes");
}

#[test]
fn the_mouse_is_off_until_it_is_wanted_and_never_stays_on() {
    let room = room();
    room.write("config.toml", "");
    let mut pty = board(&room, (120, 40));
    let reports = |pty: &Pty| pty.screen().mouse_protocol_mode();
    let none = vt100::MouseProtocolMode::None;
    assert_eq!(reports(&pty), none);
    pty.keys("gm").shows("the mouse is on").settle();
    assert_ne!(reports(&pty), none);
    // The card of WO-004 is dragged into the next column: it is started there.
    let row = row_of(&pty, "WO-004");
    for report in [
        format!("\x1b[<0;6;{row}M"),
        format!("\x1b[<32;40;{row}M"),
        format!("\x1b[<0;40;{row}m"),
    ] {
        pty.raw(&report).settle();
    }
    pty.shows("WO-004 started");
    // A double click opens.
    let row = row_of(&pty, "WO-002");
    let click = format!("\x1b[<0;6;{row}M\x1b[<0;6;{row}m");
    pty.raw(&click).raw(&click).shows("━ WO-002 ");
    // The shell never gets it, however the console ends.
    pty.signal(rustix::process::Signal::TERM);
    assert_eq!(pty.end(), Ok(3));
    assert_eq!(reports(&pty), none);
}

/// Returns the row, from 1, in which a text is.
fn row_of(pty: &Pty, text: &str) -> usize {
    let screen = pty.text();
    let row = screen.lines().position(|line| line.contains(text));
    row.unwrap_or_else(|| panic!("no {text} on\n{screen}")) + 1
}
