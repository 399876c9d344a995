//! The wall: views in turn, the andon when it calls, no key but quit, and nothing lost or piled up in a day.

use std::{fs, process::Command as Process, sync::Arc, time::Duration};

use obeya::{
    domain::{
        andon::Severity,
        command::{Command, Hold, NewOrder},
        id::AlertId,
        order::Actor,
        time::{MINUTE, SECOND},
    },
    ui::{
        effect::Effect,
        model::View,
        msg::{Connection, Msg},
        update::{settle, update},
        view,
        wall::Wall,
    },
};
use ratatui::buffer::Buffer;

use crate::{
    cli::Room,
    support::{
        console::{Console, lacks, shows},
        pty::Start,
        sample,
        world::World,
    },
};

/// A row of a drawn 'C', which no plain text has.
const BLOCKS: &str = "██████";

fn hang(world: World, size: (u16, u16)) -> Console {
    let mut console = Console::new(world, size);
    console.model.wall = Some(Wall::new(Vec::new(), 20 * SECOND));
    let now = console.world.now;
    console.publish().tell(Msg::Tick(now));
    console
}

/// Returns the line of the sample without its alerts.
fn calm() -> World {
    let mut world = sample::line();
    let open: Vec<AlertId> = world.state.alerts.keys().copied().collect();
    for id in open {
        let resolution = "mended".into();
        world.order(
            &Actor::person("ada"),
            Command::ResolveAlert { id, resolution },
        );
    }
    world
}

fn later(console: &mut Console, seconds: i64) {
    console.world.now = console.world.now.plus(seconds * SECOND);
    let now = console.world.now;
    console.tell(Msg::Tick(now));
}

fn pull(console: &mut Console, severity: Severity, reason: &str) {
    let cord = Command::TriggerAndon {
        reason: reason.into(),
        severity,
        hold: Some(Hold::Nothing),
        fingerprint: None,
        order: None,
    };
    console.world.order(&Actor::person("bo"), cord);
    console.publish();
}

fn resolve_all(console: &mut Console) {
    let open: Vec<AlertId> = console.world.state.alerts.keys().copied().collect();
    for id in open {
        let resolution = "mended".into();
        let resolve = Command::ResolveAlert { id, resolution };
        console.world.order(&Actor::person("bo"), resolve);
    }
    console.publish();
}

#[test]
fn views_come_in_turn_in_large_figures() {
    let mut console = hang(calm(), (160, 48));
    for (view, said) in [
        (View::Overview, "In progress"),
        (View::Kanban, "Queued"),
        (View::Andon, "No alert is open"),
        (View::Agents, "At work"),
        (View::Overview, "Done today"),
    ] {
        assert_eq!(console.model.view, view);
        shows(&console, said);
        shows(&console, BLOCKS);
        later(&mut console, 20);
    }
}

#[test]
fn an_alert_calls_and_a_critical_one_keeps_the_wall() {
    let mut console = hang(calm(), (160, 48));
    pull(&mut console, Severity::High, "THE PRESS IS HOT");
    assert_eq!(console.model.view, View::Andon);
    shows(&console, "nobody has acknowledged it");
    // It was shown for one turn, and the round goes on.
    later(&mut console, 21);
    assert_ne!(console.model.view, View::Andon);
    pull(&mut console, Severity::Critical, "fire");
    for _ in 0..9 {
        later(&mut console, 20);
        assert_eq!(console.model.view, View::Andon);
    }
    resolve_all(&mut console);
    later(&mut console, 20);
    assert_ne!(console.model.view, View::Andon);
}

#[test]
fn a_critical_alert_that_somebody_has_seen_or_put_to_sleep_ends_no_round() {
    let acts: [fn(AlertId) -> Command; 2] = [
        |id| Command::AcknowledgeAlert { id },
        |id| Command::SnoozeAlert { id, seconds: 300 },
    ];
    for (sleeps, act) in [false, true].into_iter().zip(acts) {
        let mut console = hang(calm(), (160, 48));
        pull(&mut console, Severity::Critical, "fire");
        later(&mut console, 40);
        assert_eq!(console.model.view, View::Andon);
        let id = *console.world.state.alerts.keys().last().unwrap();
        console.world.order(&Actor::person("bo"), act(id));
        console.publish();
        let mut views = Vec::new();
        for _ in 0..8 {
            later(&mut console, 20);
            views.push(console.model.view);
        }
        assert!(views.iter().any(|view| *view != View::Andon), "{views:?}");
        later(&mut console, 150);
        later(&mut console, 21);
        let held = (0..4).all(|_| {
            later(&mut console, 20);
            console.model.view == View::Andon
        });
        assert_eq!(held, sleeps, "what was only put to sleep calls again");
    }
}

#[test]
fn severities_are_told_apart_without_colours() {
    let mut drawn = Vec::new();
    for severity in [
        Severity::Low,
        Severity::Medium,
        Severity::High,
        Severity::Critical,
    ] {
        let mut console = hang(calm(), (160, 48));
        pull(&mut console, severity, "x");
        let screen = console.screen();
        // The shape alone, without the word beside it.
        let shape: Vec<String> = screen
            .lines()
            .skip(2)
            .take(16)
            .map(|line| line.chars().take(22).collect())
            .collect();
        assert!(!drawn.contains(&shape), "{severity:?}\n{screen}");
        drawn.push(shape);
    }
}

