//! Every question on one line of work, its answers by their JSON.

mod chains;
mod orders;
mod outlook;
mod reports;
mod stops;
mod trace;
mod work_in_time;

use super::testing::{Line, id};
use crate::domain::{
    andon::{Scope, Severity},
    event::{Changes, Event},
    id::AlertId,
    order::{Actor, Bucket, Wait},
};

/// A day's work: an epic of which one child is done, one in progress and two wait; a held bucket; an import.
fn line() -> Line {
    let (ada, agent) = (Actor::person("ada"), Actor::agent("rust-dev"));
    let mut line = Line::new();
    line.tell(
        &ada,
        Event::AgentRegistered {
            name: "rust-dev".into(),
            role: Some("developer".into()),
            capabilities: Default::default(),
        },
    );
    line.create("EPIC-001", "Subscriptions", Bucket::Features, 5);
    line.create_in(
        "WO-001",
        "Specification",
        Bucket::Features,
        7,
        Some("EPIC-001"),
        Some(60),
    );
    line.create_in(
        "WO-002",
        "Pseudocode",
        Bucket::Features,
        7,
        Some("EPIC-001"),
        None,
    );
    line.create_in(
        "WO-003",
        "Architecture",
        Bucket::Features,
        8,
        Some("EPIC-001"),
        Some(120),
    );
    line.create_in(
        "WO-004",
        "Testing",
        Bucket::Features,
        9,
        Some("EPIC-001"),
        Some(30),
    );
    line.create("WO-005", "Close the hole", Bucket::Security, 10);
    line.create("WO-006", "Mend the gate", Bucket::Security, 6);
    line.create("WO-007", "Tidy up", Bucket::TechnicalDebt, 2);
    line.create("WO-008", "Given up", Bucket::Cost, 3);
    line.import_closed("WO-009", "Old work", "bd-1", "EPIC-001");
    for (after, before) in [
        ("WO-002", "WO-001"),
        ("WO-003", "WO-002"),
        ("WO-004", "WO-003"),
        ("WO-007", "WO-008"),
    ] {
        let event = Event::DependencyAdded {
            id: id(after),
            on: id(before),
            state: Wait::Open,
        };
        line.tell(&ada, event);
    }
    line.start("WO-001", "design", &agent);
    line.wait(60);
    line.complete("WO-001", &agent, Some("sku-1"));
    line.start("WO-002", "code", &agent);
    let reason = "Duplicate".into();
    line.tell(
        &ada,
        Event::OrderCancelled {
            id: id("WO-008"),
            reason,
        },
    );
    let changes = Changes {
        description: Some("Boxes and lines.".into()),
        assignee: Some("bob".into()),
        labels: Some(vec!["api".into()]),
        ..Changes::default()
    };
    line.tell(
        &ada,
        Event::OrderEdited {
            id: id("WO-003"),
            changes: Box::new(changes),
        },
    );
    for (text, author) in [("First.", None), ("Second\nline.", Some("bob"))] {
        let (text, author) = (text.into(), author.map(Into::into));
        line.tell(
            &ada,
            Event::OrderCommented {
                id: id("WO-003"),
                text,
                author,
            },
        );
    }
    for (number, severity, hold) in [
        (1, Severity::High, Some(Scope::Bucket(Bucket::Security))),
        (2, Severity::Low, None),
    ] {
        let event = Event::AlertRaised {
            id: AlertId(number),
            severity,
            reason: "the gate leaks".into(),
            fingerprint: None,
            hold,
            order: None,
        };
        line.tell(&ada, event);
    }
    line.tell(
        &ada,
        Event::CorrectiveLinked {
            id: AlertId(1),
            order: id("WO-006"),
        },
    );
    let resolution = "looked at it".into();
    line.tell(
        &ada,
        Event::AlertResolved {
            id: AlertId(2),
            resolution,
            freed: None,
        },
    );
    line.wait(5);
    line.live.beats.insert("rust-dev".into(), line.now);
    let until = line.now.plus(60_000_000);
    line.live.renewals.insert(id("WO-002"), (1, until));
    line
}
