//! The rules of the line, one case in a few lines each: what waits for what, what is closed, what proves it.
#![expect(
    clippy::unwrap_used,
    reason = "a test that unwraps a refusal has failed"
)]

use obeya::domain::{
    agent::PullFilter,
    command::{Command, NewOrder},
    event::{Changes, Parent},
    id::OrderId,
    order::{Actor, Bucket, Kind, Wait},
    receipt::Receipt,
    record::Hash,
    refusal::Refusal,
};

use crate::support::{
    invariants,
    line::{Line, child, open, rule},
};

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
