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
    std::process::exit(0);
}

fn run(home: &Path, arguments: &[&str]) -> Option<Output> {
    let mut strace = Command::new("strace");
    strace.args(arguments).arg(std::env::current_exe().unwrap());
    strace
        .args(["--exact", CHILD, "--nocapture", "--test-threads=1"])
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

/// Returns a copy of a ledger as a power cut would leave it: nothing closed, and no memory shared any more.
fn after_power_cut(home: &Home) -> (tempfile::TempDir, SqliteLedger) {
    let folder = tempfile::tempdir().unwrap();
    for name in ["ledger.db", "ledger.db-wal"] {
        let from = home.path().join(name);
        if from.exists() {
            fs::copy(from, folder.path().join(name)).unwrap();
        }
    }
    let ledger = SqliteLedger::open(&Home::new(folder.path()).unwrap()).unwrap();
    (folder, ledger)
}

/// Lets the child's `nth` call of one sort fail; returns what it heard, none where nothing can be traced.
fn heard_when(call: &str, error: &str, nth: usize, beside_reader: bool) -> Option<Vec<String>> {
    let (_folder, home, mut ledger) = fresh();
    append(&mut ledger, 2);
    // With another handle open, what the child leaves in the -wal is not tidied up when it closes the file.
    let reader = beside_reader.then_some(ledger);
    let inject = format!("inject={call}:error={error}:when={nth}");
    let output = run(
        home.path(),
        &[
            "-f",
            "-o",
            "/dev/null",
            "-e",
            &format!("trace={call}"),
            "-e",
            &inject,
        ],
    )?;
    let (_copy, mut ledger) = after_power_cut(&home);
    drop(reader);
    let verdict = verify(|after, limit| ledger.read(after, limit), None, &mut |_| {}).unwrap();
    assert_eq!(verdict.bad, None, "{inject}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut answers = Vec::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("heard ")) {
        let [seq, hash, heard] = line.splitn(3, ' ').collect::<Vec<_>>().try_into().unwrap();
        let found = ledger.record(seq.parse().unwrap()).unwrap();
        let there = found.is_some_and(|record| record.hash.to_string() == hash);
        // A later try, of the same record, may have succeeded.
        let later = text
            .lines()
            .any(|line| line.contains(hash) && line.ends_with(" appended"));
        match heard {
            "appended" => assert!(there, "{inject}, reader {beside_reader}: {text}"),
            "not applied" => assert_eq!(there, later, "{inject}, reader {beside_reader}: {text}"),
            "unknown" => {}
            other => panic!("{inject}: {other}"),
        }
        answers.push(heard.to_owned());
    }
    Some(answers)
}

#[test]
fn whatever_fails_the_caller_hears_the_truth() {
    let mut answers = Vec::new();
    // The first writes are those of opening the file, after which the child has nothing to say.
    for (call, calls) in [("fsync,fdatasync", 1..=6), ("pwrite64", 1..=16)] {
        for nth in calls {
            for (error, beside_reader) in [("EIO", false), ("EIO", true), ("ENOSPC", true)] {
                let Some(heard) = heard_when(call, error, nth, beside_reader) else {
                    return;
                };
                answers.extend(heard);
            }
        }
    }
    let count = |what: &str| answers.iter().filter(|heard| *heard == what).count();
    println!(
        "{} appended, {} not applied, {} unknown",
        count("appended"),
        count("not applied"),
        count("unknown")
    );
    assert!(count("appended") > 0 && count("not applied") > 0);
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
