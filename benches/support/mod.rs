//! What several benches share: a backlog, and how a command is handed in.
#![allow(dead_code, reason = "each bench uses a part of it")]

use obeya::domain::{
    command::{Command, ImportItem, Role, Submission},
    event::{ImportedEnd, ImportedItem},
    order::{Actor, Bucket, Kind, Outcome, Priority},
    record::Door,
    time::Timestamp,
};
use uuid::Uuid;

/// Returns a submission of the bench's own person.
pub(crate) fn submission(command: Command) -> Submission {
    Submission {
        id: Uuid::now_v7(),
        actor: Actor::person("bench"),
        role: Role::Admin,
        door: Door::Cli,
        uid: 1000,
        epoch: None,
        causation: None,
        correlation: None,
        dry_run: false,
        until: None,
        as_of: None,
        command,
    }
}

/// Returns the import of so many orders, of which so many are open.
pub(crate) fn backlog(orders: usize, open: usize) -> Command {
    Command::Import {
        source: "beads".into(),
        items: (0..orders).map(|n| item(n, open)).collect(),
    }
}

/// Returns the middle one of some figures, and the one that 99 of 100 do not exceed.
pub(crate) fn p50_p99(mut figures: Vec<f64>) -> (f64, f64) {
    figures.sort_by(f64::total_cmp);
    let at = |share: usize| figures[(figures.len() - 1) * share / 100];
    (at(50), at(99))
}

fn item(n: usize, open: usize) -> ImportItem {
    let created = Timestamp(1_700_000_000_000_000 + n as i64 * 1_000_000);
    let closed = (n >= open).then(|| ImportedEnd {
        outcome: Outcome::Completed {
            sku: None,
            receipt: None,
        },
        at: created.plus(3_600_000_000),
        parent: None,
        depends_on: vec![],
    });
    ImportItem {
        external: format!("bd-{n}"),
        digest: n as u64,
        outcome: closed.as_ref().map(|end| (end.outcome.clone(), end.at)),
        item: ImportedItem {
            title: format!("Make the importer keep every label of item {n}"),
            description: None,
            kind: Kind::Task,
            bucket: Bucket::ALL[n % Bucket::ALL.len()],
            priority: Priority::DEFAULT,
            labels: vec!["importer".into()],
            assignee: None,
            estimate: None,
            created,
            links: vec![],
            closed: None,
            baseline: Default::default(),
        },
        parent: None,
        depends_on: (n % 3 == 2)
            .then(|| format!("bd-{}", n - 1))
            .into_iter()
            .collect(),
        comments: vec![],
    }
}
