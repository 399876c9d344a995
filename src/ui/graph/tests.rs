//! Properties of the drawing, on random graphs.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Drawing, Edge, Look, Shape,
    chart::Chart,
    fold::fold,
    layers,
    lines::{DOWN, LEFT, Lines, RIGHT, UP, Weight},
    route::Wire,
    sweep,
};
use crate::domain::{
    id::OrderId,
    order::Status,
    query::{
        deps::Direction,
        detail::Neighbour,
        graph::{DependencyGraph, GraphEdge},
    },
};

/// A generator of numbers: the same each time (Knuth's constants for 64 bits).
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % most.max(1)
    }
}

/// Returns a graph without circles: some nodes have many waits, some none, and a few reach far.
fn random(seed: u64) -> Shape {
    let mut dice = Dice(seed);
    let count = 1 + dice.below(40);
    let dense = dice.below(4);
    let mut edges = BTreeSet::new();
    for after in 1..count {
        for _ in 0..dice.below(dense + 2) {
            let near = after.saturating_sub(1 + dice.below(6));
            let before = if dice.below(4) == 0 {
                dice.below(after)
            } else {
                near
            };
            edges.insert((before, after));
        }
    }
    // The names are shuffled, so that an order's number says nothing about its place.
    let mut names: Vec<usize> = (0..count).collect();
    for at in (1..count).rev() {
        names.swap(at, dice.below(at + 1));
    }
    let hub = dice.below(count);
    Shape {
        nodes: (1..).take(count).map(OrderId::work).collect(),
        edges: edges
            .into_iter()
            .map(|(before, after)| Edge {
                before: names[before],
                after: names[after],
                critical: before == hub,
            })
            .collect(),
        look: if seed.is_multiple_of(2) {
            Look::Card
        } else {
            Look::Line
        },
    }
}

fn drawings() -> impl Iterator<Item = Drawing> {
    (0..400).map(|seed| Drawing::of(random(seed)).unwrap())
}

#[test]
fn every_order_has_a_place_of_its_own() {
    for drawing in drawings() {
        let (width, height) = drawing.shape.look.size();
        assert_eq!(drawing.places.len(), drawing.shape.nodes.len());
        let mut cells = BTreeSet::new();
        for (x, y) in &drawing.places {
            assert!(*x >= 0 && *y >= 0);
            assert!(x + width <= drawing.size.0 && y + height <= drawing.size.1);
            for dx in 0..width {
                for dy in 0..height {
                    assert!(cells.insert((x + dx, y + dy)), "{:?}", drawing.places);
                }
            }
        }
        for wire in &drawing.wires {
            for (x, y, _) in cells_of(wire) {
                assert!(!cells.contains(&(x, y)), "a line runs over an order");
                assert!((0..drawing.size.0).contains(&x) && (0..drawing.size.1).contains(&y));
            }
        }
    }
}

#[test]
fn every_wait_is_drawn_from_left_to_right_and_no_other() {
    for drawing in drawings() {
        let shape = &drawing.shape;
        let (width, _) = shape.look.size();
        let pin = |node: usize| {
            let (x, y) = drawing.places[node];
            (x, y + shape.look.pin())
        };
        let mut found = BTreeSet::new();
        for node in 0..shape.nodes.len() {
            let (x, y) = pin(node);
            let mut todo = vec![(node, x + width, y)];
            let mut seen = BTreeSet::new();
            while let Some((vertex, column, row)) = todo.pop() {
                for at in &drawing.ends[vertex].0 {
                    let wire = &drawing.wires[*at];
                    assert_eq!((wire.columns[0], wire.rows[0]), (column, row), "it goes on");
                    assert!(wire.columns.is_sorted(), "it never turns back");
                    let end = (wire.to, wire.columns[2] + 1, wire.rows[1]);
                    if wire.to < shape.nodes.len() {
                        assert_eq!((end.1, end.2), pin(wire.to), "it ends at the order");
                        assert!(wire.arrow);
                        found.insert((node, wire.to));
                    } else if seen.insert(wire.to) {
                        todo.push(end);
                    }
                }
            }
        }
        let wanted = shape.edges.iter().map(|edge| (edge.before, edge.after));
        assert_eq!(found, wanted.collect());
    }
}

#[test]
fn lines_that_have_nothing_in_common_only_cross() {
    for drawing in drawings() {
        let mut there: BTreeMap<(i32, i32), Vec<(usize, u8)>> = BTreeMap::new();
        for (at, wire) in drawing.wires.iter().enumerate() {
            for (x, y, arms) in cells_of(wire) {
                there.entry((x, y)).or_default().push((at, arms));
            }
        }
        for (place, all) in there {
            for (one, arms) in &all {
                for (other, others) in all.iter().filter(|(other, _)| other > one) {
                    let (a, b) = (&drawing.wires[*one], &drawing.wires[*other]);
                    let kin = a.from == b.from || a.to == b.to || a.from == b.to || a.to == b.from;
                    let crosses = [*arms, *others] == [UP | DOWN, LEFT | RIGHT]
                        || [*arms, *others] == [LEFT | RIGHT, UP | DOWN];
                    assert!(kin || crosses, "{a:?} and {b:?} share {place:?}");
                }
            }
        }
    }
}

