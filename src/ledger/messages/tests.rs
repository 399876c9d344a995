//! The file of messages by itself; the rules of delivery are held by a model in `tests/it/bus`.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::{fs, os::unix::fs::PermissionsExt as _};

use rusqlite::Connection;

use super::*;
use crate::{
    domain::{
        message::{Name, Topic},
        order::Actor,
        time::DAY,
    },
    ledger::FaultKind,
};

fn draft(body: &str) -> Draft {
    Draft::new(Topic::CoordinationEvents.into(), Actor::agent("ann"), body)
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn seqs(taken: &[Delivery]) -> Vec<MessageSeq> {
    taken.iter().map(|taken| taken.message.seq).collect()
}

#[test]
fn a_key_sends_once_and_never_something_else() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::new(folder.path()).unwrap();
    fs::write(home.database(), "").unwrap();
    let mut messages = Messages::open(&home, Terms::default()).unwrap();
    let keyed = |body: &str, sender: &str| Draft {
        key: Some("k".into()),
        sender: Actor::agent(sender),
        ..draft(body)
    };
    let drafts = [
        keyed("a", "ann"),
        keyed("a", "ann"),
        keyed("b", "ann"),
        keyed("b", "ben"),
        draft(""),
    ];
    let sent = messages.publish(&drafts, Timestamp(1)).unwrap();
    let sent_as = |seq, fresh| Ok(Sent { seq, fresh });
    assert_eq!(sent[..2], [sent_as(1, true), sent_as(1, false)]);
    assert_eq!(sent[3], sent_as(2, true), "another sender's key is another");
    let rules: Vec<_> = [&sent[2], &sent[4]]
        .map(|sent| sent.as_ref().unwrap_err().rule())
        .into();
    assert_eq!(rules, ["invalid", "invalid"]);
    assert_eq!(messages.last().unwrap(), 2);
}

#[test]
fn old_messages_go_and_what_nobody_had_is_a_dead_letter() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::new(folder.path()).unwrap();
    fs::write(home.database(), "").unwrap();
    let terms = Terms {
        keep: 3,
        ..Terms::default()
    };
    let mut messages = Messages::open(&home, terms).unwrap();
    let reader = Reader::of_topic(Topic::CoordinationEvents, name("x"));
    let now = Timestamp(DAY);
    messages
        .subscribe(&reader, Start::Here, now)
        .unwrap()
        .unwrap();
    messages.publish(&[draft("1"), draft("2")], now).unwrap();
    assert_eq!(seqs(&messages.take(&reader, 1, now).unwrap().unwrap()), [1]);
    let more = ["3", "4", "5"].map(draft);
    messages.publish(&more, now).unwrap();
    let kept = messages.replay(None, 0, None, 9).unwrap();
    assert_eq!(
        kept.iter().map(|kept| kept.seq).collect::<Vec<_>>(),
        [3, 4, 5]
    );
    // The first is still in its reader's hands; the second never came to anybody.
    let dead = messages.dead_letters(9).unwrap();
    assert_eq!((dead.len(), dead[0].message.seq), (1, 2));
    assert_eq!(dead[0].reason, Reason::Expired);
    assert_eq!(messages.acknowledge(&reader, &[1], now).unwrap(), 1);
    assert_eq!(
        messages.message(1).unwrap(),
        None,
        "nobody needs it any more"
    );
    assert!(messages.message(2).unwrap().is_some());
    messages.purge(&Letters::All).unwrap().unwrap();
    assert_eq!(messages.message(2).unwrap(), None);
    // By age too; and a place is never given twice, whatever is left.
    let later = now.plus(8 * DAY);
    messages.tend(later).unwrap();
    assert_eq!(messages.replay(None, 0, None, 9).unwrap(), []);
    messages.purge(&Letters::All).unwrap().unwrap();
    let sent = messages.publish(&[draft("6")], later).unwrap();
    assert_eq!(sent[0].as_ref().unwrap().seq, 6);
}

