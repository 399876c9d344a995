//! A ledger that goes while consoles look at it: they say so, leave its place alone, and come back with it.

use std::{fs, time::Duration};

use crate::{cli::Room, support::pty::Start};

#[test]
fn a_ledger_that_goes_and_comes_back_is_said_and_nothing_is_made_in_its_place() {
    let room = Room::new();
    room.done("work-order create --title \"Before it\" --bucket features");
    let mut host = Start::console(room.path()).go();
    host.shows("● host").settle();
    let mut second = Start::console(room.path()).go();
    second.shows("● attached");
    let mut observer = Start::console(room.path()).argument("--read-only").go();
    observer.shows("Orders by status");
    let (here, away) = (room.path().join(".obeya"), room.path().join("away"));
    fs::rename(&here, &away).unwrap();
    let sent = host.bytes.len();
    for pty in [&mut host, &mut second, &mut observer] {
        pty.shows("LOST since").shows("ledger.db: No such file");
    }
    // Two looks of everything that looks, and keys that would write.
    host.keys("n!").listen(Duration::from_secs(11));
    second.keys("n").listen(Duration::from_millis(100));
    assert!(!here.exists(), "something was made where the ledger lay");
    // An empty folder is no ledger either.
    fs::create_dir(&here).unwrap();
    host.keys("n").listen(Duration::from_secs(6));
    let made: Vec<_> = fs::read_dir(&here).unwrap().flatten().collect();
    assert!(made.is_empty(), "{made:?}");
    fs::remove_dir(&here).unwrap();
    fs::rename(&away, &here).unwrap();
    for pty in [&mut host, &mut second, &mut observer] {
        pty.hides("LOST");
        let sent = String::from_utf8_lossy(&pty.bytes);
        assert!(!sent.contains("Error"), "something wrote over the screen");
    }
    assert!(host.bytes.len() > sent);
    room.done("work-order create --title \"after it\"");
    host.keys("<esc><esc>2").shows("after it");
    assert_eq!(host.keys("q").end(), Ok(0));
    second.shows("● host");
}
