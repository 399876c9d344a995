//! Imports and merges, item by item.

#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

use proptest::{collection::vec, prelude::*, test_runner::RngSeed};

use super::{MAX_ITEMS, digest, harness::Desk};
use crate::domain::{
    command::{Command, ImportItem},
    event::{Baseline, Event, ImportedItem},
    id::OrderId,
    import_report::{ImportReport, NoteKind},
    order::{Bucket, Kind, Link, Outcome, Priority, Wait},
    refusal::Refusal,
    time::{DAY, HOUR, Timestamp},
};

pub(super) const NOW: Timestamp = Timestamp(20_000 * DAY);

pub(super) fn item(external: &str) -> ImportItem {
    ImportItem {
        external: external.into(),
        digest: 0,
        item: ImportedItem {
            title: format!("title of {external}"),
            description: Some("as it was".into()),
            kind: Kind::Task,
            bucket: Bucket::Features,
            priority: Priority::DEFAULT,
            labels: vec![],
            assignee: None,
            estimate: None,
            created: Timestamp(10_000 * DAY),
            links: vec![],
            closed: None,
            baseline: Baseline::default(),
        },
        outcome: None,
        parent: None,
        depends_on: vec![],
        comments: vec![],
    }
    .sealed()
}

impl ImportItem {
    /// Gives the item the digest of what it says now.
    fn sealed(mut self) -> Self {
        self.digest = 0;
        self.digest = digest([serde_json::to_vec(&self).unwrap().as_slice()]);
        self
    }

    pub(super) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self.sealed()
    }

    pub(super) fn closed(self) -> Self {
        self.with(|item| {
            let done = Outcome::Completed {
                sku: None,
                receipt: None,
            };
            item.outcome = Some((done, Timestamp(10_001 * DAY)));
        })
    }

    pub(super) fn after(self, on: &str) -> Self {
        self.with(|item| item.depends_on.push(on.into()))
    }

    pub(super) fn part_of(self, parent: &str) -> Self {
        self.with(|item| item.parent = Some(parent.into()))
    }
}

pub(super) fn kinds(report: &ImportReport) -> Vec<(NoteKind, &str)> {
    let notes = report.notes.iter();
    notes.map(|n| (n.kind, n.external.as_str())).collect()
}

#[test]
fn ids_follow_the_file_and_edges_follow_the_orders() {
    let items = [
        item("c").after("b").after("done").part_of("epic"),
        item("epic").with(|item| item.item.kind = Kind::Epic),
        item("b"),
        item("done").part_of("epic").after("b").closed(),
    ];
    let mut desk = Desk::new(NOW);
    let (events, report) = desk.import(&items).unwrap();
    let words: Vec<_> = events.iter().map(Event::kind).collect();
    assert_eq!(
        words,
        [
            "order_imported",
            "order_imported",
            "order_imported",
            "order_edited",
            "dependency_added",
            "dependency_added",
            "order_imported",
            "import_finished"
        ]
    );
    assert_eq!((report.added, report.notes.len()), (4, 0));
    let order = desk.find("c").unwrap();
    assert_eq!(order.id, OrderId::work(1));
    assert_eq!(order.parent, Some(OrderId::epic(1)));
    let waits: Vec<_> = order.depends_on.iter().map(|d| (d.on, d.state)).collect();
    assert_eq!(
        waits,
        [
            (OrderId::work(2), Wait::Open),
            (OrderId::work(3), Wait::Completed)
        ]
    );
    assert_eq!(desk.find("epic").unwrap().children_completed, 1);
    assert_eq!(order.created, Timestamp(10_000 * DAY));
    assert_eq!(order.entered, NOW);
    let form: crate::domain::order::ClosedOrder =
        serde_json::from_str(&desk.closed("done").unwrap().form).unwrap();
    assert_eq!(form.order.parent, Some(OrderId::epic(1)));
    assert_eq!(form.order.depends_on[0].state, Wait::Open);
    assert!(matches!(
        form.outcome,
        Outcome::Completed { receipt: None, .. }
    ));
    assert_eq!(
        desk.state.day(10_001).unwrap().0[Bucket::Features.index()].completed,
        1
    );
    desk.check_replay();
}

