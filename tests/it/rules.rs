//! The rules of the line, one case in a few lines each: who starts, what moves, what is full.
#![expect(
    clippy::unwrap_used,
    reason = "a test that unwraps a refusal has failed"
)]

use obeya::domain::{
    agent::PullFilter,
    command::{Command, Sla, StageChange},
    event::Event,
    id::OrderId,
    order::{Actor, Bucket},
    refusal::Refusal,
};

use crate::support::{
    hand::Hand,
    invariants,
    line::{Line, open, rule, urgent},
};

fn put(wip_limit: Option<u32>, position: Option<u32>) -> StageChange {
    StageChange::Put {
        wip_limit,
        position,
    }
}

// One winner, and whose hold it is.

#[test]
fn one_order_has_one_winner() {
    let mut line = Line::new();
    let id = line.order("a");
    line.agent("ann").claim(id).unwrap();
    assert_eq!(rule(line.agent("bob").claim(id)), "already_started");
    assert_eq!(rule(line.agent("ann").claim(id)), "already_started");
    assert_eq!(rule(line.person().start(id)), "already_started");
    assert_eq!(rule(line.agent("bob").next()), "nothing_ready");
    assert_eq!(open(&line, id).work().unwrap().holder, Actor::agent("ann"));
}

#[test]
fn a_persons_start_has_no_end_and_an_agents_start_is_a_claim() {
    let mut line = Line::new();
    let (a, b) = (line.order("a"), line.order("b"));
    line.person().start(a).unwrap();
    line.agent("ann").start(b).unwrap();
    line.wait(900);
    assert!(
        matches!(line.tick().as_slice(), [Event::LeaseLapsed { id, epoch: 1, .. }] if *id == b)
    );
    assert!(open(&line, a).work().is_some());
}

#[test]
fn next_takes_priority_then_due_then_age_then_number() {
    let mut line = Line::new();
    let old = line.order("old");
    line.wait(60);
    let twin = line.order("twin");
    let other = line.order("other twin");
    let soon = line.order_in(Bucket::Security);
    let never = line.order_in(Bucket::TechnicalDebt);
    let first = line.person().create(urgent(9)).unwrap();
    for wanted in [first, soon, old, twin, other, never] {
        let events = line.person().next().unwrap();
        assert!(
            matches!(&events[..], [Event::OrderStarted { id, .. }] if *id == wanted),
            "{wanted}: {events:?}"
        );
    }
    assert_eq!(rule(line.person().next()), "nothing_ready");
}

#[test]
fn next_passes_over_what_cannot_start_and_keeps_to_filter_and_capabilities() {
    let mut line = Line::new();
    let (full, blocked, ready) = (
        line.order_in(Bucket::Cost),
        line.order("b"),
        line.order_in(Bucket::Security),
    );
    line.person().limit(Bucket::Cost, 0).unwrap();
    line.person().depend(blocked, ready).unwrap();
    line.epic("never pulled");
    let labels = PullFilter {
        labels: vec!["ui".into()],
        ..PullFilter::default()
    };
    line.person().register("ann", labels).unwrap();
    let nothing = line.agent("ann").next().unwrap_err();
    assert!(
        matches!(nothing, Refusal::NothingReady { queued: 0, .. }),
        "{nothing:?}"
    );
    let filter = PullFilter {
        buckets: vec![Bucket::Cost, Bucket::Features],
        ..PullFilter::default()
    };
    let nothing = line
        .agent("bob")
        .submit(Command::PullNext {
            filter,
            lease_seconds: None,
        })
        .unwrap_err();
    assert!(
        matches!(&nothing, Refusal::NothingReady { queued: 2, blocked: 1, full: 1, full_buckets, .. } if *full_buckets == [Bucket::Cost]),
        "{nothing:?}"
    );
    line.agent("bob").next().unwrap();
    assert!(open(&line, ready).lease().is_some() && open(&line, full).work().is_none());
}

