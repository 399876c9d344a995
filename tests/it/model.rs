//! A hundred thousand random commands in a world so small that the rules collide, every invariant checked as it goes.

use std::{collections::BTreeSet, thread};

use obeya::domain::{
    agent::PullFilter,
    andon::{Scope, Severity},
    command::{Command, Destination, Hold, NewOrder, Role, Sla, StageChange},
    event::{Changes, EVENTS, Parent},
    evolve,
    id::{AlertId, OrderId},
    order::{Actor, Bucket, Kind, Link, Priority},
    record::Record,
    state::State,
};

use crate::support::{
    invariants,
    line::{Line, Who, system},
    random::Random,
};

/// Worlds, each from its own seed, and commands in each.
const WORLDS: u64 = 10;
const COMMANDS: usize = 10_000;
/// About as many open orders as a world keeps, so that any two commands are likely to meet.
const OPEN: usize = 24;
/// Every so many commands the whole state is worked out anew; the first thousand commands are checked one by one.
const WHOLE: usize = 16;

const AGENTS: [&str; 3] = ["ann", "bob", "cal"];
const STAGES: [&str; 5] = ["design", "code", "test", "review", "ship"];
const CONDITIONS: [&str; 3] = ["ci:red", "disk:full", "sla:features"];

/// Rules that no command can run into here, each with the test or the place that covers it.
const UNREACHED: &[(&str, &str)] = &[
    ("command_reused", "the engine finds it in the ledger"),
    ("stale_term", "the engine compares terms of hosts"),
    ("newer_ledger", "rules::a_newer_ledger_is_only_read"),
    ("limit", "rules::every_list_has_a_limit"),
];
/// Events that no command here brings about: those of imports.
const UNSEEN: &[&str] = &[
    "order_imported",
    "order_merged",
    "order_closed_elsewhere",
    "import_finished",
];

#[derive(Default)]
struct Seen {
    accepted: usize,
    rules: BTreeSet<&'static str>,
    kinds: BTreeSet<&'static str>,
}

#[test]
fn a_hundred_thousand_random_commands_break_nothing() {
    let worlds: Vec<_> = (1..=WORLDS)
        .map(|seed| thread::spawn(move || World::new(seed).live()))
        .collect();
    let mut seen = Seen::default();
    for world in worlds {
        let other = world
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        seen.accepted += other.accepted;
        seen.rules.extend(other.rules);
        seen.kinds.extend(other.kinds);
    }
    let percent = seen.accepted * 100 / (WORLDS as usize * COMMANDS);
    assert!(percent >= 30, "only {percent} % were accepted");
    let unseen: Vec<_> = EVENTS
        .iter()
        .map(|(kind, _)| *kind)
        .filter(|kind| !seen.kinds.contains(kind))
        .collect();
    assert_eq!(unseen, UNSEEN, "events that never happened");
    let unreached: BTreeSet<_> = UNREACHED.iter().map(|(rule, _)| *rule).collect();
    let missed: Vec<_> = RULES
        .iter()
        .filter(|rule| !seen.rules.contains(*rule) && !unreached.contains(*rule))
        .collect();
    assert!(missed.is_empty(), "rules that refused nothing: {missed:?}");
}

/// Every refusal's rule.
const RULES: &[&str] = &[
    "not_found",
    "closed",
    "not_closed",
    "not_started",
    "already_started",
    "epic",
    "wip_limit",
    "blocked",
    "held",
    "cycle",
    "children_open",
    "stale_epoch",
    "not_holder",
    "nothing_ready",
    "agent_paused",
    "role",
    "invalid",
    "limit",
    "stage_in_use",
    "command_reused",
    "stale_term",
    "newer_ledger",
];

struct World {
    seed: u64,
    done: usize,
    last: Option<(Who, Command)>,
    random: Random,
    line: Line,
    snapshots: Vec<(usize, Vec<u8>)>,
    seen: Seen,
}

