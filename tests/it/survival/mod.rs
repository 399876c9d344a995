//! What a ledger survives, with real processes: races, kills, stopped hosts, full disks.

mod disk;
mod processes;

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    io::BufRead as _,
    process::Command as Process,
    thread,
    time::{Duration, Instant},
};

use obeya::{
    domain::{
        command::Command,
        evolve::evolve,
        order::{Actor, Bucket},
        state::State,
    },
    ledger::{Ledger as _, SqliteLedger},
    link::{self, Client, Cold, FaultKind, Home, Operator},
    testing::submission,
};
use rustix::process::Signal;

use processes::*;

/// Replays the ledger and returns the winners of each order; WIP is looked at after every record.
fn winners(home: &Home) -> BTreeMap<String, usize> {
    let mut state = State::default();
    let mut won = BTreeMap::new();
    for record in SqliteLedger::open(home)
        .unwrap()
        .read(0, usize::MAX)
        .unwrap()
    {
        evolve(&mut state, &record).unwrap();
        let wip = state.counts.wip[Bucket::Features.index()];
        assert!(wip <= LIMIT, "{wip} in progress after {}", record.seq);
        if record.kind == "order_started" {
            *won.entry(record.subject.clone()).or_default() += 1;
        }
    }
    won
}

fn race_for_orders(with_host: bool) {
    let folder = tempfile::tempdir().unwrap();
    let home = made(folder.path());
    let mut cold = Cold::open(&home).unwrap();
    let limit = Command::SetBucket {
        bucket: Bucket::Features,
        wip_limit: Some(LIMIT),
        sla: None,
    };
    done(cold.submit(&submission(Actor::person("ada"), limit)));
    for n in 0..ORDERS {
        done(cold.submit(&create(&format!("order {n}"))));
    }
    drop(cold);
    let mut hosts: Vec<Other> = (0..if with_host { 2 } else { 0 })
        .map(|_| Other::start(&home, "host"))
        .collect();
    for host in &mut hosts {
        host.heard("OPEN").unwrap();
    }
    let racers: Vec<_> = (0..RACERS).map(|_| Other::start(&home, "race")).collect();
    let threads: Vec<_> = racers
        .into_iter()
        .map(|mut racer| {
            thread::spawn(move || {
                let mut won = Vec::new();
                let mut worst = 0;
                let mut line = String::new();
                while racer.lines.read_line(&mut line).unwrap() > 0 {
                    let words: Vec<&str> = line.split_whitespace().collect();
                    match words.as_slice() {
                        ["WON", id, waited] => {
                            won.push((*id).to_owned());
                            worst = worst.max(waited.parse().unwrap());
                        }
                        ["WAITED", waited] => worst = worst.max(waited.parse().unwrap()),
                        _ => {}
                    }
                    line.clear();
                }
                let ended = racer.child.wait().unwrap();
                (won, worst, ended.success())
            })
        })
        .collect();
    if with_host {
        // The first of the two is killed in the middle of the race; the other takes over.
        while link::stats(&home).unwrap().completed < ORDERS / 4 {
            thread::yield_now();
        }
        hosts.remove(0).kill("");
    }
    let ended: Vec<_> = threads.into_iter().map(|t| t.join().unwrap()).collect();
    assert!(
        ended.iter().all(|(_, _, whole)| *whole),
        "no error anywhere"
    );
    let told: Vec<_> = ended.iter().flat_map(|(won, _, _)| won.clone()).collect();
    let each: BTreeSet<_> = told.iter().cloned().collect();
    assert_eq!((told.len(), each.len()), (ORDERS as usize, ORDERS as usize));
    let won = winners(&home);
    assert_eq!(won.len(), ORDERS as usize);
    assert!(
        won.values().all(|winners| *winners == 1),
        "one order, one winner"
    );
    let worst = ended.iter().map(|(_, worst, _)| *worst).max().unwrap();
    let share: Vec<_> = ended.iter().map(|(won, _, _)| won.len()).collect();
    println!(
        "{RACERS} processes, {ORDERS} orders, host: {with_host}: worst wait {:.1} ms, won {share:?}",
        f64::from(u32::try_from(worst).unwrap()) / 1e3
    );
    assert!(worst < 5_000_000, "{worst} µs");
    assert_eq!(link::verify(&home, None, &mut |_| {}).unwrap().bad, None);
}

#[test]
fn eight_processes_race_and_each_order_is_won_once() {
    race_for_orders(false);
}

#[test]
fn eight_processes_race_while_a_host_is_killed() {
    race_for_orders(true);
}

