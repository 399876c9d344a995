//! Text and lists from outside: hostile ones are cleaned or refused, long ones are refused.
#![expect(
    clippy::unwrap_used,
    reason = "a test that unwraps a refusal has failed"
)]

use obeya::domain::{
    andon::Severity,
    command::{Command, NewOrder, Role},
    event::Changes,
    order::{Actor, Link, PullSignal},
};

use crate::support::line::{Line, rule};

#[test]
fn hostile_text_is_cleaned_or_refused() {
    let mut line = Line::new();
    let titles = [
        ("\u{1b}[31mred\u{1b}[0m alert", Some("red alert")),
        ("a\u{202e}b\u{200b}c", Some("abc")),
        ("  two\r\nlines\t", Some("two lines")),
        ("\u{1b}[2J", None),
        ("", None),
        (" \n ", None),
    ];
    for (title, wanted) in titles {
        let created = line.person().create(NewOrder::task(title));
        match wanted {
            Some(wanted) => assert_eq!(line.state.order(created.unwrap()).unwrap().title, wanted),
            None => assert_eq!(rule(created), "invalid", "{title:?}"),
        }
    }
    let long = NewOrder::task("x".repeat(301));
    assert_eq!(rule(line.person().create(long)), "invalid");
    let id = line
        .person()
        .create(NewOrder::task("é".repeat(300)))
        .unwrap();
    assert_eq!(
        rule(line.person().comment(id, &"x".repeat(64 * 1024 + 1))),
        "invalid"
    );
    assert_eq!(rule(line.person().comment(id, "\u{1b}[2J \n")), "invalid");
    line.person().comment(id, "fine\u{1b}[31m\nby me").unwrap();
    assert!(line.records.last().unwrap().body.contains(r"fine\nby me"));
    for reason in ["x".repeat(1_001), "\u{1f9ea}".repeat(1_500)] {
        let outcome = line.person().submit(Command::CancelOrder { id, reason });
        assert_eq!(rule(outcome), "invalid", "too long is refused, never cut");
    }
    let signal = PullSignal {
        kind: "\u{7}".into(),
        source: None,
    };
    assert_eq!(
        rule(line.person().create(NewOrder {
            signal,
            ..NewOrder::task("a")
        })),
        "invalid"
    );
    let estimate = Some(u32::MAX);
    assert_eq!(
        rule(line.person().create(NewOrder {
            estimate,
            ..NewOrder::task("a")
        })),
        "invalid"
    );
    for name in ["", "a\u{1b}b", " a", "\u{202e}", "x".repeat(81).as_str()] {
        let outcome = line
            .hand(Actor::person(name), Role::Admin)
            .comment(id, "who?");
        assert_eq!(rule(outcome), "invalid", "{name:?}");
    }
}

#[test]
fn labels_are_sorted_single_and_plain() {
    let mut line = Line::new();
    let labels = |labels: &[&str]| labels.iter().map(ToString::to_string).collect::<Vec<_>>();
    let id = line
        .person()
        .create(NewOrder {
            labels: labels(&["b", " a ", "b"]),
            ..NewOrder::task("x")
        })
        .unwrap();
    assert_eq!(line.state.order(id).unwrap().labels, ["a", "b"]);
    let mut edit = |add: &[&str], remove: &[&str]| {
        line.person().submit(Command::EditOrder {
            id,
            changes: Changes::default(),
            add_labels: labels(add),
            remove_labels: labels(remove),
        })
    };
    assert_eq!(edit(&["a"], &["z"]).unwrap(), []);
    edit(&["c"], &[" a "]).unwrap();
    assert_eq!(rule(edit(&["x,y"], &[])), "invalid");
    assert_eq!(rule(edit(&[""], &[])), "invalid");
    assert_eq!(line.state.order(id).unwrap().labels, ["b", "c"]);
    let many = (0..33).map(|n| n.to_string()).collect();
    assert_eq!(
        rule(line.person().create(NewOrder {
            labels: many,
            ..NewOrder::task("x")
        })),
        "limit"
    );
}

#[test]
fn every_list_has_a_limit() {
    let mut line = Line::new();
    let id = line.order("hub");
    let orders: Vec<_> = (0..2_001).map(|_| line.order("x")).collect();
    let all = NewOrder {
        depends_on: orders.clone(),
        ..NewOrder::task("x")
    };
    assert_eq!(rule(line.person().create(all)), "limit");
    let most = NewOrder {
        depends_on: orders[1..].to_vec(),
        ..NewOrder::task("x")
    };
    let most = line.person().create(most).unwrap();
    assert_eq!(rule(line.person().depend(most, id)), "limit");
    for n in 0..200 {
        let link = Link {
            kind: "related".into(),
            target: n.to_string(),
        };
        line.person().submit(Command::AddLink { id, link }).unwrap();
    }
    let link = Link {
        kind: "related".into(),
        target: "one more".into(),
    };
    assert_eq!(
        rule(line.person().submit(Command::AddLink { id, link })),
        "limit"
    );
    let alert = line.person().andon(Severity::Low, None).unwrap();
    for order in &orders[..200] {
        line.person().correct(alert, *order).unwrap();
    }
    assert_eq!(rule(line.person().correct(alert, id)), "limit");
    let corrective = NewOrder {
        corrective: vec![alert],
        ..NewOrder::task("x")
    };
    assert_eq!(rule(line.person().create(corrective)), "limit");
}
