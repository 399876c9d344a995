//! Damaged, foreign, full and forbidden files.

use std::{fs, process::Command};

use obeya::ledger::{
    Fault,
    doctor::{Level, examine},
};

use super::*;

#[test]
fn verify_names_the_record_whatever_is_flipped() {
    let (_folder, home, mut ledger) = fresh();
    append(&mut ledger, 9);
    let anchor = ledger.head().unwrap();
    let raw = rusqlite::Connection::open(home.database()).unwrap();
    // Kept out of the file's way, since a flip breaks its promises on purpose.
    raw.execute_batch("DROP INDEX records_command").unwrap();
    let mut walk = |anchor| {
        let read = |after, limit| ledger.read(after, limit);
        verify(read, anchor, &mut |_| {}).unwrap()
    };
    assert_eq!(walk(Some(anchor)).bad, None);
    let columns: Vec<String> = (raw.prepare("PRAGMA table_info(records)").unwrap())
        .query_map([], |row| row.get(1))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(columns.len(), 17);
    for column in &columns {
        let get = format!("SELECT {column}, typeof({column}) FROM records WHERE seq = 5");
        let (kept, kind): (rusqlite::types::Value, String) = raw
            .query_row(&get, [], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap();
        let flips: &[&str] = match kind.as_str() {
            "integer" if column == "seq" => &["1005", "-5"],
            "integer" => &["1 + X", "-1 - X", "X + (1 << 40)"],
            "text" => &[
                "'~' || X",
                "substr(X, 2)",
                "CAST(X'ff' || X AS TEXT)",
                "upper(X) || ' '",
            ],
            "blob" => &[
                "CAST(X'FF' || substr(X, 2) AS BLOB)",
                "substr(X, 2)",
                "CAST(X || X'00' AS BLOB)",
                "NULL",
            ],
            _ => &["X'00000000000000000000000000000000'", "X''"],
        };
        for flip in flips {
            // The column's own name stands for X, but not within a hexadecimal literal.
            let value = flip
                .replace("X'", "\u{1}")
                .replace('X', column)
                .replace('\u{1}', "X'");
            let set = format!("UPDATE records SET {column} = {value} WHERE seq = 5");
            if let Err(error) = raw.execute(&set, []) {
                assert!(error.to_string().contains("NOT NULL"), "{set}: {error}");
                continue;
            }
            let bad = walk(None).bad.unwrap_or_else(|| panic!("{set}"));
            assert_eq!(bad.seq, 5, "{set}: {bad}");
            let mend = format!("UPDATE records SET {column} = ?1 WHERE seq IN (5, 1005, -5)");
            raw.execute(&mend, [&kept]).unwrap();
            assert_eq!(walk(Some(anchor)).bad, None, "{set}");
        }
    }
    raw.execute("DELETE FROM records WHERE seq = 9", [])
        .unwrap();
    assert_eq!(
        walk(None).bad,
        None,
        "a lost end shows only against an anchor"
    );
    assert_eq!(
        walk(Some(anchor)).bad.map(|bad| (bad.seq, bad.wrong)),
        Some((9, Wrong::Short))
    );
    let other = Head {
        seq: 3,
        hash: Hash::of(b"other"),
    };
    assert_eq!(
        walk(Some(other)).bad.map(|bad| (bad.seq, bad.wrong)),
        Some((3, Wrong::Anchor))
    );
}

/// Returns the fault of opening, or of reading and writing what could be opened.
fn trouble(home: &Home) -> Option<Fault> {
    let mut ledger = match SqliteLedger::open(home) {
        Ok(ledger) => ledger,
        Err(fault) => return Some(fault),
    };
    let verdict = verify(|after, limit| ledger.read(after, limit), None, &mut |_| {});
    match verdict {
        Err(fault) => Some(fault),
        Ok(verdict) => verdict.bad.map(|bad| match bad.wrong {
            Wrong::Unreadable(fault) => fault,
            wrong => panic!("{wrong:?}"),
        }),
    }
}

#[test]
fn a_file_that_is_no_whole_ledger_is_a_clear_fault() {
    let (_folder, home, mut ledger) = fresh();
    for _ in 0..20 {
        append(&mut ledger, 50);
    }
    drop(ledger);
    let path = home.database();
    let whole = fs::read(&path).unwrap();
    assert_eq!(trouble(&home), None);
    let kind = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let fault = trouble(&home).unwrap();
        assert!(
            !fault.what.is_empty() && !fault.mend.is_empty() && fault.path.ends_with("ledger.db")
        );
        let findings = examine(&home);
        assert!(
            findings.iter().any(|finding| finding.level == Level::Bad),
            "{findings:?}"
        );
        fault.kind
    };
    assert_eq!(kind(b""), FaultKind::NotALedger);
    assert_eq!(kind(b"dear diary"), FaultKind::NotALedger);
    assert_eq!(
        kind("dear diary, today ".repeat(1000).as_bytes()),
        FaultKind::NotALedger
    );
    let mut foreign = whole.clone();
    foreign[68] ^= 1;
    assert_eq!(kind(&foreign), FaultKind::NotALedger);
    assert_eq!(kind(&whole[..whole.len() / 2]), FaultKind::Corrupt);
    assert_eq!(kind(&whole[..5000]), FaultKind::Corrupt);
    let mut holed = whole.clone();
    let middle = holed.len() / 2 / 4096 * 4096;
    holed[middle..middle + 4096].fill(0xA5);
    assert_eq!(kind(&holed), FaultKind::Corrupt);
    let mut newer = whole.clone();
    newer[63] = 99;
    assert_eq!(kind(&newer), FaultKind::NewerFormat);
    fs::remove_file(&path).unwrap();
    assert_eq!(
        trouble(&home).map(|fault| fault.kind),
        Some(FaultKind::Missing)
    );
    fs::create_dir(&path).unwrap();
    assert!(trouble(&home).is_some());
    fs::remove_dir(&path).unwrap();
    fs::write(&path, &whole).unwrap();
    assert_eq!(trouble(&home), None);
    assert!(
        examine(&home)
            .iter()
            .all(|finding| finding.level == Level::Ok),
        "{:?}",
        examine(&home)
    );
}