#[test]
fn releasing_needs_the_holder_or_force_with_a_reason() {
    let mut line = Line::new();
    let id = line.order("a");
    line.agent("ann").claim(id).unwrap();
    assert_eq!(rule(line.person().release(id)), "not_holder");
    assert_eq!(rule(line.person().force(id, None)), "invalid");
    assert_eq!(rule(line.person().force(id, Some("  "))), "invalid");
    let events = line.person().force(id, Some("she left")).unwrap();
    assert!(matches!(
        &events[..],
        [Event::OrderReleased { forced: true, .. }]
    ));
    line.agent("bob").claim(id).unwrap();
    let events = line.agent("bob").epoch(2).release(id).unwrap();
    assert!(matches!(
        &events[..],
        [Event::OrderReleased { forced: false, .. }]
    ));
    assert_eq!(rule(line.person().release(id)), "not_started");
}

#[test]
fn release_clears_everything_but_the_epoch() {
    let mut line = Line::new();
    line.person()
        .register("ann", PullFilter::default())
        .unwrap();
    let id = line.order("a");
    line.agent("ann").claim(id).unwrap();
    line.agent("ann").epoch(1).right(id).unwrap();
    assert_eq!(line.state.agent("ann").unwrap().holds, [id]);
    line.agent("ann").epoch(1).release(id).unwrap();
    let order = open(&line, id);
    assert_eq!((order.work(), order.lease(), order.epoch), (None, None, 1));
    assert!(line.state.agent("ann").unwrap().holds.is_empty());
    assert!(line.state.counts.stages.is_empty());
    assert_eq!(line.state.counts.wip, [0; 6]);
}

// Epochs and leases.

