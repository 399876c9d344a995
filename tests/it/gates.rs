//! Quality gates with real processes: what passes, fails, hangs, floods and is killed in the middle.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use obeya::{
    domain::{
        command::{Command as Intent, Role, Submission},
        gate::Verdict,
        id::OrderId,
        order::Actor,
        record::Door,
        refusal::Refusal,
    },
    link::{Client, Home, Operator as _, Reply, Session},
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{
    cli::Room,
    support::{
        gates,
        pty::{PATIENCE, Start},
    },
};

/// A room with one started order, and a gate `build` of this shell script.
pub(super) fn room(script: &str, more: &str) -> Room {
    let path = std::env::var("PATH").unwrap();
    let room = Room::empty().set("PATH", &path);
    gate(&room, script, more);
    room.done("init");
    room.done("work-order create --title Work");
    room.done("work-order start WO-001");
    room
}

pub(super) fn gate(room: &Room, script: &str, more: &str) {
    let script = toml::Value::from(script);
    let text = format!("[gates.build]\ncommand = [\"sh\", \"-c\", {script}]\n{more}\n");
    room.write("obeya.toml", &text);
}

/// Returns how the order stands at the gate: `passed`, `missing`, `failed` or `stale`, and what was seen.
pub(super) fn status(room: &Room) -> (String, Value) {
    let json = room.done("quality-gate status WO-001 --json").json();
    let gates = json["gates"].as_array().unwrap();
    let gate = gates.iter().find(|gate| gate["gate"] == "build").unwrap();
    let state = gate["standing"]["state"].as_str().unwrap().to_owned();
    (state, gate["evidence"].clone())
}

#[track_caller]
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        if let Some(found) = look() {
            return found;
        }
        thread::sleep(Duration::from_millis(20));
    }
    panic!("{what} did not come");
}

/// Returns the number that a script wrote into a file of the room.
pub(super) fn pid(room: &Room, file: &str) -> i32 {
    wait_for(file, || {
        fs::read_to_string(room.path().join(file))
            .ok()?
            .trim()
            .parse()
            .ok()
    })
}

pub(super) fn is_there(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // One that nobody has waited for yet runs no more.
    let state = stat
        .rsplit_once(')')
        .map(|(_, rest)| rest.trim_start().chars().next());
    !matches!(state, None | Some(Some('Z' | 'X')))
}

pub(super) fn git(room: &Path, arguments: &[&str]) {
    let done = Command::new("git")
        .args(["-c", "user.name=a", "-c", "user.email=a@example.org"])
        .args(arguments)
        .current_dir(room)
        .env("HOME", room)
        .output()
        .unwrap();
    assert!(done.status.success(), "{arguments:?}: {done:?}");
}

#[test]
fn a_pass_lets_an_order_be_done_and_its_receipt_carries_the_evidence() {
    let room = room("echo compiled; echo warning >&2", "");
    let refused = room.line("work-order complete WO-001");
    assert_eq!(refused.code, 1, "{}", refused.out);
    assert!(
        refused.err.contains("held by gate build (not run yet)"),
        "{}",
        refused.err
    );
    assert!(
        refused.err.contains("obeya quality-gate run WO-001 build"),
        "{}",
        refused.err
    );
    let said = room.done("gates run WO-001 build");
    assert!(
        said.out.contains("WO-001 gate build passed"),
        "{}",
        said.out
    );
    let (state, seen) = status(&room);
    assert_eq!((state.as_str(), &seen["exit"]), ("passed", &Value::from(0)));
    assert_eq!(seen["tree"], "unversioned");
    assert_eq!(seen["asked"]["name"], "maria");
    let log = room.done("quality-gate log WO-001 build").out;
    assert!(log.contains("compiled") && log.contains("warning"), "{log}");
    room.done("work-order complete WO-001");
    let receipt = room.done("receipt show WO-001 --json").json();
    let evidence = &receipt["evidence"]["gates"][0];
    assert_eq!(evidence["gate"], "build");
    assert_eq!(evidence["verdict"], "passed");
    assert_eq!(evidence["output"], seen["output"]);
    room.done("receipt verify WO-001");
}

