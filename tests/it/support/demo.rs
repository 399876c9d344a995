//! The documented demo ledger, played in memory: the screens and the pictures show it.

use std::sync::OnceLock;

use obeya::{
    demo::{self, Simulator},
    domain::{
        command::Submission,
        query::{
            Query,
            agents::roster,
            life::{Life, LifeSource, LifeState, RunView},
        },
        time::{MINUTE, SECOND},
    },
    link::{Answered, Beaten, Heartbeat, Observer, Operator, Outcome, Reply},
    ui::log::RunSeen,
};

use super::{console::Console, world::World};

impl Observer for World {
    fn ask(&mut self, query: &Query) -> Answered {
        Ok(World::ask(self, query))
    }
}

impl Operator for World {
    fn submit(&mut self, submission: &Submission) -> Reply {
        let Submission {
            actor,
            role,
            epoch,
            command,
            ..
        } = submission;
        match self.submit_under(actor, *role, command, *epoch) {
            Ok(records) => Reply::Done(Outcome {
                records,
                dry_run: false,
                repeated: false,
            }),
            Err(refusal) => Reply::Refused(refusal),
        }
    }

    fn heartbeat(&mut self, _: &Heartbeat) -> Beaten {
        Ok(Ok(self.now))
    }
}

/// Plays the demo from its beginning to its end, and on from there until an alert is open where that is wanted.
pub(crate) fn play(to_an_alert: bool) -> World {
    let mut world = World::new();
    world.now = demo::END.plus(-demo::ACTS * demo::STEP);
    let mut simulator = Simulator::new(demo::SEED, 0);
    for _ in 0..demo::ACTS {
        world.now = world.now.plus(demo::STEP);
        simulator.act(&mut world).unwrap();
    }
    while to_an_alert && world.state.alerts.is_empty() {
        world.now = world.now.plus(demo::STEP);
        simulator.act(&mut world).unwrap();
    }
    world
}

/// Returns the demo's line, when the first cord after its end is pulled.
pub(crate) fn line() -> World {
    static LINE: OnceLock<World> = OnceLock::new();
    LINE.get_or_init(|| play(true)).clone()
}

/// What an agent that works wrote by now.
const WRITTEN: &str = "\
\x1b[2mreading the order and the code around it\x1b[0m
plan: 1. a failing test  2. the change  3. the docs
$ cargo test --locked\x1b[32m
   Compiling payments v0.4.2
\x1b[0m\x1b[33mwarning\x1b[0m: unused variable: `retry`
  --> src/refund.rs:41:9
test refund::twice_is_refused ... \x1b[31mFAILED\x1b[0m
the test fails as it should: a second refund is paid out
editing src/refund.rs
$ cargo test --locked
\x1b[33mwarning\x1b[0m: unused variable: `retry`
test refund::twice_is_refused ... \x1b[32mok\x1b[0m
test result: \x1b[32mok\x1b[0m. 148 passed; 0 failed; 0 ignored; finished in 3.02s
editing docs/refunds.md
";

/// Tells a console of the demo's agents what a host that runs them would.
pub(crate) fn staff(console: &mut Console) {
    let now = console.world.now;
    for (n, agent) in (0..).zip(roster(&console.world.state)) {
        let order = agent.holds.first().copied();
        let began = now.plus(-(7 + n) * MINUTE);
        let run = format!("run-{n}");
        let (state, source) = match (order, n) {
            (Some(_), 0) => (LifeState::Waiting, LifeSource::Protocol),
            (Some(_), _) => (LifeState::Busy, LifeSource::Process),
            (None, _) => (LifeState::Idle, LifeSource::Process),
        };
        let runs = order.map(|order| RunView {
            approvals: vec![],
            run: run.clone(),
            pid: Some(4_211),
            order: Some(order),
            since: began.into(),
        });
        let life = Life {
            state,
            source,
            since: began.plus(90 * SECOND).into(),
            note: None,
            until: None,
            wanted: 1,
            crashes: usize::from(n == 1),
            runs: runs.into_iter().collect(),
        };
        console.world.lives.insert(agent.name.clone(), life);
        let seen = |run: String, at, order, end: Option<&str>| RunSeen {
            run,
            order,
            began: at,
            end: end.map(str::to_owned),
        };
        let before = seen(
            format!("{run}-a"),
            began.plus(-40 * MINUTE),
            None,
            Some("done"),
        );
        let runs = order.map(|_| seen(run.clone(), began, order, None));
        for run in runs.into_iter().chain([before]) {
            let written = (agent.name.clone(), run, WRITTEN.into());
            console.written.push(written);
        }
    }
}
