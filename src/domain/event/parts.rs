//! What larger events carry: imported items, and changed fields.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{
    id::OrderId,
    order::{Bucket, Dependency, Kind, Link, Outcome, Priority},
    time::Timestamp,
};

/// An item of another system, in this system's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImportedItem {
    /// One line.
    pub title: String,
    /// Any text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What sort of work.
    pub kind: Kind,
    /// Its class of service.
    pub bucket: Bucket,
    /// How urgent.
    pub priority: Priority,
    /// Sorted labels, the original words of what has no counterpart among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// Who is meant to do it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    /// Minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<u32>,
    /// When it came into being there.
    pub created: Timestamp,
    /// Relations that rule nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// How and when it ended there, if it did, with the edges of its folded form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<ImportedEnd>,
    /// What else came with it, for the next merge to compare with.
    #[serde(default, skip_serializing_if = "Baseline::is_empty")]
    pub baseline: Baseline,
}

/// What came with an imported item besides its fields. A newer file is compared with it, so that what was removed or
/// added here since is not undone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Baseline {
    /// The parent that it was given, unless it came in closed: then [`ImportedEnd`] has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<OrderId>,
    /// What it was made to wait for, sorted, unless it came in closed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<OrderId>,
    /// Digests of its comments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub comments: Vec<u64>,
}

impl Baseline {
    /// Returns whether nothing came with the item.
    pub fn is_empty(&self) -> bool {
        *self == Baseline::default()
    }
}

/// How an imported item ended, and the edges that a closed order keeps in its folded form.
/// The edges of an open item are events of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImportedEnd {
    /// How.
    pub outcome: Outcome,
    /// When, there.
    pub at: Timestamp,
    /// The order it was part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<OrderId>,
    /// What it waited for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<Dependency>,
}

/// Fields of an order that change; what is None stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Changes {
    /// One line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Any text; empty removes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What sort of work; epics stay epics and others never become one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// Its class of service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket: Option<Bucket>,
    /// How urgent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// All labels, sorted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<String>>,
    /// Minutes; 0 removes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimate: Option<u32>,
    /// Who is meant to do it; empty removes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    /// The order it is part of; `Parent::None` takes it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
}

impl Changes {
    /// Returns whether nothing changes.
    pub fn is_empty(&self) -> bool {
        *self == Changes::default()
    }
}

/// A new parent, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Parent {
    /// Part of nothing.
    None,
    /// Part of this order.
    Of(OrderId),
}
