//! Every figure with its name and labels, as a scraper reads them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::value::Decimal;
use crate::domain::order::vocabulary;

/// Every figure.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metrics {
    /// By name, then by labels.
    pub metrics: Vec<Metric>,
    /// How many there are.
    pub total: usize,
}

/// One figure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metric {
    /// Its name, with its unit: `obeya_work_orders_wip`.
    pub name: String,
    /// Whether it only grows.
    #[serde(rename = "type")]
    pub sort: MetricSort,
    /// Which of that name it is.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The figure.
    pub value: Decimal,
}

vocabulary! {
    /// Whether a figure only grows.
    MetricSort ("type of metric") {
        /// It goes up and down.
        Gauge = "gauge",
        /// It only grows.
        Counter = "counter",
    }
}
