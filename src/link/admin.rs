//! The ledger as a whole: making, checking, saving and replacing it. No engine is needed for these.

use std::{path::Path, sync::Arc};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    domain::{
        command::Command,
        record::{Head, Seq},
        state::State,
    },
    engine::{self, Clock, Reply, SystemClock, Writer, receipts::Filed},
    ledger::{
        Fault, FaultKind, Home, Identity, Ledger as _, SqliteLedger,
        backup::{self as files, Restored},
        doctor::{self as examination, Finding, Level},
        verify::{self as walk, Verdict},
    },
};

pub use crate::ledger::{backup::Backup, verify::Verdict as Verified};

/// Makes a ledger in a folder that has none, and returns its head after genesis.
///
/// # Errors
///
/// There is one already, or the folder cannot be written.
pub fn init(home: &Home) -> Result<Head, Fault> {
    init_at(home, Uuid::now_v7(), Arc::new(SystemClock::new()))
}

/// Makes a ledger as [`init`] does, with a name that is given and under another clock.
///
/// # Errors
///
/// There is one already, or the folder cannot be written.
pub fn init_at(home: &Home, uuid: Uuid, clock: Arc<dyn Clock>) -> Result<Head, Fault> {
    let identity = Identity {
        uuid,
        incarnation: 1,
        created: clock.now(),
    };
    let (ledger, uuid) = match SqliteLedger::create(home, identity) {
        Ok(ledger) => (ledger, uuid),
        // One without a first record was left by a process that died while making it.
        Err(fault) if fault.kind == FaultKind::Exists => {
            let mut ledger = SqliteLedger::open(home)?;
            match ledger.head()?.seq {
                0 => {
                    let uuid = ledger.identity().uuid;
                    (ledger, uuid)
                }
                _ => return Err(fault),
            }
        }
        Err(fault) => return Err(fault),
    };
    let mut writer = Writer::new(Box::new(ledger), clock, Some(home));
    done(
        home,
        writer.submit(&engine::own_act(Command::Genesis { uuid })),
    )?;
    Ok(writer.state().head)
}

fn done(home: &Home, reply: Reply) -> Result<(), Fault> {
    match reply {
        Reply::Done(_) => Ok(()),
        Reply::Refused(refusal) => Err(Fault::new(
            FaultKind::Misuse,
            home.path(),
            refusal.to_string(),
        )),
        Reply::Failed(failure) => Err(failure.fault().clone()),
    }
}

/// Walks the chain and names the first bad record. `anchor` is a head that was kept outside.
///
/// # Errors
///
/// The ledger could not be read at all.
pub fn verify(
    home: &Home,
    anchor: Option<Head>,
    progress: &mut dyn FnMut(Seq),
) -> Result<Verdict, Fault> {
    let mut ledger = SqliteLedger::open(home)?;
    walk::verify(|after, limit| ledger.read(after, limit), anchor, progress)
}

/// Saves the ledger to a file that is not there yet.
///
/// # Errors
///
/// The target exists or cannot be written, or the ledger cannot be read.
pub fn backup(home: &Home, target: &Path, progress: &mut dyn FnMut(Seq)) -> Result<Backup, Fault> {
    files::backup(home, target, progress)
}

/// Replaces the ledger by a backup that says so itself: the record of the restore is on it before it takes the ledger's
/// name.
///
/// # Errors
///
/// The source is not a sound backup, or somebody holds the ledger.
pub fn restore(
    home: &Home,
    source: &Path,
    progress: &mut dyn FnMut(Seq),
) -> Result<Restored, Fault> {
    files::restore(home, source, progress, &mut |copy, identity| {
        let ledger = SqliteLedger::open(copy)?;
        let mut writer = Writer::new(Box::new(ledger), Arc::new(SystemClock::new()), Some(home));
        let incarnation = identity.incarnation;
        let note = engine::own_act(Command::NoteRestore { incarnation });
        done(home, writer.submit(&note))
    })
}

/// Looks at everything that can be wrong with a ledger, and says what to do about it.
pub fn doctor(home: &Home) -> Vec<Finding> {
    let mut findings = examination::examine(home);
    // Where the ledger cannot be read that has been said, and nobody knows its stages.
    let state = state(home).ok();
    let stages = state
        .as_ref()
        .map_or(&[][..], |state| &state.settings.stages);
    findings.extend(super::line_file::findings(home, stages));
    findings.extend(super::worktrees::finding(home));
    findings.extend(state.and_then(|state| receipts(home, state.receipts.count)));
    findings
}

/// Looks at the files of so many receipts, where any are wanted.
fn receipts(home: &Home, count: u64) -> Option<Finding> {
    let filed = Filed::of(home)?;
    let folder = filed.folder.display();
    let found = format!("{} of {count} in {folder}", filed.written);
    let (level, found, mend) = match filed.trouble.filter(|_| filed.written < count) {
        None => (Level::Ok, found, ""),
        Some(why) => (
            Level::Warn,
            format!("{found}: {why}"),
            "Make the folder writable, or name another one under [receipts] in obeya.toml; a host writes the rest within seconds.",
        ),
    };
    Some(Finding {
        name: "receipts".into(),
        level,
        found,
        mend: mend.into(),
    })
}

/// Returns the last record's number and hash, read from the database alone: no state is built.
///
/// # Errors
///
/// The ledger could not be read.
pub fn head(home: &Home) -> Result<Head, Fault> {
    SqliteLedger::open(home)?.head()
}

/// The ledger in figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stats {
    /// Its name for ever.
    pub uuid: Uuid,
    /// Which life of it.
    pub incarnation: u64,
    /// The last record.
    pub head: Head,
    /// Orders and epics that are open.
    pub open: usize,
    /// Orders and epics that were completed.
    pub completed: u64,
    /// Orders and epics that were cancelled.
    pub cancelled: u64,
    /// Open alerts.
    pub alerts: usize,
    /// Receipts written.
    pub receipts: u64,
    /// Registered agents.
    pub agents: usize,
    /// The SHA-256 of the state's canonical encoding: equal on every machine that has replayed this far.
    pub state_hash: String,
    /// Bytes of the database.
    pub database_bytes: u64,
}

/// Returns all that is so at the ledger's head, every part of it decoded.
///
/// # Errors
///
/// The ledger could not be read.
pub fn state(home: &Home) -> Result<State, Fault> {
    engine::load(&mut SqliteLedger::open(home)?)
}

/// Returns the ledger in figures.
///
/// # Errors
///
/// The ledger could not be read.
pub fn stats(home: &Home) -> Result<Stats, Fault> {
    let mut ledger = SqliteLedger::open(home)?;
    let state: State = engine::load(&mut ledger)?;
    let database = home.database();
    let database_bytes = std::fs::metadata(&database)
        .map_err(|error| Fault::io(&database, "reading its size", &error))?
        .len();
    Ok(Stats {
        uuid: state.uuid,
        incarnation: state.incarnation,
        head: state.head,
        open: state.open_count(),
        completed: state.counts.completed,
        cancelled: state.counts.cancelled,
        alerts: state.alerts.len(),
        receipts: state.receipts.count,
        agents: state.agents.len(),
        state_hash: state.state_hash().to_string(),
        database_bytes,
    })
}
