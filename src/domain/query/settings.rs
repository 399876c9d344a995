//! Buckets and stages: their rules, and how they stand.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{filter::Filter, order_view::SlaState};
use crate::domain::{
    andon::Scope,
    id::AlertId,
    order::{BUCKETS, Bucket, Order},
    state::State,
    time::Timestamp,
};

/// The buckets, in the order of the vocabulary.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Buckets {
    /// All of them.
    pub buckets: Vec<BucketView>,
    /// How many there are.
    pub total: usize,
}

/// A class of service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stages {
    /// All of them.
    pub stages: Vec<StageView>,
    /// How many there are.
    pub total: usize,
}

/// A column between queued and done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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

impl State {
    /// Returns the open alerts whose hold covers all of `scope`.
    pub fn holds_of(&self, scope: &Scope) -> Vec<AlertId> {
        let covers = |hold: &Scope| self.scope_contains(hold, scope);
        let holding = self
            .alerts
            .values()
            .filter(|alert| alert.hold.as_ref().is_some_and(covers));
        holding.map(|alert| alert.id).collect()
    }

    /// Returns by bucket how many open orders are at risk, and how many are past their SLA.
    pub fn sla_counts(&self, filter: &Filter, now: Timestamp) -> [(u32, u32); BUCKETS] {
        let mut counts = [(0, 0); BUCKETS];
        let admitted = |order: &&Arc<Order>| filter.admits(self, order, now);
        for order in self.work_orders().filter(admitted) {
            let (at_risk, breached) = &mut counts[order.bucket.index()];
            match self.sla(order, now) {
                SlaState::AtRisk => *at_risk += 1,
                SlaState::Breached => *breached += 1,
                SlaState::Ok | SlaState::None => {}
            }
        }
        counts
    }
}

/// Returns the buckets as they stand.
pub fn buckets(state: &State, now: Timestamp) -> Buckets {
    let sla = state.sla_counts(&Filter::default(), now);
    let view = |bucket: &Bucket| {
        let rule = state.settings.bucket(*bucket);
        let (at_risk, breached) = sla[bucket.index()];
        BucketView {
            bucket: *bucket,
            wip_limit: rule.wip_limit,
            sla_hours: rule.sla_hours,
            wip: state.counts.wip[bucket.index()],
            queued: state.counts.queued[bucket.index()],
            at_risk,
            breached,
            held_by: state.holds_of(&Scope::Bucket(*bucket)),
        }
    };
    Buckets {
        buckets: Bucket::ALL.iter().map(view).collect(),
        total: BUCKETS,
    }
}

/// Returns the stages as they stand.
pub fn stages(state: &State) -> Stages {
    let views = state.settings.stages.iter().map(|stage| StageView {
        stage: stage.name.clone(),
        wip_limit: stage.wip_limit,
        orders: state.counts.stage(&stage.name),
        held_by: state.holds_of(&Scope::Stage(stage.name.clone())),
    });
    Stages {
        stages: views.collect(),
        total: state.settings.stages.len(),
    }
}
