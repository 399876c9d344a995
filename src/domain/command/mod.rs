//! Every intent, declared once: its words, its danger and the least role that may have it.

mod parts;
mod submission;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use self::{
    parts::{Destination, Hold, ImportItem, NewOrder, Sla, StageChange},
    submission::Submission,
};
use super::{
    agent::PullFilter,
    andon::Severity,
    budget::BudgetScope,
    event::Changes,
    gate::{GateRule, GateRun},
    id::{AlertId, OrderId},
    order::{Bucket, Link, Workspace, vocabulary},
    usage::Budget,
};

vocabulary! {
    /// What a caller may do; each role may do what those before it may.
    Role ("role") {
        /// Look.
        Viewer = "viewer",
        /// Pull, work and report.
        Agent = "agent",
        /// Drive the line.
        Operator = "operator",
        /// Change the rules.
        Admin = "admin",
    }
}

/// What it takes to take a command back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Danger {
    /// Another command makes it good again.
    Compensable,
    /// Something stops or is thrown away: the console asks first.
    Destructive,
}

/// A command's line in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spec {
    /// The noun that is typed first: `work-order`.
    pub noun: &'static str,
    /// The verb that is typed next: `create`.
    pub verb: &'static str,
    /// The least role that may have it.
    pub role: Role,
    /// What it takes to take it back.
    pub danger: Danger,
    /// One line for help, palette and docs.
    pub about: &'static str,
}

