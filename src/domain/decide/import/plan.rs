//! What one import will do, worked out once; the events and the report are two readings of it.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    PARENT_LINK, UNDATED,
    batch::{Batch, Place},
    comment_digest,
    edges::{Bonds, Weaver},
    merge::{self, Case},
};
use crate::domain::{
    command::ImportItem,
    decide::Draft,
    event::{Baseline, Event, ImportedEnd, ImportedItem},
    id::OrderId,
    import_report::{ImportReport, Note, NoteKind},
    order::{External, Link, Outcome, Status},
    refusal::Refusal,
    time::Timestamp,
};

/// What one import will do.
pub(super) struct Plan<'a> {
    /// New items, in the file's order, with their edges.
    new: Vec<(usize, Bonds)>,
    /// Open orders whose items changed, with the edges of the next base.
    merges: Vec<(Case<'a>, Bonds)>,
    /// Orders that were closed there: their places among the merges, children before parents.
    ends: Vec<usize>,
    /// The edges of open orders.
    edges: Vec<Draft>,
    notes: Vec<Note>,
}

impl<'a> Plan<'a> {
    pub(super) fn make(batch: &Batch<'a>) -> Result<Self, Refusal> {
        let mut notes = Vec::new();
        let mut wip = batch.state.counts.wip;
        let mut cases = Vec::new();
        for at in 0..batch.items.len() {
            match batch.places[at] {
                Place::New => new_notes(batch, at, &mut notes),
                _ if !batch.touched(at) => {}
                Place::Open(order) => {
                    cases.extend(merge::case(batch, at, order, &mut wip, &mut notes));
                }
                Place::Closed(_) => closed_notes(batch, at, &mut notes),
            }
        }
        let ends = ends(batch, &cases, &mut notes);
        let closing: BTreeSet<OrderId> = ends.iter().map(|n| cases[*n].order.id).collect();

        let mut weaver = Weaver::new(batch, &closing);
        for case in cases
            .iter()
            .filter(|case| !closing.contains(&case.order.id))
        {
            weaver.cut(case)?;
        }
        let (mut new, mut merges) = (Vec::new(), Vec::new());
        let mut cases = cases.into_iter().peekable();
        for at in 0..batch.items.len() {
            if let Some(mut case) = cases.next_if(|case| case.at == at) {
                let bonds = match closing.contains(&case.order.id) {
                    true => as_it_stands(&case, &batch.items[at].item.links),
                    false => weaver.merge(&case)?,
                };
                case.relate(&bonds.links);
                merges.push((case, bonds));
            } else if matches!(batch.places[at], Place::New) {
                new.push((at, weaver.arrive(at)?));
            }
        }
        let (edges, edge_notes) = (weaver.drafts, weaver.notes);
        notes.extend(edge_notes);
        Ok(Plan {
            new,
            merges,
            ends,
            edges,
            notes,
        })
    }

    /// Returns the events, none if nothing changes.
    pub(super) fn drafts(self, batch: &Batch<'_>) -> Vec<Draft> {
        let updated = self.updated();
        let (mut drafts, mut closed) = (Vec::with_capacity(self.new.len() + 1), Vec::new());
        let mut comments = Vec::new();
        let added = self.new.len();
        for (at, bonds) in self.new {
            let item = &batch.items[at];
            let open = item.outcome.is_none();
            let recorded = recorded(batch, at, bonds);
            let end = recorded.closed.as_ref().map(|end| end.at);
            let draft = Draft {
                occurred_at: Some(end.unwrap_or(recorded.created)),
                event: Event::OrderImported {
                    id: batch.ids[at],
                    item: Box::new(recorded),
                    external: external(batch, at),
                },
            };
            if open { &mut drafts } else { &mut closed }.push(draft);
            comments.extend((0..item.comments.len()).map(|n| comment(batch, at, n)));
        }
        drafts.extend(self.edges);
        drafts.extend(closed);
        drafts.extend(comments);
        let new_comments = self.merges.iter().flat_map(|(case, _)| {
            let at = case.at;
            case.comments.iter().map(move |n| comment(batch, at, *n))
        });
        drafts.extend(new_comments);
        let merged: Vec<(usize, OrderId)> = self
            .merges
            .iter()
            .map(|(case, _)| (case.at, case.order.id))
            .collect();
        for (case, bonds) in self.merges {
            let id = case.order.id;
            drafts.push(
                Event::OrderMerged {
                    id,
                    item: Box::new(recorded(batch, case.at, bonds)),
                    external: external(batch, case.at),
                    changes: Box::new(case.changes),
                }
                .into(),
            );
            let gone = case.old_links.into_iter();
            drafts.extend(gone.map(|link| Event::LinkRemoved { id, link }.into()));
            let new = case.new_links.into_iter();
            drafts.extend(new.map(|link| Event::LinkAdded { id, link }.into()));
        }
        for n in self.ends {
            let (at, id) = merged[n];
            if let Some((outcome, closed)) = ended(batch, &batch.items[at]) {
                drafts.push(Draft {
                    event: Event::OrderClosedElsewhere {
                        id,
                        outcome,
                        closed,
                    },
                    occurred_at: Some(closed),
                });
            }
        }
        if !drafts.is_empty() {
            let finished = Event::ImportFinished {
                source: batch.source.into(),
                added: count(added),
                updated: count(updated),
                unchanged: count(batch.items.len() - added - updated),
            };
            drafts.push(finished.into());
        }
        drafts
    }

