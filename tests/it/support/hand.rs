//! Somebody at the line, with one short word for each command.

use obeya::domain::{
    agent::PullFilter,
    andon::{Scope, Severity},
    command::{Command, Destination, Hold, NewOrder, Sla, StageChange},
    event::{Changes, Event},
    id::{AlertId, OrderId},
    order::Bucket,
    refusal::Refusal,
};

use super::line::{Line, Who};

/// What a submission came to.
pub(crate) type Outcome = Result<Vec<Event>, Refusal>;

/// Somebody at the line.
pub(crate) struct Hand<'a> {
    pub(super) line: &'a mut Line,
    pub(super) who: Who,
}

impl Hand<'_> {
    pub(crate) fn epoch(mut self, epoch: u32) -> Self {
        self.who.epoch = Some(epoch);
        self
    }

    pub(crate) fn submit(self, command: Command) -> Outcome {
        self.line.submit(&self.who, &command)
    }

    pub(crate) fn create(self, order: NewOrder) -> Result<OrderId, Refusal> {
        let events = self.submit(Command::CreateOrder { order })?;
        match events.first() {
            Some(Event::OrderCreated { id, .. }) => Ok(*id),
            other => panic!("created {other:?}"),
        }
    }

    pub(crate) fn edit(self, id: OrderId, changes: Changes) -> Outcome {
        let (add_labels, remove_labels) = (vec![], vec![]);
        self.submit(Command::EditOrder {
            id,
            changes,
            add_labels,
            remove_labels,
        })
    }

    pub(crate) fn bucket(self, id: OrderId, bucket: Bucket) -> Outcome {
        self.edit(
            id,
            Changes {
                bucket: Some(bucket),
                ..Changes::default()
            },
        )
    }

    pub(crate) fn start(self, id: OrderId) -> Outcome {
        self.submit(Command::StartOrder { id })
    }

    pub(crate) fn claim(self, id: OrderId) -> Outcome {
        self.submit(Command::ClaimOrder {
            id,
            lease_seconds: None,
        })
    }

    pub(crate) fn next(self) -> Outcome {
        self.submit(Command::PullNext {
            filter: PullFilter::default(),
            lease_seconds: None,
        })
    }

    pub(crate) fn to(self, id: OrderId, stage: &str) -> Outcome {
        self.submit(Command::MoveOrder {
            id,
            to: Destination::Stage(stage.into()),
        })
    }

    pub(crate) fn right(self, id: OrderId) -> Outcome {
        self.submit(Command::MoveOrder {
            id,
            to: Destination::Right,
        })
    }

    pub(crate) fn left(self, id: OrderId) -> Outcome {
        self.submit(Command::MoveOrder {
            id,
            to: Destination::Left,
        })
    }

    pub(crate) fn complete(self, id: OrderId) -> Outcome {
        self.submit(Command::CompleteOrder {
            id,
            sku: None,
            note: None,
        })
    }

    pub(crate) fn cancel(self, id: OrderId) -> Outcome {
        self.submit(Command::CancelOrder {
            id,
            reason: "no longer wanted".into(),
        })
    }

    pub(crate) fn reopen(self, id: OrderId) -> Outcome {
        self.submit(Command::ReopenOrder { id, reason: None })
    }

    pub(crate) fn release(self, id: OrderId) -> Outcome {
        self.submit(Command::ReleaseOrder {
            id,
            force: false,
            reason: None,
        })
    }

    pub(crate) fn force(self, id: OrderId, reason: Option<&str>) -> Outcome {
        let reason = reason.map(Into::into);
        self.submit(Command::ReleaseOrder {
            id,
            force: true,
            reason,
        })
    }

    pub(crate) fn comment(self, id: OrderId, text: &str) -> Outcome {
        self.submit(Command::CommentOrder {
            id,
            text: text.into(),
        })
    }

    pub(crate) fn depend(self, id: OrderId, on: OrderId) -> Outcome {
        self.submit(Command::AddDependency { id, on })
    }

    pub(crate) fn undepend(self, id: OrderId, on: OrderId) -> Outcome {
        self.submit(Command::RemoveDependency { id, on })
    }

    pub(crate) fn andon(self, severity: Severity, hold: Option<Hold>) -> Result<AlertId, Refusal> {
        let events = self.submit(Command::TriggerAndon {
            reason: "quality slipped".into(),
            severity,
            hold,
            fingerprint: None,
            order: None,
        })?;
        match events.first() {
            Some(Event::AlertRaised { id, .. }) => Ok(*id),
            other => panic!("raised {other:?}"),
        }
    }

    pub(crate) fn hold(self, scope: Scope) -> AlertId {
        self.andon(Severity::High, Some(Hold::Scope(scope)))
            .expect("the scope is there")
    }

    pub(crate) fn condition(self, severity: Severity, fingerprint: &str) -> Outcome {
        self.submit(Command::TriggerAndon {
            reason: "quality slipped".into(),
            severity,
            hold: None,
            fingerprint: Some(fingerprint.into()),
            order: None,
        })
    }

    pub(crate) fn acknowledge(self, id: AlertId) -> Outcome {
        self.submit(Command::AcknowledgeAlert { id })
    }

    pub(crate) fn snooze(self, id: AlertId, seconds: u32) -> Outcome {
        self.submit(Command::SnoozeAlert { id, seconds })
    }

    pub(crate) fn escalate(self, id: AlertId, to: Option<Severity>) -> Outcome {
        self.submit(Command::EscalateAlert {
            id,
            to,
            reason: Some("it spreads".into()),
        })
    }

    pub(crate) fn recover(self, fingerprint: &str) -> Outcome {
        self.submit(Command::RecoverAlert {
            fingerprint: fingerprint.into(),
        })
    }

    pub(crate) fn resolve(self, id: AlertId) -> Outcome {
        self.submit(Command::ResolveAlert {
            id,
            resolution: "mended".into(),
        })
    }

    pub(crate) fn correct(self, id: AlertId, order: OrderId) -> Outcome {
        self.submit(Command::LinkCorrective { id, order })
    }

    pub(crate) fn limit(self, bucket: Bucket, wip: u32) -> Outcome {
        self.submit(Command::SetBucket {
            bucket,
            wip_limit: Some(wip),
            sla: None,
        })
    }

    pub(crate) fn promise(self, bucket: Bucket, sla: Sla) -> Outcome {
        self.submit(Command::SetBucket {
            bucket,
            wip_limit: None,
            sla: Some(sla),
        })
    }

    pub(crate) fn stage(self, name: &str, change: StageChange) -> Outcome {
        self.submit(Command::SetStage {
            name: name.into(),
            change,
        })
    }

    pub(crate) fn stage_limit(self, name: &str, limit: u32) -> Outcome {
        self.stage(
            name,
            StageChange::Put {
                wip_limit: Some(limit),
                position: None,
            },
        )
    }

    pub(crate) fn register(self, name: &str, capabilities: PullFilter) -> Outcome {
        self.submit(Command::RegisterAgent {
            name: name.into(),
            role: None,
            capabilities,
        })
    }

    pub(crate) fn pause(self, name: &str) -> Outcome {
        self.submit(Command::PauseAgent {
            name: name.into(),
            reason: None,
        })
    }

    pub(crate) fn resume(self, name: &str) -> Outcome {
        self.submit(Command::ResumeAgent { name: name.into() })
    }

    pub(crate) fn unregister(self, name: &str) -> Outcome {
        self.submit(Command::UnregisterAgent { name: name.into() })
    }
}
