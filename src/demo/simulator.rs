//! People and agents that work a line through the ordinary commands, one act at a time.
//!
//! What an act is depends on the seed, on how many acts there were, and on how the line stands; never on a clock. So the
//! same seed tells the same story on every machine, unless somebody else works on the line too.

use uuid::Uuid;

use super::{
    random::Random,
    script::{AGENTS, COMMENTS, EPICS, PEOPLE, TROUBLE, WORK},
};
use crate::{
    domain::{
        agent::PullFilter,
        andon::{Scope, Severity},
        command::{Command, Destination, Hold, NewOrder, Role, Submission},
        id::{AlertId, OrderId},
        order::{Actor, Bucket, Kind, Priority, PullSignal},
        query::{
            Answer, Query,
            filter::{Condition, Filter, Sort},
            order_view::OrderView,
        },
        record::{ActorKind, Door},
    },
    link::{Failure, Heartbeat, Operator, Reply},
};

/// How long an agent of the demo claims an order, in seconds: longer than it works on one at the history's pace.
const LEASE: u32 = 24 * 3600;
/// How many orders wait at most: people add work while there are fewer.
const QUEUE: usize = 14;
/// Every how many acts the cord is pulled.
const TROUBLE_EVERY: u64 = 53;
/// When it is pulled first, so that a newcomer sees it within the first minute.
const FIRST_TROUBLE: u64 = 17;
/// How many acts after the cord was pulled somebody acknowledges it, opens an order that mends it, and resolves it.
const AFTERMATH: [u64; 3] = [2, 3, 11];

/// An alert on its way.
#[derive(Clone, Debug)]
struct Cord {
    id: AlertId,
    bucket: Bucket,
    pulled: u64,
    resolution: &'static str,
}

/// Plays people and agents.
#[derive(Clone, Debug)]
pub struct Simulator {
    pub(super) random: Random,
    uid: u32,
    acts: u64,
    /// Whose turn it is among those who pull work.
    turn: usize,
    /// Titles given so far: they come in the order of the script, and then again.
    titles: usize,
    troubles: usize,
    cord: Option<Cord>,
    /// Whether the agents are processes of their own, and only people are played.
    pub(super) people_only: bool,
}

impl Simulator {
    /// Returns the story of a seed at its beginning; `uid` is the user that records name.
    pub fn new(seed: u64, uid: u32) -> Self {
        Simulator {
            random: Random(seed),
            uid,
            acts: 0,
            turn: 0,
            titles: 0,
            troubles: 0,
            cord: None,
            people_only: false,
        }
    }

    /// Does the next act. A refusal is part of the story: somebody was in the way, or a hold.
    ///
    /// # Errors
    ///
    /// The ledger or its engine could not do it.
    pub fn act(&mut self, line: &mut dyn Operator) -> Result<(), Failure> {
        let act = self.acts;
        self.acts += 1;
        if let Some(intent) = opening(act) {
            return self.submit(line, &person(0), None, intent).map(drop);
        }
        if let Some(intent) = self.aftermath(line, act)? {
            return self.submit(line, &person(1), None, intent).map(drop);
        }
        if act % TROUBLE_EVERY == FIRST_TROUBLE && self.cord.is_none() {
            return self.pull_the_cord(line, act);
        }
        let waiting = orders(line, Condition::Queued, None)?;
        if waiting.len() < QUEUE && (act.is_multiple_of(3) || waiting.len() < 4) {
            let order = self.order(&waiting);
            return self
                .submit(line, &person(0), None, Command::CreateOrder { order })
                .map(drop);
        }
        self.go_on(line)
    }

    /// Lets whoever is played go on with what there is to do.
    fn go_on(&mut self, line: &mut dyn Operator) -> Result<(), Failure> {
        match self.people_only {
            true => self.attend(line),
            false => self.work(line),
        }
    }

