//! A file of another system comes in, or a newer one is merged with what is here.
//!
//! The events come in this order, so that each finds what it names: open items, their edges, closed items with theirs,
//! comments, merges, and what was closed elsewhere.

mod batch;
mod check;
mod edges;
#[cfg(test)]
pub(crate) mod harness;
mod merge;
#[cfg(test)]
mod merge_tests;
mod plan;
#[cfg(test)]
mod tests;

use sha2::{Digest as _, Sha256};

use self::{
    batch::{Batch, Place, Register, names, records},
    plan::Plan,
};
use super::{Context, Decision, validate};
use crate::domain::{
    cold::{Cold, Needs},
    command::ImportItem,
    import_report::ImportReport,
    refusal::Refusal,
    state::State,
    time::Timestamp,
};

/// The most items of one import: it is one command and one transaction, and all of it is in memory at once.
pub const MAX_ITEMS: usize = 200_000;
/// The longest id in another system, in characters.
pub const MAX_EXTERNAL: usize = 120;
/// The link that a second parent becomes, or one that cannot be a parent here.
pub const PARENT_LINK: &str = "parent";
/// The link that a dependency on something that is not here becomes.
pub const WAIT_LINK: &str = "waits-for";
/// The longest title, in characters.
pub const MAX_TITLE: usize = validate::MAX_TITLE;
/// The longest description or comment, in bytes.
pub const MAX_TEXT: usize = validate::MAX_TEXT;
/// The longest label, assignee or author, in characters.
pub const MAX_NAME: usize = validate::MAX_NAME;
/// The most labels of an item.
pub const MAX_LABELS: usize = validate::MAX_LABELS;
/// The most links of an item.
pub const MAX_LINKS: usize = validate::MAX_LINKS;
/// The longest target of a link, in characters.
pub const MAX_TARGET: usize = check::MAX_TARGET;
/// The longest reason of a cancelled item, in characters.
pub const MAX_REASON: usize = validate::MAX_REASON;
/// The creation of an item whose file does not tell it: such an item counts from its import on.
pub const UNDATED: Timestamp = Timestamp::MAX;
/// The longest estimate, in minutes.
pub const MAX_ESTIMATE: u32 = validate::MAX_ESTIMATE;

/// Returns which closed orders and earlier records the import has to look at: first who the names are, then the closed
/// orders among them, then what was last read of those that changed.
pub(super) fn needs(state: &State, cold: &Cold, source: &str, items: &[ImportItem]) -> Needs {
    let mut needs = Needs::default();
    if items.len() > MAX_ITEMS {
        return needs;
    }
    let register = Register::new(state, cold, source);
    if register.is_blank() {
        return needs;
    }
    for key in items.iter().flat_map(names).filter_map(|n| register.key(n)) {
        match cold.externals.get(&key) {
            None => {
                needs.externals.insert(key);
            }
            Some(Some(id)) if !cold.orders.contains_key(id) => {
                needs.orders.insert(*id);
            }
            Some(_) => {}
        }
    }
    if !needs.is_empty() {
        return needs;
    }
    // What is wrong with the file is the decision's to say.
    let Ok(batch) = Batch::new(state, cold, source, items, Timestamp::default()) else {
        return needs;
    };
    for at in (0..items.len()).filter(|at| batch.touched(*at)) {
        let order = match batch.places[at] {
            Place::New => continue,
            Place::Open(order) => order,
            Place::Closed(closed) => &closed.order,
        };
        needs
            .records
            .extend(records(order).filter(|seq| !cold.records.contains_key(seq)));
    }
    needs
}

/// Decides what an import brings in and what it merges. A file that was read before decides nothing.
pub(super) fn import(
    state: &State,
    cold: &Cold,
    source: &str,
    items: &[ImportItem],
    context: &Context<'_>,
) -> Decision {
    check::file(source, items)?;
    let batch = Batch::new(state, cold, source, items, context.now)?;
    Ok(Plan::make(&batch)?.drafts(&batch))
}

/// Returns what an import would have to say about the same state and items: the counts, and every note.
pub fn report(
    state: &State,
    cold: &Cold,
    source: &str,
    items: &[ImportItem],
    now: Timestamp,
) -> Result<ImportReport, Refusal> {
    check::file(source, items)?;
    let batch = Batch::new(state, cold, source, items, now)?;
    Ok(Plan::make(&batch)?.report(&batch))
}

/// Returns the first eight bytes of the SHA-256 of some parts, length first: the same on every machine and for ever.
pub fn digest<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    let mut sha = Sha256::new();
    for part in parts {
        sha.update((part.len() as u64).to_be_bytes());
        sha.update(part);
    }
    let hash: [u8; 32] = sha.finalize().into();
    hash.iter()
        .take(8)
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Returns the digest by which a comment is known again.
fn comment_digest((author, at, text): &(String, Timestamp, String)) -> u64 {
    digest([
        author.as_bytes(),
        at.0.to_be_bytes().as_slice(),
        text.as_bytes(),
    ])
}
