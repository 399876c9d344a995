//! A command id is applied once.

use obeya::{
    domain::{command::Command, refusal::Refusal},
    engine::Reply,
};
use std::sync::mpsc;

use super::{thread::Gate, *};

#[test]
fn a_retry_gets_the_first_answer_from_whoever_it_asks() {
    let shop = Shop::new();
    for title in ["one", "two", "three"] {
        done(shop.writer().submit(&create(title)));
    }
    let created = create("four");
    let pulled = next();
    let first: Vec<Outcome> = [&created, &pulled]
        .map(|s| done(shop.writer().submit(s)))
        .into();
    let finished = complete(subject(&first[0]));
    done(shop.writer().submit(&person(Command::StartOrder {
        id: subject(&first[0]),
    })));
    let third = done(shop.writer().submit(&finished));
    let before = shop.records().len();
    for (command, first) in [
        (&created, &first[0]),
        (&pulled, &first[1]),
        (&finished, &third),
    ] {
        let again = done(shop.writer().submit(command));
        assert!(again.repeated && !first.repeated);
        assert_eq!(again.records, first.records);
    }
    assert_eq!(shop.records().len(), before);
}

#[test]
fn the_same_id_with_another_body_is_refused() {
    let shop = Shop::new();
    let first = create("mine");
    let seq = done(shop.writer().submit(&first)).records[0].seq;
    let mut other = create("not mine");
    other.id = first.id;
    let reply = shop.writer().submit(&other);
    assert_eq!(reply, Reply::Refused(Refusal::CommandReused { seq }));
    assert_eq!(shop.records().last().unwrap().seq, seq);
}

#[test]
fn refusals_and_what_changes_nothing_are_decided_anew() {
    let shop = Shop::new();
    let mut writer = shop.writer();
    let id = subject(&done(writer.submit(&create("to be started"))));
    let finish = complete(id);
    assert!(matches!(writer.submit(&finish), Reply::Refused(_)));
    done(writer.submit(&person(Command::StartOrder { id })));
    assert!(!done(writer.submit(&finish)).repeated);

    let resume = person(Command::RemoveDependency {
        id: subject(&done(writer.submit(&create("waits")))),
        on: subject(&done(writer.submit(&create("for this")))),
    });
    let nothing = writer.submit(&resume);
    let Command::RemoveDependency { id, on } = resume.command else {
        panic!()
    };
    done(writer.submit(&person(Command::AddDependency { id, on })));
    let again = done(writer.submit(&resume));
    assert_eq!(
        (again.records.len(), again.repeated),
        (1, false),
        "{nothing:?}"
    );
}

#[test]
fn one_group_takes_a_command_once() {
    let shop = Shop::new();
    let engine = shop.engine();
    let handle = engine.handle();
    let gate = Gate::hold(&engine);
    let first = create("twice in one group");
    let mut other = create("another body");
    other.id = first.id;
    let mut imagined = first.clone();
    imagined.dry_run = true;
    let (send, replies) = mpsc::channel();
    for submission in [&first, &first, &other, &imagined] {
        let send = send.clone();
        handle.submit_then(submission.clone(), move |reply| send.send(reply).unwrap());
    }
    gate.open();
    let replies: Vec<Reply> = replies.iter().take(4).collect();
    let one = done(replies[0].clone());
    let two = done(replies[1].clone());
    assert_eq!((one.repeated, two.repeated), (false, true));
    assert_eq!(one.records, two.records);
    let seq = one.records[0].seq;
    assert_eq!(replies[2], Reply::Refused(Refusal::CommandReused { seq }));
    assert!(done(replies[3].clone()).dry_run);
    let own = shop.records().into_iter().filter(|r| r.command == first.id);
    assert_eq!(own.count(), 1);
}

#[test]
fn an_id_reused_after_nothing_was_changed_is_another_command() {
    let shop = Shop::new();
    let engine = shop.engine();
    let handle = engine.handle();
    let id = subject(&done(handle.submit(create("one"))));
    let gate = Gate::hold(&engine);
    let nothing = person(Command::RegisterAgent {
        name: "robot".into(),
        role: None,
        capabilities: PullFilter::default(),
    });
    let mut comment = person(Command::CommentOrder {
        id,
        text: "another body".into(),
    });
    comment.id = nothing.id;
    let (send, replies) = mpsc::channel();
    for submission in [&nothing, &comment, &nothing] {
        let send = send.clone();
        handle.submit_then(submission.clone(), move |reply| send.send(reply).unwrap());
    }
    gate.open();
    let replies: Vec<Reply> = replies.iter().take(3).collect();
    assert_eq!(done(replies[0].clone()).records, [], "registered already");
    let commented = done(replies[1].clone());
    assert_eq!((commented.records.len(), commented.repeated), (1, false));
    let seq = commented.records[0].seq;
    assert_eq!(replies[2], Reply::Refused(Refusal::CommandReused { seq }));
}

#[test]
fn what_its_caller_gave_up_is_not_done_later() {
    let shop = Shop::new();
    shop.clock.advance(10 * SECOND);
    let before = shop.records().len();
    let late = Submission {
        until: Some(9 * SECOND),
        ..create("given up")
    };
    let reply = shop.writer().submit(&late);
    assert!(matches!(reply, Reply::Failed(Failure::NotApplied(_))));
    assert_eq!(shop.records().len(), before);
    let in_time = Submission {
        until: Some(10 * SECOND),
        ..late
    };
    assert!(!done(shop.writer().submit(&in_time)).repeated);
}

#[test]
fn a_dry_run_shows_and_writes_nothing() {
    let shop = Shop::new();
    let mut writer = shop.writer();
    let mut order = create("imagined");
    order.dry_run = true;
    let imagined = done(writer.submit(&order));
    assert!(imagined.dry_run);
    assert_eq!(kinds(&imagined.records), ["order_created"]);
    assert_eq!(shop.records().len(), imagined.records[0].seq as usize - 1);
    order.dry_run = false;
    assert!(!done(writer.submit(&order)).repeated);
}