    /// Lets whoever has the turn work on.
    fn work(&mut self, line: &mut dyn Operator) -> Result<(), Failure> {
        let who = match AGENTS.get(self.turn % (AGENTS.len() + 1)) {
            Some((name, _)) => Actor::agent(*name),
            None => person(1),
        };
        self.turn += 1;
        let held = orders(line, Condition::InProgress, Some(&who.name))?;
        let Some(order) = held.first() else {
            let pull = Command::PullNext {
                filter: PullFilter::default(),
                lease_seconds: (who.kind == ActorKind::Agent).then_some(LEASE),
            };
            return self.submit(line, &who, None, pull).map(drop);
        };
        let (id, epoch) = (order.id, order.lease.map(|lease| lease.epoch));
        if self.random.one_in(5) {
            let text = self
                .random
                .of(&COMMENTS)
                .copied()
                .unwrap_or_default()
                .into();
            let comment = Command::CommentOrder { id, text };
            return self.submit(line, &who, epoch, comment).map(drop);
        }
        if let Some(epoch) = epoch
            && self.random.one_in(6)
        {
            return beat(line, id, epoch, who, "still at it");
        }
        let right = Command::MoveOrder {
            id,
            to: Destination::Right,
        };
        let last = ask(line, &Query::Stages)?.and_then(|answer| match answer {
            Answer::Stages(stages) => stages.stages.last().map(|stage| stage.stage.clone()),
            _ => None,
        });
        let done = Command::CompleteOrder {
            id,
            sku: Some(format!("build-{}", 400 + self.acts)),
            note: None,
        };
        let intent = if order.stage == last { done } else { right };
        let moved = self.submit(line, &who, epoch, intent)?;
        match epoch {
            // What is held does not move, and its lease is kept while it waits.
            Some(epoch) if moved.is_empty() => beat(line, id, epoch, who, "waiting for the andon"),
            _ => Ok(()),
        }
    }

    /// Returns a new order: some wait for another, some are part of an epic.
    fn order(&mut self, waiting: &[OrderView]) -> NewOrder {
        let at = self.titles % WORK.len();
        let round = self.titles / WORK.len();
        self.titles += 1;
        let (title, bucket) = WORK.get(at).copied().unwrap_or(("Work", Bucket::Features));
        let title = match round {
            0 => title.to_owned(),
            again => format!("{title}, part {}", again + 1),
        };
        let epic = EPICS.iter().position(|(_, of)| *of == bucket);
        let parent = epic.filter(|_| self.random.one_in(2));
        let before = match self.random.one_in(3) {
            true => self.random.of(waiting).map(|order| order.id),
            false => None,
        };
        let priority = u8::try_from(3 + self.random.below(7)).ok();
        NewOrder {
            kind: match self.random.below(5) {
                0 => Kind::Bug,
                1 => Kind::Story,
                2 => Kind::Chore,
                _ => Kind::Task,
            },
            bucket,
            priority: priority
                .and_then(Priority::new)
                .unwrap_or(Priority::DEFAULT),
            estimate: Some(30 * (1 + self.random.below(12) as u32)),
            parent: parent.map(|epic| OrderId::epic(epic as u32 + 1)),
            depends_on: before.into_iter().filter(|id| !id.is_epic()).collect(),
            signal: PullSignal {
                kind: "cli".into(),
                source: Some("demo".into()),
            },
            ..NewOrder::task(title)
        }
    }

    /// Stops a bucket because of an order that is being worked on.
    fn pull_the_cord(&mut self, line: &mut dyn Operator, act: u64) -> Result<(), Failure> {
        let at_work = orders(line, Condition::InProgress, None)?;
        let Some(order) = self.random.of(&at_work) else {
            return self.go_on(line);
        };
        let at = self.troubles % TROUBLE.len();
        let (reason, resolution) = TROUBLE.get(at).copied().unwrap_or_default();
        self.troubles += 1;
        let intent = Command::TriggerAndon {
            reason: reason.into(),
            severity: if at == 1 {
                Severity::Critical
            } else {
                Severity::High
            },
            hold: Some(Hold::Scope(Scope::Bucket(order.bucket))),
            fingerprint: None,
            order: Some(order.id),
        };
        let bucket = order.bucket;
        let subjects = self.submit(line, &person(1), None, intent)?;
        let raised = subjects.iter().find_map(|subject| subject.parse().ok());
        self.cord = raised.map(|id| Cord {
            id,
            bucket,
            pulled: act,
            resolution,
        });
        Ok(())
    }

