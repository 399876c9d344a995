//! The andon cord: what an alert holds, what it exempts, and what time does to it. And the promises that buckets make.
#![expect(
    clippy::unwrap_used,
    reason = "a test that unwraps a refusal has failed"
)]

use obeya::domain::{
    agent::PullFilter,
    andon::{Scope, Severity},
    command::{Command, Hold, NewOrder, Sla, StageChange},
    event::Event,
    id::{AlertId, OrderId},
    order::{Bucket, Kind},
    refusal::Refusal,
};

use crate::support::line::{Line, child, rule};

/// A queued order, one in design and one in test, all parts of one epic and in one bucket.
fn busy() -> (Line, OrderId, [OrderId; 3]) {
    let mut line = Line::new();
    let epic = line.epic("e");
    let orders = [(); 3].map(|()| line.person().create(child(epic)).unwrap());
    line.agent("ann").claim(orders[1]).unwrap();
    line.agent("ann").claim(orders[2]).unwrap();
    line.agent("ann").epoch(1).to(orders[2], "test").unwrap();
    (line, epic, orders)
}

#[test]
fn a_hold_refuses_its_scope_and_thaws_by_itself() {
    let (_, epic, [queued, design, test]) = busy();
    // What each scope stops: a start of the queued one, a move of the one in design, an end of the one in test.
    for (scope, start, forward, done) in [
        (Scope::Line, true, true, true),
        (Scope::Bucket(Bucket::Features), true, true, true),
        (Scope::Bucket(Bucket::Cost), false, false, false),
        (Scope::Epic(epic), true, true, true),
        (Scope::Stage("design".into()), true, true, false),
        (Scope::Stage("code".into()), false, true, false),
        (Scope::Stage("test".into()), false, false, true),
        (Scope::Order(queued), true, false, false),
        (Scope::Order(test), false, false, true),
        (Scope::Agent("ann".into()), true, true, true),
        (Scope::Agent("bob".into()), false, false, false),
    ] {
        let (mut line, ..) = busy();
        let alert = line.person().hold(scope.clone());
        let mut held = 0;
        let mut check = |outcome: Result<Vec<Event>, Refusal>, stops: bool| {
            assert_eq!(outcome.is_err(), stops, "{scope}: {outcome:?}");
            if let Err(refusal) = outcome {
                assert!(
                    matches!(&refusal, Refusal::Held { alerts, .. } if *alerts == [alert]),
                    "{scope}: {refusal}"
                );
                held += 1;
            }
        };
        check(line.agent("ann").claim(queued), start);
        check(line.agent("ann").epoch(1).right(design), forward);
        check(line.agent("ann").epoch(1).complete(test), done);
        line.agent("ann")
            .epoch(1)
            .comment(design, "waiting")
            .unwrap();
        if held > 0 {
            line.person().resolve(alert).unwrap();
        }
        if start {
            line.agent("ann").claim(queued).unwrap();
        }
        if forward {
            line.agent("ann").epoch(1).right(design).unwrap();
        }
        if done {
            line.agent("ann").epoch(1).complete(test).unwrap();
        }
    }
}

#[test]
fn comments_releases_cancels_and_steps_back_pass_every_hold() {
    let (mut line, epic, [queued, design, test]) = busy();
    line.person().hold(Scope::Line);
    assert_eq!(rule(line.agent("ann").next()), "nothing_ready");
    line.agent("ann").epoch(1).comment(test, "held").unwrap();
    line.agent("ann").epoch(1).left(test).unwrap();
    line.agent("ann").epoch(1).release(test).unwrap();
    line.person().cancel(queued).unwrap();
    line.person().cancel(design).unwrap();
    line.person().cancel(test).unwrap();
    assert_eq!(rule(line.person().complete(epic)), "held");
}

#[test]
fn a_hold_of_the_line_answers_next_with_its_alert() {
    let (mut line, _, [queued, ..]) = busy();
    let alert = line.person().hold(Scope::Line);
    let nothing = line.agent("bob").next().unwrap_err();
    assert!(
        matches!(&nothing, Refusal::NothingReady { queued: 1, held: 1, alerts, .. } if *alerts == [alert])
    );
    line.person().resolve(alert).unwrap();
    let events = line.agent("bob").next().unwrap();
    assert!(matches!(events[0], Event::OrderStarted { id, .. } if id == queued));
}

#[test]
fn an_order_that_waits_and_is_held_counts_as_both() {
    let (mut line, _, [queued, design, _]) = busy();
    line.person().depend(queued, design).unwrap();
    let alert = line.person().hold(Scope::Line);
    let nothing = line.agent("bob").next().unwrap_err();
    assert!(
        matches!(&nothing, Refusal::NothingReady { queued: 1, blocked: 1, held: 1, alerts, .. } if *alerts == [alert]),
        "{nothing:?}"
    );
    assert_eq!(
        nothing.to_string(),
        format!("none of 1 queued can start: 1 waits for others, 1 held by {alert}")
    );
}