#[test]
fn what_was_acknowledged_survives_two_hundred_kills() {
    let folder = tempfile::tempdir().unwrap();
    let home = made(folder.path());
    let start = Instant::now();
    let mut others: Vec<Other> = ["write", "write", "write", "host"]
        .map(|role| Other::start(&home, role))
        .into();
    let mut acknowledged = Vec::new();
    let mut kills = 0;
    // On a machine that is busy otherwise, fewer kills are better than a test that is cut off.
    while kills < KILLS && start.elapsed() < Duration::from_secs(30) {
        let place = kills % others.len();
        let is_host = place == 3;
        let (role, first) = if is_host {
            ("host", "OPEN")
        } else {
            ("write", "ACK")
        };
        for _ in 0..=kills % 3 {
            match others[place].heard(first) {
                Some(words) if !is_host => acknowledged.push(words),
                _ => break,
            }
        }
        let killed = std::mem::replace(&mut others[place], Other::start(&home, role));
        acknowledged.extend(killed.kill("ACK"));
        kills += 1;
    }
    for other in others {
        acknowledged.extend(other.kill("ACK"));
    }
    let mut ledger = SqliteLedger::open(&home).unwrap();
    for words in &acknowledged {
        let records = ledger.by_command(words[1].parse().unwrap()).unwrap();
        assert_eq!(records.len(), 1, "{words:?}");
        assert_eq!(records[0].seq.to_string(), words[2]);
    }
    assert_eq!(link::verify(&home, None, &mut |_| {}).unwrap().bad, None);
    // Nothing that a dead process left is in anybody's way.
    done(link::open(&home).unwrap().submit(&create("after it all")));
    println!(
        "{kills} kills in {:.1} s, {} acknowledged commands all there",
        start.elapsed().as_secs_f64(),
        acknowledged.len()
    );
    assert!(acknowledged.len() >= kills / 2);
}

#[test]
fn a_stopped_host_stops_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let home = made(folder.path());
    let mut host = Other::start(&home, "host");
    host.heard("OPEN").unwrap();
    let mut client = Client::connect(&home).unwrap().expect("a host runs");
    done(client.submit(&create("with the host")));
    // An idle host holds no lock: others write as soon as they have given up waiting for it.
    host.signal(Signal::STOP);
    let start = Instant::now();
    let order = create("while it is stopped");
    assert!(!done(client.submit(&order)).repeated);
    assert!(
        start.elapsed() < Duration::from_secs(6),
        "{:?}",
        start.elapsed()
    );
    let start = Instant::now();
    done(client.submit(&create("without waiting again")));
    done(Cold::open(&home).unwrap().submit(&create("and by another")));
    assert!(start.elapsed() < Duration::from_secs(2));
    // It goes on, takes in what it missed, and answers the late request of before with the first answer.
    host.signal(Signal::CONT);
    let mut client = Client::connect(&home)
        .unwrap()
        .expect("it is still the host");
    assert!(done(client.submit(&order)).repeated);
    let outcome = done(client.submit(&create("with the host again")));
    assert_eq!(outcome.records[0].subject, "WO-005");
    assert_eq!(link::stats(&home).unwrap().open, 5);
}

#[test]
fn a_process_stopped_in_its_turn_is_named_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let home = made(folder.path());
    let mut holder = Other::start(&home, "hold");
    holder.heard("HELD").unwrap();
    holder.signal(Signal::STOP);
    let mut ledger = SqliteLedger::open(&home).unwrap();
    let fault = ledger.begin(Duration::from_millis(300)).unwrap_err();
    let pid = holder.child.id().to_string();
    assert_eq!(fault.kind, FaultKind::Busy);
    assert!(fault.what.contains(&pid), "{fault}");
    assert!(fault.mend.contains(&format!("kill -CONT {pid}")), "{fault}");
    // Ending it is enough: nothing was written by halves.
    holder.kill("");
    ledger.begin(Duration::from_secs(10)).unwrap();
    ledger.end();
    done(Cold::open(&home).unwrap().submit(&create("goes on")));
}

#[test]
fn every_answer_comes_after_its_sync() {
    let found = Process::new("strace").arg("-V").output();
    if !found.is_ok_and(|found| found.status.success()) {
        println!("skipped: there is no strace here");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let home = made(folder.path());
    let trace = folder.path().join("trace");
    let mut traced = Process::new("strace");
    traced
        .args([
            "-f",
            "-y",
            "-e",
            "trace=fdatasync,fsync,write,pwrite64",
            "-o",
        ])
        .arg(&trace)
        .arg(env::current_exe().unwrap())
        .env("OBEYA_TEST_COUNT", "20");
    let mut other = Other::from(traced, &home, "write");
    let acknowledged = std::iter::from_fn(|| other.heard("ACK")).count();
    if !other.child.wait().unwrap().success() {
        println!("skipped: strace may not trace here");
        return;
    }
    assert_eq!(acknowledged, 20);
    let (mut written, mut synced, mut answers) = (false, false, 0);
    for line in std::fs::read_to_string(&trace).unwrap().lines() {
        let of_log = line.contains("ledger.db-wal>");
        if of_log && line.contains("write64(") {
            (written, synced) = (true, false);
        } else if of_log && line.contains("sync(") && line.ends_with("= 0") {
            synced = true;
        } else if line.contains("ACK ") {
            assert!(written && synced, "an answer before its sync: {line}");
            (written, synced, answers) = (false, false, answers + 1);
        }
    }
    assert_eq!(answers, 20);
}
