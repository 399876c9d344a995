//! The row of each vertex: near those it is linked to, in the order of its layer, nothing over anything.

use std::collections::BTreeMap;

use super::{Look, layers::Layered};

/// How often the rows are pulled towards their neighbours, there and back.
const PULLS: usize = 8;
/// How much harder a bend pulls at a bend than an order does: long lines are to be straight.
const STIFFNESS: f64 = 8.0;

/// Returns the row at which lines come to each vertex, the topmost order's first row being 0.
///
/// Within a layer the rows that are nearest to what the neighbours ask for are found exactly, by pooling those that
/// would overlap (isotonic regression). At the end, from left to right, a vertex leaves a row on which a line of the
/// layer before comes that is not its own: two lines on one row would look like one.
pub fn rows(part: &Layered, look: Look) -> Vec<i32> {
    let beside = part.neighbours();
    let is_bend = |vertex: usize| {
        let vertex = part.vertices.get(vertex);
        vertex.is_some_and(|vertex| vertex.node.is_none())
    };
    let mut wanted = vec![0.0_f64; part.vertices.len()];
    for layer in &part.layers {
        let mut row = 0;
        for (at, vertex) in layer.iter().enumerate() {
            row += gap(
                part,
                look,
                at.checked_sub(1).and_then(|at| layer.get(at)),
                *vertex,
            );
            set(&mut wanted, *vertex, f64::from(row));
        }
    }
    let count = part.layers.len();
    for pull in 0..PULLS {
        let forward = pull % 2 == 0;
        for step in 1..count {
            let number = if forward { step } else { count - 1 - step };
            let Some(layer) = part.layers.get(number) else {
                continue;
            };
            let mut asks = Vec::with_capacity(layer.len());
            let mut least = 0;
            for (at, vertex) in layer.iter().enumerate() {
                least += gap(
                    part,
                    look,
                    at.checked_sub(1).and_then(|at| layer.get(at)),
                    *vertex,
                );
                let side = beside
                    .get(*vertex)
                    .and_then(|sides| sides.get(usize::from(!forward)));
                let (mut sum, mut weights) = (0.0, 0.0);
                for other in side.into_iter().flatten() {
                    let stiff = is_bend(*vertex) && is_bend(*other);
                    let weight = if stiff { STIFFNESS } else { 1.0 };
                    sum += weight * wanted.get(*other).copied().unwrap_or(0.0);
                    weights += weight;
                }
                let ask = match weights > 0.0 {
                    true => sum / weights,
                    false => wanted.get(*vertex).copied().unwrap_or(0.0),
                };
                // Without what lies between, all that is left to ask is that the order stays.
                asks.push((ask - f64::from(least), weights.max(0.1), least));
            }
            for (vertex, row) in layer.iter().zip(pool(&asks)) {
                set(&mut wanted, *vertex, row);
            }
        }
    }
    settle(part, look, &beside, &wanted)
}

/// Returns the least distance between the lines of a vertex and of the one above it in its layer; at the top, its line's
/// distance from its own first row.
fn gap(part: &Layered, look: Look, above: Option<&usize>, vertex: usize) -> i32 {
    let (_, height) = look.size();
    let of = |vertex: usize| match part.vertices.get(vertex).and_then(|vertex| vertex.node) {
        Some(_) => (look.pin(), height - look.pin(), true),
        None => (0, 1, false),
    };
    let (over, _, order) = of(vertex);
    match above.map(|above| of(*above)) {
        // Two orders have a row between them; a line may pass close by.
        Some((_, under, before)) => under + over + i32::from(order && before),
        None => over,
    }
}

fn set<T>(all: &mut [T], at: usize, value: T) {
    if let Some(place) = all.get_mut(at) {
        *place = value;
    }
}

/// Returns the rows nearest to what is asked (row, weight, least distance from the first) that keep the order: pools of
/// neighbours share their mean.
fn pool(asks: &[(f64, f64, i32)]) -> Vec<f64> {
    let mut pools: Vec<(f64, f64, usize)> = Vec::new();
    for (ask, weight, _) in asks {
        let (mut sum, mut weights, mut count) = (ask * weight, *weight, 1);
        while let Some((before, heavy, many)) = pools.last().copied()
            && before / heavy > sum / weights
        {
            pools.pop();
            (sum, weights, count) = (sum + before, weights + heavy, count + many);
        }
        pools.push((sum, weights, count));
    }
    let means = pools
        .into_iter()
        .flat_map(|(sum, weights, count)| std::iter::repeat_n(sum / weights, count));
    let least = asks.iter().map(|(.., least)| f64::from(*least));
    means.zip(least).map(|(row, least)| row + least).collect()
}

/// Returns whole rows, left to right, none of which a strange line reaches.
fn settle(part: &Layered, look: Look, beside: &[[Vec<usize>; 2]], wanted: &[f64]) -> Vec<i32> {
    let mut rows = vec![0; part.vertices.len()];
    let mut taken: BTreeMap<i32, usize> = BTreeMap::new();
    for layer in &part.layers {
        let mut now = BTreeMap::new();
        let mut above: Option<(usize, i32)> = None;
        for vertex in layer {
            let ask = wanted.get(*vertex).copied().unwrap_or(0.0).round() as i32;
            let least = above.map_or(i32::MIN, |(above, row)| {
                row + gap(part, look, Some(&above), *vertex)
            });
            let mut row = ask.max(least);
            // One row up or down a line would have a step that it need not have.
            let straight = [row - 1, row + 1].into_iter().find(|near| {
                let line = taken.get(near);
                *near >= least && line.is_some_and(|other| goes_straight(beside, *other, *vertex))
            });
            row = straight.unwrap_or(row);
            let fits = |other: &usize| {
                let comes = beside
                    .get(*vertex)
                    .is_some_and(|[left, _]| !left.is_empty());
                !comes || goes_straight(beside, *other, *vertex)
            };
            while taken.get(&row).is_some_and(|other| !fits(other)) {
                row += 1;
            }
            set(&mut rows, *vertex, row);
            above = Some((*vertex, row));
            if beside
                .get(*vertex)
                .is_some_and(|[_, right]| !right.is_empty())
            {
                now.insert(row, *vertex);
            }
        }
        taken = now;
    }
    let tops = part.vertices.iter().zip(&rows).map(|(vertex, row)| {
        let over = if vertex.node.is_some() { look.pin() } else { 0 };
        row - over
    });
    let top = tops.min().unwrap_or(0);
    rows.iter_mut().for_each(|row| *row -= top);
    rows
}

/// Returns whether a line may run straight from one vertex to one in the next layer: they are linked, and no other line
/// both leaves the one and reaches the other's row.
fn goes_straight(beside: &[[Vec<usize>; 2]], from: usize, to: usize) -> bool {
    let out = beside.get(from).map(|[_, right]| right.as_slice());
    let into = beside.get(to).map(|[left, _]| left.len());
    let out = out.unwrap_or_default();
    out.contains(&to) && (out.len() == 1 || into == Some(1))
}