/// Returns the cells of a line with their arms.
fn cells_of(wire: &Wire) -> Vec<(i32, i32, u8)> {
    let [start, track, end] = wire.columns;
    let [from, to] = wire.rows;
    if from == to {
        return (start..=end).map(|x| (x, from, LEFT | RIGHT)).collect();
    }
    let (first, second) = if from < to { (DOWN, UP) } else { (UP, DOWN) };
    let level = |x: i32, y: i32| (x, y, LEFT | RIGHT);
    let mut cells: Vec<_> = (start..track).map(|x| level(x, from)).collect();
    cells.push((track, from, LEFT | first));
    cells.extend((from.min(to) + 1..from.max(to)).map(|y| (track, y, UP | DOWN)));
    cells.push((track, to, second | RIGHT));
    cells.extend((track + 1..=end).map(|x| level(x, to)));
    cells
}

#[test]
fn sweeping_never_makes_more_crossings() {
    let (mut before, mut after) = (0, 0);
    for seed in 0..400 {
        for mut part in layers::parts(&random(seed)).unwrap() {
            let unswept = sweep::crossings(&part);
            let swept = sweep::order(&mut part);
            assert_eq!(swept, sweep::crossings(&part));
            assert!(swept <= unswept);
            // Nothing gets lost, and every link leads one layer on.
            let placed: BTreeSet<usize> = part.layers.iter().flatten().copied().collect();
            assert_eq!(placed.len(), part.vertices.len());
            for link in &part.links {
                assert_eq!(
                    part.vertices[link.from].layer + 1,
                    part.vertices[link.to].layer
                );
            }
            (before, after) = (before + unswept, after + swept);
        }
    }
    assert!(2 * after < before, "{after} of {before}");
}

#[test]
fn crossings_are_counted_as_by_hand() {
    for seed in 0..100 {
        for part in layers::parts(&random(seed)).unwrap() {
            let place = |vertex: usize| {
                let layer = &part.layers[part.vertices[vertex].layer];
                layer.iter().position(|other| *other == vertex).unwrap()
            };
            let mut count = 0;
            for (at, one) in part.links.iter().enumerate() {
                for other in &part.links[..at] {
                    let same = part.vertices[one.from].layer == part.vertices[other.from].layer;
                    let left = place(one.from).cmp(&place(other.from));
                    let right = place(one.to).cmp(&place(other.to));
                    count += usize::from(same && left == right.reverse() && left.is_ne());
                }
            }
            assert_eq!(sweep::crossings(&part), count);
        }
    }
}

#[test]
fn the_same_shape_is_drawn_the_same() {
    for seed in 0..50 {
        assert_eq!(Drawing::of(random(seed)), Drawing::of(random(seed)));
    }
}

#[test]
fn long_chains_and_fans_are_laid_out_or_refused_and_end() {
    // A chain of a thousand, and beside it a thousand that each wait for another link of it.
    let chain = (1..1_000).map(|n| (n - 1, n));
    let far = (0..1_000).map(|n| (n, 1_000 + (n * 7) % 1_000));
    let near = (0..1_000)
        .map(|n| (1_000 + n, 999 - n / 2))
        .filter(|(_, after)| *after > 990);
    let edges = chain.chain(far).chain(near);
    let shape = Shape {
        nodes: (1..=2_000).map(OrderId::work).collect(),
        edges: edges
            .map(|(before, after)| Edge {
                before,
                after,
                critical: false,
            })
            .collect(),
        look: Look::Line,
    };
    // Whatever comes of it comes at once.
    let _ = Drawing::of(shape);
    let fan = (0..1_000_usize).flat_map(|n| [(n, n + 1), (1_001 + n, 1_000 - n % 2)]);
    let shape = Shape {
        nodes: (1..=2_001).map(OrderId::work).collect(),
        edges: fan
            .map(|(before, after)| Edge {
                before,
                after,
                critical: false,
            })
            .collect(),
        look: Look::Line,
    };
    assert!(
        Drawing::of(shape).is_ok(),
        "what begins anywhere stands where it is needed"
    );
}

