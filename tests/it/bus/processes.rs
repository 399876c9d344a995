//! The real binary: several processes on one bus, some of which die.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Stdio},
    sync::Arc,
};

use obeya::{
    domain::{
        command::Role,
        message::{Reader, Topic, delivery::Terms},
        order::Actor,
        time::{SECOND, Timestamp},
    },
    engine::{HeldClock, bus::Broker},
    ledger::Home,
    link::bus::Caller,
};
use serde_json::Value;

use crate::cli::Room;

fn home(room: &Room) -> Home {
    Home::new(room.path().join(".obeya")).unwrap()
}

fn spawn(room: &Room, line: &str) -> (Child, impl Iterator<Item = Value> + use<>) {
    let mut child = room
        .command(line.split(' '))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let lines = lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap());
    (child, lines)
}

fn seq(value: &Value) -> u64 {
    value["seq"].as_u64().unwrap()
}

#[test]
fn a_subscriber_that_is_killed_before_it_acknowledges_loses_nothing() {
    let room = Room::new();
    room.done("bus subscribe coordination_events --name w --count 0");
    room.done("bus publish coordination_events first");
    room.done("bus publish coordination_events second");
    let (mut child, mut lines) = spawn(
        &room,
        "bus subscribe coordination_events --name w --no-ack --count 9 --json",
    );
    let first = lines.next().unwrap();
    let second = lines.next().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    // Half a minute later they are given out again, in order.
    let clock = HeldClock::at(Timestamp::from_utc(chrono::Utc::now()).plus(31 * SECOND));
    let mut broker = Broker::with(&home(&room), Terms::default(), Arc::new(clock)).unwrap();
    let caller = Caller {
        actor: Actor::agent("w"),
        role: Role::Agent,
    };
    let reader = Reader::of_topic(Topic::CoordinationEvents, "w".parse().unwrap());
    let again = broker.take(&caller, &reader, 9).unwrap().unwrap();
    let got: Vec<_> = again.iter().map(|d| (d.message.seq, d.attempt)).collect();
    assert_eq!(got, [(seq(&first), 2), (seq(&second), 2)]);
    let seqs: Vec<_> = got.iter().map(|(seq, _)| *seq).collect();
    assert_eq!(broker.acknowledge(&caller, &reader, &seqs).unwrap(), Ok(2));
    assert_eq!(
        room.done("bus dead-letters --json").json(),
        serde_json::json!([])
    );
}

#[test]
fn what_several_processes_send_comes_once_and_in_order() {
    let room = Room::new();
    let (mut child, lines) = {
        room.done("bus subscribe coordination_events --name s --count 0");
        spawn(
            &room,
            "bus subscribe coordination_events --name s --count 40 --json",
        )
    };
    std::thread::scope(|scope| {
        for sender in 0..4 {
            let room = &room;
            scope.spawn(move || {
                for n in 0..10 {
                    room.done(&format!(
                        "bus publish coordination_events {sender}-{n} --actor agent:{sender}"
                    ));
                }
            });
        }
    });
    let heard: Vec<Value> = lines.collect();
    assert!(child.wait().unwrap().success());
    assert!(heard.windows(2).all(|two| seq(&two[0]) < seq(&two[1])));
    for sender in 0..4 {
        let name = sender.to_string();
        let of: Vec<_> = heard
            .iter()
            .filter(|heard| heard["sender"]["name"] == name.as_str())
            .map(|heard| heard["body"].as_str().unwrap().to_owned())
            .collect();
        let sent: Vec<_> = (0..10).map(|n| format!("{sender}-{n}")).collect();
        assert_eq!(of, sent);
    }
}

