//! The work order and its parts.

mod gating;
mod priority;
mod workspace;

use std::fmt;

use bitcode::{Decode, Encode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    id::{AlertId, OrderId},
    record::{ActorKind, Record, Seq},
    time::Timestamp,
    usage::Usage,
};

/// Declares an enum of plain words, with `ALL`, `word`, `Display` and `FromStr`.
macro_rules! vocabulary {
    ($(#[$meta:meta])* $name:ident ($what:literal) { $($(#[$vmeta:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize,
                 serde::Deserialize, schemars::JsonSchema, bitcode::Encode, bitcode::Decode)]
        pub enum $name { $($(#[$vmeta])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// Every value, in the order of the vocabulary.
            pub const ALL: &[$name] = &[$($name::$variant),+];

            /// Returns the word that is stored, shown and typed.
            pub const fn word(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.word())
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                let wanted = text.trim().to_ascii_lowercase().replace('-', "_");
                Self::ALL.iter().copied().find(|value| value.word() == wanted).ok_or_else(|| {
                    let words: Vec<_> = Self::ALL.iter().map(|value| value.word()).collect();
                    let shown: String = text.chars().take(40).collect();
                    format!("'{shown}' is not a {}; use one of: {}", $what, words.join(", "))
                })
            }
        }
    };
}
pub use gating::{GateEvidence, GateRun, Gating, Tree, Verdict};
pub use priority::Priority;
pub(crate) use vocabulary;
pub use workspace::{Landing, Workspace};

vocabulary! {
    /// What sort of work an order is.
    Kind ("kind") {
        /// Something a user can see.
        Story = "story",
        /// A step of work.
        Task = "task",
        /// Something broken.
        Bug = "bug",
        /// Upkeep.
        Chore = "chore",
        /// A parent of other orders; takes no WIP and is never pulled.
        Epic = "epic",
    }
}

vocabulary! {
    /// The class of service an order belongs to.
    Bucket ("bucket") {
        /// Holes to close.
        Security = "security",
        /// Faults and stability.
        Reliability = "reliability",
        /// Rules from outside.
        Compliance = "compliance",
        /// What it costs to run.
        Cost = "cost",
        /// What users asked for.
        Features = "features",
        /// What slows the team down.
        TechnicalDebt = "technical_debt",
    }
}

impl Bucket {
    /// Returns the bucket's place in [`Bucket::ALL`], for arrays by bucket.
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// The number of buckets.
pub const BUCKETS: usize = Bucket::ALL.len();

/// Someone who acts, by name.
#[derive(
    Clone,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    Encode,
    Decode,
)]
pub struct Actor {
    /// What sort of actor.
    pub kind: ActorKind,
    /// The name, cleaned.
    pub name: String,
}

impl Actor {
    /// Returns the engine as an actor.
    pub fn system() -> Self {
        Actor {
            kind: ActorKind::System,
            name: "obeya".into(),
        }
    }

    /// Returns a person.
    pub fn person(name: impl Into<String>) -> Self {
        Actor {
            kind: ActorKind::Person,
            name: name.into(),
        }
    }

    /// Returns who a record is by. A sort of actor that only a newer version knows is told as the engine's: nothing here
    /// is decided by it, for such a record is not understood.
    pub fn of(record: &Record) -> Self {
        Actor {
            kind: record.actor_kind.known().unwrap_or(ActorKind::System),
            name: record.actor.clone(),
        }
    }

    /// Returns an agent.
    pub fn agent(name: impl Into<String>) -> Self {
        Actor {
            kind: ActorKind::Agent,
            name: name.into(),
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name)
    }
}

/// Where an order came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Encode, Decode)]
pub struct PullSignal {
    /// The sort of signal: `cli`, `console`, `import`, `andon`, `github_issue`, …
    pub kind: String,
    /// What exactly, for example an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// The order's name in the system it was imported from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Encode, Decode)]
pub struct External {
    /// The system: `beads`, `github`, …
    pub source: String,
    /// Its id there.
    pub id: String,
    /// The record that last carried it here: the base of a three-way merge on the next import.
    pub base: Seq,
    /// A digest of the item as last read, to skip what did not change.
    pub digest: u64,
}

impl External {
    /// Returns the id that is unique over all sources: `beads:bd-1`.
    pub fn key(&self) -> String {
        format!("{}:{}", self.source, self.id)
    }
}

vocabulary! {
    /// How far a dependency is.
    Wait ("state of a dependency") {
        /// The order waited for is still open.
        Open = "open",
        /// It is done, and holds nobody.
        Completed = "completed",
        /// It was cancelled, which satisfies nobody: remove the dependency or reopen it.
        Cancelled = "cancelled",
    }
}

/// One order that another waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Encode, Decode)]
pub struct Dependency {
    /// The order waited for.
    pub on: OrderId,
    /// How far it is.
    pub state: Wait,
}

/// A relation that rules nothing.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema, Encode, Decode,
)]
pub struct Link {
    /// The relation: `related`, `discovered-from`, `duplicates`, …
    pub kind: String,
    /// What it points to: an id here, an id elsewhere, an address.
    pub target: String,
}

/// A hold on an order that ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Encode, Decode)]
pub struct Lease {
    /// The fencing number: writes with another one are refused.
    pub epoch: u32,
    /// When it ends unless it is renewed.
    pub expires_at: Timestamp,
    /// How long a renewal lasts, in seconds.
    pub seconds: u32,
}

