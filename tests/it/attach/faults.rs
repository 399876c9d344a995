//! Whatever the way does: what was acknowledged is there, once, and every copy is the line in the end.

use std::{
    collections::BTreeMap,
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use obeya::{
    domain::{
        command::{Command, Role},
        order::Actor,
    },
    link::{
        Operator as _, Reply,
        remote::{Attached, LinkState, Mirror, MirrorNews, Pace, Remote},
    },
};

use super::{
    proxy::{Proxy, Trouble},
    support::{Copy, Engine, PACE, PATIENCE, create, creation, submission, until},
};
use crate::support::random::Random;

/// The number that replays a run.
const SEED: &str = "OBEYA_FAULTS_SEED";
/// How long the way goes wrong, in seconds, where it is not for so many commands.
const SECONDS: &str = "OBEYA_FAULTS_SECONDS";
/// How many work, and how many look.
const EACH: usize = 3;
/// How many commands each gives in an ordinary run of the tests.
const COMMANDS: usize = 100;

fn number(name: &str) -> Option<u64> {
    Some(std::env::var(name).ok()?.parse().unwrap())
}

fn any_trouble(random: &mut Random) -> Trouble {
    match random.below(8) {
        0 => Trouble::HalfOpen,
        1 => Trouble::StalledDown,
        2 => Trouble::StalledUp,
        3 => Trouble::Throttled(1 << 10),
        4 => Trouble::Delayed(Duration::from_millis(20)),
        _ => Trouble::CutAfter(random.below(3_000)),
    }
}

/// Gives commands until `goes_on` says no, each until it is acknowledged, and returns their titles.
fn work(mut attached: Attached, name: &str, goes_on: impl Fn(usize) -> bool) -> Vec<String> {
    let mut done = vec![];
    while goes_on(done.len()) {
        let title = format!("{name}-{}", done.len());
        let command = creation(&title);
        loop {
            match attached.submit(&command) {
                Reply::Done(_) => break,
                // Nobody knows what became of it: the same command finds out.
                Reply::Failed(_) => {}
                Reply::Refused(refusal) => panic!("{title}: {refusal:?}"),
            }
        }
        done.push(title);
    }
    done
}

/// Asserts that every title stands on the ledger exactly once, and every command.
fn once(engine: &Engine, titles: &[String]) {
    let records = engine.session.watching().recent(1_000_000).unwrap();
    let mut commands = BTreeMap::new();
    let mut created = BTreeMap::new();
    for record in records {
        *commands.entry((record.command, record.n)).or_insert(0) += 1;
        if record.kind.contains("created") && record.subject.starts_with("WO-") {
            let body: serde_json::Value = serde_json::from_str(&record.body).unwrap();
            let title = title_in(&body).unwrap();
            *created.entry(title).or_insert(0) += 1;
        }
    }
    assert!(commands.values().all(|count| *count == 1), "twice");
    for title in titles {
        assert_eq!(created.remove(title), Some(1), "{title}");
    }
    assert!(created.is_empty(), "nobody gave these: {created:?}");
}

pub(super) fn title_in(body: &serde_json::Value) -> Option<String> {
    match body {
        serde_json::Value::Object(fields) => fields.iter().find_map(|(name, value)| {
            let own = (name == "title").then(|| value.as_str().map(str::to_owned));
            own.flatten().or_else(|| title_in(value))
        }),
        _ => None,
    }
}

#[test]
fn nothing_is_lost_or_done_twice_whatever_the_way_does() {
    let seed = number(SEED).unwrap_or_else(|| uuid::Uuid::now_v7().as_u128() as u64);
    println!("{SEED}={seed}");
    let long = number(SECONDS).map(Duration::from_secs);
    let mut random = Random(seed);
    let mut engine = Engine::start();
    let ways: Vec<_> = (0..2 * EACH).map(|_| Proxy::to(engine.address())).collect();
    let copies: Vec<_> = (0..EACH)
        .map(|n| {
            let name = format!("wall-{n}");
            Copy::of(engine.target_by(ways[n].address, &name, Role::Viewer))
        })
        .collect();
    let workers: Vec<_> = (0..EACH)
        .map(|n| {
            let name = format!("worker-{n}");
            let way = ways[EACH + n].address;
            (name.clone(), engine.attach_by(way, &name, Role::Operator))
        })
        .collect();
    let (begun, over) = (Instant::now(), AtomicBool::new(false));
    let goes_on = |done| match long {
        Some(long) => begun.elapsed() < long,
        None => done < COMMANDS,
    };
    let titles = thread::scope(|scope| {
        let working: Vec<_> = workers
            .into_iter()
            .map(|(name, attached)| scope.spawn(move || work(attached, &name, goes_on)))
            .collect();
        let waiting = scope.spawn(|| {
            let titles = working
                .into_iter()
                .flat_map(|worker| worker.join().unwrap());
            let titles: Vec<_> = titles.collect();
            over.store(true, Ordering::Relaxed);
            titles
        });
        let mut round = 0;
        while !over.load(Ordering::Relaxed) {
            round += 1;
            let way = &ways[random.below(ways.len())];
            match random.one_in(4) {
                true => way.cut(),
                false => way.suffer(any_trouble(&mut random)),
            }
            thread::sleep(Duration::from_millis(u64::from(random.within(5, 60))));
            // Most of what is wrong is right again soon; some of it stays until it is noticed.
            if !random.one_in(4) {
                way.suffer(Trouble::Nothing);
            }
            if round % 20 == 0 {
                ways.iter().for_each(|way| way.suffer(Trouble::Nothing));
            }
            if round % 60 == 30 {
                engine.away(|_| {});
            }
        }
        waiting.join().unwrap()
    });
    ways.iter().for_each(|way| way.suffer(Trouble::Nothing));
    let connections: usize = ways.iter().map(Proxy::connections).sum();
    println!(
        "{} commands over {connections} connections in {:?}",
        titles.len(),
        begun.elapsed()
    );
    assert!(connections > ways.len(), "nothing went wrong");
    once(&engine, &titles);
    for copy in &copies {
        copy.equals(&engine.session);
    }
}

#[test]
fn a_half_open_link_is_noticed_on_both_sides() {
    let engine = Engine::start();
    let mut ana = engine.attach("ana", Role::Operator);
    let way = Proxy::to(engine.address());
    let copy = Copy::of(engine.target_by(way.address, "wall", Role::Viewer));
    copy.equals(&engine.session);
    let port = way.port();
    assert!(is_served(&engine, port));
    way.suffer(Trouble::HalfOpen);
    until("the console says that it is late", || {
        matches!(copy.remote.state(), Some(LinkState::Late { .. }))
    });
    until("the console says that it is not connected", || {
        matches!(copy.remote.state(), Some(LinkState::Down { .. }))
    });
    until("the engine gives the connection up", || {
        !is_served(&engine, port)
    });
    assert!(matches!(create(&mut ana, "unseen"), Reply::Done(_)));
    assert!(copy.state().head != engine.session.watching().state().head);
    way.suffer(Trouble::Nothing);
    copy.equals(&engine.session);
    until("the console says that it is live", || {
        copy.remote.state() == Some(LinkState::Live)
    });
}

/// Returns whether this process has a connection from `port` to the engine that it has not closed.
fn is_served(engine: &Engine, port: u16) -> bool {
    let connections = std::fs::read_to_string("/proc/self/net/tcp").unwrap();
    connections.lines().skip(1).any(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let is = |at: usize, port: u16| fields[at].ends_with(&format!(":{port:04X}"));
        // State 1 is established; see proc(5).
        is(1, engine.address().port()) && is(2, port) && fields[3] == "01"
    })
}