impl Drop for World {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("seed {}, command {}: {:?}", self.seed, self.done, self.last);
        }
    }
}

impl World {
    fn new(seed: u64) -> World {
        World {
            seed,
            done: 0,
            last: None,
            random: Random(seed),
            line: Line::new(),
            snapshots: vec![],
            seen: Seen::default(),
        }
    }

    fn live(mut self) -> Seen {
        while self.done < COMMANDS {
            self.done += 1;
            self.pass_time();
            self.submit();
            if self.done < 1_000 || self.done.is_multiple_of(WHOLE) {
                invariants::whole(&self.line);
            }
            if self.done.is_multiple_of(64 * WHOLE) {
                invariants::tallies(&self.line);
            }
            if self.random.one_in(1_000) {
                let bytes = self.line.state.to_snapshot().expect("a sound state");
                self.snapshots.push((self.line.records.len(), bytes));
            }
        }
        invariants::whole(&self.line);
        invariants::tallies(&self.line);
        invariants::receipts(&self.line);
        self.replay();
        let mut seen = std::mem::take(&mut self.seen);
        seen.kinds = std::mem::take(&mut self.line.kinds);
        seen
    }

    fn submit(&mut self) {
        let (who, command) = self.command();
        self.last = Some((who.clone(), command.clone()));
        let before = self.line.state.clone();
        let due = self.line.tick();
        invariants::step(&before, &self.line.state, &system(), None, &due);
        invariants::nothing_overdue(&self.line);
        let before = self.line.state.clone();
        match self.line.submit(&who, &command) {
            Ok(events) => {
                assert!(who.role >= command.spec().role);
                let written = written(&command);
                invariants::step(&before, &self.line.state, &who, written, &events);
                self.seen.accepted += usize::from(!events.is_empty());
            }
            Err(refusal) => {
                self.seen.rules.insert(refusal.rule());
                assert_eq!(self.line.state.head, before.head);
                if self.random.one_in(64) {
                    assert_eq!(
                        self.line.state.state_hash(),
                        before.state_hash(),
                        "{refusal}"
                    );
                }
            }
        }
    }

    /// Replays the records: all of them with and without an index, and those after each snapshot.
    fn replay(&self) {
        let live = &self.line.state;
        let hash = live.state_hash();
        let indexed = State::default();
        indexed.graph();
        for start in [State::default(), indexed] {
            let state = follow(start, &self.line.records);
            assert_eq!(state.state_hash(), hash, "replay is not what was lived");
            assert!(state.graph() == live.graph());
        }
        for (at, bytes) in &self.snapshots {
            let state = State::from_snapshot(bytes).expect("a snapshot reads back");
            assert_eq!(state.head.seq, *at as u64);
            let state = follow(state, &self.line.records[*at..]);
            assert_eq!(
                state.state_hash(),
                hash,
                "the snapshot at {at} is not the state"
            );
            assert!(!state.is_damaged() && state.graph() == live.graph());
        }
    }

    fn pass_time(&mut self) {
        let line = &mut self.line;
        match self.random.below(1_000) {
            0 => {
                line.jump(i64::from(self.random.within(0, 2_000)) * 60 - 60_000);
            }
            1..10 => line.wait(-30),
            10..20 => line.wait(3_600),
            20..320 => line.wait(120),
            // A heartbeat beside the ledger, now and then of an epoch that is over.
            320..380 => {
                let leased: Vec<_> = line
                    .state
                    .work_orders()
                    .filter_map(|o| Some((o.id, o.lease()?)))
                    .collect();
                if !leased.is_empty() {
                    let (id, lease) = self.random.of(&leased);
                    let epoch = lease.epoch - u32::from(self.random.one_in(4));
                    line.heartbeat(id, epoch, i64::from(lease.seconds));
                }
            }
            _ => {}
        }
    }

    // What is said.