    /// Returns the counts and the notes.
    pub(super) fn report(self, batch: &Batch<'_>) -> ImportReport {
        let (added, updated) = (self.new.len(), self.updated());
        let mut report = ImportReport {
            source: batch.source.into(),
            items: count(batch.items.len()),
            added: count(added),
            updated: count(updated),
            unchanged: count(batch.items.len() - added - updated),
            notes: self.notes,
            ..ImportReport::default()
        };
        for item in batch.items {
            let status = match &item.outcome {
                None => Status::Queued,
                Some((Outcome::Completed { .. }, _)) => Status::Completed,
                Some((Outcome::Cancelled { .. }, _)) => Status::Cancelled,
            };
            *report.by_status.entry(status).or_default() += 1;
            *report.by_kind.entry(item.item.kind).or_default() += 1;
            *report.by_bucket.entry(item.item.bucket).or_default() += 1;
        }
        report
    }

    /// Returns how many orders that were here change.
    fn updated(&self) -> usize {
        let edged: BTreeSet<OrderId> = self
            .edges
            .iter()
            .filter_map(|draft| match &draft.event {
                Event::DependencyAdded { id, .. }
                | Event::DependencyRemoved { id, .. }
                | Event::OrderEdited { id, .. } => Some(*id),
                _ => None,
            })
            .collect();
        let ending: BTreeSet<usize> = self.ends.iter().copied().collect();
        let merges = self.merges.iter().enumerate();
        merges
            .filter(|(n, (case, _))| {
                !case.changes.is_empty()
                    || !case.new_links.is_empty()
                    || !case.old_links.is_empty()
                    || !case.comments.is_empty()
                    || ending.contains(n)
                    || edged.contains(&case.order.id)
            })
            .count()
    }
}

/// Returns which merges end their orders, children before parents.
///
/// An order that was started or changed here stays open, and so does one with a child that stays open.
fn ends(batch: &Batch<'_>, cases: &[Case<'_>], notes: &mut Vec<Note>) -> Vec<usize> {
    let mut ending: BTreeMap<OrderId, usize> = BTreeMap::new();
    let mut stays = |case: &Case<'_>, why: &str| {
        let external = &batch.items[case.at].external;
        notes.push(Note::new(NoteKind::ClosedThere, external, why));
    };
    for (n, case) in cases.iter().enumerate().filter(|(_, case)| case.ends) {
        if case.untouched {
            ending.insert(case.order.id, n);
        } else {
            stays(case, "it was started or changed here");
        }
    }
    // One that stays keeps its ancestors open, so the news goes up the tree.
    let mut doubted: Vec<OrderId> = ending.keys().copied().collect();
    while let Some(id) = doubted.pop() {
        let Some(case) = ending.get(&id).map(|n| &cases[*n]) else {
            continue;
        };
        if case
            .order
            .children
            .iter()
            .any(|child| !ending.contains_key(child))
        {
            stays(case, "a part of it is still open here");
            ending.remove(&id);
            doubted.extend(case.order.parent);
        }
    }
    let depth = |id: OrderId| batch.state.lineage(id).count();
    let mut ends: Vec<_> = ending.into_iter().map(|(id, n)| (depth(id), n)).collect();
    ends.sort_by(|(a, m), (b, n)| b.cmp(a).then(m.cmp(n)));
    ends.into_iter().map(|(_, n)| n).collect()
}

/// Returns the bonds of an order that closes: its edges go with it as they are, and no link is lost.
fn as_it_stands(case: &Case<'_>, theirs: &[Link]) -> Bonds {
    let links: BTreeSet<&Link> = theirs.iter().chain(&case.base.links).collect();
    Bonds {
        parent: case.order.parent,
        depends_on: case.order.depends_on.clone(),
        links: links.into_iter().cloned().collect(),
    }
}