#[test]
fn a_slow_reader_is_dropped_and_resumes() {
    let engine = Engine::start();
    let mut ana = engine.attach("ana", Role::Operator);
    let way = Proxy::to(engine.address());
    // It would hang up by itself, but for this patience.
    let pace = Pace {
        silence: Duration::from_secs(600),
        ..PACE
    };
    let copy = Copy::paced(engine.target_by(way.address, "wall", Role::Viewer), pace);
    assert!(matches!(create(&mut ana, "talked about"), Reply::Done(_)));
    copy.equals(&engine.session);
    let port = way.port();
    assert!(is_served(&engine, port));
    way.suffer(Trouble::StalledDown);
    let text = "a long story ".repeat(4 << 10);
    let comment = Command::CommentOrder {
        id: "WO-001".parse().unwrap(),
        text,
    };
    // More than what lies in the buffers of both sides.
    for _ in 0..200 {
        let comment = submission(Actor::person("ana"), comment.clone());
        let reply = ana.submit(&comment);
        assert!(matches!(reply, Reply::Done(_)), "{reply:?}");
    }
    until("the engine gives the reader up", || {
        !is_served(&engine, port)
    });
    way.suffer(Trouble::Nothing);
    copy.equals(&engine.session);
    assert!(way.connections() > 1);
}

