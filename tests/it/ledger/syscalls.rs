//! What a writer tells its caller when the operating system fails it, by strace.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use super::*;

const HOME: &str = "OBEYA_TEST_CHILD_HOME";
const CHILD: &str = "ledger::syscalls::child";

/// How many records the child finds and then tries to add, each in its own turn.
const TRIES: usize = 3;

/// Not a test of its own: appends in the folder it is given, says what it heard, and dies without closing anything.
#[test]
#[ignore = "the child of the tests below"]
fn child() {
    let Some(home) = std::env::var_os(HOME) else {
        return;
    };
    let mut ledger = SqliteLedger::open(&Home::new(home).unwrap()).unwrap();
    for _ in 0..TRIES {
        let Ok(head) = ledger.begin(PATIENCE) else {
            break;
        };
        let outcome = ledger.append(head, &batch(head, 1));
        let heard = match outcome {
            Append::Appended(_) => "appended",
            Append::Conflict(_) => "conflict",
            Append::NotApplied(_) => "not applied",
            Append::Unknown(_) => "unknown",
        };
        let hash = batch(head, 1).records[0].hash;
        println!("\nheard {} {hash} {heard}", head.seq + 1);
        ledger.end();
    }
    std::process::abort();
}

fn run(home: &Path, arguments: &[&str]) -> Option<Output> {
    let mut strace = Command::new("strace");
    strace.args(arguments).arg(std::env::current_exe().unwrap());
    strace
        .args([
            "--exact",
            CHILD,
            "--ignored",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(HOME, home);
    match strace.output() {
        // Without the right to trace, strace says so and starts nothing.
        Ok(output) if !output.stdout.is_empty() => Some(output),
        Ok(output) => {
            println!(
                "skipped: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            );
            None
        }
        Err(error) => {
            println!("skipped: strace: {error}");
            None
        }
    }
}

#[test]
fn whatever_fails_the_caller_hears_the_truth() {
    let mut heard_of = std::collections::BTreeSet::new();
    for call in ["fdatasync", "pwrite64"] {
        for error in ["EIO", "ENOSPC"] {
            for nth in 1..=12 {
                let (folder, home, mut ledger) = fresh();
                append(&mut ledger, 2);
                drop(ledger);
                let inject = format!("inject={call}:error={error}:when={nth}");
                let trace = format!("trace={call}");
                let log = folder.path().join("log");
                let log = log.to_str().unwrap();
                let arguments = ["-f", "-o", log, "-e", &trace, "-e", &inject];
                let Some(output) = run(home.path(), &arguments) else {
                    return;
                };
                // The child is dead and closed nothing, so that this one recovers as after a crash.
                let mut ledger = SqliteLedger::open(&home).unwrap();
                let verdict =
                    verify(|after, limit| ledger.read(after, limit), None, &mut |_| {}).unwrap();
                assert_eq!(verdict.bad, None);
                let text = String::from_utf8_lossy(&output.stdout).into_owned();
                for line in text.lines().filter_map(|line| line.strip_prefix("heard ")) {
                    let mut words = line.splitn(3, ' ');
                    let seq = words.next().unwrap().parse().unwrap();
                    let hash = words.next().unwrap();
                    let heard = words.next().unwrap();
                    heard_of.insert(heard.to_owned());
                    println!("{inject} {line} {there}");
                    let there = ledger
                        .record(seq)
                        .unwrap()
                        .is_some_and(|r| r.hash.to_string() == hash);
                    // A later try has the same record, so that only one that was never appended may be missing.
                    let later = text
                        .lines()
                        .filter(|l| l.contains(hash) && l.ends_with(" appended"));
                    match heard {
                        "appended" => assert!(there, "{inject}: {text}"),
                        "not applied" => assert_eq!(there, later.count() > 0, "{inject}: {text}"),
                        "unknown" => {}
                        other => panic!("{inject}: {other}"),
                    }
                }
            }
        }
    }
    assert!(
        heard_of.contains("appended") && heard_of.contains("not applied"),
        "{heard_of:?}"
    );
    println!("heard: {heard_of:?}");
}

#[test]
fn a_commit_is_synced_before_the_append_answers() {
    let (folder, home, mut ledger) = fresh();
    append(&mut ledger, 2);
    drop(ledger);
    let log = folder.path().join("log");
    let arguments = [
        "-f",
        "-y",
        "-o",
        log.to_str().unwrap(),
        "-e",
        "trace=fdatasync,fsync,write",
    ];
    if run(home.path(), &arguments).is_none() {
        return;
    }
    let log = fs::read_to_string(&log).unwrap();
    let (mut synced, mut answers) = (false, 0);
    for line in log.lines() {
        synced |= line.contains("sync(") && line.contains("ledger.db-wal") && line.ends_with("= 0");
        if line.contains("heard ") {
            assert!(synced, "answered before it was synced:\n{log}");
            (synced, answers) = (false, answers + 1);
        }
    }
    assert_eq!(answers, TRIES, "{log}");
}
