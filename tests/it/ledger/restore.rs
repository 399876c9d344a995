//! Backup and restore.

use std::{fs, path::Path};

use obeya::ledger::{
    HostLock,
    backup::{Restored, backup, restore},
};

use super::*;

/// Restores without a note: these ledgers hold records that no engine wrote.
fn replace(home: &Home, source: &Path) -> Result<Restored, Fault> {
    restore(home, source, &mut |_| {}, &mut |_, _| Ok(()))
}

#[test]
fn a_backup_is_whole_and_replaces_nothing() {
    let (folder, home, mut ledger) = fresh();
    let head = append(&mut ledger, 10);
    let target = folder.path().join("backup.db");
    let made = backup(&home, &target, &mut |_| {}).unwrap();
    assert_eq!((made.identity, made.head), (identity(), head));
    assert_eq!(made.bytes, target.metadata().unwrap().len());
    files_are_private(folder.path());
    let before = fs::read(&target).unwrap();
    append(&mut ledger, 1);
    let fault = backup(&home, &target, &mut |_| {}).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Exists);
    assert_eq!(fs::read(&target).unwrap(), before);
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        2,
        "nothing half made is left"
    );
    let nowhere = backup(&home, &folder.path().join("no/such/folder"), &mut |_| {}).unwrap_err();
    assert_eq!(nowhere.kind, FaultKind::Missing);
}

#[test]
fn a_backup_of_a_damaged_ledger_is_refused() {
    let (folder, home, mut ledger) = fresh();
    append(&mut ledger, 10);
    let raw = rusqlite::Connection::open(home.database()).unwrap();
    raw.execute("UPDATE records SET actor = 'eve' WHERE seq = 4", [])
        .unwrap();
    let target = folder.path().join("backup.db");
    let fault = backup(&home, &target, &mut |_| {}).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Corrupt);
    assert!(fault.what.contains("record 4"), "{fault}");
    assert!(!target.exists());
}

#[test]
fn a_restore_starts_a_new_life_and_keeps_what_it_replaced() {
    let (folder, home, mut ledger) = fresh();
    let kept = append(&mut ledger, 5);
    let target = folder.path().join("backup.db");
    backup(&home, &target, &mut |_| {}).unwrap();
    let lost = append(&mut ledger, 5);
    ledger
        .put_snapshot(&Snapshot {
            head: kept,
            incarnation: 1,
            format: 1,
            bytes: vec![1],
        })
        .unwrap();
    let mut reader = SqliteLedger::open(&home).unwrap();
    assert_eq!(reader.head().unwrap(), lost);

    let host = HostLock::try_acquire(&home, "console").unwrap().unwrap();
    let fault = replace(&home, &target).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Busy);
    assert!(fault.what.contains("console"), "{fault}");
    drop(host);

    let restored = replace(&home, &target).unwrap();
    assert_eq!(
        restored.identity,
        Identity {
            incarnation: 2,
            ..identity()
        }
    );
    assert_eq!((restored.head, restored.replaced), (kept, Some(lost)));
    // Handles that were open all along write to the new file, in the new life.
    assert!(reader.changed().unwrap());
    assert_eq!(ledger.begin(PATIENCE).unwrap(), kept);
    assert_eq!(ledger.identity(), restored.identity);
    assert!(matches!(
        ledger.append(kept, &batch(kept, 1)),
        Append::Appended(_)
    ));
    ledger.end();
    assert_eq!(reader.head().unwrap().seq, kept.seq + 1);
    assert_eq!(reader.latest_snapshot(1, None).unwrap(), None);
    // What was replaced is whole, with what was in its log.
    let aside = restored.aside.unwrap();
    assert!(aside.ends_with("ledger.db.before-restore-1"));
    let again = replace(&home, &aside).unwrap();
    assert_eq!((again.head, again.identity.incarnation), (lost, 3));
    assert!(again.aside.unwrap().ends_with("ledger.db.before-restore-2"));
    files_are_private(home.path());
}

#[test]
fn a_restore_is_noted_before_it_is_there() {
    let (folder, home, mut ledger) = fresh();
    let kept = append(&mut ledger, 5);
    let target = folder.path().join("backup.db");
    backup(&home, &target, &mut |_| {}).unwrap();
    let lost = append(&mut ledger, 5);
    // Until the note is written, and if it cannot be, the ledger is the old one to everybody.
    let fault = restore(&home, &target, &mut |_| {}, &mut |copy, now| {
        assert_eq!((copy.path() == home.path(), now.incarnation), (false, 2));
        let mut onlooker = SqliteLedger::open(&home)?;
        assert_eq!((onlooker.head()?, onlooker.identity()), (lost, identity()));
        append(&mut SqliteLedger::open(copy)?, 1);
        Err(Fault::new(FaultKind::Io, copy.path(), "cut off"))
    });
    assert_eq!(fault.unwrap_err().what, "cut off");
    assert_eq!(ledger.head().unwrap(), lost);
    assert_eq!(ledger.identity(), identity());
    assert_eq!(list(home.path(), "restor"), Vec::<String>::new());
    // And from the moment the other one is there, the note is on it. What a killed restore left is in nobody's way.
    fs::create_dir(home.path().join("restoring")).unwrap();
    fs::write(home.path().join("restoring/ledger.db"), "half").unwrap();
    let note = &mut |copy: &Home, _: &Identity| {
        append(&mut SqliteLedger::open(copy)?, 1);
        Ok(())
    };
    let restored = restore(&home, &target, &mut |_| {}, note).unwrap();
    assert_eq!(restored.head, kept);
    assert_eq!(SqliteLedger::open(&home).unwrap().head().unwrap().seq, 6);
    assert_eq!(list(home.path(), "restoring"), Vec::<String>::new());
}

/// Returns the names in a folder that hold a word.
fn list(folder: &Path, word: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.contains(word)).collect()
}

#[test]
fn a_restore_from_a_bad_source_changes_nothing() {
    let (folder, home, mut ledger) = fresh();
    let head = append(&mut ledger, 10);
    let target = folder.path().join("backup.db");
    backup(&home, &target, &mut |_| {}).unwrap();
    let raw = rusqlite::Connection::open(&target).unwrap();
    raw.execute("UPDATE records SET body = '{}' WHERE seq = 7", [])
        .unwrap();
    drop(raw);
    let fault = replace(&home, &target).unwrap_err();
    assert!(
        fault.kind == FaultKind::Corrupt && fault.what.contains("record 7"),
        "{fault}"
    );
    assert_eq!(ledger.begin(PATIENCE).unwrap(), head);
    assert_eq!(ledger.identity(), identity());
}

#[test]
fn a_restore_mends_a_ruined_ledger() {
    let (folder, home, mut ledger) = fresh();
    let head = append(&mut ledger, 5);
    let target = folder.path().join("backup.db");
    backup(&home, &target, &mut |_| {}).unwrap();
    drop(ledger);
    fs::write(home.database(), "ruined").unwrap();
    let restored = replace(&home, &target).unwrap();
    assert_eq!((restored.head, restored.replaced), (head, None));
    assert_eq!(
        fs::read_to_string(restored.aside.unwrap()).unwrap(),
        "ruined"
    );
    assert_eq!(append(&mut SqliteLedger::open(&home).unwrap(), 1).seq, 6);
}
