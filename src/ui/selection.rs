//! What acts would be about: the order, alert, agent or event that is selected where the keys go.

use super::model::{Focus, Model, View};
use crate::domain::{
    id::{AlertId, OrderId},
    query::{agents::roster, events::Entry},
};

impl Model {
    /// Returns the order that acts would be about.
    pub fn selected_order(&self) -> Option<OrderId> {
        match (&self.detail, self.focus, self.view) {
            (Some(detail), Focus::Detail, _) => Some(detail.id),
            (_, _, View::Kanban) => self.board.selected,
            (_, _, View::Dependencies) if self.graph.shown => self.graph.cursor,
            (_, _, View::Dependencies) if self.tree.root.is_none() => self.epics.selected,
            (_, _, View::Dependencies) => self.tree.list.selected.map(|(id, _)| id),
            (_, _, View::Events) => self.selected_event()?.subject.parse().ok(),
            (_, _, View::Agents) => {
                let name = self.agents.selected.as_deref()?;
                let known = roster(&self.state);
                let agent = known.iter().find(|agent| agent.name == name)?;
                agent.holds.first().copied()
            }
            (_, _, View::Andon) => self.state.alert(self.andon.selected?)?.order,
            (_, _, View::Flow) => self.flow.list().selected,
            _ => None,
        }
    }

    /// Returns the alert that acts would be about.
    pub fn selected_alert(&self) -> Option<AlertId> {
        self.andon
            .selected
            .filter(|id| self.view == View::Andon && self.state.alerts.contains_key(id))
    }

    /// Returns the alert that is looked at, open or resolved.
    pub fn shown_alert(&self) -> Option<AlertId> {
        let selected = self.andon.selected.filter(|_| self.view == View::Andon)?;
        self.queue.row(selected).map(|_| selected)
    }

    /// Returns the agent that acts would be about.
    pub fn selected_agent(&self) -> Option<&str> {
        self.agents
            .selected
            .as_deref()
            .filter(|_| self.view == View::Agents)
    }

    /// Returns whether acts are about what is marked: on the board, with the keys in it.
    pub fn acts_on_marks(&self) -> bool {
        self.view == View::Kanban && self.focus == Focus::View && !self.marks.is_empty()
    }

    /// Returns the event under the cursor.
    pub fn selected_event(&self) -> Option<&Entry> {
        self.events.entry(self.events.list.selected?)
    }

    /// Returns whether something is selected that can be opened or copied.
    pub fn selects_anything(&self) -> bool {
        self.selected_order().is_some()
            || self.shown_alert().is_some()
            || self.selected_agent().is_some()
            || (self.view == View::Events && self.selected_event().is_some())
    }
}
