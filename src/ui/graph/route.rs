//! Lines at right angles: each goes along its row to a track between two layers, along that to the other row, and on.

use std::collections::{BTreeMap, BTreeSet};

use super::{Look, layers::Layered};

/// Columns before the first track of a channel, and behind its last for the arrow.
const MARGIN: i32 = 2;
/// From this many tracks on they stand side by side, with no column between.
const DENSE: usize = 5;

/// A line from one layer to the next: along its first row to the track, along the track, along its second row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wire {
    /// The vertex it leaves.
    pub from: usize,
    /// The vertex it reaches.
    pub to: usize,
    /// The columns of its beginning, its track and its end, all of them drawn.
    pub columns: [i32; 3],
    /// The rows of its beginning and its end.
    pub rows: [i32; 2],
    /// Whether it ends at an order, with an arrow.
    pub arrow: bool,
    /// Whether a step of the critical path goes along it.
    pub critical: bool,
}

/// What shares a track: lines that leave, or that reach, the same vertex.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    From(usize),
    Into(usize),
}

/// Returns the column of each layer, and the lines.
pub fn route(part: &Layered, rows: &[i32], look: Look) -> (Vec<i32>, Vec<Wire>) {
    let (width, _) = look.size();
    let beside = part.neighbours();
    let row = |vertex: usize| rows.get(vertex).copied().unwrap_or(0);
    let mut between: Vec<Vec<usize>> = vec![Vec::new(); part.layers.len()];
    let mut group_of = Vec::with_capacity(part.links.len());
    for (at, link) in part.links.iter().enumerate() {
        let out = beside.get(link.from).map_or(0, |[_, right]| right.len());
        let into = beside.get(link.to).map_or(0, |[left, _]| left.len());
        group_of.push(match out >= into {
            true => Group::From(link.from),
            false => Group::Into(link.to),
        });
        let layer = part
            .vertices
            .get(link.from)
            .map_or(0, |vertex| vertex.layer);
        if let Some(links) = between.get_mut(layer) {
            links.push(at);
        }
    }
    let mut columns = Vec::with_capacity(part.layers.len());
    let mut wires = Vec::with_capacity(part.links.len());
    let mut left = 0;
    for links in &between {
        columns.push(left);
        let start = left + width;
        let mut spans: BTreeMap<Group, [i32; 2]> = BTreeMap::new();
        let mut falls: BTreeMap<Group, i64> = BTreeMap::new();
        for at in links {
            let (Some(link), Some(group)) = (part.links.get(*at), group_of.get(*at)) else {
                continue;
            };
            let (from, to) = (row(link.from), row(link.to));
            let span = spans.entry(*group).or_insert([from.min(to), from.max(to)]);
            *span = [span[0].min(from.min(to)), span[1].max(from.max(to))];
            *falls.entry(*group).or_default() += i64::from(to - from);
        }
        let tracks = tracks(&spans, &falls);
        let count = tracks.values().max().map_or(0, |last| last + 1);
        let pitch = if count >= DENSE { 1 } else { 2 };
        let column = |track: usize| start + 1 + pitch * i32::try_from(track).unwrap_or(0);
        let end = column(count.saturating_sub(1)) + MARGIN;
        for at in links {
            let (Some(link), Some(group)) = (part.links.get(*at), group_of.get(*at)) else {
                continue;
            };
            let arrow = part
                .vertices
                .get(link.to)
                .is_some_and(|to| to.node.is_some());
            wires.push(Wire {
                from: link.from,
                to: link.to,
                columns: [
                    start,
                    tracks.get(group).map_or(start, |track| column(*track)),
                    // A bend is as wide as its column.
                    if arrow { end - 1 } else { end + width - 1 },
                ],
                rows: [row(link.from), row(link.to)],
                arrow,
                critical: link.critical,
            });
        }
        left = end;
    }
    (columns, wires)
}

/// Returns the track of each group that changes rows, so that no two on one track touch.
///
/// Of lines that fall, the lower ones turn first, and of those that rise the upper ones: so they do not cross.
fn tracks(
    spans: &BTreeMap<Group, [i32; 2]>,
    falls: &BTreeMap<Group, i64>,
) -> BTreeMap<Group, usize> {
    let mut groups: Vec<(Group, [i32; 2], bool)> = spans
        .iter()
        .filter(|(_, span)| span[0] < span[1])
        .map(|(group, span)| {
            (
                *group,
                *span,
                falls.get(group).is_none_or(|fall| *fall >= 0),
            )
        })
        .collect();
    groups.sort_by_key(|(group, span, falls)| {
        let upper = if *falls { -span[0] } else { span[1] };
        (!falls, upper, *group)
    });
    let mut found = BTreeMap::new();
    // The spans on each track, by their first row; no two of them touch.
    let mut used: Vec<BTreeSet<[i32; 2]>> = Vec::new();
    for (group, span, _) in groups {
        let is_free = |spans: &BTreeSet<[i32; 2]>| {
            let before = spans.range(..=[span[1], i32::MAX]).next_back();
            before.is_none_or(|before| before[1] < span[0])
        };
        let track = used.iter().position(is_free).unwrap_or(used.len());
        if track == used.len() {
            used.push(BTreeSet::new());
        }
        if let Some(spans) = used.get_mut(track) {
            spans.insert(span);
        }
        found.insert(group, track);
    }
    found
}
