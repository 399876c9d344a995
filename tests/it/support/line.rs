//! The line without engine or disk: what an engine does with the rules, in a few dozen lines, under a held clock.

use std::collections::{BTreeMap, BTreeSet};

use obeya::domain::{
    archive::{ArchiveChange, ArchivedAlert, ArchivedOrder, ReceiptRow},
    cold::Cold,
    command::{Command, NewOrder, Role},
    decide::{self, Context, Draft, Renewals},
    due,
    event::Event,
    evolve,
    gate::Tree,
    id::{AlertId, OrderId},
    order::{Actor, Bucket, ClosedOrder, Kind, Order, Priority},
    record::{ActorKind, Door, Hash, Record},
    refusal::Refusal,
    state::State,
    time::{SECOND, Timestamp},
};
use uuid::Uuid;

use super::hand::Hand;

/// Noon on a day in the year 2026, when every test begins.
pub(crate) const NOON: Timestamp = Timestamp(1_780_000_000 * SECOND);

/// What left the state, as a ledger would keep it.
#[derive(Default)]
pub(crate) struct Archive {
    pub(crate) orders: BTreeMap<OrderId, ArchivedOrder>,
    pub(crate) alerts: BTreeMap<AlertId, ArchivedAlert>,
    pub(crate) receipts: Vec<ReceiptRow>,
}

impl Archive {
    fn take(&mut self, change: ArchiveChange) {
        match change {
            ArchiveChange::PutOrder(order) => {
                self.orders.insert(order.id, order);
            }
            ArchiveChange::DropOrder(id) => {
                assert!(self.orders.remove(&id).is_some(), "{id} was not archived");
            }
            ArchiveChange::PutAlert(alert) => {
                self.alerts.insert(alert.id, alert);
            }
            ArchiveChange::PutReceipt(receipt) => self.receipts.push(receipt),
        }
    }

    pub(crate) fn closed(&self, id: OrderId) -> Option<ClosedOrder> {
        let row = self.orders.get(&id)?;
        Some(serde_json::from_str(&row.form).expect("a form reads back"))
    }
}

/// Who submits: the name, the right, and the epoch of the claim.
#[derive(Clone, Debug)]
pub(crate) struct Who {
    pub(crate) actor: Actor,
    pub(crate) role: Role,
    pub(crate) epoch: Option<u32>,
}

/// A ledger in memory, its state, and a clock that only the test moves.
pub(crate) struct Line {
    pub(crate) state: State,
    pub(crate) records: Vec<Record>,
    pub(crate) archive: Archive,
    pub(crate) renewals: Renewals,
    pub(crate) now: Timestamp,
    /// The code as it is now.
    pub(crate) tree: Tree,
    /// Every event kind that was recorded.
    pub(crate) kinds: BTreeSet<&'static str>,
    commands: u128,
}

impl Line {
    /// Returns a line whose ledger has its genesis.
    pub(crate) fn new() -> Line {
        let mut line = Line {
            state: State::default(),
            records: vec![],
            archive: Archive::default(),
            renewals: Renewals::new(),
            now: NOON,
            tree: Tree::Unversioned,
            kinds: BTreeSet::new(),
            commands: 0,
        };
        let uuid = Uuid::from_u128(7);
        line.submit(&system(), &Command::Genesis { uuid })
            .expect("an empty ledger opens");
        line
    }

    /// Lets time pass. What falls due meanwhile is recorded by the next command, or by [`Line::tick`].
    pub(crate) fn wait(&mut self, seconds: i64) {
        self.now = self.now.plus(seconds * SECOND);
    }

    /// Records what is due and returns it. One thing may make another due, so it looks until nothing is.
    pub(crate) fn tick(&mut self) -> Vec<Event> {
        let mut events = vec![];
        loop {
            let drafts = due::due(&self.state, &self.renewals, self.now);
            self.state.next_due = due::next_due(&self.state, &self.renewals);
            if drafts.is_empty() {
                return events;
            }
            events.extend(self.append(&system(), Hash::ZERO, drafts));
            assert!(events.len() < 100_000, "what is due never ends");
        }
    }

    /// Lets the wall clock jump, as an engine that compares it with the boot clock would notice.
    pub(crate) fn jump(&mut self, seconds: i64) -> Vec<Event> {
        self.wait(seconds);
        self.renewals.clear();
        let drafts = due::clock_jump(&self.state, seconds * SECOND, self.now);
        self.append(&system(), Hash::ZERO, drafts)
    }

    /// Renews a lease beside the ledger. A renewal never takes back what a newer one gave.
    pub(crate) fn heartbeat(&mut self, id: OrderId, epoch: u32, seconds: i64) {
        let renewal = (epoch, self.now.plus(seconds * SECOND));
        let newest = self.renewals.entry(id).or_insert(renewal);
        *newest = renewal.max(*newest);
    }

