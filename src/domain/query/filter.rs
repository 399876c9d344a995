//! Which orders a list shows, how it is sorted, and where its next page begins.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::order_view::SlaState;
use crate::domain::{
    archive::{ArchiveCursor, ArchiveQuery},
    id::OrderId,
    order::{Bucket, Kind, Order, Phase, Priority, Status, vocabulary},
    schema::written,
    state::State,
    time::{SECOND, Timestamp},
};

vocabulary! {
    /// What a list can be narrowed to: a status, or one of the conditions that are derived from it.
    Condition ("status") {
        /// Waiting to be pulled.
        Queued = "queued",
        /// Being worked on.
        InProgress = "in_progress",
        /// Done.
        Completed = "completed",
        /// Given up.
        Cancelled = "cancelled",
        /// Queued with nothing in its way but, perhaps, a full bucket or stage.
        Ready = "ready",
        /// Waits for an order that is not completed.
        Blocked = "blocked",
        /// Covered by an alert's hold.
        Held = "held",
        /// Four fifths of its SLA are gone.
        AtRisk = "at_risk",
        /// Past its SLA.
        Breached = "breached",
    }
}

impl Condition {
    /// Returns the status that only closed orders have, if this is one.
    pub fn closed(self) -> Option<Status> {
        match self {
            Condition::Completed => Some(Status::Completed),
            Condition::Cancelled => Some(Status::Cancelled),
            _ => None,
        }
    }
}

vocabulary! {
    /// How open orders are sorted. Ties break by id.
    Sort ("sort") {
        /// In the order in which they are pulled: most urgent, then soonest due, then oldest.
        Ready = "ready",
        /// Oldest first.
        Age = "age",
        /// Soonest due first.
        Due = "due",
        /// Most urgent first, then oldest.
        Priority = "priority",
        /// By number.
        Id = "id",
        /// Last changed first.
        Changed = "changed",
    }
}

impl Default for Sort {
    /// Returns the order in which orders are pulled.
    fn default() -> Self {
        Sort::Ready
    }
}

/// An order's place in a sorted list; smaller is sooner.
pub type SortKey = ([i64; 3], OrderId);

impl Sort {
    /// Returns an open order's place.
    pub fn key(self, state: &State, order: &Order) -> SortKey {
        let urgent = -i64::from(order.priority.get());
        let due = || state.due(order).unwrap_or(Timestamp::MAX).0;
        let created = order.created.0;
        let key = match self {
            Sort::Ready => [urgent, due(), created],
            Sort::Age => [created, 0, 0],
            Sort::Due => [due(), urgent, created],
            Sort::Priority => [urgent, created, 0],
            Sort::Id => [0, 0, 0],
            Sort::Changed => [order.changed.0.saturating_neg(), 0, 0],
        };
        (key, order.id)
    }
}

/// Which orders are wanted; an order must answer every part that is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Filter {
    /// In this status or condition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Condition>,
    /// In this bucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket: Option<Bucket>,
    /// Of this kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// In progress in this stage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// In progress in these hands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// Meant for this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    /// With this label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// At least so urgent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_priority: Option<Priority>,
    /// With this in title, id or external id, whatever the case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// A child of this order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<OrderId>,
    /// Anywhere beneath this order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epic: Option<OrderId>,
    /// Created at least so many seconds ago.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub older_than_seconds: Option<i64>,
}

impl Filter {
    /// Returns whether an open order is wanted.
    pub fn admits(&self, state: &State, order: &Order, now: Timestamp) -> bool {
        let work = || order.work();
        self.has(order, now)
            && is(&self.stage, || work().map(|work| &*work.stage))
            && self
                .epic
                .is_none_or(|epic| state.lineage(order.id).skip(1).any(|id| id == epic))
            && self
                .status
                .is_none_or(|condition| condition.admits(state, order, now))
    }

    /// Returns whether an order, open or closed, is wanted by what it is, wherever it stands and whatever it is beneath.
    pub(super) fn has(&self, order: &Order, now: Timestamp) -> bool {
        self.bucket.is_none_or(|bucket| order.bucket == bucket)
            && self.admits_closed(order, now)
            && self.kind.is_none_or(|kind| order.kind == kind)
            && self
                .parent
                .is_none_or(|parent| order.parent == Some(parent))
            && self
                .text
                .as_ref()
                .is_none_or(|text| contains(order, &text.to_lowercase()))
    }

    /// Returns whether a closed order is wanted, as far as the archive does not answer that itself.
    pub(super) fn admits_closed(&self, order: &Order, now: Timestamp) -> bool {
        let young = |seconds: i64| now.since(order.created) < seconds.saturating_mul(SECOND);
        self.min_priority
            .is_none_or(|least| order.priority >= least)
            && is(&self.holder, || order.work().map(|work| &*work.holder.name))
            && is(&self.assignee, || order.assignee.as_deref())
            && self
                .label
                .as_ref()
                .is_none_or(|label| order.labels.contains(label))
            && !self.older_than_seconds.is_some_and(young)
    }