    fn some_order(&mut self) -> OrderId {
        let state = &self.line.state;
        match self.random.below(40) {
            0 => OrderId::work(self.random.within(1, 100_000)),
            1..4 => {
                let closed: Vec<_> = self
                    .line
                    .archive
                    .orders
                    .keys()
                    .rev()
                    .take(12)
                    .copied()
                    .collect();
                if closed.is_empty() {
                    OrderId::epic(1)
                } else {
                    self.random.of(&closed)
                }
            }
            4..8 if state.open_epics().next().is_some() => {
                let epics: Vec<_> = state.open_epics().map(|order| order.id).collect();
                self.random.of(&epics)
            }
            _ => {
                let open: Vec<_> = state.work_orders().map(|order| order.id).collect();
                if open.is_empty() {
                    OrderId::work(1)
                } else {
                    self.random.of(&open)
                }
            }
        }
    }

    /// Returns an order that is in progress, if there is one: work goes on more often than it fails.
    fn working(&mut self) -> OrderId {
        let going: Vec<_> = self
            .line
            .state
            .work_orders()
            .filter(|o| o.work().is_some())
            .map(|o| o.id)
            .collect();
        if going.is_empty() || self.random.one_in(5) {
            self.some_order()
        } else {
            self.random.of(&going)
        }
    }

    fn closed(&mut self) -> OrderId {
        let closed: Vec<_> = self
            .line
            .archive
            .orders
            .keys()
            .rev()
            .take(20)
            .copied()
            .collect();
        if closed.is_empty() || self.random.one_in(8) {
            self.some_order()
        } else {
            self.random.of(&closed)
        }
    }

    fn alert(&mut self) -> AlertId {
        let open: Vec<_> = self.line.state.alerts.keys().copied().collect();
        if open.is_empty() || self.random.one_in(10) {
            AlertId(self.random.within(1, 50))
        } else {
            self.random.of(&open)
        }
    }

    fn stage(&mut self) -> String {
        self.random.of(&STAGES).into()
    }

    fn scope(&mut self) -> Scope {
        match self.random.below(12) {
            0 => Scope::Line,
            1..3 => Scope::Bucket(self.random.of(Bucket::ALL)),
            3..5 => Scope::Epic(self.some_order()),
            5..7 => Scope::Stage(self.stage()),
            7..10 => Scope::Order(self.some_order()),
            _ => Scope::Agent(self.random.of(&AGENTS).into()),
        }
    }

    fn new_order(&mut self) -> NewOrder {
        let kind = if self.random.one_in(8) {
            Kind::Epic
        } else {
            self.random.of(&Kind::ALL[..4])
        };
        let parent = self.random.one_in(4).then(|| self.some_order());
        let depends_on = (0..self.random.below(6).saturating_sub(3))
            .map(|_| self.some_order())
            .collect();
        let corrective = if self.random.one_in(12) {
            vec![self.alert()]
        } else {
            vec![]
        };
        NewOrder {
            kind,
            bucket: self.random.of(Bucket::ALL),
            priority: Priority::new(self.random.within(1, 10) as u8).expect("1 to 10"),
            description: self.random.one_in(4).then(|| "why\nand how".into()),
            labels: self
                .random
                .of(&[vec![], vec!["ui".into()], vec!["db".into(), "ui".into()]]),
            parent,
            depends_on,
            corrective,
            ..NewOrder::task(
                self.random
                    .of(&["a", "b", "  padded ", "\u{1b}[31mred", ""]),
            )
        }
    }

    fn changes(&mut self) -> Changes {
        let mut changes = Changes::default();
        match self.random.below(7) {
            0 => changes.title = Some("another title".into()),
            1 => changes.priority = Priority::new(self.random.within(1, 10) as u8),
            2 => changes.kind = Some(self.random.of(Kind::ALL)),
            3 => changes.parent = Some(Parent::None),
            4 => changes.parent = Some(Parent::Of(self.some_order())),
            _ => changes.bucket = Some(self.random.of(Bucket::ALL)),
        }
        changes
    }

