//! What a frame of the console costs beside a frame in which nothing changed: `cargo bench --bench console`.
//!
//! The line is real: 100,000 orders of which 5,000 are open, imported through the engine into a ledger in memory.
//! The yardstick is a frame in which nothing is drawn: the diff of 12,000 equal cells.
#![expect(clippy::unwrap_used, reason = "a benchmark may fail")]

#[path = "support/backlog.rs"]
mod backlog;
#[path = "support/submission.rs"]
mod submission;

use std::{env, sync::Arc, time::Instant};

use backlog::backlog;
use obeya::{
    config::{ColorDepth, GlyphSet},
    domain::{
        command::{Command, Role},
        query::{
            Answer, Query,
            detail::Neighbour,
            graph::{DependencyGraph, GraphEdge},
        },
        state::State,
    },
    engine::{Reply, SystemClock, Writer},
    ledger::{Identity, memory::MemoryLedger},
    link,
    term::{Caps, Screen},
    ui::{
        action::Action,
        effect::Effect,
        keymap,
        model::{Model, Session},
        msg::{Connection, Msg},
        theme::Theme,
        update::{settle, update},
        view,
    },
};
use ratatui::layout::Size;
use submission::submission;
use uuid::Uuid;

const SIZE: (u16, u16) = (200, 60);

fn submit(writer: &mut Writer, command: Command) {
    let reply = writer.submit(&submission(command));
    assert!(matches!(reply, Reply::Done(_)), "{reply:?}");
}

fn line(orders: usize, open: usize) -> Arc<State> {
    let identity = Identity {
        uuid: Uuid::now_v7(),
        incarnation: 1,
        created: link::now(),
    };
    let ledger = MemoryLedger::new(identity);
    let mut writer = Writer::new(Box::new(ledger), Arc::new(SystemClock::new()), None);
    submit(
        &mut writer,
        Command::Genesis {
            uuid: identity.uuid,
        },
    );
    submit(&mut writer, backlog(orders, open));
    Arc::clone(writer.state())
}

fn console(state: Arc<State>) -> Model {
    let (keymap, _) = keymap::load("vim", &|_| Ok(None), None, &Action::is_known);
    let session = Session {
        ledger: "bench".into(),
        me: obeya::domain::order::Actor::person("bench"),
        role: Role::Admin,
        connection: Connection::Host,
        slow: false,
    };
    let theme = Theme::dark(ColorDepth::True, GlyphSet::Unicode);
    let mut model = Model::new(session, theme, keymap, SIZE);
    update(
        &mut model,
        Msg::Changed {
            state,
            records: vec![],
            now: link::now(),
        },
    );
    settle(&mut model);
    model
}

fn press(model: &mut Model, key: &str) {
    update(model, Msg::Key(key.parse().unwrap()));
    settle(model);
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Returns a network of the first open orders in which each waits for two of the last thirty.
fn network(state: &State, count: usize) -> DependencyGraph {
    let nodes: Vec<Neighbour> = state
        .orders()
        .take(count)
        .map(|o| Neighbour::open(o))
        .collect();
    let mut edges = vec![];
    for after in 1..nodes.len() {
        for step in [1 + after * 7 % 13, 3 + after * 11 % 29] {
            edges.extend(after.checked_sub(step).map(|before| GraphEdge {
                before: nodes[before].id,
                after: nodes[after].id,
            }));
        }
    }
    DependencyGraph {
        root: None,
        total: nodes.len(),
        nodes,
        edges,
        omitted: 0,
        critical_path: vec![],
        critical_minutes: 0,
    }
}

/// Measures the graph: how long it takes to lay it out, once for a version of it, and what a frame costs after that.
fn graph(state: &Arc<State>, count: usize, rounds: usize) {
    let mut model = console(Arc::clone(state));
    press(&mut model, "3");
    update(&mut model, Msg::Key("m".parse().unwrap()));
    let asked = settle(&mut model)
        .into_iter()
        .find_map(|effect| match effect {
            Effect::Ask {
                ticket,
                query: Query::Graph { .. },
            } => Some(ticket),
            _ => None,
        });
    let answer = Answer::Graph(Box::new(network(state, count)));
    let ticket = asked.expect("the graph is asked for");
    update(
        &mut model,
        Msg::Answered {
            ticket,
            answer: Ok(Box::new(answer)),
        },
    );
    let start = Instant::now();
    settle(&mut model);
    let layout = start.elapsed().as_secs_f64() * 1e3;
    let (mut again, mut frames) = (vec![], vec![]);
    let caps = Caps::detect(&obeya::config::Config::default(), &|_| None);
    let mut screen = Screen::over(std::io::sink(), || Ok(Size::new(SIZE.0, SIZE.1)), caps).unwrap();
    for round in 0..rounds {
        let start = Instant::now();
        press(&mut model, ["l", "j", "h", "k"][round % 4]);
        again.push(start.elapsed().as_secs_f64() * 1e3);
        let start = Instant::now();
        screen
            .draw(|frame| view::draw(&model, frame.buffer_mut()))
            .unwrap();
        frames.push(start.elapsed().as_secs_f64() * 1e3);
    }
    let drawing = model.graph.drawing().unwrap().as_ref().unwrap();
    println!(
        "graph of {count}: laid out once in {layout:.1} ms, a key {:.3} ms, a frame {:.3} ms; {} lines, {} crossings",
        median(again),
        median(frames),
        drawing.wires.len(),
        drawing.crossings,
    );
}

fn main() {
    let quick = env::var_os("OBEYA_BENCH_QUICK").is_some();
    let rounds = if quick { 50 } else { 500 };
    let state = line(100_000, 5_000);
    graph(&state, 500, rounds);
    graph(&state, 2_000, rounds);
    println!(
        "frame at {}x{}, {} open orders, medians of {rounds}",
        SIZE.0,
        SIZE.1,
        state.open_count()
    );
    println!(
        "{:<14} {:>12} {:>12} {:>12} {:>10}",
        "view", "changed ms", "empty ms", "more ms", "bytes"
    );
    for (view, name) in [
        ("1", "overview"),
        ("2", "kanban"),
        ("3", "dependencies"),
        ("4", "andon"),
        ("6", "events"),
    ] {
        let mut model = console(Arc::clone(&state));
        press(&mut model, view);
        let caps = Caps::detect(&obeya::config::Config::default(), &|_| None);
        let mut screen =
            Screen::over(std::io::sink(), || Ok(Size::new(SIZE.0, SIZE.1)), caps).unwrap();
        let mut draw = |model: &Model| {
            let start = Instant::now();
            let drawn = screen
                .draw(|frame| view::draw(model, frame.buffer_mut()))
                .unwrap();
            (start.elapsed().as_secs_f64() * 1e3, drawn.bytes)
        };
        draw(&model);
        let (mut changed, mut bytes) = (vec![], 0);
        for round in 0..rounds {
            press(&mut model, if round % 2 == 0 { "j" } else { "k" });
            let (time, sent) = draw(&model);
            changed.push(time);
            bytes = bytes.max(sent);
        }
        // The floor: nothing is drawn, and 12,000 equal cells are compared.
        let mut floor = vec![];
        for _ in 0..rounds {
            let start = Instant::now();
            screen.draw(|_| {}).unwrap();
            floor.push(start.elapsed().as_secs_f64() * 1e3);
        }
        let (changed, floor) = (median(changed), median(floor));
        println!(
            "{name:<14} {changed:>12.3} {floor:>12.3} {:>12.3} {bytes:>10}",
            changed - floor
        );
    }
}
