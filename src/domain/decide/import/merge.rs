//! A newer file against what is here: field by field, with the item as last read as the common base.
//!
//! What changed there and not here is taken; what changed here stays, and the report says so.

use std::collections::BTreeSet;

use super::{MAX_LABELS, batch::Batch, comment_digest};
use crate::domain::{
    event::{Changes, ImportedItem},
    id::OrderId,
    import_report::{Note, NoteKind},
    order::{BUCKETS, Kind, Link, Order},
};

/// An open order whose item in the file is not as it was when it was last read.
pub(super) struct Case<'a> {
    /// Its place in the file.
    pub(super) at: usize,
    /// The order here.
    pub(super) order: &'a Order,
    /// The item as it was last read.
    pub(super) base: ImportedItem,
    /// What is taken over.
    pub(super) changes: Changes,
    /// Relations that are new there.
    pub(super) new_links: Vec<Link>,
    /// Relations that are gone there and still here.
    pub(super) old_links: Vec<Link>,
    /// The comments that are new there, by their place in the item.
    pub(super) comments: Vec<usize>,
    /// Whether it is closed there now and was open when last read.
    pub(super) ends: bool,
    /// Whether nothing was changed or started here since.
    pub(super) untouched: bool,
}

/// What becomes of one field.
#[derive(PartialEq)]
enum Pick {
    /// Nothing changed there, or the same here.
    Leave,
    /// Only theirs changed.
    Take,
    /// Both changed.
    Keep,
}

fn pick<T: PartialEq + ?Sized>(base: &T, theirs: &T, ours: &T) -> Pick {
    if theirs == base || theirs == ours {
        Pick::Leave
    } else if ours == base {
        Pick::Take
    } else {
        Pick::Keep
    }
}

/// Compares an item with its order. `wip` counts the orders in progress by bucket and follows what is taken.
///
/// Returns None, with a note, where the item as last read is not to be had.
pub(super) fn case<'a>(
    batch: &Batch<'a>,
    at: usize,
    order: &'a Order,
    wip: &mut [u32; BUCKETS],
    notes: &mut Vec<Note>,
) -> Option<Case<'a>> {
    let source = &batch.items[at];
    let Some(base) = batch.base(order) else {
        let why = "the record of its last import cannot be read; nothing was taken over";
        notes.push(Note::new(NoteKind::Kept, &source.external, why));
        return None;
    };
    let theirs = &source.item;
    let ours_text = batch.description(order);
    let mut changes = Changes::default();
    let mut kept: Vec<String> = Vec::new();
    let mut untouched = order.work().is_none() && order.epoch == 0;

    macro_rules! field {
        ($name:ident, $ours:expr, $take:expr) => {
            untouched &= *$ours == base.$name || *$ours == theirs.$name;
            match pick(&base.$name, &theirs.$name, $ours) {
                Pick::Leave => {}
                Pick::Take => changes.$name = Some($take(&theirs.$name)),
                Pick::Keep => kept.push(stringify!($name).into()),
            }
        };
    }
    field!(title, &order.title, String::clone);
    field!(description, &ours_text, or_empty);
    field!(priority, &order.priority, |priority: &_| *priority);
    field!(estimate, &order.estimate, |estimate: &Option<u32>| estimate
        .unwrap_or(0));
    field!(assignee, &order.assignee, or_empty);
    field!(kind, &order.kind, |kind: &Kind| *kind);
    if changes
        .kind
        .is_some_and(|kind| kind == Kind::Epic || order.is_epic())
    {
        changes.kind = None;
        kept.push(format!(
            "kind: an epic stays an epic, and nothing else becomes one; there it is {}",
            theirs.kind
        ));
    }
    field!(bucket, &order.bucket, |bucket: &_| *bucket);
    if let (Some(bucket), Some(_)) = (changes.bucket, order.work()) {
        let limit = batch.state.settings.bucket(bucket).wip_limit;
        if wip[bucket.index()] >= limit {
            changes.bucket = None;
            kept.push(format!(
                "bucket: it is in progress, and {bucket} is full at {limit}"
            ));
        } else {
            wip[bucket.index()] += 1;
            let was = &mut wip[order.bucket.index()];
            *was = was.saturating_sub(1);
        }
    }
    untouched &= order.labels == base.labels || order.labels == theirs.labels;
    let labels = together(&base.labels, &theirs.labels, &order.labels);
    if labels.len() > MAX_LABELS {
        kept.push(format!("labels: together there are more than {MAX_LABELS}"));
    } else if labels != order.labels {
        changes.labels = Some(labels);
    }
    untouched &= edges_untouched(order, &base);
    notes.extend(
        kept.into_iter()
            .map(|field| Note::new(NoteKind::Kept, &source.external, field)),
    );

    let known: BTreeSet<u64> = base.baseline.comments.iter().copied().collect();
    let comments = source.comments.iter().enumerate();
    Some(Case {
        at,
        order,
        changes,
        new_links: vec![],
        old_links: vec![],
        comments: comments
            .filter(|(_, comment)| !known.contains(&comment_digest(comment)))
            .map(|(n, _)| n)
            .collect(),
        ends: source.outcome.is_some() && base.closed.is_none(),
        untouched,
        base,
    })
}

impl Case<'_> {
    /// Compares the relations: `theirs` are those of the file and the edges that became links.
    pub(super) fn relate(&mut self, theirs: &[Link]) {
        let (base, ours) = (&self.base.links, &self.order.links);
        self.new_links = theirs
            .iter()
            .filter(|link| !base.contains(link) && !ours.contains(link))
            .cloned()
            .collect();
        self.old_links = base
            .iter()
            .filter(|link| !theirs.contains(link) && ours.contains(link))
            .cloned()
            .collect();
    }
}

/// Returns the parent that an imported item was given.
pub(super) fn base_parent(item: &ImportedItem) -> Option<OrderId> {
    match &item.closed {
        Some(end) => end.parent,
        None => item.baseline.parent,
    }
}

/// Returns what an imported item was made to wait for.
pub(super) fn base_waits(item: &ImportedItem) -> Vec<OrderId> {
    match &item.closed {
        Some(end) => end.depends_on.iter().map(|wait| wait.on).collect(),
        None => item.baseline.depends_on.clone(),
    }
}

fn edges_untouched(order: &Order, base: &ImportedItem) -> bool {
    let ours = order.depends_on.iter().map(|wait| wait.on);
    order.parent == base_parent(base) && ours.eq(base_waits(base))
}

/// Returns whether two readings of an item differ in anything but how it ended and what came with it.
pub(super) fn same_fields(a: &ImportedItem, b: &ImportedItem) -> bool {
    (&a.title, &a.description, a.kind, a.bucket, a.priority)
        == (&b.title, &b.description, b.kind, b.bucket, b.priority)
        && (&a.labels, &a.assignee, a.estimate) == (&b.labels, &b.assignee, b.estimate)
}

fn or_empty(text: &Option<String>) -> String {
    text.clone().unwrap_or_default()
}

/// Returns our labels without those that are gone there, and with those that are new there.
fn together(base: &[String], theirs: &[String], ours: &[String]) -> Vec<String> {
    let gone = |label: &&String| base.contains(label) && !theirs.contains(label);
    let new = theirs.iter().filter(|label| !base.contains(label));
    let labels: BTreeSet<&String> = ours
        .iter()
        .filter(|label| !gone(label))
        .chain(new)
        .collect();
    labels.into_iter().cloned().collect()
}