    /// Returns what is to be done next about the alert, if its time has come.
    fn aftermath(&mut self, line: &mut dyn Operator, act: u64) -> Result<Option<Command>, Failure> {
        let Some(cord) = &self.cord else {
            return Ok(None);
        };
        let [acknowledge, mend, resolve] = AFTERMATH;
        let since = act - cord.pulled;
        Ok(Some(match since {
            _ if since == acknowledge => Command::AcknowledgeAlert { id: cord.id },
            _ if since == mend => Command::CreateOrder {
                order: NewOrder {
                    kind: Kind::Bug,
                    bucket: cord.bucket,
                    priority: Priority::new(10).unwrap_or(Priority::DEFAULT),
                    corrective: vec![cord.id],
                    ..NewOrder::task(format!("Mend the cause of {}", cord.id))
                },
            },
            _ if since >= resolve => {
                let (id, resolution) = (cord.id, cord.resolution.into());
                self.cord = None;
                // Somebody who tries the demo may have been quicker.
                match ask(line, &Query::Alert { id })? {
                    None => return Ok(None),
                    Some(_) => Command::ResolveAlert { id, resolution },
                }
            }
            _ => return Ok(None),
        }))
    }

    /// Submits a command and returns the subjects of what came of it: none if it was refused.
    pub(super) fn submit(
        &mut self,
        line: &mut dyn Operator,
        who: &Actor,
        epoch: Option<u32>,
        command: Command,
    ) -> Result<Vec<String>, Failure> {
        let (high, low) = (self.random.word(), self.random.word());
        let submission = Submission {
            // By the seed too, so that everything that people and agents write comes out the same.
            id: Uuid::from_u128(u128::from(high) << 64 | u128::from(low)),
            actor: who.clone(),
            role: match who.kind {
                ActorKind::Agent => Role::Agent,
                _ => Role::Operator,
            },
            door: Door::Cli,
            uid: self.uid,
            epoch,
            causation: None,
            correlation: None,
            dry_run: false,
            until: None,
            as_of: None,
            command,
        };
        match line.submit(&submission) {
            Reply::Done(outcome) => Ok(outcome
                .records
                .iter()
                .map(|record| record.subject.clone())
                .collect()),
            Reply::Refused(_) => Ok(vec![]),
            Reply::Failed(failure) => Err(failure),
        }
    }
}

/// Returns what happens first: agents are registered, epics are opened.
fn opening(act: u64) -> Option<Command> {
    let act = usize::try_from(act).ok()?;
    if let Some((name, role)) = AGENTS.get(act) {
        return Some(Command::RegisterAgent {
            name: (*name).into(),
            role: Some((*role).into()),
            capabilities: PullFilter::default(),
        });
    }
    let (title, bucket) = EPICS.get(act - AGENTS.len())?;
    Some(Command::CreateOrder {
        order: NewOrder {
            kind: Kind::Epic,
            bucket: *bucket,
            ..NewOrder::task(*title)
        },
    })
}

fn beat(
    line: &mut dyn Operator,
    order: OrderId,
    epoch: u32,
    actor: Actor,
    note: &str,
) -> Result<(), Failure> {
    let beat = Heartbeat {
        order,
        epoch,
        actor,
        role: Role::Agent,
        note: note.into(),
    };
    line.heartbeat(&beat).map(drop)
}

pub(super) fn person(n: usize) -> Actor {
    Actor::person(PEOPLE.get(n).copied().unwrap_or_default())
}

/// Asks, and returns None where the answer is a refusal.
pub(super) fn ask(line: &mut dyn Operator, query: &Query) -> Result<Option<Answer>, Failure> {
    Ok(line.ask(query)?.ok())
}

/// Returns the open orders in a condition, those of one holder if one is named, by number and without epics.
pub(super) fn orders(
    line: &mut dyn Operator,
    status: Condition,
    holder: Option<&str>,
) -> Result<Vec<OrderView>, Failure> {
    let query = Query::WorkOrders {
        filter: Filter {
            status: Some(status),
            holder: holder.map(str::to_owned),
            ..Filter::default()
        },
        all: false,
        sort: Sort::Id,
        limit: None,
        after: None,
    };
    Ok(match ask(line, &query)? {
        Some(Answer::WorkOrders(page)) => {
            let orders = page.work_orders.into_iter();
            orders.filter(|order| order.kind != Kind::Epic).collect()
        }
        _ => vec![],
    })
}
