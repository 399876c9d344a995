//! What is said in the random worlds: by whom, to which order.

use obeya::domain::{
    agent::PullFilter,
    andon::{Scope, Severity},
    command::{Command, Destination, Hold, NewOrder, Role, Sla, StageChange},
    event::{Changes, Parent},
    id::{AlertId, OrderId},
    order::{Actor, Bucket, Kind, Link, Priority},
};

use super::World;
use crate::support::line::{Who, system};

/// About as many open orders as a world keeps, so that any two commands are likely to meet.
const OPEN: usize = 24;

pub(super) const AGENTS: [&str; 3] = ["ann", "bob", "cal"];
const STAGES: [&str; 5] = ["design", "code", "test", "review", "ship"];
const CONDITIONS: [&str; 3] = ["ci:red", "disk:full", "sla:features"];

impl World {
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
    pub(super) fn working(&mut self) -> OrderId {
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

    /// Returns what is said next, and who says it.
    pub(super) fn command(&mut self) -> (Who, Command) {
        let crowded = self.line.state.open_count() > OPEN;
        let command = match self.random.below(226) {
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
            183 if self.random.one_in(2) => Command::EscalateAlert {
                id: self.alert(),
                to: self.random.one_in(2).then(|| self.random.of(Severity::ALL)),
                reason: None,
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
            200..212 => self.gate(),
            212..226 => self.usage(),
            _ => match self.random.below(9) {
                8 => Command::UnregisterAgent {
                    name: self.random.of(&AGENTS).into(),
                },
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
        if matches!(
            command,
            Command::SetGate { .. }
                | Command::RemoveGate { .. }
                | Command::RecordGate { .. }
                | Command::RecordWorkspace { .. }
                | Command::SetBudget { .. }
                | Command::RemoveBudget { .. }
        ) && !self.random.one_in(8)
        {
            return system();
        }
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

/// Returns the order whose claim a command is fenced by.
pub(super) fn written(command: &Command) -> Option<OrderId> {
    match command {
        Command::EditOrder { id, .. }
        | Command::StartOrder { id }
        | Command::ClaimOrder { id, .. }
        | Command::MoveOrder { id, .. }
        | Command::CompleteOrder { id, .. }
        | Command::CancelOrder { id, .. }
        | Command::ReleaseOrder { id, .. }
        | Command::CommentOrder { id, .. }
        | Command::RecordUsage { id, .. }
        | Command::AddDependency { id, .. }
        | Command::RemoveDependency { id, .. }
        | Command::AddLink { id, .. }
        | Command::RemoveLink { id, .. }
        | Command::RecordGate { id, .. }
        | Command::RecordWorkspace { id, .. }
        | Command::ApproveGate { id, .. }
        | Command::RejectGate { id, .. } => Some(*id),
        Command::LinkCorrective { order, .. } => Some(*order),
        _ => None,
    }
}
