//! The order within each layer: sweeps there and back, each time sorting a layer by where its neighbours stand, keep the
//! order with the fewest crossings.

use super::layers::Layered;

/// The most sweeps; most graphs stand still after six.
const SWEEPS: usize = 24;
/// Sweeps in a row that make nothing better, after which no further is tried.
const PATIENCE: usize = 4;

/// Orders the layers so that few links cross, and returns how many do: never more than before.
pub fn order(part: &mut Layered) -> usize {
    let beside = part.neighbours();
    let mut at = vec![0; part.vertices.len()];
    for layer in &part.layers {
        place(layer, &mut at);
    }
    let mut best = (crossings(part), part.layers.clone());
    let mut idle = 0;
    for sweep in 0..SWEEPS {
        if best.0 == 0 || idle == PATIENCE {
            break;
        }
        // To the right each layer looks at the one on its left, and the other way round; every other pair of sweeps
        // takes the median, which untangles what the mean leaves.
        let (forward, median) = (sweep % 2 == 0, sweep % 4 >= 2);
        let count = part.layers.len();
        for step in 1..count {
            let number = if forward { step } else { count - 1 - step };
            let Some(layer) = part.layers.get_mut(number) else {
                continue;
            };
            let weigh = |vertex: &usize| {
                let side = usize::from(!forward);
                let own = at.get(*vertex).copied().unwrap_or(0);
                let beside = beside.get(*vertex).and_then(|sides| sides.get(side));
                weight(
                    beside.map(Vec::as_slice).unwrap_or_default(),
                    &at,
                    median,
                    own,
                )
            };
            let mut keyed: Vec<(f64, usize)> = layer
                .iter()
                .map(|vertex| (weigh(vertex), *vertex))
                .collect();
            keyed.sort_by(|one, other| one.0.total_cmp(&other.0));
            *layer = keyed.into_iter().map(|(_, vertex)| vertex).collect();
            place(layer, &mut at);
        }
        let now = crossings(part);
        idle += 1;
        if now < best.0 {
            best = (now, part.layers.clone());
            idle = 0;
        }
    }
    part.layers = best.1;
    best.0
}

fn place(layer: &[usize], at: &mut [usize]) {
    for (place, vertex) in layer.iter().enumerate() {
        if let Some(at) = at.get_mut(*vertex) {
            *at = place;
        }
    }
}

/// Returns the mean or the median place of some vertices, or `own` if there are none.
fn weight(beside: &[usize], at: &[usize], median: bool, own: usize) -> f64 {
    let mut places: Vec<usize> = beside
        .iter()
        .filter_map(|vertex| at.get(*vertex).copied())
        .collect();
    if places.is_empty() {
        return own as f64;
    }
    if !median {
        return places.iter().sum::<usize>() as f64 / places.len() as f64;
    }
    places.sort_unstable();
    let middle = |half: usize| places.get(half).copied().unwrap_or(own) as f64;
    let (low, high) = ((places.len() - 1) / 2, places.len() / 2);
    (middle(low) + middle(high)) / 2.0
}

/// Counts the pairs of links between the same two layers that cross: those whose ends stand the other way round on the
/// right than on the left. A tree of sums counts them in n log n (Barth, Mutzel and Jünger, 2004).
pub fn crossings(part: &Layered) -> usize {
    let mut at = vec![0; part.vertices.len()];
    for layer in &part.layers {
        place(layer, &mut at);
    }
    let mut between: Vec<Vec<(usize, usize)>> = vec![Vec::new(); part.layers.len()];
    let place_of = |vertex: usize| at.get(vertex).copied().unwrap_or(0);
    for link in &part.links {
        let layer = part
            .vertices
            .get(link.from)
            .map_or(0, |vertex| vertex.layer);
        if let Some(pairs) = between.get_mut(layer) {
            pairs.push((place_of(link.from), place_of(link.to)));
        }
    }
    let mut count = 0;
    for (layer, mut pairs) in between.into_iter().enumerate() {
        pairs.sort_unstable();
        let width = part.layers.get(layer + 1).map_or(0, Vec::len);
        let mut sums = vec![0_usize; width + 1];
        for (seen, (_, right)) in pairs.iter().enumerate() {
            // Those that came before and end no lower do not cross this one.
            let mut below = 0;
            let mut node = right + 1;
            while node > 0 {
                below += sums.get(node).copied().unwrap_or(0);
                node &= node - 1;
            }
            count += seen - below;
            let mut node = right + 1;
            while let Some(sum) = sums.get_mut(node) {
                *sum += 1;
                node += node & node.wrapping_neg();
            }
        }
    }
    count
}