    /// Does what the engine does with one command and returns what happened, without what was due before it.
    pub(crate) fn submit(&mut self, who: &Who, command: &Command) -> Result<Vec<Event>, Refusal> {
        if self.state.head.seq > 0 {
            self.tick();
        }
        let drafts = self.decide(who, command)?;
        let body = serde_json::to_vec(command).expect("a command is JSON");
        Ok(self.append(who, Hash::of(&body), drafts))
    }

    /// Decides without recording anything.
    pub(crate) fn decide(&self, who: &Who, command: &Command) -> decide::Decision {
        let mut cold = Cold::default();
        for round in 0.. {
            let needs = decide::needs(&self.state, &cold, command);
            if needs.is_empty() {
                break;
            }
            assert!(round < 8, "{command:?} never has what it needs");
            for id in needs.orders {
                cold.orders.insert(id, self.archive.closed(id));
            }
            if needs.tree {
                cold.tree = Some(self.tree.clone());
            }
        }
        let context = Context {
            now: self.now,
            actor: &who.actor,
            role: who.role,
            // Nobody but the engine comes in by its door.
            door: match who.actor.kind {
                ActorKind::System => Door::Engine,
                _ => Door::Cli,
            },
            epoch: who.epoch,
            as_of: None,
        };
        decide::decide(&self.state, &cold, command, &context)
    }

    fn append(&mut self, who: &Who, command_hash: Hash, drafts: Vec<Draft>) -> Vec<Event> {
        self.commands += 1;
        let mut events = vec![];
        for (n, draft) in (0..).zip(drafts) {
            let mut record = Record {
                seq: self.state.head.seq + 1,
                time: self.now,
                occurred_at: draft.occurred_at.unwrap_or(self.now),
                command: Uuid::from_u128(self.commands),
                n,
                command_hash,
                causation: None,
                correlation: None,
                actor_kind: who.actor.kind.into(),
                actor: who.actor.name.clone(),
                door: Door::Cli.into(),
                uid: 1000,
                subject: draft.event.subject(),
                kind: draft.event.kind().into(),
                version: draft.event.version(),
                body: serde_json::to_string(&draft.event)
                    .expect("an event is JSON")
                    .into(),
                hash: Hash::ZERO,
            };
            record.hash = record.seal(&self.state.head.hash);
            for change in evolve::apply(&mut self.state, &draft.event, &record) {
                self.archive.take(change);
            }
            self.kinds.insert(draft.event.kind());
            self.records.push(record);
            events.push(draft.event);
        }
        events
    }

    /// Returns a person with every right.
    pub(crate) fn person(&mut self) -> Hand<'_> {
        self.hand(Actor::person("ada"), Role::Admin)
    }

    /// Returns an agent.
    pub(crate) fn agent(&mut self, name: &str) -> Hand<'_> {
        self.hand(Actor::agent(name), Role::Agent)
    }

    /// Returns anybody.
    pub(crate) fn hand(&mut self, actor: Actor, role: Role) -> Hand<'_> {
        let who = Who {
            actor,
            role,
            epoch: None,
        };
        Hand { line: self, who }
    }

    /// Returns a new order by this title, with every default.
    pub(crate) fn order(&mut self, title: &str) -> OrderId {
        self.person()
            .create(NewOrder::task(title))
            .expect("a plain order is fine")
    }

    /// Returns a new epic.
    pub(crate) fn epic(&mut self, title: &str) -> OrderId {
        let epic = NewOrder {
            kind: Kind::Epic,
            ..NewOrder::task(title)
        };
        self.person().create(epic).expect("a plain epic is fine")
    }

    /// Returns a new order in a bucket.
    pub(crate) fn order_in(&mut self, bucket: Bucket) -> OrderId {
        let order = NewOrder {
            bucket,
            ..NewOrder::task("work")
        };
        self.person().create(order).expect("a plain order is fine")
    }
}

/// Returns the engine as a submitter.
pub(crate) fn system() -> Who {
    Who {
        actor: Actor::system(),
        role: Role::Admin,
        epoch: None,
    }
}

/// Returns a child of `parent` as it should be created.
pub(crate) fn child(parent: OrderId) -> NewOrder {
    NewOrder {
        parent: Some(parent),
        ..NewOrder::task("a part")
    }
}

/// Returns an order of this priority as it should be created.
pub(crate) fn urgent(priority: u8) -> NewOrder {
    NewOrder {
        priority: Priority::new(priority).expect("1 to 10"),
        ..NewOrder::task("urgent")
    }
}

/// Returns the rule that refused.
#[track_caller]
pub(crate) fn rule<T: std::fmt::Debug>(outcome: Result<T, Refusal>) -> &'static str {
    outcome.expect_err("this is to be refused").rule()
}

/// Returns an order that must be open.
#[track_caller]
pub(crate) fn open(line: &Line, id: OrderId) -> &Order {
    line.state.order(id).expect("open")
}
