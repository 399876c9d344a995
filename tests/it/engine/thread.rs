//! The engine's thread: groups, order, listeners, the end.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use obeya::{
    domain::{
        command::Command,
        id::{AlertId, OrderId},
        query::Query,
        record::{Head, Seq},
    },
    engine::{Failure, Handle, Subscription},
    ledger::{Append, Batch, Fault, FaultKind, Ring, Snapshot, Watch},
};

use super::*;

/// Holds the engine's thread inside a listener until it is opened, so that commands pile up behind it.
pub(super) struct Gate {
    open: mpsc::Sender<()>,
    _listening: Subscription,
}

impl Gate {
    pub(super) fn hold(engine: &Engine) -> Gate {
        let (open, opened) = mpsc::channel::<()>();
        let (entered, inside) = mpsc::channel();
        let opened = Mutex::new(Some(opened));
        let handle = engine.handle();
        let listening = handle.subscribe(move |_| {
            if let Some(opened) = opened.lock().unwrap().take() {
                entered.send(()).unwrap();
                let _ = opened.recv();
            }
        });
        handle.submit_then(
            person(Command::RegisterAgent {
                name: "robot".into(),
                role: None,
                capabilities: PullFilter::default(),
            }),
            drop,
        );
        inside.recv().unwrap();
        Gate {
            open,
            _listening: listening,
        }
    }

    pub(super) fn open(self) {
        self.open.send(()).unwrap();
    }
}

#[test]
fn what_waits_shares_a_commit_and_is_answered_in_order() {
    let shop = Shop::new();
    let appends = Arc::new(AtomicUsize::new(0));
    let counted = Counting {
        inner: Box::new(shop.ledger.clone()),
        appends: Arc::clone(&appends),
    };
    let writer = Writer::new(Box::new(counted), Arc::new(shop.clock.clone()), None);
    let engine = Engine::start(writer).unwrap();
    let handle = engine.handle();
    let gate = Gate::hold(&engine);
    let before = appends.load(Ordering::SeqCst);
    let (send, replies) = mpsc::channel();
    for n in 0..100 {
        let send = send.clone();
        handle.submit_then(create(&format!("order {n}")), move |reply| {
            send.send((n, reply)).unwrap();
        });
    }
    gate.open();
    let replies: Vec<_> = replies.iter().take(100).collect();
    let mut last = 0;
    for (place, (n, reply)) in replies.into_iter().enumerate() {
        assert_eq!(n, place);
        let seq = done(reply).records[0].seq;
        assert!(seq > last);
        last = seq;
    }
    assert_eq!(appends.load(Ordering::SeqCst) - before, 1);
    assert_eq!(handle.state().state_hash(), replayed(&shop.records()));
}

#[test]
fn listeners_hear_every_record_once_whoever_wrote_it() {
    let shop = Shop::new();
    let engine = shop.engine();
    let handle = engine.handle();
    let start = handle.state().head.seq;
    let (heard, news) = mpsc::channel();
    let _listening = handle.subscribe(move |news| {
        heard.send((news.state.head, news.records.clone())).unwrap();
    });
    let mut rival = shop.writer();
    let mut written = 0;
    for n in 0..50 {
        match n % 3 {
            0 => written += done(rival.submit(&create("by another"))).records.len(),
            1 => written += done(handle.submit(create("by us"))).records.len(),
            _ => {
                // A beat brings the writer up to date, and what it finds must be told too.
                done(rival.submit(&create("found by a beat")));
                written += 1;
                let beat =
                    handle.heartbeat(OrderId::work(9_999), 1, &Actor::agent("a"), Role::Agent, "");
                assert!(beat.unwrap().is_err());
            }
        }
    }
    let mut seen: Vec<Seq> = Vec::new();
    while seen.len() < written {
        let (head, records) = news.recv_timeout(Duration::from_secs(10)).unwrap();
        assert_eq!(records.last().map(|last| last.seq), Some(head.seq));
        seen.extend(records.iter().map(|record| record.seq));
    }
    let every: Vec<Seq> = (start + 1..=start + written as u64).collect();
    assert_eq!(seen, every);
}

