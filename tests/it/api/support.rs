//! A server over a host on a temporary ledger, and a client of its API that is as simple as one can be.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::{Duration, Instant},
};

use obeya::{
    domain::{command::Role, order::Actor},
    link::{
        self, Home, Session, Subscription,
        access::{Access, AuditFilter, AuditPage, AuditRow, Caller, NewToken, create_token},
    },
    server::{Doors, Pace, Server},
};
use serde_json::Value;

/// How long anything here may take that is no matter of time.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// A host with a server on a port of the kernel's choice.
pub(super) struct Engine {
    // The server ends before its host.
    pub(super) server: Option<Server>,
    pub(super) session: Session,
    pub(super) home: Home,
    pace: Pace,
    _folder: tempfile::TempDir,
}

impl Engine {
    pub(super) fn start() -> Engine {
        Engine::paced(Pace::default())
    }

    /// Starts one with another patience.
    pub(super) fn paced(pace: Pace) -> Engine {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path().join(".obeya")).unwrap();
        link::init(&home).unwrap();
        let session = Session::titled(&home, "serve", false).unwrap();
        let mut engine = Engine {
            server: None,
            session,
            home,
            pace,
            _folder: folder,
        };
        engine.serve();
        engine
    }

    /// Starts the server, again if it ran.
    pub(super) fn serve(&mut self) {
        self.server = None;
        let doors = Doors {
            listen: Some("127.0.0.1:0".parse().unwrap()),
            ..Doors::default()
        };
        let service = self.session.service().unwrap();
        self.server = Some(Server::paced(service, "line", &doors, self.pace).unwrap());
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.server.as_ref().unwrap().address().unwrap()
    }

    /// Makes a token, and returns a client that has it.
    pub(super) fn client(&self, name: &str, role: Role) -> Client {
        let caller = Caller {
            actor: Actor::person("root"),
            role: Role::Admin,
        };
        let new = NewToken {
            name: name.parse().unwrap(),
            role,
            expires: None,
        };
        let made = create_token(&self.home, &caller, &new, link::now());
        let (secret, _) = made.unwrap().unwrap();
        Client {
            address: self.address(),
            token: Some(secret.expose().to_owned()),
        }
    }

    pub(super) fn stranger(&self) -> Client {
        Client {
            address: self.address(),
            token: None,
        }
    }

    /// Returns the audit, oldest first.
    pub(super) fn audit(&self) -> Vec<AuditRow> {
        let mut access = Access::open(&self.home).unwrap();
        let all = AuditFilter::default();
        access.audit(&all, AuditPage::After(0), 1_000).unwrap()
    }

    /// Returns a row of the audit once it is there.
    pub(super) fn noted(&self, is_it: impl Fn(&AuditRow) -> bool) -> AuditRow {
        let begun = Instant::now();
        loop {
            let rows = self.audit();
            if let Some(row) = rows.iter().find(|row| is_it(row)) {
                return row.clone();
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "it is not in the audit: {rows:?}"
            );
            thread::sleep(Duration::from_millis(20));
        }
    }

    pub(super) fn head(&self) -> u64 {
        self.session.watching().rest().unwrap();
        self.session.watching().state().head.seq
    }
}

/// An engine's thread that hangs in what it calls, as it would on a disk that does not answer: behind the next commit, and
/// before anybody hears of it.
pub(super) struct Wedge {
    stuck: Arc<(Mutex<Stuck>, Condvar)>,
    _subscription: Subscription,
}

#[derive(Default)]
struct Stuck {
    reached: bool,
    freed: bool,
}

impl Wedge {
    pub(super) fn of(engine: &Engine) -> Wedge {
        let stuck = Arc::<(Mutex<Stuck>, Condvar)>::default();
        let held = Arc::clone(&stuck);
        let subscription = engine.session.watching().subscribe(move |_| {
            let (stuck, bell) = &*held;
            let mut stuck = stuck.lock().unwrap();
            stuck.reached = true;
            bell.notify_all();
            drop(bell.wait_while(stuck, |stuck| !stuck.freed).unwrap());
        });
        Wedge {
            stuck,
            _subscription: subscription,
        }
    }

    /// Waits until the thread hangs.
    pub(super) fn reached(&self) {
        let (stuck, bell) = &*self.stuck;
        let stuck = stuck.lock().unwrap();
        drop(bell.wait_while(stuck, |stuck| !stuck.reached).unwrap());
    }

