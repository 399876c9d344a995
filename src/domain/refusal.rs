//! Why not, as data: the rule, the ids in the way, and what would lift it.

mod words;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    andon::Scope,
    command::Role,
    gate::ClosedGate,
    id::{AlertId, OrderId},
    order::{Actor, Bucket, Dependency, Status},
    time::{Timestamp, rfc3339},
    usage::{BudgetView, UsageView},
};

/// A command that a rule does not allow. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "rule", rename_all = "snake_case")]
pub enum Refusal {
    /// There is no such thing.
    NotFound {
        /// What was named.
        subject: String,
    },
    /// The order is closed, and this needs an open one.
    Closed {
        /// Which.
        id: OrderId,
        /// How it ended.
        status: Status,
    },
    /// The order is open, and this needs a closed one.
    NotClosed {
        /// Which.
        id: OrderId,
    },
    /// The order is not in progress.
    NotStarted {
        /// Which.
        id: OrderId,
    },
    /// Somebody has it already.
    AlreadyStarted {
        /// Which.
        id: OrderId,
        /// Who.
        holder: Actor,
        /// Where it stands.
        stage: String,
    },
    /// Epics are never pulled: they are done when their children are.
    Epic {
        /// Which.
        id: OrderId,
    },
    /// One more would be above the limit.
    WipLimit {
        /// The bucket or stage that is full.
        scope: Scope,
        /// Its limit.
        limit: u32,
        /// How many are in it.
        count: u32,
    },
    /// It waits for others.
    Blocked {
        /// Which.
        id: OrderId,
        /// For what.
        waits_for: Vec<Dependency>,
    },
    /// An alert holds it.
    Held {
        /// What was to be done.
        id: OrderId,
        /// The alerts that hold it.
        alerts: Vec<AlertId>,
        /// What the first of them holds.
        scope: Scope,
    },
    /// It would wait for itself.
    Cycle {
        /// The chain of waits that would close, from an order back to itself.
        path: Vec<OrderId>,
    },
    /// Children are still open.
    ChildrenOpen {
        /// Which.
        id: OrderId,
        /// Its open children.
        children: Vec<OrderId>,
    },
    /// The write does not carry the claim's epoch.
    StaleEpoch {
        /// Which.
        id: OrderId,
        /// What was given.
        given: Option<u32>,
        /// The epoch that holds now, if there is a hold.
        current: Option<u32>,
    },
    /// Somebody else holds it.
    NotHolder {
        /// Which.
        id: OrderId,
        /// Who holds it.
        holder: Actor,
    },
    /// Quality gates hold it.
    GateClosed {
        /// Which.
        id: OrderId,
        /// The gates, by name, and how it stands at each.
        gates: Vec<ClosedGate>,
    },
    /// The work is on a branch of its own, and the project's branch does not have it.
    Unmerged {
        /// Which.
        id: OrderId,
        /// The branch.
        branch: String,
    },
    /// Who did the work, or is an agent, does not judge it.
    NotApprover {
        /// Which.
        id: OrderId,
        /// At which gate.
        gate: String,
        /// Who wanted to.
        actor: Actor,
    },
    /// A side effect of a host that is no longer the host.
    StaleTerm {
        /// What was given.
        given: u64,
        /// The term that holds now.
        current: u64,
    },
    /// Only the engine does this, by itself.
    EngineOnly,
    /// It changed since the caller looked, and what the caller wants depends on how it was.
    Changed {
        /// Which.
        id: OrderId,
    },
    /// Somebody did something about the alert since the caller looked, and what the caller wants depends on how it was.
    AlertChanged {
        /// Which.
        id: AlertId,
    },
    /// There is nothing to pull. An order that is in more than one difficulty counts in each.
    NothingReady {
        /// Queued orders that passed the filter.
        queued: u32,
        /// Of them, how many wait for others.
        blocked: u32,
        /// Of them, how many an alert holds.
        held: u32,
        /// Of them, how many are in a bucket that is full.
        full: u32,
        /// Of them, how many would spend a budget that is spent.
        #[serde(default, skip_serializing_if = "is_none")]
        spent: u32,
        /// The buckets that are full.
        full_buckets: Vec<Bucket>,
        /// Of those, the ones that are full with nothing in them: their limit is zero.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        shut_buckets: Vec<Bucket>,
        /// The alerts that hold.
        alerts: Vec<AlertId>,
        /// Whether the first stage is full.
        stage_full: Option<String>,
    },
    /// What it would use up may not be.
    BudgetSpent {
        /// Whose budget it is.
        scope: Scope,
        /// What was used up of it.
        spent: UsageView,
        /// What may be.
        limit: BudgetView,
        /// When it is whole again by itself, if ever.
        #[serde(default, with = "rfc3339")]
        #[schemars(with = "Option<rfc3339::Written>")]
        until: Option<Timestamp>,
    },
    /// The agent is paused.
    AgentPaused {
        /// Which.
        name: String,
    },
    /// The agent holds orders, and this needs one that holds none.
    AgentHolds {
        /// Which.
        name: String,
        /// What it holds.
        orders: Vec<OrderId>,
    },
    /// The role may not do this.
    Role {
        /// What the caller has.
        has: Role,
        /// What it takes.
        needs: Role,
    },
    /// A field is not what it should be.
    Invalid {
        /// Which field.
        field: String,
        /// What is wrong, and what would be right.
        why: String,
    },
    /// A limit of the ledger itself.
    Limit {
        /// Of what.
        what: String,
        /// How many there may be.
        limit: u64,
    },
    /// Orders stand in the stage that was to go.
    StageInUse {
        /// Which.
        stage: String,
        /// How many.
        orders: u32,
    },
    /// The same command id came with another body.
    CommandReused {
        /// The seq of the first record that the id stands for.
        seq: u64,
    },
    /// Nobody answered a request in time; it is a dead letter now.
    NoReply {
        /// Where it went.
        address: String,
        /// How long the caller waited, in milliseconds.
        waited: u64,
        /// The dead letter's number.
        letter: u64,
        /// Whether nobody ever took messages there.
        nobody: bool,
    },
    /// The ledger holds events that this version does not know.
    NewerLedger {
        /// The first such event's name.
        kind: String,
        /// Where it stands.
        seq: u64,
    },
}

