//! A copy of the line is the line.

use obeya::{
    domain::{
        command::Role,
        query::{Answer, Query},
    },
    link::{self, FaultKind, Observer as _, Reply, remote::LinkState},
};

use super::support::{Copy, Engine, create, creation};

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
    let reply = create(&mut ana, &"long ".repeat(1 << 20));
    let Reply::Failed(failure) = reply else {
        panic!("{reply:?}");
    };
    assert_eq!(failure.fault().kind, FaultKind::Misuse);
    assert_eq!(ana.remote().state(), Some(LinkState::Live));
    assert!(matches!(create(&mut ana, "short"), Reply::Done(_)));
}