#[test]
fn a_failure_is_told_raises_one_alert_and_recovers() {
    let room = room(
        "echo broken; [ -e fixed ]",
        "on_fail = { severity = 'high' }",
    );
    for _ in 0..2 {
        let said = room.line("quality-gate run WO-001");
        assert_eq!(said.code, 1, "{}{}", said.out, said.err);
        assert!(
            said.out.contains("WO-001 gate build failed"),
            "{}",
            said.out
        );
    }
    let refused = room.line("work-order complete WO-001").err;
    assert!(refused.contains("gate build (failed)"), "{refused}");
    let alerts = room.done("andon list --json").json();
    assert_eq!(alerts["total"], 1, "{alerts}");
    assert_eq!(alerts["alerts"][0]["severity"], "high");
    assert_eq!(
        room.done("work-order show WO-001 --json").json()["failed_gates"][0],
        "build"
    );
    room.write("fixed", "");
    room.done("quality-gate run WO-001 build");
    let alert = room.done("andon show ALERT-001 --json").json();
    assert!(alert["recovered_at"].is_string(), "{alert}");
    room.done("work-order complete WO-001");
}

#[test]
fn code_that_moves_makes_a_pass_stale_and_a_commit_of_it_does_not() {
    let room = room("true", "");
    git(room.path(), &["init", "--quiet"]);
    room.write("code.rs", "one");
    room.done("quality-gate run WO-001 build");
    assert_eq!(status(&room).0, "passed");
    git(room.path(), &["add", "code.rs", "obeya.toml"]);
    git(room.path(), &["commit", "--quiet", "-m", "one"]);
    // What the ledger wrote meanwhile is no code.
    room.done("work-order comment WO-001 hello");
    assert_eq!(status(&room).0, "passed");
    room.write("code.rs", "two");
    assert_eq!(status(&room).0, "stale");
    let refused = room.line("work-order complete WO-001").err;
    assert!(refused.contains("stale: the code moved since"), "{refused}");
    room.write("code.rs", "one");
    assert_eq!(status(&room).0, "passed");
    room.write("more.rs", "untracked");
    assert_eq!(status(&room).0, "stale");
    room.done("quality-gate run WO-001 build");
    room.done("work-order complete WO-001");
    // Looking wrote nothing into the repository.
    let objects = room.path().join(".git/objects");
    let loose = |entry: &fs::DirEntry| entry.file_name().len() == 2;
    let count = fs::read_dir(objects)
        .unwrap()
        .flatten()
        .filter(loose)
        .count();
    assert!(
        count <= 4,
        "{count} folders of objects: two files, a tree and a commit"
    );
}

#[test]
fn a_gate_that_changes_the_code_does_not_pass() {
    let room = room("date +%N >> code.rs", "");
    git(room.path(), &["init", "--quiet"]);
    room.done("quality-gate run WO-001 build");
    assert_eq!(status(&room).0, "stale");
}

#[test]
fn a_gate_that_never_ends_and_ignores_term_is_ended_with_its_children() {
    let script = "trap '' TERM; sh -c 'echo $$ > child; trap \"\" TERM; while :; do sleep 1; done' & \
                  echo $$ > parent; while :; do sleep 1; done";
    let room = room(script, "timeout = '1s'");
    let began = Instant::now();
    let said = room.line("quality-gate run WO-001 build");
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    assert!(said.out.contains("gate build timed out"), "{}", said.out);
    assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
    for file in ["parent", "child"] {
        let pid = pid(&room, file);
        wait_for("the end of the processes", || {
            (!is_there(pid)).then_some(())
        });
    }
    assert_eq!(status(&room).1["verdict"], "timed_out");
}

