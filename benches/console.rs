//! What a frame of the console costs beside a frame in which nothing changed: `cargo bench --bench console`.
//!
//! The line is real: 100,000 orders of which 5,000 are open, imported through the engine into a ledger in memory.
//! The yardstick is a frame in which nothing is drawn: the diff of 12,000 equal cells.
#![expect(clippy::unwrap_used, reason = "a benchmark may fail")]

use std::{env, sync::Arc, time::Instant};

use obeya::{
    config::{ColorDepth, GlyphSet},
    domain::{
        command::{Command, ImportItem, Role, Submission},
        event::{ImportedEnd, ImportedItem},
        order::{Actor, Bucket, Kind, Outcome, Priority},
        record::Door,
        state::State,
        time::Timestamp,
    },
    engine::{Reply, SystemClock, Writer},
    ledger::{Identity, memory::MemoryLedger},
    link,
    term::{Caps, Screen},
    ui::{
        action::Action,
        keymap,
        model::{Model, Session},
        msg::{Connection, Msg},
        theme::Theme,
        update::{settle, update},
        view,
    },
};
use ratatui::layout::Size;
use uuid::Uuid;

const SIZE: (u16, u16) = (200, 60);

fn item(n: usize, open: usize) -> ImportItem {
    let created = Timestamp(1_700_000_000_000_000 + n as i64 * 1_000_000);
    let closed = (n >= open).then(|| ImportedEnd {
        outcome: Outcome::Completed {
            sku: None,
            receipt: None,
        },
        at: created.plus(3_600_000_000),
        parent: None,
        depends_on: vec![],
    });
    ImportItem {
        external: format!("bd-{n}"),
        digest: n as u64,
        outcome: closed.as_ref().map(|end| (end.outcome.clone(), end.at)),
        item: ImportedItem {
            title: format!("Make the importer keep every label of item {n}"),
            description: None,
            kind: Kind::Task,
            bucket: Bucket::ALL[n % Bucket::ALL.len()],
            priority: Priority::DEFAULT,
            labels: vec!["importer".into()],
            assignee: None,
            estimate: None,
            created,
            links: vec![],
            closed: None,
            baseline: Default::default(),
        },
        parent: None,
        depends_on: (n % 3 == 2)
            .then(|| format!("bd-{}", n - 1))
            .into_iter()
            .collect(),
        comments: vec![],
    }
}

fn submit(writer: &mut Writer, command: Command) {
    let reply = writer.submit(&Submission {
        id: Uuid::now_v7(),
        actor: Actor::person("bench"),
        role: Role::Admin,
        door: Door::Import,
        uid: 0,
        epoch: None,
        causation: None,
        correlation: None,
        dry_run: false,
        until: None,
        as_of: None,
        command,
    });
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
    let items = (0..orders).map(|n| item(n, open)).collect();
    submit(
        &mut writer,
        Command::Import {
            source: "beads".into(),
            items,
        },
    );
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

fn main() {
    let quick = env::var_os("OBEYA_BENCH_QUICK").is_some();
    let rounds = if quick { 50 } else { 500 };
    let state = line(100_000, 5_000);
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