/// Work under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Encode, Decode)]
pub struct Work {
    /// The stage it stands in.
    pub stage: String,
    /// Since when it stands there.
    pub since: Timestamp,
    /// When this run of work began.
    pub started: Timestamp,
    /// Who holds it.
    pub holder: Actor,
    /// The hold's expiry; a person's start has none.
    pub lease: Option<Lease>,
}

/// Where an open order stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Encode, Decode)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Waiting to be pulled.
    Queued,
    /// Being worked on.
    InProgress(Work),
}

/// An open work order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Encode, Decode)]
pub struct Order {
    /// Its id.
    pub id: OrderId,
    /// What sort of work.
    pub kind: Kind,
    /// One cleaned line.
    pub title: String,
    /// The record that holds the description's current text; the text itself stays on the ledger.
    pub description: Option<Seq>,
    /// Its class of service.
    pub bucket: Bucket,
    /// How urgent.
    pub priority: Priority,
    /// Where it stands.
    pub phase: Phase,
    /// When it came into being in the world; its age counts from here.
    pub created: Timestamp,
    /// When it entered this ledger, or was last reopened; its SLA counts from here.
    pub entered: Timestamp,
    /// When any of it last changed.
    pub changed: Timestamp,
    /// When work on it first began; its cycle time counts from here.
    pub first_started: Option<Timestamp>,
    /// The expected work, in minutes.
    pub estimate: Option<u32>,
    /// Labels, sorted, each once.
    pub labels: Vec<String>,
    /// Who is meant to do it.
    pub assignee: Option<String>,
    /// The order it is part of.
    pub parent: Option<OrderId>,
    /// Its open children, sorted.
    pub children: Vec<OrderId>,
    /// How many of its children are completed.
    pub children_completed: u32,
    /// How many of its children were cancelled.
    pub children_cancelled: u32,
    /// What it waits for, sorted by id.
    pub depends_on: Vec<Dependency>,
    /// The open orders that wait for it, sorted.
    pub blocks: Vec<OrderId>,
    /// Relations that rule nothing.
    pub links: Vec<Link>,
    /// How many comments the ledger holds.
    pub comments: u32,
    /// Where it came from.
    pub signal: PullSignal,
    /// Its name elsewhere.
    pub external: Option<External>,
    /// The alerts it is meant to mend; their holds do not stop it.
    pub corrective: Vec<AlertId>,
    /// The fencing number of the last claim; rises for ever.
    pub epoch: u32,
    /// Whether its SLA alert was raised already.
    pub breached: bool,
    /// What is known of its quality gates. Not written where nothing is: older ledgers know none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gating: Option<Box<Gating>>,
    /// Where its code is made, if apart. Not written where nothing is: older ledgers know none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<Box<Workspace>>,
    /// What work on it used up. Not written where that is nothing: older ledgers know nothing of it.
    #[serde(default, skip_serializing_if = "Usage::is_none")]
    pub usage: Usage,
}

impl Order {
    /// Returns the work under way, if any.
    pub fn work(&self) -> Option<&Work> {
        match &self.phase {
            Phase::Queued => None,
            Phase::InProgress(work) => Some(work),
        }
    }

    /// Returns the lease that holds it, if any.
    pub fn lease(&self) -> Option<Lease> {
        self.work().and_then(|work| work.lease)
    }

    /// Returns whether some dependency is not yet satisfied.
    pub fn is_blocked(&self) -> bool {
        self.depends_on
            .iter()
            .any(|dependency| dependency.state != Wait::Completed)
    }

    /// Returns whether it cannot be done before `other`: an open dependency, or an open child.
    pub fn needs(&self, other: OrderId) -> bool {
        self.children.binary_search(&other).is_ok()
            || self
                .depends_on
                .binary_search_by_key(&other, |wait| wait.on)
                .is_ok_and(|at| self.depends_on[at].state == Wait::Open)
    }

    /// Returns whether it is an epic.
    pub fn is_epic(&self) -> bool {
        self.kind == Kind::Epic
    }
}

/// How an order ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Done.
    Completed {
        /// What was delivered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sku: Option<String>,
        /// The receipt's number; None for what was completed elsewhere and imported.
        receipt: Option<u64>,
    },
    /// Given up.
    Cancelled {
        /// Why.
        reason: String,
    },
}

impl Outcome {
    /// Returns how those that waited for the order now stand.
    pub fn wait(&self) -> Wait {
        match self {
            Outcome::Completed { .. } => Wait::Completed,
            Outcome::Cancelled { .. } => Wait::Cancelled,
        }
    }
}

/// A closed order's folded form, as the archive keeps it and as a reopening brings it back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClosedOrder {
    /// The order as it last stood.
    pub order: Order,
    /// How it ended.
    pub outcome: Outcome,
    /// When it ended in the world.
    pub closed: Timestamp,
}

vocabulary! {
    /// An order's status, as lists show and filter it.
    Status ("status") {
        /// Waiting to be pulled.
        Queued = "queued",
        /// Being worked on.
        InProgress = "in_progress",
        /// Done.
        Completed = "completed",
        /// Given up.
        Cancelled = "cancelled",
    }
}

impl Order {
    /// Returns an open order's status.
    pub fn status(&self) -> Status {
        match self.phase {
            Phase::Queued => Status::Queued,
            Phase::InProgress(_) => Status::InProgress,
        }
    }
}

impl ClosedOrder {
    /// Returns a closed order's status.
    pub fn status(&self) -> Status {
        match self.outcome {
            Outcome::Completed { .. } => Status::Completed,
            Outcome::Cancelled { .. } => Status::Cancelled,
        }
    }
}