    fn command(&mut self) -> (Who, Command) {
        let crowded = self.line.state.open_count() > OPEN;
        let command = match self.random.below(200) {
            0..10 if crowded => Command::CancelOrder {
                id: self.some_order(),
                reason: "too much".into(),
            },
            0..26 => Command::CreateOrder {
                order: self.new_order(),
            },
            26..36 => Command::StartOrder {
                id: self.some_order(),
            },
            36..48 => Command::ClaimOrder {
                id: self.some_order(),
                lease_seconds: self.random.of(&[None, Some(5), Some(300), Some(1)]),
            },
            48..70 => {
                let buckets = if self.random.one_in(3) {
                    vec![self.random.of(Bucket::ALL)]
                } else {
                    vec![]
                };
                Command::PullNext {
                    filter: PullFilter {
                        buckets,
                        ..<_>::default()
                    },
                    lease_seconds: None,
                }
            }
            70..90 => {
                let to = match self.random.below(3) {
                    0 => Destination::Left,
                    1 => Destination::Right,
                    _ => Destination::Stage(self.stage()),
                };
                Command::MoveOrder {
                    id: self.working(),
                    to,
                }
            }
            90..110 => Command::CompleteOrder {
                id: self.working(),
                sku: Some("v1".into()),
                note: None,
            },
            110..114 => Command::CancelOrder {
                id: self.some_order(),
                reason: "no".into(),
            },
            114..120 => Command::ReopenOrder {
                id: self.closed(),
                reason: None,
            },
            120..126 => Command::ReleaseOrder {
                id: self.working(),
                force: self.random.one_in(2),
                reason: self.random.one_in(2).then(|| "stuck".into()),
            },
            126..130 => Command::CommentOrder {
                id: self.some_order(),
                text: "look".into(),
            },
            130..145 => Command::AddDependency {
                id: self.some_order(),
                on: self.some_order(),
            },
            145..150 => {
                let waiting: Vec<_> = self
                    .line
                    .state
                    .orders()
                    .filter(|o| o.is_blocked())
                    .cloned()
                    .collect();
                match waiting.is_empty() || self.random.one_in(4) {
                    true => Command::RemoveDependency {
                        id: self.some_order(),
                        on: self.some_order(),
                    },
                    false => {
                        let order = self.random.of(&waiting);
                        Command::RemoveDependency {
                            id: order.id,
                            on: self.random.of(&order.depends_on).on,
                        }
                    }
                }
            }
            150..165 => Command::EditOrder {
                id: self.some_order(),
                changes: self.changes(),
                add_labels: if self.random.one_in(4) {
                    vec!["late".into()]
                } else {
                    vec![]
                },
                remove_labels: vec![],
            },
            165..170 => Command::TriggerAndon {
                reason: "slipped".into(),
                severity: self.random.of(Severity::ALL),
                hold: match self.random.below(4) {
                    0 => None,
                    1 => Some(Hold::Nothing),
                    _ => Some(Hold::Scope(self.scope())),
                },
                fingerprint: self
                    .random
                    .one_in(2)
                    .then(|| self.random.of(&CONDITIONS).into()),
                order: self.random.one_in(4).then(|| self.some_order()),
            },
            170..181 => Command::ResolveAlert {
                id: self.alert(),
                resolution: "mended".into(),
            },
            181 => Command::AcknowledgeAlert { id: self.alert() },
            182 => Command::SnoozeAlert {
                id: self.alert(),
                seconds: self.random.within(0, 3_000),
            },
            183 => Command::RecoverAlert {
                fingerprint: self.random.of(&CONDITIONS).into(),
            },
            184..187 => Command::LinkCorrective {
                id: self.alert(),
                order: self.some_order(),
            },
            187 => self.link(true),
            188 => self.link(false),
            189..193 => Command::SetBucket {
                bucket: self.random.of(Bucket::ALL),
                wip_limit: Some(self.random.of(&[1, 2, 2, 3])),
                sla: self.random.of(&[
                    None,
                    Some(Sla::None),
                    Some(Sla::Hours(1)),
                    Some(Sla::Hours(5)),
                ]),
            },
            193..196 => {
                let put = StageChange::Put {
                    wip_limit: self.random.of(&[None, Some(0), Some(1), Some(4)]),
                    position: self.random.of(&[None, Some(1), Some(3), Some(9)]),
                };
                let change = self.random.of(&[put, put, StageChange::Remove]);
                Command::SetStage {
                    name: self.stage(),
                    change,
                }
            }
            196 => Command::RegisterAgent {
                name: self.random.of(&AGENTS).into(),
                role: None,
                capabilities: PullFilter {
                    labels: self.random.of(&[vec![], vec![], vec!["ui".into()]]),
                    ..PullFilter::default()
                },
            },
            197 => Command::PauseAgent {
                name: self.random.of(&AGENTS).into(),
                reason: None,
            },
            198 => Command::ResumeAgent {
                name: self.random.of(&AGENTS).into(),
            },
            _ => match self.random.below(8) {
                0 => Command::NoteRestore {
                    incarnation: self.line.state.incarnation + 1,
                },
                1 => Command::Genesis {
                    uuid: self.line.state.uuid,
                },
                _ => Command::ElectHost { pid: 1 },
            },
        };
        (self.who(&command), command)
    }

