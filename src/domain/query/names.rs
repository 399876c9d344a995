//! The names that can be typed: ids with what they stand for, for the completion of a line.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{agents::roster, limit, reading::Reading};
use crate::domain::{
    books::Books,
    order::{Order, Phase, vocabulary},
};

vocabulary! {
    /// What sort of thing a name stands for.
    NameSort ("sort of name") {
        /// Open work orders and epics.
        Order = "order",
        /// The same, those in progress first.
        Started = "started",
        /// Open epics.
        Epic = "epic",
        /// Open alerts.
        Alert = "alert",
        /// Agents that are registered, or hold an order.
        Agent = "agent",
        /// The board's stages.
        Stage = "stage",
    }
}

/// Which names are wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NameQuery {
    /// What they stand for.
    pub sort: NameSort,
    /// What they begin with, in any case; an order and an alert are also found by words of their text.
    pub typed: String,
    /// At most so many.
    pub limit: Option<usize>,
}

/// Names that fit, in the order of their sort: orders and alerts by number, agents by name, stages from the left.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Names {
    /// The names.
    pub names: Vec<Name>,
    /// How many fit in all.
    pub total: usize,
}

/// One name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Name {
    /// As it is typed.
    pub name: String,
    /// What it stands for: a title, a reason, a role.
    pub about: String,
}

impl<B: Books> Reading<'_, B> {
    /// Returns the names that fit.
    pub(super) fn names(&self, asked: &NameQuery) -> Names {
        let mut found = Found {
            typed: asked.typed.to_lowercase(),
            names: Names::default(),
            limit: limit(asked.limit),
        };
        let state = self.state;
        match asked.sort {
            NameSort::Order => state
                .orders()
                .for_each(|order| found.text(order.id.to_string(), &order.title)),
            NameSort::Started => {
                let waits = |order: &&Arc<Order>| matches!(order.phase, Phase::Queued);
                let started = state.orders().filter(|order| !waits(order));
                started
                    .chain(state.orders().filter(waits))
                    .for_each(|order| found.text(order.id.to_string(), &order.title));
            }
            NameSort::Epic => state
                .open_epics()
                .for_each(|order| found.text(order.id.to_string(), &order.title)),
            NameSort::Alert => state
                .alerts
                .values()
                .for_each(|alert| found.text(alert.id.to_string(), &alert.reason)),
            NameSort::Agent => roster(state).iter().for_each(|agent| {
                found.name(
                    agent.name.clone(),
                    agent.role.as_deref().unwrap_or_default(),
                );
            }),
            NameSort::Stage => state
                .settings
                .stages
                .iter()
                .for_each(|stage| found.name(stage.name.clone(), "")),
        }
        found.names
    }
}

/// The names that were found so far.
struct Found {
    typed: String,
    names: Names,
    limit: usize,
}

impl Found {
    /// Takes a name that begins as was typed.
    fn name(&mut self, name: String, about: &str) {
        if name.to_lowercase().starts_with(&self.typed) {
            self.take(name, about);
        }
    }

    /// Takes an id that begins as was typed, or whose text has what was typed.
    fn text(&mut self, name: String, about: &str) {
        let fits = name.to_lowercase().starts_with(&self.typed);
        if fits || about.to_lowercase().contains(&self.typed) {
            self.take(name, about);
        }
    }

    fn take(&mut self, name: String, about: &str) {
        self.names.total += 1;
        if self.names.names.len() < self.limit {
            let about = about.to_owned();
            self.names.names.push(Name { name, about });
        }
    }
}