#[test]
fn a_crossing_is_no_joint_and_a_joint_is_one() {
    let wire = |from: [i32; 2], track: i32, rows: [i32; 2], critical: bool| Wire {
        from: 0,
        to: 1,
        columns: [from[0], track, from[1]],
        rows,
        arrow: false,
        critical,
    };
    let drawn = |wires: &[(Wire, bool)], x: u16, y: u16| {
        let mut lines = Lines::new((0, 0), (9, 9));
        for (wire, lit) in wires {
            lines.lay(wire, *lit);
        }
        let mut strokes = lines.strokes();
        let stroke = strokes.find(|(a, b, _)| (*a, *b) == (x, y));
        stroke.map(|(.., stroke)| (stroke.arms, stroke.weight))
    };
    let upright = wire([0, 8], 4, [0, 8], false);
    let level = wire([0, 8], 0, [4, 4], false);
    let plain = [(upright, false), (level, false)];
    assert_eq!(drawn(&plain, 4, 4), Some((UP | DOWN, Weight::Plain)));
    assert_eq!(drawn(&plain, 4, 0), Some((LEFT | DOWN, Weight::Plain)));
    // What is wanted more passes above.
    let lit = [(upright, false), (level, true)];
    assert_eq!(drawn(&lit, 4, 4), Some((LEFT | RIGHT, Weight::Lit)));
    let joint = [(upright, false), (wire([0, 8], 4, [0, 4], true), false)];
    assert_eq!(
        drawn(&joint, 4, 4),
        Some((UP | DOWN | RIGHT, Weight::Critical))
    );
    assert_eq!(drawn(&[], 4, 4), None);
}

fn graph(edges: &[(u32, u32)]) -> DependencyGraph {
    let ids: BTreeSet<u32> = edges.iter().flat_map(|(a, b)| [*a, *b]).collect();
    DependencyGraph {
        root: Some(OrderId::work(9)),
        nodes: ids
            .iter()
            .map(|id| Neighbour {
                id: OrderId::work(*id),
                title: "x".into(),
                status: Some(Status::Queued),
            })
            .collect(),
        edges: edges
            .iter()
            .map(|(before, after)| GraphEdge {
                before: OrderId::work(*before),
                after: OrderId::work(*after),
            })
            .collect(),
        total: ids.len(),
        omitted: 0,
        critical_path: vec![],
        critical_minutes: 0,
    }
}

#[test]
fn folding_hides_what_hangs_there_alone() {
    // 9 waits for 4 and 5; 4 for 3, which waits for 1 and 2; 5 for 2.
    let graph = graph(&[(4, 9), (5, 9), (3, 4), (1, 3), (2, 3), (2, 5)]);
    let check = |folded: &[u32], direction, left: &[u32], hidden: &[(u32, usize)]| {
        let folded = folded.iter().map(|id| OrderId::work(*id)).collect();
        let found = fold(&graph, &folded, direction, Look::Card);
        let ids: Vec<u32> = found.shape.nodes.iter().map(|id| id.number()).collect();
        let counts: Vec<(u32, usize)> = found
            .hidden
            .iter()
            .map(|(id, n)| (id.number(), *n))
            .collect();
        assert_eq!((ids.as_slice(), counts.as_slice()), (left, hidden));
    };
    let all = [1, 2, 3, 4, 5, 9];
    check(&[], Direction::DependsOn, &all, &[]);
    check(&[4], Direction::DependsOn, &[2, 4, 5, 9], &[(4, 2)]);
    check(&[4, 5], Direction::DependsOn, &[4, 5, 9], &[(4, 3), (5, 1)]);
    // Nothing waits for the root, and the root stays.
    check(&[9], Direction::Blocks, &all, &[]);
    check(&[2, 3], Direction::Blocks, &[1, 2, 3, 9], &[(2, 1), (3, 1)]);
    check(&[1], Direction::DependsOn, &all, &[]);
}

#[test]
fn a_circle_of_closed_orders_is_opened() {
    let graph = graph(&[(1, 2), (2, 3), (3, 1), (3, 4)]);
    let found = fold(&graph, &BTreeSet::new(), Direction::DependsOn, Look::Card);
    assert_eq!(found.shape.nodes.len(), 4);
    // Only the wait that closes the circle is gone.
    let edges = found.shape.edges.iter();
    let edges: Vec<_> = edges.map(|edge| (edge.before, edge.after)).collect();
    assert_eq!(edges, [(0, 1), (1, 2), (2, 3)]);
    assert!(Drawing::of(found.shape).is_ok());
}

#[test]
fn one_begins_at_the_start_of_the_longest_chain() {
    // The chain runs from the highest number down, beside a wait that is not of it.
    let edge = |before, after, critical| Edge {
        before,
        after,
        critical,
    };
    let mut edges = vec![edge(0, 4, false)];
    edges.extend((1..4).map(|n| edge(n, n - 1, true)));
    let shape = Shape {
        nodes: (1..=5).map(OrderId::work).collect(),
        edges,
        look: Look::Card,
    };
    let mut chart = Chart::default();
    chart.settle(None, shape, BTreeMap::new());
    assert_eq!(chart.cursor, Some(OrderId::work(4)));
}
