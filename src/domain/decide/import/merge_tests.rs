//! Newer files against what was done here since.

#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

use super::{
    harness::Desk,
    tests::{NOW, item, kinds},
};
use crate::domain::{
    command::{Command, ImportItem},
    event::{Changes, Event, Parent},
    import_report::NoteKind,
    order::{Bucket, Kind, Priority},
    time::{DAY, Timestamp},
};

fn desk(items: &[ImportItem]) -> Desk {
    let mut desk = Desk::new(NOW);
    desk.import(items).unwrap();
    desk
}

#[test]
fn a_newer_file_changes_what_changed_there_and_nothing_that_changed_here() {
    let mut desk = desk(&[item("a").with(|i| i.item.labels = vec!["x".into(), "y".into()])]);
    let id = desk.find("a").unwrap().id;
    let edit = Command::EditOrder {
        id,
        changes: Changes {
            title: Some("ours".into()),
            description: Some("our text".into()),
            ..Changes::default()
        },
        add_labels: vec!["ours".into()],
        remove_labels: vec!["x".into()],
    };
    desk.submit(&edit).unwrap();
    let newer = item("a").with(|i| {
        i.item.title = "theirs".into();
        i.item.description = Some("their text".into());
        i.item.priority = Priority::new(10).unwrap();
        i.item.bucket = Bucket::Security;
        i.item.assignee = Some("them".into());
        i.item.labels = vec!["x".into(), "z".into()];
        i.comments
            .push(("ann".into(), Timestamp(10_002 * DAY), "look".into()));
    });
    let (_, report) = desk.import(std::slice::from_ref(&newer)).unwrap();
    let kept: Vec<_> = report
        .notes
        .iter()
        .map(|n| (n.kind, n.text.as_str()))
        .collect();
    assert_eq!(
        kept,
        [(NoteKind::Kept, "title"), (NoteKind::Kept, "description")]
    );
    assert_eq!((report.added, report.updated), (0, 1));
    let order = desk.find("a").unwrap();
    assert_eq!((order.title.as_str(), order.priority.get()), ("ours", 10));
    assert_eq!(
        (order.bucket, order.assignee.as_deref()),
        (Bucket::Security, Some("them"))
    );
    assert_eq!(order.labels, ["ours", "z"]);
    assert_eq!(order.comments, 1);
    assert!(
        desk.records
            .iter()
            .any(|record| record.occurred_at == Timestamp(10_002 * DAY))
    );
    assert!(
        desk.import(std::slice::from_ref(&newer))
            .unwrap()
            .0
            .is_empty()
    );

    // Text that nobody touched here is taken, also after a merge that left it alone.
    let newest = newer.with(|i| i.item.assignee = None);
    desk.import(std::slice::from_ref(&newest)).unwrap();
    assert_eq!(desk.find("a").unwrap().assignee, None);
    assert_eq!(desk.find("a").unwrap().comments, 1);
    desk.check_replay();
}

#[test]
fn a_description_that_nobody_touched_here_is_taken_again_and_again() {
    let mut desk = desk(&[item("a")]);
    for (priority, text) in [(7, "as it was"), (8, "second"), (9, "third")] {
        let newer = item("a").with(|i| {
            i.item.priority = Priority::new(priority).unwrap();
            i.item.description = Some(text.into());
        });
        let (events, report) = desk.import(&[newer]).unwrap();
        assert_eq!(report.notes, []);
        let Event::OrderMerged { changes, .. } = &events[0] else {
            panic!("{events:?}");
        };
        let taken = changes.description.as_deref();
        assert_eq!(taken, Some(text).filter(|text| *text != "as it was"));
    }
    let gone = item("a").with(|i| i.item.description = None);
    desk.import(&[gone]).unwrap();
    assert_eq!(desk.find("a").unwrap().description, None);
}

