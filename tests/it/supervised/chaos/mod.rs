//! The chaos minute: two hundred orders, eight agents in four processes, and whoever works is killed at random.
//!
//! What is true afterwards does not hang on who was struck when: every order was completed once, by whoever held it, under
//! the claim of the day, behind its dependencies and within its limits; and every message came or is a dead letter.

mod crowd;
mod plan;
mod proof;

use std::{
    thread,
    time::{Duration, Instant},
};

use obeya::{
    domain::{
        agent::PullFilter,
        command::{Command, NewOrder, Submission},
        id::OrderId,
        order::{Actor, Bucket},
        refusal::Refusal,
    },
    ledger::Home,
    link::{self, Cold, Operator as _, Outcome, Reply},
    testing::submission,
};

use self::{
    crowd::{Crowd, SUBSCRIBERS, TOPIC},
    plan::Plan,
};
use super::Project;
use crate::support::random::Random;

const ORDERS: usize = 200;
/// Together fewer than there are agents, so that the limits are hit all the time.
const LIMITS: [(Bucket, u32); 3] = [
    (Bucket::Features, 3),
    (Bucket::Reliability, 2),
    (Bucket::Security, 1),
];
/// How long the rest of the work may take once nothing goes wrong any more: many times what it does.
const REST: Duration = Duration::from_secs(180);
/// How often it is looked who is to be struck or to be started again.
const GLANCE: Duration = Duration::from_millis(50);
/// How often a person looks at the alerts.
const ROUND: Duration = Duration::from_millis(500);

#[track_caller]
fn done(line: &mut Cold, actor: Actor, command: Command) -> Outcome {
    match line.submit(&submission(actor, command)) {
        Reply::Done(outcome) => outcome,
        other => panic!("{other:?}"),
    }
}

/// Fills the queue: orders that wait for earlier ones, in three buckets with limits.
fn fill(line: &mut Cold, random: &mut Random) {
    let ada = Actor::person("ada");
    for (bucket, limit) in LIMITS {
        let command = Command::SetBucket {
            bucket,
            wip_limit: Some(limit),
            sla: None,
        };
        done(line, ada.clone(), command);
    }
    for number in 1..=ORDERS {
        let mut depends_on: Vec<_> = (0..random.below(3))
            .map(|_| number.saturating_sub(1 + random.below(20)))
            .filter(|before| *before > 0)
            .map(|before| OrderId::work(u32::try_from(before).unwrap()))
            .collect();
        depends_on.sort();
        depends_on.dedup();
        let order = NewOrder {
            bucket: LIMITS[random.below(LIMITS.len())].0,
            depends_on,
            ..NewOrder::task(format!("order {number}"))
        };
        done(line, ada.clone(), Command::CreateOrder { order });
    }
}

/// Does what a person does who looks at the alerts: agents that were given up run again, and orders go on.
fn look_after(project: &Project, home: &Home) {
    for alert in link::state(home).unwrap().alerts.values() {
        let parked = alert
            .fingerprint
            .as_deref()
            .and_then(|condition| condition.strip_prefix("agent:")?.strip_suffix(":parked"));
        let spawned =
            parked.is_none_or(|agent| project.run(&["agent", "spawn", agent]).status.success());
        if spawned {
            let id = alert.id.to_string();
            project.run(&["andon", "resolve", &id, "--resolution", "looked at"]);
        }
    }
}

/// Takes the first order, twice, and goes away: the first claim is over, and the second one lapses. What is written under
/// either is refused, though it is the same agent's.
fn latecomer(line: &mut Cold) -> Submission {
    let agent = || Actor::agent("latecomer");
    let lease_seconds = Some(5);
    let filter = PullFilter::default();
    let pull = Command::PullNext {
        filter,
        lease_seconds,
    };
    let pulled = done(line, agent(), pull);
    let id = pulled.records[0].subject.parse().unwrap();
    let under = |epoch, command| Submission {
        epoch: Some(epoch),
        ..submission(agent(), command)
    };
    let release = Command::ReleaseOrder {
        id,
        force: false,
        reason: None,
    };
    let released = line.submit(&under(1, release));
    assert!(matches!(released, Reply::Done(_)), "{released:?}");
    done(line, agent(), Command::ClaimOrder { id, lease_seconds });
    let complete = || Command::CompleteOrder {
        id,
        sku: None,
        note: None,
    };
    let stale = line.submit(&under(1, complete()));
    let refused = matches!(stale, Reply::Refused(Refusal::StaleEpoch { .. }));
    assert!(refused, "{stale:?}");
    under(2, complete())
}

#[test]
fn chaos_loses_no_order_and_no_message() {
    let mut plan = Plan::new();
    let project = Project::new(&crowd::toml(), 0);
    crowd::scripts(&project);
    let home = Home::new(project.path(".obeya")).unwrap();
    let mut line = Cold::open(&home).unwrap();
    fill(&mut line, &mut plan.random);
    for name in SUBSCRIBERS {
        project.done(&["bus", "subscribe", TOPIC, "--name", name, "--count", "0"]);
    }
    let late = latecomer(&mut line);
    drop(line);
    // The work is as long as keeps everybody busy until the end.
    let work = plan.length.mul_f64(0.006).max(Duration::from_millis(50));
    let mut crowd = Crowd::new(&project, work);
    let (began, mut looked, mut struck) = (Instant::now(), Instant::now(), 0);
    let mut strokes = plan.strokes.iter().peekable();
    loop {
        crowd.mend();
        // Where there is nobody to be struck, it is the next one to come who is.
        while strokes
            .next_if(|stroke| stroke.at <= began.elapsed() && crowd.strike(stroke))
            .is_some()
        {
            struck += 1;
        }
        if looked.elapsed() >= ROUND {
            look_after(&project, &home);
            looked = Instant::now();
            let completed = link::stats(&home).unwrap().completed;
            if completed == ORDERS as u64 && began.elapsed() >= plan.length {
                break;
            }
            assert!(
                began.elapsed() < plan.length + REST,
                "only {completed} orders are completed; {}",
                project.done(&["work-order", "list"])
            );
        }
        thread::sleep(GLANCE);
    }
    let took = began.elapsed();
    crowd.disperse();
    proof::nothing_runs(&project, &home);
    let refused = Cold::open(&home).unwrap().submit(&late);
    assert!(matches!(refused, Reply::Refused(_)), "{refused:?}");
    let seen = proof::replayed(&home, ORDERS, &LIMITS);
    let (sent, dead) = proof::delivered(&project, &home);
    println!(
        "chaos {}: {ORDERS} orders in {:.1} s, {struck} of {} struck; {seen:?}; {sent} messages to two, {dead} dead letters",
        plan.seed,
        took.as_secs_f64(),
        plan.strokes.len(),
    );
    assert!(struck > 0);
}