#[test]
fn a_request_is_answered_by_another_process_or_is_a_dead_letter_with_its_reason() {
    let room = Room::new();
    let (mut child, mut asked) = spawn(&room, "bus subscribe @tester --no-ack --count 1 --json");
    let answer = std::thread::scope(|scope| {
        let asking = scope.spawn(|| room.line("bus request @tester covered? --timeout 60s"));
        let request = asked.next().unwrap();
        room.done(&format!("bus reply {} yes", seq(&request)));
        asking.join().unwrap()
    });
    child.wait().unwrap();
    assert_eq!(
        (answer.code, answer.out.as_str()),
        (0, "yes\n"),
        "{}",
        answer.err
    );
    assert_eq!(
        room.done("bus inbox tester --json").json(),
        serde_json::json!([])
    );
    // The inbox of the answer is gone with the request.
    assert!(!room.done("bus topics").out.contains("@reply-"));
    // Somebody looks after this inbox, and does not answer in time; nobody ever looked after the other.
    for (to, reason) in [("tester", "request_timeout"), ("nobody", "no_subscriber")] {
        let said = room.line(&format!("bus request @{to} hello --timeout 0s --json"));
        assert_eq!(said.code, 1);
        let refused = &said.json()["refusal"];
        assert_eq!(refused["rule"], "no_reply", "{}", said.out);
        let letters = room.done("bus dead-letters --json").json();
        assert_eq!(letters[0]["reason"], reason);
        assert_eq!(letters[0]["message"]["address"], format!("@{to}"));
    }
    room.done("bus dead-letters requeue 2");
    assert_eq!(
        room.done("bus inbox nobody --json").json()[0]["state"],
        "queued"
    );
    room.done("bus dead-letters purge --all");
    assert_eq!(room.done("bus topics --json").json()["dead_letters"], 0);
}

#[test]
fn what_the_ledger_records_is_told_on_its_topic_and_replayed_from_a_time() {
    let room = Room::new();
    room.done("bus subscribe work_order_events --name s --count 0");
    room.done("wo create --title One");
    room.done("andon trigger --reason broken --severity high");
    let told = room
        .done("bus subscribe work_order_events --name s --count 1 --json")
        .json();
    let body = &told["body"];
    assert_eq!(
        (&body["event"], &body["subject"]),
        (&"order_created".into(), &"WO-001".into())
    );
    let alerts = room.done("bus replay andon_alerts --from 1h --json").json();
    assert_eq!(alerts[0]["body"]["event"], "alert_raised");
    let none = room
        .done("bus replay andon_alerts --from 2999-01-01 --json")
        .json();
    assert_eq!(none, serde_json::json!([]));
    let records = room.records();
    room.done("bus publish andon_alerts x");
    assert_eq!(room.records(), records, "messages are not on the ledger");
}

#[test]
fn strangers_and_viewers() {
    let room = Room::new();
    let hostile = "\u{1b}]0;owned\u{7}\u{202e}x\r\u{9b}2J";
    let said = room.run(["bus", "publish", "coordination_events", hostile]);
    assert_eq!(said.code, 0, "{}", said.err);
    let shown = room.done("bus replay coordination_events").out;
    assert!(
        !shown.contains(|c: char| c.is_control() && c != '\n'),
        "{shown:?}"
    );
    for bad in ["news", "@", "@a\u{1b}[2J", "@@a"] {
        assert_eq!(room.run(["bus", "publish", bad, "x"]).code, 2, "{bad:?}");
    }
    let said = room.run_with(["bus", "publish", "@a", "-"], &vec![b'x'; 65 * 1024]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("65536"), "{}", said.err);
    let before = room.done("bus topics --json").json();
    for line in [
        "bus publish @a x",
        "bus subscribe @a --count 1",
        "bus inbox a --ack",
        "bus ack 1 --of @a",
        "bus request @a x",
        "bus dead-letters purge --all",
    ] {
        let said = room.line(&format!("{line} --as viewer --json"));
        assert_eq!(said.code, 1, "{line}: {}", said.out);
        assert_eq!(said.json()["refusal"]["rule"], "role", "{line}");
    }
    let said = room.line("bus dead-letters purge --all --as agent --json");
    assert_eq!(said.json()["refusal"]["rule"], "role");
    assert_eq!(room.done("bus topics --json --as viewer").json(), before);
    // A file that is no use stops the bus and nothing else.
    for name in ["messages.db", "messages.db-wal", "messages.db-shm"] {
        let _ = std::fs::remove_file(room.path().join(".obeya").join(name));
    }
    room.write(".obeya/messages.db", &"garbage ".repeat(1_000));
    let said = room.line("bus topics");
    assert_eq!(said.code, 3);
    assert!(said.err.contains("Move messages.db"), "{}", said.err);
    room.done("wo create --title On");
}

#[test]
fn a_subscription_waits_for_what_comes() {
    let room = Room::new();
    let (mut child, mut lines) = spawn(&room, "bus subscribe @w --count 1 --json");
    // It may not be there yet: then the message waits for it in the inbox.
    room.done("bus publish @w hello");
    assert_eq!(lines.next().unwrap()["body"], "hello");
    assert!(child.wait().unwrap().success());
    assert_eq!(
        room.done("bus inbox w --json").json(),
        serde_json::json!([])
    );
}
