//! What happened: every fact the ledger can hold, each with a frozen version.

mod parts;
mod stored;
mod subject;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    agent::PullFilter,
    andon::{Freed, Scope, Severity},
    budget::BudgetScope,
    gate::{GateEvidence, GateRule, GateRun},
    id::{AlertId, OrderId},
    order::{
        Actor, Bucket, ClosedOrder, External, Kind, Lease, Link, Outcome, Priority, PullSignal,
        Wait, Workspace,
    },
    record::Hash,
    settings::{BucketRule, Policy, Stage},
    time::Timestamp,
    usage::{Budget, Usage},
};

pub use parts::{Baseline, Changes, ImportedEnd, ImportedItem, Parent};
pub use stored::Undecodable;

/// Declares the events once: the enum, each event's stored name and its version.
macro_rules! events {
    ($($(#[$meta:meta])* $variant:ident = $word:literal $version:literal { $($(#[$fmeta:meta])* $field:ident : $type:ty),* $(,)? }),+ $(,)?) => {
        /// A fact. As JSON it is externally tagged with the stored name.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        pub enum Event {
            $($(#[$meta])* #[serde(rename = $word)] $variant { $($(#[$fmeta])* $field: $type),* }),+
        }

        /// Every event's stored name and current version.
        pub const EVENTS: &[(&str, u16)] = &[$(($word, $version)),+];

        impl Event {
            /// Returns the stored name.
            pub fn kind(&self) -> &'static str {
                match self { $(Event::$variant { .. } => $word),+ }
            }

            /// Returns the version that is written today.
            pub fn version(&self) -> u16 {
                match self { $(Event::$variant { .. } => $version),+ }
            }
        }
    };
}

events! {
    /// The ledger came into being.
    LedgerCreated = "ledger_created" 1 {
        /// Its name for ever.
        uuid: Uuid,
        /// Raised by every restore.
        incarnation: u64,
    },
    /// The ledger was replaced by a backup of it.
    LedgerRestored = "ledger_restored" 1 {
        /// The incarnation from here on.
        incarnation: u64,
    },
    /// A process became the host.
    HostElected = "host_elected" 1 {
        /// Rises with every election; side effects carry it.
        term: u64,
        /// The process.
        pid: u32,
    },
    /// The rules of a bucket changed.
    BucketSet = "bucket_set" 1 {
        /// Which.
        bucket: Bucket,
        /// The rules from here on.
        rule: BucketRule,
    },
    /// The board's stages changed.
    StagesSet = "stages_set" 1 {
        /// All of them, left to right.
        stages: Vec<Stage>,
    },
    /// The times that rules use changed.
    PolicySet = "policy_set" 1 {
        /// All of them.
        policy: Policy,
    },
    /// An order came into being here.
    OrderCreated = "order_created" 1 {
        /// Its id.
        id: OrderId,
        /// What sort of work.
        kind: Kind,
        /// One line.
        title: String,
        /// Any text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<String>,
        /// Its class of service.
        bucket: Bucket,
        /// How urgent.
        priority: Priority,
        /// Sorted labels.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        labels: Vec<String>,
        /// Minutes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        estimate: Option<u32>,
        /// Who is meant to do it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        assignee: Option<String>,
        /// The order it is part of.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parent: Option<OrderId>,
        /// The alerts it is meant to mend.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        corrective: Vec<AlertId>,
        /// Where it came from.
        signal: PullSignal,
    },
    /// An item of another system came in, or came in again with changes. Carries the item as it was read.
    OrderImported = "order_imported" 1 {
        /// The id it has here.
        id: OrderId,
        /// The item.
        item: Box<ImportedItem>,
        /// Its name there; the base of the next merge.
        external: External,
    },
    /// A newer file of the other system was merged into an order that is already here.
    OrderMerged = "order_merged" 1 {
        /// Which.
        id: OrderId,
        /// The item as the file has it: the next base.
        item: Box<ImportedItem>,
        /// Its name there.
        external: External,
        /// What was taken over.
        changes: Box<Changes>,
    },
    /// An order of another system was found closed there by a later import.
    OrderClosedElsewhere = "order_closed_elsewhere" 1 {
        /// Which.
        id: OrderId,
        /// How; never with a receipt.
        outcome: Outcome,
        /// When, there.
        closed: Timestamp,
    },
    /// One import is done.
    ImportFinished = "import_finished" 1 {
        /// The system.
        source: String,
        /// Items that were new.
        added: u32,
        /// Items that changed what was here.
        updated: u32,
        /// Items that were here already.
        unchanged: u32,
    },
    /// Fields of an order changed.
    OrderEdited = "order_edited" 1 {
        /// Which.
        id: OrderId,
        /// What changed, and to what.
        changes: Box<Changes>,
    },
    /// Work began.
    OrderStarted = "order_started" 1 {
        /// Which.
        id: OrderId,
        /// The stage it entered.
        stage: String,
        /// Who holds it.
        holder: Actor,
        /// The fencing number of this hold.
        epoch: u32,
        /// The hold's expiry; None for a person's start.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lease: Option<Lease>,
    },
    /// An order changed its stage.
    OrderMoved = "order_moved" 1 {
        /// Which.
        id: OrderId,
        /// From which stage.
        from: String,
        /// To which stage.
        to: String,
    },
    /// A hold was given back; the order is queued again.
    OrderReleased = "order_released" 1 {
        /// Which.
        id: OrderId,
        /// Whether someone else's hold was broken.
        forced: bool,
        /// Why, if it was said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// A lease ran out; the order is queued again.
    LeaseLapsed = "lease_lapsed" 1 {
        /// Which.
        id: OrderId,
        /// Whose.
        holder: Actor,
        /// The epoch that ended.
        epoch: u32,
    },
    /// Leases were renewed in full because the clock cannot be trusted.
    LeasesRenewed = "leases_renewed" 1 {
        /// Each order and its new expiry.
        leases: Vec<(OrderId, Timestamp)>,
    },
    /// An order is done.
    OrderCompleted = "order_completed" 3 {
        /// Which.
        id: OrderId,
        /// What was delivered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sku: Option<String>,
        /// What to remember.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
        /// Who did it: the holder, or who completed it.
        by: Actor,
        /// The receipt's number.
        receipt: u64,
        /// The hash of the receipt before.
        previous_receipt: Hash,
        /// What was seen at its gates; version 1 knew none.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        evidence: Vec<GateEvidence>,
        /// Where it was made, with the commits before and after; version 2 knew of none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        workspace: Option<Box<Workspace>>,
        /// What work on it used up; versions 1 and 2 knew nothing of it.
        #[serde(default, skip_serializing_if = "Usage::is_none")]
        usage: Usage,
    },
    /// An order was given up.
    OrderCancelled = "order_cancelled" 1 {
        /// Which.
        id: OrderId,
        /// Why.
        reason: String,
    },
    /// A closed order is open again; carries its whole form, edges included.
    OrderReopened = "order_reopened" 1 {
        /// Which.
        id: OrderId,
        /// As it was closed, with its edges checked anew.
        form: Box<ClosedOrder>,
        /// Why, if it was said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Somebody said something.
    OrderCommented = "order_commented" 1 {
        /// About which.
        id: OrderId,
        /// What.
        text: String,
        /// Who, where it was not the actor: imports carry authors.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        author: Option<String>,
    },
    /// One order now waits for another.
    DependencyAdded = "dependency_added" 1 {
        /// Which waits.
        id: OrderId,
        /// For which.
        on: OrderId,
        /// How far that one is.
        state: Wait,
    },
    /// One order no longer waits for another.
    DependencyRemoved = "dependency_removed" 1 {
        /// Which waited.
        id: OrderId,
        /// For which.
        on: OrderId,
    },
    /// A relation that rules nothing was noted.
    LinkAdded = "link_added" 1 {
        /// Of which.
        id: OrderId,
        /// The relation.
        link: Link,
    },
    /// A relation was taken back.
    LinkRemoved = "link_removed" 1 {
        /// Of which.
        id: OrderId,
        /// The relation.
        link: Link,
    },
    /// An order is past its SLA.
    SlaBreached = "sla_breached" 1 {
        /// Which.
        id: OrderId,
        /// Its bucket at that time.
        bucket: Bucket,
    },
    /// An alert was raised.
    AlertRaised = "alert_raised" 1 {
        /// Its id.
        id: AlertId,
        /// How bad.
        severity: Severity,
        /// What is wrong.
        reason: String,
        /// The condition it stands for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fingerprint: Option<String>,
        /// What it holds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hold: Option<Scope>,
        /// The order it is about.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        order: Option<OrderId>,
    },
    /// An open alert's condition was seen again.
    AlertRepeated = "alert_repeated" 1 {
        /// Which.
        id: AlertId,
        /// The order it was seen on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        order: Option<OrderId>,
    },
    /// An open alert holds from here on, or holds more than it did.
    AlertHeld = "alert_held" 1 {
        /// Which.
        id: AlertId,
        /// What it holds now.
        hold: Scope,
    },
    /// An open alert's condition is over; the alert stays until somebody resolves it.
    AlertRecovered = "alert_recovered" 1 {
        /// Which.
        id: AlertId,
    },
    /// Somebody took notice.
    AlertAcknowledged = "alert_acknowledged" 1 {
        /// Of which.
        id: AlertId,
    },
    /// An alert was put to sleep; its hold stays.
    AlertSnoozed = "alert_snoozed" 1 {
        /// Which.
        id: AlertId,
        /// Until when.
        until: Timestamp,
    },
    /// A snooze ended.
    AlertWoke = "alert_woke" 1 {
        /// Which.
        id: AlertId,
    },
    /// The alert grew worse: nobody took notice in time, its condition was seen again and worse, or somebody said so.
    /// Version 1 has no reason.
    AlertEscalated = "alert_escalated" 2 {
        /// Which.
        id: AlertId,
        /// How bad it is now.
        severity: Severity,
        /// Why, if somebody said so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// An order was named to mend an alert.
    CorrectiveLinked = "corrective_linked" 1 {
        /// Which alert.
        id: AlertId,
        /// Which order.
        order: OrderId,
    },
    /// An alert is over; what it held is free. Version 1 does not say how much that was.
    AlertResolved = "alert_resolved" 2 {
        /// Which.
        id: AlertId,
        /// What was done.
        resolution: String,
        /// What that set free, if it held anything.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        freed: Option<Freed>,
    },
    /// An agent was registered, or registered anew.
    AgentRegistered = "agent_registered" 1 {
        /// Its name.
        name: String,
        /// What it does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        role: Option<String>,
        /// What it may pull.
        #[serde(default)]
        capabilities: PullFilter,
    },
    /// An agent pulls nothing from here on.
    AgentPaused = "agent_paused" 1 {
        /// Which.
        name: String,
        /// Why, if it was said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// An agent pulls again.
    AgentResumed = "agent_resumed" 1 {
        /// Which.
        name: String,
    },
    /// An agent is not registered any more.
    AgentUnregistered = "agent_unregistered" 1 {
        /// Which.
        name: String,
    },
    /// A quality gate was put up, or its rule changed.
    GateSet = "gate_set" 1 {
        /// Which.
        name: String,
        /// The rule from here on.
        rule: Box<GateRule>,
    },
    /// A quality gate was taken down.
    GateRemoved = "gate_removed" 1 {
        /// Which.
        name: String,
    },
    /// The engine looked at an order's gate.
    GateRecorded = "gate_recorded" 1 {
        /// Which order.
        id: OrderId,
        /// Which gate.
        gate: String,
        /// What was seen.
        run: Box<GateRun>,
    },
    /// A person looked at an order's gate.
    GateJudged = "gate_judged" 1 {
        /// Which order.
        id: OrderId,
        /// Which gate.
        gate: String,
        /// What was seen.
        run: Box<GateRun>,
    },
    /// The engine made an order's workspace, or brought it further.
    WorkspaceRecorded = "workspace_recorded" 1 {
        /// Of which order.
        id: OrderId,
        /// How it stands.
        workspace: Box<Workspace>,
        /// The term of the host that did it.
        term: u64,
    },
    /// Work on an order used something up.
    UsageRecorded = "usage_recorded" 1 {
        /// Which order; it may be closed.
        id: OrderId,
        /// Its bucket at that time.
        bucket: Bucket,
        /// Which agent used it up; None for a person.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        agent: Option<String>,
        /// The run that did, if it has a name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        run: Option<String>,
        /// How many more tokens.
        tokens: u64,
        /// How much more money, in millionths of a unit.
        cost: u64,
    },
    /// A budget was set, or changed.
    BudgetSet = "budget_set" 1 {
        /// Of what.
        scope: BudgetScope,
        /// What may be used up from here on.
        budget: Budget,
    },
    /// A budget was taken away.
    BudgetRemoved = "budget_removed" 1 {
        /// Of what.
        scope: BudgetScope,
    },
}