#[test]
fn an_edge_that_would_close_a_cycle_is_refused_and_named() {
    let items = [
        item("a").after("b"),
        item("b").after("c"),
        item("c").after("a"),
        item("self").after("self"),
        item("mother"),
        item("child").part_of("mother").after("mother"),
        item("x").after("y").closed(),
        item("y").after("x").closed(),
    ];
    let mut desk = Desk::new(NOW);
    let (_, report) = desk.import(&items).unwrap();
    assert_eq!(
        kinds(&report),
        [
            (NoteKind::Cycle, "c"),
            (NoteKind::Cycle, "self"),
            (NoteKind::Cycle, "child"),
            (NoteKind::Cycle, "y")
        ]
    );
    assert_eq!(
        report.notes[0].text,
        "waits for a: c after a after b after c"
    );
    assert!(desk.find("c").unwrap().depends_on.is_empty());
    // A newer file meets the graph that is here now.
    let newer = item("c")
        .after("a")
        .with(|item| item.item.priority = Priority::new(9).unwrap());
    let (_, report) = desk.import(&[newer]).unwrap();
    assert_eq!(kinds(&report), [(NoteKind::Cycle, "c")]);
    desk.check_replay();
}

#[test]
fn edges_that_cannot_be_become_links() {
    let items = [
        item("a").after("gone").part_of("nowhere"),
        item("old")
            .with(|item| item.item.kind = Kind::Epic)
            .closed(),
        item("late").part_of("old"),
        item("two").part_of("a").with(|item| {
            item.item.links.push(Link {
                kind: "parent".into(),
                target: "late".into(),
            });
        }),
    ];
    let mut desk = Desk::new(NOW);
    let (_, report) = desk.import(&items).unwrap();
    assert_eq!(
        kinds(&report),
        [
            (NoteKind::SecondParent, "two"),
            (NoteKind::UnknownTarget, "a"),
            (NoteKind::UnknownTarget, "a"),
            (NoteKind::ClosedParent, "late")
        ]
    );
    let links = |name: &str| {
        let links = desk.find(name).unwrap().links.iter();
        links
            .map(|l| format!("{} {}", l.kind, l.target))
            .collect::<Vec<_>>()
    };
    assert_eq!(links("a"), ["parent nowhere", "waits-for gone"]);
    assert_eq!(links("late"), ["parent old"]);
    assert_eq!(links("two"), ["parent late"]);

    // What they lead to comes in later: the links become edges, though these items did not change.
    let mut more = items.to_vec();
    more.push(item("gone"));
    let (_, report) = desk.import(&more).unwrap();
    assert_eq!((report.added, report.updated, report.unchanged), (1, 1, 3));
    let order = desk.find("a").unwrap();
    assert_eq!(order.depends_on[0].on, desk.find("gone").unwrap().id);
    assert_eq!(order.links.len(), 1);
    assert!(desk.import(&more).unwrap().0.is_empty());
    desk.check_replay();
}

#[test]
fn times_that_cannot_be_are_moved_and_said() {
    let items = [
        item("zero")
            .with(|item| item.item.created = Timestamp(10_001 * DAY + HOUR))
            .closed(),
        item("future").with(|item| item.item.created = NOW.plus(DAY)),
        item("past").with(|item| item.item.created = Timestamp(-DAY)),
    ];
    let mut desk = Desk::new(NOW);
    let (_, report) = desk.import(&items).unwrap();
    assert_eq!(
        kinds(&report),
        [
            (NoteKind::ZeroLead, "zero"),
            (NoteKind::Clamped, "future"),
            (NoteKind::Clamped, "past")
        ]
    );
    assert_eq!(desk.find("future").unwrap().created, NOW);
    assert_eq!(desk.find("past").unwrap().created, Timestamp(0));
    let day = desk.state.day(10_001).unwrap();
    assert_eq!(
        day.0[Bucket::Features.index()].lead.percentile(50),
        Some(30_000_000)
    );
    assert!(desk.records.iter().all(|record| record.occurred_at <= NOW));
}

