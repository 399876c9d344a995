//! From the ledger's files to a state: the newest snapshot, then the records after it.

use std::path::Path;

use crate::{
    domain::{
        archive::ArchiveChange,
        event::Undecodable,
        evolve::evolve,
        record::{Head, Record},
        snapshot::SNAPSHOT_FORMAT,
        state::State,
    },
    ledger::{Fault, FaultKind, Ledger, READ_PAGE, Snapshot, snapshots::LADDER_STEP},
};

/// Records after the newest snapshot before another one is worth its writing: replaying this many takes about a millisecond.
const MIN_TAIL: u64 = 96;
/// Open orders for each further record of that tail: a larger state costs more to write, so it is written less often.
const ORDERS_PER_TAIL: u64 = 64;

/// Returns the state at the ledger's head.
pub fn load(ledger: &mut dyn Ledger) -> Result<State, Fault> {
    load_at(ledger, None)
}

/// Returns the state at a seq, or at the head, every part of it decoded.
pub(super) fn load_at(ledger: &mut dyn Ledger, at: Option<u64>) -> Result<State, Fault> {
    let mut state = newest_snapshot(ledger, at)?;
    catch_up(ledger, &mut state, at, &mut |_, _| {})?;
    if !is_sound(&state) {
        state = State::default();
        catch_up(ledger, &mut state, at, &mut |_, _| {})?;
    }
    Ok(state)
}

/// Returns the state of the newest snapshot, or the one before genesis. Its parts are decoded when somebody looks.
pub(super) fn newest_snapshot(ledger: &mut dyn Ledger, at: Option<u64>) -> Result<State, Fault> {
    let snapshot = ledger.latest_snapshot(SNAPSHOT_FORMAT, at)?;
    let head = snapshot.as_ref().map(|snapshot| snapshot.head);
    Ok(snapshot
        .and_then(|snapshot| State::from_snapshot(snapshot.bytes))
        .filter(|state| Some(state.head) == head)
        .unwrap_or_default())
}

/// Decodes every part of a state that came from a snapshot, and returns whether all of it could be read.
pub(super) fn is_sound(state: &State) -> bool {
    let _ = (state.orders().count(), state.days().count());
    !state.is_damaged()
}

/// Replays the whole ledger and fills the archive from it. Needs the turn.
///
/// # Errors
///
/// The ledger could not be read or written, or holds what only a newer version can put into the archive.
pub(super) fn rebuild_archive(ledger: &mut dyn Ledger) -> Result<(), Fault> {
    let head = ledger.head()?;
    let mut state = State::default();
    let mut changes = Vec::new();
    catch_up(ledger, &mut state, Some(head.seq), &mut |_, new| {
        changes.extend(new)
    })?;
    if let Some((kind, seq)) = state.unknown {
        let what = format!("the archive is lost, and record {seq} ('{kind}') is unknown here");
        return Err(Fault::new(FaultKind::NewerFormat, Path::new(""), what));
    }
    tracing::warn!(rows = changes.len(), "the archive was lost and is rebuilt");
    ledger.rebuild_archive(head, &mut changes.into_iter())
}

/// Takes the records after the state's head into it, up to a seq or to the end, and shows each with what it does to
/// the archive. The chain is checked on the way.
pub(super) fn catch_up(
    ledger: &mut dyn Ledger,
    state: &mut State,
    at: Option<u64>,
    seen: &mut dyn FnMut(Record, Vec<ArchiveChange>),
) -> Result<(), Fault> {
    let end = at.unwrap_or(u64::MAX);
    while state.head.seq < end {
        let wanted = usize::try_from(end - state.head.seq)
            .unwrap_or(READ_PAGE)
            .min(READ_PAGE);
        let page = ledger.read(state.head.seq, wanted)?;
        let whole = page.len() < wanted;
        for record in page {
            let changes = take(state, &record)?;
            seen(record, changes);
        }
        if whole {
            break;
        }
    }
    Ok(())
}

/// Takes the record after the state's head into it, and returns what it does to the archive.
///
/// # Errors
///
/// It does not continue the chain of hashes, or cannot be read.
pub fn take(state: &mut State, record: &Record) -> Result<Vec<ArchiveChange>, Fault> {
    let Head { seq, hash } = state.head;
    if record.seq != seq + 1 || record.hash != record.seal(&hash) {
        return Err(broken(
            record.seq,
            "it does not continue the chain of hashes",
        ));
    }
    evolve(state, record).map_err(|error| match error {
        Undecodable::Damaged { kind, why } => {
            broken(record.seq, &format!("its '{kind}' cannot be read: {why}"))
        }
        Undecodable::Unknown { kind, .. } => {
            broken(record.seq, &format!("its '{kind}' is unknown"))
        }
    })
}

fn broken(seq: u64, why: &str) -> Fault {
    Fault::new(
        FaultKind::Corrupt,
        Path::new(""),
        format!("record {seq} is damaged: {why}"),
    )
}

/// Returns whether the records since `last` are many enough for another snapshot of `state`, `times` as many as usual.
pub(super) fn snapshot_is_due(state: &State, last: u64, times: u64) -> bool {
    let tail = state.head.seq.saturating_sub(last);
    let orders = u64::try_from(state.open_count()).unwrap_or(u64::MAX);
    tail >= (MIN_TAIL + orders / ORDERS_PER_TAIL).saturating_mul(times)
        || state.head.seq / LADDER_STEP > last / LADDER_STEP
}

/// Keeps a snapshot of `state`. A state that must not be kept is left out.
pub(super) fn keep_snapshot(ledger: &mut dyn Ledger, state: &State) -> Result<(), Fault> {
    let Some(bytes) = state.to_snapshot() else {
        return Ok(());
    };
    let head = state.head;
    ledger.put_snapshot(&Snapshot {
        head,
        incarnation: state.incarnation,
        format: SNAPSHOT_FORMAT,
        bytes,
    })
}