#[test]
fn no_key_does_anything_but_leave() {
    let mut console = hang(sample::line(), (120, 40));
    let before = console.screen();
    console.keys("2jno!?:/x<enter><tab><esc>ac[@;");
    console.tell(Msg::Paste("q".into()));
    console.tell(Msg::Printed {
        ticket: 0,
        output: Err("a\nproblem".into()),
    });
    assert_eq!(console.screen(), before);
    assert!(console.model.overlay.is_none() && console.wishes.is_empty());
    for key in ["q", "<ctrl-c>"] {
        let mut console = hang(sample::line(), (120, 40));
        console.keys(key);
        assert_eq!(console.wishes, [Effect::Quit]);
    }
}

#[test]
fn it_says_how_old_it_is_and_wakes_seldom() {
    let mut console = hang(calm(), (120, 40));
    shows(&console, "last event just now");
    let mut wakes = 0;
    let end = console.world.now.plus(10 * MINUTE);
    let mut beat = console.world.now;
    while let Some(at) = console.model.wakes_at().filter(|at| *at < end) {
        assert!(at > console.world.now, "it would spin");
        // The engine is heard of every five seconds.
        beat = beat.plus(5 * SECOND);
        console.world.now = at.min(beat);
        if beat <= at {
            console.tell(Msg::Alive(beat));
        }
        if beat < at {
            continue;
        }
        if beat > at {
            beat = beat.plus(-5 * SECOND);
        }
        console.tell(Msg::Tick(at));
        wakes += 1;
    }
    lacks(&console, "SILENT");
    // Three turns a minute, and seven steps until the age is told by the minute.
    assert!(wakes <= 3 * 10 + 7, "{wakes}");
    shows(&console, "last event 9m ago");
    let since = console.world.now;
    let why = "it is gone".to_owned();
    console.tell(Msg::Connection(Connection::Down {
        since,
        why,
        next_try: None,
    }));
    shows(&console, "LOST just now");
    shows(&console, "it is gone");
    console.tell(Msg::Connection(Connection::Attached));
    lacks(&console, "LOST");
}

#[test]
fn an_engine_that_makes_no_progress_is_said_to_be_silent() {
    let mut console = hang(calm(), (120, 40));
    later(&mut console, 14);
    lacks(&console, "SILENT");
    later(&mut console, 1);
    shows(&console, "ENGINE SILENT for 15 s: this may be old");
    // It grows by itself, by a few frames.
    let mut frames = 0;
    let end = console.world.now.plus(30 * SECOND);
    while let Some(at) = console.model.wakes_at().filter(|at| *at <= end) {
        assert!(at > console.world.now, "it would spin");
        console.world.now = at;
        console.tell(Msg::Tick(at));
        frames += 1;
    }
    shows(&console, "ENGINE SILENT for 45 s");
    assert!(frames <= 6, "{frames}");
    let now = console.world.now;
    console.tell(Msg::Alive(now));
    lacks(&console, "SILENT");
    shows(&console, "last event 45 s ago");
    // A version is a sign of life as well, and what is lost is said to be lost.
    later(&mut console, 20);
    shows(&console, "SILENT");
    pull(&mut console, Severity::Low, "x");
    lacks(&console, "SILENT");
    later(&mut console, 20);
    let (since, why) = (console.world.now, "gone".to_owned());
    console.tell(Msg::Connection(Connection::Down {
        since,
        why,
        next_try: None,
    }));
    lacks(&console, "SILENT");
    shows(&console, "LOST");
}

#[test]
fn it_waits_for_a_ledger_that_is_not_there_yet() {
    let room = Room::empty();
    let mut pty = Start::console(room.path()).argument("--wall").go();
    pty.shows("WAITING for a ledger")
        .shows("ledger.db: No such file")
        .shows("alerts unknown")
        .shows(BLOCKS);
    assert!(
        !room.path().join(".obeya").exists(),
        "a wall made something"
    );
    room.done("init");
    room.done("work-order create --title \"The first\" --bucket features");
    pty.hides("WAITING")
        .shows("In progress")
        .shows("last event");
    assert_eq!(pty.keys("q").end(), Ok(0));
}

#[test]
fn every_cell_is_painted_anew_and_nothing_stays_in_its_place() {
    let mut console = hang(calm(), (120, 40));
    let first = console.screen();
    for _ in 0..31 {
        later(&mut console, 20);
    }
    let paints = console.wishes.iter().filter(|w| **w == Effect::Redraw);
    assert_eq!(paints.count(), 1);
    later(&mut console, 20);
    assert_eq!(console.model.view, View::Overview);
    let places: Vec<_> = (0..4)
        .map(|_| {
            later(&mut console, 20);
            let screen = console.screen();
            let row = screen.lines().position(|line| line.contains("demo"));
            (row, screen.lines().find_map(|line| line.find("demo")))
        })
        .collect();
    let mut distinct = places.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), 4, "{places:?}\n{first}");
}

