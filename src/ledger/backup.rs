//! Backup and restore of a whole ledger.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, params};

use super::{
    Fault, FaultKind, Home, HostLock, Identity, Ledger as _, SqliteLedger,
    doorbell::Doorbell,
    paths::{beside, open_private, sync_folder_of, text},
    snapshots,
    sqlite::{records, schema},
    turn::Turn,
    verify::verify,
};
use crate::domain::record::{Head, Seq};

/// How long a restore waits for the writers' turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many replaced ledgers may lie beside the ledger.
const MAX_ASIDE: u32 = 1000;

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// Whose it is.
    pub identity: Identity,
    /// Up to where.
    pub head: Head,
    /// Its size in bytes.
    pub bytes: u64,
}

/// What a restore did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The ledger's identity now, with a new incarnation.
    pub identity: Identity,
    /// The head it was restored to.
    pub head: Head,
    /// The head of the ledger it replaced, if that could be read.
    pub replaced: Option<Head>,
    /// Where the replaced ledger lies, if there was one.
    pub aside: Option<PathBuf>,
}

/// Writes a backup of the ledger in `home` to `target`, which must not exist: a copy of one moment, whole, synced and
/// verified, or nothing. Writers go on meanwhile. `progress` hears the seq verified so far.
pub fn backup(home: &Home, target: &Path, progress: &mut dyn FnMut(Seq)) -> Result<Backup, Fault> {
    if target.exists() {
        return Err(exists(target));
    }
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let temporary = target.with_file_name(format!(".{name}.{}.partial", std::process::id()));
    let _ = fs::remove_file(&temporary);
    let made = copy_into(home, &temporary).and_then(|()| {
        let (identity, head) = inspect(&temporary, progress)?;
        let bytes = fs::metadata(&temporary).map_or(0, |found| found.len());
        place(&temporary, target)?;
        Ok(Backup {
            identity,
            head,
            bytes,
        })
    });
    let _ = fs::remove_file(&temporary);
    made
}

fn copy_into(home: &Home, temporary: &Path) -> Result<(), Fault> {
    let db = schema::open_copy(&home.database())?;
    // SQLite writes into an empty file, which has its owner's mode already.
    let file = open_private(temporary)?;
    db.execute("VACUUM INTO ?1", params![text(temporary)?])
        .map_err(|error| Fault::sqlite(temporary, "writing the backup", &error))?;
    file.sync_all()
        .map_err(|error| Fault::io(temporary, "syncing the backup", &error))
}

/// Verifies a copy; returns whose it is and up to where.
fn inspect(copy: &Path, progress: &mut dyn FnMut(Seq)) -> Result<(Identity, Head), Fault> {
    let db = schema::open_copy(copy)?;
    let identity = schema::read_identity(&db, copy)?;
    let read = |after, limit| {
        let found = records::after(&db, after, limit);
        found.map_err(|error| Fault::sqlite(copy, "verifying", &error))
    };
    let verdict = verify(read, None, progress)?;
    match verdict.bad {
        Some(bad) => Err(Fault::new(FaultKind::Corrupt, copy, bad.to_string())),
        None => Ok((identity, verdict.head)),
    }
}

/// Gives a file its final name, never over another.
fn place(temporary: &Path, target: &Path) -> Result<(), Fault> {
    match fs::hard_link(temporary, target) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(exists(target)),
        // Some file systems know no links; a rename replaces, so look once more.
        Err(_) if !target.exists() => fs::rename(temporary, target)
            .map_err(|error| Fault::io(target, "naming the backup", &error))?,
        Err(_) => return Err(exists(target)),
    }
    sync_folder_of(target)
}

fn exists(target: &Path) -> Fault {
    Fault::new(
        FaultKind::Exists,
        target,
        "there is a file here already, which is not replaced",
    )
}

