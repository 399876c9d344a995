//! The dependency graph beside Erlang's: `cargo bench --bench graph`.
//!
//! Times are processor time of this thread, so that a busy machine spoils little. The yardsticks cannot be installed
//! everywhere and are written down as they were measured. Order and critical path include building the network, which
//! digraph, being one already, is spared.

use std::hint::black_box;

use obeya::domain::{
    graph::{Graph, analysis::Network},
    id::OrderId,
};
use rustix::time::{ClockId, clock_gettime};

/// Erlang/OTP 25 digraph, measured on this class of machine: 300,000 shuffled inserts into an acyclic digraph, ms.
const DIGRAPH_INSERTS: f64 = 6_821.0;
/// Erlang/OTP 25 digraph, measured on this class of machine: topsort and longest path of the same graph, ms.
const DIGRAPH_ORDER: f64 = 942.0 + 462.0;
/// The same for creation order: inserts, then topsort and longest path, ms.
const DIGRAPH_CREATION: (f64, f64) = (855.0, 783.0 + 417.0);
/// The same for a uniform graph in creation order, ms.
const DIGRAPH_UNIFORM: (f64, f64) = (1_344.0, 997.0 + 489.0);
/// How many times faster than the yardstick this is to be.
const GOAL: f64 = 20.0;

const NODES: u32 = 100_000;
/// Dependencies of an order, most of them different.
const WAITS: u32 = 3;
/// Orders of an epic in the clustered graphs.
const EPIC: u32 = 200;
/// Each figure is the median of this many runs.
const RUNS: usize = 5;

type Edges = Vec<(OrderId, OrderId)>;

fn main() {
    println!("{NODES} orders, {WAITS} waits each; processor ms, median of {RUNS}\n");
    println!("{:<52}{:>9}{:>11}{:>9}", "", "obeya", "digraph", "times");
    let shapes = [
        (
            "epics of 200, creation order",
            EPIC,
            Numbers::ByAge,
            false,
            Some(DIGRAPH_CREATION),
        ),
        (
            "epics of 200, shuffled",
            EPIC,
            Numbers::ByAge,
            true,
            Some((DIGRAPH_INSERTS, DIGRAPH_ORDER)),
        ),
        (
            "epics of 200, all shuffled",
            EPIC,
            Numbers::Shuffled,
            true,
            Some((DIGRAPH_INSERTS, DIGRAPH_ORDER)),
        ),
        (
            "uniform, creation order",
            NODES,
            Numbers::ByAge,
            false,
            Some(DIGRAPH_UNIFORM),
        ),
        ("uniform, shuffled", NODES, Numbers::ByAge, true, None),
    ];
    for (name, cluster, numbers, shuffled, yardstick) in shapes {
        let mut random = Random(42);
        let mut edges = edges(cluster, numbers, &mut random);
        if shuffled {
            shuffle(&mut edges, &mut random);
        }
        let runs = if yardstick.is_none() { 1 } else { RUNS };
        let (graph, inserts) = median(runs, || checked(&edges));
        row(
            &format!("{name}: checked inserts"),
            inserts,
            yardstick.map(|(inserts, _)| inserts),
        );
        let (_, order) = median(RUNS, || black_box(ordered(&graph)));
        row(
            &format!("{name}: order, critical path"),
            order,
            yardstick.map(|(_, order)| order),
        );
    }
    versions();
}

/// Inserts all edges, each after its check; none closes a cycle.
fn checked(edges: &Edges) -> Graph {
    let mut graph = Graph::new();
    for &(after, before) in edges {
        assert!(graph.cycle(after, before).is_none(), "{after} -> {before}");
        graph.insert_edge(after, before);
    }
    graph
}

fn ordered(graph: &Graph) -> (Vec<OrderId>, i64) {
    let network = match Network::new(graph.nodes(), graph.edges()) {
        Ok(network) => network,
        Err(cyclic) => panic!("{cyclic}"),
    };
    let path = network.critical_path(|id| i64::from(id.number() % 7 + 1));
    (network.order(), path.total)
}

/// What one commit costs: a version is kept and the next one gets an edge.
fn versions() {
    let mut random = Random(7);
    let graph = checked(&edges(EPIC, Numbers::ByAge, &mut random));
    const COMMITS: u32 = 10_000;
    let (_, ms) = median(RUNS, || {
        let mut version = graph.clone();
        for _ in 0..COMMITS {
            let held = version.clone();
            let before = random.below(NODES - 1) + 1;
            version.insert_edge(OrderId::work(NODES), OrderId::work(before));
            black_box(held);
        }
        version
    });
    println!(
        "\na version and one edge in it: {:.1} µs",
        ms * 1_000.0 / f64::from(COMMITS)
    );
}

fn row(name: &str, ms: f64, yardstick: Option<f64>) {
    match yardstick {
        Some(digraph) => {
            let times = digraph / ms;
            let verdict = if times >= GOAL {
                ""
            } else {
                "  below the goal"
            };
            println!("{name:<52}{ms:>9.1}{digraph:>11.0}{times:>9.0}{verdict}");
        }
        None => println!("{name:<52}{ms:>9.1}{:>11}{:>9}", "-", "-"),
    }
}

#[derive(Clone, Copy)]
enum Numbers {
    /// A smaller number never waits for a larger one.
    ByAge,
    /// Numbers say nothing of the order.
    Shuffled,
}

/// Makes waits of each order for earlier ones of its cluster, (after, before), oldest first.
fn edges(cluster: u32, numbers: Numbers, random: &mut Random) -> Edges {
    let mut names: Vec<OrderId> = (1..=NODES).map(OrderId::work).collect();
    if let Numbers::Shuffled = numbers {
        shuffle(&mut names, random);
    }
    let mut edges = Edges::new();
    for node in 0..NODES {
        let first = node - node % cluster;
        for _ in 0..if node > first { WAITS } else { 0 } {
            let before = first + random.below(node - first);
            edges.push((names[node as usize], names[before as usize]));
        }
    }
    edges
}

fn median<T>(runs: usize, mut work: impl FnMut() -> T) -> (T, f64) {
    let mut times = Vec::new();
    loop {
        let start = cpu_ms();
        let result = work();
        times.push(cpu_ms() - start);
        if times.len() == runs {
            times.sort_by(f64::total_cmp);
            return (result, times[runs / 2]);
        }
    }
}

fn cpu_ms() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 * 1e3 + now.tv_nsec as f64 / 1e6
}

fn shuffle<T>(items: &mut [T], random: &mut Random) {
    for last in (1..items.len()).rev() {
        items.swap(last, random.below(last as u32 + 1) as usize);
    }
}

/// Numbers that are the same in every run (xorshift64, Marsaglia 2003).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (((self.0 >> 32) * u64::from(end)) >> 32) as u32
    }
}
