//! What was used up is summed where it is asked for, and budgets change.

use std::sync::Arc;

use super::Step;
use crate::domain::{event::Event, id::AlertId, usage::Usage};

impl Step<'_> {
    pub(super) fn usage(&mut self, event: &Event) {
        match event {
            Event::UsageRecorded {
                id,
                bucket,
                agent,
                tokens,
                cost,
                ..
            } => {
                let more = Usage {
                    tokens: *tokens,
                    cost: *cost,
                };
                // What an order costs is nothing that somebody changed of it.
                if let Some(order) = self.state.order_mut(*id) {
                    order.usage.add(more);
                }
                let row = self.day(self.record.time, *bucket);
                row.usage.add(more);
                if let Some(name) = agent {
                    row.agents.entry(name.clone()).or_default().add(more);
                }
            }
            Event::BudgetSet { scope, budget } => {
                let budgets = &mut Arc::make_mut(&mut self.state.settings).budgets;
                budgets.insert(scope.clone(), *budget);
                self.look_soon();
            }
            Event::BudgetRemoved { scope } => {
                let budgets = &mut Arc::make_mut(&mut self.state.settings).budgets;
                budgets.remove(scope);
                self.look_soon();
            }
            _ => {}
        }
    }

    /// Notes when the alert of a spent budget is over.
    pub(super) fn budget_due(&mut self, id: AlertId) {
        let alert = self.state.alert(id);
        let at = alert.and_then(|alert| self.state.budget_alert_over(alert));
        at.into_iter().for_each(|at| self.due_at(at));
    }
}