#[test]
fn what_a_gate_leaves_running_ends_with_it() {
    let room = room("sleep 1000 & echo $! > child", "");
    room.done("quality-gate run WO-001 build");
    let child = pid(&room, "child");
    wait_for("the end of the child", || (!is_there(child)).then_some(()));
}

#[test]
fn what_cannot_run_says_so_and_is_no_pass() {
    let room = room("true", "cwd = 'nowhere'");
    let said = room.line("quality-gate run WO-001 build");
    assert_eq!(said.code, 1);
    assert!(said.out.contains("could not run"), "{}", said.out);
    room.write(
        "obeya.toml",
        "[gates.build]\ncommand = ['no-such-program-here']\n",
    );
    let said = room.line("quality-gate run WO-001 build");
    assert!(said.out.contains("is not installed"), "{}", said.out);
    assert_eq!(status(&room).1["verdict"], "could_not_run");
}

#[test]
fn a_gibibyte_of_output_is_bounded() {
    let room = room("echo first; yes flood | head -c 1073741824; echo last", "");
    let mut child = room
        .command(["quality-gate", "run", "WO-001", "build"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let about = format!("/proc/{}/status", child.id());
    let mut most = 0;
    let code = loop {
        let text = fs::read_to_string(&about).unwrap_or_default();
        let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        most = most.max(peak.unwrap_or(0));
        if let Some(status) = child.try_wait().unwrap() {
            break status.code();
        }
        thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(code, Some(0));
    assert!((1..100 << 10).contains(&most), "{most} KiB");
    let log = room.done("quality-gate log WO-001 build").out;
    assert!(log.contains("first") && log.trim_end().ends_with("last"));
    assert!(log.contains("bytes left out]"));
    assert!(log.len() < 3 << 20, "{} bytes", log.len());
}

/// Once `go` is there it passes; before, it writes its process and never ends.
const WAITS: &str = "echo run >> runs; [ -e go ] && exit 0; echo $$ > pid; exec sleep 1000";

#[test]
fn a_caller_that_is_killed_in_the_middle_leaves_no_verdict_and_nothing_running() {
    let room = room(WAITS, "");
    let mut child = begun(&room);
    let left = pid(&room, "pid");
    let busy = room.line("quality-gate run WO-001 build");
    assert_eq!(busy.code, 1, "{}", busy.out);
    assert!(
        busy.err.contains("being run on WO-001 already"),
        "{}",
        busy.err
    );
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(status(&room).0, "missing");
    room.write("go", "");
    room.done("quality-gate run WO-001 build");
    assert_eq!(status(&room).0, "passed");
    wait_for("the end of what was left", || {
        (!is_there(left)).then_some(())
    });
}

#[test]
fn a_caller_that_is_asked_to_end_takes_its_gate_with_it() {
    let room = room(WAITS, "");
    let mut child = begun(&room);
    let left = pid(&room, "pid");
    let caller = Pid::from_raw(child.id().try_into().unwrap()).unwrap();
    kill_process(caller, Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(3));
    assert!(!is_there(left));
    assert_eq!(status(&room).0, "missing");
}

pub(super) fn begun(room: &Room) -> Child {
    let mut command = room.command(["quality-gate", "run", "WO-001", "build"]);
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn runs(room: &Room) -> usize {
    fs::read_to_string(room.path().join("runs"))
        .unwrap_or_default()
        .lines()
        .count()
}

#[test]
fn a_host_runs_a_stages_gate_once_and_the_next_begins_what_a_killed_one_left() {
    let room = room(WAITS, "stage = 'design'");
    let mut first = Start::console(room.path()).go();
    let left = pid(&room, "pid");
    assert!(first.signal(Signal::KILL).end().is_err());
    assert_eq!(status(&room).0, "missing");
    room.write("go", "");
    let mut second = Start::console(room.path()).go();
    let seen = wait_for("the verdict", || {
        let (state, seen) = status(&room);
        (state == "passed").then_some(seen)
    });
    assert_eq!(seen["term"], 2, "the second host's");
    wait_for("the end of what was left", || {
        (!is_there(left)).then_some(())
    });
    assert_eq!(runs(&room), 2);
    // Through the host, and only when asked: nothing else runs it again.
    room.done("work-order comment WO-001 hello");
    room.done("quality-gate run WO-001 build");
    let (_, seen) = status(&room);
    assert_eq!(
        (&seen["term"], &seen["asked"]["name"]),
        (&Value::from(2), &Value::from("maria"))
    );
    assert_eq!(runs(&room), 3);
    room.done("work-order move WO-001 right");
    // A console that is left ends what runs.
    fs::remove_file(room.path().join("go")).unwrap();
    fs::remove_file(room.path().join("pid")).unwrap();
    room.done("work-order move WO-001 left");
    let going = pid(&room, "pid");
    assert_eq!(second.keys("q").end(), Ok(0));
    assert!(!is_there(going));
    assert_eq!(status(&room).0, "stale");
}

/// The host's verdicts come from the host: what says over the socket that it is the engine is not believed.
#[test]
fn nobody_comes_in_by_the_engines_door() {
    let room = room("false", "stage = 'code'");
    let home = Home::new(room.path().join(".obeya")).unwrap();
    let _host = Session::open(&home).unwrap();
    let mut client = Client::connect(&home).unwrap().unwrap();
    let id = OrderId::work(1);
    let (gate, run) = ("build".into(), Box::new(gates::run(Verdict::Passed, 1)));
    let submission = Submission {
        id: uuid::Uuid::now_v7(),
        actor: Actor::system(),
        role: Role::Admin,
        door: Door::Engine,
        uid: 0,
        epoch: None,
        causation: None,
        correlation: None,
        dry_run: false,
        until: None,
        as_of: None,
        command: Intent::RecordGate { id, gate, run },
    };
    let reply = client.submit(&submission);
    assert!(
        matches!(reply, Reply::Refused(Refusal::EngineOnly)),
        "{reply:?}"
    );
}

#[test]
fn nobody_without_the_right_runs_a_gate_or_makes_the_engine_read_its_file() {
    let room = room("touch ran", "");
    let before = room.records();
    let refused = room.line("quality-gate run WO-001 build --as viewer");
    assert_eq!(refused.code, 1, "{}", refused.err);
    assert!(!room.path().join("ran").exists());
    assert_eq!(room.records(), before);
}

#[test]
fn a_dry_run_says_what_would_be_and_runs_or_reads_nothing() {
    let room = room("touch ran", "");
    let before = room.records();
    assert_eq!(room.line("quality-gate run WO-001 build --dry-run").code, 2);
    assert!(!room.path().join("ran").exists());
    assert_eq!(room.records(), before);
    room.done("quality-gate run WO-001 build");
    let dry = room.done("work-order complete WO-001 --dry-run");
    assert!(dry.out.contains("WO-001 completed"), "{}", dry.out);
}

#[test]
fn an_approval_is_given_by_another_person_and_from_the_console() {
    let room = Room::empty().set("PATH", &std::env::var("PATH").unwrap());
    room.write(
        "obeya.toml",
        "[gates.review]\napproval = true\nstage = 'design'\n",
    );
    room.done("init");
    room.done("work-order create --title Work");
    room.done("work-order start WO-001 --actor bob");
    let refused = room.line("quality-gate approve WO-001 review --actor bob");
    assert_eq!(refused.code, 1, "{}", refused.out);
    assert!(
        refused.err.contains("a person who did not work on it"),
        "{}",
        refused.err
    );
    let mut console = Start::console(room.path()).go();
    console.keys("<ctrl-p>").shows("Go to an order");
    console.keys("WO-001").settle().keys("<enter>");
    console.shows("Quality gates");
    console.shows("not approved yet").shows("guards design");
    console.keys("Q").shows("approve review").keys("<enter>");
    console.shows("review  approved");
    assert_eq!(console.keys("<esc>q").end(), Ok(0));
    room.done("work-order move WO-001 right");
}