#[test]
fn a_listener_may_end_its_own_listening() {
    let shop = Shop::new();
    let engine = shop.engine();
    let handle = engine.handle();
    let own = Arc::new(Mutex::new(None::<Subscription>));
    let calls = Arc::new(AtomicUsize::new(0));
    let (mine, count) = (Arc::clone(&own), Arc::clone(&calls));
    *own.lock().unwrap() = Some(handle.subscribe(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        drop(mine.lock().unwrap().take());
    }));
    done(handle.submit(create("heard")));
    done(handle.submit(create("not heard")));
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[test]
fn an_engine_that_has_too_much_to_do_says_so() {
    let shop = Shop::new();
    let engine = shop.engine();
    let handle = engine.handle();
    let gate = Gate::hold(&engine);
    let viewer = Submission {
        role: Role::Viewer,
        ..create("never")
    };
    let (full, told) = mpsc::channel();
    let mut turned_away = None;
    // What waits is refused in the end without costing a commit.
    for _ in 0..=1 << 17 {
        let full = full.clone();
        handle.submit_then(viewer.clone(), move |reply| {
            if let Reply::Failed(failure) = reply {
                full.send(failure.fault().clone()).unwrap();
            }
        });
        turned_away = told.try_recv().ok();
        if turned_away.is_some() {
            break;
        }
    }
    let fault = turned_away.expect("the inbox has no end");
    let robot = Actor::agent("robot");
    let beat = handle.heartbeat(OrderId::work(1), 1, &robot, Role::Agent, "");
    assert_eq!(beat.unwrap_err(), fault);
    assert_eq!(fault.kind, FaultKind::Busy);
    let text = fault.to_string();
    assert!(
        text.contains("the engine is busy") && text.contains("Try again"),
        "{text}"
    );
    gate.open();
}

#[test]
fn an_engine_that_ends_answers_everybody() {
    let shop = Shop::new();
    let engine = shop.engine();
    let handle = engine.handle();
    let gate = Gate::hold(&engine);
    let (send, replies) = mpsc::channel();
    for _ in 0..1_000 {
        let send = send.clone();
        handle.submit_then(create("in time"), move |reply| send.send(reply).unwrap());
    }
    drop(send);
    let ending = thread::spawn(move || drop(engine));
    gate.open();
    ending.join().unwrap();
    assert_eq!(replies.iter().map(done).count(), 1_000);
    match handle.submit(create("too late")) {
        Reply::Failed(Failure::NotApplied(fault)) => assert_eq!(fault.kind, FaultKind::Busy),
        other => panic!("{other:?}"),
    }
    assert!(handle.reader().is_err());
    let beat = handle.heartbeat(OrderId::work(1), 1, &Actor::agent("a"), Role::Agent, "");
    assert!(beat.is_err());
}

#[test]
fn a_panic_on_the_thread_leaves_nobody_waiting() {
    let shop = Shop::new();
    let engine = shop.engine();
    let handle = engine.handle();
    let _listening = handle.subscribe(|_| panic!("a listener's defect, ordered by a test"));
    let reply = handle.submit(create("the last one"));
    assert!(matches!(reply, Reply::Failed(Failure::Unknown(_))));
    let reply = handle.submit(create("after the end"));
    assert!(matches!(reply, Reply::Failed(_)), "{reply:?}");
}

#[test]
fn too_many_waiting_commands_are_sent_away() {
    let shop = Shop::new();
    let engine = shop.engine();
    let handle = engine.handle();
    let gate = Gate::hold(&engine);
    let refused = Arc::new(AtomicUsize::new(0));
    let (send, replies) = mpsc::channel();
    // Refusals are cheap to answer: what is limited is how many wait.
    for _ in 0..70_000 {
        let (send, refused) = (send.clone(), Arc::clone(&refused));
        let cheap = person(Command::AcknowledgeAlert { id: AlertId(404) });
        handle.submit_then(cheap, move |reply| match reply {
            Reply::Failed(Failure::NotApplied(fault)) if fault.kind == FaultKind::Busy => {
                refused.fetch_add(1, Ordering::SeqCst);
            }
            reply => send.send(reply).unwrap(),
        });
    }
    drop(send);
    let sent_away = refused.load(Ordering::SeqCst);
    assert_eq!(sent_away, 70_000 - 65_536);
    gate.open();
    let refusal = |reply: &Reply| matches!(reply, Reply::Refused(_));
    assert_eq!(replies.iter().filter(refusal).count(), 65_536);
}