#[test]
fn it_is_drawn_at_every_size() {
    for size in [
        (200, 60),
        (120, 40),
        (80, 24),
        (60, 20),
        (40, 10),
        (20, 5),
        (1, 1),
    ] {
        let mut console = hang(sample::line(), size);
        for _ in 0..4 {
            console.screen();
            later(&mut console, 20);
        }
    }
}

/// Says that this process is the one that is measured.
const DAY: &str = "OBEYA_TEST_DAY";

/// Minutes of a day, at six events each: a busy line.
const TICKS: usize = 24 * 60 * 2;

#[test]
fn a_day_of_events() {
    // It is played in a process of its own, whose memory is measured.
    if std::env::var_os(DAY).is_none() {
        return;
    }
    let mut console = hang(calm(), (200, 60));
    let (mut least, mut most) = (0, 0);
    for tick in 0..TICKS {
        let world = &mut console.world;
        world.now = world.now.plus(MINUTE / 2);
        let agent = Actor::person("ada");
        let order = NewOrder::task("An order of the day");
        let id = obeya::domain::id::OrderId::work(world.state.numbers.work);
        world.order(&agent, Command::CreateOrder { order });
        world.order(&agent, Command::StartOrder { id });
        let (sku, note) = (None, None);
        world.order(&agent, Command::CompleteOrder { id, sku, note });
        if tick % 120 == 0 {
            let cord = Command::TriggerAndon {
                reason: "once an hour".into(),
                severity: Severity::Critical,
                hold: None,
                fingerprint: None,
                order: None,
            };
            world.order(&agent, cord);
            let id = AlertId(world.state.numbers.alert - 1);
            let resolution = "mended".into();
            let ada = Actor::person("ada");
            world.order(&ada, Command::ResolveAlert { id, resolution });
        }
        let (records, now) = (std::mem::take(&mut world.records), world.now);
        let state = Arc::new(world.state.clone());
        let mut effects = update(
            &mut console.model,
            Msg::Changed {
                state,
                records,
                now,
            },
        );
        effects.extend(update(&mut console.model, Msg::Tick(now)));
        effects.extend(settle(&mut console.model));
        for effect in effects {
            if let Effect::Ask { ticket, query } = effect {
                let answer = console.world.ask(&query).map(Box::new);
                let answer = answer.map_err(obeya::ui::msg::Failure::Refused);
                update(&mut console.model, Msg::Answered { ticket, answer });
            }
        }
        console.world.forget();
        let mut buffer = Buffer::empty(console.model.area());
        view::draw(&console.model, &mut buffer);
        if tick == TICKS / 10 {
            (least, most) = (resident(), resident());
        }
        if tick > TICKS / 10 && tick % 100 == 0 {
            most = most.max(resident());
        }
    }
    println!("resident {least} {most}");
}

/// Returns this process's memory in pages.
fn resident() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_day_of_events_leaves_its_memory_flat() {
    let child = Process::new(std::env::current_exe().unwrap())
        .args(["--exact", "wall::a_day_of_events", "--nocapture"])
        .env(DAY, "1")
        .output()
        .unwrap();
    let said = String::from_utf8(child.stdout).unwrap();
    assert!(child.status.success(), "{said}");
    let figures = said.lines().find_map(|line| line.split("resident ").nth(1));
    let mut figures = figures
        .unwrap()
        .split(' ')
        .map(|n| n.parse::<u64>().unwrap());
    let (least, most) = (figures.next().unwrap(), figures.next().unwrap());
    assert!(most * 100 <= least * 105, "{least} pages, then {most}");
}

#[test]
fn in_a_terminal_it_outlives_its_ledger_and_leaves_by_q() {
    let room = Room::new();
    room.done("work-order create --title \"Seen from afar\" --bucket features");
    let mut pty = Start::console(room.path())
        .argument("--wall")
        .argument("--views")
        .argument("overview,kanban")
        .argument("--every")
        .argument("2s")
        .go();
    pty.shows("In progress").shows("last event");
    let records = room.records();
    pty.keys("no!:x").shows(BLOCKS);
    // The second view has its turn without anybody's doing.
    pty.wait_for("the board", |screen| {
        !screen.contents().contains("In progress")
    });
    room.done("andon trigger --reason \"the belt broke\" --severity critical");
    pty.shows("HOLDS line").shows("nobody has acknowledged it");
    assert_eq!(room.records(), records + 1, "a wall wrote");
    // The ledger goes, and comes back: the wall says so and goes on.
    let (here, away) = (room.path().join(".obeya"), room.path().join("away"));
    fs::rename(&here, &away).unwrap();
    pty.shows("LOST");
    assert!(!here.exists(), "a wall made something where its ledger lay");
    fs::rename(&away, &here).unwrap();
    pty.hides("LOST");
    room.done("andon resolve ALERT-001 --resolution mended");
    pty.hides("HOLDS line").shows("In progress");
    assert_eq!(pty.keys("q").end(), Ok(0));
    pty.listen(Duration::from_millis(50));
}
