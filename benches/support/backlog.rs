//! A backlog of any size, as an import brings it.

use obeya::domain::{
    command::{Command, ImportItem},
    event::{ImportedEnd, ImportedItem},
    order::{Bucket, Kind, Outcome, Priority},
    time::Timestamp,
};

/// Returns the import of so many orders, of which so many are open.
pub(crate) fn backlog(orders: usize, open: usize) -> Command {
    Command::Import {
        source: "beads".into(),
        items: (0..orders).map(|n| item(n, open)).collect(),
    }
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
