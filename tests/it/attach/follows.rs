//! A copy of the line is the line.

use obeya::{
    domain::{
        command::Role,
        query::{Answer, Query},
        snapshot::SNAPSHOT_FORMAT,
    },
    link::{
        self, FaultKind, Observer as _, Reply,
        protocol::{
            PROTOCOL,
            socket::{Beside, Follow, FromEngine, Hello, MAX_CALL, ToEngine},
        },
        remote::LinkState,
    },
};

use super::{
    raw::Talk,
    support::{Copy, Engine, create, creation, until},
};
use crate::cli::Room;

#[test]
fn what_is_done_by_one_is_seen_by_all() {
    let engine = Engine::start();
    let mut ana = engine.attach("ana", Role::Operator);
    let wall = Copy::of(engine.target("wall", Role::Viewer));
    for n in 0..20 {
        let reply = create(&mut ana, &format!("order {n}"));
        let Reply::Done(outcome) = reply else {
            panic!("{reply:?}");
        };
        assert_eq!(outcome.records[0].actor, "ana", "the token says who acts");
    }
    wall.equals(&engine.session);
    let late = Copy::of(engine.target("late", Role::Viewer));
    late.equals(&engine.session);
    let Ok(Ok(Answer::Summary(summary))) = ana.ask(&Query::Summary) else {
        panic!("no summary");
    };
    assert_eq!(summary.queued, 20);
}

#[test]
fn a_viewer_changes_nothing() {
    let engine = Engine::start();
    let mut wall = engine.attach("wall", Role::Viewer);
    let before = engine.session.watching().state().head;
    assert!(matches!(create(&mut wall, "no"), Reply::Refused(_)));
    assert_eq!(engine.session.watching().state().head, before);
}

#[test]
fn a_copy_resumes_when_the_server_comes_back() {
    let mut engine = Engine::start();
    let mut ana = engine.attach("ana", Role::Operator);
    let copy = Copy::of(engine.target("wall", Role::Viewer));
    assert!(matches!(create(&mut ana, "before"), Reply::Done(_)));
    copy.equals(&engine.session);
    engine.away(|engine| {
        let home = engine.home.clone();
        let mut beside = link::open(&home).unwrap();
        let reply = beside.submit(&creation("meanwhile"));
        assert!(matches!(reply, Reply::Done(_)), "{reply:?}");
    });
    assert!(matches!(create(&mut ana, "after"), Reply::Done(_)));
    copy.equals(&engine.session);
    assert_eq!(copy.state().open_count(), 3);
}

#[test]
fn a_request_that_is_too_long_is_over_at_once_and_alone() {
    let engine = Engine::start();
    let mut ana = engine.attach("ana", Role::Operator);
    let reply = create(&mut ana, &"long ".repeat(7 << 20));
    let Reply::Failed(failure) = reply else {
        panic!("{reply:?}");
    };
    assert_eq!(failure.fault().kind, FaultKind::Misuse);
    until("the connection is as it was", || {
        ana.remote().state() == Some(LinkState::Live)
    });
    assert!(matches!(create(&mut ana, "short"), Reply::Done(_)));
}

#[test]
fn an_import_that_is_longer_than_other_calls_comes_in() {
    let engine = Engine::start();
    let room = Room::empty();
    let token = engine.token_file(room.path(), "root", Role::Operator);
    let text = "a long story ".repeat(4 << 10);
    let lines = (0..120).map(|n| format!("X-{n},item {n},{text}\n"));
    let lines: String = lines.collect();
    assert!(lines.len() > MAX_CALL);
    room.write("big.csv", &format!("id,title,description\n{lines}"));
    let place = format!("--attach ws://{} --token-file {token}", engine.address());
    let dry = room.done(&format!("import csv big.csv --dry-run {place}"));
    assert!(
        dry.out.contains("121 events would be written"),
        "{}",
        dry.out
    );
    assert_eq!(engine.session.watching().state().open_count(), 0);
    room.done(&format!("import csv big.csv {place}"));
    let seen = || engine.session.watching().state().open_count();
    until("the engine has what was imported", || seen() == 120);
}

#[test]
fn who_comes_back_looks_at_everything_beside_the_ledger() {
    let engine = Engine::start();
    let token = engine.target("wall", Role::Viewer).token.unwrap();
    let mut talk = Talk::open(engine.address(), token.secret());
    talk.say(&ToEngine::Hello(Hello {
        protocol: PROTOCOL,
        version: "test".into(),
        follow: Follow::State {
            snapshot_format: SNAPSHOT_FORMAT,
            have: None,
        },
    }));
    let mut missing = vec![Beside::Lives, Beside::Line];
    while !missing.is_empty() {
        match talk.answer() {
            Some(FromEngine::Stirred(beside)) => missing.retain(|other| *other != beside),
            Some(_) => {}
            None => panic!("never told of {missing:?}"),
        }
    }
}