    pub(super) fn free(&self) {
        let (stuck, bell) = &*self.stuck;
        stuck.lock().unwrap().freed = true;
        bell.notify_all();
    }
}

impl Drop for Wedge {
    fn drop(&mut self) {
        self.free();
    }
}

/// Somebody at the API.
#[derive(Clone)]
pub(super) struct Client {
    pub(super) address: SocketAddr,
    pub(super) token: Option<String>,
}

/// What was answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Returns the document, once it is as good as was promised.
    pub(super) fn done(&self) -> Value {
        assert!((200..300).contains(&self.status), "{self:?}");
        self.json()
    }

    /// Returns the problem, once it is a document and of this status.
    pub(super) fn problem(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.headers["content-type"], "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["status"], status);
        assert!(!problem["detail"].as_str().unwrap().is_empty());
        problem
    }
}

impl Client {
    pub(super) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], b"")
    }

    pub(super) fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, &[], body.to_string().as_bytes())
    }

    /// Sends a request whose body says that it is JSON, and returns what is answered.
    pub(super) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let mut stream = self.say(method, path, headers, body);
        let mut answer = vec![];
        stream.read_to_end(&mut answer).unwrap();
        read(&answer)
    }

    /// Sends a request, and waits for nothing.
    pub(super) fn say(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> TcpStream {
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n",
            self.address
        );
        if let Some(token) = &self.token {
            head += &format!("Authorization: Bearer {token}\r\n");
        }
        if !body.is_empty() {
            head += &format!("Content-Length: {}\r\n", body.len());
            if !headers.iter().any(|(name, _)| *name == "Content-Type") {
                head += "Content-Type: application/json\r\n";
            }
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += "\r\n";
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        // Whoever is refused may hear of it before everything is sent.
        let _ = stream
            .write_all(head.as_bytes())
            .and_then(|()| stream.write_all(body));
        stream
    }

    /// Begins to read the stream of records.
    pub(super) fn stream(&self, last: Option<u64>) -> Stream {
        let last = last.map(|last| last.to_string());
        let headers: Vec<_> = last
            .iter()
            .map(|last| ("Last-Event-ID", last.as_str()))
            .collect();
        let mut lines = BufReader::new(self.say("GET", "/api/stream", &headers, b""));
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        assert!(line.starts_with("HTTP/1.1 200"), "{line}");
        let mut stream = Stream { lines };
        // The first of the stream itself: from now on nothing is missed.
        while !stream.line().starts_with("retry:") {}
        stream
    }
}

/// A stream of records.
pub(super) struct Stream {
    lines: BufReader<TcpStream>,
}

impl Stream {
    /// Returns once it was said that the stream goes on.
    pub(super) fn alive(&mut self) {
        while self.line() != ": alive" {}
    }

    /// Returns once the stream has ended.
    pub(super) fn ended(&mut self) {
        let mut rest = vec![];
        // Whoever is cut off hears no end.
        let _ = self.lines.read_to_end(&mut rest);
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert_ne!(
            self.lines.read_line(&mut line).unwrap(),
            0,
            "the stream ended"
        );
        line.trim_end().to_owned()
    }

    /// Returns the next event: its id, its sort and its record.
    pub(super) fn next(&mut self) -> (u64, String, Value) {
        let (mut id, mut sort) = (0, String::new());
        loop {
            // The lines between are of the chunks that it comes in.
            let line = self.line();
            if let Some(said) = line.strip_prefix("id: ") {
                id = said.parse().unwrap();
            } else if let Some(said) = line.strip_prefix("event: ") {
                sort = said.to_owned();
            } else if let Some(said) = line.strip_prefix("data: ") {
                return (id, sort, serde_json::from_str(said).unwrap());
            }
        }
    }
}

fn read(answer: &[u8]) -> Answer {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let end = end.unwrap_or_else(|| panic!("no head: {:?}", String::from_utf8_lossy(answer)));
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let status = lines
        .next()
        .unwrap()
        .split(' ')
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    let header = |line: &str| {
        let (name, value) = line.split_once(": ").unwrap();
        (name.to_lowercase(), value.to_owned())
    };
    Answer {
        status,
        headers: lines.map(header).collect(),
        body: String::from_utf8(answer[end + 4..].to_vec()).unwrap(),
    }
}