/// Puts the backup at `source` in the place of the ledger in `home`. Needs the host and all writers to stand still;
/// the replaced ledger is kept aside. `progress` hears the seq verified so far.
///
/// `note` writes into the copy, which lies in a folder of its own and has its new incarnation already, that it was
/// restored. Only then it takes the ledger's name, in one step: whoever opens the ledger finds the old one, or the new
/// one with the record that says so.
pub fn restore(
    home: &Home,
    source: &Path,
    progress: &mut dyn FnMut(Seq),
    note: &mut dyn FnMut(&Home, &Identity) -> Result<(), Fault>,
) -> Result<Restored, Fault> {
    let (from, head) = inspect(source, progress).map_err(|fault| match fault.kind {
        FaultKind::Missing => {
            let what = "there is no such backup file";
            Fault::new(FaultKind::Missing, source, what).mend("Check the file's name.")
        }
        _ => fault,
    })?;
    home.make()?;
    let home = Home::new(home.path())?;
    let Some(_host) = HostLock::try_acquire(&home, "restore")? else {
        let who = HostLock::holder(&home).unwrap_or_else(|| "another process".into());
        let what = format!("{who} is the host of this ledger");
        return Err(Fault::new(FaultKind::Busy, &home.host_lock(), what)
            .mend("Close the console or the server first."));
    };
    let mut turn = Turn::new(home.write_lock());
    turn.take(PATIENCE)?;
    turn.explain("restoring a backup");
    let path = home.database();
    let before = present(&home);
    let life = before
        .map_or(0, |(identity, _)| identity.incarnation)
        .max(from.incarnation)
        + 1;
    let identity = Identity {
        incarnation: life,
        ..from
    };
    let workshop = home.path().join("restoring");
    let restored =
        prepare(source, &workshop, &identity, note).and_then(|temporary| swap(&temporary, &path));
    let _ = fs::remove_dir_all(&workshop);
    let aside = restored?;
    snapshots::clear(&home.snapshots());
    turn.give();
    Doorbell::new(home.doorbell()).ring(head.seq);
    Ok(Restored {
        identity,
        head,
        replaced: before.map(|(_, head)| head),
        aside,
    })
}

/// Returns what is known of the ledger that is about to be replaced, and moves its `-wal` into it. One that cannot be
/// opened is replaced all the same, its `-wal` kept beside it.
fn present(home: &Home) -> Option<(Identity, Head)> {
    let mut ledger = SqliteLedger::open(home).ok()?;
    let head = ledger.head().ok()?;
    let db = Connection::open(home.database()).ok()?;
    let _ = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    Some((ledger.identity(), head))
}

/// Makes in the folder `workshop` what is to be the ledger, and returns its database: one file, whole and synced.
fn prepare(
    source: &Path,
    workshop: &Path,
    identity: &Identity,
    note: &mut dyn FnMut(&Home, &Identity) -> Result<(), Fault>,
) -> Result<PathBuf, Fault> {
    // A restore that was killed has left its own.
    let _ = fs::remove_dir_all(workshop);
    let home = Home::new(workshop)?;
    home.make()?;
    let temporary = home.database();
    let fault = |error: rusqlite::Error| Fault::sqlite(&temporary, "preparing the restore", &error);
    let file = open_private(&temporary)?;
    // By SQLite and not byte by byte, so that a source with a -wal is copied whole.
    let copy = schema::open_copy(source)?;
    copy.execute("VACUUM INTO ?1", params![text(&temporary)?])
        .map_err(fault)?;
    let db = Connection::open(&temporary).map_err(fault)?;
    schema::write_identity(&db, identity).map_err(fault)?;
    drop(db);
    note(&home, identity)?;
    // Only the database takes the ledger's name: what the note left in a -wal goes into it first.
    let db = Connection::open(&temporary).map_err(fault)?;
    let left: i64 = db
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        .map_err(fault)?;
    drop(db);
    if left != 0 {
        let what = "somebody else has the ledger that is being restored open";
        return Err(Fault::new(FaultKind::Busy, &temporary, what));
    }
    file.sync_all()
        .map_err(|error| Fault::io(&temporary, "syncing the restore", &error))?;
    Ok(temporary)
}

/// Puts `temporary` at `path`; returns where the replaced file lies. A `-wal` must never meet another database than
/// its own, so it leaves before the new file comes.
fn swap(temporary: &Path, path: &Path) -> Result<Option<PathBuf>, Fault> {
    let fault = |error: io::Error| Fault::io(path, "replacing the ledger", &error);
    let aside = path.exists().then(|| free_name(path)).transpose()?;
    let (wal, shm) = (beside(path, "-wal"), beside(path, "-shm"));
    if let Some(aside) = &aside {
        fs::hard_link(path, aside).map_err(fault)?;
        if wal.exists() {
            fs::rename(&wal, beside(aside, "-wal")).map_err(fault)?;
        }
    }
    for stale in [&wal, &shm] {
        match fs::remove_file(stale) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(fault(error)),
            _ => {}
        }
    }
    fs::rename(temporary, path).map_err(fault)?;
    sync_folder_of(path)?;
    Ok(aside)
}

fn free_name(path: &Path) -> Result<PathBuf, Fault> {
    let name = |n| beside(path, &format!(".before-restore-{n}"));
    (1..=MAX_ASIDE)
        .map(name)
        .find(|name| !name.exists())
        .ok_or_else(|| {
            Fault::new(
                FaultKind::Exists,
                path,
                "too many replaced ledgers lie beside this one",
            )
            .mend("Remove some of the files named ledger.db.before-restore-….")
        })
}