#[test]
fn two_holds_thaw_one_by_one() {
    let (mut line, _, [queued, ..]) = busy();
    let (one, two) = (
        line.person().hold(Scope::Line),
        line.person().hold(Scope::Order(queued)),
    );
    let refusal = line.agent("bob").claim(queued).unwrap_err();
    assert!(
        matches!(&refusal, Refusal::Held { alerts, scope: Scope::Line, .. } if *alerts == [one, two])
    );
    line.person().resolve(one).unwrap();
    assert_eq!(rule(line.agent("bob").claim(queued)), "held");
    line.person().resolve(two).unwrap();
    line.agent("bob").claim(queued).unwrap();
}

#[test]
fn corrective_orders_are_exempt_from_their_own_alert_only() {
    let (mut line, epic, [queued, ..]) = busy();
    let alert = line.person().hold(Scope::Line);
    assert_eq!(rule(line.person().correct(alert, epic)), "epic");
    line.person().correct(alert, queued).unwrap();
    assert_eq!(line.person().correct(alert, queued).unwrap(), []);
    line.agent("bob").claim(queued).unwrap();
    let born = NewOrder {
        corrective: vec![alert],
        ..NewOrder::task("mend it")
    };
    let born = line.person().create(born).unwrap();
    assert_eq!(line.state.alert(alert).unwrap().corrective, [queued, born]);
    line.person().start(born).unwrap();
    line.person().hold(Scope::Bucket(Bucket::Features));
    assert_eq!(rule(line.person().complete(born)), "held");
    for corrective in [vec![AlertId(99)], vec![alert, AlertId(99)]] {
        let unknown = NewOrder {
            corrective,
            ..NewOrder::task("x")
        };
        assert_eq!(rule(line.person().create(unknown)), "not_found");
    }
    let epic = NewOrder {
        corrective: vec![alert],
        kind: Kind::Epic,
        ..NewOrder::task("x")
    };
    assert_eq!(rule(line.person().create(epic)), "epic");
}

#[test]
fn only_critical_holds_the_line_unless_somebody_says_otherwise() {
    let cases = [
        (Severity::Low, None, None),
        (Severity::High, None, None),
        (Severity::Critical, None, Some(Scope::Line)),
        (Severity::Critical, Some(Hold::Nothing), None),
        (
            Severity::Low,
            Some(Hold::Scope(Scope::Line)),
            Some(Scope::Line),
        ),
    ];
    for (severity, said, held) in cases {
        let mut line = Line::new();
        let id = line.person().andon(severity, said).unwrap();
        assert_eq!(line.state.alert(id).unwrap().hold, held, "{severity}");
    }
}

#[test]
fn a_hold_names_what_is_there() {
    let mut line = Line::new();
    let id = line.order("a");
    let mut hold = |scope| line.person().andon(Severity::Low, Some(Hold::Scope(scope)));
    assert_eq!(rule(hold(Scope::Order(OrderId::work(9)))), "not_found");
    assert_eq!(rule(hold(Scope::Epic(OrderId::epic(9)))), "not_found");
    assert_eq!(rule(hold(Scope::Stage("nowhere".into()))), "not_found");
    assert_eq!(rule(hold(Scope::Agent("\u{1b}[2J".into()))), "invalid");
    line.person().cancel(id).unwrap();
    let closed = Hold::Scope(Scope::Order(id));
    assert_eq!(
        rule(line.person().andon(Severity::Low, Some(closed))),
        "closed"
    );
}

#[test]
fn a_hold_on_a_stage_that_goes_holds_nothing_more() {
    let (mut line, ..) = busy();
    let alert = line.person().hold(Scope::Stage("code".into()));
    line.person().stage("code", StageChange::Remove).unwrap();
    line.agent("ann").epoch(1).right(OrderId::work(2)).unwrap();
    line.person().resolve(alert).unwrap();
}

#[test]
fn a_condition_raises_one_alert() {
    let mut line = Line::new();
    line.person().condition(Severity::Low, "ci:red").unwrap();
    line.wait(60);
    let again = line.person().condition(Severity::Low, "ci:red").unwrap();
    assert!(matches!(&again[..], [Event::AlertRepeated { .. }]));
    let worse = line.person().condition(Severity::High, " ci:red ").unwrap();
    assert!(matches!(
        &worse[..],
        [
            _,
            Event::AlertEscalated {
                severity: Severity::High,
                ..
            }
        ]
    ));
    let alert = line.state.alert(AlertId(1)).unwrap();
    assert_eq!(
        (alert.count, alert.severity, line.state.alerts.len()),
        (3, Severity::High, 1)
    );
    assert_eq!(alert.last_seen, line.now);
    line.person().condition(Severity::Low, "disk:full").unwrap();
    assert_eq!(line.state.alerts.len(), 2);
}

