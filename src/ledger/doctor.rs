//! Looks at everything a ledger needs and says what to do.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Fault, Home, HostLock, Ledger as _, Messages, SqliteLedger,
    access::{self, Access},
    file_system,
    paths::beside,
    snapshots,
    sqlite::schema::FORMAT,
    turn::{holder_of, reason_in},
    verify::verify,
};
use crate::domain::message::delivery::Terms;

/// Below this much free space a ledger may soon refuse to write.
pub const LOW_SPACE: u64 = 100 << 20;

/// A `-wal` beyond this was not copied back for long, which a reader that never ends causes. SQLite copies at 4 MiB.
pub const LARGE_WAL: u64 = 64 << 20;

/// How bad a finding is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// As it should be.
    Ok,
    /// It works, and somebody should look.
    Warn,
    /// It does not work, or data is damaged.
    Bad,
}

/// One thing looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// What was looked at.
    pub name: String,
    /// How bad it is.
    pub level: Level,
    /// What was found.
    pub found: String,
    /// What to do; empty if nothing.
    pub mend: String,
}

impl Finding {
    fn new(name: &str, level: Level, found: impl Into<String>, mend: &str) -> Self {
        Finding {
            name: name.to_owned(),
            level,
            found: found.into(),
            mend: mend.to_owned(),
        }
    }

    fn ok(name: &str, found: impl Into<String>) -> Self {
        Finding::new(name, Level::Ok, found, "")
    }

    fn bad(name: &str, fault: &Fault) -> Self {
        Finding::new(name, Level::Bad, fault.what.clone(), &fault.mend)
    }
}

/// Examines the ledger in `home`. Reads only, apart from what opening it does.
pub fn examine(home: &Home) -> Vec<Finding> {
    let mut findings = vec![
        network(home),
        space(home),
        permissions(home),
        turn(home),
        host(home),
        wal(home),
    ];
    match SqliteLedger::open(home) {
        Ok(mut ledger) => findings.extend([
            Finding::ok("format", format!("{FORMAT}, the newest this obeya knows")),
            integrity(&mut ledger),
            chain(&mut ledger),
            archive(&mut ledger),
            cached(home, &ledger),
        ]),
        Err(fault) => findings.push(Finding::bad("ledger", &fault)),
    }
    findings.push(messages(home));
    findings.push(tokens(home));
    findings
}

fn network(home: &Home) -> Finding {
    match file_system::refuse_network(home.path()) {
        Ok(()) => Finding::ok("file system", "local"),
        Err(fault) => Finding::bad("file system", &fault),
    }
}

fn space(home: &Home) -> Finding {
    match file_system::bytes_left(home.path()) {
        Ok(left) if left < LOW_SPACE => Finding::new(
            "free space",
            Level::Warn,
            mebibytes(left),
            "Free some space.",
        ),
        Ok(left) => Finding::ok("free space", mebibytes(left)),
        Err(fault) => Finding::bad("free space", &fault),
    }
}

fn permissions(home: &Home) -> Finding {
    let open =
        |path: &Path| fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0);
    if open(home.path()) && open(&home.database()) {
        let mend = format!("Run `chmod 700 {}`.", home.path().display());
        return Finding::new(
            "permissions",
            Level::Warn,
            "others may read the ledger",
            &mend,
        );
    }
    let locked = |path: &Path| fs::metadata(path).is_ok_and(|found| found.permissions().readonly());
    if locked(home.path()) || locked(&home.database()) {
        let mend = "Make the folder and its files writable.";
        return Finding::new(
            "permissions",
            Level::Bad,
            "the ledger takes no writes",
            mend,
        );
    }
    Finding::ok("permissions", "private and writable")
}

fn turn(home: &Home) -> Finding {
    match holder_of(&home.write_lock()) {
        Some(holder) => {
            let reason = reason_in(&home.write_lock()).map(|reason| format!(": {reason}"));
            Finding::ok(
                "writers' turn",
                format!("{holder}{}", reason.unwrap_or_default()),
            )
        }
        None => Finding::ok("writers' turn", "free"),
    }
}

fn host(home: &Home) -> Finding {
    Finding::ok(
        "host",
        HostLock::holder(home).unwrap_or_else(|| "none".into()),
    )
}

