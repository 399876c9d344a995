//! The documented demo ledger, played in memory: the screens and the pictures show it.

use std::sync::OnceLock;

use obeya::{
    demo::{self, Simulator},
    domain::{command::Submission, query::Query},
    link::{Answered, Beaten, Heartbeat, Observer, Operator, Outcome, Reply},
};

use super::world::World;

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
