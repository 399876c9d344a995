//! Gates whose processes try to get away, and callers and runners that die in the middle.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    fs,
    process::{Child, Command},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::gates::{begun, is_there, pid, room, status, wait_for};

/// A child in a session of its own, which ignores being told and has cleared its environment.
const AWAY: &str = "setsid env -i sh -c 'trap \"\" TERM; echo $$ > away; while :; do sleep 1; done' & \
                    while ! test -s away; do sleep 0.05; done";

#[track_caller]
fn gone(number: i32) {
    wait_for("the end of the process", || {
        (!is_there(number)).then_some(())
    });
}

#[test]
fn what_leaves_its_group_ends_with_its_gate() {
    let room = room(AWAY, "");
    room.done("quality-gate run WO-001 build");
    assert!(!is_there(pid(&room, "away")), "it outlived its gate");
    assert_eq!(status(&room).0, "passed");
}

#[test]
fn a_gate_that_never_ends_is_ended_with_what_left_its_group() {
    let room = room(&format!("{AWAY}; sleep 1000"), "timeout = '1s'");
    let said = room.line("quality-gate run WO-001 build");
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    assert!(!is_there(pid(&room, "away")), "it outlived its gate");
    let seen = status(&room).1;
    assert_eq!(seen["verdict"], "timed_out");
    assert!(seen["duration_ms"].as_u64().unwrap() >= 1_000, "{seen}");
}

#[test]
fn nothing_of_a_gate_outlives_a_caller_that_was_killed_though_nobody_comes_after() {
    let room = room(&format!("echo $$ > pid; {AWAY}; sleep 1000"), "");
    let mut caller = begun(&room);
    let (gate, away) = (pid(&room, "pid"), pid(&room, "away"));
    caller.kill().unwrap();
    caller.wait().unwrap();
    gone(gate);
    gone(away);
    assert_eq!(status(&room).0, "missing");
}

/// Returns the process between a caller and its gate.
fn runner_of(caller: &Child) -> Pid {
    let children = Command::new("pgrep")
        .args(["-P", &caller.id().to_string()])
        .output()
        .unwrap();
    let runner = String::from_utf8_lossy(&children.stdout);
    Pid::from_raw(runner.trim().parse().unwrap()).unwrap()
}

#[test]
fn a_gate_that_the_system_ends_with_everything_else_has_not_failed() {
    let room = room("echo $$ > pid; sleep 1000", "");
    let mut caller = begun(&room);
    let gate = pid(&room, "pid");
    // As when a service is stopped: every process of it is told, its runner too.
    kill_process(runner_of(&caller), Signal::TERM).unwrap();
    assert!(!caller.wait().unwrap().success());
    gone(gate);
    assert_eq!(status(&room).0, "missing");
}

#[test]
fn a_gate_whose_runner_was_killed_could_not_run_and_leaves_nothing() {
    // It keeps its environment: with its runner dead, that is what it is found by.
    let away = "setsid sh -c 'echo $$ > away; exec sleep 1000' & while ! test -s away; do sleep 0.05; done";
    let room = room(&format!("{away}; sleep 1000"), "");
    let mut caller = begun(&room);
    let away = pid(&room, "away");
    kill_process(runner_of(&caller), Signal::KILL).unwrap();
    assert_eq!(caller.wait().unwrap().code(), Some(1));
    assert!(!is_there(away), "it outlived its runner");
    let seen = status(&room).1;
    assert_eq!(seen["verdict"], "could_not_run");
    let note = seen["note"].as_str().unwrap();
    assert!(note.contains("its runner was killed"), "{note}");
}

#[test]
fn the_number_of_a_pass_is_read_from_standard_output_alone_and_both_streams_are_kept() {
    let script = "echo 12.5% >&2; echo 97.5%; echo 3% >&2";
    let room = room(
        script,
        "pass = { number = { regex = '([0-9.]+)%' }, at_least = 90 }",
    );
    room.done("quality-gate run WO-001 build");
    let log = room.done("quality-gate log WO-001 build").out;
    assert!(
        ["12.5%", "97.5%", "3%"]
            .iter()
            .all(|part| log.contains(part)),
        "{log}"
    );
    let left = fs::read_dir(room.path().join(".obeya/gates/scratch")).unwrap();
    assert_eq!(left.count(), 0, "what is written meanwhile goes");
    assert_eq!(status(&room).1["exit"], Value::from(0));
}