#[test]
fn a_stale_epoch_writes_nothing() {
    let mut line = Line::new();
    let (id, other) = (line.order("a"), line.order("b"));
    line.agent("ann").claim(id).unwrap();
    line.wait(901);
    line.tick();
    line.agent("ann").claim(id).unwrap();
    type Write = fn(Hand<'_>, OrderId, OrderId) -> Result<Vec<Event>, Refusal>;
    let writes: [Write; 11] = [
        |hand, id, _| hand.right(id),
        |hand, id, _| hand.complete(id),
        |hand, id, _| hand.release(id),
        |hand, id, _| hand.comment(id, "done?"),
        |hand, id, _| hand.bucket(id, Bucket::Cost),
        |hand, id, other| hand.depend(id, other),
        |hand, id, other| hand.undepend(id, other),
        |hand, id, _| hand.to(id, "test"),
        |hand, id, _| hand.force(id, Some("mine")),
        |hand, id, _| hand.claim(id),
        |hand, id, _| hand.start(id),
    ];
    for (n, write) in writes.iter().enumerate() {
        let before = line.state.state_hash();
        assert_eq!(
            rule(write(line.agent("ann").epoch(1), id, other)),
            "stale_epoch",
            "write {n}"
        );
        assert_eq!(
            rule(write(line.person().epoch(1), id, other)),
            "stale_epoch",
            "write {n}"
        );
        if n < 9 {
            assert_eq!(
                rule(write(line.agent("ann"), id, other)),
                "stale_epoch",
                "write {n} without an epoch"
            );
            // Epochs count per order: another agent's number may well be the same.
            assert_eq!(
                rule(write(line.agent("bob").epoch(2), id, other)),
                "not_holder",
                "write {n}"
            );
            assert_eq!(
                rule(write(line.agent("bob"), id, other)),
                "not_holder",
                "write {n}"
            );
        }
        assert_eq!(line.state.state_hash(), before, "write {n}");
    }
    line.agent("ann").epoch(2).complete(id).unwrap();
    assert_eq!(
        rule(line.agent("ann").epoch(1).comment(id, "late")),
        "stale_epoch"
    );
    line.agent("ann")
        .epoch(2)
        .comment(id, "my claim closed it")
        .unwrap();
    line.agent("bob").comment(id, "well done").unwrap();
}

#[test]
fn an_epoch_never_comes_back() {
    let mut line = Line::new();
    let id = line.order("a");
    for epoch in 1..=3 {
        line.agent("ann").claim(id).unwrap();
        assert_eq!(open(&line, id).epoch, epoch);
        line.agent("ann").epoch(epoch).release(id).unwrap();
    }
    line.person().cancel(id).unwrap();
    line.person().reopen(id).unwrap();
    line.person().start(id).unwrap();
    assert_eq!(open(&line, id).epoch, 4);
    assert_eq!(rule(line.person().epoch(4).complete(id)), "stale_epoch");
}

#[test]
fn no_lock_outlives_its_lease() {
    let mut line = Line::new();
    let id = line.order("a");
    let lease_seconds = Some(60);
    line.agent("ann")
        .submit(Command::ClaimOrder { id, lease_seconds })
        .unwrap();
    line.wait(59);
    assert!(line.tick().is_empty());
    line.heartbeat(id, 1, 60);
    line.wait(59);
    assert!(
        line.tick().is_empty(),
        "the lease was renewed beside the ledger"
    );
    line.wait(1);
    assert_eq!(line.tick().len(), 1);
    line.agent("bob")
        .submit(Command::ClaimOrder { id, lease_seconds })
        .unwrap();
    line.heartbeat(id, 1, 100_000);
    line.wait(60);
    assert_eq!(
        line.tick().len(),
        1,
        "a renewal of an old epoch renews nothing"
    );
    for lease_seconds in [Some(0), Some(4), Some(604_801), Some(u32::MAX)] {
        assert_eq!(
            rule(
                line.agent("ann")
                    .submit(Command::ClaimOrder { id, lease_seconds })
            ),
            "invalid"
        );
    }
}

#[test]
fn when_the_clock_jumps_leases_start_anew_and_one_alert_says_so() {
    for jump in [365 * 86_400, -365 * 86_400, 7_200] {
        let mut line = Line::new();
        let id = line.order_in(Bucket::TechnicalDebt);
        line.agent("ann").claim(id).unwrap();
        let events = line.jump(jump);
        assert!(matches!(
            &events[..],
            [
                Event::AlertRaised { hold: None, .. },
                Event::LeasesRenewed { .. }
            ]
        ));
        assert!(line.tick().is_empty());
        assert!(matches!(line.jump(jump)[0], Event::AlertRepeated { .. }));
        line.wait(899);
        assert!(line.tick().is_empty());
        line.wait(1);
        assert_eq!(line.tick().len(), 1, "the new lease ends too");
        invariants::whole(&line);
    }
}

// Limits.

#[test]
fn no_bucket_goes_above_its_limit() {
    let mut line = Line::new();
    line.person().limit(Bucket::Security, 1).unwrap();
    let (a, b) = (
        line.order_in(Bucket::Security),
        line.order_in(Bucket::Security),
    );
    let other = line.order_in(Bucket::Cost);
    line.person().start(a).unwrap();
    assert_eq!(rule(line.person().start(b)), "wip_limit");
    assert_eq!(rule(line.agent("ann").claim(b)), "wip_limit");
    line.person().start(other).unwrap();
    assert_eq!(
        rule(line.person().bucket(other, Bucket::Security)),
        "wip_limit"
    );
    line.person().bucket(b, Bucket::Features).unwrap();
    line.person().bucket(b, Bucket::Security).unwrap();
    line.person().complete(a).unwrap();
    line.person().start(b).unwrap();
    assert_eq!(line.state.counts.wip[Bucket::Security.index()], 1);
}

#[test]
fn a_lowered_limit_stops_nothing_and_starts_nothing() {
    let mut line = Line::new();
    let orders = [(); 3].map(|()| line.order_in(Bucket::Cost));
    line.person().start(orders[0]).unwrap();
    line.person().start(orders[1]).unwrap();
    line.person().limit(Bucket::Cost, 1).unwrap();
    assert_eq!(line.state.counts.wip[Bucket::Cost.index()], 2);
    line.person().right(orders[0]).unwrap();
    line.person().complete(orders[0]).unwrap();
    assert_eq!(rule(line.person().start(orders[2])), "wip_limit");
    line.person().complete(orders[1]).unwrap();
    line.person().start(orders[2]).unwrap();
}

#[test]
fn no_stage_goes_above_its_limit_from_either_side() {
    let mut line = Line::new();
    line.person().stage_limit("code", 1).unwrap();
    let [a, b, c] = [(); 3].map(|()| line.order("work"));
    for id in [a, b, c] {
        line.person().start(id).unwrap();
    }
    line.person().right(a).unwrap();
    assert_eq!(rule(line.person().right(b)), "wip_limit");
    line.person().to(b, "test").unwrap();
    assert_eq!(rule(line.person().left(b)), "wip_limit");
    line.person().stage_limit("design", 1).unwrap();
    let queued = line.order("queued");
    assert_eq!(rule(line.person().start(queued)), "wip_limit");
    let nothing = line.person().next().unwrap_err();
    assert!(
        matches!(&nothing, Refusal::NothingReady { stage_full: Some(stage), .. } if stage == "design")
    );
    line.person().stage_limit("design", 0).unwrap();
    line.person().start(queued).unwrap();
}

#[test]
fn moves_go_to_stages_that_are_there() {
    let mut line = Line::new();
    let id = line.order("a");
    assert_eq!(rule(line.person().right(id)), "not_started");
    line.person().start(id).unwrap();
    assert_eq!(rule(line.person().left(id)), "invalid");
    assert_eq!(rule(line.person().to(id, "nowhere")), "invalid");
    assert_eq!(
        line.person().to(id, "design").unwrap(),
        [],
        "it is there already"
    );
    line.person().to(id, "test").unwrap();
    assert_eq!(rule(line.person().right(id)), "invalid");
    line.person().left(id).unwrap();
    assert_eq!(open(&line, id).work().unwrap().stage, "code");
}

#[test]
fn stages_come_and_go_but_not_from_under_an_order() {
    let mut line = Line::new();
    let id = line.order("a");
    line.person().start(id).unwrap();
    let names = |line: &Line| {
        line.state
            .settings
            .stages
            .iter()
            .map(|s| s.name.clone())
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(
        rule(line.person().stage("design", StageChange::Remove)),
        "stage_in_use"
    );
    line.person().stage("ship", put(Some(2), None)).unwrap();
    line.person().stage("plan", put(None, Some(1))).unwrap();
    line.person().stage("ship", put(None, Some(2))).unwrap();
    assert_eq!(names(&line), "plan ship design code test");
    assert_eq!(
        line.person().stage("ship", put(None, None)).unwrap(),
        [],
        "nothing to change"
    );
    for bad in [
        "queued",
        "done",
        "Plan",
        "a b",
        "",
        "é",
        "x".repeat(25).as_str(),
    ] {
        assert_eq!(
            rule(line.person().stage(bad, put(None, None))),
            "invalid",
            "{bad}"
        );
    }
    assert_eq!(
        rule(line.person().stage("gone", StageChange::Remove)),
        "not_found"
    );
    assert_eq!(
        rule(line.person().stage("ship", put(Some(10_001), None))),
        "invalid"
    );
    line.person().complete(id).unwrap();
    for gone in ["plan", "ship", "design", "code"] {
        line.person().stage(gone, StageChange::Remove).unwrap();
    }
    assert_eq!(
        rule(line.person().stage("test", StageChange::Remove)),
        "invalid"
    );
    for n in 0..11 {
        line.person()
            .stage(&format!("s{n}"), put(None, Some(u32::MAX)))
            .unwrap();
    }
    assert_eq!(rule(line.person().stage("last", put(None, None))), "limit");
}

#[test]
fn settings_have_bounds() {
    let mut line = Line::new();
    let cost = Bucket::Cost;
    assert_eq!(rule(line.person().limit(cost, 10_001)), "invalid");
    assert_eq!(rule(line.person().promise(cost, Sla::Hours(0))), "invalid");
    assert_eq!(
        rule(line.person().promise(cost, Sla::Hours(87_601))),
        "invalid"
    );
    assert_eq!(line.person().limit(cost, 5).unwrap(), []);
    line.person().promise(cost, Sla::None).unwrap();
    assert_eq!(line.state.settings.bucket(cost).sla_hours, None);
}
