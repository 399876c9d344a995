//! What an event is about.

use super::Event;

impl Event {
    /// Returns what the event is about, as the ledger's index knows it: an order, an alert, `agent:NAME` or `ledger`.
    pub fn subject(&self) -> String {
        match self {
            Event::OrderCreated { id, .. }
            | Event::OrderImported { id, .. }
            | Event::OrderMerged { id, .. }
            | Event::OrderClosedElsewhere { id, .. }
            | Event::OrderEdited { id, .. }
            | Event::OrderStarted { id, .. }
            | Event::OrderMoved { id, .. }
            | Event::OrderReleased { id, .. }
            | Event::LeaseLapsed { id, .. }
            | Event::OrderCompleted { id, .. }
            | Event::OrderCancelled { id, .. }
            | Event::OrderReopened { id, .. }
            | Event::OrderCommented { id, .. }
            | Event::DependencyAdded { id, .. }
            | Event::DependencyRemoved { id, .. }
            | Event::LinkAdded { id, .. }
            | Event::LinkRemoved { id, .. }
            | Event::GateRecorded { id, .. }
            | Event::GateJudged { id, .. }
            | Event::WorkspaceRecorded { id, .. }
            | Event::UsageRecorded { id, .. }
            | Event::SlaBreached { id, .. } => id.to_string(),
            Event::AlertRaised { id, .. }
            | Event::AlertRepeated { id, .. }
            | Event::AlertHeld { id, .. }
            | Event::AlertRecovered { id }
            | Event::AlertAcknowledged { id }
            | Event::AlertSnoozed { id, .. }
            | Event::AlertWoke { id }
            | Event::AlertEscalated { id, .. }
            | Event::CorrectiveLinked { id, .. }
            | Event::AlertResolved { id, .. } => id.to_string(),
            Event::AgentRegistered { name, .. }
            | Event::AgentPaused { name, .. }
            | Event::AgentResumed { name }
            | Event::AgentUnregistered { name } => format!("agent:{name}"),
            Event::LedgerCreated { .. }
            | Event::LedgerRestored { .. }
            | Event::HostElected { .. }
            | Event::BucketSet { .. }
            | Event::StagesSet { .. }
            | Event::PolicySet { .. }
            | Event::GateSet { .. }
            | Event::GateRemoved { .. }
            | Event::BudgetSet { .. }
            | Event::BudgetRemoved { .. }
            | Event::ImportFinished { .. }
            | Event::LeasesRenewed { .. } => "ledger".into(),
        }
    }
}
