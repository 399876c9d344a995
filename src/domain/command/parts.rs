//! What the intents speak of.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{
    andon::Scope,
    event::ImportedItem,
    id::{AlertId, OrderId},
    order::{Bucket, Kind, Outcome, Priority, PullSignal},
    time::Timestamp,
};

/// What a new order should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NewOrder {
    /// What sort of work.
    pub kind: Kind,
    /// One line.
    pub title: String,
    /// Any text.
    #[serde(default)]
    pub description: Option<String>,
    /// Its class of service.
    pub bucket: Bucket,
    /// How urgent.
    pub priority: Priority,
    /// Labels.
    #[serde(default)]
    pub labels: Vec<String>,
    /// Minutes.
    #[serde(default)]
    pub estimate: Option<u32>,
    /// Who is meant to do it.
    #[serde(default)]
    pub assignee: Option<String>,
    /// The order it is part of.
    #[serde(default)]
    pub parent: Option<OrderId>,
    /// What it waits for.
    #[serde(default)]
    pub depends_on: Vec<OrderId>,
    /// The alerts it is meant to mend.
    #[serde(default)]
    pub corrective: Vec<AlertId>,
    /// Where it came from.
    pub signal: PullSignal,
}

impl NewOrder {
    /// Returns a task with this title and every default.
    pub fn task(title: impl Into<String>) -> Self {
        NewOrder {
            kind: Kind::Task,
            title: title.into(),
            description: None,
            bucket: Bucket::Features,
            priority: Priority::DEFAULT,
            labels: vec![],
            estimate: None,
            assignee: None,
            parent: None,
            depends_on: vec![],
            corrective: vec![],
            signal: PullSignal {
                kind: "cli".into(),
                source: None,
            },
        }
    }
}

/// Where an order is moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Destination {
    /// To a stage by name.
    Stage(String),
    /// One stage towards done.
    Right,
    /// One stage towards queued.
    Left,
}

/// What an alert should hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// Nothing, whatever the severity.
    Nothing,
    /// This scope.
    Scope(Scope),
}

/// A bucket's new promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sla {
    /// Promises nothing.
    None,
    /// Hours from entry to done.
    Hours(u32),
}

/// What happens to a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StageChange {
    /// It is there, with these properties; a new one goes last unless a place is given.
    Put {
        /// Its new limit: None leaves it, 0 removes it.
        wip_limit: Option<u32>,
        /// Its new place, from 1.
        position: Option<u32>,
    },
    /// It goes.
    Remove,
}

/// One item of an imported file, edges by the other system's ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImportItem {
    /// Its id there.
    pub external: String,
    /// A digest of the item as read.
    pub digest: u64,
    /// The item; its `closed` carries no edges yet.
    pub item: ImportedItem,
    /// How it ended there: repeated in `item.closed` once edges have ids.
    pub outcome: Option<(Outcome, Timestamp)>,
    /// The item it is part of.
    pub parent: Option<String>,
    /// What it waits for.
    pub depends_on: Vec<String>,
    /// What people said: author, when, text.
    pub comments: Vec<(String, Timestamp, String)>,
}