fn is_none(count: &u32) -> bool {
    *count == 0
}

impl Refusal {
    /// Returns an [`Refusal::Invalid`].
    pub fn invalid(field: &str, why: impl Into<String>) -> Self {
        Refusal::Invalid {
            field: field.into(),
            why: why.into(),
        }
    }

    /// Returns a [`Refusal::NotFound`].
    pub fn not_found(subject: impl fmt::Display) -> Self {
        Refusal::NotFound {
            subject: subject.to_string(),
        }
    }

    /// Returns the rule's name.
    pub fn rule(&self) -> &'static str {
        match self {
            Refusal::NotFound { .. } => "not_found",
            Refusal::Closed { .. } => "closed",
            Refusal::NotClosed { .. } => "not_closed",
            Refusal::NotStarted { .. } => "not_started",
            Refusal::AlreadyStarted { .. } => "already_started",
            Refusal::Epic { .. } => "epic",
            Refusal::WipLimit { .. } => "wip_limit",
            Refusal::Blocked { .. } => "blocked",
            Refusal::Held { .. } => "held",
            Refusal::Cycle { .. } => "cycle",
            Refusal::ChildrenOpen { .. } => "children_open",
            Refusal::StaleEpoch { .. } => "stale_epoch",
            Refusal::NotHolder { .. } => "not_holder",
            Refusal::GateClosed { .. } => "gate_closed",
            Refusal::Unmerged { .. } => "unmerged",
            Refusal::NotApprover { .. } => "not_approver",
            Refusal::StaleTerm { .. } => "stale_term",
            Refusal::EngineOnly => "engine_only",
            Refusal::Changed { .. } => "changed",
            Refusal::AlertChanged { .. } => "alert_changed",
            Refusal::NothingReady { .. } => "nothing_ready",
            Refusal::BudgetSpent { .. } => "budget_spent",
            Refusal::AgentPaused { .. } => "agent_paused",
            Refusal::AgentHolds { .. } => "agent_holds",
            Refusal::Role { .. } => "role",
            Refusal::Invalid { .. } => "invalid",
            Refusal::Limit { .. } => "limit",
            Refusal::StageInUse { .. } => "stage_in_use",
            Refusal::CommandReused { .. } => "command_reused",
            Refusal::NoReply { .. } => "no_reply",
            Refusal::NewerLedger { .. } => "newer_ledger",
        }
    }
}