#[test]
fn a_repeat_that_holds_more_is_never_dropped_in_silence() {
    let mut line = Line::new();
    let mut cord = |severity, hold: Option<Scope>| {
        let command = Command::TriggerAndon {
            reason: "quality slipped".into(),
            severity,
            hold: hold.map(Hold::Scope),
            fingerprint: Some("ci:red".into()),
            order: None,
        };
        let answer = line.person().submit(command);
        let held = line
            .state
            .alert(AlertId(1))
            .and_then(|alert| alert.hold.clone());
        (answer, held)
    };
    let bucket = Scope::Bucket(Bucket::Cost);
    assert_eq!(cord(Severity::Low, None).1, None);
    assert_eq!(
        cord(Severity::Low, Some(bucket.clone())).1,
        Some(bucket.clone())
    );
    assert_eq!(cord(Severity::Low, None).1, Some(bucket.clone()));
    let (other, held) = cord(Severity::Low, Some(Scope::Bucket(Bucket::Features)));
    assert_eq!((rule(other), held), ("invalid", Some(bucket)));
    assert_eq!(cord(Severity::Critical, None).1, Some(Scope::Line));
    assert_eq!(
        cord(Severity::Low, Some(Scope::Stage("code".into()))).1,
        Some(Scope::Line)
    );
}

#[test]
fn recovery_is_noted_and_a_repeat_takes_it_back() {
    let mut line = Line::new();
    assert_eq!(rule(line.person().recover("ci:red")), "not_found");
    line.person().condition(Severity::Low, "ci:red").unwrap();
    line.person().recover("ci:red").unwrap();
    assert_eq!(line.person().recover("ci:red").unwrap(), []);
    assert!(
        line.state.alert(AlertId(1)).unwrap().recovered.is_some(),
        "it stays until somebody resolves it"
    );
    line.person().condition(Severity::Low, "ci:red").unwrap();
    assert!(line.state.alert(AlertId(1)).unwrap().recovered.is_none());
    line.person().resolve(AlertId(1)).unwrap();
    assert!(line.archive.alerts.contains_key(&AlertId(1)));
    assert_eq!(rule(line.person().resolve(AlertId(1))), "not_found");
    line.person().condition(Severity::Low, "ci:red").unwrap();
    assert_eq!(line.state.alerts.keys().collect::<Vec<_>>(), [&AlertId(2)]);
}

#[test]
fn a_snooze_keeps_the_hold_and_wakes() {
    let (mut line, _, [queued, ..]) = busy();
    let alert = line.person().andon(Severity::Critical, None).unwrap();
    line.person().snooze(alert, 600).unwrap();
    assert_eq!(rule(line.agent("bob").claim(queued)), "held");
    line.wait(599);
    assert!(line.tick().is_empty());
    line.wait(1);
    assert_eq!(line.tick(), [Event::AlertWoke { id: alert }]);
    assert_eq!(rule(line.person().snooze(alert, 0)), "invalid");
    assert_eq!(rule(line.person().snooze(alert, 604_801)), "invalid");
    line.person().snooze(alert, 600).unwrap();
    line.person().acknowledge(alert).unwrap();
    assert_eq!(line.person().acknowledge(alert).unwrap(), []);
    line.wait(600);
    let woken = line
        .tick()
        .iter()
        .any(|event| matches!(event, Event::AlertWoke { .. }));
    assert!(!woken, "whoever took notice is not woken");
}

#[test]
fn what_nobody_acknowledges_grows_worse_and_holds_no_more_than_before() {
    let mut line = Line::new();
    let id = line.person().andon(Severity::Medium, None).unwrap();
    let mut seen = vec![];
    for _ in 0..1_000 {
        line.wait(60);
        let now = (line.now.0 - crate::support::line::NOON.0) / 60_000_000;
        seen.extend(line.tick().into_iter().map(|event| (now, event)));
    }
    let expected = [(240, Severity::High), (300, Severity::Critical)];
    let expected = expected.map(|(minute, severity)| {
        let reason = None;
        let grown = Event::AlertEscalated {
            id,
            severity,
            reason,
        };
        (minute, grown)
    });
    assert_eq!(seen, expected);
    assert_eq!(line.state.alert(id).unwrap().hold, None);
    let watched = line.person().andon(Severity::Medium, None).unwrap();
    line.person().acknowledge(watched).unwrap();
    line.wait(1_000_000);
    assert!(line.tick().is_empty());
}

// Promises.

