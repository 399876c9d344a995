//! Clocks that jump, an hour forward or back, under leases, gates and pauses after crashes: with agents and gates that are
//! real processes, under a clock that only the test moves.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use obeya::{
    domain::{command::Command, event::Event, id::OrderId, order::Actor, refusal::Refusal},
    testing::{Conduct, Mock, PATIENCE, Setup, System, Trouble},
};

const HOUR: i64 = 3_600;
const JUMPS: [i64; 2] = [HOUR, -HOUR];

fn setup(toml: &str) -> System {
    let setup = Setup::new().program(env!("CARGO_BIN_EXE_obeya"));
    setup.toml(toml).start().unwrap()
}

/// The clock jumps, and somebody does something: only then is it looked at.
fn jump(system: &System, seconds: i64, order: OrderId) {
    system.jump(seconds);
    let (id, text) = (order, "what time is it?".into());
    let ada = Actor::person("ada");
    system
        .submit(ada, Command::CommentOrder { id, text })
        .unwrap();
}

fn started(system: &System) {
    let started = |event: &Event| matches!(event, Event::OrderStarted { .. });
    system.wait_for("the start", started).unwrap();
}

fn completed(system: &System) {
    let completed = |event: &Event| matches!(event, Event::OrderCompleted { .. });
    system.wait_for("the completion", completed).unwrap();
}

/// Waits until something is so that is not on the ledger.
#[track_caller]
fn until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "never: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Returns how often such a record was written.
fn count(system: &System, kind: &str) -> usize {
    system
        .records()
        .iter()
        .filter(|record| record.kind == kind)
        .count()
}

#[test]
fn a_lease_neither_lapses_nor_lasts_when_the_clock_jumps() {
    for seconds in JUMPS {
        let system = System::start().unwrap();
        let order = system.create_order("work").unwrap();
        let sleeper = Mock::new("sleeper", Conduct::Hangs).lease(Duration::from_secs(60));
        let turn = system.work(&sleeper).unwrap().unwrap();
        jump(&system, seconds, order);
        assert_eq!(count(&system, "leases_renewed"), 1, "by {seconds}");
        system.advance(Duration::from_secs(59)).unwrap();
        assert_eq!(count(&system, "lease_lapsed"), 0, "by {seconds}");
        system.advance(Duration::from_secs(2)).unwrap();
        assert_eq!(count(&system, "lease_lapsed"), 1, "by {seconds}");
        let late = system.complete(&turn);
        assert!(
            matches!(late, Err(Trouble::Refused(Refusal::StaleEpoch { .. }))),
            "{late:?}"
        );
        // Nothing else fell due by it, and the one alert says what happened.
        assert_eq!(count(&system, "alert_raised"), 1, "by {seconds}");
    }
}

#[test]
fn an_agent_that_works_while_the_clock_jumps_keeps_its_order() {
    let script = "while ! test -e go; do echo on; sleep 0.1; done; echo '{\"result\":\"done\"}'";
    for seconds in JUMPS {
        let system = setup(&format!(
            "[agents.worker]\ncommand = ['sh', '-c', {}]\nlease = 5\ngrace = 1\n",
            toml::Value::from(script)
        ));
        let order = system.create_order("work").unwrap();
        started(&system);
        jump(&system, seconds, order);
        fs::write(system.project().join("go"), "").unwrap();
        completed(&system);
        assert_eq!(count(&system, "order_started"), 1, "by {seconds}");
        assert_eq!(count(&system, "lease_lapsed"), 0, "by {seconds}");
    }
}

#[test]
fn a_pause_after_a_crash_is_over_when_the_clock_jumps() {
    let script = "test -e again && echo '{\"result\":\"done\"}' && exit; touch again; kill -9 $$";
    for seconds in JUMPS {
        let system = setup(&format!(
            "[agents.worker]\ncommand = ['sh', '-c', {}]\nlease = 5\ngrace = 1\n",
            toml::Value::from(script)
        ));
        let order = system.create_order("work").unwrap();
        until("the pause", || {
            let lives = system.lives().unwrap();
            let life = lives.get("worker").and_then(|life| life.note.clone());
            life.is_some_and(|note| note.starts_with("waits after a crash"))
        });
        // The held clock would hold the pause for ever.
        jump(&system, seconds, order);
        completed(&system);
    }
}

#[test]
fn a_gate_that_runs_while_the_clock_jumps_runs_to_its_end_and_counts() {
    let toml = r#"
[agents.worker]
command = ["sh", "-c", "echo '{\"result\":\"done\"}'"]
lease = 5
[gates.tests]
command = ["sh", "-c", "touch runs; while ! test -e go; do sleep 0.1; done"]
timeout = "50s"
"#;
    for seconds in JUMPS {
        let system = setup(toml);
        let order = system.create_order("work").unwrap();
        started(&system);
        until("the gate runs", || system.project().join("runs").exists());
        jump(&system, seconds, order);
        fs::write(system.project().join("go"), "").unwrap();
        completed(&system);
        assert_eq!(count(&system, "gate_recorded"), 1, "by {seconds}");
        assert_eq!(count(&system, "lease_lapsed"), 0, "by {seconds}");
    }
}

#[test]
fn mock_agents_are_real_processes_under_the_real_supervisor() {
    for conduct in Conduct::ALL {
        let program = env!("CARGO_BIN_EXE_obeya");
        let mock = Mock::new("mock", conduct).lease(Duration::from_secs(5));
        let system = Setup::new().program(program).agent(mock).start().unwrap();
        let order = system.create_order("work").unwrap();
        let what = format!("what comes of one that is {conduct:?}");
        match conduct {
            Conduct::Succeeds => completed(&system),
            Conduct::Hangs => {
                started(&system);
                system.advance(Duration::from_secs(6)).unwrap();
                let lapsed = |event: &Event| matches!(event, Event::LeaseLapsed { .. });
                system.wait_for(&what, lapsed).unwrap();
            }
            Conduct::Fails | Conduct::Crashes | Conduct::Lies => {
                let back = |event: &Event| matches!(event, Event::OrderReleased { id, .. } if *id == order);
                system.wait_for(&what, back).unwrap();
                let failed = |event: &Event| matches!(event, Event::OrderCommented { .. });
                system.wait_for(&what, failed).unwrap();
            }
        }
    }
}

#[test]
fn a_system_goes_on_where_it_was_suspended_and_leaves_nothing_behind() {
    let mut system = System::start().unwrap();
    let order = system.create_order("work").unwrap();
    system.suspend();
    assert!(matches!(system.state(), Err(Trouble::Failed(_))));
    system.resume().unwrap();
    let turn = system.work(&Mock::new("worker", Conduct::Lies));
    assert!(
        matches!(turn, Err(Trouble::Refused(Refusal::StaleEpoch { .. }))),
        "{turn:?}"
    );
    assert!(system.state().unwrap().order(order).is_some());
    assert_eq!(count(&system, "host_elected"), 2);
    let folder = system.project().to_owned();
    system.stop();
    assert!(!folder.exists());
}

#[test]
fn what_runs_programs_has_to_say_by_which() {
    let started = Setup::new()
        .agent(Mock::new("a", Conduct::Succeeds))
        .start();
    assert!(matches!(started, Err(Trouble::Failed(_))));
}
