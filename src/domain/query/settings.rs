//! Buckets and stages: their rules, and how they stand.

use serde::{Deserialize, Serialize};

use crate::domain::{id::AlertId, order::Bucket};

/// The buckets, in the order of the vocabulary.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Buckets {
    /// All of them.
    pub buckets: Vec<BucketView>,
    /// How many there are.
    pub total: usize,
}

/// A class of service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketView {
    /// Which.
    pub bucket: Bucket,
    /// How many orders may be in progress at once.
    pub wip_limit: u32,
    /// Hours from entry to done; absent where nothing is promised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sla_hours: Option<u32>,
    /// Orders in progress.
    pub wip: u32,
    /// Queued orders.
    pub queued: u32,
    /// Open orders of which four fifths of the SLA are gone.
    pub at_risk: u32,
    /// Open orders past their SLA.
    pub breached: u32,
    /// The alerts that hold the bucket itself or the line.
    pub held_by: Vec<AlertId>,
}

/// The board's stages, left to right.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stages {
    /// All of them.
    pub stages: Vec<StageView>,
    /// How many there are.
    pub total: usize,
}

/// A column between queued and done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageView {
    /// Its name.
    pub stage: String,
    /// How many orders may stand in it; absent without a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wip_limit: Option<u32>,
    /// How many do.
    pub orders: u32,
    /// The alerts that hold the stage itself or the line.
    pub held_by: Vec<AlertId>,
}
