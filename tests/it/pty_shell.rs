//! `obeya shell` in a real terminal: a prompt, completion, history, and a terminal that is given back.

use std::{fs, os::unix::fs::PermissionsExt as _};

use crate::{
    cli::Room,
    support::pty::{Pty, Start},
};

fn room() -> Room {
    let room = Room::new();
    room.done("wo create --title \"Take a payment\" --bucket security");
    room.done("wo create --title \"Send a receipt\"");
    room
}

fn shell(room: &Room) -> Pty {
    Start::console(room.path())
        .argument("shell")
        .answering()
        .go()
}

#[test]
fn completion_history_and_the_keys_that_leave() {
    let room = room();
    room.write(".obeya/obeya.toml", "label = \"PROD\"\n");
    let name = room
        .path()
        .file_name()
        .unwrap()
        .to_string_lossy()
        .into_owned();
    let prompt = format!("[PROD] {name}> ");
    let mut pty = shell(&room);
    pty.shows(prompt.trim_end());

    // Verbs complete, and orders by a word of their title.
    pty.keys("wo sho<tab>").shows("> wo show ");
    pty.keys("payment<tab>").shows("> wo show WO-001");
    pty.keys("<enter>")
        .shows("created")
        .shows("security")
        .settle();
    // Several that fit are listed with what they are.
    pty.keys("wo status <tab>")
        .shows("Take a payment")
        .shows("Send a receipt");
    pty.keys("<ctrl-c>").settle();
    pty.keys("nonsense<enter>").shows("unrecognized").settle();
    // An error ended nothing; ctrl-c throws a line away.
    pty.keys("wo create --title never<ctrl-c>").settle();
    pty.keys("wo create --title third<enter>")
        .shows("WO-003")
        .settle();
    pty.keys("<up><up><up>").shows("> wo show WO-001");
    pty.keys("<ctrl-c>").settle();
    assert_eq!(pty.keys("<ctrl-d>").end(), Ok(0));
    assert_eq!(pty.modes(), pty.modes_before, "the terminal's modes");
    assert!(!pty.screen().bracketed_paste());

    let file = room.path().join(".local/state/obeya/shell_history");
    let kept = fs::read_to_string(&file).unwrap();
    assert!(
        kept.contains("wo show WO-001") && kept.ends_with("wo create --title third\n"),
        "{kept}"
    );
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );

    // The next session remembers, and exit leaves as well.
    let mut pty = shell(&room);
    pty.shows(prompt.trim_end());
    pty.keys("<up>")
        .shows("> wo create --title third")
        .keys("<ctrl-c>")
        .settle();
    assert_eq!(pty.keys("exit<enter>").end(), Ok(0));
    assert!(room.done("wo list --json").json()["total"] == 3);
}

#[test]
fn a_plain_terminal_gets_plain_lines() {
    let room = room();
    // One that moves no cursor, and one that says nothing about where its cursor is.
    let mut pty = Start::console(room.path())
        .argument("shell")
        .set("TERM", "dumb")
        .go();
    pty.shows("> ")
        .keys("wo list<enter>")
        .shows("Send a receipt");
    pty.keys("wo show WO-9<enter>")
        .shows("refused: there is no WO-009");
    assert_eq!(pty.keys("exit<enter>").end(), Ok(0));
    let sent = String::from_utf8_lossy(&pty.bytes).into_owned();
    assert!(!sent.contains('\u{1b}'), "{sent:?}");
}

#[test]
fn without_colour_there_is_none() {
    let room = room();
    let mut pty = Start::console(room.path())
        .argument("shell")
        .set("NO_COLOR", "1")
        .answering()
        .go();
    pty.shows("> ").settle();
    pty.keys("wo lis<tab>")
        .shows("> wo list")
        .keys("<enter>")
        .shows("Send a receipt")
        .settle();
    assert_eq!(pty.keys("quit<enter>").end(), Ok(0));
    let sent = String::from_utf8_lossy(&pty.bytes).into_owned();
    let colour = sent.split('\u{1b}').skip(1).find(|rest| {
        let code = rest.strip_prefix('[').and_then(|rest| rest.split_once('m'));
        code.is_some_and(|(code, _)| {
            code.split(';')
                .any(|n| matches!(n.parse::<u8>(), Ok(30..=37 | 38 | 40..=48 | 90..=107)))
        })
    });
    assert_eq!(colour, None, "{sent:?}");
}
