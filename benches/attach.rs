//! One engine and many attached consoles: `cargo bench --bench attach`.
//!
//! The line has 100,000 orders of which 5,000 are open. The yardstick of the fan-out is bare tokio-tungstenite in the
//! same run: it writes the same frames to as many readers, written out once, fed together and flushed once.
//! Readers are in a process of their own and read no more of a frame than its records' numbers. `OBEYA_BENCH_QUICK=1`
//! makes a short run.
#![expect(clippy::unwrap_used, reason = "a benchmark may fail")]

#[path = "support/attached.rs"]
mod attached;
#[path = "support/backlog.rs"]
mod backlog;
#[path = "support/quantile.rs"]
mod quantile;
#[path = "support/submission.rs"]
mod submission;

use std::{
    collections::HashMap,
    env, fs,
    net::SocketAddr,
    sync::{Arc, Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

use attached::{Clients, be_clients, nanos};
use backlog::backlog;
use futures_util::SinkExt as _;
use obeya::{
    domain::{command::Command, record::Seq},
    link::{
        self, Home, LEDGER_FOLDER, Reply, Session,
        access::LocalToken,
        feed_texts,
        remote::{Mirror, MirrorNews, Remote, Target, Token},
    },
    server::{Doors, Server},
};
use quantile::p50_p99;
use submission::submission;
use tokio::{net::TcpListener, sync::watch};
use tokio_tungstenite::{
    accept_async_with_config,
    tungstenite::{Message, Utf8Bytes, protocol::WebSocketConfig},
};

const ORDERS: usize = 100_000;
const OPEN: usize = 5_000;
/// Attached consoles.
const CONSOLES: usize = 100;
/// Real consoles of the run that shows what each costs: a machine of its own has one.
const MIRRORS: usize = 10;
/// Events a second of the paced run.
const RATE: u32 = 1_000;
/// Commands of one burst at saturation: less than the engine keeps for those who are behind.
const BURST: usize = 3_000;
/// Commands that wait at once in a burst.
const WAITING: usize = 200;
/// What the deliveries should come to beside the yardstick's, in percent.
const AIM_SHARE: f64 = 70.0;
/// How long an event may take to 99 of 100 readers, in milliseconds.
const AIM_LATENCY: f64 = 50.0;
/// How much memory of the server a console may take, in KiB.
const AIM_MEMORY: f64 = 256.0;
/// How long the first state may take, in milliseconds.
const AIM_FIRST: f64 = 300.0;

/// Frames, and how many there are.
struct Frames {
    all: Mutex<Vec<Utf8Bytes>>,
    end: watch::Sender<usize>,
}

struct Bench {
    session: Session,
    address: String,
    token: String,
    folder: tempfile::TempDir,
    server: Option<Server>,
}

fn comment(n: usize) -> Command {
    Command::CommentOrder {
        id: format!("WO-{:03}", n % OPEN + 1).parse().unwrap(),
        text: "the first half is in".into(),
    }
}

fn last(reply: Reply) -> Seq {
    match reply {
        Reply::Done(outcome) => outcome.records.last().unwrap().seq,
        other => panic!("{other:?}"),
    }
}

impl Bench {
    fn new() -> Bench {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let home = Home::new(folder.path().join(LEDGER_FOLDER)).unwrap();
        link::init(&home).unwrap();
        let home = Home::new(home.path()).unwrap();
        let reply = link::open(&home)
            .unwrap()
            .submit(&submission(backlog(ORDERS, OPEN)));
        assert!(matches!(reply, Reply::Done(_)), "{reply:?}");
        let session = Session::titled(&home, "serve", false).unwrap();
        let doors = Doors {
            listen: Some("127.0.0.1:0".parse().unwrap()),
            ..Doors::default()
        };
        let server = Server::start(session.service().unwrap(), "bench", &doors).unwrap();
        let token = LocalToken::read(&home).unwrap().unwrap();
        Bench {
            address: server.address().unwrap().to_string(),
            token: token.0.expose().to_owned(),
            session,
            folder,
            server: Some(server),
        }
    }

    fn clients(&self, kind: &str, count: usize) -> Clients {
        Clients::start(kind, count, &self.address, &self.token)
    }

    /// Commits a burst as fast as it goes, and returns its last record.
    fn burst(&self) -> Seq {
        let (tell, told) = mpsc::channel();
        let mut end = 0;
        for n in 0..BURST {
            if n >= WAITING {
                end = last(told.recv().unwrap());
            }
            let tell = tell.clone();
            let answer = move |reply| tell.send(reply).unwrap();
            self.session.submit_then(submission(comment(n)), answer);
        }
        for _ in 0..WAITING {
            end = last(told.recv().unwrap());
        }
        end
    }

    /// Commits [`RATE`] commands a second, and returns when each record was asked for.
    fn pace(&self, seconds: u32) -> HashMap<Seq, u64> {
        let (tell, told) = mpsc::channel();
        let mut due = Instant::now();
        for n in 0..seconds * RATE {
            let (tell, asked) = (tell.clone(), nanos());
            let answer = move |reply| tell.send((last(reply), asked)).unwrap();
            let command = comment(n as usize);
            self.session.submit_then(submission(command), answer);
            due += Duration::from_secs(1) / RATE;
            thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        drop(tell);
        told.iter().collect()
    }

    /// Prints how long events take to some clients at the paced rate.
    fn latency(&self, clients: &mut Clients, seconds: u32, what: &str) -> f64 {
        clients.log();
        let asked = self.pace(seconds);
        clients.until(*asked.keys().max().unwrap());
        let log = clients.logged(&self.folder.path().join("log"));
        let times = log.iter().filter_map(|(seq, read)| {
            let asked = asked.get(seq)?;
            Some(read.saturating_sub(*asked) as f64 / 1e6)
        });
        let times: Vec<f64> = times.collect();
        let count = times.len();
        let (p50, p99) = p50_p99(times);
        println!("{what:<60} p50 {p50:>7.2} ms   p99 {p99:>7.2} ms   of {count} deliveries");
        p99
    }
}

/// Returns the memory that this process has resident, in KiB.
fn resident() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let words = line.unwrap().split_whitespace().next();
    words.unwrap().parse().unwrap()
}

fn verdict(what: &str, reached: bool) {
    let word = if reached { "reached" } else { "NOT REACHED" };
    println!("  {what}: {word}");
}

/// Serves frames to whoever connects, by nothing but the library.
fn bare(frames: &Arc<Frames>) -> SocketAddr {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    socket.set_nonblocking(true).unwrap();
    let address = socket.local_addr().unwrap();
    let frames = Arc::clone(frames);
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let socket = TcpListener::from_std(socket).unwrap();
            loop {
                let (stream, _) = socket.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                let frames = Arc::clone(&frames);
                tokio::spawn(async move {
                    let settings = WebSocketConfig::default()
                        .read_buffer_size(16 << 10)
                        .write_buffer_size(32 << 10);
                    let mut out = accept_async_with_config(stream, Some(settings))
                        .await
                        .unwrap();
                    let (mut at, mut end) = (0, frames.end.subscribe());
                    while end.wait_for(|end| *end > at).await.is_ok() {
                        let queued = frames.all.lock().unwrap()[at..].to_vec();
                        at += queued.len();
                        for frame in queued {
                            if out.feed(Message::Text(frame)).await.is_err() {
                                return;
                            }
                        }
                        if out.flush().await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
    });
    address
}

/// Commits a burst while readers read it, and returns how many seconds it took to the last of them.
fn timed(bench: &Bench, readers: &mut Clients) -> f64 {
    let start = nanos();
    let end = bench.burst();
    (readers.until(end) - start) as f64 / 1e9
}

/// Prints what the fan-out gives at saturation beside the yardstick: over the same engine's commits, in turns, and over
/// the frames alone.
fn saturation(bench: &Bench, rounds: usize) {
    let frames = Arc::new(Frames {
        all: Mutex::default(),
        end: watch::Sender::new(0),
    });
    let push = |frame| {
        let mut all = frames.all.lock().unwrap();
        all.push(frame);
        frames.end.send_replace(all.len());
    };
    let address = bare(&frames).to_string();
    let (mut ours, mut theirs, mut alone, mut count) = (0.0, 0.0, 0.0, 0);
    for _ in 0..rounds {
        let mut readers = bench.clients("raw", CONSOLES);
        ours += timed(bench, &mut readers);
        drop(readers);

        let mut readers = Clients::start("bare", CONSOLES, &address, "none");
        let (tell, told) = mpsc::channel();
        let heard = Mutex::new(tell);
        let subscription = bench.session.watching().subscribe(move |news| {
            // The one who wrote them out may have ended.
            let _ = heard.lock().unwrap().send(Arc::clone(&news.records));
        });
        let before = frames.all.lock().unwrap().len();
        thread::scope(|scope| {
            // They are written out once, away from the engine's thread, as ours are.
            scope.spawn(|| {
                for records in told {
                    feed_texts(&records, false).into_iter().for_each(push);
                }
            });
            theirs += timed(bench, &mut readers);
            drop(subscription);
        });
        drop(readers);

        let burst = frames.all.lock().unwrap().split_off(before);
        frames.all.lock().unwrap().clear();
        frames.end.send_replace(0);
        count += burst.len();
        let mut readers = Clients::start("bare", CONSOLES, &address, "none");
        let end = bench.session.watching().state().head.seq;
        let start = nanos();
        burst.into_iter().for_each(push);
        alone += (readers.until(end) - start) as f64 / 1e9;
        drop(readers);
        frames.all.lock().unwrap().clear();
        frames.end.send_replace(0);
    }
    let rate = |seconds: f64| (rounds * BURST * CONSOLES) as f64 / seconds;
    let records = (rounds * BURST) as f64 / count as f64;
    println!("at saturation, to {CONSOLES} readers, {records:.0} records a frame:");
    println!(
        "  ours, behind the engine's commits          {:>10.0} /s",
        rate(ours)
    );
    println!(
        "  bare tokio-tungstenite, behind them too    {:>10.0} /s",
        rate(theirs)
    );
    println!(
        "  bare tokio-tungstenite, the frames alone   {:>10.0} /s",
        rate(alone)
    );
    // The yardstick that commits nothing is the sterner one.
    let share = 100.0 * alone / ours;
    verdict(
        &format!("{share:.0} % of the yardstick; aim {AIM_SHARE} %"),
        share >= AIM_SHARE,
    );
}

/// Prints how long a console takes from nothing to the line's first state.
fn first_state(bench: &Bench, rounds: usize) {
    let times = (0..rounds).map(|_| {
        // Another version each time, so that its snapshot is made too.
        bench.burst();
        let (tell, told) = mpsc::channel();
        let start = Instant::now();
        let (mirror, _) = Mirror::new(move |news| {
            if let MirrorNews::Changed(news) = news {
                // Whoever has gone has seen enough.
                let _ = tell.send(news.state);
            }
        });
        let mut target = Target::new(format!("ws://{}", bench.address).parse().unwrap());
        target.token = Some(Token::new(&bench.token));
        let remote = Remote::following(target, mirror).unwrap();
        let state = told.recv().unwrap();
        assert_eq!(state.orders().count(), OPEN);
        let time = start.elapsed().as_secs_f64() * 1e3;
        drop(remote);
        time
    });
    let (p50, p99) = p50_p99(times.collect());
    let what = format!("attach to the first state, {ORDERS} orders, {OPEN} open");
    println!("{what:<60} p50 {p50:>7.2} ms   p99 {p99:>7.2} ms");
    verdict(&format!("aim {AIM_FIRST} ms"), p99 <= AIM_FIRST);
}

fn main() {
    if be_clients() {
        return;
    }
    let quick = env::var_os("OBEYA_BENCH_QUICK").is_some();
    let (rounds, seconds) = if quick { (3, 3) } else { (10, 20) };
    let mut bench = Bench::new();
    println!("{ORDERS} orders, {OPEN} open, {CONSOLES} attached consoles");

    first_state(&bench, rounds * 2);

    // What one console and this load take is there before the others come.
    let mut alone = bench.clients("raw", 1);
    bench.latency(
        &mut alone,
        seconds,
        &format!("event to 1 reader at {RATE} events/s"),
    );
    drop(alone);
    let before = resident();
    let mut readers = bench.clients("raw", CONSOLES);
    let p99 = bench.latency(
        &mut readers,
        seconds,
        &format!("event to {CONSOLES} readers at {RATE} events/s"),
    );
    verdict(&format!("aim {AIM_LATENCY} ms"), p99 <= AIM_LATENCY);
    let each = (resident() - before) / CONSOLES as f64;
    println!("memory of the server for each of {CONSOLES} under that load: {each:.0} KiB");
    verdict(&format!("aim {AIM_MEMORY} KiB"), each <= AIM_MEMORY);
    drop(readers);

    saturation(&bench, rounds);

    let mut mirrors = bench.clients("mirror", MIRRORS);
    let used = mirrors.processor();
    let begun = Instant::now();
    bench.latency(
        &mut mirrors,
        seconds,
        &format!("event to {MIRRORS} whole consoles' states at {RATE} events/s"),
    );
    let share = (mirrors.processor() - used) / begun.elapsed().as_secs_f64() / MIRRORS as f64;
    println!(
        "  each of them takes {:.1} % of a processor for it",
        100.0 * share
    );
    drop(mirrors);
    drop(bench.server.take());
}
