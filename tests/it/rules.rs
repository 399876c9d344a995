//! The rules of the line, one case in a few lines each: who starts, what moves, what ends, what waits.
#![expect(
    clippy::unwrap_used,
    reason = "a test that unwraps a refusal has failed"
)]

use obeya::domain::{
    agent::PullFilter,
    command::{Command, NewOrder, Sla, StageChange},
    event::{Changes, Event, Parent},
    id::OrderId,
    order::{Actor, Bucket, Kind, Order, Wait},
    receipt::Receipt,
    record::Hash,
    refusal::Refusal,
};

use crate::support::{
    invariants,
    line::{Hand, Line, child, urgent},
};

/// Returns the rule that refused.
fn rule<T: std::fmt::Debug>(outcome: Result<T, Refusal>) -> &'static str {
    outcome.expect_err("this is to be refused").rule()
}

#[track_caller]
fn open(line: &Line, id: OrderId) -> &Order {
    line.state.order(id).expect("open")
}

fn put(wip_limit: Option<u32>, position: Option<u32>) -> StageChange {
    StageChange::Put {
        wip_limit,
        position,
    }
}

fn adopt(id: OrderId, parent: Parent) -> Command {
    let changes = Changes {
        parent: Some(parent),
        ..Changes::default()
    };
    Command::EditOrder {
        id,
        changes,
        add_labels: vec![],
        remove_labels: vec![],
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

// Dependencies, epics and cycles.

#[test]
fn nothing_starts_while_its_dependencies_are_open() {
    let mut line = Line::new();
    let (a, b) = (line.order("a"), line.order("b"));
    line.person().depend(a, b).unwrap();
    assert_eq!(line.person().depend(a, b).unwrap(), []);
    assert_eq!(rule(line.person().start(a)), "blocked");
    line.person().start(b).unwrap();
    assert_eq!(rule(line.agent("ann").claim(a)), "blocked");
    line.person().complete(b).unwrap();
    line.person().start(a).unwrap();
}

#[test]
fn a_cancelled_order_satisfies_nobody() {
    let mut line = Line::new();
    let (a, b, c) = (line.order("a"), line.order("b"), line.order("c"));
    line.person().depend(a, b).unwrap();
    line.person().cancel(b).unwrap();
    let refusal = line.person().start(a).unwrap_err();
    assert_eq!(
        refusal.lift(),
        ["obeya deps remove WO-001 --depends-on WO-002"]
    );
    line.person().depend(c, b).unwrap();
    assert_eq!(rule(line.person().start(c)), "blocked");
    line.person().undepend(a, b).unwrap();
    assert_eq!(rule(line.person().undepend(a, b)), "not_found");
    line.person().start(a).unwrap();
}

#[test]
fn reopening_flags_started_dependents_and_stops_none() {
    let mut line = Line::new();
    let (a, b, c) = (line.order("a"), line.order("b"), line.order("c"));
    line.person().depend(a, b).unwrap();
    line.person().depend(c, b).unwrap();
    line.person().start(b).unwrap();
    line.person().complete(b).unwrap();
    line.person().start(a).unwrap();
    line.person().reopen(b).unwrap();
    assert!(open(&line, a).work().is_some() && open(&line, a).is_blocked());
    assert_eq!(open(&line, b).blocks, [a, c]);
    assert_eq!(rule(line.person().start(c)), "blocked");
    line.person().complete(a).unwrap();
    assert_eq!(rule(line.person().reopen(b)), "not_closed");
    invariants::whole(&line);
}

#[test]
fn reopening_checks_the_edges_anew() {
    let mut line = Line::new();
    let [a, b, c, d] = [(); 4].map(|()| line.order("work"));
    line.person().depend(a, b).unwrap();
    line.person().depend(a, d).unwrap();
    line.person().cancel(a).unwrap();
    // While a is closed, nothing says that b may not wait for it.
    line.person().depend(b, c).unwrap();
    line.person().depend(c, a).unwrap();
    line.person().cancel(d).unwrap();
    let refusal = line.person().reopen(a).unwrap_err();
    assert_eq!(
        refusal,
        Refusal::Cycle {
            path: vec![c, a, b, c]
        }
    );
    line.person().undepend(b, c).unwrap();
    line.person().reopen(a).unwrap();
    let waits: Vec<_> = open(&line, a)
        .depends_on
        .iter()
        .map(|wait| wait.state)
        .collect();
    assert_eq!(waits, [Wait::Open, Wait::Cancelled]);
    assert!(!line.archive.orders.contains_key(&a));
    invariants::whole(&line);
}

#[test]
fn the_graph_has_no_cycle_and_the_refusal_shows_the_path() {
    let mut line = Line::new();
    let [a, b, c] = [(); 3].map(|()| line.order("work"));
    line.person().depend(a, b).unwrap();
    line.person().depend(b, c).unwrap();
    let refusal = line.person().depend(c, a).unwrap_err();
    assert_eq!(
        refusal,
        Refusal::Cycle {
            path: vec![c, a, b, c]
        }
    );
    let refusal = line.person().depend(a, a).unwrap_err();
    assert_eq!(refusal, Refusal::Cycle { path: vec![a, a] });
}

#[test]
fn parents_wait_for_their_children_and_nobody_for_an_ancestor() {
    let mut line = Line::new();
    let epic = line.epic("e");
    let kid = line.person().create(child(epic)).unwrap();
    let grandchild = line.person().create(child(kid)).unwrap();
    let refusal = line.person().depend(grandchild, epic).unwrap_err();
    assert_eq!(
        refusal,
        Refusal::Cycle {
            path: vec![grandchild, epic, kid, grandchild]
        }
    );
    let ancestor = NewOrder {
        depends_on: vec![epic],
        ..child(kid)
    };
    let refusal = line.person().create(ancestor).unwrap_err();
    assert_eq!(
        refusal,
        Refusal::Cycle {
            path: vec![OrderId::work(3), epic, kid, OrderId::work(3)]
        }
    );
    assert_eq!(
        rule(line.person().submit(adopt(epic, Parent::Of(grandchild)))),
        "cycle"
    );
    assert_eq!(
        rule(line.person().submit(adopt(kid, Parent::Of(kid)))),
        "cycle"
    );
    let outside = line.order("outside");
    line.person().depend(epic, outside).unwrap();
    // Both at once is fine: it is one edge for two reasons.
    line.person()
        .submit(adopt(outside, Parent::Of(epic)))
        .unwrap();
    invariants::whole(&line);
}

#[test]
fn an_edge_with_two_reasons_outlives_one_of_them() {
    let mut line = Line::new();
    line.state.graph();
    let epic = line.epic("e");
    let part = line.person().create(child(epic)).unwrap();
    line.person().depend(epic, part).unwrap();
    line.person().submit(adopt(part, Parent::None)).unwrap();
    assert_eq!(rule(line.person().depend(part, epic)), "cycle");
    line.person().submit(adopt(part, Parent::Of(epic))).unwrap();
    line.person().undepend(epic, part).unwrap();
    assert_eq!(rule(line.person().depend(part, epic)), "cycle");
    line.person().submit(adopt(part, Parent::None)).unwrap();
    line.person().depend(part, epic).unwrap();
    invariants::whole(&line);
}

#[test]
fn an_epic_is_never_pulled_and_open_while_a_child_is() {
    let mut line = Line::new();
    let epic = line.epic("e");
    let [a, b] = [(); 2].map(|()| line.person().create(child(epic)).unwrap());
    let after = line.order("after");
    line.person().depend(after, epic).unwrap();
    assert_eq!(rule(line.person().start(epic)), "epic");
    assert_eq!(rule(line.agent("ann").claim(epic)), "epic");
    assert_eq!(
        line.state.counts.queued.iter().sum::<u32>(),
        3,
        "epics take no place"
    );
    assert_eq!(rule(line.person().complete(epic)), "children_open");
    assert_eq!(rule(line.person().cancel(epic)), "children_open");
    line.person().start(a).unwrap();
    line.person().complete(a).unwrap();
    line.person().cancel(b).unwrap();
    let tally = (
        open(&line, epic).children_completed,
        open(&line, epic).children_cancelled,
    );
    assert_eq!(tally, (1, 1));
    assert_eq!(rule(line.person().start(after)), "blocked");
    line.person().complete(epic).unwrap();
    line.person().start(after).unwrap();
    assert_eq!(
        rule(line.person().reopen(a)),
        "closed",
        "its parent is closed"
    );
    line.person().reopen(epic).unwrap();
    line.person().reopen(a).unwrap();
    assert_eq!(open(&line, epic).children, [a]);
    assert_eq!(open(&line, epic).children_completed, 0);
    invariants::whole(&line);
}

#[test]
fn an_epic_that_waits_is_not_done() {
    let mut line = Line::new();
    let (epic, before) = (line.epic("e"), line.order("before"));
    line.person().depend(epic, before).unwrap();
    assert_eq!(rule(line.person().complete(epic)), "blocked");
    let story = Changes {
        kind: Some(Kind::Story),
        ..Changes::default()
    };
    assert_eq!(rule(line.person().edit(epic, story)), "invalid");
    let grown = Changes {
        kind: Some(Kind::Epic),
        ..Changes::default()
    };
    assert_eq!(rule(line.person().edit(before, grown)), "invalid");
}

#[test]
fn closed_orders_take_comments_and_nothing_else() {
    let mut line = Line::new();
    let (id, other) = (line.order("a"), line.order("b"));
    line.person().cancel(id).unwrap();
    line.person().comment(id, "it was a bad idea").unwrap();
    for outcome in [
        line.person().start(id),
        line.person().right(id),
        line.person().complete(id),
        line.person().cancel(id),
        line.person().release(id),
        line.person().bucket(id, Bucket::Cost),
        line.person().depend(id, other),
        line.person().submit(adopt(other, Parent::Of(id))),
        line.person().create(child(id)).map(|_| vec![]),
    ] {
        assert_eq!(rule(outcome), "closed");
    }
    let nobody = OrderId::work(99);
    for outcome in [
        line.person().start(nobody),
        line.person().comment(nobody, "hello"),
        line.person().reopen(nobody),
        line.person().depend(other, nobody),
        line.person().submit(adopt(other, Parent::Of(nobody))),
        line.person().create(child(nobody)).map(|_| vec![]),
    ] {
        assert_eq!(rule(outcome), "not_found");
    }
}

// Receipts.

#[test]
fn receipts_are_chained_and_derived_from_their_records() {
    let mut line = Line::new();
    for _ in 0..3 {
        let id = line.order("a");
        line.agent("ann").claim(id).unwrap();
        line.agent("ann").epoch(1).complete(id).unwrap();
    }
    let receipts: Vec<_> = line.records.iter().filter_map(Receipt::of).collect();
    let numbers: Vec<_> = receipts.iter().map(|receipt| receipt.n).collect();
    assert_eq!(numbers, [1, 2, 3]);
    assert_eq!(receipts[0].previous, Hash::ZERO);
    assert_eq!(receipts[2].previous, receipts[1].hash);
    assert_eq!(receipts[1].by, Actor::agent("ann"));
    invariants::receipts(&line);
    let mut forged = line.records[receipts[1].seq as usize - 1].clone();
    forged.hash = Hash::of(b"another");
    assert_ne!(Receipt::of(&forged).unwrap().hash, receipts[1].hash);
}

#[test]
fn whoever_holds_it_did_it() {
    let mut line = Line::new();
    line.person()
        .register("ann", PullFilter::default())
        .unwrap();
    let id = line.order("a");
    line.agent("ann").claim(id).unwrap();
    line.person().complete(id).unwrap();
    assert_eq!(
        Receipt::of(line.records.last().unwrap()).unwrap().by,
        Actor::agent("ann")
    );
    let agent = line.state.agent("ann").unwrap();
    assert_eq!((agent.completed, agent.holds.len()), (1, 0));
}