#[test]
fn questions_are_answered_beside_the_writing() {
    let shop = Shop::new();
    let engine = shop.engine();
    let handle: Handle = engine.handle();
    let id = subject(&done(handle.submit(create("asked about"))));
    let mut reader = handle.reader().unwrap();
    let query = Query::WorkOrder {
        order: id.to_string(),
    };
    let answer = reader.ask(&handle, &query).unwrap().unwrap();
    assert!(format!("{answer:?}").contains("asked about"));
}

/// A ledger that counts its appends.
struct Counting {
    inner: Box<dyn Ledger>,
    appends: Arc<AtomicUsize>,
}

macro_rules! passed_on {
    ($($name:ident ( $($arg:ident : $type:ty),* ) -> $result:ty;)+) => {
        $(fn $name(&mut self, $($arg: $type),*) -> $result {
            self.inner.$name($($arg),*)
        })+
    };
}

impl Ledger for Counting {
    fn identity(&self) -> Identity {
        self.inner.identity()
    }

    fn another(&self) -> Result<Box<dyn Ledger>, Fault> {
        self.inner.another()
    }

    fn append(&mut self, expected: Head, batch: &Batch) -> Append {
        self.appends.fetch_add(1, Ordering::SeqCst);
        self.inner.append(expected, batch)
    }

    fn explain(&mut self, reason: &str) {
        self.inner.explain(reason);
    }

    fn end(&mut self) {
        self.inner.end();
    }

    fn watch(&self, ring: Ring) -> Result<Watch, Fault> {
        self.inner.watch(ring)
    }

    passed_on! {
        begin(patience: Duration) -> Result<Head, Fault>;
        head() -> Result<Head, Fault>;
        changed() -> Result<bool, Fault>;
        read(after: Seq, limit: usize) -> Result<Vec<Record>, Fault>;
        record(seq: Seq) -> Result<Option<Record>, Fault>;
        by_command(command: Uuid) -> Result<Vec<Record>, Fault>;
        history(subject: &str, after: Seq, limit: usize) -> Result<Vec<Record>, Fault>;
        archived(ids: &[OrderId]) -> Result<Vec<obeya::domain::archive::ArchivedOrder>, Fault>;
        by_external(names: &[&str]) -> Result<std::collections::BTreeMap<String, OrderId>, Fault>;
        archive_page(query: &obeya::domain::archive::ArchiveQuery) -> Result<Vec<obeya::domain::archive::ArchivedOrder>, Fault>;
        archive_count(query: &obeya::domain::archive::ArchiveQuery) -> Result<u64, Fault>;
        archived_alerts(ids: &[AlertId]) -> Result<Vec<obeya::domain::archive::ArchivedAlert>, Fault>;
        alerts_page(query: &obeya::domain::archive::AlertQuery) -> Result<Vec<obeya::domain::archive::ArchivedAlert>, Fault>;
        receipts_of(order: OrderId) -> Result<Vec<obeya::domain::archive::ReceiptRow>, Fault>;
        receipts(after: u64, limit: usize) -> Result<Vec<obeya::domain::archive::ReceiptRow>, Fault>;
        archive_watermark() -> Result<Option<Seq>, Fault>;
        rebuild_archive(expected: Head, rows: &mut dyn Iterator<Item = obeya::domain::archive::ArchiveChange>) -> Result<(), Fault>;
        put_snapshot(snapshot: &Snapshot) -> Result<(), Fault>;
        latest_snapshot(format: u32, at_or_before: Option<Seq>) -> Result<Option<Snapshot>, Fault>;
    }
}