#[test]
fn a_bucket_alerts_once_and_counts() {
    let mut line = Line::new();
    let first = line.order_in(Bucket::Security);
    line.wait(3_600);
    let [second, third] = [(); 2].map(|()| line.order_in(Bucket::Security));
    let other = line.order_in(Bucket::TechnicalDebt);
    line.wait(23 * 3_600 - 1);
    assert!(line.tick().is_empty());
    line.wait(1);
    let events = line.tick();
    assert!(
        matches!(&events[..], [Event::SlaBreached { id, .. }, Event::AlertRaised { hold: None, fingerprint: Some(f), .. }]
            if *id == first && f == "sla:security"),
        "{events:?}"
    );
    line.wait(3_600);
    assert_eq!(line.tick().len(), 4);
    assert_eq!(line.state.alerts.len(), 1);
    assert_eq!(line.state.alert(AlertId(1)).unwrap().count, 3);
    line.wait(1_000_000);
    assert!(
        line.tick().is_empty(),
        "each order once; what promises nothing breaks nothing: {other}"
    );
    line.person().bucket(second, Bucket::Cost).unwrap();
    line.person().bucket(second, Bucket::Security).unwrap();
    assert_eq!(line.tick().len(), 2, "it came back late");
    let _ = third;
}

#[test]
fn a_shorter_promise_counts_at_once() {
    let mut line = Line::new();
    line.order_in(Bucket::TechnicalDebt);
    line.wait(7_200);
    line.person()
        .promise(Bucket::TechnicalDebt, Sla::Hours(2))
        .unwrap();
    assert_eq!(line.tick().len(), 2);
}

#[test]
fn two_buckets_that_are_late_together_raise_two_alerts() {
    let mut line = Line::new();
    line.order_in(Bucket::Security);
    line.order_in(Bucket::Compliance);
    line.order_in(Bucket::Security);
    line.wait(200 * 3_600);
    assert_eq!(line.tick().len(), 6);
    let alerts: Vec<_> = line
        .state
        .alerts
        .values()
        .map(|a| (a.id.0, a.fingerprint.clone().unwrap(), a.count))
        .collect();
    assert_eq!(
        alerts,
        [
            (1, "sla:security".into(), 2),
            (2, "sla:compliance".into(), 1)
        ]
    );
}

#[test]
fn a_reopened_order_is_promised_anew() {
    let mut line = Line::new();
    let id = line.order_in(Bucket::Security);
    line.wait(25 * 3_600);
    line.person().cancel(id).unwrap();
    line.person().reopen(id).unwrap();
    assert!(!line.state.order(id).unwrap().breached);
    line.wait(24 * 3_600);
    assert!(matches!(line.tick()[0], Event::SlaBreached { .. }));
}

// Agents.

#[test]
fn a_paused_agent_pulls_nothing_and_finishes_what_it_has() {
    let mut line = Line::new();
    let (a, b) = (line.order("a"), line.order("b"));
    assert_eq!(rule(line.person().pause("ann")), "not_found");
    assert_eq!(rule(line.person().resume("ann")), "not_found");
    line.agent("ann").claim(a).unwrap();
    line.person()
        .register("ann", PullFilter::default())
        .unwrap();
    assert_eq!(
        line.state.agent("ann").unwrap().holds,
        [a],
        "it held that before it was registered"
    );
    assert_eq!(
        line.person()
            .register("ann", PullFilter::default())
            .unwrap(),
        []
    );
    line.person().pause("ann").unwrap();
    assert_eq!(line.person().pause("ann").unwrap(), []);
    assert_eq!(rule(line.agent("ann").claim(b)), "agent_paused");
    assert_eq!(rule(line.agent("ann").next()), "agent_paused");
    line.agent("ann").epoch(1).complete(a).unwrap();
    line.person().resume("ann").unwrap();
    line.agent("ann")
        .submit(Command::ClaimOrder {
            id: b,
            lease_seconds: None,
        })
        .unwrap();
}

#[test]
fn an_agent_that_holds_nothing_is_unregistered() {
    let mut line = Line::new();
    let id = line.order("a");
    assert_eq!(rule(line.person().unregister("ann")), "not_found");
    line.person()
        .register("ann", PullFilter::default())
        .unwrap();
    line.person().pause("ann").unwrap();
    line.person().resume("ann").unwrap();
    line.agent("ann").claim(id).unwrap();
    let refused = line.person().unregister("ann").unwrap_err();
    let release = format!("obeya work-order release {id} --force --reason …");
    assert_eq!(
        (refused.rule(), refused.lift()),
        ("agent_holds", vec![release])
    );
    line.agent("ann").epoch(1).complete(id).unwrap();
    line.person().unregister("ann").unwrap();
    assert_eq!(line.state.agent("ann"), None);
    // What it was allowed and what it did are gone with it.
    line.person()
        .register("ann", PullFilter::default())
        .unwrap();
    assert_eq!(line.state.agent("ann").unwrap().completed, 0);
}