    fn link(&mut self, there: bool) -> Command {
        let link = Link {
            kind: "related".into(),
            target: self.random.of(&["here", "there"]).into(),
        };
        let id = self.some_order();
        if there {
            Command::AddLink { id, link }
        } else {
            Command::RemoveLink { id, link }
        }
    }

    /// Returns who says it: mostly somebody who may, and mostly the holder where there is one.
    fn who(&mut self, command: &Command) -> Who {
        let order = written(command)
            .and_then(|id| self.line.state.order(id))
            .cloned();
        let work = order.as_ref().and_then(|order| order.work());
        let (actor, role) = match (work, self.random.below(20)) {
            (_, 0) => (Actor::person("eve"), Role::Viewer),
            (Some(work), 1..10) => (work.holder.clone(), Role::Agent),
            (_, 1..13) => (Actor::agent(self.random.of(&AGENTS)), Role::Agent),
            (_, 13..16) => (Actor::person("pat"), Role::Operator),
            _ => (Actor::person("ada"), Role::Admin),
        };
        let role = if self.random.one_in(3) {
            role
        } else {
            role.max(command.spec().role)
        };
        let lease = work.and_then(|work| work.lease);
        let epoch = match (lease, self.random.below(16)) {
            (_, 0) => Some(self.random.within(0, 3)),
            (Some(_), 1..3) => None,
            (Some(lease), _) => Some(lease.epoch),
            (None, _) => None,
        };
        Who { actor, role, epoch }
    }
}

fn follow(mut state: State, records: &[Record]) -> State {
    for record in records {
        evolve::evolve(&mut state, record).expect("a known event");
    }
    state
}

/// Returns the order whose claim a command is fenced by.
fn written(command: &Command) -> Option<OrderId> {
    match command {
        Command::EditOrder { id, .. }
        | Command::StartOrder { id }
        | Command::ClaimOrder { id, .. }
        | Command::MoveOrder { id, .. }
        | Command::CompleteOrder { id, .. }
        | Command::CancelOrder { id, .. }
        | Command::ReleaseOrder { id, .. }
        | Command::CommentOrder { id, .. }
        | Command::AddDependency { id, .. }
        | Command::RemoveDependency { id, .. }
        | Command::AddLink { id, .. }
        | Command::RemoveLink { id, .. } => Some(*id),
        _ => None,
    }
}
