//! One call's way to the line.

use std::sync::Arc;

use uuid::Uuid;

use super::{line::Line, snag::Snag};
use crate::{
    domain::{
        command::{Command, Role, Submission},
        event::Event,
        id::OrderId,
        order::Actor,
        query::{Answer, Query, order_view::OrderView},
        record::Door,
    },
    link::{
        self, Failure, Fault, FaultKind, Heartbeat, Operator, Outcome, Reply,
        bus::{Caller, MessageBus},
        protocol::{FolderAnswer, FolderCall},
    },
};

/// One call: who acts, and an engine as far as it was needed.
pub(super) struct Visit {
    pub(super) line: Arc<Line>,
    pub(super) actor: Actor,
    pub(super) role: Role,
    operator: Option<Box<dyn Operator + Send>>,
}

impl Visit {
    /// Returns a call of a client by this name.
    pub(super) fn new(line: Arc<Line>, client: Option<&str>) -> Self {
        let (actor, role) = line.acting(client);
        Visit {
            line,
            actor,
            role,
            operator: None,
        }
    }

    fn operator(&mut self) -> Result<&mut (dyn Operator + Send), Fault> {
        if self.operator.is_none() {
            self.operator = Some(self.line.options.connection.operator()?);
        }
        match &mut self.operator {
            Some(operator) => Ok(operator.as_mut()),
            None => Err(unexpected()),
        }
    }

    /// Asks a question.
    pub(super) fn ask(&mut self, query: &Query) -> Result<Answer, Snag> {
        Ok(self.operator()?.ask(query)??)
    }

    /// Returns an order as lists show it, by its id here or elsewhere.
    pub(super) fn status(&mut self, order: &str) -> Result<Box<OrderView>, Snag> {
        let order = order.trim().to_owned();
        match self.ask(&Query::Status { order })? {
            Answer::Status(view) => Ok(view),
            _ => Err(unexpected().into()),
        }
    }

    /// Returns the order that a text names.
    pub(super) fn order(&mut self, text: &str) -> Result<OrderId, Snag> {
        match text.trim().parse() {
            Ok(id) => Ok(id),
            Err(_) => Ok(self.status(text)?.id),
        }
    }

    /// Submits a command under the epoch of its order's claim. What may have been applied is asked again once, with the
    /// same id.
    pub(super) fn submit(&mut self, command: Command) -> Result<Outcome, Snag> {
        let submission = Submission {
            id: Uuid::now_v7(),
            actor: self.actor.clone(),
            role: self.role,
            door: Door::Mcp,
            uid: link::uid(),
            epoch: command.order().and_then(|order| self.line.epoch(order)),
            causation: None,
            correlation: None,
            dry_run: self.line.options.dry_run,
            until: None,
            as_of: None,
            command,
        };
        let operator = self.operator()?;
        let reply = match operator.submit(&submission) {
            Reply::Failed(Failure::Unknown(_)) => operator.submit(&submission),
            reply => reply,
        };
        match reply {
            Reply::Done(outcome) => Ok(outcome),
            Reply::Refused(refusal) => Err(refusal.into()),
            Reply::Failed(Failure::NotApplied(fault)) => Err(fault.into()),
            Reply::Failed(Failure::Unknown(fault)) => Err(Snag::Unknown(fault)),
        }
    }

    /// Submits what gives the caller a hold, keeps its epoch, and returns the order; None of a dry run.
    pub(super) fn take(&mut self, command: Command) -> Result<Taken, Snag> {
        let outcome = self.submit(command)?;
        let started = outcome
            .records
            .iter()
            .find_map(|record| match record.event() {
                Some(Event::OrderStarted { id, .. }) => Some(id),
                _ => None,
            });
        match started.filter(|_| !outcome.dry_run) {
            Some(id) => {
                let view = self.status(&id.to_string())?;
                self.holds(&view);
                Ok(Taken::Order(id))
            }
            None => Ok(Taken::Shown(outcome)),
        }
    }

    /// Keeps the epoch of an order that the caller holds.
    pub(super) fn holds(&self, view: &OrderView) {
        if let Some(lease) = view
            .lease
            .filter(|_| view.holder.as_ref() == Some(&self.actor))
        {
            self.line.keep(view.id, lease.epoch);
        }
    }

    /// Renews the lease of a claim that was made here.
    pub(super) fn renew(&mut self, order: OrderId, note: &str) -> Result<(), Snag> {
        self.no_dry_run("A renewal")?;
        let Some(epoch) = self.line.epoch(order) else {
            let view = self.status(&order.to_string())?;
            return Err(Snag::not_claimed_here(&view));
        };
        let beat = Heartbeat {
            order,
            epoch,
            actor: self.actor.clone(),
            role: self.role,
            note: note.to_owned(),
        };
        self.operator()?.heartbeat(&beat)??;
        Ok(())
    }

    /// Asks for something of the ledger's folder.
    pub(super) fn folder(&self, wanted: FolderCall) -> Result<FolderAnswer, Snag> {
        let caller = Caller {
            actor: self.actor.clone(),
            role: self.role,
        };
        Ok(self.line.options.connection.folder(&caller, wanted)??)
    }

    /// Returns the bus, and the caller as the bus knows one.
    pub(super) fn bus(&self) -> Result<(Box<dyn MessageBus + Send>, Caller), Snag> {
        let caller = Caller {
            actor: self.actor.clone(),
            role: self.role,
        };
        Ok((self.line.options.connection.bus()?, caller))
    }

    /// Refuses a dry run where there is nothing to show beforehand.
    pub(super) fn no_dry_run(&self, what: &str) -> Result<(), Snag> {
        match self.line.options.dry_run {
            true => Err(Snag::Usage(format!(
                "{what} cannot be shown beforehand, and this server was started with --dry-run."
            ))),
            false => Ok(()),
        }
    }
}

/// What a pull or a claim came to.
pub(super) enum Taken {
    /// The caller holds this order now.
    Order(OrderId),
    /// What would have been written.
    Shown(Outcome),
}

/// Returns the fault of an engine that answers another question.
pub(super) fn unexpected() -> Fault {
    let what = "the engine answered another question than was asked";
    Fault::new(FaultKind::Misuse, "".as_ref(), what)
}
