//! Whatever the engine does: its ledger is restored, its loop stands still, it takes in much at once.

use std::{
    sync::{Arc, Condvar, Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

use obeya::{
    domain::{command::Role, order::Actor, query::Query},
    link::{
        self, Follower, Reply, Subscription,
        bus::Caller,
        protocol::{FolderCall, Request, Response, socket::ToEngine},
        remote::{LinkState, Mirror, MirrorNews, Remote},
    },
};

use super::{
    faults::title_in,
    proxy::{Proxy, Trouble},
    raw::Talk,
    support::{Copy, Engine, PACE, PATIENCE, create, creation, until},
};
use crate::cli::Room;

/// An engine's thread that hangs in what it calls, as it would on a disk that does not answer, until this is dropped. It
/// hangs from the next record on.
struct Wedge {
    stuck: Arc<(Mutex<bool>, Condvar)>,
    _listening: Subscription,
}

impl Wedge {
    fn into(engine: &Engine) -> Wedge {
        let stuck = Arc::new((Mutex::new(true), Condvar::new()));
        let held = Arc::clone(&stuck);
        let listening = engine.session.watching().subscribe(move |_| {
            let (stuck, freed) = &*held;
            let stuck = stuck.lock().unwrap();
            drop(freed.wait_while(stuck, |stuck| *stuck).unwrap());
        });
        Wedge {
            stuck,
            _listening: listening,
        }
    }
}

impl Drop for Wedge {
    fn drop(&mut self) {
        *self.stuck.0.lock().unwrap() = false;
        self.stuck.1.notify_all();
    }
}

#[test]
fn a_restore_reaches_every_console() {
    let mut engine = Engine::start();
    let mut ana = engine.attach("ana", Role::Operator);
    let ways: Vec<_> = (0..2).map(|_| Proxy::to(engine.address())).collect();
    let copies: Vec<_> = ways
        .iter()
        .zip(["hall", "desk"])
        .map(|(way, name)| Copy::of(engine.target_by(way.address, name, Role::Viewer)))
        .collect();
    assert!(matches!(create(&mut ana, "kept"), Reply::Done(_)));
    let backup = engine.folder.path().join("backup");
    link::backup(&engine.home, &backup, &mut |_| {}).unwrap();
    for n in 0..10 {
        let reply = create(&mut ana, &format!("lost {n}"));
        assert!(matches!(reply, Reply::Done(_)), "{reply:?}");
    }
    copies.iter().for_each(|copy| copy.equals(&engine.session));
    ways[0].suffer(Trouble::HalfOpen);
    engine.away(|engine| {
        engine.session.step_down();
        link::restore(&engine.home, &backup, &mut |_| {}).unwrap();
        until("the host stands again", || engine.session.stand().unwrap());
    });
    ways[0].suffer(Trouble::Nothing);
    assert!(matches!(create(&mut ana, "after"), Reply::Done(_)));
    for copy in &copies {
        copy.equals(&engine.session);
        assert_eq!(
            (copy.state().incarnation, copy.state().open_count()),
            (2, 2)
        );
    }
}

#[test]
fn who_follows_records_hears_all_of_the_life_after_a_restore() {
    let mut engine = Engine::start();
    let mut ana = engine.attach("ana", Role::Operator);
    let backup = engine.folder.path().join("backup");
    link::backup(&engine.home, &backup, &mut |_| {}).unwrap();
    for n in 0..5 {
        let reply = create(&mut ana, &format!("lost {n}"));
        assert!(matches!(reply, Reply::Done(_)), "{reply:?}");
    }
    let mut followers = [
        Follower::attach(engine.target("watch", Role::Viewer), 0).unwrap(),
        Follower::open(&engine.home, Some(0)).unwrap(),
    ];
    for follower in &mut followers {
        heard_until(follower, "lost 4");
    }
    // By the time that it is back, its new life is longer than what is known of the one before.
    let titles: Vec<_> = (0..12).map(|n| format!("new {n}")).collect();
    engine.away(|engine| {
        engine.session.step_down();
        link::restore(&engine.home, &backup, &mut |_| {}).unwrap();
        let mut beside = link::open(&engine.home).unwrap();
        for title in &titles {
            let reply = beside.submit(&creation(title));
            assert!(matches!(reply, Reply::Done(_)), "{reply:?}");
        }
        drop(beside);
        until("the host stands again", || engine.session.stand().unwrap());
    });
    for follower in &mut followers {
        let since = heard_until(follower, "new 11");
        assert_eq!(since[0], "ledger_restored");
        let new = since.into_iter().filter(|word| word.starts_with("new "));
        assert_eq!(new.collect::<Vec<_>>(), titles);
    }
}

/// Returns the titles of the orders that came into being, and the kinds of all other records, until one is there.
fn heard_until(follower: &mut Follower, title: &str) -> Vec<String> {
    let (begun, mut heard) = (Instant::now(), Vec::<String>::new());
    while !heard.iter().any(|word| word == title) {
        assert!(begun.elapsed() < PATIENCE, "never {title}: {heard:?}");
        let records = follower.next(Duration::from_secs(1)).unwrap();
        heard.extend(records.iter().map(|record| match &*record.kind {
            "order_created" => {
                let body = serde_json::from_str(&record.body).unwrap();
                title_in(&body).unwrap()
            }
            kind => kind.to_owned(),
        }));
    }
    heard
}

#[test]
fn what_is_resumed_is_never_half_a_commit() {
    const ITEMS: usize = 1_500;
    let mut engine = Engine::start();
    let room = Room::empty();
    let versions = Arc::<Mutex<Vec<usize>>>::default();
    let seen = Arc::clone(&versions);
    let (mirror, state) = Mirror::new(move |news| {
        if let MirrorNews::Changed(news) = news {
            seen.lock().unwrap().push(news.state.open_count());
        }
    });
    let target = engine.target("wall", Role::Viewer);
    let remote = Remote::paced(target, mirror, PACE).unwrap();
    let open = || state.lock().unwrap().open_count();
    until("the copy has begun", || {
        !versions.lock().unwrap().is_empty()
    });
    let lines: String = (0..ITEMS).map(|n| format!("X-{n},item {n}\n")).collect();
    room.write("in.csv", &format!("id,title\n{lines}"));
    engine.away(|engine| {
        let home = engine.home.path().display();
        room.done(&format!("import csv in.csv --ledger {home}"));
    });
    until("the copy has all of it", || open() == ITEMS);
    // It ends first: it may be about to tell one more.
    drop(remote);
    let versions = versions.lock().unwrap();
    assert!(
        versions.iter().all(|open| [0, ITEMS].contains(open)),
        "{versions:?}"
    );
}

#[test]
fn an_engine_that_stands_still_is_late_though_its_process_answers() {
    let engine = Engine::start();
    let mut ana = engine.attach("ana", Role::Operator);
    let copy = Copy::of(engine.target("wall", Role::Viewer));
    assert!(matches!(create(&mut ana, "before"), Reply::Done(_)));
    copy.equals(&engine.session);
    let is_live = || copy.remote.state() == Some(LinkState::Live);
    until("the console says that it is live", is_live);
    let wedge = Wedge::into(&engine);
    let (tell, told) = mpsc::channel();
    ana.submit_then(creation("unheard"), move |reply| drop(tell.send(reply)));
    let is_late = || matches!(copy.remote.state(), Some(LinkState::Late { .. }));
    until("the console says that the engine is late", is_late);
    let (answer, answered) = mpsc::channel();
    // It needs signs of life, which are the engine's to tell.
    ana.ask_then_tell(None, Query::Summary, move |given| {
        drop(answer.send(given));
    });
    // What needs only files is answered.
    let caller = Caller {
        actor: Actor::person("wall"),
        role: Role::Viewer,
    };
    let call = Box::new(FolderCall::Head);
    let answer = (copy.remote).call(Request::Folder { caller, call }, PATIENCE);
    assert!(matches!(answer, Ok(Response::Folder(head)) if head.is_ok()));
    let unanswered = answered.recv_timeout(PATIENCE).unwrap().unwrap_err();
    assert!(
        unanswered.to_string().contains("has not come round"),
        "{unanswered}"
    );
    // Longer than it takes to be late, with pings and answers all the while.
    let begun = Instant::now();
    while begun.elapsed() < PACE.late * 3 {
        assert!(is_late(), "{:?}", copy.remote.state());
        thread::sleep(Duration::from_millis(20));
    }
    drop(wedge);
    until("it is live again", || {
        copy.remote.state() == Some(LinkState::Live)
    });
    assert!(matches!(told.recv_timeout(PATIENCE), Ok(Reply::Done(_))));
    copy.equals(&engine.session);
}

#[test]
fn one_caller_takes_no_more_than_its_share_of_what_reads() {
    let engine = Engine::start();
    let greedy = engine.attach("greedy", Role::Operator);
    let ana = engine.attach("ana", Role::Viewer);
    let wedge = Wedge::into(&engine);
    greedy.submit_then(creation("unheard"), |_| {});
    // Each needs signs of life, and takes a thread as long as the engine does not tell them.
    for _ in 0..40 {
        greedy.ask_then_tell(None, Query::Summary, |_| {});
    }
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(2) {
        let asked = Instant::now();
        ana.head().unwrap();
        let waited = asked.elapsed();
        assert!(waited < Duration::from_secs(5), "{waited:?}");
    }
    drop(wedge);
}

#[test]
fn who_goes_and_comes_again_takes_no_more_than_others_leave() {
    let engine = Engine::start();
    let token = engine.target("greedy", Role::Viewer).token.unwrap();
    let ana = engine.attach("ana", Role::Operator);
    let wedge = Wedge::into(&engine);
    ana.submit_then(creation("unheard"), |_| {});
    // Each asks for what only the engine can tell, and goes.
    let come = || {
        let mut talk = Talk::try_open(engine.address(), token.secret())?;
        talk.meet();
        let request = Request::Ask(Query::Summary);
        talk.say(&ToEngine::Call { id: 1, request });
        Some(())
    };
    // What is left behind may count until nobody comes in any more.
    let came = (0..400).take_while(|_| come().is_some()).count();
    assert!(came >= 200, "{came}");
    let asked = Instant::now();
    ana.head().unwrap();
    let waited = asked.elapsed();
    assert!(waited < Duration::from_secs(5), "{waited:?}");
    drop(wedge);
    until("there is room again", || come().is_some());
}
