//! A disk that is full.

use std::process::{Command as Process, Stdio};

use obeya::{
    domain::{
        command::{Command, NewOrder},
        order::Actor,
    },
    ledger::{Ledger as _, SqliteLedger},
    link::{self, Cold, FaultKind, Operator, Reply},
};

use super::processes::*;

/// A small file system in memory, unmounted when the test ends.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<SmallDisk> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Process::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1500k", "tmpfs"])
            .arg(folder.path())
            .stderr(Stdio::null())
            .status();
        mounted
            .is_ok_and(|mounted| mounted.success())
            .then_some(SmallDisk(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Process::new("umount").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_is_said_and_leaves_nothing_by_halves() {
    let Some(disk) = SmallDisk::mount() else {
        println!("skipped: no file system may be mounted here");
        return;
    };
    let home = made(disk.0.path());
    let mut cold = Cold::open(&home).unwrap();
    let mut order = NewOrder::task("large");
    order.description = Some("x".repeat(20_000));
    let large = |order: &NewOrder| {
        let order = order.clone();
        obeya::testing::submission(Actor::person("ada"), Command::CreateOrder { order })
    };
    let mut acknowledged = Vec::new();
    let refused = loop {
        let attempt = large(&order);
        match cold.submit(&attempt) {
            Reply::Done(outcome) => acknowledged.push(outcome.records),
            Reply::Failed(failure) => break (attempt, failure),
            other => panic!("{other:?}"),
        }
        assert!(acknowledged.len() < 1_000);
    };
    let (attempt, failure) = refused;
    assert_eq!(failure.fault().kind, FaultKind::DiskFull, "{failure:?}");
    assert!(
        matches!(failure, link::Failure::NotApplied(_)),
        "{failure:?}"
    );
    let mut ledger = SqliteLedger::open(&home).unwrap();
    assert_eq!(ledger.by_command(attempt.id).unwrap(), []);
    for records in &acknowledged {
        assert_eq!(&ledger.by_command(records[0].command).unwrap(), records);
    }
    assert_eq!(link::verify(&home, None, &mut |_| {}).unwrap().bad, None);
    drop((cold, ledger));
    // With room again, the very same command goes through.
    let more = Process::new("mount")
        .args(["-o", "remount,size=8m"])
        .arg(disk.0.path())
        .status();
    assert!(more.unwrap().success());
    assert!(!done(Cold::open(&home).unwrap().submit(&attempt)).repeated);
}