/// Returns the item as it is recorded: with its edges by ids here, and no time that cannot be.
fn recorded(batch: &Batch<'_>, at: usize, bonds: Bonds) -> ImportedItem {
    let item = &batch.items[at];
    let mut baseline = Baseline {
        comments: item.comments.iter().map(comment_digest).collect(),
        ..Baseline::default()
    };
    let closed = match ended(batch, item) {
        Some((outcome, at)) => Some(ImportedEnd {
            outcome,
            at,
            parent: bonds.parent,
            depends_on: bonds.depends_on,
        }),
        None => {
            baseline.parent = bonds.parent;
            baseline.depends_on = bonds.depends_on.iter().map(|wait| wait.on).collect();
            None
        }
    };
    let fields = &item.item;
    ImportedItem {
        title: fields.title.clone(),
        description: fields.description.clone(),
        labels: fields.labels.clone(),
        assignee: fields.assignee.clone(),
        created: clamped(batch, fields.created),
        links: bonds.links,
        closed,
        baseline,
        kind: fields.kind,
        bucket: fields.bucket,
        priority: fields.priority,
        estimate: fields.estimate,
    }
}

/// Returns how and when an item ended. What was completed elsewhere has no receipt here.
fn ended(batch: &Batch<'_>, item: &ImportItem) -> Option<(Outcome, Timestamp)> {
    let (outcome, at) = item.outcome.as_ref()?;
    let outcome = match outcome {
        Outcome::Completed { .. } => Outcome::Completed {
            sku: None,
            receipt: None,
        },
        cancelled @ Outcome::Cancelled { .. } => cancelled.clone(),
    };
    Some((outcome, clamped(batch, *at)))
}

fn external(batch: &Batch<'_>, at: usize) -> External {
    External {
        source: batch.source.into(),
        id: batch.items[at].external.clone(),
        // The record's own place, which only the ledger knows: evolve puts it in.
        base: 0,
        digest: batch.items[at].digest,
    }
}

fn comment(batch: &Batch<'_>, at: usize, n: usize) -> Draft {
    let (author, said, text) = &batch.items[at].comments[n];
    Draft {
        event: Event::OrderCommented {
            id: batch.ids[at],
            text: text.clone(),
            author: Some(author.clone()),
        },
        occurred_at: Some(clamped(batch, *said)),
    }
}

/// Returns the nearest moment that can have been: nothing happened before 1970, or later than now.
fn clamped(batch: &Batch<'_>, at: Timestamp) -> Timestamp {
    Timestamp(at.0.clamp(0, batch.now.0.max(0)))
}

fn new_notes(batch: &Batch<'_>, at: usize, notes: &mut Vec<Note>) {
    let item = &batch.items[at];
    let mut note = |kind, text: String| notes.push(Note::new(kind, &item.external, text));
    let created = item.item.created;
    // A file without dates says nothing wrong: what has none counts from its import.
    let wrong = |at: Timestamp| at != UNDATED && clamped(batch, at) != at;
    if wrong(created) {
        note(NoteKind::Clamped, format!("created {created}"));
    }
    if let Some((_, closed)) = item.outcome {
        if wrong(closed) {
            note(NoteKind::Clamped, format!("closed {closed}"));
        }
        if closed < created && created != UNDATED {
            note(NoteKind::ZeroLead, String::new());
        }
    }
    for link in item
        .item
        .links
        .iter()
        .filter(|link| link.kind == PARENT_LINK)
    {
        note(
            NoteKind::SecondParent,
            format!("part of {} too", link.target),
        );
    }
}

/// Says what changed there about an order that is closed here.
fn closed_notes(batch: &Batch<'_>, at: usize, notes: &mut Vec<Note>) {
    let (item, Place::Closed(closed)) = (&batch.items[at], batch.places[at]) else {
        return;
    };
    let base = batch.base(&closed.order);
    let was_closed = base.as_ref().is_none_or(|base| base.closed.is_some());
    if item.outcome.is_none() && was_closed {
        let text = format!("obeya work-order reopen {}", closed.order.id);
        notes.push(Note::new(NoteKind::ReopenedThere, &item.external, text));
    } else if base.is_none_or(|base| !merge::same_fields(&base, &item.item)) {
        let text = closed.order.id.to_string();
        notes.push(Note::new(NoteKind::ClosedHere, &item.external, text));
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
