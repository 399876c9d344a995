//! `obeya serve` as somebody types it: the process, its signals, its line.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
    process::{Child, ChildStdout, Stdio},
    thread,
    time::{Duration, Instant},
};

use obeya::domain::{
    command::{Command, NewOrder, Role, Submission},
    order::Actor,
    record::Door,
};
use obeya::link::{
    self, Home, Operator as _, Session,
    access::{Caller, NewToken, create_token},
    remote::{Attached, Remote, Target},
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use uuid::Uuid;

use crate::cli::Room;

/// How long anything here may take that is no matter of time.
const PATIENCE: Duration = Duration::from_secs(60);

struct Served {
    child: Child,
    /// What it prints, as long as somebody reads it.
    lines: Option<BufReader<ChildStdout>>,
}

impl Served {
    fn start(room: &Room, arguments: &[&str]) -> Served {
        let mut child = room
            .command(["serve", "--json"].iter().chain(arguments))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = child.stdout.take().map(BufReader::new);
        Served { child, lines }
    }

    /// Returns what it says when it serves.
    fn serving(&mut self) -> Value {
        loop {
            let mut line = String::new();
            let lines = self.lines.as_mut().unwrap();
            let read = lines.read_line(&mut line).unwrap();
            assert!(read > 0, "it ended: {}", self.complaint());
            let value: Value = serde_json::from_str(&line).unwrap();
            if let Some(serving) = value.get("serving") {
                return serving.clone();
            }
        }
    }

    fn complaint(&mut self) -> String {
        let mut text = String::new();
        let stderr = self.child.stderr.take();
        stderr.map(|mut stderr| stderr.read_to_string(&mut text));
        text
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits for its end, and returns its code.
    fn ended(&mut self) -> Option<i32> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("it does not end");
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn home(room: &Room) -> Home {
    Home::new(room.path().join(".obeya")).unwrap()
}

fn target(served: &Value, home: &Home) -> Target {
    let url = served["url"].as_str().unwrap();
    let target = Target::new(url.parse().unwrap());
    target.with_local_token(home).unwrap()
}

fn create(title: &str) -> Submission {
    Submission {
        id: Uuid::now_v7(),
        role: Role::Admin,
        actor: Actor::person("maria"),
        door: Door::Cli,
        uid: 0,
        epoch: None,
        causation: None,
        correlation: None,
        dry_run: false,
        until: None,
        as_of: None,
        command: Command::CreateOrder {
            order: NewOrder::task(title),
        },
    }
}

#[test]
fn it_serves_until_it_is_told_to_end() {
    for signal in [Signal::INT, Signal::TERM] {
        let room = Room::new();
        let mut served = Served::start(&room, &["--listen", "127.0.0.1:0", "--name", "hall"]);
        let serving = served.serving();
        assert_eq!(serving["name"], "hall");
        let remote = Remote::calling(target(&serving, &home(&room))).unwrap();
        let welcome = remote.welcome(PATIENCE).unwrap();
        assert_eq!((welcome.name.as_str(), welcome.role), ("hall", Role::Admin));
        let mut attached = Attached::new(remote.into());
        let reply = attached.submit(&create("from afar"));
        assert!(matches!(reply, link::Reply::Done(_)), "{reply:?}");
        // A call beside the ledger sees the same line, over the same host.
        let list = room.done("work-order list --json").out;
        assert!(list.contains("from afar"), "{list}");
        served.signal(signal);
        assert_eq!(served.ended(), Some(0), "{}", served.complaint());
        assert!(!home(&room).local_token().exists());
    }
}

#[test]
fn beyond_this_machine_it_takes_tls_or_insecure() {
    let room = Room::new();
    let said = room.line("serve --listen 0.0.0.0:0");
    assert_eq!(said.code, 2);
    for word in ["--tls-cert", "--insecure", "SSH tunnel"] {
        assert!(said.err.contains(word), "{}", said.err);
    }
    let mut served = Served::start(&room, &["--listen", "0.0.0.0:0", "--insecure"]);
    assert_eq!(served.serving()["tls"], false);
    served.signal(Signal::TERM);
    assert_eq!(served.ended(), Some(0));
    let said = room.line("serve --listen nowhere");
    assert_eq!(said.code, 2, "{}", said.err);
    assert!(said.err.contains("HOST:PORT"), "{}", said.err);
}

#[test]
fn an_address_that_is_taken_is_said() {
    let room = Room::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = room.line(&format!("serve --listen {address}"));
    assert_eq!(said.code, 3, "{}{}", said.out, said.err);
    assert!(said.err.contains(&address), "{}", said.err);
}

#[test]
fn a_console_that_hosts_yields_to_it_and_another_server_stands_by() {
    let room = Room::new();
    let home = home(&room);
    let console = Session::open(&home).unwrap();
    assert!(console.service().is_some());
    let mut served = Served::start(&room, &["--listen", "127.0.0.1:0"]);
    // A console stands every few seconds, and so hears that it is to yield.
    let begun = Instant::now();
    while console.stand().unwrap() {
        assert!(begun.elapsed() < PATIENCE, "it is not asked to yield");
        thread::sleep(Duration::from_millis(20));
    }
    let first = served.serving();
    assert!(!console.stand().unwrap(), "the console hosts again");
    let mut second = Served::start(&room, &["--listen", "127.0.0.1:0"]);
    let remote = Remote::calling(target(&first, &home)).unwrap();
    remote.welcome(PATIENCE).unwrap();
    drop(remote);
    served.signal(Signal::TERM);
    assert_eq!(served.ended(), Some(0));
    let again = second.serving();
    let remote = Remote::calling(target(&again, &home)).unwrap();
    remote.welcome(PATIENCE).unwrap();
    second.signal(Signal::TERM);
    assert_eq!(second.ended(), Some(0));
}

#[test]
fn a_certificate_that_cannot_be_used_is_said_before_anything_is_recorded() {
    let room = Room::new();
    let before = room.records();
    let served = "serve --listen 127.0.0.1:0 --tls-cert gone.pem --tls-key gone.key";
    let said = room.line(served);
    assert_eq!(said.code, 3, "{}{}", said.out, said.err);
    assert!(
        said.err.contains("gone.pem") && said.err.contains("--tls-cert"),
        "{}",
        said.err
    );
    assert_eq!(
        room.records(),
        before,
        "each try of a supervisor would leave one"
    );
    // Nor does one that is to stand by find out only when it is needed.
    let mut host = Served::start(&room, &["--listen", "127.0.0.1:0"]);
    host.serving();
    assert_eq!(room.line(served).code, 3);
    host.signal(Signal::TERM);
    assert_eq!(host.ended(), Some(0));
}

#[test]
fn a_token_by_name_gets_in_and_the_log_lies_beside_the_ledger() {
    let room = Room::new();
    let home = home(&room);
    let mut served = Served::start(&room, &["--listen", "127.0.0.1:0"]);
    let serving = served.serving();
    let caller = Caller {
        actor: Actor::person("maria"),
        role: Role::Admin,
    };
    let new = NewToken {
        name: "wall".parse().unwrap(),
        role: Role::Viewer,
        expires: None,
    };
    let (secret, _) = create_token(&home, &caller, &new, link::now())
        .unwrap()
        .unwrap();
    let mut wall = Target::new(serving["url"].as_str().unwrap().parse().unwrap());
    wall.token = Some(link::remote::Token::new(secret.expose()));
    let remote = Remote::calling(wall).unwrap();
    assert_eq!(remote.welcome(PATIENCE).unwrap().role, Role::Viewer);
    drop(remote);
    served.signal(Signal::TERM);
    assert_eq!(served.ended(), Some(0));
    // Whatever was logged, no secret is in it.
    for entry in fs::read_dir(home.logs()).into_iter().flatten().flatten() {
        let text = fs::read_to_string(entry.path()).unwrap_or_default();
        assert!(!text.contains(secret.expose()));
    }
}

#[test]
fn it_goes_on_when_nobody_reads_what_it_prints() {
    for gone in [true, false] {
        let room = Room::new();
        let mut served = Served::start(&room, &["--listen", "127.0.0.1:0"]);
        let serving = served.serving();
        if gone {
            // The reader goes, as that of `obeya serve | head -1` does. Otherwise it stays, and reads no more.
            served.lines = None;
        }
        let remote = Remote::calling(target(&serving, &home(&room))).unwrap();
        let mut attached = Attached::new(remote.into());
        // Each is a line of its own, and all of them are more than a pipe holds.
        for _ in 0..600 {
            let reply = attached.submit(&create(&"x".repeat(150)));
            assert!(matches!(reply, link::Reply::Done(_)), "{reply:?}");
        }
        // The office is still stood for, and its doors are open.
        thread::sleep(Duration::from_secs(1));
        let remote = Remote::calling(target(&serving, &home(&room))).unwrap();
        remote.welcome(PATIENCE).unwrap();
        drop(remote);
        served.signal(Signal::TERM);
        assert_eq!(served.ended(), Some(0), "gone: {gone}");
    }
}

#[test]
fn systemd_finds_nothing_wrong_with_the_unit() {
    let tool = Path::new("/usr/bin/systemd-analyze");
    if !tool.exists() {
        let required = std::env::var_os("OBEYA_REQUIRE_SYSTEMD").is_some();
        assert!(!required, "{} is not there", tool.display());
        return;
    }
    let unit = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/systemd/obeya.service");
    let unit = fs::read_to_string(unit).unwrap();
    let here = unit.replace("/usr/local/bin/obeya", env!("CARGO_BIN_EXE_obeya"));
    assert_ne!(unit, here);
    let room = Room::empty();
    let complaint = |unit: &str| {
        room.write("obeya.service", unit);
        let said = std::process::Command::new(tool)
            .args(["verify", "--man=no", "--recursive-errors=no"])
            .arg(room.path().join("obeya.service"))
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&said.stderr).into_owned();
        (!said.status.success() || text.contains("obeya.service")).then_some(text)
    };
    assert_eq!(complaint(&here), None);
    // It would have said so.
    assert!(complaint(&here.replace("KillMode=mixed", "KillMode=some")).is_some());
    // What it starts are arguments that a server takes.
    let start = unit
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart="));
    let socket = room.path().join("line.sock");
    let words: Vec<_> = start
        .unwrap()
        .split(' ')
        .skip(2)
        .filter(|word| !word.starts_with('$') || word.starts_with("${"))
        .map(|word| word.replace("${OBEYA_LISTEN}", "127.0.0.1:0"))
        .map(|word| word.replace("/run/obeya/line.sock", socket.to_str().unwrap()))
        .collect();
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    room.done("init");
    let mut served = Served::start(&room, &words);
    assert!(served.serving()["unix"].is_string());
    served.signal(Signal::TERM);
    assert_eq!(served.ended(), Some(0));
}