#[test]
fn what_no_order_may_hold_is_refused_whole() {
    let cases: [(&str, ImportItem); 7] = [
        (
            "title",
            item("a").with(|i| i.item.title = "\u{1b}[2J".into()),
        ),
        ("title", item("a").with(|i| i.item.title = String::new())),
        (
            "description",
            item("a").with(|i| i.item.description = Some("x".repeat(70_000))),
        ),
        (
            "labels",
            item("a").with(|i| i.item.labels = vec!["b".into(), "a".into()]),
        ),
        (
            "labels",
            item("a").with(|i| i.item.labels = vec!["a,b".into()]),
        ),
        (
            "comments",
            item("a").with(|i| i.comments.push(("".into(), NOW, "x".into()))),
        ),
        (
            "estimate",
            item("a").with(|i| i.item.estimate = Some(u32::MAX)),
        ),
    ];
    let mut desk = Desk::new(NOW);
    let before = desk.state.state_hash();
    for (field, bad) in cases {
        let refusal = desk.import(&[item("good"), bad]).unwrap_err();
        let Refusal::Invalid { field: named, .. } = &refusal else {
            panic!("{refusal}");
        };
        assert!(named.contains(field), "{refusal}");
    }
    assert!(desk.import(&[item("a"), item("a")]).is_err());
    assert!(desk.import(&vec![item("a"); MAX_ITEMS + 1]).is_err());
    // A caller that claims a receipt gets none.
    let claimed = item("a").with(|i| {
        let forged = Outcome::Completed {
            sku: None,
            receipt: Some(7),
        };
        i.outcome = Some((forged, NOW));
    });
    assert_eq!(desk.state.state_hash(), before);
    desk.import(&[claimed]).unwrap();
    assert!(desk.closed("a").unwrap().form.contains("\"receipt\":null"));
}

/// A name, whether it is an epic, whether it is closed, its parent, what it waits for, and its priority.
type Row = (u8, bool, bool, Option<u8>, Vec<u8>, u8);

fn any_item() -> impl Strategy<Value = Row> {
    (
        0..9u8,
        any::<bool>(),
        any::<bool>(),
        proptest::option::of(0..11u8),
        vec(0..11u8, 0..3),
        1..10u8,
    )
}

fn file(rows: Vec<Row>) -> Vec<ImportItem> {
    let mut seen = std::collections::BTreeSet::new();
    rows.into_iter()
        .filter(|row| seen.insert(row.0))
        .map(|(name, epic, closed, parent, waits, priority)| {
            let item = item(&format!("n{name}")).with(|item| {
                // The kind follows the name: beads has no way to make an epic of a task either.
                item.item.kind = if epic && name < 4 {
                    Kind::Epic
                } else {
                    Kind::Task
                };
                item.item.priority = Priority::new(priority).unwrap();
                item.parent = parent.map(|parent| format!("n{parent}"));
                item.depends_on = waits.iter().map(|on| format!("n{on}")).collect();
            });
            if closed { item.closed() } else { item }
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(2), cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_second_import_appends_nothing_and_no_import_closes_a_cycle(
        files in vec(vec(any_item(), 0..9), 1..4),
        starts in vec(0..9u8, 0..3),
    ) {
        let mut desk = Desk::new(NOW);
        for rows in files {
            let items = file(rows);
            desk.import(&items).unwrap();
            let head = desk.state.head;
            let (again, report) = desk.import(&items).unwrap();
            prop_assert!(again.is_empty(), "{again:?}");
            prop_assert_eq!(report.unchanged as usize, items.len());
            prop_assert_eq!(desk.state.head, head);
            let graph = desk.state.graph();
            for (after, before) in graph.edges() {
                prop_assert!(graph.path(before, after).is_none(), "{after} and {before}");
                prop_assert!(desk.state.order(after).is_some() && desk.state.order(before).is_some());
            }
            for order in desk.state.orders() {
                prop_assert!(order.parent.is_none_or(|parent| desk.state.order(parent).is_some()));
            }
            for start in &starts {
                if let Some(order) = desk.find(&format!("n{start}")) {
                    let _ = desk.submit(&Command::StartOrder { id: order.id });
                }
            }
        }
        desk.check_replay();
    }
}