#[test]
fn a_console_at_a_kibibyte_a_second_gets_there() {
    let engine = Engine::start();
    let mut ana = engine.attach("ana", Role::Operator);
    for n in 0..60 {
        let title = format!("order {n} {}", uuid::Uuid::now_v7());
        assert!(matches!(create(&mut ana, &title), Reply::Done(_)));
    }
    let way = Proxy::to(engine.address());
    way.suffer(Trouble::Throttled(1 << 10));
    let pace = Pace {
        dial: Duration::from_secs(30),
        ..PACE
    };
    let copy = Copy::paced(engine.target_by(way.address, "wall", Role::Viewer), pace);
    until("the console says that it is live", || {
        let live = copy.remote.state() == Some(LinkState::Live);
        // And it says so of nothing but the whole.
        assert!(!live || copy.state().open_count() == 60);
        live
    });
    copy.equals(&engine.session);
    // Records that take longer than silence may last, as one message.
    let comment = Command::CommentOrder {
        id: "WO-001".parse().unwrap(),
        text: "a story ".repeat(512),
    };
    let reply = ana.submit(&submission(Actor::person("ana"), comment));
    assert!(matches!(reply, Reply::Done(_)), "{reply:?}");
    copy.equals(&engine.session);
    assert_eq!(way.connections(), 1, "it was cut, and began anew");
}

#[test]
fn what_comes_late_by_an_old_connection_is_not_done_again() {
    let engine = Engine::start();
    let way = Proxy::to(engine.address());
    let mut ana = engine.attach_by(way.address, "ana", Role::Operator);
    way.suffer(Trouble::HeldUp(way.connections()));
    let reply = thread::scope(|scope| {
        let ana = &mut ana;
        let asking = scope.spawn(move || create(ana, "once"));
        until("the command is under way", || way.held() > 200);
        // The bytes of the next connection arrive first.
        let held = way.held();
        way.strand();
        let reply = asking.join().unwrap();
        assert_eq!(way.held(), held, "the old bytes are still under way");
        reply
    });
    assert!(matches!(reply, Reply::Done(_)), "{reply:?}");
    assert_eq!((way.connections(), way.hung_up()), (2, 0));
    way.suffer(Trouble::Nothing);
    until("the engine has read the old bytes", || way.hung_up() > 0);
    engine.session.watching().rest().unwrap();
    once(&engine, &["once".to_owned()]);
}

#[test]
fn a_connection_that_breaks_at_once_is_as_good_as_none() {
    let engine = Engine::start();
    let way = Proxy::to(engine.address());
    way.suffer(Trouble::Short(800));
    let pace = Pace {
        pause: Duration::from_millis(50),
        longest_pause: Duration::from_secs(600),
        steady: Duration::from_secs(600),
        ..PACE
    };
    let (tell, told) = mpsc::channel();
    let (mirror, _) = Mirror::new(move |news| match news {
        MirrorNews::Welcome(_) => tell.send(None).unwrap_or(()),
        MirrorNews::Link(LinkState::Down {
            since, next_try, ..
        }) => tell.send(Some(next_try.since(since))).unwrap_or(()),
        _ => {}
    });
    let target = engine.target_by(way.address, "wall", Role::Viewer);
    let _remote = Remote::paced(target, mirror, pace).unwrap();
    for round in 0..6 {
        assert_eq!(told.recv_timeout(PATIENCE), Ok(None), "it is welcome");
        let pause = told.recv_timeout(PATIENCE).unwrap().unwrap();
        // At least half of twice the one before.
        assert!(pause >= 25_000 << round, "{pause} us in round {round}");
    }
}