fn wal(home: &Home) -> Finding {
    let size = |path: &Path| fs::metadata(path).map_or(0, |found| found.len());
    let log = size(&beside(&home.database(), "-wal"));
    let found = format!(
        "{}, log {}",
        mebibytes(size(&home.database())),
        mebibytes(log)
    );
    if log > LARGE_WAL {
        return Finding::new(
            "size",
            Level::Warn,
            found,
            "Close consoles that have been open for long.",
        );
    }
    Finding::ok("size", found)
}

fn integrity(ledger: &mut SqliteLedger) -> Finding {
    let mend = "Run `obeya ledger restore` with your latest backup.";
    match ledger.integrity(false) {
        Ok(wrong) if wrong.is_empty() => Finding::ok("database", "whole"),
        Ok(wrong) => Finding::new("database", Level::Bad, wrong.join("; "), mend),
        Err(fault) => Finding::bad("database", &fault),
    }
}

fn chain(ledger: &mut SqliteLedger) -> Finding {
    match verify(|after, limit| ledger.read(after, limit), None, &mut |_| {}) {
        Ok(verdict) => match verdict.bad {
            None => Finding::ok(
                "chain",
                format!("{} records, each as it was written", verdict.head.seq),
            ),
            Some(bad) => {
                let mend = "Run `obeya ledger restore` with your latest backup.";
                Finding::new("chain", Level::Bad, bad.to_string(), mend)
            }
        },
        Err(fault) => Finding::bad("chain", &fault),
    }
}

fn archive(ledger: &mut SqliteLedger) -> Finding {
    match ledger.archive_watermark() {
        Ok(Some(seq)) => Finding::ok("archive", format!("stands for {seq} records")),
        Ok(None) => {
            let mend = "It is rebuilt when obeya next writes.";
            Finding::new(
                "archive",
                Level::Warn,
                "lost, or from an older format",
                mend,
            )
        }
        Err(fault) => Finding::bad("archive", &fault),
    }
}

fn cached(home: &Home, ledger: &SqliteLedger) -> Finding {
    let (count, damaged, bytes) = snapshots::census(&home.snapshots(), &ledger.identity());
    let found = format!("{count}, {}", mebibytes(bytes));
    if damaged == 0 {
        return Finding::ok("snapshots", found);
    }
    let found = format!("{found}, {damaged} of them damaged");
    Finding::new(
        "snapshots",
        Level::Warn,
        found,
        "Nothing to do: they are only caches.",
    )
}

fn messages(home: &Home) -> Finding {
    const NAME: &str = "messages";
    if !home.messages().exists() {
        return Finding::ok(NAME, "none were ever sent");
    }
    let census = match Messages::open(home, Terms::default()).and_then(|mut all| all.census()) {
        Ok(census) => census,
        Err(fault) => return Finding::bad(NAME, &fault),
    };
    let size = mebibytes(fs::metadata(home.messages()).map_or(0, |found| found.len()));
    if !census.wrong.is_empty() {
        let mend = format!(
            "Move {} and its -wal and -shm away: what was not acknowledged is lost with them, the ledger is not.",
            home.messages().display()
        );
        return Finding::new(NAME, Level::Bad, census.wrong.join("; "), &mend);
    }
    let found = format!("{} kept, {} dead letters, {size}", census.kept, census.dead);
    Finding::ok(NAME, found)
}

fn tokens(home: &Home) -> Finding {
    const NAME: &str = "tokens";
    let found = match access::examine(home) {
        Ok(found) => found,
        Err(fault) => {
            let fault = Fault {
                what: format!("{}: {}", fault.path, fault.what),
                ..fault
            };
            return Finding::bad(NAME, &fault);
        }
    };
    if !home.access().exists() {
        return Finding::ok(NAME, "none were ever made");
    }
    match Access::open(home).and_then(|mut access| access.census()) {
        Ok(census) if census.wrong.is_empty() => Finding::ok(
            NAME,
            format!(
                "{} kept, {} rows of audit; {found} files, private",
                census.tokens, census.rows
            ),
        ),
        Ok(census) => {
            let mend = "Move access.db and its -wal and -shm away and make new tokens.";
            Finding::new(NAME, Level::Bad, census.wrong.join("; "), mend)
        }
        Err(fault) => Finding::bad(NAME, &fault),
    }
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