#[test]
fn what_was_recorded_is_announced_once() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::new(folder.path()).unwrap();
    fs::write(home.database(), "").unwrap();
    let [mut one, mut two] = [(), ()].map(|()| Messages::open(&home, Terms::default()).unwrap());
    let told = [(Timestamp(5), draft("x"))];
    let now = Announced {
        incarnation: 1,
        seq: 7,
    };
    assert!(one.announce(None, now, &told).unwrap());
    assert!(
        !two.announce(None, now, &told).unwrap(),
        "somebody else did"
    );
    assert_eq!(two.announced().unwrap(), Some(now));
    assert_eq!(two.last().unwrap(), 1);
}

#[test]
fn the_file_is_private_and_no_other_file_is_taken_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::new(folder.path()).unwrap();
    fs::write(home.database(), "").unwrap();
    drop(Messages::open(&home, Terms::default()).unwrap());
    let mode = fs::metadata(home.messages()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let damaged = "not a database, but long enough to look like one".repeat(100);
    let kind = |make: &dyn Fn()| {
        for suffix in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(crate::ledger::paths::beside(&home.messages(), suffix));
        }
        make();
        let opened = Messages::open(&home, Terms::default());
        opened.err().map(|fault| fault.kind)
    };
    let garbage = kind(&|| fs::write(home.messages(), &damaged).unwrap());
    assert_eq!(garbage, Some(FaultKind::NotALedger));
    let foreign = kind(&|| {
        let db = Connection::open(home.messages()).unwrap();
        db.execute_batch("CREATE TABLE messages (x)").unwrap();
    });
    assert_eq!(foreign, Some(FaultKind::NotALedger));
    let newer = kind(&|| {
        let db = Connection::open(home.messages()).unwrap();
        db.execute_batch(
            "PRAGMA application_id=0x4F424D53; PRAGMA user_version=2; CREATE TABLE x (y)",
        )
        .unwrap();
    });
    assert_eq!(newer, Some(FaultKind::NewerFormat));
}

#[test]
fn dead_letters_are_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::new(folder.path()).unwrap();
    fs::write(home.database(), "").unwrap();
    let mut messages = Messages::open(&home, Terms::default()).unwrap();
    let now = Timestamp(1);
    let drafts: Vec<_> = (0..MAX_DEAD + 5)
        .map(|_| Draft {
            expires: Some(now),
            ..draft("x")
        })
        .collect();
    messages.publish(&drafts, now).unwrap();
    for _ in 0..MAX_DEAD / 256 + 1 {
        messages.tend(now).unwrap();
    }
    assert_eq!(messages.dead().unwrap(), MAX_DEAD);
    let newest = &messages.dead_letters(1).unwrap()[0];
    assert_eq!(newest.message.seq, MAX_DEAD + 5);
    assert_eq!(newest.reason, Reason::NoSubscriber);
}

#[test]
fn damage_is_found_and_sums_of_an_earlier_file_are_added_up() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::new(folder.path()).unwrap();
    fs::write(home.database(), "").unwrap();
    let mut messages = Messages::open(&home, Terms::default()).unwrap();
    let now = Timestamp(1);
    messages
        .publish(&[draft("four"), draft("2é")], now)
        .unwrap();
    let whole = Census {
        kept: 2,
        bytes: 7,
        ..Census::default()
    };
    assert_eq!(messages.census().unwrap(), whole);
    let raw = Connection::open(home.messages()).unwrap();
    raw.execute("DELETE FROM meta", []).unwrap();
    messages.publish(&[draft("x")], now).unwrap();
    let census = messages.census().unwrap();
    assert_eq!((census.bytes, census.wrong.len()), (8, 0), "{census:?}");
    // One that somebody was given is gone, and with it the bytes that are noted.
    let reader = Reader::of_topic(Topic::CoordinationEvents, name("x"));
    let start = Start::After(0);
    messages.subscribe(&reader, start, now).unwrap().unwrap();
    messages.take(&reader, 9, now).unwrap().unwrap();
    raw.execute("DELETE FROM messages WHERE seq = 2", [])
        .unwrap();
    assert_eq!(messages.census().unwrap().wrong.len(), 2);
}
