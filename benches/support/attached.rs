//! The clients of an engine's fan-out, in a process of their own, so that the server's memory is the server's.

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command as Process, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use futures_util::{SinkExt as _, StreamExt as _};
use obeya::{
    domain::snapshot::SNAPSHOT_FORMAT,
    link::{
        protocol::{
            PROTOCOL,
            socket::{Follow, Hello, ToEngine},
        },
        remote::{Mirror, MirrorNews, Remote, Target, Token},
    },
};
use rustix::time::{ClockId, clock_gettime};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    client_async,
    tungstenite::{
        Message,
        client::IntoClientRequest as _,
        http::{HeaderValue, header::AUTHORIZATION},
    },
};

const KIND: &str = "OBEYA_BENCH_ATTACHED";
const COUNT: &str = "OBEYA_BENCH_COUNT";
const ADDRESS: &str = "OBEYA_BENCH_ADDRESS";
const TOKEN: &str = "OBEYA_BENCH_TOKEN";

/// Returns a time that all processes of this machine share, in nanoseconds.
pub(crate) fn nanos() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// Returns the numbers of the records in a frame: all that a reader here makes of it.
fn seqs(text: &str) -> impl Iterator<Item = u64> {
    const NAME: &str = "\"seq\":";
    text.match_indices(NAME).filter_map(|(at, _)| {
        let rest = &text[at + NAME.len()..];
        let end = rest.find(|c: char| !c.is_ascii_digit())?;
        rest[..end].parse().ok()
    })
}

/// What one client has seen.
#[derive(Default)]
struct Seen {
    last: AtomicU64,
    /// Each record's number, and when it was read.
    log: Mutex<Vec<(u64, u64)>>,
}

impl Seen {
    fn see(&self, seqs: impl Iterator<Item = u64>, logged: bool) {
        let now = nanos();
        let mut last = self.last.load(Ordering::Relaxed);
        let mut log = self.log.lock().unwrap();
        for seq in seqs {
            last = last.max(seq);
            if logged {
                log.push((seq, now));
            }
        }
        self.last.store(last, Ordering::Release);
    }
}

/// A process of clients.
pub(crate) struct Clients {
    process: Child,
    say: ChildStdin,
    hear: BufReader<ChildStdout>,
}

impl Clients {
    /// Starts `count` clients of a kind: `raw` and `mirror` attach to an engine, `bare` reads what it is sent.
    pub(crate) fn start(kind: &str, count: usize, address: &str, token: &str) -> Clients {
        let mut process = Process::new(env::current_exe().unwrap())
            .env(KIND, kind)
            .env(COUNT, count.to_string())
            .env(ADDRESS, address)
            .env(TOKEN, token)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let say = process.stdin.take().unwrap();
        let hear = BufReader::new(process.stdout.take().unwrap());
        let mut clients = Clients { process, say, hear };
        clients.answer();
        clients
    }