macro_rules! commands {
    ($($(#[$meta:meta])* $variant:ident { $($(#[$fmeta:meta])* $field:ident : $type:ty),* $(,)? } = $noun:literal $verb:literal $role:ident $danger:ident $about:literal),+ $(,)?) => {
        /// An intent. It becomes events, or a refusal.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum Command {
            $($(#[$meta])* $variant { $($(#[$fmeta])* $field: $type),* }),+
        }

        /// Every command's line, in the order of the help.
        pub const COMMANDS: &[Spec] = &[$(Spec {
            noun: $noun, verb: $verb, role: Role::$role, danger: Danger::$danger, about: $about,
        }),+];

        impl Command {
            /// Returns the command's line in the table.
            pub fn spec(&self) -> Spec {
                match self { $(Command::$variant { .. } => Spec {
                    noun: $noun, verb: $verb, role: Role::$role, danger: Danger::$danger, about: $about,
                }),+ }
            }
        }
    };
}

commands! {
    /// Brings an order into being.
    CreateOrder {
        /// What it should be.
        order: NewOrder,
    } = "work-order" "create" Agent Compensable "Create a work order",
    /// Changes fields of an open order.
    EditOrder {
        /// Which.
        id: OrderId,
        /// What changes.
        changes: Changes,
        /// Labels to put on.
        #[serde(default)]
        add_labels: Vec<String>,
        /// Labels to take off.
        #[serde(default)]
        remove_labels: Vec<String>,
    } = "work-order" "edit" Agent Compensable "Change fields of a work order",
    /// Begins work without an expiry. An agent's start is a claim.
    StartOrder {
        /// Which.
        id: OrderId,
    } = "work-order" "start" Agent Compensable "Start a work order",
    /// Begins work with a lease.
    ClaimOrder {
        /// Which.
        id: OrderId,
        /// How long, in seconds; the ledger's default if None.
        #[serde(default)]
        lease_seconds: Option<u32>,
    } = "work-order" "claim" Agent Compensable "Start a work order with a lease that lapses",
    /// Chooses the readiest order and starts it: for an agent with a lease, for a person without.
    PullNext {
        /// What may be chosen.
        #[serde(default)]
        filter: PullFilter,
        /// How long, in seconds; the ledger's default if None.
        #[serde(default)]
        lease_seconds: Option<u32>,
    } = "work-order" "next" Agent Compensable "Pull the readiest work order",
    /// Moves an order in progress to another stage.
    MoveOrder {
        /// Which.
        id: OrderId,
        /// Where to.
        to: Destination,
    } = "work-order" "move" Agent Compensable "Move a work order to another stage",
    /// Ends an order as done.
    CompleteOrder {
        /// Which.
        id: OrderId,
        /// What was delivered.
        #[serde(default)]
        sku: Option<String>,
        /// What to remember.
        #[serde(default)]
        note: Option<String>,
    } = "work-order" "complete" Agent Compensable "Complete a work order and write its receipt",
    /// Ends an order as given up.
    CancelOrder {
        /// Which.
        id: OrderId,
        /// Why.
        reason: String,
    } = "work-order" "cancel" Operator Destructive "Cancel a work order",
    /// Opens a closed order again.
    ReopenOrder {
        /// Which.
        id: OrderId,
        /// Why.
        #[serde(default)]
        reason: Option<String>,
    } = "work-order" "reopen" Operator Compensable "Reopen a closed work order",
    /// Gives a hold back; the order is queued again.
    ReleaseOrder {
        /// Which.
        id: OrderId,
        /// Breaks somebody else's hold; needs a reason.
        #[serde(default)]
        force: bool,
        /// Why.
        #[serde(default)]
        reason: Option<String>,
    } = "work-order" "release" Agent Compensable "Give a work order back to the queue",
    /// Notes what work on an order used up since it was last noted.
    RecordUsage {
        /// Which.
        id: OrderId,
        /// Which agent used it up, where the engine says so; None is the caller.
        #[serde(default)]
        agent: Option<String>,
        /// The run that did, if it has a name.
        #[serde(default)]
        run: Option<String>,
        /// How many more tokens.
        #[serde(default)]
        tokens: u64,
        /// How much more money, in millionths of a unit.
        #[serde(default)]
        cost: u64,
    } = "work-order" "usage" Agent Compensable "Note what work on a work order used up",
    /// Says something about an order.
    CommentOrder {
        /// Which.
        id: OrderId,
        /// What.
        text: String,
    } = "work-order" "comment" Agent Compensable "Comment on a work order",
    /// Makes one order wait for another.
    AddDependency {
        /// Which waits.
        id: OrderId,
        /// For which.
        on: OrderId,
    } = "deps" "add" Agent Compensable "Make a work order wait for another",
    /// Lets it wait no longer.
    RemoveDependency {
        /// Which waited.
        id: OrderId,
        /// For which.
        on: OrderId,
    } = "deps" "remove" Agent Compensable "Remove a dependency",
    /// Notes a relation that rules nothing.
    AddLink {
        /// Of which.
        id: OrderId,
        /// The relation.
        link: Link,
    } = "work-order" "link" Agent Compensable "Note a relation that rules nothing",
    /// Takes a relation back.
    RemoveLink {
        /// Of which.
        id: OrderId,
        /// The relation.
        link: Link,
    } = "work-order" "unlink" Agent Compensable "Take a relation back",
    /// Raises an alert.
    TriggerAndon {
        /// What is wrong.
        reason: String,
        /// How bad.
        severity: Severity,
        /// What it holds; None lets the severity decide: critical holds the line, the rest nothing.
        #[serde(default)]
        hold: Option<Hold>,
        /// The condition it stands for.
        fingerprint: Option<String>,
        /// The order it is about.
        #[serde(default)]
        order: Option<OrderId>,
    } = "andon" "trigger" Agent Destructive "Pull the andon cord",
    /// Takes notice of an alert.
    AcknowledgeAlert {
        /// Which.
        id: AlertId,
    } = "andon" "ack" Operator Compensable "Acknowledge an alert",
    /// Puts an alert to sleep. What it holds stays held.
    SnoozeAlert {
        /// Which.
        id: AlertId,
        /// For how long, in seconds.
        seconds: u32,
    } = "andon" "snooze" Operator Compensable "Snooze an alert; what it holds stays held",
    /// Makes an alert worse than it was taken for.
    EscalateAlert {
        /// Which.
        id: AlertId,
        /// How bad it is; the next worse severity if None.
        to: Option<Severity>,
        /// Why.
        reason: Option<String>,
    } = "andon" "escalate" Agent Compensable "Make an alert worse: it calls louder, and holds what it held",
    /// Notes that an alert's condition is over.
    RecoverAlert {
        /// Which condition.
        fingerprint: String,
    } = "andon" "recover" Agent Compensable "Note that an alert's condition is over",
    /// Ends an alert and frees what it held.
    ResolveAlert {
        /// Which.
        id: AlertId,
        /// What was done.
        resolution: String,
    } = "andon" "resolve" Operator Compensable "Resolve an alert and free what it held",
    /// Names an order that is to mend an alert; the alert's hold does not stop it.
    LinkCorrective {
        /// Which alert.
        id: AlertId,
        /// Which order.
        order: OrderId,
    } = "andon" "correct" Operator Compensable "Name the work order that mends an alert",
    /// Changes the rules of a bucket.
    SetBucket {
        /// Which.
        bucket: Bucket,
        /// The WIP limit, if it changes.
        #[serde(default)]
        wip_limit: Option<u32>,
        /// The SLA, if it changes.
        #[serde(default)]
        sla: Option<Sla>,
    } = "bucket" "set" Admin Compensable "Change a bucket's WIP limit or SLA",
    /// Adds, changes, moves or removes a stage.
    SetStage {
        /// Which.
        name: String,
        /// What to do with it.
        change: StageChange,
    } = "stage" "set" Admin Compensable "Add, limit, move or remove a stage",
    /// Puts a quality gate up, or changes its rule: what the host read beside the ledger.
    SetGate {
        /// Which.
        name: String,
        /// Its rule.
        rule: Box<GateRule>,
    } = "quality-gate" "set" Admin Compensable "Put a quality gate up",
    /// Takes a quality gate down.
    RemoveGate {
        /// Which.
        name: String,
    } = "quality-gate" "remove" Admin Compensable "Take a quality gate down",
    /// Notes what the engine saw at an order's gate.
    RecordGate {
        /// Which order.
        id: OrderId,
        /// Which gate.
        gate: String,
        /// What was seen.
        run: Box<GateRun>,
    } = "quality-gate" "record" Admin Compensable "Note what was seen at a gate",
    /// Opens an approval gate for an order.
    ApproveGate {
        /// Which order.
        id: OrderId,
        /// Which gate.
        gate: String,
        /// What to remember.
        #[serde(default)]
        note: Option<String>,
    } = "quality-gate" "approve" Operator Compensable "Approve a work order at an approval gate",
    /// Closes an approval gate for an order.
    RejectGate {
        /// Which order.
        id: OrderId,
        /// Which gate.
        gate: String,
        /// Why.
        note: String,
    } = "quality-gate" "reject" Operator Compensable "Reject a work order at an approval gate",
    /// Notes where an order's code is made, apart from the rest, and how far it has come.
    RecordWorkspace {
        /// Which order.
        id: OrderId,
        /// How it stands.
        workspace: Box<Workspace>,
        /// The term of the host that did it.
        term: u64,
    } = "work-order" "workspace" Admin Compensable "Note where a work order's code is made",
    /// Sets a budget: what the host read beside the ledger.
    SetBudget {
        /// Of what.
        scope: BudgetScope,
        /// What may be used up.
        budget: Budget,
    } = "budget" "set" Admin Compensable "Set a budget",
    /// Takes a budget away.
    RemoveBudget {
        /// Of what.
        scope: BudgetScope,
    } = "budget" "remove" Admin Compensable "Take a budget away",
    /// Registers an agent, or registers it anew.
    RegisterAgent {
        /// Its name.
        name: String,
        /// What it does.
        #[serde(default)]
        role: Option<String>,
        /// What it may pull.
        #[serde(default)]
        capabilities: PullFilter,
    } = "agent" "register" Agent Compensable "Register an agent",
    /// Lets an agent pull nothing.
    PauseAgent {
        /// Which.
        name: String,
        /// Why.
        #[serde(default)]
        reason: Option<String>,
    } = "agent" "pause" Operator Compensable "Pause an agent: it pulls nothing",
    /// Lets an agent pull again.
    ResumeAgent {
        /// Which.
        name: String,
    } = "agent" "resume" Operator Compensable "Resume an agent",
    /// Takes an agent's registration back: its role, what it may pull, a pause and its count of completed orders go.
    UnregisterAgent {
        /// Which.
        name: String,
    } = "agent" "unregister" Operator Destructive "Take an agent's registration back",
    /// Takes in a whole file of another system.
    Import {
        /// The system.
        source: String,
        /// Every item of the file.
        items: Vec<ImportItem>,
    } = "import" "beads" Operator Compensable "Import a beads issues file",
    /// Opens the books: what genesis writes.
    Genesis {
        /// The ledger's name for ever.
        uuid: Uuid,
    } = "init" "" Admin Compensable "Make a ledger here",
    /// A process becomes the host.
    ElectHost {
        /// The process.
        pid: u32,
    } = "host" "elect" Admin Compensable "Become the host of this ledger",
    /// A backup replaced the ledger.
    NoteRestore {
        /// The incarnation from here on.
        incarnation: u64,
    } = "ledger" "restore" Admin Destructive "Replace the ledger by a backup of it",
}