#[test]
fn a_folder_that_takes_no_writes_is_a_clear_fault() {
    use std::os::unix::fs::PermissionsExt as _;
    if rustix::process::geteuid().is_root() {
        println!("skipped: root may write anywhere");
        return;
    }
    let (_folder, home, ledger) = fresh();
    drop(ledger);
    let mode = |mode| fs::set_permissions(home.path(), fs::Permissions::from_mode(mode)).unwrap();
    mode(0o500);
    let fault = SqliteLedger::open(&home).and_then(|mut ledger| ledger.begin(PATIENCE));
    mode(0o700);
    let kind = fault.unwrap_err().kind;
    assert!(
        matches!(kind, FaultKind::Permission | FaultKind::ReadOnly),
        "{kind:?}"
    );
}

/// A small file system in memory, taken down with the value.
struct Small(tempfile::TempDir);

impl Small {
    fn mount(options: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(folder.path());
        match mount.output() {
            Ok(done) if done.status.success() => Some(Small(folder)),
            Ok(done) => {
                println!("skipped: {}", String::from_utf8_lossy(&done.stderr).trim());
                None
            }
            Err(error) => {
                println!("skipped: mount: {error}");
                None
            }
        }
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).output();
    }
}

#[test]
fn a_full_disk_refuses_whole_batches_and_recovers() {
    let Some(disk) = Small::mount("size=2m") else {
        return;
    };
    let home = Home::new(disk.0.path().join("ledger")).unwrap();
    let mut ledger = SqliteLedger::create(&home, identity()).unwrap();
    let ballast = disk.0.path().join("ballast");
    fs::write(&ballast, vec![0; 256 << 10]).unwrap();
    let mut head = Head::default();
    let fault = loop {
        assert_eq!(ledger.begin(PATIENCE).unwrap(), head);
        let outcome = ledger.append(head, &batch(head, 100));
        ledger.end();
        match outcome {
            Append::Appended(now) => head = now,
            Append::NotApplied(fault) => break fault,
            other => panic!("{other:?}"),
        }
        assert!(head.seq < 100_000);
    };
    assert_eq!(fault.kind, FaultKind::DiskFull, "{fault}");
    assert!(head.seq > 0 && head.seq.is_multiple_of(100));
    let target = disk.0.path().join("backup.db");
    let full = obeya::ledger::backup::backup(&home, &target, &mut |_| {}).unwrap_err();
    assert_eq!(full.kind, FaultKind::DiskFull, "{full}");
    let left: Vec<_> = fs::read_dir(disk.0.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(left.len(), 2, "nothing by halves: {left:?}");
    fs::remove_file(&ballast).unwrap();
    assert_eq!(ledger.head().unwrap(), head);
    assert_eq!(append(&mut ledger, 1).seq, head.seq + 1);
    drop(ledger);
    assert_eq!(trouble(&home), None);
}

#[test]
fn a_read_only_file_system_is_a_clear_fault() {
    let Some(disk) = Small::mount("size=4m") else {
        return;
    };
    let home = Home::new(disk.0.path().join("ledger")).unwrap();
    drop(SqliteLedger::create(&home, identity()).unwrap());
    let remounted = Command::new("mount")
        .args(["-o", "remount,ro"])
        .arg(disk.0.path())
        .status();
    if !remounted.is_ok_and(|status| status.success()) {
        println!("skipped: no read-only remount here");
        return;
    }
    let fault = SqliteLedger::open(&home).and_then(|mut ledger| ledger.begin(PATIENCE));
    assert_eq!(fault.unwrap_err().kind, FaultKind::ReadOnly);
}