#[test]
fn edges_are_merged_against_what_was_there_before() {
    let others = ["p", "q", "b", "c", "d"].map(item);
    let first = item("a").after("b").after("c").part_of("p");
    let mut desk = desk(&[others.to_vec(), vec![first]].concat());
    let id = |desk: &Desk, name: &str| desk.find(name).unwrap().id;
    let (a, b, d) = (id(&desk, "a"), id(&desk, "b"), id(&desk, "d"));
    // Here c no longer counts and d does; there b goes.
    let c = id(&desk, "c");
    desk.submit(&Command::RemoveDependency { id: a, on: c })
        .unwrap();
    desk.submit(&Command::AddDependency { id: a, on: d })
        .unwrap();
    let newer = item("a").after("c").part_of("q");
    let (_, report) = desk
        .import(&[others.to_vec(), vec![newer]].concat())
        .unwrap();
    assert_eq!(report.notes, []);
    let order = desk.find("a").unwrap();
    assert_eq!(
        order.depends_on.iter().map(|w| w.on).collect::<Vec<_>>(),
        [d]
    );
    assert_eq!(order.parent, Some(id(&desk, "q")));
    assert!(!desk.state.graph().contains_edge(a, b));
    // The parent changes here and there: ours stays.
    let changes = Changes {
        parent: Some(Parent::Of(d)),
        ..Changes::default()
    };
    let edit = Command::EditOrder {
        id: b,
        changes,
        add_labels: vec![],
        remove_labels: vec![],
    };
    desk.submit(&edit).unwrap();
    let (_, report) = desk.import(&[item("b").part_of("q")]).unwrap();
    assert_eq!(kinds(&report), [(NoteKind::Kept, "b")]);
    assert_eq!(desk.find("b").unwrap().parent, Some(d));
    desk.check_replay();
}

#[test]
fn what_closed_there_closes_here_unless_somebody_works_on_it() {
    let names = ["epic", "child", "started", "edited", "mother", "busy"];
    let file = |close: bool| -> Vec<ImportItem> {
        let one = |name: &&str| {
            let item = match *name {
                "epic" => item(name).with(|item| item.item.kind = Kind::Epic),
                "child" => item(name).part_of("epic"),
                "busy" => item(name).part_of("mother"),
                _ => item(name),
            };
            if close { item.closed() } else { item }
        };
        names.iter().map(one).collect()
    };
    let mut desk = desk(&file(false));
    let id = |desk: &Desk, name: &str| desk.find(name).unwrap().id;
    for name in ["started", "busy"] {
        desk.submit(&Command::StartOrder {
            id: id(&desk, name),
        })
        .unwrap();
    }
    let edit = Command::EditOrder {
        id: id(&desk, "edited"),
        changes: Changes {
            title: Some("ours".into()),
            ..Changes::default()
        },
        add_labels: vec![],
        remove_labels: vec![],
    };
    desk.submit(&edit).unwrap();
    let (_, report) = desk.import(&file(true)).unwrap();
    assert_eq!(
        kinds(&report),
        ["started", "edited", "busy", "mother"].map(|name| (NoteKind::ClosedThere, name))
    );
    assert!(desk.find("epic").is_none() && desk.find("child").is_none());
    let form: crate::domain::order::ClosedOrder =
        serde_json::from_str(&desk.closed("epic").unwrap().form).unwrap();
    assert_eq!(
        (form.order.children_completed, form.order.children.len()),
        (1, 0)
    );
    assert_eq!(form.closed, Timestamp(10_001 * DAY));
    assert!(desk.import(&file(true)).unwrap().0.is_empty());
    desk.check_replay();
}

#[test]
fn what_is_closed_here_stays_closed_and_is_reported() {
    let mut desk = desk(&[item("a").closed(), item("b")]);
    let id = desk.find("b").unwrap().id;
    let reason = "no".into();
    desk.submit(&Command::CancelOrder { id, reason }).unwrap();
    let changed = item("b").with(|item| item.item.title = "changed there".into());
    let (events, report) = desk.import(&[item("a"), changed]).unwrap();
    assert!(events.is_empty(), "{events:?}");
    assert_eq!(
        kinds(&report),
        [(NoteKind::ReopenedThere, "a"), (NoteKind::ClosedHere, "b")]
    );
    // An imported order that is reopened here is merged like any other.
    let id = desk.closed("a").unwrap().id;
    desk.submit(&Command::ReopenOrder { id, reason: None })
        .unwrap();
    let newer = item("a")
        .closed()
        .with(|item| item.item.title = "new title".into());
    let (_, report) = desk.import(&[newer]).unwrap();
    assert_eq!(report.notes, []);
    assert_eq!(desk.find("a").unwrap().title, "new title");
    desk.check_replay();
}

#[test]
fn a_merge_never_overfills_a_bucket() {
    let mut desk = desk(&[item("a")]);
    let id = desk.find("a").unwrap().id;
    desk.submit(&Command::StartOrder { id }).unwrap();
    let full = Command::SetBucket {
        bucket: Bucket::Security,
        wip_limit: Some(0),
        sla: None,
    };
    desk.submit(&full).unwrap();
    let newer = item("a").with(|item| item.item.bucket = Bucket::Security);
    let (_, report) = desk.import(&[newer]).unwrap();
    assert_eq!(kinds(&report), [(NoteKind::Kept, "a")]);
    assert_eq!(desk.find("a").unwrap().bucket, Bucket::Features);
}