    /// Returns the filter without what is only so now: status, stage, hands and age. What an order was through all its
    /// days is told by the rest, so that reports over time count by it.
    pub fn lasting(&self) -> Filter {
        Filter {
            status: None,
            stage: None,
            holder: None,
            older_than_seconds: None,
            ..self.clone()
        }
    }

    /// Returns whether nothing is asked for but, perhaps, a bucket: what the ledger's rows by day can answer.
    pub(super) fn is_of_bucket(&self) -> bool {
        *self
            == Filter {
                bucket: self.bucket,
                ..Filter::default()
            }
    }

    /// Returns the question to the archive that finds the wanted closed orders, or None if none can be.
    pub(super) fn archive(&self) -> Option<ArchiveQuery> {
        let status = self.status.map(Condition::closed);
        if status == Some(None) || self.stage.is_some() {
            return None;
        }
        Some(ArchiveQuery {
            status: status.flatten().map(|status| status.word().into()),
            bucket: self.bucket.map(|bucket| bucket.word().into()),
            kind: self.kind.map(|kind| kind.word().into()),
            parent: self.parent,
            text: self.text.clone(),
            ..ArchiveQuery::default()
        })
    }

    /// Returns whether the archive answers all of it by itself.
    pub(super) fn archive_suffices(&self) -> bool {
        self.holder.is_none()
            && self.assignee.is_none()
            && self.label.is_none()
            && self.min_priority.is_none()
            && self.epic.is_none()
            && self.older_than_seconds.is_none()
    }
}

impl Condition {
    /// Returns whether an open order is in it.
    pub fn admits(self, state: &State, order: &Order, now: Timestamp) -> bool {
        match self {
            Condition::Queued => matches!(order.phase, Phase::Queued),
            Condition::InProgress => matches!(order.phase, Phase::InProgress(_)),
            Condition::Completed | Condition::Cancelled => false,
            Condition::Ready => state.is_ready(order),
            Condition::Blocked => order.is_blocked(),
            Condition::Held => state.held_by(order).next().is_some(),
            Condition::AtRisk => state.sla(order, now) == SlaState::AtRisk,
            Condition::Breached => state.sla(order, now) == SlaState::Breached,
        }
    }
}

/// Returns whether nothing is wanted, or what is wanted is there.
fn is<'a>(wanted: &Option<String>, there: impl FnOnce() -> Option<&'a str>) -> bool {
    wanted
        .as_deref()
        .is_none_or(|wanted| there() == Some(wanted))
}

/// Returns whether title, id or external id contains a text that is in lower case already.
fn contains(order: &Order, text: &str) -> bool {
    let external = || order.external.as_ref().map(|external| external.key());
    order.title.to_lowercase().contains(text)
        || order.id.to_string().to_lowercase().contains(text)
        || external().is_some_and(|key| key.to_lowercase().contains(text))
}

/// Where the next page of a list begins. It holds the last row's place, so that it stays good when that row goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cursor {
    /// Behind this place among the open orders.
    Open(SortKey),
    /// Behind this row of the archive.
    Closed(ArchiveCursor),
}

impl fmt::Display for Cursor {
    /// Writes it as one word without blanks, for a command line: `open:-7,123,456,WO-001`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cursor::Open(([a, b, c], id)) => write!(f, "open:{a},{b},{c},{id}"),
            Cursor::Closed(place) => write!(f, "closed:{},{}", place.closed.0, place.id),
        }
    }
}

impl FromStr for Cursor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parse = || {
            let (sort, rest) = text.trim().split_once(':')?;
            let parts: Vec<&str> = rest.split(',').collect();
            match (sort, parts.as_slice()) {
                ("open", [a, b, c, id]) => {
                    let key = [a.parse().ok()?, b.parse().ok()?, c.parse().ok()?];
                    Some(Cursor::Open((key, id.parse().ok()?)))
                }
                ("closed", [closed, id]) => Some(Cursor::Closed(ArchiveCursor {
                    closed: Timestamp(closed.parse().ok()?),
                    id: id.parse().ok()?,
                })),
                _ => None,
            }
        };
        parse().ok_or_else(|| {
            let shown: String = text.chars().take(80).collect();
            format!("'{shown}' is not a place in a list; use the \"next\" of the page before")
        })
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

written!(Cursor, {
    "description": "Where the next page of a list begins: the \"next\" of the page before.",
    "type": "string",
    "pattern": "^(open:-?[0-9]+,-?[0-9]+,-?[0-9]+|closed:-?[0-9]+),(WO|EPIC)-[0-9]{3,10}$",
    "examples": ["open:-7,123,456,WO-001"],
});
