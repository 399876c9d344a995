//! The engine over a ledger in memory with faults to order, and over SQLite in a folder of its own.

use std::sync::Arc;

use obeya::{
    domain::{
        agent::PullFilter,
        command::{Command, NewOrder, Role, Submission},
        evolve::evolve,
        id::OrderId,
        order::{Actor, Bucket},
        record::{Hash, Record},
        state::State,
        time::{SECOND, Timestamp},
    },
    engine::{Engine, Failure, HeldClock, Outcome, Reply, Writer},
    ledger::{Identity, Ledger, memory::MemoryLedger},
    testing,
};
use uuid::Uuid;

mod due;
mod faults;
mod loading;
mod once;
mod past;
mod thread;

/// When every test begins.
const NOON: Timestamp = Timestamp(1_780_000_000 * SECOND);

/// A ledger in memory after genesis, and the clock that its writers read.
struct Shop {
    ledger: MemoryLedger,
    clock: HeldClock,
}

impl Shop {
    fn new() -> Shop {
        let uuid = Uuid::from_u128(1);
        let ledger = MemoryLedger::new(Identity {
            uuid,
            incarnation: 1,
            created: NOON,
        });
        let shop = Shop {
            ledger,
            clock: HeldClock::at(NOON),
        };
        done(shop.writer().submit(&person(Command::Genesis { uuid })));
        shop
    }

    fn writer(&self) -> Writer {
        let clock = Arc::new(self.clock.clone());
        Writer::new(Box::new(self.ledger.clone()), clock, None)
    }

    fn engine(&self) -> Engine {
        Engine::start(self.writer()).unwrap()
    }

    fn records(&self) -> Vec<Record> {
        self.ledger.clone().read(0, usize::MAX).unwrap()
    }
}

fn submission(actor: Actor, command: Command) -> Submission {
    let role = Role::Admin;
    Submission {
        role,
        ..testing::submission(actor, command)
    }
}

fn person(command: Command) -> Submission {
    submission(Actor::person("ada"), command)
}

fn agent(command: Command) -> Submission {
    submission(Actor::agent("robot"), command)
}

fn create(title: &str) -> Submission {
    person(Command::CreateOrder {
        order: NewOrder::task(title),
    })
}

fn create_in(bucket: Bucket) -> Submission {
    let mut order = NewOrder::task("in a bucket");
    order.bucket = bucket;
    person(Command::CreateOrder { order })
}

fn claim(id: OrderId, seconds: u32) -> Submission {
    let lease_seconds = Some(seconds);
    agent(Command::ClaimOrder { id, lease_seconds })
}

fn next() -> Submission {
    agent(Command::PullNext {
        filter: PullFilter::default(),
        lease_seconds: Some(600),
    })
}

fn complete(id: OrderId) -> Submission {
    person(Command::CompleteOrder {
        id,
        sku: None,
        note: None,
    })
}

#[track_caller]
fn done(reply: Reply) -> Outcome {
    match reply {
        Reply::Done(outcome) => outcome,
        other => panic!("{other:?}"),
    }
}

/// Returns the kinds of records from a seq on.
fn kinds(records: &[Record]) -> Vec<&str> {
    records.iter().map(|record| record.kind.as_str()).collect()
}

/// Returns the order that a reply's records are about.
#[track_caller]
fn subject(outcome: &Outcome) -> OrderId {
    outcome.records[0].subject.parse().unwrap()
}

/// Replays records from nothing.
fn replayed(records: &[Record]) -> Hash {
    let mut state = State::default();
    for record in records {
        evolve(&mut state, record).unwrap();
    }
    state.state_hash()
}