    fn ask(&mut self, what: &str) -> String {
        writeln!(self.say, "{what}").unwrap();
        self.answer()
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.hear.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "the clients have ended");
        line.trim().to_owned()
    }

    /// Returns when every client had read a record, in [`nanos`].
    pub(crate) fn until(&mut self, seq: u64) -> u64 {
        self.ask(&format!("until {seq}")).parse().unwrap()
    }

    /// Begins to note when each record is read.
    pub(crate) fn log(&mut self) {
        self.ask("log");
    }

    /// Returns the processor time that the clients have used, in seconds.
    pub(crate) fn processor(&mut self) -> f64 {
        self.ask("processor").parse().unwrap()
    }

    /// Returns each record's number and when it was read, of all clients.
    pub(crate) fn logged(&mut self, file: &Path) -> Vec<(u64, u64)> {
        self.ask(&format!("write {}", file.display()));
        let bytes = fs::read(file).unwrap();
        let number = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap());
        let pairs = bytes.chunks_exact(16);
        pairs
            .map(|pair| (number(&pair[..8]), number(&pair[8..])))
            .collect()
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// Is the process of clients, if this is one, until it is ended.
pub(crate) fn be_clients() -> bool {
    let Ok(kind) = env::var(KIND) else {
        return false;
    };
    let count: usize = env::var(COUNT).unwrap().parse().unwrap();
    let (address, token) = (env::var(ADDRESS).unwrap(), env::var(TOKEN).unwrap());
    let seen: Vec<Arc<Seen>> = (0..count).map(|_| Arc::default()).collect();
    let logged = Arc::new(AtomicBool::new(false));
    let mut ways = vec![];
    if kind == "mirror" {
        ways.extend(
            seen.iter()
                .map(|seen| mirror(&address, &token, seen, &logged)),
        );
    } else {
        let (seen, logged, kind) = (seen.clone(), Arc::clone(&logged), kind.clone());
        thread::spawn(move || read(&kind, &address, &token, &seen, &logged));
    }
    // The yardstick's have nothing to read before the first frame.
    if kind != "bare" {
        wait(&seen, 1);
    }
    println!("ready");
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
        match word {
            "until" => {
                wait(&seen, rest.parse().unwrap());
                println!("{}", nanos());
            }
            "log" => {
                logged.store(true, Ordering::Relaxed);
                println!("logging");
            }
            "processor" => {
                let used = clock_gettime(ClockId::ProcessCPUTime);
                println!("{}", used.tv_sec as f64 + used.tv_nsec as f64 / 1e9);
            }
            _ => {
                let logs = seen
                    .iter()
                    .flat_map(|seen| seen.log.lock().unwrap().clone());
                let bytes: Vec<u8> = logs
                    .flat_map(|(seq, at)| [seq.to_le_bytes(), at.to_le_bytes()])
                    .flatten()
                    .collect();
                fs::write(rest, bytes).unwrap();
                println!("written");
            }
        }
    }
    drop(ways);
    true
}

fn wait(seen: &[Arc<Seen>], seq: u64) {
    let behind = |seen: &Arc<Seen>| seen.last.load(Ordering::Acquire) < seq;
    while seen.iter().any(behind) {
        thread::sleep(Duration::from_micros(500));
    }
}

fn mirror(address: &str, token: &str, seen: &Arc<Seen>, logged: &Arc<AtomicBool>) -> Remote {
    let (seen, logged) = (Arc::clone(seen), Arc::clone(logged));
    let (mirror, _) = Mirror::new(move |news| {
        if let MirrorNews::Changed(news) = news {
            let logged = logged.load(Ordering::Relaxed);
            seen.see(news.records.iter().map(|record| record.seq), logged);
            seen.see(std::iter::once(news.state.head.seq), false);
        }
    });
    let mut target = Target::new(format!("ws://{address}").parse().unwrap());
    target.token = Some(Token::new(token));
    Remote::following(target, mirror).unwrap()
}

fn read(kind: &str, address: &str, token: &str, seen: &[Arc<Seen>], logged: &Arc<AtomicBool>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut all = tokio::task::JoinSet::new();
        for seen in seen {
            let (seen, logged) = (Arc::clone(seen), Arc::clone(logged));
            let (address, token) = (address.to_owned(), token.to_owned());
            let attached = kind == "raw";
            all.spawn(async move {
                let stream = TcpStream::connect(&address).await.unwrap();
                stream.set_nodelay(true).unwrap();
                let url = format!("ws://{address}/api/attach");
                let mut request = url.into_client_request().unwrap();
                let bearer = HeaderValue::try_from(format!("Bearer {token}")).unwrap();
                request.headers_mut().insert(AUTHORIZATION, bearer);
                let (mut socket, _) = client_async(request, stream).await.unwrap();
                if attached {
                    let hello = ToEngine::Hello(Hello {
                        protocol: PROTOCOL,
                        version: "bench".into(),
                        follow: Follow::State {
                            snapshot_format: SNAPSHOT_FORMAT,
                            have: None,
                        },
                    });
                    let hello = serde_json::to_string(&hello).unwrap();
                    socket.send(Message::text(hello)).await.unwrap();
                }
                while let Some(message) = socket.next().await {
                    if let Message::Text(text) = message.unwrap() {
                        seen.see(seqs(&text), logged.load(Ordering::Relaxed));
                    }
                }
            });
        }
        while let Some(ended) = all.join_next().await {
            ended.unwrap();
        }
    });
}
