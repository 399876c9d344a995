//! Calls over a way that fails: not reachable, not let in, another protocol, a server that goes and comes back.

use std::{
    io::{BufRead as _, BufReader},
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    process::{Child, Stdio},
    sync::mpsc,
    thread,
};

use obeya::{
    domain::{command::Role, order::Actor},
    link::{
        Operator as _,
        protocol::socket::{Farewell, FromEngine},
    },
};
use serde_json::Value;
use tokio_tungstenite::tungstenite::{Message, accept};

use super::support::{Engine, PATIENCE, create_command, serve, submission};
use crate::cli::Room;

/// A command that goes on, and the lines that it prints.
pub(super) struct Going {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Going {
    pub(super) fn start(room: &Room, line: &str) -> Going {
        let mut child = room
            .command(crate::cli::words(line))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Going { child, lines }
    }

    /// Returns the next line that has these words in it.
    pub(super) fn hears(&self, words: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("never: {words}"));
            if line.contains(words) {
                return line;
            }
        }
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn created(engine: &Engine, title: &str) {
    let mut session = std::sync::Arc::clone(&engine.session);
    let reply = session.submit(&submission(Actor::person("ann"), create_command(title)));
    assert!(matches!(reply, obeya::link::Reply::Done(_)), "{reply:?}");
}

#[test]
fn who_is_not_let_in_or_finds_nobody_is_told_what_to_do() {
    let engine = Engine::start();
    let room = Room::empty();
    let url = format!("ws://{}", engine.address());
    let fails = |line: &str, words: &str| {
        let said = room.line(line);
        assert_eq!(said.code, 3, "{line}: {}{}", said.out, said.err);
        assert!(said.err.contains(words), "{line}: {}", said.err);
    };
    fails(&format!("work-order list --attach {url}"), "--token-file");
    room.write("bad", "obeya_nothing\n");
    let set = |mode| {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(room.path().join("bad"), mode).unwrap();
    };
    set(0o644);
    fails(
        &format!("work-order list --attach {url} --token-file bad"),
        "chmod 600",
    );
    set(0o600);
    fails(
        &format!("work-order list --attach {url} --token-file bad"),
        "token create",
    );
    fails(
        &format!("work-order list --attach {url} --token-file none"),
        "none",
    );
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = free.local_addr().unwrap();
    drop(free);
    fails(
        &format!("work-order list --attach ws://{nobody}"),
        "obeya serve",
    );
    let said = room.line("work-order list --attach http://a");
    assert_eq!(said.code, 2, "{}", said.err);
    let both = room.line("work-order list --attach ws://a --ledger b");
    assert_eq!(both.code, 2, "{}", both.err);
}

#[test]
fn an_engine_of_another_version_is_told_in_words() {
    let door = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = door.local_addr().unwrap();
    let old = thread::spawn(move || {
        let (stream, _) = door.accept().unwrap();
        let mut socket = accept(stream).unwrap();
        let hello: Value =
            serde_json::from_str(&socket.read().unwrap().into_text().unwrap()).unwrap();
        let bye = FromEngine::Bye {
            code: Farewell::OtherProtocol,
            why: "this engine is older: bring its obeya up to date".into(),
        };
        socket
            .send(Message::text(serde_json::to_string(&bye).unwrap()))
            .unwrap();
        hello["hello"]["protocol"].as_u64()
    });
    let room = Room::empty();
    let said = room.line(&format!("work-order list --attach ws://{address}"));
    assert_eq!(said.code, 3);
    assert!(
        said.err.contains("bring its obeya up to date"),
        "{}",
        said.err
    );
    let spoken = old.join().unwrap();
    assert_eq!(spoken, Some(u64::from(obeya::link::protocol::PROTOCOL)));
}

#[test]
fn watchers_and_subscribers_go_on_after_the_server_was_away() {
    let mut engine = Engine::start();
    let room = Room::empty();
    let token = engine.token_file(room.path(), "root", Role::Admin);
    let place = format!("--attach ws://{} --token-file {token}", engine.address());
    created(&engine, "before");
    let watch = Going::start(&room, &format!("watch --plain {place} --since 1h"));
    watch.hears("before");
    let orders = Going::start(
        &room,
        &format!("work-order watch --all --after 0 --json {place}"),
    );
    orders.hears("before");
    let bus = Going::start(
        &room,
        &format!("bus subscribe coordination_events --name sub --from 1 --json {place}"),
    );
    room.done(&format!("bus publish coordination_events first {place}"));
    bus.hears("first");
    // The server goes, and things go on without it.
    let address = engine.address();
    engine.server = None;
    created(&engine, "meanwhile");
    let home = engine.home.path().display().to_string();
    room.done(&format!(
        "bus publish coordination_events second --ledger {home}"
    ));
    engine.server = Some(serve(&engine.session, address));
    watch.hears("meanwhile");
    orders.hears("meanwhile");
    bus.hears("second");
    created(&engine, "after");
    watch.hears("after");
    orders.hears("after");
}

#[test]
fn a_call_waits_for_a_server_that_is_about_to_be_back() {
    let mut engine = Engine::start();
    let room = Room::empty();
    let token = engine.token_file(room.path(), "root", Role::Admin);
    let address = engine.address();
    engine.server = None;
    let line =
        format!("work-order create --title patient --attach ws://{address} --token-file {token}");
    let call = thread::spawn(move || room.line(&line));
    engine.server = Some(serve(&engine.session, address));
    let said = call.join().unwrap();
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
}

#[test]
fn a_script_of_the_shell_works_attached() {
    let engine = Engine::start();
    let room = Room::empty();
    let token = engine.token_file(room.path(), "root", Role::Admin);
    let place = format!(
        "shell --attach ws://{} --token-file {token}",
        engine.address()
    );
    let script = "wo create --title one\nwo create --title two\nbus publish @ann hi\nledger head\nwo list --json\n";
    let said = room.run_with(crate::cli::words(&place), script.as_bytes());
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(said.out.contains("\"two\""), "{}", said.out);
}
